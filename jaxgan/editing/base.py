"""What every edit is: `(g, code) -> code`. Edits are closures whose strengths are leaves, so that a sweep is a vmap.

What happens inside the generator, and on canvases of other sizes, is a drawing instead: `(g, *codes) -> images`.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.core.code import Code
from jaxgan.core.generator import Generator

Edit = Callable[[Generator, Code], Code]
Drawing = Callable[..., Float[Array, "n h w c"]]


def identity(g: Generator, code: Code) -> Code:
    """Return the code as it is: the neutral element of `chain`."""
    return code


def chain(*edits: Edit) -> Edit:
    """Apply edits one after the other, the first one first."""

    def edit(g: Generator, code: Code) -> Code:
        for part in edits:
            code = part(g, code)
        return code

    return edit


def sweep(edit_fn: Callable[..., Edit], values: Float[Array, " v"]) -> Edit:
    """Apply an edit at each of several strengths; the batch becomes [V * N], all of the first strength first.

    Args:
        edit_fn: Strength to edit, such as `lambda by: move(age, by)`.
        values: Strengths [V].

    Returns:
        An edit; `g(sweep(...)(g, code)).reshape(V, N, H, W, C)` is the strip.
    """
    values = jnp.asarray(values)

    def edit(g: Generator, code: Code) -> Code:
        codes = jax.vmap(lambda by: edit_fn(by)(g, code.separate()))(values)
        return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), codes)

    return edit
