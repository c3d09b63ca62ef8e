"""Layers of alias-free generators: a signal given by its frequencies, and convolutions that keep to their band."""

from __future__ import annotations

import math
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.core.generator import Context
from jaxgan.nn.taps import tap
from jaxgan.ops.activations import ROOT2
from jaxgan.ops.alias_free import Resampling, filtered_lrelu, lowpass, padding, radial_lowpass
from jaxgan.ops.modconv import normalised_modulated_conv
from jaxgan.ops.resample import HIGHEST

IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


class Layer(NamedTuple):
    """One convolution of the schedule and the rates on both its sides.

    Args:
        name: As in the published checkpoints, L{index}_{size}_{channels}.
        channels: (in, out).
        size: (in, out), sides of the activations with their margin.
        rate: (in, out), samples along the side of the image.
        cutoff, half_width: (in, out), of the low-pass filters, in periods along the side of the image.
        kernel: Side of the kernel.
        taps: Length of a filter, in samples of the lower rate.
        supersampling: Of the non-linearity, relative to the higher rate.
        radial: Whether the filter after the non-linearity has no direction.
        critical: Whether the cutoff is the most that the rate can hold.
        rgb: Whether the layer makes the image: it has no non-linearity.
    """

    name: str
    channels: tuple[int, int]
    size: tuple[int, int]
    rate: tuple[int, int]
    cutoff: tuple[float, float]
    half_width: tuple[float, float]
    kernel: int = 3
    taps: int = 6
    supersampling: int = 2
    radial: bool = False
    critical: bool = False
    rgb: bool = False

    def resampling(self) -> Resampling:
        """Design the filters and the padding of the layer's non-linearity."""
        high = max(self.rate) * (1 if self.rgb else self.supersampling)
        up, down = (high // rate for rate in self.rate)
        up_taps, down_taps = (self.taps * f if f > 1 and not self.rgb else 1 for f in (up, down))
        design = lambda make, taps, side: make(taps, self.cutoff[side], 2 * self.half_width[side], high)
        return Resampling(
            up,
            down,
            design(lowpass, up_taps, 0) if up_taps > 1 else None,
            design(radial_lowpass if self.radial else lowpass, down_taps, 1) if down_taps > 1 else None,
            *padding(self.size[0] + self.kernel - 1, self.size[1], up, down, up_taps, down_taps),
        )


class Placement(nn.Module):
    """Affine map from w [N, D] to how the input is turned and shifted: (cos, sin, x, y), at first (1, 0, 0, 0)."""

    @nn.compact
    def __call__(self, w):
        weight = self.param("weight", nn.initializers.zeros, (w.shape[-1], 4))
        bias = self.param("bias", lambda key, shape: jnp.array([1.0, 0.0, 0.0, 0.0]), (4,))
        return jnp.matmul(w, weight / math.sqrt(w.shape[-1]), precision=HIGHEST) + bias


class FourierInput(nn.Module):
    """The first signal: waves of random frequency and phase on the plane, mixed by a learned matrix.

        x[p] = sin(2 pi (f T (p, 1) + phase)) amplitude(f T) W / sqrt(C),     T = R(placement) S(placement) transform

    The plane is turned by R, shifted by S, both from `placement` divided by the length of (cos, sin), and moved by the
    user's `transform` (buffer [3, 3] or [N, 3, 3]): image coordinates -> plane coordinates, the inverse of what the
    image does; the image is 1 wide, x to the right, y downwards, (0, 0) its centre. Waves that the transform pushes
    beyond the band fade out: amplitude(f) = clip(1 - (|f| - bandwidth) / (rate / 2 - bandwidth), 0, 1).

    `freqs` [C, 2] and `phases` [C] are buffers, `weight` [C, C] is drawn from N(0, 1).

    Source: Karras et al. (2021), appendices C.1 and F.1.
    """

    channels: int
    size: int
    rate: float
    bandwidth: float

    @nn.compact
    def __call__(self, placement, context: Context):
        freqs = self.variable("buffers", "freqs", self.frequencies).value
        draw = lambda: jax.random.uniform(self.make_rng("params"), (self.channels,), minval=-0.5, maxval=0.5)
        phases = self.variable("buffers", "phases", draw).value
        transform = self.variable("buffers", "transform", lambda: jnp.array(IDENTITY)).value
        weight = self.param("weight", nn.initializers.normal(1.0), (self.channels, self.channels))

        placement = placement / jnp.linalg.norm(placement[:, :2], axis=1, keepdims=True)
        cos, sin, x, y = placement.T
        one, zero = jnp.ones_like(cos), jnp.zeros_like(cos)
        stacked = lambda rows: jnp.stack([jnp.stack(row, -1) for row in rows], -2)  # [N, 3, 3]
        turn = stacked([[cos, -sin, zero], [sin, cos, zero], [zero, zero, one]])
        shift = stacked([[one, zero, -x], [zero, one, -y], [zero, zero, one]])
        product = lambda a, b: jnp.matmul(a, b, precision=HIGHEST)
        moved = product(product(turn, shift), transform)

        phases = phases + product(freqs, moved[:, :2, 2:])[..., 0]  # [N, C]
        freqs = product(freqs, moved[:, :2, :2])  # [N, C, 2]
        length = jnp.sqrt(jnp.sum(jnp.square(freqs), -1))
        amplitudes = jnp.clip(1 - (length - self.bandwidth) / (self.rate / 2 - self.bandwidth), 0, 1)
        place = ((np.arange(self.size) - (self.size - 1) / 2) / self.rate).astype(np.float32)
        along_x = place[:, None] * freqs[:, None, :, 0]  # [N, W, C]
        along_y = place[:, None] * freqs[:, None, :, 1] + phases[:, None]  # [N, H, C]
        waves = jnp.sin(2 * np.pi * (along_y[:, :, None] + along_x[:, None]))  # [N, H, W, C]
        x = jnp.matmul(waves * amplitudes[:, None, None], weight / math.sqrt(self.channels), precision=HIGHEST)
        return tap(self, context, "input", x)

    def frequencies(self):
        """Draw frequencies [C, 2], uniform on the disc of radius `bandwidth` but for a soft edge."""
        freqs = jax.random.normal(self.make_rng("params"), (self.channels, 2))
        radius = jnp.linalg.norm(freqs, axis=1, keepdims=True)
        return freqs / (radius * jnp.exp(jnp.square(radius)) ** 0.25) * self.bandwidth


class AliasFreeConv(nn.Module):
    """Modulated convolution of an input brought to unit magnitude, then a filtered leaky ReLU (or, for RGB, nothing).

        out = filtered_lrelu(conv(x / sqrt(magnitude), w'), bias)

    `magnitude_ema` (buffer, scalar, from 1) is the running mean of x^2, with a half-life of `magnitude_kimg` thousand
    images; it moves in training (`context.train`) only, and before it is used.

    Source: Karras et al. (2021), section 3.2 and appendix C.2. Different: the published half-life is fixed by a decay
        that is computed from the batch when a run starts; here every batch computes its own.
    """

    layer: Layer
    clamp: float | None = None
    magnitude_kimg: float = 20.0
    dtype: str = "float32"

    @nn.compact
    def __call__(self, x, style, context: Context):
        kernel, rgb, features = self.layer.kernel, self.layer.rgb, self.layer.channels[1]
        shape = (kernel, kernel, x.shape[-1], features)
        weight = self.param("weight", nn.initializers.normal(1.0), shape)
        bias = self.param("bias", nn.initializers.zeros, (features,))
        average = self.variable("buffers", "magnitude_ema", jnp.ones, ())
        magnitude = average.value
        if context.train:
            now = jnp.mean(jnp.square(jax.lax.stop_gradient(x).astype(jnp.float32)))
            magnitude = now + 0.5 ** (len(x) / (1000 * self.magnitude_kimg)) * (magnitude - now)
            average.value = magnitude
        if rgb:
            style = style / math.sqrt(math.prod(shape[:3]))
        gain = jax.lax.rsqrt(magnitude)
        y = normalised_modulated_conv(x.astype(self.dtype), weight, style, demodulate=not rgb, gain=gain)
        slope, gain = (1.0, 1.0) if rgb else (0.2, ROOT2)
        y = filtered_lrelu(y, bias, self.layer.resampling(), slope=slope, gain=gain, clamp=self.clamp)
        return tap(self, context, self.layer.name, y)
