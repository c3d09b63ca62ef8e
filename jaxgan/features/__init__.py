"""Frozen judges: networks that see what images have in common."""

from jaxgan.features import attributes, classifier, clip, embed, embedder, lpips, segmenter, tokens, trunks
from jaxgan.features.factors import factor_probe
from jaxgan.features.inception import inception, random_inception
from jaxgan.features.random import random_features

__all__ = [
    "attributes",
    "classifier",
    "clip",
    "embed",
    "embedder",
    "factor_probe",
    "inception",
    "lpips",
    "random_features",
    "random_inception",
    "segmenter",
    "tokens",
    "trunks",
]
