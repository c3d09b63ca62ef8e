"""Frozen judges: networks that see what images have in common."""

from jaxgan.features import lpips, trunks
from jaxgan.features.random import random_features

__all__ = ["lpips", "random_features", "trunks"]
