import numpy as np
import pytest

from jaxgan.metrics import kernel_distance
from tests import tolerances


def vectors(n, seed, shift=0.0, d=5):
    return (np.random.default_rng(seed).standard_normal((n, d)) + shift).astype(np.float32)


def test_it_matches_sums_over_pairs():
    a, b = vectors(7, 0), vectors(9, 1, 0.5)
    kernel = lambda x, y: (x.astype(np.float64) @ y / len(x) + 1) ** 3
    within = lambda s: np.mean([kernel(s[i], s[j]) for i in range(len(s)) for j in range(len(s)) if i != j])
    expected = within(a) + within(b) - 2 * np.mean([kernel(x, y) for x in a for y in b])
    np.testing.assert_allclose(kernel_distance(a, b), expected, rtol=tolerances.NETWORK)


def test_it_is_zero_on_average_for_equal_laws_and_positive_for_others():
    same = [float(kernel_distance(vectors(20, 2 * i), vectors(20, 2 * i + 1))) for i in range(200)]
    assert abs(np.mean(same)) < 3 * np.std(same) / np.sqrt(len(same))
    assert min(same) < 0
    assert kernel_distance(vectors(20, 0), vectors(20, 1, 1.0)) > 5 * np.std(same)


def test_a_single_member_is_refused():
    with pytest.raises(ValueError, match="needs 2 of each"):
        kernel_distance(vectors(1, 0), vectors(5, 1))
