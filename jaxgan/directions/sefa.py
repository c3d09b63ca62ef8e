"""SeFa: directions in closed form, from the weights that read the latent."""

from __future__ import annotations

from collections.abc import Iterable

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.core.directions import Directions
from jaxgan.core.generator import Affine, Generator, known
from jaxgan.directions.calibrate import calibrated, count, descending
from jaxgan.latents.spaces import styled
from jaxgan.latents.stats import SAMPLES

TORGB = ("none", "last", "all")
NORMALISE = ("unit", "none")


def sefa(
    layers: Iterable[int] | None = None,
    *,
    include_torgb: str = "last",
    normalise: str = "unit",
    samples: int = SAMPLES,
):
    """Find the directions that the first maps behind the latent amplify most.

        directions = leading eigenvectors of  A A^T,    A = [a_1 / |a_1|, a_2 / |a_2|, ...]  [D, units]

    where a_u is the weight vector with which unit u reads the latent.

    Args:
        layers: Rows of w+ whose maps count, and which an edit moves by default; all when None.
        include_torgb: Maps of toRGB layers: "none", "last" (the highest resolution's) or "all".
        normalise: "unit" divides every unit's weight vector by its length, "none" does not.
        samples: Codes behind the scales; the directions themselves need none.

    Returns:
        A finder `(g, key, k) -> Directions`.

    Raises:
        ValueError: When called on a generator that names no such maps, or with rows that it lacks.

    Source: Shen and Zhou, "Closed-Form Factorization of Latent Semantics in GANs" (2021), eq. 8. Different: a
    symmetric eigensolver, so that the order is by eigenvalue, a fixed sign, and scales by the population.
    """
    known(include_torgb, TORGB, "choice of toRGB")
    known(normalise, NORMALISE, "normalisation")
    rows = None if layers is None else tuple(layers)

    def finder(g: Generator, key, k: int) -> Directions:
        matrix = stack(g, rows, include_torgb)
        if normalise == "unit":
            matrix = matrix / jnp.maximum(jnp.linalg.norm(matrix, axis=0), 1e-12)
        count(k, matrix.shape[0], f"{g.arch.name} in {styled(g)!r}")
        values, vectors = descending(matrix @ matrix.T, k)
        meta = {"include_torgb": include_torgb, "normalise": normalise, "eigenvalues": tuple(map(float, values))}
        return calibrated(g, key, vectors, styled(g), "sefa", layers=rows, measured=samples, **meta)

    return finder


def stack(g: Generator, rows: tuple[int, ...] | None, include_torgb: str) -> Float[Array, "d units"]:
    """Return the weight vectors of all chosen units as columns."""
    affines = g.arch.affines
    if not affines:
        raise ValueError(
            f"sefa reads the first maps behind the latent, {g.arch.name} names none. Use pca, hessian or jacobian "
            f"in {', '.join(map(repr, g.spaces))}."
        )
    there = sorted({a.row for a in affines})
    wrong = [r for r in rows or () if r not in there]
    if wrong:
        raise ValueError(f"{g.arch.name} has maps at rows {there[0]} to {there[-1]}, got layers {wrong}.")
    last = max((i for i, a in enumerate(affines) if a.rgb), default=None)
    chosen = [
        a
        for i, a in enumerate(affines)
        if (rows is None or a.row in rows)
        and (not a.rgb or include_torgb == "all" or (include_torgb == "last" and i == last))
    ]
    if not chosen:
        raise ValueError(f"layers={list(rows or ())} with include_torgb={include_torgb!r} leaves no map to read.")
    return jnp.concatenate([weight(g, a) for a in chosen], axis=1)


def weight(g: Generator, affine: Affine) -> Float[Array, "d units"]:
    """Return the weights by which a map reads the latent: zero for the coordinates that it does not read."""
    leaf = g.params
    for name in affine.path:
        leaf = leaf[name]
    matrix = leaf.reshape(leaf.shape[0], -1)
    if affine.reads is None:
        return matrix
    start, at, count = affine.reads
    whole = jnp.zeros((*g.arch.shape(styled(g)), matrix.shape[1]))
    return whole.at[at : at + count].set(matrix[start : start + count])
