"""Density and coverage: precision and recall that single outliers cannot spoil."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float

from jaxgan.metrics.precision_recall import centred, radii, squared_distances


def density_coverage(
    real: Float[ArrayLike, "m d"], fake: Float[ArrayLike, "n d"], k: int = 5, chunk: int = 1024
) -> tuple[float, float]:
    """Return how densely the fakes lie where the reals are, and the share of reals with a fake near.

        density = 1 / (k N) sum_j sum_i [fake_j in B_i],   coverage = 1 / M sum_i [some fake_j in B_i]

    B_i is the ball about real_i that reaches its k-th neighbour among the reals.

    Args:
        real: Features of real images [M, D], M > k.
        fake: Features of generated images [N, D].
        k: Neighbour that sets the radius.
        chunk: Points compared at a time, which bounds memory to chunk x M.

    Returns:
        Density, 1 on average for equal laws and not bounded by it; coverage in [0, 1].

    Raises:
        ValueError: If the real set has no k-th neighbours, or there are no fakes.

    Source: Naeem et al., "Reliable Fidelity and Diversity Metrics for Generative Models", 2020, eq. 4 and 5; points on
    the border of a ball count as inside.
    """
    count, near = counted(real, fake, k, chunk)
    return float(count.mean() / k), float(near.mean())


def counted(
    real: Float[ArrayLike, "m d"], fake: Float[ArrayLike, "n d"], k: int = 5, chunk: int = 1024
) -> tuple[Float[np.ndarray, " n"], Bool[np.ndarray, " m"]]:
    """Return in how many balls each fake lies [N], and of each real whether a fake lies in its ball [M]."""
    real, fake = jnp.asarray(real), jnp.asarray(fake)
    if len(real) <= k or not len(fake):
        raise ValueError(
            f"Got {len(real)} real and {len(fake)} generated features; k={k} needs more than {k} real ones."
        )
    real, fake = centred(real, fake)
    reach = radii(real, k, chunk)
    counts, near = [], np.zeros(len(real), bool)
    for start in range(0, len(fake), chunk):
        count, some = balls(fake[start : start + chunk], real, reach)
        counts.append(np.asarray(count, np.float64))
        near |= np.asarray(some)
    return np.concatenate(counts), near


@jax.jit
def balls(
    points: Float[Array, "n d"], members: Float[Array, "m d"], reach: Float[Array, " m"]
) -> tuple[Float[Array, " n"], Bool[Array, " m"]]:
    inside = squared_distances(points, members) <= reach
    return jnp.sum(inside, 1), inside.any(0)
