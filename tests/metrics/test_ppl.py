import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.features.random import random_features
from jaxgan.metrics import diversity, path_length, perceptual, trimmed_mean
from jaxgan.metrics.ppl import arc, seen
from tests import tolerances
from tests.planted import linear, orthogonal, style

KEY = jax.random.key(0)


def squared(a, b):
    return jnp.square(a - b).sum((1, 2, 3))


def test_of_a_rotation_it_is_the_squared_speed_of_the_code():
    g = linear(orthogonal(jax.random.key(1), 16))
    for where in ("end", "full"):
        found = path_length(g, squared, KEY, 40, space="z", where=where, epsilon=1e-3, batch=16)
        assert found.shape == (40,)
        # Two random directions in 16 dimensions stand at some 90 degrees: speed^2 = angle^2 |z|^2 + (change of |z|)^2.
        assert np.mean(found) == pytest.approx((np.pi / 2) ** 2 * 16, rel=0.15)


def test_the_arc_goes_through_its_ends_with_even_angle_and_length():
    a, b = jax.random.normal(KEY, (2, 5, 8))
    b = 2 * b
    at = lambda t: arc(a, b, jnp.full(5, t))
    np.testing.assert_allclose(at(0.0), a, atol=tolerances.OP)
    np.testing.assert_allclose(at(1.0), b, atol=tolerances.OP)
    length = lambda x: jnp.linalg.norm(x, axis=1)
    np.testing.assert_allclose(length(at(0.25)), 0.75 * length(a) + 0.25 * length(b), rtol=tolerances.OP)
    angle = lambda x, y: jnp.arccos(jnp.sum(x * y, 1) / length(x) / length(y))
    np.testing.assert_allclose(angle(a, at(0.25)), angle(a, b) / 4, rtol=1e-4)


def test_directions_are_those_of_the_published_code():
    a, b = jax.random.normal(KEY, (2, 5, 8), jnp.float32)
    unit = lambda x: x / np.linalg.norm(x, axis=1, keepdims=True)
    p, q = (unit(np.asarray(x, np.float64)) for x in (a, b))
    omega = np.arccos((p * q).sum(1, keepdims=True))
    expected = (np.sin(0.7 * omega) * p + np.sin(0.3 * omega) * q) / np.sin(omega)
    np.testing.assert_allclose(unit(np.asarray(arc(a, b, jnp.full(5, 0.3)))), expected, atol=tolerances.OP)


def test_in_w_the_path_is_straight_and_both_images_share_their_noise():
    g, said = style(0, resolution=8, channel_base=64, channel_max=8), []

    def distance(a, b):
        said.append((a, b))
        return squared(a, b)

    coarse = path_length(g, distance, KEY, 8, epsilon=1e-2, batch=8)
    fine = path_length(g, distance, KEY, 8, epsilon=5e-3, batch=8)
    # Were the noise drawn anew, halving the step would make the lengths four times as large.
    np.testing.assert_allclose(fine, coarse, rtol=0.1)
    assert not np.allclose(said[0][0][0], said[0][0][1])


def test_conditional_generators_and_those_without_w_are_measured():
    g = style(1, resolution=8, channel_base=64, channel_max=8, classes=3)
    features, asked = random_features(), []

    def cond(key, n):
        asked.append(n)
        return jax.nn.one_hot(jnp.arange(n) % 3, 3)

    distance = perceptual(features)
    assert np.isfinite(path_length(g, distance, KEY, 4, space="z", where="full", batch=4, cond=cond)).all()
    assert (diversity(g, distance, KEY, 6, batch=4, cond=cond) > 0).all()
    assert asked == [4, 4, 4]
    with pytest.raises(ValueError, match="no w; take space 'z'"):
        path_length(linear(jnp.eye(16)), squared, KEY, 2, space="w")
    with pytest.raises(ValueError, match="Did you mean 'end'"):
        path_length(g, squared, KEY, 2, where="ends")


def test_diversity_is_the_distance_of_independent_codes():
    found = diversity(linear(orthogonal(KEY, 16)), squared, KEY, 400, batch=100)
    assert np.mean(found) == pytest.approx(2 * 16, rel=0.1)


def test_extremes_are_left_out():
    values = np.random.default_rng(0).permutation(np.arange(1000.0))
    low, high = np.percentile(values, 1, method="lower"), np.percentile(values, 99, method="higher")
    assert trimmed_mean(values) == pytest.approx(np.mean(np.arange(low, high + 1)))
    assert trimmed_mean([3.0]) == 3.0


def test_large_images_are_averaged_and_faces_cropped():
    x = jax.random.normal(KEY, (1, 512, 512, 1))
    np.testing.assert_allclose(seen(x, False)[0, 3, 5, 0], x[0, 6:8, 10:12, 0].mean(), atol=tolerances.OP)
    assert seen(x, True).shape == (1, 128, 128, 1)
    small = x[:, :16, :16]
    assert np.array_equal(seen(small, True), small[:, 6:14, 4:12])
