"""Move codes along directions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxgan.core.code import Code
from jaxgan.core.directions import Directions
from jaxgan.core.generator import Generator
from jaxgan.editing.base import Edit
from jaxgan.latents.spaces import check_layers, is_tuple, origin, plain, rows, unrows


def move(directions: Directions, by: Any = 1.0, layers: Iterable[int] | None = None, *, relative: bool = True) -> Edit:
    """Move codes along directions by a number of standard deviations.

        relative:  code + sum_k by_k scale_k n_k
        absolute:  the coordinates of code - origin along the n_k become by_k scale_k, the rest stays

    A code that lies before the directions' space is carried to it first (z to w, say). Directions of "w" on codes of
    "w+" move the chosen rows; where only some rows move, a "w" code becomes a "w+" code.

    Args:
        directions: K directions.
        by: Strength in standard deviations, a leaf: one number for all; [K] one for each direction; [N, K] for each
            code and direction. With one direction, [N] is one for each code.
        layers: Rows of w+ (layers of s) that move; the directions' own when None, all if they name none.
        relative: Add to the code (the default), or set its place along the directions, counted from the mean of w
            that the generator carries (from 0 in other spaces).

    Raises:
        ValueError: When the chain does not lead from the code to the directions' space, or shapes do not fit.
    """
    chosen = directions.layers if layers is None else tuple(layers)

    def edit(g: Generator, code: Code) -> Code:
        code = meet(g, code, directions, chosen)
        shape, vectors = g.arch.shape(code.space), rows(directions.vectors)  # [K, D]
        strength = strengths(by, len(code), len(vectors)) * directions.scales  # [N, K]
        zero, mask = origin(g, code.space), moving(shape, chosen)
        if not is_tuple(shape) and shape != tuple(directions.vectors.shape[1:]):  # one vector for all rows
            # What a row holds behind the latent, such as the class in BigGAN's z+, stays.
            vectors = jnp.pad(vectors, ((0, 0), (0, shape[-1] - vectors.shape[1])))
            moved = shifted(code.value, strength[:, None], vectors, zero, relative)
            return code.replace(value=jnp.where(mask, moved, code.value))
        flat = lambda x: x if is_tuple(shape) else jnp.broadcast_to(x, shape).reshape(-1)
        here = rows(code.value)
        moved = shifted(here, strength, vectors, flat(zero), relative)
        return code.replace(value=unrows(jnp.where(flat(mask), moved, here), shape))

    return edit


def shifted(x: Float[Array, "*#b d"], strength: Float[Array, "*#b k"], vectors, zero, relative: bool):
    """Return rows moved by, or set to, the strengths along the vectors [K, D]."""
    if relative:
        return x + strength @ vectors
    gram = vectors @ vectors.T
    here = jnp.linalg.solve(gram, ((x - zero) @ vectors.T)[..., None])[..., 0]
    return x + (strength - here) @ vectors


def strengths(by: Any, n: int, k: int) -> Float[Array, "n k"]:
    """Bring a strength to [N, K], or raise ValueError."""
    by = jnp.asarray(by, jnp.float32)
    if by.ndim == 1 and k == 1 and len(by) == n:
        by = by[:, None]
    if by.ndim > 2 or (by.ndim and by.shape[-1] not in (1, k)) or (by.ndim == 2 and by.shape[0] not in (1, n)):
        raise ValueError(f"by has shape {by.shape}: give one number, [{k}] for the directions, or [{n}, {k}].")
    return jnp.broadcast_to(by, (n, k))


def meet(g: Generator, code: Code, directions: Directions, layers: tuple[int, ...] | None) -> Code:
    """Carry a code to where the directions can act on it, or raise a ValueError of one line."""
    space = directions.space
    if space not in g.spaces:
        raise ValueError(f"The directions live in {space!r}, {g.arch.name} offers {', '.join(g.spaces)}.")
    widths = jax.tree.map(lambda v: tuple(v.shape[1:]), directions.vectors)
    if widths != g.arch.shape(space):
        raise ValueError(
            f"The directions have shape [K, *{widths}], codes of {g.arch.name} in {space!r} have "
            f"[N, *{g.arch.shape(space)}]: they are of another generator."
        )
    wide = space if space.endswith("+") or space + "+" not in g.spaces else space + "+"
    per_layer = wide != space and (layers is not None or code.space.endswith("+"))
    goal = wide if per_layer else space
    try:
        code = code if code.space == goal else g.to(code, goal)
    except ValueError as error:
        raise ValueError(
            f"The directions live in {space!r}, the code in {code.space!r}: the chain of {g.arch.name} does not lead "
            f"from there to {goal!r}. Start from an earlier code or find directions in {plain(code.space)!r}."
        ) from error
    check_layers(g, goal, layers)
    return code


def moving(shape: Any, layers: tuple[int, ...] | None) -> Bool[Array, ...]:
    """Whether each coordinate moves: [L, 1] for rows, [D] for a tuple of arrays, a scalar where there are no layers."""
    if layers is None or (len(shape) == 1 and not is_tuple(shape)):
        return jnp.array(True)
    if is_tuple(shape):
        return jnp.concatenate([jnp.full(s, i in layers) for i, s in enumerate(shape)])
    return jnp.array([i in layers for i in range(shape[0])])[:, None]
