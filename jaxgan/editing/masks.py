"""Masks: where one image, or one activation, is laid over another."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxgan.losses.degrade import spread
from jaxgan.ops.warp import separable


def box(
    resolution: int, top: float, left: float, bottom: float, right: float, soft: float = 0.0
) -> Float[Array, "h w"]:
    """Return a mask that is 1 in a box and 0 elsewhere, with a soft edge if asked.

    Args:
        resolution: Side of the mask.
        top, left, bottom, right: Edges of the box in fractions of the side.
        soft: Standard deviation of a Gaussian blur, as a fraction of the box's sides (height down, width across).
            About 0.5 is the published attribute transfer's.

    Returns:
        [resolution, resolution] in [0, 1].

    Raises:
        ValueError: The box is empty or leaves the image.

    Source: soft edge: Chong et al., "StyleGAN of All Trades" (2021), section 4.5. Different: the Gaussian reaches as
    far as it reaches, where the published kernel is cut at half a standard deviation.
    """
    if not (0 <= top < bottom <= 1 and 0 <= left < right <= 1):
        raise ValueError(
            f"The box is top {top:g}, left {left:g}, bottom {bottom:g}, right {right:g}; "
            "needed are 0 <= top < bottom <= 1 and 0 <= left < right <= 1."
        )
    place = (jnp.arange(resolution) + 0.5) / resolution
    inside = lambda low, high: ((place >= low) & (place < high)).astype(jnp.float32)
    mask = inside(top, bottom)[:, None] * inside(left, right)
    if not soft:
        return mask
    rows, columns = (spread(resolution, soft * side * resolution) for side in (bottom - top, right - left))
    return jnp.clip(separable(mask[None, :, :, None], rows, columns)[0, :, :, 0], 0.0, 1.0)


def ramp(height: int, width: int, axis: str = "horizontal", middle: float = 0.5) -> Float[Array, "h w"]:
    """Return a mask that goes from 0 to 1 across the image, linearly over its middle part.

    Args:
        height, width: Of the mask.
        axis: "horizontal" (from left to right) or "vertical" (from top to bottom).
        middle: Part of the length over which it rises; 0 is a step.

    Raises:
        ValueError: There is no such axis, or the part is not in [0, 1].

    Source: Chong et al. (2021), section 4.1; half of the length there.
    """
    if axis not in ("horizontal", "vertical") or not 0 <= middle <= 1:
        raise ValueError(f"A ramp is 'horizontal' or 'vertical' over a part in [0, 1], got {axis!r} and {middle:g}.")
    n = width if axis == "horizontal" else height
    line = rising((jnp.arange(n) + 0.5) / n, 0.5, middle)
    return jnp.broadcast_to(line if axis == "horizontal" else line[:, None], (height, width))


def rising(place: Float[Array, "*n"], centre: float, length: float) -> Float[Array, "*n"]:
    """Return 0 before, 1 behind, and a straight line over `length` about a centre; a step if the length is 0."""
    if not length:
        return (place >= centre).astype(jnp.float32)
    return jnp.clip((place - centre) / length + 0.5, 0.0, 1.0)


def over(x: Float[Array, ...], y: Float[Array, ...], t: Float[ArrayLike, ...]) -> Float[Array, ...]:
    """Interpolate so that the ends, and equal arguments, are met to the bit.

    (1 - t) x + t y,   evaluated as x + t (y - x) below t = 1/2 and as y - (1 - t) (y - x) above
    """
    t = jnp.asarray(t, x.dtype)
    return jnp.where(t < 0.5, x + t * (y - x), y - (1 - t) * (y - x))


def fitted(mask: Float[ArrayLike, ...], height: int, width: int) -> Float[Array, ...]:
    """Return a mask of any size at the size of an activation, with an axis for channels behind.

    Args:
        mask: A number, [H, W] or [N, H, W]. Averaged over blocks where that divides, so that 0 and 1 stay exact.
        height, width: Of the activation.

    Returns:
        A scalar for a scalar, else [..., height, width, 1].
    """
    mask = jnp.asarray(mask, jnp.float32)
    if mask.ndim < 2:
        return mask
    h, w = mask.shape[-2:]
    if h % height == 0 and w % width == 0:
        blocks = mask.reshape(*mask.shape[:-2], height, h // height, width, w // width)
        return blocks.mean((-3, -1))[..., None]
    return jnp.clip(jax.image.resize(mask, (*mask.shape[:-2], height, width), "linear"), 0.0, 1.0)[..., None]


def composite(
    images: Float[Array, "n h w c"], others: Float[Array, "n h w c"], mask: Float[ArrayLike, ...]
) -> Float[Array, "n h w c"]:
    """Lay other images over images where the mask is 1.

        (1 - mask) images + mask others

    For a local edit paste the edited drawing into the photograph: outside the mask no pixel changes.

    Args:
        images: What stays where the mask is 0, [N, H, W, C].
        others: What comes where it is 1, [N, H, W, C].
        mask: A number, [H', W'] or [N, H', W'], brought to the images' size.
    """
    images, others = jnp.asarray(images), jnp.asarray(others)
    if images.shape[1:] != others.shape[1:]:
        raise ValueError(f"The images are {images.shape[1:]} and {others.shape[1:]} large; both must be of one size.")
    return over(images, others, fitted(mask, *images.shape[1:3]))
