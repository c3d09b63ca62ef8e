"""Jacobian directions: the axes along which the output changes fastest, everywhere or in a region only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxgan.core.code import Code
from jaxgan.core.directions import DEPENDENT, Directions
from jaxgan.core.generator import Generator, known
from jaxgan.directions.calibrate import calibrated, count, descending
from jaxgan.directions.products import gram, parted, sketch
from jaxgan.directions.rpca import rpca
from jaxgan.latents import stats
from jaxgan.latents.spaces import styled

METHODS = {"svd": "jacobian", "rayleigh": "resefa", "lowrank": "lowrankgan"}  # and their names in files
RANK, TAU = 20, 1e-3


def jacobian(
    space: str | None = None,
    *,
    tap: str = "image",
    samples: int = 16,
    at: Code | None = None,
    region: Callable[[Any], Any] | Any = None,
    method: str = "svd",
    randomized: bool = False,
    rank: int = RANK,
    tau: float = TAU,
    sparsity: float | None = None,
    relax: int = 0,
):
    """Find the directions of code that change the output most, or a region of it and little else.

        M = mean_n J_n^T J_n,    J_n = d output / d code at code n
        M_f, M_b: the same of the region's outputs and of the others, each over their number

        svd       leading eigenvectors of M (M_f with a region); at one code: right singular vectors of its Jacobian
        rayleigh  maximise  n^T M_f n / n^T (M_b + tau tr(M_b) I) n    by Cholesky and eigenvectors       (ReSeFa)
        lowrank   (I - V_b V_b^T) v   for the leading v of L_f, V_b those of L_b, M = L + S by `rpca`      (LowRankGAN)

    Args:
        space: Space to search; "w" where there is one, else the first.
        tap: Output, "image" for the images; with a region, a map.
        samples: Codes averaged over: more than one gives directions that are good for all of them.
        at: Codes to use instead of a sample: one code gives its own directions, as published.
        region: Mask [H, W] or [N, H, W] in [0, 1]; or a function from images to masks [N, H, W], such as one class of
            a segmenter, so that the region follows the pictures' content.
        method: "svd", "rayleigh" or "lowrank"; the last two need a region.
        randomized: Approximate M by matrices of rank `rank` with random probes, rather than exactly with one pass for
            every coordinate. The trace of M_b is then that of its approximation.
        rank: Of the approximation; at least k.
        tau: Of rayleigh: how much a change anywhere outside of the region counts.
        sparsity: Of lowrank: the weight in `rpca`.
        relax: Of lowrank: how many of the weakest of V_b may change with the region.

    Returns:
        A finder `(g, key, k) -> Directions`. Meta "eigenvalues" holds mean squared gains, of rayleigh the ratios;
        "ranks" holds lowrank's of L_f and L_b. Rayleigh's and lowrank's directions are not orthogonal to each other;
        lowrank returns at most as many as L_f has.

    Raises:
        ValueError: When called on a generator without the space or tap, with a region that is not one of its pixels,
            or where nothing changes in the region.

    Source: Zhu et al., "Low-Rank Subspaces in GANs" (2021); Zhu et al., "Region-Based Semantic Factorization in GANs"
    (2022), with the regularisation of its code; Choi et al., "Do Not Escape From the Manifold" (2022) for one code.
    Different: forward mode, so that J has as many passes as the code has coordinates; all channels count, where
    LowRankGAN takes grey images; averages over codes and masks that follow them.
    """
    known(method, tuple(METHODS), "method")
    if method != "svd" and region is None:
        raise ValueError(f"method={method!r} compares a region with the rest: give region=, a mask [H, W].")
    if rank < 1 or samples < 1 or not tau > 0:
        raise ValueError(f"rank {rank} and samples {samples} must be at least 1, tau {tau} above 0.")

    def finder(g: Generator, key, k: int) -> Directions:
        where = space or styled(g)
        known(where, g.spaces, "space")
        known(tap, (*g.arch.taps, "image"), "tap")
        draw, calibration, probe = jax.random.split(key, 3)
        code = g.to(at, where) if at is not None else stats.draw(g, draw, samples, where)
        count(k, stats.width(g, where), f"{g.arch.name} in {where!r}")
        weights = None if region is None else parted(g, code, tap, region)
        used = weights[:, :1] if weights is not None and method == "svd" else weights
        if randomized:
            matrices = sketch(g, code, tap, probe, max(rank, k), used)
        else:
            matrices = gram(g, code, tap, used)
        if not bool(jnp.trace(matrices[0]) > 0):
            raise ValueError(f"Nothing changes {'in the region' if region is not None else tap} with {where!r}.")
        meta: dict[str, Any] = {"tap": tap, "samples": len(code), "randomized": int(randomized)}
        if method == "svd":
            values, vectors = descending(matrices[0], k)
        else:
            fore, back = np.asarray(matrices, np.float64)
            if method == "rayleigh":
                values, vectors = ratios(fore, back, tau, k)
            else:
                values, vectors, meta["ranks"] = apart(fore, back, sparsity, relax, k)
        meta["eigenvalues"] = tuple(map(float, values))
        return calibrated(g, calibration, jnp.asarray(vectors, jnp.float32), where, METHODS[method], **meta)

    return finder


def ratios(fore: Float[np.ndarray, "d d"], back: Float[np.ndarray, "d d"], tau: float, k: int):
    """Return the k largest ratios n^T fore n / n^T (back + tau tr(back) I) n and their directions [K, D]."""
    trace = np.trace(back)
    lower = np.linalg.cholesky((back + back.T) / 2 + (tau * trace if trace > 0 else 1.0) * np.eye(len(back)))
    left = np.linalg.solve(lower, (fore + fore.T) / 2)  # with lower^-T n for n: a symmetric problem
    values, columns = np.linalg.eigh(np.linalg.solve(lower, left.T))
    return values[::-1][:k], np.linalg.solve(lower.T, columns[:, ::-1][:, :k]).T


def apart(fore: Float[np.ndarray, "d d"], back: Float[np.ndarray, "d d"], sparsity: float | None, relax: int, k: int):
    """Return the leading directions of the region's low-rank part [at most k, D], without the others' range."""
    (values, vectors), (others, outside) = (principal(rpca(m, sparsity)[0]) for m in (fore, back))
    if not len(values):
        raise ValueError("The region's matrix has no part of low rank at this sparsity: raise it, or use rayleigh.")
    outside = outside[: max(len(others) - relax, 0)]
    rest = vectors - (vectors @ outside.T) @ outside
    there = np.flatnonzero(np.linalg.norm(rest, axis=1) > DEPENDENT)[:k]
    if not len(there):
        raise ValueError("All that changes the region changes the rest as well: relax more, or use rayleigh.")
    return values[there], rest[there], (len(values), len(others))


def principal(low: Float[np.ndarray, "d d"]) -> tuple[Float[np.ndarray, " r"], Float[np.ndarray, "r d"]]:
    """Return the eigenvalues of a matrix of low rank that are not 0, descending, and their eigenvectors as rows."""
    values, vectors = np.linalg.eigh((low + low.T) / 2)
    order = np.argsort(-np.abs(values))
    kept = order[np.abs(values[order]) > np.abs(values).max(initial=0.0) * len(low) * np.finfo(np.float64).eps]
    return np.abs(values[kept]), vectors[:, kept].T
