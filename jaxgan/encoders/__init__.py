"""Encoders, one paper a file: networks from images to the codes that draw them, for `jaxgan.inversion.encode`."""

from jaxgan.encoders import e4e, flow, ghfeat, guess, idinvert, mapper, psp, restyle
from jaxgan.encoders.sizes import sizes

ENCODERS = {m.NAME: m for m in (e4e, ghfeat, guess, idinvert, psp, restyle)}

__all__ = ["ENCODERS", "e4e", "flow", "ghfeat", "guess", "idinvert", "mapper", "psp", "restyle", "sizes"]
