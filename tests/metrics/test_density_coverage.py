import numpy as np
import pytest

from jaxgan.metrics import density_coverage


def vectors(n, seed, d=4):
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)


def loop(real, fake, k):
    radii = np.sort(np.linalg.norm(real[:, None] - real[None], axis=-1), 1)[:, k]
    inside = np.linalg.norm(real[:, None] - fake[None], axis=-1) <= radii[:, None]  # [M, N]
    return inside.sum(0).mean() / k, inside.any(1).mean()


@pytest.mark.parametrize(("k", "chunk"), [(5, 1024), (3, 7)])
def test_it_matches_a_loop_at_any_chunk(k, chunk):
    real, fake = vectors(60, 0), 1.3 * vectors(50, 1) + 0.5
    assert density_coverage(real, fake, k, chunk) == pytest.approx(loop(real, fake, k), abs=0.01)


def test_equal_laws_have_density_one_and_the_coverage_that_theory_says():
    found = np.mean([density_coverage(vectors(300, 2 * i), vectors(300, 2 * i + 1)) for i in range(8)], 0)
    # Naeem et al. 2020, eq. 8: 1 - (N - 1)...(N - k) / ((2N - 1)...(2N - k)), about 1 - 2^-k.
    assert found == pytest.approx([1, 1 - 2**-5], abs=0.03)


def test_an_outlier_among_the_reals_does_not_make_far_fakes_dense():
    real = np.concatenate([vectors(100, 0), np.full((1, 4), 30, np.float32)])
    fake = np.full((50, 4), 20, np.float32) + vectors(50, 1)
    density, coverage = density_coverage(real, fake)
    assert density == pytest.approx(1 / 5) and coverage == pytest.approx(1 / 101)


def test_too_few_members_are_refused():
    with pytest.raises(ValueError, match="more than 5 real"):
        density_coverage(vectors(5, 0), vectors(10, 1))
