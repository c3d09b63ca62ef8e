"""Layers that families are made of."""

from jaxgan.nn import equalized, mapping, modulated, normalize, plain, taps

__all__ = ["equalized", "mapping", "modulated", "normalize", "plain", "taps"]
