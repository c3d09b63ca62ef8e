"""Figures: how close reconstructions are, and how near generated images are to real ones."""

from jaxgan.metrics.activeness import Diagonality, activeness, diagonality
from jaxgan.metrics.bounds import Bounds, LeavesPopulation, bounds, leaving
from jaxgan.metrics.density_coverage import density_coverage
from jaxgan.metrics.disentanglement import (
    DCI,
    attribute_dependency,
    confidence_angles,
    dci,
    factor_vae_score,
    mig,
    principal_angles,
    rescoring,
    sap,
    stability,
)
from jaxgan.metrics.editability import charts, consistency, drift, mahalanobis, rows_apart
from jaxgan.metrics.equivariance import decibels, equivariance
from jaxgan.metrics.evaluate import METRICS, Figure, evaluate
from jaxgan.metrics.fid import collect, figure_name, frechet, frechet_distance
from jaxgan.metrics.inception_score import inception_score
from jaxgan.metrics.kid import kernel_distance
from jaxgan.metrics.labels import label_figures
from jaxgan.metrics.linearity import linearity
from jaxgan.metrics.ppl import diversity, path_length, perceptual, trimmed_mean
from jaxgan.metrics.precision_recall import precision_recall
from jaxgan.metrics.reconstruction import identity, mse, psnr, ssim
from jaxgan.metrics.stream import Seen, observe

__all__ = [
    "DCI",
    "METRICS",
    "Bounds",
    "Diagonality",
    "Figure",
    "LeavesPopulation",
    "Seen",
    "activeness",
    "attribute_dependency",
    "bounds",
    "charts",
    "collect",
    "confidence_angles",
    "consistency",
    "dci",
    "decibels",
    "density_coverage",
    "diagonality",
    "diversity",
    "drift",
    "equivariance",
    "evaluate",
    "factor_vae_score",
    "figure_name",
    "frechet",
    "frechet_distance",
    "identity",
    "inception_score",
    "kernel_distance",
    "label_figures",
    "leaving",
    "linearity",
    "mahalanobis",
    "mig",
    "mse",
    "observe",
    "path_length",
    "perceptual",
    "precision_recall",
    "principal_angles",
    "psnr",
    "rescoring",
    "rows_apart",
    "sap",
    "ssim",
    "stability",
    "trimmed_mean",
]
