"""FIR resampling by two, and the convolutions that change the resolution by two. NHWC throughout.

XLA's CPU backend runs dilated, strided and depthwise convolutions, above all their weight gradients, 10 to 120 times
slower than a matrix product of the same size. On the CPU everything here is therefore made of shifted sums and matrix
products, whose derivatives of every order are again shifted sums and matrix products. Other backends get one
library convolution. Both give the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

FILTER = (1.0, 3.0, 3.0, 1.0)
HIGHEST = jax.lax.Precision.HIGHEST  # for the small products that statistics and demodulation rest on
Taps = Sequence[float] | np.ndarray  # of a separable FIR filter
LAYOUT = ("NHWC", "HWIO", "NHWC")


def normalised(taps: Taps) -> np.ndarray:
    """Return filter taps with sum 1."""
    taps = np.asarray(taps, np.float64)
    return taps / taps.sum()


def shifted(x, start: int, length: int, axis: int, stride: int = 1):
    """Return x[start : start + stride * length : stride] along an axis, zero outside of x."""
    n, last = x.shape[axis], start + stride * (length - 1)
    low, high = max(-start, 0), max(last - (n - 1), 0)
    if low or high:
        pads = [(0, 0)] * x.ndim
        pads[axis] = (low, high)
        x = jnp.pad(x, pads)
    return jax.lax.slice_in_dim(x, start + low, last + low + 1, stride, axis)


def weighted(parts):
    """Sum (weight, array) pairs, leaving out zero weights."""
    parts = [p for p in parts if p[0] != 0.0]
    total = parts[0][1] * parts[0][0]
    for weight, x in parts[1:]:
        total = total + x * weight
    return total


def fir_interleaved(even, odd, taps, axis: int, pad: int, length: int):
    """Filter the signal whose even samples are `even` and whose odd samples are `odd` (None: zeros), along one axis.

        y[2i] = even[i],  y[2i+1] = odd[i],  out[n] = sum_t taps[T-1-t] y[n + t - pad],  n < length (even)

    Both output phases are computed from the input phases; the interleaved input is never formed.
    """
    taps = [float(t) for t in reversed(taps)]
    phases = []
    for r in (0, 1):
        parts = []
        for t, g in enumerate(taps):
            k, parity = divmod(r + t - pad, 2)
            source = odd if parity else even
            if source is not None:
                parts.append((g, shifted(source, k, length // 2, axis)))
        phases.append(weighted(parts))
    joined = jnp.stack(phases, axis + 1)
    return joined.reshape(*joined.shape[:axis], length, *joined.shape[axis + 2 :])


def fir_decimated(x, taps, axis: int, start: int, length: int):
    """Filter along an axis and keep every second sample: out[n] = sum_t taps[T-1-t] x[2n + t + start]."""
    taps = [float(t) for t in reversed(taps)]
    return weighted([(g, shifted(x, start + t, length, axis, 2)) for t, g in enumerate(taps)])


def upsample2(x: Float[Array, "n h w c"], taps: Taps = FILTER) -> Float[Array, "n h2 w2 c"]:
    """Double the resolution: insert zeros, then convolve with the separable filter, gain 4.

    Source: StyleGAN2, `upsample_2d`; pads (T+1)//2 before and (T-2)//2 after.
    """
    taps = normalised(taps) * 2
    for axis in (1, 2):
        x = fir_interleaved(x, None, taps, axis, (len(taps) + 1) // 2, 2 * x.shape[axis])
    return x


def downsample2(x: Float[Array, "n h w c"], taps: Taps = FILTER) -> Float[Array, "n h2 w2 c"]:
    """Halve the resolution: convolve with the separable filter, then keep every second sample.

    Source: StyleGAN2, `downsample_2d`; pads (T-1)//2 before.
    """
    taps = normalised(taps)
    for axis in (1, 2):
        x = fir_decimated(x, taps, axis, -((len(taps) - 1) // 2), x.shape[axis] // 2)
    return x


def enlarge(x: Float[Array, "n h w c"], factor: int = 2) -> Float[Array, "n h2 w2 c"]:
    """Repeat each pixel `factor` times in both directions (nearest neighbour)."""
    n, h, w, c = x.shape
    x = jnp.broadcast_to(x[:, :, None, :, None, :], (n, h, factor, w, factor, c))
    return x.reshape(n, h * factor, w * factor, c)


def average(x: Float[Array, "n h w c"], factor: int = 2) -> Float[Array, "n h2 w2 c"]:
    """Average boxes of `factor` x `factor` pixels: undoes `enlarge`."""
    n, height, width, channels = x.shape
    if height % factor or width % factor:
        raise ValueError(f"Images of {height}x{width} pixels have no whole boxes of {factor}x{factor}.")
    boxes = x.reshape(n, height // factor, factor, width // factor, factor, channels)
    return boxes.mean((2, 4))


def blur(x: Float[Array, "n h w c"], taps: Taps = (1.0, 2.0, 1.0)) -> Float[Array, "n h w c"]:
    """Convolve with a separable filter of odd length at the same resolution, zero padded."""
    taps = normalised(taps)
    for axis in (1, 2):
        parts = [(float(g), shifted(x, t - len(taps) // 2, x.shape[axis], axis)) for t, g in enumerate(reversed(taps))]
        x = weighted(parts)
    return x


def conv(x: Float[Array, "n h w i"], weight: Float[Array, "k k i o"]) -> Float[Array, "n h w o"]:
    """Convolve at the same resolution, zero padded (a correlation, as everywhere in deep learning)."""
    if weight.shape[:2] == (1, 1):
        return jnp.einsum("nhwi,io->nhwo", x, weight[0, 0])
    return jax.lax.conv_general_dilated(x, weight, (1, 1), "SAME", dimension_numbers=LAYOUT)


def on_cpu() -> bool:
    return jax.default_backend() == "cpu"


def conv_up2(
    x: Float[Array, "n h w i"],
    weight: Float[Array, "k k i o"],
    taps: Taps = FILTER,
    phases: bool | None = None,
) -> Float[Array, "n h2 w2 o"]:
    """Convolve and double the resolution: transposed convolution of stride 2, then the filter with gain 4.

        y[2i+a, 2j+b] += x[i, j] weight[a, b]          (3x3; 1x1 convolves first and then calls `upsample2`)

    Args:
        phases: True computes the four phases of y by matrix products; False calls the dilated library convolution;
            None chooses the first on a CPU.

    Source: StyleGAN2, `upsample_conv_2d`.
    """
    if weight.shape[0] == 1:
        return upsample2(conv(x, weight), taps)
    taps = normalised(taps) * 2
    pad = (len(taps) + 1) // 2 - 1
    _, h, w, _ = x.shape
    if on_cpu() if phases is None else phases:
        # One matrix product a tap: gathering them into one product of nine times the width has a far slower gradient.
        def tap(a, b, da=0, db=0):
            y = jnp.einsum("nhwi,io->nhwo", x, weight[a, b])
            return shifted(shifted(y, -da, h + (a != 1), 1), -db, w + (b != 1), 2)

        ee = tap(0, 0) + tap(2, 0, 1) + tap(0, 2, 0, 1) + tap(2, 2, 1, 1)  # [N, H+1, W+1, O]
        eo = tap(0, 1) + tap(2, 1, 1)  # [N, H+1, W, O]
        oe = tap(1, 0) + tap(1, 2, 0, 1)  # [N, H, W+1, O]
        oo = tap(1, 1)  # [N, H, W, O]
        even = fir_interleaved(ee, oe, taps, 1, pad, 2 * h)
        odd = fir_interleaved(eo, oo, taps, 1, pad, 2 * h)
        return fir_interleaved(even, odd, taps, 2, pad, 2 * w)
    y = jax.lax.conv_general_dilated(
        x, weight[::-1, ::-1], (1, 1), ((2, 2), (2, 2)), lhs_dilation=(2, 2), dimension_numbers=LAYOUT
    )
    for axis, size in ((1, 2 * h), (2, 2 * w)):
        y = weighted([(float(g), shifted(y, t - pad, size, axis)) for t, g in enumerate(reversed(taps))])
    return y


def conv_down2(
    x: Float[Array, "n h w i"],
    weight: Float[Array, "k k i o"],
    taps: Taps = FILTER,
    phases: bool | None = None,
) -> Float[Array, "n h2 w2 o"]:
    """Filter, convolve and halve the resolution.

        out[i, j] = sum_ab (filter * x)[2i+a, 2j+b] weight[a, b]      (3x3; 1x1 calls `downsample2` and then convolves)

    Args:
        phases: True gathers the nine taps and makes one matrix product; False calls the strided library
            convolution; None chooses the first on a CPU.

    Source: StyleGAN2, `conv_downsample_2d`.
    """
    if weight.shape[0] == 1:
        return conv(downsample2(x, taps), weight)
    size = len(taps)
    taps = normalised(taps)
    pad = 1 + (size - 1) // 2
    _, h, w, channels = x.shape
    if on_cpu() if phases is None else phases:
        # The taps a = 0, 2 read the even phase of the filtered rows, the tap a = 1 the odd one.
        rows = (fir_decimated(x, taps, 1, -pad, h // 2 + 1), fir_decimated(x, taps, 1, 1 - pad, h // 2))
        phase = [[fir_decimated(r, taps, 2, b - pad, w // 2 + 1 - b) for b in (0, 1)] for r in rows]
        cut = lambda a, b: phase[a % 2][b % 2][:, a // 2 : a // 2 + h // 2, b // 2 : b // 2 + w // 2]
        columns = jnp.concatenate([cut(a, b) for a in range(3) for b in range(3)], axis=-1)  # [N, H/2, W/2, 9I]
        return jnp.einsum("nhwi,io->nhwo", columns, weight.reshape(9 * channels, -1))
    for axis, length in ((1, h), (2, w)):
        x = weighted([(float(g), shifted(x, t - pad, length + 1, axis)) for t, g in enumerate(reversed(taps))])
    return jax.lax.conv_general_dilated(x, weight, (2, 2), "VALID", dimension_numbers=LAYOUT)
