"""Style mixing: rows of one code replaced by those of another."""

from __future__ import annotations

from collections.abc import Iterable

import jax.numpy as jnp

from jaxgan.core.code import Code
from jaxgan.core.generator import Generator
from jaxgan.editing.base import Edit
from jaxgan.editing.move import moving
from jaxgan.latents.spaces import check_layers


def mix(other: Code, layers: Iterable[int]) -> Edit:
    """Take the given rows of w+ (or layers of s) from another code.

    Args:
        other: Codes to take from: as many as are edited, or one for all.
        layers: Rows of w+ to take; layers of s when both codes are in "s".

    Returns:
        An edit to "w+" (or "s").

    Source: Karras et al., "A Style-Based Generator Architecture for GANs" (2019), section 3.1.
    """
    chosen = tuple(layers)

    def edit(g: Generator, code: Code) -> Code:
        space = "s" if code.space == other.space == "s" else "w+"
        if space not in g.spaces:
            raise ValueError(f"mix exchanges rows of 'w+', {g.arch.name} offers {', '.join(g.spaces)}.")
        if len(other) not in (1, len(code)):
            raise ValueError(f"mix takes from one code or from {len(code)}, got {len(other)}.")
        here, there = g.to(code, space), g.to(other, space)
        check_layers(g, space, chosen)
        if space == "s":
            grow = lambda a, b: jnp.broadcast_to(b, a.shape)
            value = tuple(grow(a, b) if i in chosen else a for i, (a, b) in enumerate(zip(here.value, there.value)))
        else:
            value = jnp.where(moving(g.arch.shape(space), chosen), there.value, here.value)
        return here.replace(value=value)

    return edit
