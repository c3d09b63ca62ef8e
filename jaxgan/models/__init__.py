"""Generator families, one file each: stages, discriminator, presets."""

from jaxgan.models import alae, biggan, dcgan, eigengan, gan, pggan, r3gan, stylegan1, stylegan2, stylegan3

FAMILIES = {m.NAME: m for m in (alae, biggan, dcgan, eigengan, gan, pggan, r3gan, stylegan1, stylegan2, stylegan3)}

__all__ = [
    "FAMILIES",
    "alae",
    "biggan",
    "dcgan",
    "eigengan",
    "gan",
    "pggan",
    "r3gan",
    "stylegan1",
    "stylegan2",
    "stylegan3",
]
