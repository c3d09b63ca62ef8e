"""Segmenters: what is where. Any function from images [N, H, W, C] to masks [N, h, w, concepts] is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxgan.features.attributes import coloured

PALETTE = {
    "red": (0.7, -0.7, -0.7),
    "yellow": (0.7, 0.7, -0.7),
    "green": (-0.7, 0.7, -0.7),
    "cyan": (-0.7, 0.7, 0.7),
    "blue": (-0.7, -0.7, 0.7),
    "magenta": (0.7, -0.7, 0.7),
    "white": (0.9, 0.9, 0.9),
    "grey": (0.0, 0.0, 0.0),
    "black": (-0.9, -0.9, -0.9),
}


class Segmenter(NamedTuple):
    """A function from images to one concept for each pixel.

    Args:
        score: Images to probabilities [N, h, w, concepts], differentiable.
        names: Of the concepts.
    """

    score: Callable[[Any], Any]
    names: tuple[str, ...]

    def __call__(self, images: Float[Array, "n h w c"]) -> Bool[Array, "n h w k"]:
        """Return for each pixel the most likely concept, as masks."""
        likely = self.score(images)
        return jax.nn.one_hot(likely.argmax(-1), likely.shape[-1], dtype=bool)


def colours(palette: Mapping[str, Sequence[float]] | None = None, softness: float = 0.1) -> Segmenter:
    """Segment images by the nearest colour of a palette.

        p_c = softmax_c(-|x - colour_c|^2 / softness)

    Args:
        palette: {name: (red, green, blue) in [-1, 1]}; nine plain colours when None.
        softness: Squared distance over which one colour gives way to another.
    """
    chosen = PALETTE if palette is None else palette
    prototypes = jnp.asarray(list(chosen.values()), jnp.float32)
    if prototypes.ndim != 2 or prototypes.shape[1] != 3:
        raise ValueError(f"A palette names colours of three numbers, got an array {prototypes.shape}.")

    def score(images):
        distance = jnp.square(coloured(images)[..., None, :] - prototypes).sum(-1)
        return jax.nn.softmax(-distance / softness, axis=-1)

    return Segmenter(jax.jit(score), tuple(chosen))
