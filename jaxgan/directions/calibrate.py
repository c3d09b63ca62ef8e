"""What every finder does last: unit length, a fixed sign, scales in standard deviations, provenance."""

from __future__ import annotations

from functools import partial

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.core.code import Code
from jaxgan.core.directions import Directions
from jaxgan.core.generator import Generator, fingerprint, known
from jaxgan.core.moments import Moments
from jaxgan.latents import stats
from jaxgan.latents.spaces import unrows


def calibrated(
    g: Generator,
    key,
    vectors: Float[Array, "k d"],
    space: str,
    method: str,
    *,
    layers=None,
    population: Moments | None = None,
    measured: int = stats.SAMPLES,
    oriented: bool = False,
    **meta,
) -> Directions:
    """Make directions of rows: normalise them, fix their signs, measure the population along each.

    Args:
        g: Where they were found.
        key: Random key of the population sample.
        vectors: Rows [K, D] in the flattened space, not zero.
        space: Space of the rows.
        method: Name of the finder, for names and provenance.
        layers: Rows of w+ that an edit moves by default.
        population: Moments of the space, if they are known already.
        measured: Size of the sample otherwise.
        oriented: Whether the rows point the way that they should already, as those towards a higher score do.
        **meta: Further provenance: numbers and strings.
    """
    vectors = vectors / jnp.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors if oriented else signed(vectors)
    along = partial(stats.deviations, g, key, space=space, samples=measured)
    scales = along(vectors) if population is None else stats.along(population, vectors)
    meta = {"method": method, "family": g.arch.name, "generator": fingerprint(g), **meta}
    return Directions(
        vectors=unrows(vectors, g.arch.shape(space)),
        scales=scales,
        space=space,
        layers=None if layers is None else tuple(layers),
        names=tuple(f"{method}{i}" for i in range(len(vectors))),
        meta=tuple(sorted(meta.items())),
    )


def signed(vectors: Float[Array, "k d"]) -> Float[Array, "k d"]:
    """Flip rows so that the entry of largest size is positive: the same axis always points the same way."""
    largest = jnp.take_along_axis(vectors, jnp.abs(vectors).argmax(1)[:, None], axis=1)
    return vectors * jnp.where(largest < 0, -1.0, 1.0)


def descending(matrix: Float[Array, "d d"], k: int) -> tuple[Float[Array, " k"], Float[Array, "k d"]]:
    """Return the k largest eigenvalues of a symmetric matrix, descending, and their eigenvectors as rows."""
    values, columns = jnp.linalg.eigh((matrix + matrix.T) / 2)
    return values[::-1][:k], columns.T[::-1][:k]


def count(k: int, most: int, what: str) -> None:
    """Raise ValueError unless 1 <= k <= most."""
    if not 1 <= k <= most:
        raise ValueError(f"Asked for {k} directions, {what} has between 1 and {most}.")


def outputs(g: Generator, code: Code, tap: str):
    """Return the function from rows [N, D], in the place of a code's value, to the activation of a tap."""
    known(tap, (*g.arch.taps, "image"), "tap")
    shape = g.arch.shape(code.space)
    return lambda rows: g.read(code.replace(value=unrows(rows, shape)), [tap])[tap].astype(jnp.float32)
