"""Adversarial losses on logits, [N, 1] or [N] to [N]."""

from __future__ import annotations

import jax
from jaxtyping import Array, Float


def minimax_g(fake: Float[Array, "n ..."]) -> Float[Array, " n"]:
    """Return the generator's minimax loss, -softplus(fake) = log(1 - sigmoid(fake)).

    Its gradient vanishes where the discriminator is sure of itself; `nonsaturating_g` has the same fixed point.

    Source: Goodfellow et al. (2014), equation 1.
    """
    return -jax.nn.softplus(fake).reshape(len(fake))


def nonsaturating_g(fake: Float[Array, "n ..."]) -> Float[Array, " n"]:
    """Return the generator's non-saturating loss, softplus(-fake) = -log sigmoid(fake).

    Source: Goodfellow et al. (2014), section 3.
    """
    return jax.nn.softplus(-fake).reshape(len(fake))


def nonsaturating_d(real: Float[Array, "n ..."], fake: Float[Array, "n ..."]) -> Float[Array, " n"]:
    """Return the discriminator's loss, softplus(fake) + softplus(-real).

    Source: Goodfellow et al. (2014), algorithm 1.
    """
    return (jax.nn.softplus(fake) + jax.nn.softplus(-real)).reshape(len(fake))
