"""Inversion: every inverter is `(Found, images, key) -> (Found, info)`; papers are chains of them."""

from jaxgan.inversion import papers
from jaxgan.inversion.again import again
from jaxgan.inversion.base import Found, Inverter, chain
from jaxgan.inversion.encode import encode
from jaxgan.inversion.merge import crossover, diffusion
from jaxgan.inversion.nearest import nearest
from jaxgan.inversion.refine import refine
from jaxgan.inversion.restyle import restyle
from jaxgan.inversion.tune import tune

__all__ = [
    "Found",
    "Inverter",
    "again",
    "chain",
    "crossover",
    "diffusion",
    "encode",
    "nearest",
    "papers",
    "refine",
    "restyle",
    "tune",
]
