"""Layers that families are made of."""

from jaxgan.nn import equalized, growing, mapping, modulated, normalize, plain, taps

__all__ = ["equalized", "growing", "mapping", "modulated", "normalize", "plain", "taps"]
