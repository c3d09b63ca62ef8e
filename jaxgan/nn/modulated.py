"""Style-modulated layers: from a style vector and an activation to the next activation."""

from __future__ import annotations

import math

import flax.linen as nn
import jax

from jaxgan.core.generator import Context
from jaxgan.ops.activations import bias_act
from jaxgan.ops.modconv import modulated_conv
from jaxgan.ops.resample import FILTER


class StyleConv(nn.Module):
    """Modulated convolution, noise, bias, activation.

    `noise` (buffer, [H, W]) is the constant noise map, `noise_strength` (scalar, from 0) scales it. `layer` is the
    layer's name in `Code.noise`, `index` its number, which gives it a random stream of its own.
    """

    features: int
    resolution: int
    layer: str
    index: int
    up: bool = False
    kernel: int = 3
    use_noise: bool = True
    activation: str = "lrelu"
    clamp: float | None = None
    taps: tuple[float, ...] = FILTER

    @nn.compact
    def __call__(self, x, style, context: Context, gain: float = 1.0):
        shape = (self.kernel, self.kernel, x.shape[-1], self.features)
        weight = self.param("weight", nn.initializers.normal(1.0), shape)
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        scale = scaling(context, self.layer, style, x)
        y = modulated_conv(x, weight, style, up=self.up, taps=self.taps, scale=scale)
        if self.use_noise:
            noise = noise_map(self, context, self.layer, self.index, x.shape[0], self.resolution)
            strength = self.param("noise_strength", nn.initializers.zeros, ())
            if noise is not None:
                y = y + (noise * strength).astype(y.dtype)
        return bias_act(y, bias, self.activation, gain, self.clamp)


def style_tap(layer: str) -> str:
    """Name under which the style of a layer is patched."""
    return f"{layer}_style"


def scaling(context: Context, layer: str, style, x):
    """Return what the patch of a layer's style scales its input by [N, h, w, C], or None if there is no patch."""
    patch = (context.patches or {}).get(style_tap(layer))
    return None if patch is None else patch(style, x)


def noise_map(module: nn.Module, context: Context, layer: str, index: int, n: int, side: int):
    """Return the noise of a layer, [N or 1, side, side, 1] or None, as the context asks for it.

    Args:
        module: Keeps the constant map as its buffer `noise` [side, side].
        context: Its `noise` comes first, then its mode.
        layer: The layer's name in `Code.noise`.
        index: Its number among the layers, which gives it a random stream of its own.
        n: Batch size.
        side: Of the map.
    """
    draw = lambda: jax.random.normal(module.make_rng("params"), (side, side))
    const = module.variable("buffers", "noise", draw).value
    if context.noise is not None and layer in context.noise:
        return context.noise[layer]
    match context.mode:
        case "const":
            return const[None, :, :, None]
        case "random":
            return jax.random.normal(jax.random.fold_in(context.key, index), (n, side, side, 1))
        case _:
            return None


class ToRGB(nn.Module):
    """Modulated 1x1 convolution to image channels, without demodulation; the style is scaled by 1 / sqrt(I)."""

    channels: int
    layer: str
    kernel: int = 1
    clamp: float | None = None

    @nn.compact
    def __call__(self, x, style, context: Context):
        shape = (self.kernel, self.kernel, x.shape[-1], self.channels)
        weight = self.param("weight", nn.initializers.normal(1.0), shape)
        bias = self.param("bias", nn.initializers.zeros, (self.channels,))
        down, scale = math.sqrt(math.prod(shape[:3])), scaling(context, self.layer, style, x)
        scale = None if scale is None else scale / down
        y = modulated_conv(x, weight, style / down, demodulate=False, scale=scale)
        return bias_act(y, bias, clamp=self.clamp)
