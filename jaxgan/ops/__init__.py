"""Arrays in, arrays out: operations without parameters."""

from jaxgan.ops import activations, color, modconv, normalize, resample, similarity, strided, warp, wavelets

__all__ = ["activations", "color", "modconv", "normalize", "resample", "similarity", "strided", "warp", "wavelets"]
