"""Files in and out: models, images, films."""

from jaxgan.io.digits import load_lenet
from jaxgan.io.directions import load_directions
from jaxgan.io.dissection import load_report, save_report
from jaxgan.io.effects import load_effects, save_effects
from jaxgan.io.embedders import load_arcface, load_moco
from jaxgan.io.export import export
from jaxgan.io.faces import load_face_scorer
from jaxgan.io.features import frozen, load_inception, load_lpips, load_squeezenet
from jaxgan.io.files import bundled, describe, load, load_parts, save
from jaxgan.io.from_clip import load_clip
from jaxgan.io.images import grid, read_images, read_pictures, save_grid, save_image
from jaxgan.io.records import UnreadableFile
from jaxgan.io.results import load_codes, save_codes
from jaxgan.io.styleclip import load_styleclip
from jaxgan.io.to_biggan import to_biggan
from jaxgan.io.to_nvidia import to_nvidia
from jaxgan.io.to_rosinality import to_rosinality
from jaxgan.io.video import save_video

__all__ = [
    "UnreadableFile",
    "bundled",
    "describe",
    "export",
    "frozen",
    "grid",
    "load",
    "load_arcface",
    "load_clip",
    "load_codes",
    "load_directions",
    "load_effects",
    "load_face_scorer",
    "load_inception",
    "load_lenet",
    "load_lpips",
    "load_moco",
    "load_parts",
    "load_report",
    "load_squeezenet",
    "load_styleclip",
    "read_images",
    "read_pictures",
    "save",
    "save_codes",
    "save_effects",
    "save_grid",
    "save_image",
    "save_report",
    "save_video",
    "to_biggan",
    "to_nvidia",
    "to_rosinality",
]
