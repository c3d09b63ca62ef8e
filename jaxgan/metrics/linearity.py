"""Linearity: whether images change the same way all along a path."""

from __future__ import annotations

import numpy as np
from jaxtyping import ArrayLike, Float

STILL = 1e-9  # share of the longest step below which a step counts as none


def linearity(features: Float[ArrayLike, "v n e"]) -> Float[np.ndarray, " n"]:
    """Return how straight paths are in the space of image features: the mean cosine of successive steps.

        mean_v cos(f_v+1 - f_v, f_v+2 - f_v+1)

    1 on a straight line at any pace, 0 where every step turns by a right angle, -1 where the path goes to and fro.

    Args:
        features: Features of the images at V strengths in order, V at least 3, of N codes [V, N, E].

    Returns:
        [N]; nan for a code whose image does not change.

    Raises:
        ValueError: If there are fewer than 3 strengths.
    """
    steps = np.diff(np.asarray(features, np.float64), axis=0)
    if steps.ndim != 3 or len(steps) < 2:
        raise ValueError(f"Features have shape {np.shape(features)}; a path is [V, N, E] with at least 3 strengths.")
    length = np.linalg.norm(steps, axis=-1)  # [V - 1, N]
    there = np.minimum(length[:-1], length[1:]) > STILL * length.max(initial=0.0)
    product = np.maximum(length[:-1] * length[1:], np.finfo(float).tiny)
    cosines = np.where(there, (steps[:-1] * steps[1:]).sum(-1) / product, 0.0)
    counts = there.sum(0)
    return np.where(counts > 0, cosines.sum(0) / np.maximum(counts, 1), np.nan)
