import jax
import numpy as np
import pytest

from jaxgan.core.moments import covariance
from jaxgan.features.random import random_features
from jaxgan.metrics import observe
from tests import tolerances


def pictures(n=44, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (n, 16, 16, 3)).astype(np.float32)


def batches(images, size=16):
    return (images[i : i + size] for i in range(0, len(images), size))


def test_all_devices_see_what_one_sees_and_no_padding():
    features, images = random_features(), pictures()
    one = observe(batches(images), features)
    all_of_them = observe(batches(images), features, devices=jax.devices())
    assert len(jax.devices()) == 8  # neither 44 nor 12 images divide among them
    assert int(one.moments.count) == int(all_of_them.moments.count) == len(images)
    np.testing.assert_allclose(one.vectors, all_of_them.vectors, atol=tolerances.OP)
    scale = np.abs(one.moments.m2).max()
    assert (
        np.abs(np.asarray(one.moments.m2) - np.asarray(all_of_them.moments.m2)).max() <= 2 * tolerances.DEVICES * scale
    )


def test_moments_are_those_of_the_vectors_in_float64():
    seen = observe(batches(pictures()), random_features())
    exact = seen.vectors.astype(np.float64)
    spread = np.cov(exact, rowvar=False)
    assert np.abs(np.asarray(seen.moments.mean) - exact.mean(0)).max() <= tolerances.MOMENTS
    assert np.abs(np.asarray(covariance(seen.moments)) - spread).max() <= tolerances.MOMENTS * np.abs(spread).max()


def test_vectors_come_in_order_and_progress_counts_images():
    images, said = pictures(), []
    seen = observe(batches(images, 20), lambda x: x.mean((1, 2)), tick=said.append)
    np.testing.assert_allclose(seen.vectors, images.mean((1, 2)), atol=tolerances.OP)
    assert said == [20, 20, 4]
    assert observe(batches(images), lambda x: x.mean((1, 2)), keep=False).vectors is None


def test_features_that_are_no_vectors_are_refused():
    with pytest.raises(ValueError, match="one vector each"):
        observe(batches(pictures()), lambda x: x)
    with pytest.raises(ValueError, match="one vector each"):
        observe(batches(pictures()), lambda x: (x.mean((1, 2)),))
