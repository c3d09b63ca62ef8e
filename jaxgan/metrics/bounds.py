"""Bounds of a population: does an edited code still lie where the generator has learned to draw?"""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float

from jaxgan.core.code import Code
from jaxgan.core.generator import Generator
from jaxgan.latents.charts import Whitening
from jaxgan.latents.stats import SAMPLES
from jaxgan.metrics.editability import charts, mahalanobis

QUANTILE = 0.999


class LeavesPopulation(UserWarning):
    """Edited codes lie farther from the population's middle than nearly all of its own."""


@struct.dataclass
class Bounds:
    """Hold how far a population reaches.

    Args:
        charts: {space: chart in which the population is standard normal}.
        limits: {space: distance below which the quantile of the population lies}.
        quantile: Share of the population within the limits (static).
    """

    charts: Mapping[str, Whitening]
    limits: Mapping[str, Float[Array, ""]]
    quantile: float = struct.field(pytree_node=False, default=QUANTILE)


def bounds(g: Generator, key, samples: int = SAMPLES, quantile: float = QUANTILE) -> Bounds:
    """Measure how far a generator's population reaches, by Mahalanobis distance in "p" and "w", or the first space.

    Args:
        g: Generator.
        key: Random key of the population.
        samples: Size of the population; as many others are measured.
        quantile: Share of the population that counts as within.
    """
    if not 0 < quantile < 1:
        raise ValueError(f"quantile is a share between 0 and 1, got {quantile:g}.")
    of_charts, of_codes = jax.random.split(key)
    white = charts(g, of_charts, samples)
    distances = mahalanobis(g, g.sample(of_codes, samples), white)
    return Bounds(white, {space: jnp.quantile(d, quantile) for space, d in distances.items()}, quantile)


def leaving(g: Generator, before: Code, after: Code, bounds: Bounds) -> str | None:
    """Say in one line which codes an edit has carried beyond the bounds, or farther beyond; None if it has none.

    Args:
        g: Generator.
        before: Codes [N].
        after: The same after the edit [N], or at several strengths [V * N], all of the first strength first.
        bounds: Of the generator's population; codes in a space behind it ("s") cannot be measured.
    """
    here, there = (mahalanobis(g, code, bounds.charts) for code in (before, after))
    space = next((name for name in bounds.limits if name in there), None)
    if space is None:
        return None
    distance, limit = there[space], float(bounds.limits[space])
    start = jnp.tile(here[space], len(distance) // len(here[space])) if space in here else jnp.zeros(len(distance))
    out = (distance > limit) & (distance > start * (1 + 1e-4))  # not those whose distance rounding alone has changed
    if not out.any():
        return None
    worst, already = int(jnp.argmax(jnp.where(out, distance, 0.0))), int((out & (start > limit)).sum())
    hint = "invert nearer to it, by an encoder or with losses.near_mean_w" if already == int(out.sum()) else "edit less"
    return (
        f"{int(out.sum())} of {len(distance)} edited codes lie outside the population ({already} did before the edit): "
        f"the farthest at distance {float(distance[worst]):.2f} in {space!r} ({float(start[worst]):.2f} before), "
        f"{bounds.quantile:.1%} of the population within {limit:.2f}; {hint}"
    )
