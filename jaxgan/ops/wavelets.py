"""Wavelet filters as matrices along one axis: doubling and halving with sym6, band filters with sym2.

The filters of augmentation are long (12 and 43 taps) and meet reflected borders. As a matrix [out, in] a filter, its
padding and its stride are one thing, and applying it to an image is two matrix products (`warp.separable`).
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxgan.ops.warp import reflected

# Low-pass decomposition filters of the symlets (Daubechies' least asymmetric wavelets) of order 2 and 6; sum √2.
SYM2 = (-0.12940952255092145, 0.22414386804185735, 0.836516303737469, 0.48296291314469025)
SYM6 = (
    0.015404109327027373,
    0.0034907120842174702,
    -0.11799011114819057,
    -0.048311742585633,
    0.4910559419267466,
    0.787641141030194,
    0.3379294217276218,
    -0.07263752278646252,
    -0.021060292512300564,
    0.04472490177066578,
    0.0017677118642428036,
    -0.007800708325034148,
)
REACH = len(SYM6) // 4  # pixels at the lower resolution by which the filter reaches beyond a border


def lowpass(taps: tuple[float, ...] = SYM6) -> np.ndarray:
    """Scale a low-pass filter to leave a constant signal alone (sum 1)."""
    filter = np.array(taps, np.float32)
    return filter / filter.sum()


def taps_at(filter: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Read a filter at integer offsets, zero where it has no tap."""
    inside = (offset >= 0) & (offset < len(filter))
    return np.where(inside, filter[np.clip(offset, 0, len(filter) - 1)], 0).astype(filter.dtype)


def doubling(size: int, before: Float[Array, " n"], after: Float[Array, " n"]) -> Float[Array, "n k size"]:
    """Doubling of a reflect-padded axis, for paddings known only at run time.

    The axis is padded by reflection with `before` and `after` pixels, zero beyond, and doubled with sym6:

        out[k] = Σⱼ 2 f[k - 2j + 5] padded[j]        for the samples of the padded axis, 0 elsewhere

    The canvas is as long as the largest padding (size - 1 on both sides) needs, and has one zero sample more at each
    end. Sample k of the padded axis stands at place k + 2 (size - 1) + 1, pixel 0 of the axis being sample 0.

    Args:
        size: Length of the axis in pixels.
        before, after: [N] padding in whole pixels, 0 to size - 1.

    Returns:
        [N, 6 size - 2, size].
    """
    filter, pixel = 2 * lowpass(), np.arange(size)
    k = np.arange(-2 * (size - 1) - 1, 2 * (2 * size - 1) + 1)[:, None]
    last = size - 1
    itself = taps_at(filter, k - 2 * pixel + 5)
    # Pixel j is seen once more at -j and at 2 last - j, but a border pixel is not repeated at its own border.
    mirrored_before = taps_at(filter, k + 2 * pixel + 5) * (pixel > 0)
    mirrored_after = taps_at(filter, k - 2 * (2 * last - pixel) + 5) * (pixel < last)
    before, after = before[:, None, None], after[:, None, None]
    weights = itself + mirrored_before * (pixel <= before) + mirrored_after * (last - pixel <= after)
    return jnp.where((k >= -2 * before) & (k < 2 * (size + after)), weights, 0)


def halving(size: int) -> np.ndarray:
    """Halving with sym6 of an axis that reaches REACH pixels beyond both borders.

        out[i] = Σₜ f[t] in[2i + 1 + t]

    The adjoint of doubling up to the factor 2, so that doubling and halving undo each other.

    Returns:
        [size, 2 (size + 2 REACH)].
    """
    return taps_at(lowpass(), np.arange(2 * (size + 2 * REACH)) - 2 * np.arange(size)[:, None] - 1)


def bands(count: int = 4) -> np.ndarray:
    """Filters that split a signal into octaves, lowest first; their sum is the identity.

    With the sym2 halfband filters L = H(z) H(1/z) / 2 and its mirror image, the bank starts as one identity. Each
    step stretches every filter by two, smooths it with L, and adds the complementary high-pass as the next band.

    Returns:
        [count, taps] float32, taps odd (43 for 4 bands).

    Source: Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data", appendix B.
    """
    low = np.array(SYM2)
    high = low * (-1) ** np.arange(len(low))
    low, high = np.convolve(low, low[::-1]) / 2, np.convolve(high, high[::-1]) / 2
    bank = np.eye(count, 1)
    for band in range(1, count):
        stretched = np.zeros((count, 2 * bank.shape[1] - 1))
        stretched[:, ::2] = bank
        bank = np.stack([np.convolve(row, low) for row in stretched])
        start = (bank.shape[1] - len(high)) // 2
        bank[band, start : start + len(high)] += high
    return bank.astype(np.float32)


def reflected_bands(size: int, count: int = 4) -> np.ndarray:
    """The band filters as matrices on a reflect-padded axis.

    Returns:
        [count, size, size]; the sum over the bands is the identity.
    """
    bank = bands(count)
    reach = bank.shape[1] // 2
    row, tap = np.mgrid[:size, : bank.shape[1]]
    matrices = np.zeros((size, size, count), np.float32)
    np.add.at(matrices, (row, reflected(size, reach, reach)[row + tap]), bank.T[tap])
    return matrices.transpose(2, 0, 1)


def equalizer(gains: Float[Array, "n bands"], size: int) -> Float[Array, "n size size"]:
    """Mix the band filters by gains: a matrix per sample that amplifies octaves along one axis."""
    return jnp.einsum("nb,bij->nij", gains, reflected_bands(size, gains.shape[1]), precision="highest")
