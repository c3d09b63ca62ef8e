"""Streaming mean and covariance: a monoid that PCA, whitening and Fréchet distances share."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float, Int


@struct.dataclass
class Moments:
    """Hold the count, the mean and the sum of centred products of vectors seen so far.

    Mean and products are unevaluated sums of two float32 numbers, so that neither a large common offset nor many
    small batches cost accuracy: what remains is the rounding of one batch's product of matrices.

    Args:
        count: Number of vectors.
        mean: Mean [D].
        m2: Sum of (x - mean)(x - mean)^T, [D, D].
        mean_low: What rounding took from `mean`.
        m2_low: What rounding took from `m2`.
    """

    count: Int[Array, ""]
    mean: Float[Array, " d"]
    m2: Float[Array, "d d"]
    mean_low: Float[Array, " d"]
    m2_low: Float[Array, "d d"]


def empty(d: int) -> Moments:
    """Return the moments of no vectors of d entries: the neutral element of `merge`."""
    vector, matrix = jnp.zeros(d), jnp.zeros((d, d))
    return Moments(jnp.zeros((), jnp.int32), vector, matrix, vector, matrix)


def of(x: Float[Array, "n d"], mask: Float[Array, " n"] | None = None) -> Moments:
    """Return the moments of one batch; the merge of batches' moments is the moments of all.

    Args:
        x: Vectors [N, D].
        mask: 1 for the rows that count, 0 for padding, [N]; all count when None.
    """
    x = jnp.asarray(x, jnp.float32)
    weight = jnp.ones(x.shape[0]) if mask is None else jnp.asarray(mask, jnp.float32)
    count = weight.sum()
    safe = jnp.maximum(count, 1)
    # Any vector near the mean serves as the origin; differences from it carry no large offset.
    origin = jnp.where(count > 0, x[jnp.argmax(weight)], 0.0)
    # A padded row may hold anything, NaN too.
    shifted = jnp.where(weight[:, None] > 0, x - origin, 0.0)
    rest = shifted.sum(0) / safe
    centred = jnp.where(weight[:, None] > 0, shifted - rest, 0.0)
    slip = centred.sum(0) / safe
    m2 = jnp.einsum("ni,nj->ij", centred, centred, precision=jax.lax.Precision.HIGHEST)
    mean, low = two_sum(origin, rest)
    mean, low = two_sum(mean, low + slip)
    return Moments(count.astype(jnp.int32), mean, m2 - count * jnp.outer(slip, slip), low, jnp.zeros_like(m2))


def merge(a: Moments, b: Moments) -> Moments:
    """Return the moments of both sets of vectors together.

        n = n_a + n_b,   delta = mean_b - mean_a
        mean = mean_a + delta n_b / n,   m2 = m2_a + m2_b + delta delta^T n_a n_b / n

    Source: Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances",
    1979, eq. 2.1; sums are compensated here.
    """
    count = a.count + b.count
    total = jnp.maximum(count, 1).astype(jnp.float32)
    delta = (b.mean - a.mean) + (b.mean_low - a.mean_low)
    # The weights divide last: a product would be contracted with the addition inside `two_sum` on some backends, and
    # then the sum and its error see different digits.
    high, low = two_sum(a.mean, delta * b.count / total)
    mean = jnp.where(a.count == 0, b.mean, high)
    mean_low = jnp.where(a.count == 0, b.mean_low, low + a.mean_low)
    mean, mean_low = two_sum(mean, mean_low)
    m2, rest = two_sum(a.m2, b.m2)
    m2, more = two_sum(m2, jnp.outer(delta, delta) * (a.count.astype(jnp.float32) * b.count) / total)
    m2, m2_low = two_sum(m2, rest + more + a.m2_low + b.m2_low)
    return Moments(count, mean, m2, mean_low, m2_low)


def update(m: Moments, x: Float[Array, "n d"], mask: Float[Array, " n"] | None = None) -> Moments:
    """Return the moments with a batch of vectors [N, D] added; rows where `mask` is 0 are padding."""
    return merge(m, of(x, mask))


def covariance(m: Moments) -> Float[Array, "d d"]:
    """Return the unbiased covariance m2 / (count - 1), [D, D]; of one vector or none, zeros."""
    return (m.m2 + m.m2_low) / jnp.maximum(m.count - 1, 1)


def two_sum(a: Float[Array, "*s"], b: Float[Array, "*s"]) -> tuple[Float[Array, "*s"], Float[Array, "*s"]]:
    """Add and return the rounded sum with its rounding error: a + b = sum + error exactly.

    Source: Knuth, The Art of Computer Programming, volume 2, theorem 4.2.2B.
    """
    total = a + b
    other = total - a
    return total, (a - (total - other)) + (b - other)
