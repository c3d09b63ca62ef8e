"""Figures: how close reconstructions are, and how near generated images are to real ones."""

from jaxgan.metrics.fid import collect, figure_name, frechet, frechet_distance
from jaxgan.metrics.kid import kernel_distance
from jaxgan.metrics.precision_recall import precision_recall
from jaxgan.metrics.reconstruction import mse, psnr, ssim

__all__ = [
    "collect",
    "figure_name",
    "frechet",
    "frechet_distance",
    "kernel_distance",
    "mse",
    "precision_recall",
    "psnr",
    "ssim",
]
