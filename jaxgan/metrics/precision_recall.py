"""Precision and recall of generated images: how real they are, and how much of the real they cover."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float


def precision_recall(
    real: Float[ArrayLike, "m d"], fake: Float[ArrayLike, "n d"], k: int = 3, chunk: int = 1024
) -> tuple[float, float]:
    """Return the share of fakes near the real set, and of reals near the fake set.

    A point is near a set if it lies in the ball of some member, whose radius reaches the member's k-th neighbour
    within the set.

    Args:
        real: Features of real images [M, D], M > k.
        fake: Features of generated images [N, D], N > k.
        k: Neighbour that sets the radius.
        chunk: Points compared at a time, which bounds memory to chunk x max(M, N).

    Returns:
        Precision and recall in [0, 1].

    Raises:
        ValueError: If a set has no k-th neighbours.

    Source: Kynkäänniemi et al., "Improved Precision and Recall Metric for Assessing Generative Models", 2019, eq. 1-3.
    """
    real, fake = jnp.asarray(real), jnp.asarray(fake)
    if min(len(real), len(fake)) <= k:
        raise ValueError(f"Got {len(real)} real and {len(fake)} generated features; k={k} needs more than {k} of each.")
    real, fake = centred(real, fake)
    return float(covered(fake, real, k, chunk).mean()), float(covered(real, fake, k, chunk).mean())


def centred(real: Float[ArrayLike, "m d"], fake: Float[ArrayLike, "n d"]) -> tuple[Array, Array]:
    """Take the mean of the real ones from both: distances come from products, in whose difference an offset is lost."""
    real, fake = jnp.asarray(real, jnp.float32), jnp.asarray(fake, jnp.float32)
    centre = real.mean(0)
    return real - centre, fake - centre


def covered(
    points: Float[Array, "n d"], members: Float[Array, "m d"], k: int, chunk: int = 1024
) -> Bool[np.ndarray, " n"]:
    """Tell of every point whether it lies in the ball of at least one member."""
    reach = radii(members, k, chunk)
    return np.concatenate([within(points[i : i + chunk], members, reach) for i in range(0, len(points), chunk)])


def radii(members: Float[Array, "m d"], k: int, chunk: int = 1024) -> Float[Array, " m"]:
    """Return each member's squared distance to its k-th neighbour among the members."""
    return jnp.concatenate([kth_neighbour(members[i : i + chunk], members, k) for i in range(0, len(members), chunk)])


def squared_distances(a: Float[Array, "m d"], b: Float[Array, "n d"]) -> Float[Array, "m n"]:
    product = jnp.matmul(a, b.T, precision=jax.lax.Precision.HIGHEST)
    return jnp.square(a).sum(1)[:, None] + jnp.square(b).sum(1)[None] - 2 * product


@partial(jax.jit, static_argnames="k")
def kth_neighbour(part: Float[Array, "p d"], members: Float[Array, "m d"], k: int) -> Float[Array, " p"]:
    # The nearest member is the point itself, at distance 0.
    return -jax.lax.top_k(-squared_distances(part, members), k + 1)[0][:, k]


@jax.jit
def within(points: Float[Array, "p d"], members: Float[Array, "m d"], radii: Float[Array, " m"]):
    return (squared_distances(points, members) <= radii).any(1)
