"""Layers that families are made of."""

from jaxgan.nn import equalized, mapping, modulated, normalize, taps

__all__ = ["equalized", "mapping", "modulated", "normalize", "taps"]
