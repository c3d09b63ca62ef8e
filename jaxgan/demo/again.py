"""Find a set of directions again, by the settings that it carries: with another seed, or from a sample drawn anew."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxgan import directions
from jaxgan.core.code import Code
from jaxgan.core.directions import Directions
from jaxgan.core.generator import Generator
from jaxgan.directions.boundary import LOSSES, fit
from jaxgan.directions.observe import observe
from jaxgan.features.attributes import Labels
from jaxgan.latents.spaces import rows, unrows
from jaxgan.latents.stats import draw

WIDEST = 2048  # coordinates beyond which an eigenproblem for each replicate takes too long
CLOSED = ("sefa", "native")  # read from the weights: no sample, no seed

Refit = Callable[[np.ndarray], Float[np.ndarray, "k d"]]


class Population(NamedTuple):
    """Codes of the population as rows of one space, and what was read from their images.

    Args:
        rows: [N, D].
        scores: [N, S].
        names: S names.
    """

    rows: Float[np.ndarray, "n d"]
    scores: Float[np.ndarray, "n s"]
    names: tuple[str, ...]


def elsewhere(
    g: Generator, found: Directions, scorer: Callable[[Any], Any], names: tuple[str, ...], key, most: int
) -> tuple[Directions, str] | None:
    """Find directions again with another key, by the method and the settings in their meta.

    Args:
        g: Generator.
        found: Directions of `pca`, `boundary`, or of a closed form, which are themselves.
        scorer: Of boundaries.
        names: Of its scores.
        key: Random key.
        most: Codes at most.

    Returns:
        As many directions or more, in any order for pca, and what to say of it; None where the meta does not tell how
        they are found, or it takes what is not at hand.
    """
    meta = dict(found.meta)
    method, samples = meta.get("method"), min(int(meta.get("samples", most)), most)
    if method in CLOSED:
        return found, "closed form"
    if method == "pca" and "tap" not in meta:
        count = max(len(found), len(meta.get("explained", ())))
        return directions.pca(found.space, samples)(g, key, count), f"{samples:,} codes"
    if method == "boundary" and plain(found, names):
        finder = directions.boundary(
            scorer, space=found.space, samples=samples, loss=meta["loss"], extremes=meta["extremes"]
        )
        again = finder(g, key, len(names))
        return again[[again.names.index(name) for name in found.names]], f"{samples:,} codes"
    return None


def refitted(g: Generator, found: Directions, seen: Population, key, most: int) -> tuple[Refit, int, bool] | None:
    """Return what fits directions to a sample of the population given by numbers, for `metrics.confidence_angles`.

    Args:
        g: Generator.
        found: Directions of `pca` or `boundary`.
        seen: Population in the directions' space, whose scores boundaries are fitted to.
        key: Random key of the codes of pca, of the boundaries' split.
        most: Codes at most for pca, which needs no images.

    Returns:
        The function from numbers [N] to directions [K, D], N, and whether their sign means something; None as for
        `elsewhere`.
    """
    meta, n = dict(found.meta), len(seen.rows)
    order = [re.fullmatch(r"pca(\d+)", name) for name in found.names]
    if meta.get("method") == "pca" and "tap" not in meta and seen.rows.shape[1] <= WIDEST and all(order):
        places, n = [int(match[1]) for match in order if match], min(int(meta.get("samples", most)), most)
        sample = np.asarray(rows(draw(g, key, n, found.space).value))
        return (lambda chosen: axes(sample[chosen], places)), n, False
    if meta.get("method") == "boundary" and plain(found, seen.names):
        columns = [seen.names.index(name) for name in found.names]
        shape = g.arch.shape(found.space)

        def boundaries(chosen: np.ndarray) -> np.ndarray:
            codes = Code(unrows(jnp.asarray(seen.rows[chosen]), shape), found.space)
            labels = Labels(seen.scores[chosen], seen.names)
            sample = observe(g, key, labels, found.space, len(chosen), batch=len(chosen), codes=codes)
            fits = [fit(sample, c, meta["loss"], meta["extremes"], 1.0, jax.random.fold_in(key, c)) for c in columns]
            return np.stack([np.asarray(vector) for vector, _ in fits])

        return boundaries, n, True
    return None


def plain(found: Directions, names: tuple[str, ...]) -> bool:
    """Whether boundaries can be fitted again by the scores of these names: none was held apart from others."""
    meta = dict(found.meta)
    known = meta.get("loss") in LOSSES and isinstance(meta.get("extremes"), (int, float)) and "given" not in meta
    return known and bool(found.names) and set(found.names) <= set(names)


def axes(sample: Float[np.ndarray, "n d"], places: list[int]) -> Float[np.ndarray, "k d"]:
    """Return principal axes of rows by number, the largest first."""
    import scipy.linalg

    centred = sample - sample.mean(0)
    most, wide = max(places) + 1, sample.shape[1]
    vectors = scipy.linalg.eigh(
        (centred.T @ centred).astype(np.float64) / len(sample), subset_by_index=[wide - most, wide - 1]
    )[1]
    return vectors.T[::-1][places]
