"""Images in: sources by one word, decoding, the embedded scenes, and batches that resume by step."""

from jaxgan.data.batches import batches
from jaxgan.data.scenes import FACTOR_NAMES, FACTOR_RANGES, SHAPES, Scenes, factors_at, render
from jaxgan.data.sources import Source, source
from jaxgan.data.transforms import Unreadable, fit, to_float, to_uint8

__all__ = [
    "FACTOR_NAMES",
    "FACTOR_RANGES",
    "SHAPES",
    "Scenes",
    "Source",
    "Unreadable",
    "batches",
    "factors_at",
    "fit",
    "render",
    "source",
    "to_float",
    "to_uint8",
]
