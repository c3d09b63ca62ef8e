"""Frozen judges: networks that see what images have in common."""

from jaxgan.features import lpips, trunks
from jaxgan.features.factors import factor_probe
from jaxgan.features.random import random_features

__all__ = ["factor_probe", "lpips", "random_features", "trunks"]
