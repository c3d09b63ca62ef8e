import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.core import moments
from tests import tolerances


def vectors(n=1000, d=6, offset=0.0, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) + offset).astype(np.float32)


def reference(x):
    x = np.asarray(x, np.float64)
    return x.mean(0), np.cov(x, rowvar=False)


def streamed(x, size):
    m = moments.empty(x.shape[1])
    step = jax.jit(moments.update)
    for start in range(0, len(x), size):
        m = step(m, x[start : start + size])
    return m


def assert_exact(m, x, tolerance):
    mean, cov = reference(x)
    # A float32 mean near a large offset cannot hold more than its own digits; its low part holds the rest.
    found = np.asarray(m.mean, np.float64) + np.asarray(m.mean_low, np.float64)
    assert np.abs(found - mean).max() <= tolerance * np.sqrt(np.diag(cov)).max()
    assert np.abs(np.asarray(moments.covariance(m), np.float64) - cov).max() <= tolerance * np.abs(cov).max()


@pytest.mark.parametrize("offset", [0.0, 1e4, -1e5])
@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_streaming_equals_float64_at_any_offset_and_batch_size(offset, size):
    x = vectors(n=500 if size == 1 else 1000, offset=offset)
    assert_exact(streamed(x, size), x, tolerances.MOMENTS)


def test_many_small_batches_do_not_drift():
    x = vectors(n=40_000, d=3, offset=100.0)
    m, _ = jax.lax.scan(lambda m, b: (moments.update(m, b), None), moments.empty(3), x.reshape(-1, 4, 3))
    assert int(m.count) == len(x)
    assert_exact(m, x, tolerances.MOMENTS)


def test_far_apart_sets_merge_to_the_whole():
    a, b = vectors(200, offset=0.0, seed=1), vectors(800, offset=3e3, seed=2)
    both = np.concatenate([a, b])
    assert_exact(moments.merge(moments.of(a), moments.of(b)), both, tolerances.MOMENTS)


def test_merge_is_commutative_and_associative_up_to_rounding():
    a, b, c = (moments.of(vectors(n, seed=n, offset=50.0)) for n in (10, 200, 33))
    left, right = moments.merge(moments.merge(a, b), c), moments.merge(a, moments.merge(c, b))
    np.testing.assert_allclose(moments.covariance(left), moments.covariance(right), rtol=tolerances.OP, atol=1e-6)
    np.testing.assert_allclose(left.mean, right.mean, rtol=tolerances.OP)
    assert int(left.count) == int(right.count) == 243


@pytest.mark.parametrize("shards", [2, 5, 8])
def test_principal_axes_do_not_depend_on_the_number_of_shards(shards):
    x = vectors(1001, offset=1e3, seed=4)  # no number of shards divides them
    whole = streamed(x, 100)
    merged = moments.empty(6)
    for part in np.array_split(x, shards)[::-1]:
        merged = moments.merge(merged, streamed(part, 64))
    _, sizes, axes = np.linalg.svd(x.astype(np.float64) - x.mean(0, dtype=np.float64), full_matrices=False)
    for m in (whole, merged):
        values, vectors_ = np.linalg.eigh(np.asarray(moments.covariance(m), np.float64))
        assert np.abs(values[::-1] - sizes**2 / 1000).max() < 1e-5 * values.max()
        assert np.abs((vectors_.T[::-1] * axes).sum(1)).min() > 1 - 1e-6


def test_empty_is_neutral_bit_for_bit():
    m = moments.of(vectors(100, offset=1e4))
    for merged in (moments.merge(moments.empty(6), m), moments.merge(m, moments.empty(6))):
        assert jax.tree.all(jax.tree.map(np.array_equal, merged, m))


def test_masked_rows_do_not_count_even_when_they_hold_nan():
    x = vectors(64, offset=10.0)
    padded = np.concatenate([np.full((3, 6), np.nan, np.float32), x, np.full((5, 6), 1e30, np.float32)])
    mask = np.array([0.0] * 3 + [1.0] * 64 + [0.0] * 5)
    m = moments.of(padded, mask)
    assert int(m.count) == 64
    assert_exact(m, x, tolerances.MOMENTS)


def test_a_batch_of_padding_changes_nothing():
    m = moments.of(vectors(100))
    same = moments.update(m, np.full((4, 6), np.nan, np.float32), jnp.zeros(4))
    assert jax.tree.all(jax.tree.map(np.array_equal, same, m))


def test_covariance_of_one_vector_is_zero():
    assert np.array_equal(moments.covariance(moments.of(vectors(1))), np.zeros((6, 6)))
