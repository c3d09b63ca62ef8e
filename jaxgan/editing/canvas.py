"""Spatial operations on activations: pictures of other sizes than the generator's, from one code."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import jax
import jax.numpy as jnp
from flax.errors import FlaxError
from jax.tree_util import Partial
from jaxtyping import Array, ArrayLike, Float

from jaxgan.core.code import Code
from jaxgan.core.generator import Generator, known
from jaxgan.editing.base import Drawing
from jaxgan.editing.masks import fitted, over
from jaxgan.latents.spaces import noise_maps

MODES = {"reflect": "symmetric", "edge": "edge", "wrap": "wrap", "zoom": ""}


def widen(width: float = 2.0, height: float = 1.0, mode: str = "reflect", at: int = 8) -> Drawing:
    """Draw a code on a larger canvas: its activation at a coarse resolution is padded or stretched.

    The layers behind are convolutions and draw what they find, however large it is. What StyleGAN2 has summed up of the
    image until there is enlarged likewise.

    Args:
        width, height: Of the canvas in sides of the usual image; what is added is a multiple of 4 cells.
        mode: "reflect", "edge" or "wrap" pad on both sides; "zoom" repeats every cell, which makes things wide.
        at: Resolution behind whose block the canvas grows.

    Returns:
        A drawing: `(g, code, key=None)` to images [N, height * R, width * R, C]. The layers behind add the constant
        noise, repeated, or fresh noise if there is a key.

    Raises:
        ValueError: A mode or size that is not possible; the generator has no block of the resolution or is more than
            convolutions behind it.

    Source: Chong et al., "StyleGAN of All Trades" (2021), sections 3.1 and 4.3. Different: the image so far grows at
    half the resolution, before the block adds to it, and reflections repeat the edge: so the mirror lies at the same
    place in both, and upsampling commutes with it.
    """
    known(mode, tuple(MODES), "mode")
    whole = all(s >= 1 and (at * (s - 1) / 4).is_integer() for s in (height, width))
    if not whole or (mode == "zoom" and (width % 1 or height % 1)):
        raise ValueError(
            f"A canvas of {height:g} x {width:g} images does not grow from {at} x {at} cells by {mode!r}: sides are at "
            "least 1, and what is added is a multiple of 4 cells, of images for 'zoom'."
        )
    grow = grown(mode, float(height), float(width))

    def draw(g: Generator, code: Code, key=None):
        patches, larger = dict.fromkeys(entrances(g, at), grow), roomy(g, code, at, height, width, key)
        return of_size(g, lambda: g(larger, patches=patches), height, width)

    return draw


def shift(down: float, right: float, mask: Float[ArrayLike, ...] = 1.0, at: int = 8) -> Drawing:
    """Draw a code with its activation moved, inside a mask: things go elsewhere, or come a second time.

        f <- (1 - m) f + m roll(f, (down, right))

    Args:
        down, right: How far, cyclically, in sides of the image; whole numbers of 2 / at.
        mask: Where the moved activation shows; 1 everywhere moves the picture.
        at: Resolution behind whose block it happens.

    Returns:
        A drawing: `(g, code, **options of Generator.__call__)` to images [N, R, R, C].

    Raises:
        ValueError: The distance is not a whole number of cells; there is no such block.

    Source: Chong et al. (2021), section 4.3, generation from a single image. Different: the published code exchanges
    two boxes; the image so far is moved too.
    """
    if not all((at * by / 2).is_integer() for by in (down, right)):
        raise ValueError(f"Activations of {at} x {at} move by multiples of {2 / at:g}, got {down:g} and {right:g}.")
    move = Partial(moved, jnp.asarray(mask, jnp.float32), jnp.array([down, right]))

    def draw(g: Generator, code: Code, **options):
        return g(code, patches=dict.fromkeys(entrances(g, at), move), **options)

    return draw


@cache  # one function for each way: another one would compile anew
def grown(mode: str, height: float, width: float) -> Callable:
    """Return the function that enlarges an activation [N, H, W, C]."""

    def zoom(x):
        return jnp.repeat(jnp.repeat(x, int(height), 1), int(width), 2)

    def pad(x):
        more = [round(n * (ratio - 1)) // 2 for n, ratio in zip(x.shape[1:3], (height, width))]
        return jnp.pad(x, ((0, 0), *((m, m) for m in more), (0, 0)), mode=MODES[mode])

    return zoom if mode == "zoom" else pad


def moved(mask, by, x: Float[Array, "n h w c"]) -> Float[Array, "n h w c"]:
    """Lay the activation, moved cyclically, over itself."""
    cells = jnp.round(by * x.shape[1]).astype(jnp.int32)
    return over(x, jnp.roll(x, cells, (1, 2)), fitted(mask, *x.shape[1:3]))


def entrances(g: Generator, at: int) -> tuple[str, ...]:
    """Names of the activations that all later layers rest on: a block's last one, and the image up to that block.

    The image is taken at half the resolution: at the block's own, the block has added to it what it drew already.

    Raises:
        ValueError: There is no such block.
    """
    sides = {int(m[1]): tap for tap in g.arch.taps if (m := re.fullmatch(r"b(\d+)", tap))}
    if at not in sides:
        there = ", ".join(map(str, sorted(sides))) or "none"
        raise ValueError(f"{g.arch.name} has no block of {at} x {at}; there are {there}.")
    image = f"rgb{at // 2}"
    return (sides[at], image) if image in g.arch.taps else (sides[at],)


def roomy(g: Generator, code: Code, at: int, height: float, width: float, key=None) -> Code:
    """Give the layers behind a resolution noise maps for a larger canvas: repeated constant ones, or fresh ones."""
    maps = {**noise_maps(g), **(code.noise or {})}
    if not maps:
        return code
    for i, (name, x) in enumerate(maps.items()):
        if x.shape[1] <= at:
            continue
        size = (round(x.shape[1] * height), round(x.shape[2] * width))
        if key is None:
            more = [(0, s - n) for s, n in zip(size, x.shape[1:3])]
            maps[name] = jnp.pad(x, ((0, 0), *more, (0, 0)), mode="wrap")
        else:
            maps[name] = jax.random.normal(jax.random.fold_in(key, i), (1, *size, 1))
    return code.replace(noise=maps)


def of_size(g: Generator, draw: Callable, height: float, width: float) -> Float[Array, "n h w c"]:
    """Draw on a canvas of so many sides, or raise a ValueError of one line if a family's layers are bound to theirs."""
    reason = f"{g.arch.name} draws its own size only: its layers are more than convolutions."
    try:
        images = draw()
    except (TypeError, FlaxError) as error:  # shapes that do not fit
        raise ValueError(reason) from error
    if images.shape[1:3] != (round(height * g.resolution), round(width * g.resolution)):
        raise ValueError(reason)
    return images
