"""Settings that the games of several families share."""

from __future__ import annotations

from dataclasses import dataclass

import optax


@dataclass(frozen=True)
class Adam:
    """Adam's settings, the same for both players.

    Args:
        lr: Step size.
        b1: Decay of the first moment.
        b2: Decay of the second moment.
        eps: Added to the denominator.
    """

    lr: float = 0.0025
    b1: float = 0.0
    b2: float = 0.99
    eps: float = 1e-8


@dataclass(frozen=True)
class R1:
    """R1 penalty on real images.

    Args:
        gamma: Weight; the loss is gamma / 2 times the squared gradient norm. 0 turns it off.
        every: Steps between two penalties; the loss is multiplied by it.
    """

    gamma: float = 1.0
    every: int = 16


def lazy_adam(adam: Adam, every: int) -> optax.GradientTransformation:
    """Return Adam, corrected for one extra update on every `every`-th step (0: none)."""
    c = every / (every + 1) if every else 1.0
    return optax.adam(adam.lr * c, b1=adam.b1**c, b2=adam.b2**c, eps=adam.eps)
