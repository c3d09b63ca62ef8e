import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

from jaxgan.core import moments
from jaxgan.features.random import random_features
from jaxgan.metrics import collect, figure_name, frechet, frechet_distance
from jaxgan.metrics.bootstrap import draws
from jaxgan.metrics.fid import frechet_error, frechet_of_vectors, symmetric_root
from tests import tolerances


def gaussian(n, d, seed, offset=0.0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) + offset).astype(np.float32)


def by_sqrtm(a, b):
    a, b = a.astype(np.float64), b.astype(np.float64)
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = scipy.linalg.sqrtm(cov_a @ cov_b).real
    return np.square(a.mean(0) - b.mean(0)).sum() + np.trace(cov_a + cov_b - 2 * root)


@pytest.mark.parametrize(("d", "offset"), [(1, 0.0), (4, 0.0), (16, 30.0)])
def test_distance_equals_the_matrix_square_root_of_scipy(d, offset):
    a, b = gaussian(500, d, 0), gaussian(400, d, 1, offset)
    expected = by_sqrtm(a, b) if d > 1 else (a.mean() - b.mean()) ** 2 + (a.std(ddof=1) - b.std(ddof=1)) ** 2
    found = frechet_distance(moments.of(a), moments.of(b))
    assert abs(found - expected) <= 1e-6 * max(1, expected)


@pytest.mark.parametrize(("n", "d"), [(40, 12), (10, 24)])
def test_its_error_is_the_spread_of_sets_drawn_again(n, d):
    a, b = gaussian(60, d, 0), gaussian(n, d, 1, 1.0)
    expected = [frechet_distance(moments.of(a), moments.of(np.repeat(b, c.astype(int), axis=0)))
                for c in draws(np.random.default_rng(3), n, 5)]  # fmt: skip
    found = frechet_error(moments.of(a), b, 5, np.random.default_rng(3))
    np.testing.assert_allclose(found, np.std(expected, ddof=1), rtol=1e-4)


def test_its_error_is_the_spread_over_generated_sets():
    real, rng = moments.of(gaussian(2000, 4, 0)), np.random.default_rng(0)
    mix = np.random.default_rng(9).standard_normal((4, 4))
    fakes = [(rng.standard_normal((200, 4)) @ mix).astype(np.float32) for _ in range(100)]
    errors = [frechet_error(real, fake, 40, rng) for fake in fakes[:5]]
    assert np.mean(errors) == pytest.approx(np.std([frechet_distance(real, moments.of(f)) for f in fakes]), rel=0.35)


@pytest.mark.parametrize(("m", "n", "d"), [(500, 400, 16), (30, 40, 64), (200, 30, 64), (30, 200, 64)])
def test_distance_of_vectors_is_the_definition_also_with_fewer_members_than_features(m, n, d):
    a, b = gaussian(m, d, 0), gaussian(n, d, 1, 1.0)
    centred = [(x.astype(np.float64) - x.astype(np.float64).mean(0)) / np.sqrt(len(x) - 1) for x in (a, b)]
    overlap = np.linalg.svd(centred[0] @ centred[1].T, compute_uv=False).sum()
    means = np.square(a.mean(0, dtype=np.float64) - b.mean(0, dtype=np.float64)).sum()
    expected = means + sum(np.square(x).sum() for x in centred) - 2 * overlap
    assert frechet_of_vectors(a, b) == pytest.approx(expected, rel=1e-6)
    if min(m, n) > d:
        assert frechet_of_vectors(a, b) == pytest.approx(by_sqrtm(a, b), rel=1e-6)


def test_square_root_is_that_of_scipy():
    c = np.cov(gaussian(200, 16, 0).astype(np.float64), rowvar=False)
    np.testing.assert_allclose(symmetric_root(c), scipy.linalg.sqrtm(c).real, atol=1e-9)


def test_distance_of_shifted_and_scaled_gaussians_is_the_closed_form():
    a = gaussian(300, 5, 0)
    shift = np.array([1, 0, 2, 0, 0], np.float32)
    assert abs(frechet_distance(moments.of(a), moments.of(a + shift)) - 5) < 1e-4
    spread = np.trace(np.cov(a.astype(np.float64), rowvar=False))
    centred = a - a.mean(0)
    found = frechet_distance(moments.of(centred), moments.of(3 * centred))
    assert abs(found - 4 * spread) <= tolerances.OP * 4 * spread


def test_distance_is_symmetric_and_zero_to_itself_also_with_few_members():
    a, b = moments.of(gaussian(10, 32, 0)), moments.of(gaussian(50, 32, 1))
    assert frechet_distance(a, a) < 1e-6 * frechet_distance(a, b)
    np.testing.assert_allclose(frechet_distance(a, b), frechet_distance(b, a), rtol=1e-9)


def test_sets_that_have_no_distance_are_refused():
    a = moments.of(gaussian(10, 4, 0))
    with pytest.raises(ValueError, match="at least 2"):
        frechet_distance(a, moments.of(gaussian(1, 4, 0)))
    with pytest.raises(ValueError, match="not finite"):
        frechet_distance(moments.of(np.full((5, 4), np.nan, np.float32)), a)
    with pytest.raises(ValueError, match="4 and 3 features"):
        frechet_distance(a, moments.of(gaussian(10, 3, 0)))
    with pytest.raises(ValueError, match="no images"):
        collect([], random_features())


def scenes(key, n=96, side=32):
    """Blurred noise: images with structure at several scales."""
    coarse = jax.random.normal(jax.random.key(key), (n, 8, 8, 3))
    return np.asarray(jnp.tanh(jax.image.resize(coarse, (n, side, side, 3), "cubic")))


def batches(images, size=32):
    return (images[i : i + size] for i in range(0, len(images), size))


def test_streaming_equals_one_batch_and_the_padded_rest_does_not_count():
    features, x = random_features(), scenes(0)
    whole = collect([x], features)
    parts = collect(batches(x, 36), features)
    assert int(whole.count) == int(parts.count) == len(x)
    np.testing.assert_allclose(parts.mean, whole.mean, rtol=1e-4, atol=tolerances.OP)
    scale = np.abs(whole.m2).max()
    assert np.abs(np.asarray(parts.m2) - np.asarray(whole.m2)).max() <= tolerances.OP * scale


def test_one_program_serves_all_batches():
    calls = []

    def features(images):
        calls.append(images.shape)
        return images.mean((1, 2))

    collect(batches(scenes(0), 36), features)
    # The first batch starts the sum, the others are added to it; the short one is padded.
    assert calls == [(36, 32, 32, 3)] * 2


def test_random_features_are_the_same_on_every_machine():
    x = np.sin(0.37 * np.arange(2 * 16 * 16 * 3)).astype(np.float32).reshape(2, 16, 16, 3)
    vectors = random_features()(x)
    assert vectors.shape == (2, 736)
    # Written down once: another stream of numbers would make old figures incomparable.
    np.testing.assert_allclose(
        vectors[0, np.array([1, 40, 100, 230])], [0.627532, 0.226, 1.123503, 0.651744], rtol=1e-4
    )


def test_frechet_of_random_features_grows_with_every_kind_of_damage():
    features, real, other = random_features(), scenes(0), scenes(1)
    known = collect(batches(real), features)

    def figure(images):
        return frechet(known, batches(images), features)

    floor = figure(other)
    assert figure(real) < 1e-3 * floor
    rng = np.random.default_rng(0)
    noisy = [
        figure(np.clip(other + s * rng.standard_normal(other.shape).astype(np.float32), -1, 1)) for s in (0.2, 0.5)
    ]
    coarse = [
        figure(np.asarray(jax.image.resize(jax.image.resize(other, (96, s, s, 3), "linear"), other.shape, "linear")))
        for s in (12, 4)
    ]
    few = [figure(other[np.arange(96) % m]) for m in (8, 1)]
    for damage in (noisy, coarse, few):
        assert floor < damage[0] < damage[1]


def test_a_figure_is_named_after_its_features_and_never_fid():
    assert figure_name(random_features()) == "frechet_random"
