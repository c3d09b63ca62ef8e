"""Warps: matrices, bilinear sampling with exact special cases, separable linear maps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxgan.ops import warp
from tests import tolerances


@pytest.fixture(scope="module")
def images():
    return jax.random.normal(jax.random.key(0), (2, 6, 6, 3))


def ones(value=1.0):
    return jnp.full(2, value)


def sampled_one_by_one(image, inverse):
    """Bilinear sampling with zero outside, one pixel after the other."""
    h, w, c = image.shape
    out = np.zeros((h, w, c))
    for row in range(h):
        for column in range(w):
            x, y, _ = inverse @ np.array([column - (w - 1) / 2, row - (h - 1) / 2, 1])
            x, y = x + (w - 1) / 2, y + (h - 1) / 2
            for i in range(h):
                for j in range(w):
                    out[row, column] += max(0, 1 - abs(y - i)) * max(0, 1 - abs(x - j)) * image[i, j]
    return out


def test_identity_gives_the_image_back(images):
    np.testing.assert_array_equal(warp.warp(images, warp.scaling(ones(), ones())), images)


def test_whole_pixel_translation_shifts_and_fills_with_zero(images, close):
    moved = warp.warp(images, warp.translation(ones(-2), ones(1)))
    expected = np.zeros_like(images)
    expected[:, :5, 2:] = np.asarray(images)[:, 1:, :4]
    close(moved, expected, tolerances.OP)


def test_mirror_and_quarter_turn_are_exact(images, close):
    close(warp.warp(images, warp.scaling(ones(-1), ones())), np.asarray(images)[:, :, ::-1], tolerances.OP)
    close(warp.warp(images, warp.rotation(ones(np.pi / 2))), np.rot90(images, 1, (1, 2)), tolerances.OP)


def test_warp_matches_sampling_pixel_by_pixel(close):
    images = jax.random.normal(jax.random.key(1), (2, 5, 7, 2))
    inverse = warp.compose(
        warp.translation(jnp.array([0.7, -9.0]), jnp.array([-1.3, 0.2])),
        warp.rotation(jnp.array([0.5, -1.9])),
        warp.scaling(jnp.array([1.4, 0.6]), jnp.array([0.8, 1.2])),
    )
    expected = [sampled_one_by_one(np.asarray(i), np.asarray(m)) for i, m in zip(images, inverse)]
    close(jax.jit(warp.warp)(images, inverse), np.stack(expected), tolerances.OP)


def test_compiled_sampling_is_continuous_at_whole_positions(close):
    """A floor and a remainder an ulp apart would jump by a whole pixel: about one position in 100 000 did."""
    n, size = 16, 140
    images = jax.random.normal(jax.random.key(2), (n, size, size, 1))
    inverse = warp.rotation(6 * jax.random.uniform(jax.random.key(3), (n,)))
    x, y = (
        np.asarray(p, np.float64) + (size - 1) / 2
        for p in jax.jit(warp.positions, static_argnums=(1, 2))(inverse, size, size)
    )
    x, y = np.clip(x, 0, size - 1), np.clip(y, 0, size - 1)
    j, i = np.minimum(np.floor(x), size - 2).astype(int), np.minimum(np.floor(y), size - 2).astype(int)
    pixels, k = np.asarray(images, np.float64)[..., 0], np.arange(n)[:, None, None]
    above = pixels[k, i, j] * (1 - x + j) + pixels[k, i, j + 1] * (x - j)
    below = pixels[k, i + 1, j] * (1 - x + j) + pixels[k, i + 1, j + 1] * (x - j)

    @jax.jit
    def sample(images, inverse):
        x, y = warp.positions(inverse, size, size)
        return warp.interpolate(images, x + (size - 1) / 2, y + (size - 1) / 2)

    # Positions near 140 carry an ulp of 1.5e-5 pixels, and neighbours differ by a few units.
    close(sample(images, inverse)[..., 0], above * (1 - y + i) + below * (y - i), 1e-4)


def test_warp_changes_size_about_the_centre(images, close):
    grown = warp.warp(images, warp.scaling(ones(), ones()), 8, 10)
    close(grown, np.pad(images, ((0, 0), (1, 1), (2, 2), (0, 0))), tolerances.OP)


def test_a_broken_matrix_spoils_its_own_image_only(images):
    inverse = warp.scaling(jnp.array([jnp.nan, 1.0]), ones())
    warped = jax.jit(warp.warp)(images, inverse)
    assert np.all(np.isnan(warped[0]))
    np.testing.assert_array_equal(warped[1], images[1])


def test_gradients_of_sampling_match_finite_differences(images):
    inverse = warp.compose(warp.rotation(jnp.array([0.3, 1.1])), warp.scaling(ones(1.2), ones(0.7)))
    with jax.enable_x64(True):
        check_grads(
            lambda x: jnp.sin(warp.warp(x, inverse.astype(x.dtype))),
            (np.asarray(images, np.float64),),
            2,
            ["fwd", "rev"],
        )


@pytest.mark.parametrize(("size", "before", "after"), [(5, 3, 4), (5, 0, 0), (4, 11, 9), (2, 3, 3)])
def test_reflected_indexes_like_numpys_reflect_padding(size, before, after):
    expected = np.pad(np.arange(size), (before, after), "reflect")
    np.testing.assert_array_equal(warp.reflected(size, before, after), expected)


@pytest.mark.parametrize("out", [(9, 8), (3, 2), (9, 2)])
def test_separable_is_the_product_along_both_axes(images, out, close):
    rows, columns = (jax.random.normal(jax.random.key(i), (2, size, 6)) for i, size in enumerate(out))
    x = np.asarray(images)
    own = np.einsum("nih,njw,nhwc->nijc", rows, columns, x)
    close(warp.separable(images, rows, columns), own, tolerances.OP)
    same = np.einsum("ih,jw,nhwc->nijc", rows[0], columns[1], x)
    close(warp.separable(images, rows[0], columns[1]), same, tolerances.OP)
