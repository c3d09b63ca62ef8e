"""Measure what directions change: move codes along each and let a judge read the pictures before and after."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxgan.core.code import Code
from jaxgan.core.directions import Directions
from jaxgan.core.generator import Generator
from jaxgan.editing import move

MIXED = "mixed"
FAINT = 0.4  # a direction whose largest change is less, in standard deviations of a factor, is not named after it
DOMINANT = 1.5  # nor is one whose largest change is less than so many times the next

Blocks = Mapping[str, Float[np.ndarray, "n b"]]
Reader = Callable[[Code], Blocks]


class Score(NamedTuple):
    """What one direction changes when a code moves from -by to +by standard deviations along it.

    Args:
        method: Finder.
        index: Number of the direction among the finder's.
        layers: Rows of w+ that move; None for all.
        changes: {factor: mean distance between the readings of both ends, in standard deviations of the factor}.
        signed: The same with its sign, for factors that are one number.
    """

    method: str
    index: int
    layers: tuple[int, ...] | None
    changes: dict[str, float]
    signed: dict[str, float]

    @property
    def top(self) -> str:
        """Factor that changes most."""
        return max(self.changes, key=lambda name: self.changes[name])

    def share(self, factor: str) -> float:
        """How exclusively a factor changes: its part of the squared changes, 1 if nothing else changes."""
        total = sum(change**2 for change in self.changes.values())
        return self.changes[factor] ** 2 / total if total > 0 else 0.0

    def merit(self, factor: str) -> float:
        """Order directions for a factor: large changes of it, and little else."""
        return self.changes[factor] * self.share(factor)

    @property
    def name(self) -> str:
        """Name by the factor that changes most, or "mixed" where it is faint or does not dominate."""
        top, *others = sorted(self.changes, key=lambda name: -self.changes[name])
        most, next_most = self.changes[top], max((self.changes[name] for name in others), default=0.0)
        return top if most >= FAINT and most >= DOMINANT * next_most else MIXED


def rescore(
    g: Generator,
    code: Code,
    directions: Directions,
    read: Reader,
    spreads: Mapping[str, float],
    by: float = 2.0,
    ranges: Sequence[tuple[int, ...] | None] = (None,),
) -> list[Score]:
    """Measure every direction on sampled codes; of several ranges of layers keep the one that names it best.

        change_f = mean_n |f(G(w_n + by sigma d)) - f(G(w_n - by sigma d))| / spread_f

    Args:
        g: Generator.
        code: Sampled codes [N] in "w+".
        directions: K directions.
        read: Judge: codes to blocks {factor: [N, B]}.
        spreads: {factor: its root mean square distance from the mean over the population}.
        by: How far each end lies, in standard deviations along the direction.
        ranges: Rows of w+ to try.

    Returns:
        One score for each direction.

    Source: the re-scoring analysis of Shen et al., "InterFaceGAN" (2020), section 4.2, with both ends instead of one
    and a distance between blocks, so that hues and shapes count too.
    """
    k, n = len(directions), len(code)
    strengths = by * jnp.concatenate([jnp.eye(k), -jnp.eye(k)])  # [2K, K]
    many = jax.tree.map(lambda x: jnp.tile(x, (2 * k, *[1] * (x.ndim - 1))), code)
    method = str(dict(directions.meta).get("method", "direction"))
    candidates: list[list[Score]] = [[] for _ in range(k)]
    for layers in ranges:
        moved = move(directions, jnp.repeat(strengths, n, axis=0), layers)(g, many)
        ends = {name: np.asarray(v).reshape(2, k, n, -1) for name, v in read(moved).items()}
        for i in range(k):
            changes = {name: float(size(v[0, i] - v[1, i]).mean() / spreads[name]) for name, v in ends.items()}
            signed = {
                name: float((v[0, i] - v[1, i]).mean() / spreads[name]) for name, v in ends.items() if v.shape[-1] == 1
            }
            candidates[i].append(Score(method, i, layers, changes, signed))
    return [max(some, key=lambda score: (score.name != MIXED, score.merit(score.top))) for some in candidates]


def size(difference: Float[np.ndarray, "*n b"]) -> Float[np.ndarray, "*n"]:
    """Length of a block of readings."""
    return np.sqrt(np.square(difference).sum(-1))


def best(scores: Sequence[Score], factors: Sequence[str]) -> dict[str, Score]:
    """Pick for each factor the direction with the largest merit: of those named after it, if there are any."""
    return {factor: max(scores, key=lambda score: (score.name == factor, score.merit(factor))) for factor in factors}


def named(directions: Directions, scores: Sequence[Score]) -> Directions:
    """Name directions by method, number and factor, such as "pca3-hue"."""
    return directions.named([f"{score.method}{score.index}-{score.name}" for score in scores])
