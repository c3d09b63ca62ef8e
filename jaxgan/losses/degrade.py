"""Degradations: what was seen of an image, and objectives that compare what would have been seen.

A restoration is an inversion under an operator A: `observed(objective, A)` compares A(G(code)) with A(target). What A
takes away is left to the generator and to priors on the code.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial
from jaxtyping import Array, ArrayLike, Float

from jaxgan.core.objective import Objective
from jaxgan.ops.color import REC601
from jaxgan.ops.resample import average, enlarge
from jaxgan.ops.warp import separable

Operator = Callable[[Float[Array, "n h w c"]], Float[Array, "n h2 w2 c"]]


def observed(objective: Objective, operator: Operator) -> Objective:
    """Compare what an operator leaves of the drawn images with what it leaves of the target.

        objective(A(images), A(target), code)

    What the terms need of A(target) is computed once. Terms on codes are as before. The target has the generator's
    size, so that A fits both: a small picture is enlarged by repeating pixels, which `down` undoes exactly; a grey one
    is repeated to three channels; in a hole anything may stand, even NaN.

    Args:
        objective: Judges what is seen.
        operator: Any pure function of images, such as `hole(mask)`, `down(4)`, `luma()`, or `chain` of them.

    Example:
        >>> import jax.numpy as jnp, jaxgan as jg
        >>> mask = jg.losses.degrade.box((16, 16), (4, 4, 8, 8))
        >>> loss = jg.losses.observed(jg.losses.pixel(), jg.losses.degrade.hole(mask))
        >>> x = jnp.zeros((1, 16, 16, 3))
        >>> float(loss(x.at[:, 6, 6].set(1.0), x)[0][0])  # nobody has seen what lies in the hole
        0.0
    """
    operator = operator if isinstance(operator, Partial) else Partial(operator)
    return Objective(
        tuple(
            t.replace(fn=Partial(_compare, operator, t.fn), prepare=Partial(_prepare, operator, t.prepare))
            for t in objective.terms
        )
    )


def _prepare(operator, inner, target):
    seen = operator(target)
    return seen, None if inner is None else inner(seen)


def _compare(operator, fn, images, target, code, generator, prepared) -> Float[Array, " n"]:
    seen, inner = prepared
    return fn(operator(images), seen, code, generator, inner)


def where_seen(objective: Objective) -> Objective:
    """Compare only where the target is finite: holes that differ from image to image travel with the images, as NaN.

    Args:
        objective: Judges what is left: both images are 0 in the holes.
    """
    return Objective(
        tuple(
            t.replace(fn=Partial(_compare_seen, t.fn), prepare=Partial(_prepare_seen, t.prepare))
            for t in objective.terms
        )
    )


def _prepare_seen(inner, target):
    there = jnp.isfinite(target).all(-1, keepdims=True)
    seen = jnp.where(there, target, 0.0)
    return seen, there, None if inner is None else inner(seen)


def _compare_seen(fn, images, target, code, generator, prepared) -> Float[Array, " n"]:
    seen, there, inner = prepared
    return fn(jnp.where(there, images, 0.0), seen, code, generator, inner)


def chain(*operators: Operator) -> Operator:
    """Apply operators one after the other; none at all is the identity, the operator of denoising."""
    return Partial(_chain, tuple(o if isinstance(o, Partial) else Partial(o) for o in operators))


def _chain(operators, images):
    for operator in operators:
        images = operator(images)
    return images


def hole(mask: Float[ArrayLike, ...]) -> Operator:
    """See through a mask: images are multiplied by it, and where it is 0 nothing gets through, not even NaN.

    Weights of inside and outside are two terms: `a * observed(o, hole(m)) + b * observed(o, hole(1 - m))`. A soft mask
    m weighs squared differences by m^2.

    Args:
        mask: 1 where the image is seen, 0 in the hole: [H, W], [H, W, 1], or one for each image [N, H, W, 1] (which
            must be those that are compared at a time, see `chunk` of `refine`; `where_seen` knows no such bound).
    """
    mask = jnp.asarray(mask, jnp.float32)
    if mask.ndim not in (2, 3, 4) or (mask.ndim > 2 and mask.shape[-1] != 1):
        raise ValueError(f"A mask is [H, W], [H, W, 1] or [N, H, W, 1], got {list(mask.shape)}.")
    return Partial(_hole, mask[..., None] if mask.ndim == 2 else mask)


def _hole(mask, images):
    return jnp.where(mask == 0, 0.0, mask * images)


def box(size: tuple[int, int], place: tuple[int, int, int, int]) -> Float[np.ndarray, "h w 1"]:
    """Return the mask of a rectangular hole.

    Args:
        size: Height and width of the images.
        place: Top, left, height and width of the hole in pixels.

    Raises:
        ValueError: If the hole is empty or does not lie within the image.
    """
    (height, width), (top, left, tall, wide) = size, place
    if min(top, left) < 0 or min(tall, wide) < 1 or top + tall > height or left + wide > width:
        raise ValueError(f"A hole of {tall}x{wide} at ({top}, {left}) does not lie within {height}x{width} pixels.")
    mask = np.ones((height, width, 1), np.float32)
    mask[top : top + tall, left : left + wide] = 0
    return mask


def down(factor: int) -> Operator:
    """Reduce images by averaging boxes of `factor` x `factor` pixels."""
    if factor < 1:
        raise ValueError(f"Images are reduced by a whole factor of at least 1, got {factor}.")
    return Partial(_down(factor))


@cache  # one function for each factor: a new one would compile anew
def _down(factor: int):
    return lambda images: average(images, factor)


def up(factor: int) -> Operator:
    """Enlarge images by repeating each pixel: behind `down` it brings what was seen to a size that networks take."""
    if factor < 1:
        raise ValueError(f"Images are enlarged by a whole factor of at least 1, got {factor}.")
    return Partial(_up(factor))


@cache
def _up(factor: int):
    return lambda images: enlarge(images, factor)


def luma() -> Operator:
    """Take the colours away: each channel becomes 0.299 red + 0.587 green + 0.114 blue (Rec. 601)."""
    return Partial(_luma)


def _luma(images):
    if images.shape[-1] != 3:
        raise ValueError(f"luma takes images of 3 channels, got {images.shape[-1]}.")
    grey = jnp.einsum("nhwc,c->nhw", images, jnp.asarray(REC601), precision=jax.lax.Precision.HIGHEST)
    return jnp.broadcast_to(grey[..., None], images.shape)


def crop(top: int, left: int, height: int, width: int) -> Operator:
    """Cut a rectangle out, in pixels."""
    if min(top, left) < 0 or min(height, width) < 1:
        raise ValueError(f"There is no rectangle of {height}x{width} at ({top}, {left}).")
    return Partial(_crop(top, left, height, width))


@cache
def _crop(top: int, left: int, height: int, width: int):
    def cut(images):
        if top + height > images.shape[1] or left + width > images.shape[2]:
            size = f"{images.shape[1]}x{images.shape[2]}"
            raise ValueError(f"A crop of {height}x{width} at ({top}, {left}) does not lie within {size} pixels.")
        return images[:, top : top + height, left : left + width]

    return cut


def blur(sigma: float) -> Operator:
    """Blur by a Gaussian of standard deviation `sigma` pixels; beyond the border its weights are left out."""
    if not sigma > 0:
        raise ValueError(f"sigma is a positive number of pixels, got {sigma}.")
    return Partial(_blur(float(sigma)))


@cache
def _blur(sigma: float):
    return lambda images: separable(images, spread(images.shape[1], sigma), spread(images.shape[2], sigma))


def spread(size: int, sigma: float) -> np.ndarray:
    """Return the matrix [size, size] of a Gaussian blur of a line; its rows sum to 1."""
    apart = np.arange(size)[:, None] - np.arange(size)[None]
    weights = np.exp(-0.5 * np.square(apart / sigma)) * (np.abs(apart) <= math.ceil(4 * sigma))
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)
