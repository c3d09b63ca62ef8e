"""Layers without equalised learning rate: weights are stored as they are used."""

from __future__ import annotations

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan.ops.resample import HIGHEST, conv
from jaxgan.ops.strided import conv_double, conv_half

ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": jax.nn.relu,
    "lrelu": lambda x: jnp.where(x >= 0, x, 0.2 * x),
    "tanh": jnp.tanh,
    # Black is -1 here and 0 for those who end in a sigmoid.
    "sigmoid": lambda x: 2 * jax.nn.sigmoid(x) - 1,
}


def scattered(std: float | None, fan_in: int):
    """Return an initializer: N(0, std), or U(-b, b) with b = 1 / sqrt(fan_in) when std is None (PyTorch's default)."""
    if std is not None:
        return nn.initializers.normal(std)
    bound = 1 / math.sqrt(fan_in)
    return lambda key, shape: jax.random.uniform(key, shape, minval=-bound, maxval=bound)


class Dense(nn.Module):
    """Fully connected layer, y = x W + b.

    Args:
        features: Width of y.
        std: Spread of the initial weights; PyTorch's default of weights and bias when None.
        bias: Whether there is one; it starts at 0 unless `std` is None.
    """

    features: int
    std: float | None = None
    bias: bool = True

    @nn.compact
    def __call__(self, x):
        weight = self.param("weight", scattered(self.std, x.shape[-1]), (x.shape[-1], self.features))
        y = jnp.matmul(x, weight.astype(x.dtype), precision=HIGHEST)
        if not self.bias:
            return y
        start = nn.initializers.zeros if self.std is not None else scattered(None, x.shape[-1])
        return y + self.param("bias", start, (self.features,)).astype(y.dtype)


class Conv(nn.Module):
    """Convolution, zero padded, at the same resolution, at half or at twice of it.

    `weight` is [k, k, I, O] also where the resolution doubles: y[2i + a - pad] += x[i] weight[a].

    Args:
        features: Channels of y.
        kernel: Side of the kernel k.
        resample: "" (odd k only), "down" (stride 2) or "up" (transposed, stride 2).
        std, bias: As in `Dense`.
        penalised: The layer stands in a gradient penalty, so that second derivatives should be fast.
    """

    features: int
    kernel: int = 3
    resample: str = ""
    std: float | None = None
    bias: bool = True
    penalised: bool = False

    @nn.compact
    def __call__(self, x):
        shape = (self.kernel, self.kernel, x.shape[-1], self.features)
        # PyTorch counts the fan-in of a transposed convolution over its outputs.
        fan_in = self.kernel**2 * (self.features if self.resample == "up" else x.shape[-1])
        weight = self.param("weight", scattered(self.std, fan_in), shape).astype(x.dtype)
        pad = (self.kernel - 1) // 2
        match self.resample:
            case "up":
                y = conv_double(x, weight, pad)
            case "down":
                y = conv_half(x, weight, pad, None if self.penalised else False)
            case _:
                y = conv(x, weight)
        if not self.bias:
            return y
        start = nn.initializers.zeros if self.std is not None else scattered(None, fan_in)
        return y + self.param("bias", start, (self.features,)).astype(y.dtype)
