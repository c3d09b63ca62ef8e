"""Codes by the words of a command: seeds, files of codes, pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxgan.cli import models, words

if TYPE_CHECKING:
    from jaxgan.core import Code, Generator


def given(
    items: Sequence[str],
    g: Generator,
    *,
    psi: float | None = None,
    smooth: float | None = None,
    steps: int = 300,
    seed: int = 0,
    anyway: bool = False,
) -> Code:
    """Return the codes that items name, in order, in their space, or in the one that layers read row by row.

    Args:
        items: `7` or `0-5` (seeds), `codes.safetensors` or `codes.safetensors#0,3`, or a picture or folder of pictures.
        g: Generator.
        psi: Truncation of seeds.
        smooth: Lets seeds lean towards their neighbours; see `editing.smooth`.
        steps, seed: Of the inversion of pictures.
        anyway: Whether codes of another generator are taken.
    """
    import jax
    import jax.numpy as jnp

    from jaxgan import io
    from jaxgan.editing import smooth as smoothing
    from jaxgan.editing import truncate
    from jaxgan.editing.morph import alike, wide
    from jaxgan.latents.walks import joined, seeded

    space, first, parts, pictures = wide(g), g.arch.stages[0].source, {}, {}
    for i, item in enumerate(items):
        name, _, chosen = item.partition("#")
        if item.replace(",", "").replace("-", "").isdigit():
            parts[i] = seeded(g, words.numbers(item, "seeds"))
        elif name.endswith(".safetensors"):
            code = models.codes(name, g, anyway).code
            places = words.numbers(chosen, "places") if chosen else list(range(len(code)))
            if max(places, default=0) >= len(code):
                raise words.Mistake(f"{item}: the file holds {len(code)} codes, 0 to {len(code) - 1}")
            parts[i] = code[jnp.array(places)]
        else:
            pictures[i] = io.read_images(Path(item), g.resolution, g.arch.channels, strict=True)[0]
    codes = list(dict(sorted({**parts, **inverted(g, pictures, space, steps, seed)}.items())).values())
    if smooth is not None:
        if any(code.space != first for code in codes):
            raise words.Mistake("--smooth is for seeds; codes and pictures are what they are")
        codes = [smoothing(smooth)(g, joined(codes))]
    if psi is not None:
        codes = [truncate(psi)(g, code) if code.space == first else code for code in codes]
    if len({code.space for code in codes}) == 1:
        space = codes[0].space
    same = alike(g, space, *(code[i] for code in codes for i in range(len(code))))
    return jax.tree.map(lambda *x: jnp.concatenate(x), *same)


def inverted(g: Generator, pictures: dict[int, Any], space: str, steps: int, seed: int) -> dict[int, Code]:
    """Return codes of pictures by the place of their item."""
    import jax
    import numpy as np

    from jaxgan import api, inversion

    if not pictures:
        return {}
    images = np.concatenate(list(pictures.values()))
    words.note(f"jaxgan: inverting {len(images)} pictures in {steps} steps")
    how = inversion.refine(objective(), steps=steps, space=space)
    code: Any = api.invert(g, images, how, jax.random.key(seed))[0].code
    ends = np.cumsum([len(x) for x in pictures.values()])
    return {i: code[int(end) - len(x) : int(end)] for (i, x), end in zip(pictures.items(), ends, strict=True)}


def objective():
    """Judge of inversions that need no weights."""
    from jaxgan import losses

    return losses.perceptual() + losses.pixel()
