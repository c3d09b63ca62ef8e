"""Colour transformations as 4x4 homogeneous matrices, and their application to images.

A matrix maps a colour (r, g, b, 1) to a colour; matrices compose with `@`, the last one applied standing leftmost.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

COLOR = np.diag(np.array([1, 1, 1, 0], np.float32))  # [4, 4], the identity of the colour part
ONE = np.diag(np.array([0, 0, 0, 1], np.float32))  # [4, 4], the identity of the homogeneous coordinate
SHIFT = np.array([[0, 0, 0, 1]] * 3 + [[0] * 4], np.float32)  # [4, 4], the translation column
AXIS = np.array([1, 1, 1, 0], np.float32) / np.float32(np.sqrt(3))  # [4], grey: luma along it, chroma across
LUMA = np.outer(AXIS, AXIS)  # [4, 4], the projection onto the grey axis
REC601 = np.array([0.299, 0.587, 0.114], np.float32)  # [3], how bright red, green and blue are to the eye


def translation(shift: Float[Array, " n"]) -> Float[Array, "n 4 4"]:
    """Add the same value to every channel: brightness."""
    return shift[:, None, None] * SHIFT + (COLOR + ONE)


def scaling(factor: Float[Array, " n"]) -> Float[Array, "n 4 4"]:
    """Multiply every channel by the same factor: contrast about zero."""
    return factor[:, None, None] * COLOR + ONE


def luma_flip(amount: Float[Array, " n"]) -> Float[Array, "n 4 4"]:
    """Mirror the luma and keep the chroma: I - 2 amount v vᵀ, a Householder reflection where the amount is 1.

    Args:
        amount: [N], 1 mirrors, 0 leaves the colours alone.

    Returns:
        Matrices [N, 4, 4].
    """
    return -2 * amount[:, None, None] * LUMA + (COLOR + ONE)


def hue_rotation(angle: Float[Array, " n"]) -> Float[Array, "n 4 4"]:
    """Turn the chroma about the grey axis v.

        R = cos(angle) I + (1 - cos(angle)) v vᵀ + sin(angle) [v]ₓ

    Args:
        angle: [N] in radians.

    Returns:
        Matrices [N, 4, 4].
    """
    x, y, z, _ = AXIS
    cross = np.array([[0, -z, y, 0], [z, 0, -x, 0], [-y, x, 0, 0], [0, 0, 0, 0]], np.float32)
    cos, sin = jnp.cos(angle)[:, None, None], jnp.sin(angle)[:, None, None]
    return cos * COLOR + (1 - cos) * LUMA + sin * cross + ONE


def saturation(factor: Float[Array, " n"]) -> Float[Array, "n 4 4"]:
    """Multiply the chroma and keep the luma: v vᵀ + factor (I - v vᵀ)."""
    return factor[:, None, None] * (COLOR - LUMA) + (LUMA + ONE)


def recolor(images: Float[Array, "n h w c"], matrix: Float[Array, "n 4 4"]) -> Float[Array, "n h w c"]:
    """Apply one colour matrix per image.

    Args:
        images: [N, H, W, 3], or [N, H, W, 1]: the grey value goes in as three equal channels, their mean comes out.
        matrix: [N, 4, 4].

    Returns:
        Images [N, H, W, C].

    Raises:
        ValueError: The images have neither 1 nor 3 channels.
    """
    channels = images.shape[-1]
    if channels not in (1, 3):
        raise ValueError(f"recolor got images with {channels} channels; allowed are 3 (RGB) and 1 (grey)")
    linear, shift = matrix[:, :3, :3], matrix[:, :3, 3]
    if channels == 1:
        linear, shift = linear.sum(2).mean(1)[:, None, None], shift.mean(1)[:, None]
    mixed = jnp.einsum("nhwc,ndc->nhwd", images, linear, precision=jax.lax.Precision.HIGHEST)
    return mixed + shift[:, None, None]
