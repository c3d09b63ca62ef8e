"""Residual blocks of generators and discriminators that change the resolution by two."""

from __future__ import annotations

from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp

from jaxgan.nn.conditional import ConditionalBatchNorm
from jaxgan.nn.normalize import Levels
from jaxgan.nn.spectral import Conv
from jaxgan.ops.resample import enlarge
from jaxgan.ops.similarity import halve


class Block(NamedTuple):
    """A residual block.

    Args:
        index: Its number.
        inputs, outputs: Channels.
        resample: Whether it changes the resolution.
        resolution: Of what it returns.
        closes: Whether attention may follow: it is the last block of its resolution.
    """

    index: int
    inputs: int
    outputs: int
    resample: bool
    resolution: int
    closes: bool


class Norm(NamedTuple):
    """How activations and weights are normalised; the fields are those of `arch`."""

    bn_eps: float
    bn_momentum: float
    bn_groups: int
    levels: Levels | None
    spectral: bool
    stored: bool
    sn_eps: float
    initial: str

    def weights(self) -> dict[str, Any]:
        return dict(normalise=self.spectral, stored=self.stored, eps=self.sn_eps, initial=self.initial)

    def batch(self) -> dict[str, Any]:
        return dict(eps=self.bn_eps, momentum=self.bn_momentum, groups=self.bn_groups, levels=self.levels)


class GeneratorBlock(nn.Module):
    """Residual block that a condition [N, K] modulates: two 3x3 convolutions, or in the deep one a bottleneck of four.

    The shortcut is a 1x1 convolution, taken before the pixels are repeated, which is the same; the deep one has none
    and leaves the last channels out.
    """

    block: Block
    deep: bool
    norm: Norm
    tables: bool

    @nn.compact
    def __call__(self, x, cond, train: bool):
        b, weights = self.block, self.norm.weights()
        conv = lambda name, y, outputs, k=3, up=False: Conv(outputs, k, enlarge=up, name=name, **weights)(y, train)
        enlarged = enlarge if b.resample else lambda y: y

        def activated(name, y):
            n = self.norm
            maps = (n.spectral and not self.tables, n.stored, n.sn_eps, n.initial)
            statistics = (n.bn_eps, n.bn_momentum, n.bn_groups, n.levels)
            return nn.relu(ConditionalBatchNorm(*statistics, *maps, name=name)(y, cond, train))

        if self.deep:
            hidden = b.inputs // 4
            y = conv("conv2", activated("bn2", conv("conv1", activated("bn1", x), hidden, 1)), hidden, up=b.resample)
            y = conv("conv3", activated("bn3", y), hidden)
            return conv("conv4", activated("bn4", y), b.outputs, 1) + enlarged(x[..., : b.outputs])
        y = conv("conv1", activated("bn1", x), b.outputs, up=b.resample)
        y = conv("conv2", activated("bn2", y), b.outputs)
        shortcut = conv("conv_sc", x, b.outputs, 1) if b.resample or b.inputs != b.outputs else x
        return y + enlarged(shortcut)


class DiscriminatorBlock(nn.Module):
    """Residual block: two 3x3 convolutions, or in the deep one a bottleneck of four; halves by averages.

    The shortcut's 1x1 convolution is taken after halving, which is the same; the deep one's adds the missing channels.
    """

    block: Block
    deep: bool
    wide: bool
    weights: tuple

    @nn.compact
    def __call__(self, x, train: bool):
        b = self.block
        conv = lambda name, y, outputs, k=3: Conv(outputs, k, name=name, **dict(self.weights))(y, train)
        down = halve if b.resample else lambda y: y
        shortcut = down(x)
        if self.deep:
            hidden = b.outputs // 4
            y = nn.relu(conv("conv1", nn.relu(x), hidden, 1))
            y = nn.relu(conv("conv3", nn.relu(conv("conv2", y, hidden)), hidden))
            if b.inputs != b.outputs:
                more = conv("conv_sc", shortcut, b.outputs - b.inputs, 1)
                shortcut = jnp.concatenate([shortcut, more], axis=-1)
            return conv("conv4", down(y), b.outputs, 1) + shortcut
        y = conv("conv1", nn.relu(x) if b.index else x, b.outputs if self.wide else b.inputs)
        y = conv("conv2", nn.relu(y), b.outputs)
        if b.resample or b.inputs != b.outputs:
            shortcut = conv("conv_sc", shortcut, b.outputs, 1)
        return down(y) + shortcut
