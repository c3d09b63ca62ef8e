"""The identity objective: cosines of embeddings, whatever embeds."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.core import Network
from jaxgan.losses import identity
from tests.tolerances import OP


class Means(nn.Module):
    """Embed images as their mean colours."""

    @nn.compact
    def __call__(self, images):
        return images.mean((1, 2))


COLOURS = jnp.array([[1.0, 0, 0], [0, 1, 0], [-1, 0, 0]])
IMAGES = jnp.broadcast_to(COLOURS[:, None, None], (3, 4, 4, 3))


def test_the_loss_is_one_less_the_cosine_whatever_the_lengths(close):
    objective = identity(Network({}, {}, Means()))
    total, parts = objective(IMAGES[:1].repeat(3, 0) * 5, IMAGES * 0.1)
    close(total, [0, 1, 2], OP)
    assert list(parts) == ["identity"]


def test_gradients_go_to_the_images_only_and_are_finite_at_nothing():
    objective = identity(Network({}, {}, Means()))
    slope = jax.grad(lambda x: objective(x, IMAGES)[0].sum())(jnp.zeros_like(IMAGES))
    assert np.all(np.isfinite(slope))
    assert np.all(jax.grad(lambda y: objective(IMAGES + 0.1, y)[0].sum())(IMAGES) == 0)
