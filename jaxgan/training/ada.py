"""Adaptive discriminator augmentation: how strongly to augment, judged by the discriminator's overconfidence."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp


@dataclass(frozen=True)
class Ada:
    """Settings of adaptive augmentation.

    Args:
        pipe: Name in `augment.PIPES`.
        target: Wanted mean sign of D on real images; None keeps p at `initial`.
        initial: p at the start.
        kimg: Thousands of images in which p can go from 0 to 1.
        every: Steps between two adjustments.
        limit: Largest p, None for no bound, as published (p then may exceed 1).
    """

    pipe: str = "bgc"
    target: float | None = 0.6
    initial: float = 0.0
    kimg: float = 500.0
    every: int = 4
    limit: float | None = None


def opening(ada: Ada) -> dict:
    """Return the statistics at the start: p, and the sum and number of signs seen since the last adjustment."""
    return {"p": jnp.float32(ada.initial), "signs": jnp.float32(0), "count": jnp.float32(0)}


def observe(stats: dict, real) -> dict:
    """Add the signs of logits on real images."""
    return {**stats, "signs": stats["signs"] + jnp.sign(real).sum(), "count": stats["count"] + real.size}


def adapt(stats: dict, ada: Ada, step, batch: int) -> dict:
    """Adjust p on every `ada.every`-th step.

        r = signs / count,     p <- max(p + sign(r - target) batch every / (1000 kimg), 0)

    Args:
        stats: Of `opening` and `observe`.
        ada: Settings.
        step: Number of steps done.
        batch: Images per step.

    Source: Karras et al. (2020), "Training GANs with Limited Data", section 3.1. Different: `limit`.
    """
    if ada.target is None:
        return stats
    r = stats["signs"] / jnp.maximum(stats["count"], 1)
    p = stats["p"] + jnp.sign(r - ada.target) * (batch * ada.every / (ada.kimg * 1000))
    p = jnp.clip(p, 0.0, ada.limit)
    now = (step % ada.every == 0) & (stats["count"] > 0)
    return {
        "p": jnp.where(now, p, stats["p"]),
        "signs": jnp.where(now, 0.0, stats["signs"]),
        "count": jnp.where(now, 0.0, stats["count"]),
    }
