"""Layers that families are made of."""

from jaxgan.nn import equalized, mapping, modulated, taps

__all__ = ["equalized", "mapping", "modulated", "taps"]
