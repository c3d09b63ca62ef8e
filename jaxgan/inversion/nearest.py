"""A first guess from the population: of many codes drawn at random, the one whose picture is nearest."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.core.generator import known
from jaxgan.inversion.base import Found, Inverter, choose, untuned
from jaxgan.inversion.march import march
from jaxgan.ops.resize import resize

BATCH = 16


def nearest(draws: int = 1000, space: str = "w", *, side: int = 16) -> Inverter:
    """Invert by looking: draw codes, and give each image the one whose picture resembles it most.

        code_n = argmin_k || shrink(G(code_k)) - shrink(image_n) ||^2

    A descent from there ends in the wrong valley less often than one from the mean.

    Args:
        draws: How many codes, in whole batches of 16; they are drawn once for all images, and not kept.
        space: Space of the codes that come back.
        side: Pictures are compared at this size.

    Returns:
        An inverter. `info["loss"]` [1, N] is the mean squared difference at that size. What the guess held before is
        replaced, its condition too: that of a conditional generator is drawn with the code.
    """
    if draws < 1 or side < 1:
        raise ValueError(f"draws and side must be at least 1, got {draws} and {side}.")

    def inverter(found: Found, images: Float[Array, "n h w c"], key) -> tuple[Found, dict]:
        untuned(found, "nearest")
        g = found.generator
        known(space, g.spaces, "space")
        small = min(side, g.resolution)
        some = g.to(g.sample(key, 1), space)
        start: Any = jax.tree.map(lambda x: jnp.repeat(x, len(images), 0), some)
        fixed = (g, resize(jnp.asarray(images), small, "bicubic"), key)
        worst = jnp.full(len(images), jnp.inf)
        (loss, code), _ = march(_look, (space, small), fixed, (worst, start), -(-draws // BATCH))
        return Found(g, code), {"loss": loss[None]}

    return inverter


def _look(settings: tuple[str, int], fixed: tuple, carry: tuple, i) -> tuple[tuple, tuple]:
    """Compare a batch of draws with all images."""
    space, side = settings
    g, small, key = fixed
    code = g.to(g.sample(jax.random.fold_in(key, i), BATCH), space)
    drawn = resize(g(code), side, "bicubic")
    apart = jax.vmap(lambda image: jnp.square(drawn - image).mean((1, 2, 3)))(small)  # [N, BATCH]
    best = apart.argmin(1)
    mine = (jnp.min(apart, 1), jax.tree.map(lambda x: x[best], code))
    return choose(mine[0] < carry[0], mine, carry), ()
