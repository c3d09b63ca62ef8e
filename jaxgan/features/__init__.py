"""Frozen judges: networks that see what images have in common."""

from jaxgan.features import attributes, embed, lpips, segmenter, trunks
from jaxgan.features.factors import factor_probe
from jaxgan.features.inception import inception, random_inception
from jaxgan.features.random import random_features

__all__ = [
    "attributes",
    "embed",
    "factor_probe",
    "inception",
    "lpips",
    "random_features",
    "random_inception",
    "segmenter",
    "trunks",
]
