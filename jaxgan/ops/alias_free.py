"""The filtered leaky ReLU of alias-free generators, and the low-pass filters that it takes. NHWC throughout.

A non-linearity makes frequencies that the sampling grid cannot hold. So the signal is brought to a higher rate first,
and what does not belong to the band of the result is filtered off before the rate is lowered again.

Source: Karras et al., "Alias-Free Generative Adversarial Networks" (2021), section 3.2 and appendix C.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxgan.ops.activations import ROOT2
from jaxgan.ops.resample import HIGHEST, LAYOUT, on_cpu
from jaxgan.ops.warp import separable

NEGLIGIBLE = 1e-7  # of a filter's largest singular value: below float32's rounding


def lowpass(taps: int, cutoff: float, width: float, rate: float) -> np.ndarray:
    """Design a separable low-pass filter: a sinc in a Kaiser window, with sum 1.

        f[n] ~ sinc(2 cutoff x_n) kaiser_beta[n],     x_n = (n - (taps - 1) / 2) / rate

    Args:
        taps: Length T.
        cutoff: Frequency of half amplitude, in the unit of `rate`.
        width: Of the transition from pass to stop, in the same unit; it fixes the window's beta.
        rate: Sampling rate at which the filter runs.

    Returns:
        [T] float64.

    Source: Kaiser's formulas, as in `scipy.signal.firwin(taps, cutoff, width=width, fs=rate)`.
    """
    f = np.sinc(2 * cutoff * places(taps, rate)) * kaiser(taps, width, rate)
    return f / f.sum()


def radial_lowpass(taps: int, cutoff: float, width: float, rate: float) -> np.ndarray:
    """Design a low-pass filter that does not prefer a direction: a jinc in the product of two Kaiser windows, sum 1.

        f[m, n] ~ J_1(2 pi cutoff r) / (pi r) kaiser[m] kaiser[n],     r = |(x_m, x_n)|

    Args:
        taps, cutoff, width, rate: As for `lowpass`.

    Returns:
        [T, T] float64.

    Source: Karras et al. (2021), appendix C.1.
    """
    from scipy.special import j1

    x = places(taps, rate)
    r = np.hypot(x[:, None], x[None, :])
    away = np.where(r > 0, r, 1)
    f = np.where(r > 0, j1(2 * np.pi * cutoff * away) / (np.pi * away), cutoff)
    window = kaiser(taps, width, rate)
    f = f * window[:, None] * window[None, :]
    return f / f.sum()


def places(taps: int, rate: float) -> np.ndarray:
    return (np.arange(taps) - (taps - 1) / 2) / rate


def kaiser(taps: int, width: float, rate: float) -> np.ndarray:
    """Return Kaiser's window [T] whose transition band is `width` wide."""
    attenuation = 2.285 * (taps - 1) * math.pi * width / (rate / 2) + 7.95  # dB
    if attenuation > 50:
        beta = 0.1102 * (attenuation - 8.7)
    elif attenuation > 21:
        beta = 0.5842 * (attenuation - 21) ** 0.4 + 0.07886 * (attenuation - 21)
    else:
        beta = 0.0
    return np.kaiser(taps, beta)


class Resampling(NamedTuple):
    """How a filtered leaky ReLU resamples.

    Args:
        up, down: Factors of the rates before and after the non-linearity.
        up_filter: [T] at the high rate; None leaves the signal alone.
        down_filter: [T], or [T, T] if it is not separable; None as above.
        before, after: Zeros put to both ends at the high rate, after zeros were inserted; negative crops.
    """

    up: int = 1
    down: int = 1
    up_filter: np.ndarray | None = None
    down_filter: np.ndarray | None = None
    before: int = 0
    after: int = 0

    def supersampled(self, size: int) -> int:
        """Return the length at the high rate of a signal of length `size`."""
        return size * self.up + self.before + self.after - (length(self.up_filter) - 1)

    def size(self, size: int) -> int:
        """Return the length of the result for a signal of length `size`."""
        return -(-(self.supersampled(size) - (length(self.down_filter) - 1)) // self.down)


def length(taps: np.ndarray | None) -> int:
    return 1 if taps is None else len(taps)


def padding(in_size: int, out_size: int, up: int, down: int, up_taps: int, down_taps: int) -> tuple[int, int]:
    """Return the padding (before, after) with which a resampling turns `in_size` into `out_size` about one centre.

    Source: Karras et al. (2021), appendix C.3: samples stand in the middle of their pixels at every rate.
    """
    total = (out_size - 1) * down + 1 - in_size * up + up_taps + down_taps - 2
    before = (total + up) // 2
    return before, total - before


def up_matrix(size: int, how: Resampling) -> np.ndarray:
    """Return the matrix [supersampled, size] of: insert zeros, pad, convolve with up * up_filter."""
    taps = (np.ones(1) if how.up_filter is None else how.up_filter) * how.up
    n, i = np.mgrid[: how.supersampled(size), :size]
    t = how.up * i + how.before - n  # the place in the reversed filter
    inside = (t >= 0) & (t < len(taps))
    return np.where(inside, taps[::-1][np.clip(t, 0, len(taps) - 1)], 0).astype(np.float32)


def down_matrix(size: int, taps: np.ndarray, down: int) -> np.ndarray:
    """Return the matrix [M, size] of: convolve where the filter fits, keep every `down`-th."""
    m, n = np.mgrid[: -(-(size - len(taps) + 1) // down), :size]
    t = n - down * m
    inside = (t >= 0) & (t < len(taps))
    return np.where(inside, taps[::-1][np.clip(t, 0, len(taps) - 1)], 0).astype(np.float32)


def factors(taps: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Write a filter [T, T] as a sum of separable ones, sum_k outer(a_k, b_k), to float32's precision.

    A jinc in Kaiser windows is nearly separable: of twelve taps' twelve terms two to four are left.
    """
    u, s, v = np.linalg.svd(taps)
    return [(u[:, k] * s[k], v[k]) for k in range(len(s)) if s[k] > NEGLIGIBLE * s[0]]


def upsampled(x, how: Resampling, matrices: bool):
    if how.up == 1 and how.up_filter is None and not (how.before or how.after):
        return x
    if matrices:
        rows, columns = (up_matrix(size, how).astype(x.dtype) for size in x.shape[1:3])
        return separable(x, rows, columns)
    taps = (np.ones(1) if how.up_filter is None else how.up_filter) * how.up
    for axis in (1, 2):
        x = depthwise(x, taps, axis, how.up, 1, (how.before, how.after + how.up - 1))
    return x


def downsampled(x, how: Resampling, matrices: bool):
    if how.down == 1 and how.down_filter is None:
        return x
    taps = np.ones(1) if how.down_filter is None else how.down_filter
    if matrices:
        terms = factors(taps) if taps.ndim == 2 else [(taps, taps)]
        matrix = lambda f, size: down_matrix(size, f, how.down).astype(x.dtype)
        parts = [separable(x, matrix(a, x.shape[1]), matrix(b, x.shape[2])) for a, b in terms]
        return reduce(jnp.add, parts)
    for axis in (0,) if taps.ndim == 2 else (1, 2):
        x = depthwise(x, taps, axis, 1, how.down, (0, 0))
    return x


def depthwise(x, taps: np.ndarray, axis: int, up: int, down: int, pads: tuple[int, int]):
    """Filter every channel by itself along one axis, or along both (axis 0) with a filter [T, T]."""
    along = lambda value, rest: tuple(value if axis in (0, a) else rest for a in (1, 2))
    kernel = jnp.asarray(taps[::-1, ::-1] if axis == 0 else np.expand_dims(taps[::-1], 2 - axis), x.dtype)
    return jax.lax.conv_general_dilated(
        x,
        jnp.tile(kernel[:, :, None, None], (1, 1, 1, x.shape[-1])),
        along(down, 1),
        along(pads, (0, 0)),
        lhs_dilation=along(up, 1),
        dimension_numbers=LAYOUT,
        feature_group_count=x.shape[-1],
        precision=HIGHEST,
    )


def filtered_lrelu(
    x: Float[Array, "n h w c"],
    bias: Float[Array, " c"] | None,
    how: Resampling,
    *,
    slope: float = 0.2,
    gain: float = ROOT2,
    clamp: float | None = None,
    matrices: bool | None = None,
) -> Float[Array, "n i j c"]:
    """Add a bias, raise the rate, apply a leaky ReLU with gain and clamp, filter, lower the rate.

        y = up(x + bias),     y = clip(gain max(y, slope y), -clamp, clamp),     out = down(y)

    What its gradient keeps is which piece y lies on, bytes for each supersampled value and no float of that size.

    Args:
        x: Activations [N, H, W, C].
        bias: [C].
        how: Factors, filters and padding.
        slope: Below zero, in [0, 1]; 1 leaves the signal linear.
        gain: Keeps the magnitude.
        clamp: Bound on what is filtered down, None for none.
        matrices: True multiplies with one band matrix an axis; False calls the library's depthwise convolutions,
            which XLA's CPU backend runs many times slower; None chooses the first on a CPU.

    Returns:
        [N, I, J, C], with I and J from `how.size`.

    Source: Karras et al. (2021), figure 4b. Different: no fused kernel, and a filter that is not separable is applied
        as the sum of the few separable ones that it is to float32's precision.
    """
    matrices = on_cpu() if matrices is None else matrices
    if bias is not None:
        x = x + bias.astype(x.dtype)
    y = upsampled(x, how, matrices)
    # Selections by comparison: the gradient then keeps one byte each, where a product or a clamp would keep floats.
    y = jnp.where(y >= 0, y * gain, y * (gain * slope))
    if clamp is not None:
        y = jnp.where(y > clamp, clamp, jnp.where(y < -clamp, -clamp, y))
    return downsampled(y, how, matrices)
