"""Follow curved paths: the direction of an edit is asked for anew after every small step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp

from jaxgan.core.code import Code
from jaxgan.core.generator import Generator
from jaxgan.core.network import Network
from jaxgan.editing.base import Edit
from jaxgan.latents.spaces import check_layers, rows, unrows

STEPS = 8


def follow(
    field: Network, axis: int = 0, by: Any = 1.0, *, steps: int = STEPS, layers: Iterable[int] | None = None
) -> Edit:
    """Move codes along a path of a field of directions.

        x <- x + (by / steps) sigma v(x),    `steps` times

    A code that lies before the field's space is carried to it first. On rows of "w+" each row goes a path of its own.

    Args:
        field: What `directions.warped` or `directions.latentclr` learn with `straight=False`: a network from points and
            the number of an axis to unit vectors v, with the population's spread in one coordinate as its buffer sigma.
        axis: Which of its paths.
        by: Length of the path in units of sigma, a leaf: a number or [N]; below 0 it goes backwards.
        steps: Number of steps. One is a straight edit along v at the code, as LatentCLR's are.
        layers: Rows of w+ that move; all when None.

    Returns:
        An edit to the field's space, or to the rows of it.

    Raises:
        ValueError: When the field is of another space or generator, or has no such axis.

    Source: Tzelepis et al., "WarpedGANSpace" (2021), section 3.2.
    """
    chosen = None if layers is None else tuple(layers)
    module = field.module
    if steps < 1 or not 0 <= axis < module.axes:
        raise ValueError(f"The field has axes 0 to {module.axes - 1}, got {axis}; steps is {steps}, at least 1.")

    def edit(g: Generator, code: Code) -> Code:
        space = module.space
        wide = f"{space}+"
        goal = wide if wide in g.spaces and (chosen is not None or code.space == wide) else space
        code = g.to(code, goal)
        check_layers(g, goal, chosen)
        shape, n = g.arch.shape(goal), len(code)
        by_row = goal != space
        x = code.value.reshape(-1, shape[-1]) if by_row else rows(code.value)
        if x.shape[1] != module.width:
            raise ValueError(
                f"The field is of {module.width} coordinates, codes of {g.arch.name} in {space!r} have {x.shape[1]}: "
                "it was learned on another generator."
            )
        pace = jnp.broadcast_to(jnp.asarray(by, jnp.float32), (n,)) * field.buffers["sigma"] / steps
        pace = jnp.repeat(pace, len(x) // n)[:, None]
        if chosen is not None:
            pace = pace * jnp.tile(jnp.array([i in chosen for i in range(shape[0])], jnp.float32), n)[:, None]
        moved = jax.lax.fori_loop(0, steps, lambda _, x: x + pace * field(x, axis), x)
        value = moved.reshape(code.value.shape) if by_row else unrows(moved, shape)
        return code.replace(value=value)

    return edit
