"""Modulated convolution."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.ops.resample import FILTER, HIGHEST, conv, conv_up2


def modulated_conv(
    x: Float[Array, "n h w i"],
    weight: Float[Array, "k k i o"],
    style: Float[Array, "n i"],
    *,
    demodulate: bool = True,
    up: bool = False,
    taps: Sequence[float] = FILTER,
) -> Float[Array, "n h2 w2 o"]:
    """Convolve with a weight whose input channels each sample scales by its style.

        w'[n, k, i, o] = style[n, i] weight[k, i, o]
        out[n]         = conv(x[n], w'[n] d[n]),   d[n, o] = 1 / sqrt(sum_{k,i} w'[n, k, i, o]^2 + 1e-8)

    Evaluated by scaling activations before and after one shared convolution: there are no weights per sample, so a
    batch (or a vmap) stays one convolution.

    Args:
        x: Activations [N, H, W, I].
        weight: [k, k, I, O].
        style: [N, I].
        demodulate: Whether to apply d.
        up: Whether to double the resolution.
        taps: Resampling filter.

    Source: StyleGAN2, equations 1 to 3.
    """
    y = x * style[:, None, None, :].astype(x.dtype)
    w = weight.astype(x.dtype)
    y = conv_up2(y, w, taps) if up else conv(y, w)
    if not demodulate:
        return y
    energy = jnp.sum(jnp.square(weight.astype(jnp.float32)), axis=(0, 1))  # [I, O]
    d = (jnp.matmul(jnp.square(style.astype(jnp.float32)), energy, precision=HIGHEST) + 1e-8) ** -0.5  # [N, O]
    return y * d[:, None, None, :].astype(y.dtype)
