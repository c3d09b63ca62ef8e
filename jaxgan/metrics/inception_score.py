"""Inception score: generated images should each look like one class, and together like all of them."""

from __future__ import annotations

import numpy as np
from jaxtyping import ArrayLike, Float

from jaxgan.metrics.bootstrap import draws


def inception_score(logits: Float[ArrayLike, "n c"], splits: int = 10) -> tuple[float, float]:
    """Return the Inception score's mean and standard deviation over splits of the set, as it is published.

        exp(mean_n KL(p_n || mean_n p_n)),   p = softmax(logits)

    Args:
        logits: Class scores of generated images [N, C], in the order they were drawn.
        splits: Equal parts that are scored alone; a score grows with the size of a part.

    Returns:
        Mean and population standard deviation over the splits. Between 1 and C.

    Raises:
        ValueError: If there are fewer images than splits.

    Source: Salimans et al., "Improved Techniques for Training GANs", 2016, section 4, with 10 splits of 50,000 images.
    """
    scores = [split_score(p) for p in np.array_split(checked(logits, splits), splits)]
    return float(np.mean(scores)), float(np.std(scores))


def score_error(logits: Float[ArrayLike, "n c"], splits: int, replicates: int, rng: np.random.Generator) -> float:
    """Return the standard error of the mean over splits, by drawing each split's images with replacement."""
    parts = np.array_split(checked(logits, splits), splits)
    again = [[split_score(p, counts) for counts in draws(rng, len(p), replicates)] for p in parts]
    return float(np.std(np.mean(again, 0), ddof=1))


def checked(logits: Float[ArrayLike, "n c"], splits: int) -> Float[np.ndarray, "n c"]:
    """Return log probabilities [N, C] in float64."""
    logits = np.asarray(logits, np.float64)
    if len(logits) < splits:
        raise ValueError(f"Got {len(logits)} images for {splits} splits; give at least one for each.")
    logits = logits - logits.max(1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(1, keepdims=True))


def split_score(log_p: Float[np.ndarray, "n c"], counts: Float[np.ndarray, " n"] | None = None) -> float:
    """Return exp of the mean divergence from the mean, each image counted so often."""
    weights = np.full(len(log_p), 1 / len(log_p)) if counts is None else counts / counts.sum()
    p = np.exp(log_p)
    mean = weights @ p
    entropy = (p * log_p).sum(1) @ weights
    return float(np.exp(entropy - (mean * np.log(np.maximum(mean, 1e-300))).sum()))
