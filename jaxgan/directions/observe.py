"""Look at a population: draw codes, let a scorer see their images, and come back to any of the codes by number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Integer

from jaxgan.core.code import Code
from jaxgan.core.generator import Generator, known
from jaxgan.features.attributes import Labels, score_names, scores
from jaxgan.latents.spaces import rows
from jaxgan.latents.stats import draw


class Observed(NamedTuple):
    """What a scorer says of a population whose codes are regenerated rather than stored.

    Args:
        scores: Scores [N, K]; NaN where one is not known.
        names: K names.
        part: Number of a batch to its codes in the space.
        batch: Codes in a batch.
    """

    scores: Float[np.ndarray, "n k"]
    names: tuple[str, ...]
    part: Callable[[int], Code]
    batch: int

    def rows(self, chosen: Integer[np.ndarray, " m"]) -> Float[np.ndarray, "m d"]:
        """Return the codes with the given numbers as rows."""
        found = {}
        for i in np.unique(chosen // self.batch):
            here = np.asarray(rows(self.part(int(i)).value))
            found |= {int(n): here[n % self.batch] for n in chosen[chosen // self.batch == i]}
        return np.stack([found[int(n)] for n in chosen])


def observe(
    g: Generator,
    key,
    scorer: Callable[[Any], Any] | Labels,
    space: str,
    samples: int,
    *,
    batch: int = 64,
    codes: Code | None = None,
) -> Observed:
    """Score a population: codes drawn from the prior, or given ones.

    Args:
        g: Generator.
        key: Random key; the same key gives the same population.
        scorer: Images to scores [N, K], or the scores of the given codes.
        space: Space in which the codes are wanted.
        samples: How many codes, if none are given.
        batch: Codes at a time; another batch size draws other codes.
        codes: Codes to score instead.

    Raises:
        ValueError: If labels come without codes or do not count as many.
    """
    known(space, g.spaces, "space")
    if isinstance(scorer, Labels) and codes is None:
        raise ValueError("Labels belong to codes: give codes=, those whose images were labelled.")
    if codes is not None:
        codes = g.to(codes, space)
        samples = len(codes)
    size = min(batch, samples)

    def part(i: int) -> Code:
        if codes is None:
            return draw(g, jax.random.fold_in(key, i), size, space)
        return codes[jnp.minimum(jnp.arange(i * size, (i + 1) * size), samples - 1)]  # one shape: one program

    if isinstance(scorer, Labels):
        if len(scorer.values) != samples:
            raise ValueError(f"There are {len(scorer.values)} rows of labels for {samples} codes.")
        return Observed(np.asarray(scorer.values, np.float32), scorer.names, part, size)
    table, names = [], ()
    for i in range(-(-samples // size)):
        images = jnp.clip(g(part(i)), -1, 1)
        names = names or score_names(scorer, images)
        table.append(np.asarray(scores(scorer, images)))
    return Observed(np.concatenate(table)[:samples], names, part, size)


def ends(values: Float[np.ndarray, " n"], extremes: float, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of the codes with the highest scores and of those with the lowest.

    Args:
        values: Scores [N]; NaN counts as not known.
        extremes: Share of the known ones at each end, up to a half; or, from 1 on, how many.
        name: Of the score, for errors.
    """
    there = np.flatnonzero(np.isfinite(values))
    count = int(extremes if extremes >= 1 else round(extremes * len(there)))
    count = min(max(count, 4), len(there) // 2)
    if count < 4:
        raise ValueError(f"{name!r} is known of {len(there)} codes; a direction needs 8 at least.")
    order = there[np.argsort(values[there], kind="stable")]
    low, high = order[:count], order[-count:]
    if not values[low].max() < values[high].min():
        raise ValueError(
            f"{name!r} is {values[low].max():.4g} for the highest {count} of {len(there)} codes and for the lowest: "
            "nothing tells them apart. Take fewer extremes, more samples or another scorer."
        )
    return high, low
