import numpy as np
import pytest

from jaxgan.metrics import kernel_distance
from jaxgan.metrics.bootstrap import draws
from jaxgan.metrics.kid import blockwise


def vectors(n, seed, shift=0.0, d=5):
    return (np.random.default_rng(seed).standard_normal((n, d)) + shift).astype(np.float32)


def kernel(x, y):
    return (x.astype(np.float64) @ y / len(x) + 1) ** 3


def loop(a, b, counts=None):
    counts = np.ones(len(b)) if counts is None else counts
    off = lambda s, w: [
        w[i] * w[j] * np.array([kernel(s[i], s[j]), 1]) for i in range(len(s)) for j in range(len(s)) if i != j
    ]
    ratio = lambda pairs: np.sum(pairs, 0)[0] / np.sum(pairs, 0)[1]
    across = [counts[j] * np.array([kernel(x, y), 1]) for x in a for j, y in enumerate(b)]
    return ratio(off(a, np.ones(len(a)))) + ratio(off(b, counts)) - 2 * ratio(across)


def test_it_is_the_published_definition():
    a, b = vectors(7, 0), vectors(9, 1, 0.5)
    assert kernel_distance(a, b) == pytest.approx(loop(a, b), rel=1e-9)


def test_features_far_from_zero_keep_their_digits():
    a, b = vectors(40, 0, 30, d=64), vectors(50, 1, 30.01, d=64)
    assert kernel_distance(a, b) == pytest.approx(loop(a, b), rel=1e-6)


def test_it_is_zero_on_average_for_equal_laws_and_positive_for_others():
    same = [kernel_distance(vectors(20, 2 * i), vectors(20, 2 * i + 1)) for i in range(200)]
    assert abs(np.mean(same)) < 3 * np.std(same) / np.sqrt(len(same))
    assert min(same) < 0
    assert kernel_distance(vectors(20, 0), vectors(20, 1, 1.0)) > 5 * np.std(same)


def test_blocks_take_every_image_once():
    a, b = vectors(23, 0), vectors(17, 1, 0.5)
    expected = [kernel_distance(x, y) for x, y in zip(np.array_split(a, 3), np.array_split(b, 3), strict=True)]
    assert blockwise(a, b, size=6)[0] == pytest.approx(np.mean(expected), rel=1e-9)
    assert np.isnan(blockwise(a, b, size=6)[1])


def test_its_error_is_the_spread_of_sets_drawn_again():
    a, b = vectors(9, 0), vectors(8, 1, 0.5)
    counted = list(draws(np.random.default_rng(4), 8, 6))
    expected = np.std([loop(a, b, counts) for counts in counted], ddof=1)
    assert blockwise(a, b, replicates=6, rng=np.random.default_rng(4))[1] == pytest.approx(expected, rel=1e-9)


def test_its_error_is_the_spread_over_generated_sets():
    real, rng = vectors(300, 0), np.random.default_rng(0)
    found = [kernel_distance(real, vectors(100, 10 + i, 0.3)) for i in range(100)]
    errors = [blockwise(real, vectors(100, 500 + i, 0.3), replicates=40, rng=rng)[1] for i in range(5)]
    assert np.mean(errors) == pytest.approx(np.std(found), rel=0.35)


def test_a_single_member_and_other_features_are_refused():
    with pytest.raises(ValueError, match="needs 2 of each"):
        kernel_distance(vectors(1, 0), vectors(5, 1))
    with pytest.raises(ValueError, match="5 and 4 features"):
        kernel_distance(vectors(5, 0), vectors(5, 1, d=4))
