"""Generator families, one file each: stages, discriminator, presets."""

from jaxgan.models import gan, stylegan2

FAMILIES = {m.NAME: m for m in (gan, stylegan2)}

__all__ = ["FAMILIES", "gan", "stylegan2"]
