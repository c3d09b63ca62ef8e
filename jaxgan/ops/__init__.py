"""Arrays in, arrays out: operations without parameters."""

from jaxgan.ops import (
    activations,
    alias_free,
    color,
    linalg,
    modconv,
    normalize,
    resample,
    similarity,
    strided,
    warp,
    wavelets,
)

__all__ = [
    "activations",
    "alias_free",
    "color",
    "linalg",
    "modconv",
    "normalize",
    "resample",
    "similarity",
    "strided",
    "warp",
    "wavelets",
]
