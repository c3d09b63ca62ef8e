"""Plane transformations as 3x3 homogeneous matrices, and bilinear sampling.

Coordinates are (x, y) in pixels: x to the right, y downwards. Matrices compose with `@`. Whoever wants to *move* an
image by M samples it with the inverse of M: every output pixel asks where it came from.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int


def matrix(rows: list[list]) -> Float[Array, "n k k"]:
    """Stack numbers and [N] arrays, given row by row, into N matrices."""
    entries = jnp.broadcast_arrays(*(jnp.asarray(entry, jnp.float32) for row in rows for entry in row))
    return jnp.stack(entries, -1).reshape(*entries[0].shape, len(rows), -1)


def translation(x: Float[Array, " n"] | float, y: Float[Array, " n"] | float) -> Float[Array, "n 3 3"]:
    """Shift by (x, y) pixels."""
    return matrix([[1, 0, x], [0, 1, y], [0, 0, 1]])


def scaling(x: Float[Array, " n"] | float, y: Float[Array, " n"] | float) -> Float[Array, "n 3 3"]:
    """Stretch by x and y about the origin; -1 mirrors."""
    return matrix([[x, 0, 0], [0, y, 0], [0, 0, 1]])


def rotation(angle: Float[Array, " n"]) -> Float[Array, "n 3 3"]:
    """Turn about the origin by an angle in radians, from the x axis towards the y axis (clockwise on a screen)."""
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    return matrix([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


def compose(*matrices: Float[Array, "n k k"]) -> Float[Array, "n k k"]:
    """Multiply matrices, leftmost applied last, in full float32 on every device."""
    product = matrices[0]
    for factor in matrices[1:]:
        product = jnp.matmul(product, factor, precision=lax.Precision.HIGHEST)
    return product


def positions(
    inverse: Float[Array, "n 3 3"], height: int, width: int
) -> tuple[Float[Array, "n h w"], Float[Array, "n h w"]]:
    """Map every output pixel to its place in the input, both measured from the image centre.

        (x, y, 1) = inverse @ (column - (width - 1)/2, row - (height - 1)/2, 1)

    Args:
        inverse: [N, 3, 3], output coordinates -> input coordinates, in pixels about the centres.
        height, width: Size of the output.

    Returns:
        x and y, each [N, height, width].
    """
    column = jnp.arange(width, dtype=jnp.float32) - (width - 1) / 2

    def line(row):
        a, b, c = (inverse[:, :2, i, None] for i in range(3))  # [N, 2, 1]
        return a * column + (b * row + c)  # [N, 2, width]

    # The loop makes XLA write the positions to memory. Fused instead, they would be computed twice, once for the floor
    # and once for the remainder, with and without a fused multiply-add: an ulp apart, which at a whole number takes
    # the wrong neighbour with full weight. An optimization barrier is dropped too early on the CPU to prevent that.
    lines = lax.map(line, jnp.arange(height, dtype=jnp.float32) - (height - 1) / 2)  # [height, N, 2, width]
    return lines[:, :, 0].transpose(1, 0, 2), lines[:, :, 1].transpose(1, 0, 2)


def interpolate(
    images: Float[Array, "n h w c"], x: Float[Array, "n i j"], y: Float[Array, "n i j"]
) -> Float[Array, "n i j c"]:
    """Sample images bilinearly; a position beyond the outermost pixels takes the nearest of them.

    Args:
        images: [N, H, W, C] with H, W >= 2.
        x, y: [N, I, J] in pixels, 0 at the centre of the first pixel. Come from `positions`, or from memory: see there.

    Returns:
        [N, I, J, C].
    """
    n, height, width, channels = images.shape

    def split(position, size) -> tuple[Int[Array, "n i j"], Float[Array, "n i j 1"]]:
        position = jnp.clip(position, 0, size - 1)
        # Clipped as an integer: a NaN must not become an address outside the image.
        below = jnp.clip(jnp.floor(position).astype(jnp.int32), 0, size - 2)
        return below, (position - below)[..., None]

    (column, right), (row, down) = split(x, width), split(y, height)
    lines = images.reshape(n, height, width * channels)
    # Two neighbours in a line are one slice: half as many slices to scatter in the gradient. The sample is a batching
    # dimension, not an index: sharded over devices, every one then gathers from its own images alone.
    layout = lax.GatherDimensionNumbers(
        offset_dims=(3,),
        collapsed_slice_dims=(1,),
        start_index_map=(1, 2),
        operand_batching_dims=(0,),
        start_indices_batching_dims=(0,),
    )

    def pair(row):
        start = jnp.stack([row, column * channels], -1)  # [N, I, J, 2]
        return lax.gather(lines, start, layout, (1, 1, 2 * channels), mode="promise_in_bounds")  # [N, I, J, 2C]

    both = pair(row) * (1 - down) + pair(row + 1) * down
    return both[..., :channels] * (1 - right) + both[..., channels:] * right


def warp(
    images: Float[Array, "n h w c"], inverse: Float[Array, "n 3 3"], height: int | None = None, width: int | None = None
) -> Float[Array, "n i j c"]:
    """Transform images by the inverse of a matrix, bilinearly, with black (0) outside.

    Args:
        images: [N, H, W, C].
        inverse: [N, 3, 3], output coordinates -> input coordinates, in pixels about the centres.
        height, width: Size of the output, that of the input if not given.

    Returns:
        [N, height, width, C].
    """
    _, h, w, _ = images.shape
    x, y = positions(inverse, height or h, width or w)
    bordered = jnp.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return interpolate(bordered, x + (w + 1) / 2, y + (h + 1) / 2)


def reflected(size: int, before: int, after: int) -> np.ndarray:
    """Index of the pixel that each place of a reflect-padded axis shows (the edge itself is not repeated).

    Args:
        size: Length of the axis.
        before, after: How far it is padded; may exceed the size, then the image is mirrored again.

    Returns:
        [before + size + after] int.
    """
    period = max(2 * (size - 1), 1)
    place = np.arange(-before, size + after) % period
    return np.where(place < size, place, period - place)


def separable(
    images: Float[Array, "n h w c"],
    rows: Float[Array | np.ndarray, "... i h"],
    columns: Float[Array | np.ndarray, "... j w"],
) -> Float[Array, "n i j c"]:
    """Apply one matrix along the height and one along the width: any separable linear filter or resampling.

    XLA's CPU backend is tens of times slower on depthwise convolutions than on these products, forward and backward.

    Args:
        images: [N, H, W, C].
        rows: [I, H], or [N, I, H] to give every image its own.
        columns: [J, W], or [N, J, W].

    Returns:
        [N, I, J, C].
    """

    n, _, _, c = images.shape

    def along_height(images):
        flat = images.reshape(n, images.shape[1], -1)  # [N, H, WC]
        return jnp.matmul(rows, flat, precision=lax.Precision.HIGHEST).reshape(n, -1, images.shape[2], c)

    def along_width(images):
        subscripts = "jw,nhwc->nhjc" if np.ndim(columns) == 2 else "njw,nhwc->nhjc"
        return jnp.einsum(subscripts, columns, images, precision=lax.Precision.HIGHEST)

    # The product along the width has to move the channels out of the way: it goes where the image is smaller.
    if rows.shape[-2] >= rows.shape[-1]:
        return along_height(along_width(images))
    return along_width(along_height(images))
