"""One-shot inversion: a network that looks at an image and names its code."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxgan.core.code import Code
from jaxgan.core.network import Network
from jaxgan.core.objective import Objective
from jaxgan.inversion.base import Found, Inverter, untuned


def encode(network: Network, space: str | None = None, *, objective: Objective | None = None) -> Inverter:
    """Invert by one pass of an encoder.

    Args:
        network: Images [N, H, W, C] to a `Code`, or to the value of one: [N, D], [N, L, D] or a tuple of [N, C_l].
        space: Space of the codes; when None it follows from the shape: the last of the generator's plain ("w") or
            extended ("w+") spaces with codes of that shape.
        objective: If given, `info["loss"]` [1, N] holds its value at the codes; otherwise it is [0, N].

    Returns:
        An inverter. What the guess held before is replaced; its condition stays.
    """

    def inverter(found: Found, images, key):
        untuned(found, "encode")
        g = found.generator
        code = _apply(network, images)
        if not isinstance(code, Code):
            code = Code(code, space or space_of(g, code))
        if code.cond is None and found.code is not None:
            code = code.replace(cond=found.code.cond)
        loss = jnp.zeros((0, len(images)))
        if objective is not None:
            loss = _judge(objective, g, code, images)[None]
        return Found(g, code), {"loss": loss}

    return inverter


@jax.jit
def _apply(network, images):
    return network(images)


@jax.jit
def _judge(objective, g, code, images):
    return objective(g(code), images, code, g)[0]


def space_of(g, value) -> str:
    """Name the space whose codes have the shape of `value`; charts such as "p" must be asked for by name."""
    shape = jax.tree.map(lambda v: tuple(v.shape[1:]), value)
    for stage in reversed(g.arch.stages):
        if g.arch.shape(stage.source) == shape:
            return stage.source
    raise ValueError(f"The encoder gives [N, *{shape}], no space of {g.arch.name} has such codes: {g.arch.shapes}.")
