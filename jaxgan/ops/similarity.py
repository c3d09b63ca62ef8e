"""How alike two images are: Gaussian windows, structural similarity and Laplacian pyramids."""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxgan.ops.warp import separable

BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


def gaussian(window: int, sigma: float) -> np.ndarray:
    """Sample a Gaussian that sums to one, [window]."""
    taps = np.exp(-0.5 * ((np.arange(window) - (window - 1) / 2) / sigma) ** 2)
    return taps / taps.sum()


def valid_band(size: int, taps: np.ndarray) -> np.ndarray:
    """Lay the taps out as the matrix of a correlation without padding, [size - len(taps) + 1, size]."""
    band = np.zeros((size - len(taps) + 1, size), np.float32)
    for j, row in enumerate(band):
        row[j : j + len(taps)] = taps
    return band


def reduce_band(size: int) -> np.ndarray:
    """Lay out "blur by the binomial filter, keep every other sample" as a matrix [ceil(size / 2), size].

    At the border the taps outside the image are left out and the rest sum to one again.
    """
    band = np.zeros((math.ceil(size / 2), size), np.float32)
    for j, row in enumerate(band):
        for k, tap in enumerate(BINOMIAL):
            if 0 <= 2 * j + k - 2 < size:
                row[2 * j + k - 2] += tap
    return band / band.sum(1, keepdims=True)


def expand_band(size: int) -> np.ndarray:
    """Lay out "spread to every other sample, interpolate by the binomial filter" as a matrix [size, ceil(size / 2)]."""
    band = reduce_band(size).T
    return band / band.sum(1, keepdims=True)


def laplacian_pyramid(x: Float[Array, "n h w c"], levels: int) -> tuple[Float[Array, "n hl wl c"], ...]:
    """Split images into octave bands and a last low-pass image.

        L_j = x_j - expand(x_{j+1}),   x_{j+1} = reduce(x_j),   L_last = x_last

    Args:
        x: Images [N, H, W, C].
        levels: Number of bands at most; stops early where a side would be shorter than 2.

    Returns:
        Bands, finest first, each [N, ceil(H / 2^j), ceil(W / 2^j), C]; the last one is the low-pass image.

    Source: Burt and Adelson, "The Laplacian pyramid as a compact image code", 1983. Borders renormalise the filter
    instead of extrapolating the image.
    """
    bands = []
    for _ in range(levels - 1):
        height, width = x.shape[1:3]
        if min(height, width) < 4:
            break
        small = separable(x, reduce_band(height), reduce_band(width))
        bands.append(x - separable(small, expand_band(height), expand_band(width)))
        x = small
    return (*bands, x)


def collapse(bands: tuple[Float[Array, "n hl wl c"], ...]) -> Float[Array, "n h w c"]:
    """Put the images back together from `laplacian_pyramid`."""
    x = bands[-1]
    for band in reversed(bands[:-1]):
        height, width = band.shape[1:3]
        x = band + separable(x, expand_band(height), expand_band(width))
    return x


def structural_similarity(
    a: Float[Array, "n h w c"],
    b: Float[Array, "n h w c"],
    *,
    window: int = 11,
    sigma: float = 1.5,
    span: float = 2.0,
) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
    """Compare local means, contrasts and structures of two images.

        SSIM = l * cs,   l = (2 mu_a mu_b + C1) / (mu_a^2 + mu_b^2 + C1),
        cs = (2 cov_ab + C2) / (var_a + var_b + C2),   C1 = (0.01 span)^2,   C2 = (0.03 span)^2

    Args:
        a: Images [N, H, W, C].
        b: Images [N, H, W, C].
        window: Side of the Gaussian window in pixels; clipped to the largest odd number that fits the image.
        sigma: Standard deviation of the window in pixels.
        span: Difference between the largest and the smallest possible value; 2 for images in [-1, 1].

    Returns:
        The mean of SSIM and the mean of its contrast-structure part `cs`, each [N].

    Source: Wang et al., "Image quality assessment: from error visibility to structural similarity", 2004, eq. 13;
    averaged over the channels of a colour image.
    """
    height, width, channels = a.shape[1:]
    window = min(window, min(height, width) - (min(height, width) + 1) % 2)
    taps = gaussian(window, sigma)
    maps = jnp.concatenate([a, b, a * a + b * b, a * b], axis=-1)
    maps = separable(maps, valid_band(height, taps), valid_band(width, taps))
    mean_a, mean_b, squares, product = (maps[..., i * channels : (i + 1) * channels] for i in range(4))
    c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
    means = mean_a * mean_a + mean_b * mean_b
    cs = (2 * (product - mean_a * mean_b) + c2) / (squares - means + c2)
    luminance = (2 * mean_a * mean_b + c1) / (means + c1)
    return (luminance * cs).mean((1, 2, 3)), cs.mean((1, 2, 3))


def halve(x: Float[Array, "n h w c"]) -> Float[Array, "n h2 w2 c"]:
    """Average each 2x2 cell; an odd last row or column is left out."""
    height, width = x.shape[1] // 2, x.shape[2] // 2
    cells = x[:, : 2 * height, : 2 * width].reshape(x.shape[0], height, 2, width, 2, x.shape[3])
    return cells.mean((2, 4))
