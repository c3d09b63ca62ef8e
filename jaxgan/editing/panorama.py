"""Panoramas: codes side by side on one canvas, each fading into the next."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.tree_util import Partial
from jaxtyping import Array, Float

from jaxgan.core.code import Code
from jaxgan.core.generator import Generator
from jaxgan.editing.base import Drawing, Edit
from jaxgan.editing.blend import layered, lockstep
from jaxgan.editing.canvas import of_size, roomy
from jaxgan.editing.masks import rising


def panorama(ramp: float = 1.0, window: int | None = None) -> Drawing:
    """Draw the codes of a batch as one wide picture.

    The coarsest activations stand side by side; from there on all codes act on the whole canvas and are blended after
    every layer, each code fading into the next from the middle of its place to the middle of the next one's.

    Args:
        ramp: Length of the fading in images, at most 1; the published panorama's is 1.
        window: How many neighbours are drawn at a time, at least 2; strips are cut at the middle of a code's place and
            stitched. All together when None: there is no seam, but K codes cost K^2 images. With 2, the published way,
            seams show where the neighbours beyond the window are missed; from 4 on nearly nothing is missed.

    Returns:
        A drawing: `(g, code, key=None)` with K codes to one picture [1, R, K * R, C]; with a key the layers behind the
        coarsest add fresh noise.

    Raises:
        ValueError: Bad lengths, or fewer than two codes.

    Source: Chong et al., "StyleGAN of All Trades" (2021), section 4.2. Different: any number of codes in one canvas;
    the image so far starts from the joined activation as there.
    """
    if not 0 <= ramp <= 1 or (window is not None and window < 2):
        raise ValueError(f"ramp lies in [0, 1] and window is at least 2, got {ramp:g} and {window}.")

    def draw(g: Generator, code: Code, key=None):
        count, side = len(code), g.resolution
        if count < 2:
            raise ValueError(f"A panorama takes at least 2 codes, got {count}.")
        if code.noise is not None and any(len(x) > 1 for x in code.noise.values()):
            raise ValueError("The codes hold noise maps each; a panorama has one canvas: code.replace(noise=None).")
        first = g.arch.taps[0]
        start = g.read(code[0], [first])[first].shape[1]
        wide = roomy(g, code, start, 1, count, key)
        n = min(window or count, count)
        masks = tuple(fading(n, side, k, ramp) for k in range(1, n))
        joints = {tap: Partial(layered, masks) for tap in g.arch.taps[1:]}
        joints[first] = Partial(side_by_side)
        parts = []
        for left in range(count - 1) if n < count else (0,):
            begin = min(max(left - (n - 2) // 2, 0), count - n)
            part = [stripe(wide, begin, n, i, start, count) for i in range(n)]
            strip = of_size(g, lambda part=part: lockstep(g, part, joints)[0], 1, n)
            here = lambda place, begin=begin: round((place - begin) * side)
            low = 0 if left == 0 else here(left + 0.5)
            high = here(count if n == count or left == count - 2 else left + 1.5)
            parts.append(strip[:, :, low:high])
        return jnp.concatenate(parts, axis=2)

    return draw


def side_by_side(x: Float[Array, "k n h w c"]) -> Float[Array, "n h kw c"]:
    """Join activations along the width."""
    return jnp.concatenate(list(x), axis=2)


def fading(n: int, side: int, k: int, ramp: float) -> Float[Array, "h w"]:
    """Return the mask of code k on a canvas of n images: it rises between the places of codes k - 1 and k."""
    place = (jnp.arange(n * side) + 0.5) / side
    return jnp.broadcast_to(rising(place, float(k), ramp), (side, n * side))


def stripe(code: Code, begin: int, n: int, i: int, start: int, count: int) -> Code:
    """Take code i of a window, with the noise of the window's part of the canvas."""
    if code.noise is None:
        return code[begin + i]
    cut = lambda x: (
        x
        if x.shape[1] <= start
        else jax.lax.slice_in_dim(x, begin * x.shape[2] // count, (begin + n) * x.shape[2] // count, axis=2)
    )
    return code[begin + i].replace(noise=jax.tree.map(cut, code.noise))


def smooth(sigma: float = 0.7) -> Edit:
    """Let every code of a batch lean towards its neighbours, cyclically, at the prior's length.

        z_i <- sum_j exp(-(i - j)^2 / (2 sigma^2)) z_j,   then divided by the root mean square over the batch

    Args:
        sigma: Width of the Gaussian in places.

    Returns:
        An edit of codes of a normal first space.

    Source: Chong et al. (2021), the published panorama.
    """
    if sigma <= 0:
        raise ValueError(f"sigma is {sigma:g}, it must be greater than 0.")

    def edit(g: Generator, code: Code) -> Code:
        n = len(code)
        turns = -(-int(4 * sigma + 0.5) // n)
        distance = jnp.arange(n) - jnp.arange(n)[:, None]
        weight = sum(jnp.exp(-0.5 * jnp.square((distance + n * turn) / sigma)) for turn in range(-turns, turns + 1))
        mixed = jnp.tensordot(weight, code.value, 1)
        return code.replace(value=mixed / jnp.sqrt(jnp.mean(jnp.square(mixed))))

    return edit
