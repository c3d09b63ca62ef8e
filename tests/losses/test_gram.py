import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import losses
from jaxgan.core.network import initialise
from jaxgan.losses import degrade
from tests import tolerances


class Maps(nn.Module):
    """Two small feature maps."""

    @nn.compact
    def __call__(self, images):
        first = nn.relu(nn.Conv(5, (1, 1))(images))
        return first, nn.relu(nn.Conv(4, (1, 1), strides=2)(first))


@pytest.fixture(scope="module")
def network():
    return initialise(Maps(), jax.random.key(0), jnp.zeros((1, 8, 8, 3)))


def images(key):
    return jax.random.uniform(jax.random.key(key), (2, 8, 8, 3), minval=-1, maxval=1)


def test_it_is_the_distance_of_gram_matrices(network):
    x, y = images(0), images(1)
    expected = np.zeros(2)
    for a, b in zip(network(x), network(y)):
        flat = [np.asarray(m, np.float64).reshape(2, -1, m.shape[-1]) for m in (a, b)]
        grams = [np.einsum("npc,npd->ncd", m, m) / m.shape[1] for m in flat]
        expected += np.square(grams[0] - grams[1]).mean((1, 2))
    np.testing.assert_allclose(losses.gram(network)(x, y)[0], expected, rtol=tolerances.NETWORK)


def test_where_a_texture_lies_does_not_matter_and_what_is_masked_neither(network):
    x = images(0)
    rolled = jnp.roll(x, (2, 4), (1, 2))  # an even step, which the strided map follows
    np.testing.assert_allclose(losses.gram(network)(x, rolled)[0], 0, atol=1e-10)
    mask = degrade.box((8, 8), (0, 0, 8, 3))
    masked = losses.observed(losses.gram(network), degrade.hole(mask))
    np.testing.assert_array_equal(masked(x, x.at[:, :, :3].set(1.0))[0], np.zeros(2))
