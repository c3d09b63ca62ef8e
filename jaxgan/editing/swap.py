"""Layers of one generator in another: image-to-image translation between generators with one latent space."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import jax

from jaxgan.core.generator import Generator
from jaxgan.editing.masks import over


def swap(g: Generator, other: Generator, layers: Iterable[str], by: Any = 1.0) -> Generator:
    """Take layers from another generator of the same architecture.

        theta <- (1 - by) theta + by theta_other    for the parameters and buffers of the layers

    A generator that was fine-tuned from another one keeps its codes' meaning: coarse layers of one and fine layers of
    the other draw the layout of one domain in the look of the other. A blend of activations instead of parameters is
    `blend` with two generators.

    Args:
        g: The generator whose other layers stay.
        other: Where the layers come from.
        layers: Their names, of blocks ("b8") or single layers ("b8_conv0"), as `layers_of` lists them. A block takes
            its affine maps along.
        by: How far to go, a leaf: 0 is g, 1 the exchange, to the bit.

    Raises:
        ValueError: The architectures differ, or a name is not that of a layer.

    Source: Pinkney and Adler, "Resolution Dependent GAN Interpolation for Controllable Image Synthesis Between Domains"
    (2020); Chong et al., "StyleGAN of All Trades" (2021), section 4.4.
    """
    if g.arch != other.arch:
        raise ValueError(f"Layers are exchanged between equal architectures; these are {g.arch.name} and another.")
    chosen, allowed = tuple(layers), layers_of(g)
    wrong = [name for name in chosen if name not in allowed]
    if wrong:
        raise ValueError(f"{g.arch.name} has no layer {wrong[0]!r}; there are {', '.join(allowed)}.")

    def taken(path, mine, theirs):
        return over(mine, theirs, by) if set(names(path)) & set(chosen) else mine

    mixed = lambda a, b: jax.tree_util.tree_map_with_path(taken, a, b)
    return g.replace(params=mixed(g.params, other.params), buffers=mixed(g.buffers, other.buffers))


def layers_of(g: Generator) -> tuple[str, ...]:
    """List the names that `swap` knows: stages, blocks, and the layers of blocks."""
    found: dict[str, None] = {}
    for path, _ in jax.tree_util.tree_leaves_with_path((g.params, g.buffers)):
        found |= dict.fromkeys(names(path[1:]))
    natural = lambda name: [int(part) if part.isdigit() else part for part in re.findall(r"\d+|\D+", name)]
    return tuple(sorted(found, key=natural))


def names(path) -> list[str]:
    """Names of what a parameter belongs to: "synthesis", "b8" and "b8_conv0"; "b8" also for the affine "b8_conv0"."""
    stage, *parts = [str(p.key) for p in path[:-1]]
    nested = ["_".join(parts[: i + 1]) for i in range(len(parts))]
    block = re.match(r"[a-z]+\d+(?=_)", parts[0]) if parts else None
    return [stage, *([block[0]] if block else []), *nested]
