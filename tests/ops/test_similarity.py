import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.ops import similarity
from jaxgan.ops.warp import separable
from tests import tolerances


def images(key, shape=(2, 24, 21, 3)):
    return jax.random.uniform(jax.random.key(key), shape, minval=-1, maxval=1)


def loop_ssim(a, b, window=11, sigma=1.5, span=2.0):
    """SSIM of one channel by a loop over windows, in float64."""
    taps = np.exp(-0.5 * ((np.arange(window) - window // 2) / sigma) ** 2)
    weight = np.outer(taps, taps) / taps.sum() ** 2
    c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
    values = []
    for i in range(a.shape[0] - window + 1):
        for j in range(a.shape[1] - window + 1):
            x, y = a[i : i + window, j : j + window], b[i : i + window, j : j + window]
            mx, my = (weight * x).sum(), (weight * y).sum()
            vx, vy = (weight * (x - mx) ** 2).sum(), (weight * (y - my) ** 2).sum()
            cov = (weight * (x - mx) * (y - my)).sum()
            values.append((2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2)))
    return np.mean(values)


def test_structural_similarity_matches_a_loop_over_windows():
    a = images(0, (2, 16, 14, 2))
    b = jnp.clip(a + 0.3 * images(1, a.shape), -1, 1)
    expected = [
        np.mean([loop_ssim(*np.asarray([a[n, ..., c], b[n, ..., c]], np.float64)) for c in range(2)]) for n in range(2)
    ]
    np.testing.assert_allclose(similarity.structural_similarity(a, b)[0], expected, atol=tolerances.OP)


@pytest.mark.parametrize("side", [1, 4, 10])
def test_window_is_clipped_to_small_images(side):
    a = images(0, (2, side, side, 3))
    np.testing.assert_allclose(similarity.structural_similarity(a, a)[0], 1, atol=tolerances.OP)


@pytest.mark.parametrize("shape", [(1, 16, 16, 3), (2, 24, 21, 1), (1, 7, 33, 2), (1, 3, 3, 1)])
def test_pyramid_collapses_to_the_image(shape):
    x = images(0, shape)
    np.testing.assert_allclose(similarity.collapse(similarity.laplacian_pyramid(x, 5)), x, atol=tolerances.OP)


def test_bands_of_a_flat_image_are_zero_up_to_the_border():
    bands = similarity.laplacian_pyramid(jnp.full((1, 21, 16, 3), 0.7), 4)
    assert len(bands) == 4
    for band in bands[:-1]:
        np.testing.assert_allclose(band, 0, atol=tolerances.OP)
    np.testing.assert_allclose(bands[-1], 0.7, rtol=tolerances.OP)


def test_reduce_is_the_binomial_blur_at_every_other_pixel():
    x = np.asarray(images(0, (1, 17, 16, 1)))
    small = separable(x, similarity.reduce_band(17), similarity.reduce_band(16))
    kernel = np.outer(similarity.BINOMIAL, similarity.BINOMIAL)
    for i, j in ((2, 3), (4, 5)):
        patch = x[0, 2 * i - 2 : 2 * i + 3, 2 * j - 2 : 2 * j + 3, 0]
        np.testing.assert_allclose(small[0, i, j, 0], (patch * kernel).sum(), rtol=tolerances.OP)


def test_halve_averages_cells_and_drops_an_odd_border():
    x = jnp.arange(15.0).reshape(1, 3, 5, 1)
    np.testing.assert_array_equal(similarity.halve(x)[0, :, :, 0], [[3.0, 5.0]])
