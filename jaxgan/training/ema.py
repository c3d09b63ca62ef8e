"""Exponential moving average of weights by half-life."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp


@dataclass(frozen=True)
class Ema:
    """Weight averaging.

    Args:
        kimg: Half-life in thousands of images.
        ramp: The half-life is at most this fraction of the images seen so far; None for no ramp-up.
        start: Thousands of images before which the average is a copy.
    """

    kimg: float = 10.0
    ramp: float | None = 0.05
    start: float = 0.0


def half_life(config: Ema) -> Callable:
    """Average the weights with a half-life in images.

        beta = 0.5 ^ (batch / min(1000 kimg, ramp images)),     averaged <- params + beta (averaged - params)

    Returns:
        `ema(averaged, params, batch, images) -> averaged`.

    Source: PGGAN, section 4; the ramp-up of StyleGAN2-ADA; the start of BigGAN, appendix C.
    """

    def ema(averaged, params, batch, images):
        life = jnp.float32(config.kimg * 1000)
        if config.ramp is not None:
            life = jnp.minimum(life, images * config.ramp)
        beta = 0.5 ** (batch / jnp.maximum(life, 1e-8))
        if config.start:
            beta = jnp.where(images < config.start * 1000, 0.0, beta)
        return jax.tree.map(lambda a, p: p + beta * (a - p), averaged, params)

    return ema
