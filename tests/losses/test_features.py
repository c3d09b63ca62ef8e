"""Feature maps of any network as an objective."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.core.network import Network, initialise
from jaxgan.losses import features
from jaxgan.losses.features import inside
from jaxgan.models import stylegan2
from tests import tolerances

KEY = jax.random.key(4)


@pytest.fixture(scope="module")
def judge():
    module = stylegan2.discriminator(resolution=8, channel_base=32, channel_max=4)
    return initialise(module, KEY, jnp.zeros((2, 8, 8, 3)))


def images(key, n=3):
    return jax.random.uniform(jax.random.key(key), (n, 8, 8, 3), minval=-1, maxval=1)


class Maps(nn.Module):
    """Two maps, whose values are known: the image, and its mean over 2x2 cells."""

    @nn.compact
    def __call__(self, x):
        n, h, w, c = x.shape
        return x, x.reshape(n, h // 2, 2, w // 2, 2, c).mean((2, 4))


def test_maps_are_compared_pixel_by_pixel_at_length_one(close):
    a, b = images(0), images(1)
    got, parts = features(Network({}, {}, Maps()))(a, b)
    expected = 0.0
    for x, y in zip(Maps().apply({}, a), Maps().apply({}, b), strict=True):
        unit = lambda v: v / np.linalg.norm(v, axis=-1, keepdims=True)
        expected = expected + np.square(unit(x) - unit(y)).sum(-1).mean((1, 2)) / 2
    close(got, expected, tolerances.OP)
    assert set(parts) == {"features"}


def test_a_discriminators_blocks_are_its_features(judge):
    names = set(inside(judge, (images(0),)))
    assert {"b8", "b8/conv0"} <= names and "b4" not in names
    a, b = images(0), images(1)
    by_default, _ = features(judge)(a, b)
    by_name, _ = features(judge, ["b8"])(a, b)
    np.testing.assert_array_equal(by_default, by_name)
    assert jnp.all(by_default > 0)
    np.testing.assert_array_equal(features(judge)(a, a)[0], 0)
    assert jnp.all(features(judge, ["b*/conv0"])(a, b)[0] != by_default)


def test_each_pair_is_judged_alone_and_the_target_once(judge, close):
    a, b = images(0), images(1)
    loss = features(judge)
    target = loss.prepare(b)
    close(loss(a, target)[0], loss(a, b)[0], tolerances.OP)
    close(loss(a, b)[0][1:2], loss(a[1:2], b[1:2])[0], tolerances.OP)


def test_the_gradient_is_finite_where_images_are_equal(judge):
    a = images(0)
    slope = jax.jit(jax.grad(lambda x, y: features(judge)(x, y)[0].sum()))
    assert np.all(np.isfinite(slope(a, a))) and np.abs(slope(a, images(1))).max() > 0


def test_a_layer_that_is_not_there_is_answered_with_those_that_are(judge):
    with pytest.raises(ValueError, match="b8"):
        features(judge, ["conv7"])(images(0), images(1))
