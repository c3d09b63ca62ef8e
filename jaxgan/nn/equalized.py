"""Layers with equalised learning rate: weights are stored with unit variance and scaled when used."""

from __future__ import annotations

import math

import flax.linen as nn
import jax.numpy as jnp

from jaxgan.ops.activations import bias_act
from jaxgan.ops.resample import FILTER, HIGHEST, conv, conv_down2, conv_up2


class Dense(nn.Module):
    """Fully connected layer, y = act(x (W weight_gain lr_mul / sqrt(I)) + b lr_mul).

    `weight` [I, O] is drawn from N(0, 1) / lr_mul, `bias` [O] starts at `bias_init`. PGGAN and StyleGAN put the gain of
    the activation into the weights ("leaky" with `weight_gain`), StyleGAN2 behind the activation ("lrelu").
    """

    features: int
    activation: str = "linear"
    lr_mul: float = 1.0
    bias_init: float = 0.0
    weight_gain: float = 1.0

    @nn.compact
    def __call__(self, x):
        inputs = x.shape[-1]
        weight = self.param("weight", nn.initializers.normal(1.0 / self.lr_mul), (inputs, self.features))
        bias = self.param("bias", nn.initializers.constant(self.bias_init / self.lr_mul), (self.features,))
        y = jnp.matmul(x, weight * (self.weight_gain * self.lr_mul / math.sqrt(inputs)), precision=HIGHEST)
        return bias_act(y, bias * self.lr_mul, self.activation)


class Conv(nn.Module):
    """Convolution with an optional change of resolution, activation, gain and clamp.

    `weight` [k, k, I, O] is drawn from N(0, 1) and scaled by weight_gain / sqrt(k k I); `bias` [O] starts at 0.
    """

    features: int
    kernel: int = 3
    resample: str = ""  # "", "up" or "down"
    activation: str = "linear"
    bias: bool = True
    clamp: float | None = None
    taps: tuple[float, ...] = FILTER
    weight_gain: float = 1.0

    @nn.compact
    def __call__(self, x, gain: float = 1.0):
        shape = (self.kernel, self.kernel, x.shape[-1], self.features)
        weight = self.param("weight", nn.initializers.normal(1.0), shape)
        bias = self.param("bias", nn.initializers.zeros, (self.features,)) if self.bias else None
        weight = (weight * (self.weight_gain / math.sqrt(math.prod(shape[:3])))).astype(x.dtype)
        match self.resample:
            case "up":
                y = conv_up2(x, weight, self.taps)
            case "down":
                y = conv_down2(x, weight, self.taps)
            case _:
                y = conv(x, weight)
        return bias_act(y, bias, self.activation, gain, self.clamp)
