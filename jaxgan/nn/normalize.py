"""Batch normalisation with its running statistics explicit."""

from __future__ import annotations

import math
from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jax import lax


class Levels(NamedTuple):
    """Running statistics for `count` truncations, evenly spaced from 0 to 1, of which one is used.

    Args:
        count: Rows of the statistics.
        truncation: Where to read, linear between the rows.
        swapped: Give the nearer row the weight of the farther one, as a published loader does between rows.
    """

    count: int
    truncation: float
    swapped: bool = False

    def read(self, table):
        """Return the row [C] of a table [count, C] at the truncation."""
        # Python's floats, as published: where the product falls just short of a whole number, so does the row.
        part, below = math.modf(self.truncation / (1.0 / (self.count - 1)))
        below = int(below)
        if part == 0.0:
            return table[below]
        near, far = (part, 1 - part) if self.swapped else (1 - part, part)
        return table[below] * near + table[below + 1] * far


class BatchNorm(nn.Module):
    """Normalise each channel over the batch, y = (x - mean) / sqrt(var + eps) * weight + bias.

    In training `mean` and `var` are those of the batch, otherwise the running ones of the buffers `mean` and `var` [C].
    `weight` [C] is drawn from N(1, weight_std), `bias` [C] starts at 0.

    Args:
        eps: Added to the variance.
        momentum: Share of the newest batch in the running statistics; 1 keeps those of the last batch alone.
        groups: The batch is normalised in as many equal parts: 1 is the global batch, on however many devices (what is
            called cross-replica); the number of devices makes the statistics those of each device's share.
        affine: Whether there are weight and bias.
        weight_std: Spread of the initial weights.
        levels: Several rows of running statistics, which then do not move, or None.

    Source: Ioffe and Szegedy (2015), algorithms 1 and 2. As in PyTorch the running variance is the unbiased one. The
    running statistics are means over all groups, where published data-parallel code keeps the first device's.
    """

    eps: float = 1e-5
    momentum: float = 0.1
    groups: int = 1
    affine: bool = True
    weight_std: float = 0.0
    levels: Levels | None = None

    @nn.compact
    def __call__(self, x, train: bool = False):
        y = standardised(self, x, train, self.eps, self.momentum, self.groups, self.levels)
        if not self.affine:
            return y
        draw = nn.initializers.normal(self.weight_std) if self.weight_std else nn.initializers.zeros
        weight = self.param("weight", lambda key, shape: 1 + draw(key, shape), (x.shape[-1],))
        bias = self.param("bias", nn.initializers.zeros, (x.shape[-1],))
        return y * weight.astype(y.dtype) + bias.astype(y.dtype)


def standardised(
    module: nn.Module, x, train: bool, eps: float, momentum: float, groups: int = 1, levels: Levels | None = None
):
    """Return x [N, ..., C] with mean 0 and variance 1 a channel, keeping a module's buffers `mean` and `var`.

    Raises:
        ValueError: If the groups do not divide the batch, in training.
    """
    channels = x.shape[-1]
    shape = (channels,) if levels is None else (levels.count, channels)
    mean = module.variable("buffers", "mean", jnp.zeros, shape)
    var = module.variable("buffers", "var", jnp.ones, shape)
    if not train:
        m, v = (mean.value, var.value) if levels is None else (levels.read(mean.value), levels.read(var.value))
        return (x - m.astype(x.dtype)) * lax.rsqrt(v + eps).astype(x.dtype)
    if x.shape[0] % groups:
        raise ValueError(f"Batch {x.shape[0]} is not divisible by {groups} batch-norm groups. Change one of the two.")
    parts = x.astype(jnp.float32).reshape(groups, -1, channels)  # [groups, N / groups * H * W, C]
    count = parts.shape[1]
    m = parts.mean(1, keepdims=True)
    v = jnp.square(parts - m).mean(1, keepdims=True)
    if levels is None and module.is_mutable_collection("buffers") and not module.is_initializing():
        unbiased = v.mean((0, 1)) * (count / max(count - 1, 1))
        mean.value = lax.stop_gradient(mean.value + momentum * (m.mean((0, 1)) - mean.value))
        var.value = lax.stop_gradient(var.value + momentum * (unbiased - var.value))
    return ((parts - m) * lax.rsqrt(v + eps)).reshape(x.shape).astype(x.dtype)
