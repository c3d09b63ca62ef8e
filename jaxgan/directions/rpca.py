"""Robust principal components: a matrix as the sum of one of low rank and a sparse one."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

WIDE, SPARSITY = 512, 1 / 60  # the published weight, and the width it was published for
TOLERANCE = 1e-7


def rpca(
    matrix: Float[np.ndarray, "d d"], sparsity: float | None = None, steps: int = 10_000
) -> tuple[Float[np.ndarray, "d d"], Float[np.ndarray, "d d"]]:
    """Split a symmetric matrix M = L + S by the alternating direction method of multipliers.

        minimise |L|_* + sparsity |S|_1,    mu = D^2 / (4 |M|_1),    |M|_1 the largest sum of a column's sizes
        L <- shrink the eigenvalues of M - S - Y / mu by 1 / mu
        S <- shrink the entries of M - L - Y / mu by sparsity / mu,    Y <- Y + mu (L + S - M)

    until |L + S - M| <= 1e-7 |M|.

    Args:
        matrix: M.
        sparsity: Weight of the entries; None: 1/60 at D = 512, as published, and as 1 / sqrt(D) elsewhere.
        steps: At most as many.

    Returns:
        L and S.

    Source: Zhu et al., "Low-Rank Subspaces in GANs" (2021), section 3.2, and its code; Candès et al., "Robust
    Principal Component Analysis?" (2011). Different: eigenvalues instead of singular values, M being symmetric.
    """
    matrix = np.asarray(matrix, np.float64)
    length, largest = np.linalg.norm(matrix), np.abs(matrix).sum(0).max()
    sparse, slack, low = np.zeros_like(matrix), np.zeros_like(matrix), np.zeros_like(matrix)
    if length == 0:
        return low, sparse
    weight = SPARSITY * np.sqrt(WIDE / len(matrix)) if sparsity is None else sparsity
    step = 4 * largest / matrix.size  # 1 / mu
    for _ in range(steps):
        values, vectors = np.linalg.eigh(matrix - sparse - step * slack)
        low = (vectors * shrunk(values, step)) @ vectors.T
        sparse = shrunk(matrix - low - step * slack, weight * step)
        rest = low + sparse - matrix
        slack += rest / step
        if np.linalg.norm(rest) <= TOLERANCE * length:
            break
    return low, sparse


def shrunk(x: Float[np.ndarray, "*s"], by: float) -> Float[np.ndarray, "*s"]:
    """Move numbers towards 0, at most onto it."""
    return np.sign(x) * np.maximum(np.abs(x) - by, 0.0)
