"""Directions: every finder is `(g, key, k) -> Directions`."""

from jaxgan.directions.boundary import boundary
from jaxgan.directions.hessian import hessian
from jaxgan.directions.higan import Effects, higan, layerwise, rescore
from jaxgan.directions.jacobian import jacobian
from jaxgan.directions.latentclr import latentclr
from jaxgan.directions.local import local_basis
from jaxgan.directions.native import native
from jaxgan.directions.pca import pca
from jaxgan.directions.reconstruct import reconstruct
from jaxgan.directions.sefa import sefa
from jaxgan.directions.stylemc import stylemc
from jaxgan.directions.stylespace import local_channels, stylespace
from jaxgan.directions.text import ChannelEffects, channel_effects, text
from jaxgan.directions.warped import warped
from jaxgan.losses.disentangle import curvature, hessian_penalty, orojar

__all__ = [
    "ChannelEffects",
    "Effects",
    "boundary",
    "channel_effects",
    "curvature",
    "hessian",
    "hessian_penalty",
    "higan",
    "jacobian",
    "latentclr",
    "layerwise",
    "local_basis",
    "local_channels",
    "native",
    "orojar",
    "pca",
    "reconstruct",
    "rescore",
    "sefa",
    "stylemc",
    "stylespace",
    "text",
    "warped",
]
