"""Papers as compositions: each function returns an inverter, put together from the parts of this package."""

from jaxgan.inversion.papers.bdinvert import bdinvert
from jaxgan.inversion.papers.idinvert import idinvert, stylegan_encoder
from jaxgan.inversion.papers.image2stylegan import image2stylegan, image2stylegan_pp
from jaxgan.inversion.papers.mganprior import mganprior
from jaxgan.inversion.papers.population import ii2s, soat
from jaxgan.inversion.papers.projector import projector, pti
from jaxgan.inversion.papers.styleclip import styleclip

__all__ = [
    "bdinvert",
    "idinvert",
    "ii2s",
    "image2stylegan",
    "image2stylegan_pp",
    "mganprior",
    "projector",
    "pti",
    "soat",
    "styleclip",
    "stylegan_encoder",
]
