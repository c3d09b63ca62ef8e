import numpy as np
import pytest

from jaxgan.metrics import precision_recall


def vectors(n, seed, d=4):
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)


def loop(real, fake, k):
    def covered(points, members):
        distances = np.linalg.norm(members[:, None] - members[None], axis=-1)
        radii = np.sort(distances, 1)[:, k]
        return np.mean([np.any(np.linalg.norm(p - members, axis=-1) <= radii) for p in points])

    return covered(fake, real), covered(real, fake)


@pytest.mark.parametrize("offset", [0.0, 500.0])
@pytest.mark.parametrize("chunk", [7, 1024])
def test_it_matches_a_loop_at_any_chunk_and_offset(offset, chunk):
    real, fake = vectors(60, 0), 1.3 * vectors(50, 1) + 0.5
    expected = loop(real.astype(np.float64), fake.astype(np.float64), 3)
    assert precision_recall(real + offset, fake + offset, chunk=chunk) == pytest.approx(expected, abs=0.021)


def test_equal_sets_have_both_and_sets_far_apart_neither():
    x = vectors(50, 0)
    assert precision_recall(x, x) == (1.0, 1.0)
    assert precision_recall(x, x + 100) == (0.0, 0.0)


def test_a_lost_half_costs_recall_and_a_wild_half_costs_precision():
    left, right = vectors(80, 0), vectors(80, 1) + 50
    real = np.concatenate([left, right])
    precision, recall = precision_recall(real, vectors(160, 2))
    assert precision > 0.8 and 0.4 < recall < 0.55
    precision, recall = precision_recall(vectors(160, 3), np.concatenate([vectors(80, 4), vectors(80, 5) + 50]))
    assert 0.4 < precision < 0.55 and recall > 0.8


def test_too_few_members_are_refused():
    with pytest.raises(ValueError, match="more than 3"):
        precision_recall(vectors(3, 0), vectors(10, 1))
