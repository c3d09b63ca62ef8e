"""Trunks of residual units: their pooling, and what channel attention does."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxgan.nn.irse import SqueezeExcite, Unit
from jaxgan.nn.resnet import half_maxima
from tests.tolerances import OP


@pytest.mark.parametrize("side", [4, 7, 8])
def test_maxima_are_those_of_windows_that_hang_over_the_border(side):
    x = jax.random.normal(jax.random.key(0), (2, side, side, 3))
    pads = ((0, 0), (1, 1), (1, 1), (0, 0))
    np.testing.assert_array_equal(
        half_maxima(x), lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), pads)
    )


def test_attention_scales_channels_by_what_is_seen_everywhere(close):
    x = jax.random.normal(jax.random.key(1), (2, 4, 4, 32))
    y, _ = SqueezeExcite().init_with_output(jax.random.key(2), x)
    scale = y / x
    close(scale, jnp.broadcast_to(scale[:, :1, :1], x.shape), 10 * OP)
    assert float(scale.min()) > 0 and float(scale.max()) < 1


def test_a_unit_whose_branch_says_nothing_leaves_pixels_out(close):
    unit, x = Unit(3, stride=2), jax.random.normal(jax.random.key(3), (2, 6, 6, 3))
    variables = jax.tree.map(lambda v: v, unit.init(jax.random.key(4), x))
    variables["params"]["bn2"] = jax.tree.map(jnp.zeros_like, variables["params"]["bn2"])
    close(unit.apply(variables, x), x[:, ::2, ::2], OP)
