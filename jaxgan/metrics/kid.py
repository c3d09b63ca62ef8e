"""Kernel distance between two sets of images: unbiased also for few images."""

from __future__ import annotations

import numpy as np
from jaxtyping import ArrayLike, Float

from jaxgan.metrics.bootstrap import draws

CHUNK = 1024  # rows compared at a time, which bounds memory


def kernel_distance(a: Float[ArrayLike, "m d"], b: Float[ArrayLike, "n d"]) -> float:
    """Return the squared maximum mean discrepancy of two sets of features, unbiased: 0 on average for equal laws.

        k(x, y) = (x.y / d + 1)^3
        mean_{i != j} k(a_i, a_j) + mean_{i != j} k(b_i, b_j) - 2 mean_{ij} k(a_i, b_j)

    In float64: the three means are large and nearly equal.

    Args:
        a: Features of one set [M, D], M >= 2.
        b: Features of the other [N, D], N >= 2.

    Raises:
        ValueError: If a set has fewer than two members, or the widths differ.

    Source: Binkowski et al., "Demystifying MMD GANs", 2018, section 4. The whole sets enter at once; `blockwise`
    bounds the work.
    """
    return blockwise(a, b, size=max(len(np.asarray(a)), len(np.asarray(b))))[0]


def blockwise(
    real: Float[ArrayLike, "m d"],
    fake: Float[ArrayLike, "n d"],
    size: int = 1000,
    replicates: int = 0,
    rng: np.random.Generator | None = None,
) -> tuple[float, float]:
    """Return the mean kernel distance of blocks of both sets, and its standard error over the draw of the fakes.

    Args:
        real: Features of real images [M, D].
        fake: Features of generated images [N, D].
        size: Largest number of members in a block of the smaller set.
        replicates: Sets drawn with replacement for the standard error, which is nan if 0. A pair of twice the same
            image counts in none of them, as in the distance itself.
        rng: Draws them.

    Source: as `kernel_distance`. Different: the paper averages over 100 random subsets of 1,000; here every image is
    in one block, so that none is left out and none counts twice. The expectation is the same.
    """
    real, fake = (np.asarray(x, np.float64) for x in (real, fake))
    few = min(len(real), len(fake))
    if few < 2:
        raise ValueError(f"Got {len(real)} and {len(fake)} features; an unbiased estimate needs 2 of each.")
    if real.shape[1] != fake.shape[1]:
        raise ValueError(f"The sets have {real.shape[1]} and {fake.shape[1]} features; use one network for both.")
    blocks = min(-(-few // max(size, 2)), few // 2)
    rng = rng or np.random.default_rng(0)
    found = [
        block(a, b, [np.ones(len(b)), *draws(rng, len(b), replicates)])
        for a, b in zip(np.array_split(real, blocks), np.array_split(fake, blocks), strict=True)
    ]
    value, *again = np.mean(found, 0)
    return float(value), float(np.std(again, ddof=1)) if replicates > 1 else float("nan")


def block(real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"], counts: list) -> Float[np.ndarray, " b"]:
    """Return the kernel distance for every way of counting the fakes, [B]; `counts` are [N] each."""
    weights = np.stack(counts, 1)  # [N, B]
    m = len(real)
    constant = (sum(kernel(p, real).sum() for p in parts(real)) - diagonal(real).sum()) / (m * (m - 1))
    across = sum(kernel(p, fake).sum(0) for p in parts(real)) @ weights / (m * weights.sum(0))
    twice = sum((w * (kernel(p, fake) @ weights)).sum(0) for p, w in zip(parts(fake), parts(weights), strict=True))
    squares = np.square(weights)
    pairs = np.square(weights.sum(0)) - squares.sum(0)
    return constant + (twice - diagonal(fake) @ squares) / pairs - 2 * across


def kernel(x: Float[np.ndarray, "m d"], y: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "m n"]:
    base = x @ y.T / x.shape[1] + 1
    return base * base * base


def diagonal(x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
    return (np.square(x).sum(1) / x.shape[1] + 1) ** 3


def parts(x: np.ndarray) -> list[np.ndarray]:
    return [x[i : i + CHUNK] for i in range(0, len(x), CHUNK)]
