"""Resizing to any size by one matrix an axis, each kind as the program computes it whose figures are to be met."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

KINDS = ("corners", "centres", "bicubic")
CUBIC = -0.5  # Keys' kernel; Pillow's bicubic


def resize(images: Float[Array, "n h w c"], size: int, kind: str) -> Float[Array, "n size size c"]:
    """Resize images to [N, size, size, C].

    - "corners": bilinear between the two nearest pixels, pixel i lying at i * h / size: TensorFlow 1's
      `resize_bilinear`, which shifts the picture by half a pixel.
    - "centres": bilinear between the two nearest pixels, the pixels' centres aligned: torch's `interpolate`.
    - "bicubic": Keys' cubic kernel with the pixels' centres aligned, widened where the picture shrinks, so that nothing
      aliases: Pillow's BICUBIC on floats. Not clipped.

    Args:
        images: Images [N, H, W, C] of any range.
        size: Side of the result.
        kind: One of `KINDS`.

    Raises:
        ValueError: If there is no such kind.

    Source: Parmar et al., "On Aliased Resizing and Surprising Subtleties in GAN Evaluation", 2022, for why the kind
    matters to a figure.
    """
    if kind not in KINDS:
        raise ValueError(f"There is no resizing {kind!r}; allowed: {', '.join(map(repr, KINDS))}.")
    rows, columns = (jnp.asarray(matrix(n, size, kind), jnp.float32) for n in images.shape[1:3])
    exact = jax.lax.Precision.HIGHEST
    images = jnp.einsum("ow,nhwc->nhoc", columns, images, precision=exact)
    return jnp.einsum("oh,nhwc->nowc", rows, images, precision=exact)


def matrix(n: int, size: int, kind: str) -> np.ndarray:
    """Return the weights [size, n] by which a line of n pixels becomes one of `size`; every row sums to 1."""
    ratio = n / size
    place = np.arange(size) * ratio if kind == "corners" else (np.arange(size) + 0.5) * ratio - 0.5
    if kind != "bicubic":
        return linear(np.clip(place, 0, n - 1), n)
    scale = max(ratio, 1.0)
    # Pixels count whose centre lies within the kernel's reach of 2 (widened) pixels, rounded as Pillow rounds.
    low = np.maximum((place + 0.5 - 2 * scale + 0.5).astype(int), 0)[:, None]
    high = np.minimum((place + 0.5 + 2 * scale + 0.5).astype(int), n)[:, None]
    pixel = np.arange(n)[None]
    weights = keys((pixel - place[:, None]) / scale) * ((pixel >= low) & (pixel < high))
    return weights / weights.sum(1, keepdims=True)


def linear(place: np.ndarray, n: int) -> np.ndarray:
    """Return the weights [size, n] of linear interpolation at places 0 to n - 1."""
    lower = np.floor(place).astype(int)
    rest = place - lower
    weights = np.zeros((len(place), n))
    rows = np.arange(len(place))
    np.add.at(weights, (rows, lower), 1 - rest)
    np.add.at(weights, (rows, np.minimum(lower + 1, n - 1)), rest)
    return weights


def keys(x: np.ndarray) -> np.ndarray:
    """Return Keys' cubic convolution kernel at distances x in pixels; 0 from 2 on.

    Source: Keys, "Cubic convolution interpolation for digital image processing", 1981, eq. 15 with a = -1/2.
    """
    x, a = np.abs(x), CUBIC
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))
