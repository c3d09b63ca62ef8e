"""Kernel distance between two sets of images: unbiased also for few images."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


@jax.jit
def kernel_distance(a: Float[Array, "m d"], b: Float[Array, "n d"]) -> Float[Array, ""]:
    """Return the squared maximum mean discrepancy of two sets of features, unbiased: 0 on average for equal laws.

        k(x, y) = (x.y / d + 1)^3
        mean_{i != j} k(a_i, a_j) + mean_{i != j} k(b_i, b_j) - 2 mean_{ij} k(a_i, b_j)

    Args:
        a: Features of one set [M, D], M >= 2.
        b: Features of the other [N, D], N >= 2.

    Source: Binkowski et al., "Demystifying MMD GANs", 2018, section 4. The whole sets enter at once; the paper
    averages over random subsets of 1,000 to bound memory.
    """
    if min(len(a), len(b)) < 2:
        raise ValueError(f"Got {len(a)} and {len(b)} features; an unbiased estimate needs 2 of each.")

    def kernel(x, y):
        return (jnp.matmul(x, y.T, precision=jax.lax.Precision.HIGHEST) / x.shape[1] + 1) ** 3

    def within(x):
        # Without the diagonal, which holds each member's similarity to itself.
        off = 1 - jnp.eye(len(x))
        return (kernel(x, x) * off).sum() / (len(x) * (len(x) - 1))

    return within(a) + within(b) - 2 * kernel(a, b).mean()
