"""Objectives on images: pixels, Laplacian pyramids, structural similarity, LPIPS."""

from __future__ import annotations

from functools import cache

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.core.network import Network
from jaxgan.core.objective import Objective, term
from jaxgan.features import lpips as judge
from jaxgan.ops.similarity import halve, laplacian_pyramid, structural_similarity

SOFT = 1e-2  # differences below about one grey level of 256 are squared, larger ones count as they are


def pixel() -> Objective:
    """Compare pixels: the mean squared difference of each image, named "pixel"."""
    return term("pixel", mean_squares)


def mean_squares(images, target, code, generator, prepared) -> Float[Array, " n"]:
    return jnp.square(images - target).mean((1, 2, 3))


def laplacian(levels: int = 5) -> Objective:
    """Compare octave bands, so that a misplaced edge costs more than a slightly wrong shade; named "laplacian".

        sum_j mean sqrt(d_j^2 + SOFT^2) - SOFT,   d_j = L_j(x) - L_j(y)

    Args:
        levels: Bands, the low-pass image included; fewer where the image is too small.

    Source: Bojanowski et al., "Optimizing the Latent Space of Generative Networks", 2018, section 3.1: its weights
    2^(2j) on sums are means here, and absolute values are rounded off near 0, which second-order solvers need.
    """
    return term("laplacian", _bands(levels))


@cache  # one function for each depth: a new one would compile anew
def _bands(levels: int):
    def bands(images, target, code, generator, prepared) -> Float[Array, " n"]:
        pyramid = laplacian_pyramid(images - target, levels)
        costs = [(jnp.sqrt(band * band + SOFT * SOFT) - SOFT).mean((1, 2, 3)) for band in pyramid]
        return jnp.stack(costs).sum(0)

    return bands


def ssim(scales: int = 3, window: int = 11) -> Objective:
    """Compare local structure: 1 - SSIM, averaged over octaves; named "ssim".

    Args:
        scales: Octaves, finest first, each from averages of 2x2 pixels; fewer once a side would be under 8 pixels.
        window: Side of the Gaussian window in pixels, clipped to the image.

    Source: Wang et al. 2004; their multi-scale form of 2003 multiplies powers of the scales, which has no gradient
    where a scale is anticorrelated: here they are averaged.
    """
    return term("ssim", _structure(scales, window))


@cache
def _structure(scales: int, window: int):
    def structure(images, target, code, generator, prepared) -> Float[Array, " n"]:
        losses = []
        for _ in range(scales):
            losses.append(1 - structural_similarity(images, target, window=window)[0])
            images, target = halve(images), halve(target)
            if min(images.shape[1:3]) < 8:
                break
        return jnp.stack(losses).mean(0)

    return structure


def perceptual() -> Objective:
    """Compare images without any weights file: laplacian() + 0.5 * ssim().

    It sees edges at every scale, contrast and structure, but no learned notion of alike; where LPIPS weights are at
    hand, `lpips` judges better.
    """
    return laplacian() + 0.5 * ssim()


def lpips(network: Network, size: int = 256) -> Objective:
    """Compare images by LPIPS; the target's features are computed once; named "lpips".

    Args:
        network: From `jaxgan.io.load_lpips` or `jaxgan.features.lpips.lpips`.
        size: Images with a longer side are reduced to it by box averages first, as most inversion papers do.
    """
    compare, prepare = _lpips(size)
    return term("lpips", compare, network, prepare=prepare)


@cache
def _lpips(size: int):
    def compare(network, images, target, code, generator, prepared) -> Float[Array, " n"]:
        return jnp.stack(judge.between(judge.embed(network, shrink(images, size)), prepared)).sum(0)

    def prepare(network, target):
        return judge.embed(network, shrink(target, size))

    return compare, prepare


def shrink(images: Float[Array, "n h w c"], size: int) -> Float[Array, "n h2 w2 c"]:
    """Reduce images to at most `size` pixels a side by averaging boxes; smaller ones stay as they are."""
    while max(images.shape[1:3]) >= 2 * size and all(s % 2 == 0 for s in images.shape[1:3]):
        images = halve(images)
    n, height, width, channels = images.shape
    if max(height, width) <= size:
        return images
    scale = size / max(height, width)
    shape = (n, max(1, round(height * scale)), max(1, round(width * scale)), channels)
    return jax.image.resize(images, shape, "linear", antialias=True)
