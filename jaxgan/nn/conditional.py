"""Layers whose scale and shift are functions of a condition."""

from __future__ import annotations

import flax.linen as nn
import jax.numpy as jnp

from jaxgan.nn.normalize import Levels, standardised
from jaxgan.nn.spectral import Dense


class ConditionalBatchNorm(nn.Module):
    """Normalise over the batch and let a condition scale and shift, y = (x - mean) / std * (1 + c G) + c B.

    `gain` and `bias` are linear maps of the condition [N, K] without bias, in spectral norm.

    Args:
        eps, momentum, groups, levels: As for `BatchNorm`.
        normalise, stored, spectral_eps, initial: Of both maps, as for `nn.spectral.Dense`.

    Source: Brock et al., "Large Scale GAN Training for High Fidelity Natural Image Synthesis" (2019), appendix B.
    """

    eps: float = 1e-5
    momentum: float = 0.1
    groups: int = 1
    levels: Levels | None = None
    normalise: bool = True
    stored: bool = False
    spectral_eps: float = 1e-6
    initial: str = "ortho"

    @nn.compact
    def __call__(self, x, cond, train: bool = False):
        how = (x.shape[-1], False, self.normalise, self.stored, self.spectral_eps, self.initial)
        gain = 1 + Dense(*how, name="gain")(cond, train)
        bias = Dense(*how, name="bias")(cond, train)
        y = standardised(self, x, train, self.eps, self.momentum, self.groups, self.levels)
        over = lambda a: jnp.expand_dims(a, tuple(range(1, x.ndim - 1))).astype(y.dtype)
        return y * over(gain) + over(bias)
