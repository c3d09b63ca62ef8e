"""Brushes: inside a mask the layers read another code's styles."""

from __future__ import annotations

from collections.abc import Iterable

import jax.numpy as jnp
from jax.tree_util import Partial
from jaxtyping import Array, ArrayLike, Float

from jaxgan.core.code import Code
from jaxgan.core.generator import Generator
from jaxgan.editing.base import Drawing
from jaxgan.editing.masks import fitted, over
from jaxgan.editing.morph import alike
from jaxgan.latents.spaces import check_layers
from jaxgan.losses.degrade import spread
from jaxgan.ops.warp import separable

COARSE = 16  # side up to which masks stay sharp, and of which their blur is one cell


def brush(mask: Float[ArrayLike, ...], layers: Iterable[int] | None = None) -> Drawing:
    """Draw one code, with the styles of another one inside a mask.

        out = d(s_0) conv(x ((1 - m) s_0 + m s)),    d the demodulation of the first code's style

    One canvas: no layer is run twice, and the strength of its channels stays the first code's. So it is for codes that
    lie near each other, as those of `paint` do: where the other styles are many times as large nothing brings the
    picture back into its range. Codes that have nothing in common are laid over one another by `blend`.

    Args:
        mask: A number, [H, W] or [N, H, W] (of any size, usually the image's); blurred by a 16th of a layer's side
            where this is more than 16.
        layers: Layers of s that read the other code's styles; all when None.

    Returns:
        A drawing: `(g, code, other, noise="const", key=None)` to images [N, H, W, C]; noise maps are the first code's.

    Raises:
        ValueError: The family has no styles that may differ from place to place; `blend` serves every family.

    Source: Bau et al., "Paint by Word" (2021), section 3, and its code.
    """
    area, chosen = jnp.asarray(mask, jnp.float32), None if layers is None else tuple(layers)

    def draw(g: Generator, code: Code, other: Code, *, noise: str = "const", key=None):
        if not g.arch.styles:
            raise ValueError(f"{g.arch.name} has no styles by place; use jg.editing.blend, which blends activations.")
        code, other = alike(g, "s", code, other)
        check_layers(g, "s", chosen)
        patches = {
            name: Partial(brushed, area, style)
            for i, (name, style) in enumerate(zip(g.arch.styles, other.value, strict=True))
            if chosen is None or i in chosen
        }
        return g(code, noise=noise, key=key, patches=patches)

    return draw


def brushed(mask, other: Float[Array, "n c"], style: Float[Array, "n c"], x: Float[Array, "n h w c"]):
    """Return what a layer's input is scaled by, place by place [N, h, w, C]."""
    amount = feathered(mask, *x.shape[1:3])
    styles = over(style[:, None, None], other[:, None, None], amount)
    return jnp.broadcast_to(styles, (len(x), *styles.shape[1:]))


def feathered(mask: Float[Array, ...], height: int, width: int) -> Float[Array, ...]:
    """Return a mask at a layer's size [..., h, w, 1], blurred by a 16th of the side where it has more than 16 cells."""
    here = fitted(mask, height, width)
    if here.ndim < 3 or height <= COARSE:
        return here
    batch = here.reshape(-1, height, width, 1)
    rows, columns = spread(height, height / COARSE), spread(width, width / COARSE)
    return jnp.clip(separable(batch, rows, columns), 0.0, 1.0).reshape(here.shape)
