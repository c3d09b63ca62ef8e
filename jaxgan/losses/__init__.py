"""Losses: adversarial ones and penalties for training, objectives for inversion, tuning and encoders."""

from jaxgan.losses import adversarial, degrade, disentangle, penalties
from jaxgan.losses.degrade import observed, where_seen
from jaxgan.losses.features import features
from jaxgan.losses.gram import gram
from jaxgan.losses.identity import identity
from jaxgan.losses.latent import (
    domain,
    gaussian,
    mahalanobis,
    near_features,
    near_mean_w,
    noise_regularisation,
    temporal,
)
from jaxgan.losses.reconstruct import laplacian, lpips, perceptual, pixel, ssim
from jaxgan.losses.text import near, painted, text

__all__ = [
    "adversarial",
    "degrade",
    "disentangle",
    "domain",
    "features",
    "gaussian",
    "gram",
    "identity",
    "laplacian",
    "lpips",
    "mahalanobis",
    "near",
    "near_features",
    "near_mean_w",
    "noise_regularisation",
    "observed",
    "painted",
    "penalties",
    "perceptual",
    "pixel",
    "ssim",
    "temporal",
    "text",
    "where_seen",
]
