"""Files in and out: models, images, films."""

from jaxgan.io.files import bundled, describe, load, save
from jaxgan.io.images import grid, read_images, save_grid, save_image
from jaxgan.io.records import UnreadableFile
from jaxgan.io.video import save_video

__all__ = [
    "UnreadableFile",
    "bundled",
    "describe",
    "grid",
    "load",
    "read_images",
    "save",
    "save_grid",
    "save_image",
    "save_video",
]
