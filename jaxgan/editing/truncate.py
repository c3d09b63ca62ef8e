"""Truncation as an edit: pull codes towards the mean of w."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from jaxgan.core.code import Code
from jaxgan.core.generator import Generator, base
from jaxgan.editing.base import Edit
from jaxgan.latents.spaces import origin, styled, w_mean


def truncate(psi, cutoff: int | None = None) -> Edit:
    """Pull codes towards the mean, w_mean + psi (w - w_mean); with a cutoff in the first rows of w+ only.

    Unlike `g(code, psi=...)` it also acts on codes that have passed w: in w+, and in the charts p and p+ of both.

    Args:
        psi: Strength, a leaf: 1 leaves codes alone, 0 gives the mean, more than 1 exaggerates.
        cutoff: Number of rows that it acts on; all when None.

    Source: Karras et al., "A Style-Based Generator Architecture for GANs" (2019), appendix B.
    """

    def edit(g: Generator, code: Code) -> Code:
        if w_mean(g) is None:
            raise ValueError(f"truncate needs the mean of w, {g.arch.name} carries none.")
        if base(g.arch, code.space) not in ("w", "w+"):
            if g.spaces.index(code.space) > g.spaces.index("w"):
                raise ValueError(f"Code is in {code.space!r}, behind w+; truncate an earlier code.")
            code = g.to(code, styled(g))
        if cutoff is not None and not base(g.arch, code.space).endswith("+"):
            code = g.to(code, code.space + "+") if code.space + "+" in g.spaces else g.to(code, "w+")
        mean = origin(g, code.space)
        pulled = mean + psi * (code.value - mean)
        if cutoff is not None:
            pulled = jnp.where(jnp.arange(code.value.shape[1])[:, None] < cutoff, pulled, code.value)
        return code.replace(value=pulled)

    return edit


def truncated(g: Generator, code: Code, space: str, psi) -> tuple[Code, Any]:
    """Carry sampled codes to a space, truncated on the way, so that what moves there later is not truncated too.

    Args:
        g: Generator.
        code: Codes of the first space.
        space: Where they are wanted.
        psi: Strength; None, or a generator without truncation, leaves codes alone.

    Returns:
        The codes, and the psi that is left for drawing them: None, but in a space that lies before truncation.
    """
    there = g.arch.truncates
    if psi is None or not there:
        return g.to(code, space), None
    order = [stage.source for stage in g.arch.stages]
    at, acts = order.index(base(g.arch, space)), order.index(there)
    if w_mean(g) is None:
        return (g.to(code, space), psi) if at <= acts else (g.to(code, space, psi=psi), None)
    return (g.to(code, space), psi) if at < acts else (g.to(truncate(psi)(g, code), space), None)
