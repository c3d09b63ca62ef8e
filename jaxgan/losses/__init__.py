"""Losses: adversarial ones and penalties for training, objectives for inversion, tuning and encoders."""

from jaxgan.losses import adversarial, penalties
from jaxgan.losses.latent import mahalanobis, near_mean_w, noise_regularisation
from jaxgan.losses.reconstruct import laplacian, lpips, perceptual, pixel, ssim

__all__ = [
    "adversarial",
    "laplacian",
    "lpips",
    "mahalanobis",
    "near_mean_w",
    "noise_regularisation",
    "penalties",
    "perceptual",
    "pixel",
    "ssim",
]
