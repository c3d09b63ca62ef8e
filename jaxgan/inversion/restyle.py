"""Inversion by an encoder that corrects itself: it looks at the image and at what its code draws so far."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxgan.core.network import Network
from jaxgan.core.objective import Objective
from jaxgan.encoders.restyle import start, step
from jaxgan.inversion.base import Found, Inverter, untuned


def restyle(network: Network, iterations: int = 5, *, objective: Objective | None = None) -> Inverter:
    """Invert by an encoder that looks several times, each time also at its reconstruction so far.

        w <- w + E(x, G(w)),   beginning at the mean of w, or at the code that the guess holds

    Args:
        network: A "restyle.encoder".
        iterations: How often it looks; more than it was trained with seldom helps.
        objective: If given, `info["loss"]` [iterations, N] holds its value after each look; otherwise it is [0, N].

    Returns:
        An inverter to codes in w+.

    Source: Alaluf et al., "ReStyle" (2021), section 3.2.
    """
    if iterations < 0:
        raise ValueError(f"iterations must be at least 0, got {iterations}.")
    if network.name != "restyle.encoder":
        raise ValueError(f"restyle takes a restyle.encoder, got {network.name or 'another network'}: use encode.")

    def inverter(found: Found, images, key):
        untuned(found, "restyle")
        g = found.generator
        code = start(network, len(images)) if found.code is None else g.to(found.code, "w+")
        if found.code is not None and found.code.cond is not None:
            code = code.replace(cond=found.code.cond)
        losses = [jnp.zeros((0, len(images)))]
        for _ in range(iterations):
            code = step(network, g, code, images)
            if objective is not None:
                losses.append(_judge(objective, g, code, images)[None])
        return Found(g, code), {"loss": jnp.concatenate(losses)}

    return inverter


@jax.jit
def _judge(objective, g, code, images):
    return objective(g(code), images, code, g)[0]
