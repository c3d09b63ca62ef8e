"""Convolutions with stride 2 and their transposes, as the older generators use them. NHWC.

The same remedy as in `ops.resample`: on a CPU, XLA runs the derivatives of strided and dilated convolutions 5 to 100
times slower than those of matrix products and of convolutions with stride 1. Both forms give the same numbers.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.ops.resample import LAYOUT, conv, enlarge, on_cpu, shifted

FEW = 16  # below so many output channels one matrix product a tap beats a convolution


def conv_half(
    x: Float[Array, "n h w i"], weight: Float[Array, "k k i o"], pad: int = 1, gathered: bool | None = None
) -> Float[Array, "n h2 w2 o"]:
    """Convolve with stride 2 and zero padding.

        y[i, j] = sum_ab x[2i + a - pad, 2j + b - pad] weight[a, b],     H2 = (H + 2 pad - k) // 2 + 1

    Args:
        gathered: True gathers the taps and makes one matrix product, whose second derivatives (gradient penalties)
            are 4 to 8 times faster on a CPU; False calls the strided library convolution, twice as fast to first
            order; None chooses the first on a CPU.
    """
    if not (on_cpu() if gathered is None else gathered):
        return jax.lax.conv_general_dilated(x, weight, (2, 2), ((pad, pad), (pad, pad)), dimension_numbers=LAYOUT)
    k = weight.shape[0]
    rows, columns = ((size + 2 * pad - k) // 2 + 1 for size in x.shape[1:3])
    reach = [(k - 1 - a) // 2 for a in (0, 1)]  # of the taps of each parity
    phases = {}
    for a in (0, 1):
        half = shifted(x, a - pad, rows + reach[a], 1, 2)
        for b in (0, 1):
            phases[a, b] = shifted(half, b - pad, columns + reach[b], 2, 2)
    cut = lambda a, b: phases[a % 2, b % 2][:, a // 2 : a // 2 + rows, b // 2 : b // 2 + columns]
    taps = jnp.concatenate([cut(a, b) for a in range(k) for b in range(k)], axis=-1)  # [N, H2, W2, k k I]
    return jnp.einsum("nhwi,io->nhwo", taps, weight.reshape(-1, weight.shape[-1]))


def conv_double(
    x: Float[Array, "n h w i"], weight: Float[Array, "k k i o"], pad: int = 1, phases: bool | None = None
) -> Float[Array, "n h2 w2 o"]:
    """Double the resolution by a transposed convolution with stride 2.

        y[2i + a - pad, 2j + b - pad] += x[i, j] weight[a, b],     H2 = 2 H

    Args:
        phases: True computes the four phases of y as small convolutions of x; False calls the dilated library
            convolution; None chooses the first on a CPU.
    """
    k, (h, w) = weight.shape[0], x.shape[1:3]
    if not (on_cpu() if phases is None else phases):
        low = k - 1 - pad
        pads = ((low, k - low), (low, k - low))
        return jax.lax.conv_general_dilated(
            x, weight[::-1, ::-1], (1, 1), pads, lhs_dilation=(2, 2), dimension_numbers=LAYOUT
        )
    # Phase r reads x[i + shift] through the taps a with r + pad - a = 2 shift, in the order of the shifts.
    reads = [sorted(((r + pad - a) // 2, a) for a in range(k) if (r + pad - a) % 2 == 0) for r in (0, 1)]

    def phase(down, across):
        if weight.shape[-1] < FEW:
            tap = lambda a, b: jnp.einsum("nhwi,io->nhwo", x, weight[a, b])
            return sum(shifted(shifted(tap(a, b), i, h, 1), j, w, 2) for i, a in down for j, b in across)
        (top, bottom), (left, right) = ((taps[0][0], taps[-1][0]) for taps in (down, across))
        seen = shifted(shifted(x, top, h + bottom - top, 1), left, w + right - left, 2)
        kernel = jnp.stack([jnp.stack([weight[a, b] for _, b in across]) for _, a in down])
        return jax.lax.conv_general_dilated(seen, kernel, (1, 1), "VALID", dimension_numbers=LAYOUT)

    rows = [jnp.stack([phase(down, across) for across in reads], 3) for down in reads]
    return jnp.stack(rows, 2).reshape(x.shape[0], 2 * h, 2 * w, -1)  # [N, H, 2, W, 2, O]


def conv_enlarged(
    x: Float[Array, "n h w i"], weight: Float[Array, "3 3 i o"], phases: bool | None = None
) -> Float[Array, "n h2 w2 o"]:
    """Repeat every pixel in both directions, then convolve by 3x3, zero padded.

    The four copies of a pixel meet at most 2x2 different ones: it is a transposed convolution whose kernel is the given
    one, turned, summed with itself one step on along each axis.

    Args:
        phases: True computes it so, with 4/9 of the products; False enlarges first; None chooses the first on a CPU.
    """
    if not (on_cpu() if phases is None else phases):
        return conv(enlarge(x), weight)
    kernel = weight[::-1, ::-1]
    for axis in (0, 1):
        ends = lambda low, high, axis=axis: [(low, high) if a == axis else (0, 0) for a in range(4)]
        kernel = jnp.pad(kernel, ends(0, 1)) + jnp.pad(kernel, ends(1, 0))
    return conv_double(x, kernel, 1, True)
