"""Edits that a network has learned."""

from __future__ import annotations

from typing import Any

from jaxgan.core.code import Code
from jaxgan.core.generator import Generator
from jaxgan.core.network import Network
from jaxgan.editing.base import Edit
from jaxgan.latents.spaces import is_tuple

BY = 0.1


def mapper(network: Network, by: Any = BY, space: str = "w+") -> Edit:
    """Change codes as a network says: c + by M(c).

    Args:
        network: From codes of the space to changes, such as a trained `encoders.mapper`.
        by: Strength, a leaf; 0.1 is what StyleCLIP's mappers are trained with, more of it exaggerates.
        space: Space of the codes.

    Returns:
        An edit to the space.

    Raises:
        ValueError: When the network's changes have another shape than the codes.

    Source: Patashnik et al., "StyleCLIP" (2021), section 5; the factor is its code's.
    """

    def edit(g: Generator, code: Code) -> Code:
        code = g.to(code, space)
        change = network(code.value)
        if is_tuple(g.arch.shape(space)) or change.shape != code.value.shape:
            raise ValueError(
                f"The mapper changes {getattr(change, 'shape', 'other things')}, codes of {g.arch.name} in {space!r} "
                f"are [N, *{g.arch.shape(space)}]: it was trained on another generator."
            )
        return code.replace(value=code.value + by * change)

    return edit
