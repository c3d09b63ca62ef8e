"""Equivariance: does moving the generator's input move its image, pixel for pixel?

Source: Karras et al., "Alias-Free Generative Adversarial Networks" (2021), section 2.2 and appendix E.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxgan.core.generator import known
from jaxgan.metrics.bootstrap import draws
from jaxgan.models import stylegan3
from jaxgan.ops import warp
from jaxgan.ops.resample import HIGHEST, LAYOUT

KINDS = ("eq_t", "eq_t_frac", "eq_r")
LANCZOS = 3  # lobes of the windows a
REACH = 64  # of the plane on which a filter is designed, in samples
UP = 4  # supersampling of rotated images


def equivariance(
    g: Any,
    key,
    n: int,
    *,
    kinds: Sequence[str] = KINDS,
    transformed: Callable[[Any, Any], Any] = stylegan3.transformed,
    translate: float = 0.125,
    rotate: float = 1.0,
    psi: float | None = None,
    batch: int = 32,
    cond: Callable[[Any, int], Any] | None = None,
    tick: Callable[[int], None] | None = None,
) -> dict[str, Float[np.ndarray, "n 2"]]:
    """Compare images of moved inputs with moved images; `decibels` of the result are the figures.

        eq_t        G(t z)  with  t G(z),  t a shift by whole pixels
        eq_t_frac   the same, t a shift by any number of pixels, the image resampled by a Lanczos filter
        eq_r        R* G(r z)  with  R G(z),  R the rotation r of an image, R* the filter alone that R applies

    All samples of a batch are moved alike. Pixels whose filters reach beyond the image are not compared.

    Args:
        g: Generator: `g.sample(key, n, cond)` gives codes, `g(code)` images [N, H, H, C] in [-1, 1].
        key: Random key of codes and moves.
        n: How many samples.
        kinds: Among `KINDS`.
        transformed: `transformed(g, matrix)` moves what g draws by a matrix [3, 3], in units of the image's side, x to
            the right, y downwards, about the centre.
        translate: Largest shift along an axis, relative to the image.
        rotate: Largest angle, in half turns.
        psi: Truncation.
        batch: Samples at a time.
        cond: `cond(key, n)` draws conditions; uniform over the classes if None.
        tick: Called with the number of samples after each batch.

    Returns:
        By kind, for each sample the sum of squared differences and the number of values compared.

    Source: Karras et al. (2021), appendix E, with the published code's limits. Different: noise maps, which StyleGAN3
        lacks, stay as they are.
    """
    for kind in kinds:
        known(kind, KINDS, "kind of equivariance")
    found: dict[str, list] = {kind: [] for kind in kinds}
    for i in range(-(-n // batch)):
        sample, labels, moves = jax.random.split(jax.random.fold_in(key, i), 3)
        # The last batch is drawn whole and cut, so that one program serves all.
        code = g.sample(sample, batch, None if cond is None else cond(labels, batch))
        draw = lambda g, code=code: g(code) if psi is None else g(code, psi=psi)
        still, size = draw(g), g.resolution
        for kind, way in zip(KINDS, jax.random.split(moves, len(KINDS)), strict=True):
            if kind not in kinds:
                continue
            if kind == "eq_r":
                angle = float(jax.random.uniform(way, minval=-1.0, maxval=1.0)) * rotate * np.pi
                moved = draw(transformed(g, turn(angle)))
                sums = rotation_error(still, moved, angle)
            else:
                shift = np.asarray(jax.random.uniform(way, (2,), minval=-1.0, maxval=1.0)) * translate * size
                shift = np.rint(shift) if kind == "eq_t" else shift
                matrix = np.array([[1, 0, shift[0] / size], [0, 1, shift[1] / size], [0, 0, 1]])
                moved = draw(transformed(g, matrix))
                sums = translation_error(still, moved, jnp.asarray(shift, jnp.float32), kind == "eq_t_frac")
            found[kind].append(np.asarray(sums, np.float64)[: n - i * batch])
        if tick is not None:
            tick(min(batch, n - i * batch))
    return {kind: np.concatenate(sums) for kind, sums in found.items()}


def decibels(errors: Float[np.ndarray, "n 2"]) -> float:
    """Return the peak signal-to-noise ratio of images in [-1, 1] in dB: 10 log10(4 / mean squared difference)."""
    squares, values = np.asarray(errors, np.float64).sum(0)
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(4 * values / squares))


def decibels_error(errors: Float[np.ndarray, "n 2"], replicates: int, rng: np.random.Generator) -> float:
    """Return the standard error of `decibels` by bootstrap over the samples."""
    errors = np.asarray(errors, np.float64)
    return float(np.std([decibels((counts @ errors)[None]) for counts in draws(rng, len(errors), replicates)], ddof=1))


@jax.jit
def summed(a, b, mask) -> Float[Array, "n 2"]:
    mask = jnp.broadcast_to(mask, a.shape)
    return jnp.stack([jnp.sum(jnp.square(a - b) * mask, (1, 2, 3)), jnp.sum(mask, (1, 2, 3))], -1)


# Translation


def translation_error(still, moved, shift, fractional: bool) -> Float[Array, "n 2"]:
    """Compare moved images with still ones moved by `shift` = (x, y) pixels."""
    expected, mask = translated(still, shift, fractional)
    return summed(expected, moved, mask)


def translated(
    images: Float[Array, "n h w c"], shift: Float[Array, " 2"], fractional: bool
) -> tuple[Float[Array, "n h w c"], Float[Array, "1 h w 1"]]:
    """Shift images by (x, y) pixels; return them and a mask of the pixels that depend on pixels of the image alone."""
    return translate_whole_or_not(images, shift, lobes=LANCZOS if fractional else 0)


def lanczos_matrix(size: int, shift, lobes: int):
    """Return the matrix [size, size] that shifts a line by a number of pixels, and which places it fills wholly."""
    whole = jnp.floor(shift) if lobes else jnp.round(shift)
    out = jnp.arange(size)[:, None]
    t = out - whole - jnp.arange(size)[None, :]  # how many pixels to the left a tap reaches
    if not lobes:
        source = out[:, 0] - whole
        return (t == 0).astype(jnp.float32), (source >= 0) & (source < size)
    before = lobes - 1
    weight = lambda t: jnp.sinc(t - (shift - whole)) * jnp.sinc((t - (shift - whole)) / lobes)
    total = jnp.sum(weight(jnp.arange(-before, lobes + 1)))
    matrix = jnp.where((t >= -before) & (t <= lobes), weight(t) / total, 0)
    place = out[:, 0]
    inside = (place >= jnp.maximum(whole + lobes, 0)) & (place < size + jnp.minimum(whole - before, 0))
    return matrix, inside


def translate_whole_or_not(images, shift, lobes: int):
    columns, across = lanczos_matrix(images.shape[2], shift[0], lobes)
    rows, down = lanczos_matrix(images.shape[1], shift[1], lobes)
    mask = (down[:, None] & across[None, :]).astype(images.dtype)
    return warp.separable(images, rows, columns), mask[None, :, :, None]


translate_whole_or_not = jax.jit(translate_whole_or_not, static_argnames="lobes")


# Rotation


def turn(angle: float) -> np.ndarray:
    """Return the matrix [3, 3] of a rotation from the y axis towards the x axis."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])


def rotation_error(still, moved, angle: float) -> Float[Array, "n 2"]:
    """Compare rotated images with still ones that are rotated as images."""
    expected, inside = rotated(still, angle)
    filtered, whole = as_if_rotated(moved, angle)
    return summed(expected, filtered, inside * whole)


def rotated(images, angle: float):
    """Rotate images about their centre, keeping what both grids can hold; return them and a mask."""
    taps = bandlimit(turn(angle), UP)
    return rotate_by(images, jnp.asarray(taps), jnp.asarray(turn(-angle), jnp.float32))


def as_if_rotated(images, angle: float):
    """Filter images as rotating them would, without rotating them; return them and a mask."""
    return filter_by(images, jnp.asarray(bandlimit(turn(-angle), 1)))


def bandlimit(matrix: np.ndarray, up: int) -> np.ndarray:
    """Design the low-pass filter of a linear map of the plane: both its grids, before and after, can hold the result.

        f = (sinc * sinc_M) (window * window_M)     with the convolutions * of functions on the plane

    Args:
        matrix: Of the map; its upper left [2, 2] counts.
        up: Samples of the filter for each sample of the input.

    Returns:
        [T, T] float32 with T = 4 lobes up - 1; each of the up^2 phases has sum 1.

    Source: Karras et al. (2021), appendix E.3.
    """
    reach = 2 * LANCZOS
    # Zero stands first, as the discrete Fourier transform wants it.
    line = np.roll((np.arange(2 * REACH * up - 1) + 1) / up - REACH, 1 - REACH * up)
    y, x = np.meshgrid(line, line, indexing="ij")
    ox, oy = (matrix[i, 0] * x + matrix[i, 1] * y for i in (0, 1))
    sinc = lambda x, y: np.sinc(x) * np.sinc(y)
    window = lambda x, y: lanczos(x) * lanczos(y)
    convolved = lambda a, b: np.fft.irfft2(np.fft.rfft2(a) * np.fft.rfft2(b), a.shape)
    f = convolved(sinc(x, y), sinc(ox, oy)) * convolved(window(x, y), window(ox, oy))
    cut = (REACH - reach) * up
    f = np.roll(f, (REACH * up - 1, REACH * up - 1), (0, 1))[cut:-cut, cut:-cut]
    phases = np.pad(f, (0, 1)).reshape(2 * reach, up, 2 * reach, up)
    phases = phases / phases.sum((0, 2), keepdims=True)
    return phases.reshape(2 * reach * up, 2 * reach * up)[:-1, :-1].astype(np.float32)


def lanczos(x: np.ndarray) -> np.ndarray:
    return np.where(abs(x) < LANCZOS, np.sinc(x / LANCZOS), 0)


@jax.jit
def rotate_by(images, taps, inverse):
    n, height, width, _ = images.shape
    reach = len(taps) // 2
    fine = supersampled(images, taps)  # [N, 4 (H + 11), 4 (W + 11), C]
    # Sample i stands at 4 i + reach; the middle of the grid is half a step behind the middle of the samples.
    way = inverse.at[:2, :2].multiply(UP).at[:2, 2].set(-0.5)
    ways = jnp.broadcast_to(way, (n, 3, 3))
    turned = warp.warp(fine, ways, height, width)
    x, y = warp.positions(way[None], height, width)
    inside = 1.0
    for place, length, size in ((x, fine.shape[2], width), (y, fine.shape[1], height)):
        nearest = jnp.round(place + (length - 1) / 2) - reach
        inside = inside * ((nearest >= reach - 1) & (nearest <= UP * (size - 1) - reach))
    return turned, inside[..., None]


def supersampled(images, taps):
    """Insert zeros and filter by taps [T, T], every phase of the result as one feature of one convolution."""
    n, height, width, channels = images.shape
    size = -(-len(taps) // UP)
    phases = jnp.pad(taps, (0, size * UP - len(taps))).reshape(size, UP, size, UP)
    kernel = phases[::-1, :, ::-1].transpose(0, 2, 1, 3).reshape(size, size, 1, UP * UP)
    planes = images.transpose(0, 3, 1, 2).reshape(n * channels, height, width, 1)
    pads = ((size - 1, size - 1), (size - 1, size - 1))
    y = jax.lax.conv_general_dilated(planes, kernel, (1, 1), pads, dimension_numbers=LAYOUT, precision=HIGHEST)
    h, w = y.shape[1:3]
    y = y.reshape(n, channels, h, w, UP, UP).transpose(0, 2, 4, 3, 5, 1)
    return y.reshape(n, UP * h, UP * w, channels)


@jax.jit
def filter_by(images, taps):
    n, height, width, channels = images.shape
    planes = images.transpose(0, 3, 1, 2).reshape(n * channels, height, width, 1)
    kernel = taps[::-1, ::-1, None, None]
    y = jax.lax.conv_general_dilated(planes, kernel, (1, 1), "SAME", dimension_numbers=LAYOUT, precision=HIGHEST)
    edge = len(taps) // 2
    mask = jnp.zeros((height, width)).at[edge:-edge, edge:-edge].set(1.0)
    return y.reshape(n, channels, height, width).transpose(0, 2, 3, 1), mask[None, :, :, None]
