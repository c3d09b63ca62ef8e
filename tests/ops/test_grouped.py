import jax
import jax.numpy as jnp
import pytest

from jaxgan.ops.grouped import conv_groups
from jaxgan.ops.resample import conv
from tests.tolerances import OP

X = jax.random.normal(jax.random.key(0), (2, 5, 6, 12))
W = jax.random.normal(jax.random.key(1), (3, 3, 4, 6))  # three groups of 4 to 2 channels


@pytest.mark.parametrize("form", ["library", "split", "gathered", None])
def test_each_group_is_convolved_by_itself(form, close):
    parts = [conv(X[..., 4 * g : 4 * g + 4], W[..., 2 * g : 2 * g + 2]) for g in range(3)]
    close(conv_groups(X, W, form), jnp.concatenate(parts, -1), OP)


def test_one_group_is_the_plain_convolution(close):
    w = jax.random.normal(jax.random.key(1), (3, 3, 12, 5))
    close(conv_groups(X, w), conv(X, w), OP)
