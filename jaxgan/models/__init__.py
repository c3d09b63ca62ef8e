"""Generator families, one file each: stages, discriminator, presets."""

from jaxgan.models import stylegan2

FAMILIES = {m.NAME: m for m in (stylegan2,)}

__all__ = ["FAMILIES", "stylegan2"]
