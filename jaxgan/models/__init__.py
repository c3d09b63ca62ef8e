"""Generator families, one file each: stages, discriminator, presets."""

from jaxgan.models import biggan, dcgan, gan, pggan, stylegan1, stylegan2, stylegan3

FAMILIES = {m.NAME: m for m in (biggan, dcgan, gan, pggan, stylegan1, stylegan2, stylegan3)}

__all__ = ["FAMILIES", "biggan", "dcgan", "gan", "pggan", "stylegan1", "stylegan2", "stylegan3"]
