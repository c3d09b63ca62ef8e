"""Spaces: how codes of any of them become rows of a matrix and back, and where their origin lies."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.core.generator import Generator, base


def rows(value: Any) -> Float[Array, "n d"]:
    """Return a code's value (an array or a tuple of arrays, batch first) as one row per member [N, D]."""
    return jnp.concatenate([v.reshape(v.shape[0], -1) for v in jax.tree.leaves(value)], axis=1)


def unrows(flat: Float[Array, "n d"], shape: Any) -> Any:
    """Return rows [N, D] to the form of codes of `shape` (as of `Arch.shape`): the inverse of `rows`."""
    shapes = shape if is_tuple(shape) else (shape,)
    ends, parts = 0, []
    for s in shapes:
        size = math.prod(s)
        parts.append(flat[:, ends : ends + size].reshape(flat.shape[0], *s))
        ends += size
    return tuple(parts) if is_tuple(shape) else parts[0]


def is_tuple(shape: Any) -> bool:
    """Whether a shape is a tuple of shapes, as that of "s" is."""
    return bool(shape) and isinstance(shape[0], tuple)


def check_layers(g: Generator, space: str, layers: tuple[int, ...] | None) -> None:
    """Raise ValueError unless codes of the space have these layers."""
    shape = g.arch.shape(space)
    if layers is None:
        return
    if len(shape) == 1 and not is_tuple(shape):
        raise ValueError(f"{g.arch.name} has no layers in {space!r}; leave layers out.")
    count = len(shape) if is_tuple(shape) else shape[0]
    wrong = [i for i in layers if not 0 <= i < count]
    if wrong:
        raise ValueError(f"Codes in {space!r} have layers 0 to {count - 1}, got {wrong}.")


def plain(space: str) -> str:
    """Name of the space that one row of a code lives in: "w" for "w+"."""
    return space.removesuffix("+")


def first(g: Generator) -> str:
    """Name of the space that the generator samples from."""
    return g.arch.stages[0].source


def styled(g: Generator) -> str:
    """Name of the space that style layers read row by row: "w" where there is one, else the first space."""
    return "w" if "w" in g.spaces else first(g)


def w_mean(g: Generator) -> Float[Array, " d"] | None:
    """Return the mean of w that the generator carries, or None."""
    for stage in g.arch.stages:
        mean = g.buffers.get(stage.module.name, {}).get("w_mean")
        if mean is not None:
            return mean
    return None


def origin(g: Generator, space: str) -> Float[Array, ...]:
    """Return the point that absolute distances in a space count from: the mean of w, carried to its charts; else 0."""
    mean = w_mean(g)
    if mean is None or base(g.arch, plain(space)) != "w":
        return jnp.zeros(())
    chart = next((c for c in g.arch.charts if c.target == plain(space)), None)
    return mean if chart is None else chart.forward(mean)


def noise_maps(g: Generator) -> dict[str, Float[Array, "1 h w 1"]]:
    """Return the generator's constant noise maps in the form of `Code.noise`; empty if it has none."""
    maps = {}
    for stage in g.arch.stages:
        for path, leaf in jax.tree_util.tree_leaves_with_path(g.buffers.get(stage.module.name, {})):
            names = [p.key for p in path]
            if names[-1] == "noise":
                maps["_".join(names[:-1])] = leaf[None, :, :, None]
    return maps
