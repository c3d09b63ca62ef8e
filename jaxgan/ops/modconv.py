"""Modulated convolution."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.ops.resample import FILTER, HIGHEST, LAYOUT, conv, conv_up2


def modulated_conv(
    x: Float[Array, "n h w i"],
    weight: Float[Array, "k k i o"],
    style: Float[Array, "n i"],
    *,
    demodulate: bool = True,
    up: bool = False,
    taps: Sequence[float] = FILTER,
    scale: Float[Array, "n h w i"] | None = None,
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
        scale: What the input is scaled by, place by place, instead of by the style; d is the style's all the same.

    Source: StyleGAN2, equations 1 to 3.
    """
    y = x * (style[:, None, None, :] if scale is None else scale).astype(x.dtype)
    w = weight.astype(x.dtype)
    y = conv_up2(y, w, taps) if up else conv(y, w)
    if not demodulate:
        return y
    energy = jnp.sum(jnp.square(weight.astype(jnp.float32)), axis=(0, 1))  # [I, O]
    d = (jnp.matmul(jnp.square(style.astype(jnp.float32)), energy, precision=HIGHEST) + 1e-8) ** -0.5  # [N, O]
    return y * d[:, None, None, :].astype(y.dtype)


def normalised_modulated_conv(
    x: Float[Array, "n h w i"],
    weight: Float[Array, "k k i o"],
    style: Float[Array, "n i"],
    *,
    demodulate: bool = True,
    gain: Float[Array, ""] | float = 1.0,
) -> Float[Array, "n h2 w2 o"]:
    """Convolve as `modulated_conv`, weight and style brought to unit magnitude first, as far out as the kernel reaches.

        w[k, i, o] <- w / sqrt(mean_{k,i} w^2),     s[n, i] <- s / sqrt(mean_i s^2)          (if demodulating)
        out[n]     = gain conv(x[n], w s[n] d[n]),  d[n, o] = 1 / sqrt(sum_{k,i} (w s)^2 + 1e-8)

    Args:
        x: Activations [N, H, W, I]; zeros surround them.
        weight: [k, k, I, O].
        style: [N, I].
        demodulate: Whether to normalise and to apply d.
        gain: Factor on the input.

    Returns:
        [N, H + k - 1, W + k - 1, O].

    Source: Karras et al. (2021), "Alias-Free Generative Adversarial Networks", appendix C.2. Different: the published
        code divides all styles of a batch by one root mean square; the factor cancels in d but for the 1e-8, and with
        one for each sample the members of a batch do not couple.
    """
    w = weight.astype(jnp.float32)
    if demodulate:
        w = w * jax.lax.rsqrt(jnp.mean(jnp.square(w), axis=(0, 1, 2)))
        style = style * jax.lax.rsqrt(jnp.mean(jnp.square(style), axis=1, keepdims=True))
    y = x * (style * gain)[:, None, None, :].astype(x.dtype)
    reach = weight.shape[0] - 1
    if reach:
        pads = ((reach, reach), (reach, reach))
        y = jax.lax.conv_general_dilated(y, w.astype(x.dtype), (1, 1), pads, dimension_numbers=LAYOUT)
    else:
        y = conv(y, w.astype(x.dtype))
    if not demodulate:
        return y
    energy = jnp.sum(jnp.square(w), axis=(0, 1))  # [I, O]
    d = (jnp.matmul(jnp.square(style), energy, precision=HIGHEST) + 1e-8) ** -0.5  # [N, O]
    return y * d[:, None, None, :].astype(y.dtype)
