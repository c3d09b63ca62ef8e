"""Standard errors of figures, by computing them again on sets drawn from the set itself."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float


def draws(rng: np.random.Generator, n: int, replicates: int) -> Iterator[Float[np.ndarray, " n"]]:
    """Draw n members of n with replacement, `replicates` times; yield how often each was drawn, [N] with sum N."""
    for _ in range(replicates):
        yield np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float64)


def mean_error(values: Float[np.ndarray, " n"], replicates: int, rng: np.random.Generator) -> float:
    """Return the standard error of the mean of values [N].

    Source: Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979.
    """
    values = np.asarray(values, np.float64)
    return float(np.std([counts @ values / len(values) for counts in draws(rng, len(values), replicates)], ddof=1))
