"""Quantiles of more values than can be held: histograms over known ranges, which add up."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Integer

BINS = 4096


class Histogram(NamedTuple):
    """Count the values of U units in equal bins of each unit's range. Histograms of the same ranges add up.

    Args:
        low, high: Ends of the ranges [U].
        counts: [U, bins], int64: exact for any number of values.
    """

    low: Float[np.ndarray, " u"]
    high: Float[np.ndarray, " u"]
    counts: Integer[np.ndarray, "u bins"]

    def update(self, values: Float[Array, "n u"], weight: Float[Array, " n"] | None = None) -> Histogram:
        """Add values [N, U] within the ranges; rows of weight 0 are padding."""
        weight = jnp.ones(len(values)) if weight is None else weight
        new = binned(values, jnp.asarray(self.low), jnp.asarray(self.high), weight, self.counts.shape[1])
        return self._replace(counts=self.counts + np.asarray(new, np.int64))

    def merge(self, other: Histogram) -> Histogram:
        """Return the histogram of both sets of values.

        Raises:
            ValueError: If the ranges or bins differ.
        """
        same = self.counts.shape == other.counts.shape
        if not (same and np.array_equal(self.low, other.low) and np.array_equal(self.high, other.high)):
            raise ValueError("Histograms of different ranges or bins do not add up; make them with the same ones.")
        return self._replace(counts=self.counts + other.counts)

    def quantile(self, share: float) -> Float[np.ndarray, " u"]:
        """Return the values below which a share of all values lies, [U]: right to one bin's width.

        Raises:
            ValueError: If there are no values, or the share is not within [0, 1].
        """
        total = self.counts.sum(1)
        if not 0 <= share <= 1 or total.min() == 0:
            raise ValueError(f"Asked for the quantile {share} of {total.min()} values; a share is from 0 to 1.")
        rank = share * total
        before = np.cumsum(self.counts, axis=1)
        bins = self.counts.shape[1]
        at = np.minimum((before < rank[:, None]).sum(1), bins - 1)
        unit = np.arange(len(at))
        inside = (rank - (before[unit, at] - self.counts[unit, at])) / np.maximum(self.counts[unit, at], 1)
        return (self.low + (at + np.clip(inside, 0, 1)) * (self.high - self.low) / bins).astype(np.float32)


def histogram(low: Float[np.ndarray, " u"], high: Float[np.ndarray, " u"], bins: int = BINS) -> Histogram:
    """Return the empty histogram of U ranges: the neutral element of `merge`."""
    low, high = np.asarray(low, np.float32), np.asarray(high, np.float32)
    return Histogram(low, high, np.zeros((len(low), bins), np.int64))


@partial(jax.jit, static_argnames="bins")
def binned(values, low, high, weight, bins: int) -> Integer[Array, "u bins"]:
    """Count values [N, U] by bin."""
    width = jnp.maximum(high - low, 1e-30)
    at = jnp.clip((values - low) / width * bins, 0, bins - 1).astype(jnp.int32) + bins * jnp.arange(len(low))
    counts = jnp.zeros(len(low) * bins, jnp.int32)
    return counts.at[at].add((weight[:, None] > 0).astype(jnp.int32)).reshape(len(low), bins)
