"""The frozen generator of a game that is about another network, checked against the recipe."""

from __future__ import annotations

from typing import Any

from jaxgan.core import Generator


def fitting(g: Any, word: str, resolution: int, channels: int, space: str = "") -> Generator:
    """Return the generator, or raise ValueError if it is not the one that the recipe describes.

    Args:
        g: What was loaded.
        word: Its file or bundled name.
        resolution, channels: Of its images, as the recipe says.
        space: One that it must have; "" for any.
    """
    if not isinstance(g, Generator):
        raise ValueError(f"{word} holds no generator, but a {type(g).__name__}.")
    if space and space not in g.spaces:
        raise ValueError(f"{word} holds no generator with codes in {space!r}; it has {', '.join(g.spaces)}.")
    if (g.arch.resolution, g.arch.channels) != (resolution, channels):
        raise ValueError(
            f"{word} draws {g.arch.channels} channels of {g.arch.resolution} pixels a side, the recipe says {channels} "
            f"of {resolution}. Set model.resolution and model.channels."
        )
    return g
