"""What a classifier says of generated images: do they cover the classes, and is each clearly of one?"""

from __future__ import annotations

import numpy as np
from jaxtyping import ArrayLike, Float


def label_figures(logits: Float[ArrayLike, "n c"], sure: float = 0.9) -> dict[str, float]:
    """Return how evenly the labels are spread and how sure the classifier is of them.

        entropy = -sum_c f_c log f_c,   f the frequencies of the most probable labels
        confident = P(max_c p_c > sure)

    Args:
        logits: Class scores of generated images [N, C].
        sure: Probability from which on a label counts as sure.

    Returns:
        {"label_entropy": in nats, log C at most; "confident": share; "classes": how many labels occur}. Generated
        images should come near the figures of real ones.
    """
    logits = np.asarray(logits, np.float64)
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    frequencies = np.bincount(p.argmax(1), minlength=p.shape[1]) / len(p)
    there = frequencies[frequencies > 0]
    return {
        "label_entropy": float(-(there * np.log(there)).sum()),
        "confident": float((p.max(1) > sure).mean()),
        "classes": len(there),
    }
