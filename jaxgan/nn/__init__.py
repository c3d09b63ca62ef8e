"""Layers that families are made of."""

from jaxgan.nn import (
    alias_free,
    attention,
    conditional,
    equalized,
    fields,
    growing,
    mapping,
    modulated,
    normalize,
    plain,
    residual,
    spectral,
    taps,
)

__all__ = [
    "alias_free",
    "attention",
    "conditional",
    "equalized",
    "fields",
    "growing",
    "mapping",
    "modulated",
    "normalize",
    "plain",
    "residual",
    "spectral",
    "taps",
]
