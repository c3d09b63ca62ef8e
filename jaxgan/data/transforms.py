"""From any image file to uint8 [H, W, C] at a resolution, and between uint8 and [-1, 1]."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageOps

BACKGROUND = 255  # what shows through transparent pixels: white


class Unreadable(ValueError):
    """Tell that one image of a source cannot be decoded; the message names it and says why."""


def to_float(images: UInt8[np.ndarray, ...]) -> Float[np.ndarray, ...]:
    """Map uint8 0..255 to float32 [-1, 1]: x / 127.5 - 1."""
    return np.asarray(images, np.uint8).astype(np.float32) / np.float32(127.5) - np.float32(1)


def to_uint8(images) -> UInt8[np.ndarray, ...]:
    """Map images in [-1, 1] to 8 bits, floor(x * 127.5 + 128), clipped; the inverse of `to_float`.

    Source: the rounding of NVIDIA's generate.py, so that saved images agree with theirs; unlike rounding to even it
    takes ties upwards.
    """
    return np.clip(np.asarray(images, np.float32) * np.float32(127.5) + np.float32(128), 0, 255).astype(np.uint8)


def pixels(image: Image.Image, channels: int = 3) -> UInt8[np.ndarray, "h w c"]:
    """Decode an open picture of any mode to upright grey or RGB.

    EXIF orientation is applied; palettes are looked up; transparency (alpha, or one transparent colour) is composited
    on `BACKGROUND`; 16-bit and float greys are scaled to 8 bits (integers by 257, floats taken as 0..1 or 0..255).

    Args:
        image: an opened Pillow image.
        channels: 1 for grey (ITU-R 601 luma of colours), 3 for RGB.

    Returns:
        uint8 [H, W, channels], at the picture's own size.
    """
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        image = Image.fromarray(_eight_bits(np.asarray(image)))
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, (BACKGROUND, BACKGROUND, BACKGROUND, 255))
        image = Image.alpha_composite(ground, image).convert("RGB")
    array = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    return array[..., None] if channels == 1 else array


def fit(image: UInt8[np.ndarray, "h w c"], resolution: int) -> UInt8[np.ndarray, "r r c"]:
    """Crop the centre square and resize it (Lanczos, antialiased) to [resolution, resolution, C].

    An image that has the size already comes back untouched. An odd remainder is cut at the right or bottom.
    """
    height, width, channels = image.shape
    if (height, width) == (resolution, resolution):
        return image
    left, top, right, bottom = centre_square(height, width)
    side = right - left
    image = np.ascontiguousarray(image[top:bottom, left:right])
    if side == resolution:
        return image
    picture = Image.fromarray(image[..., 0] if channels == 1 else image)
    array = np.asarray(picture.resize((resolution, resolution), Image.Resampling.LANCZOS))
    return array[..., None] if channels == 1 else array


def centre_square(height: int, width: int) -> tuple[int, int, int, int]:
    """Return the largest square in the middle of an image: (left, top, right, bottom)."""
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return left, top, left + side, top + side


def boxed(image: UInt8[np.ndarray, "h w c"], side: int) -> UInt8[np.ndarray, "h2 w2 c"]:
    """Replace cells of `side` x `side` pixels by their means, rounded to the nearest whole number."""
    if side == 1:
        return image
    height, width, channels = image.shape
    cells = image.reshape(height // side, side, width // side, side, channels)
    return np.rint(cells.mean((1, 3), dtype=np.float32)).astype(np.uint8)


def recolor(image: UInt8[np.ndarray, "h w c"], channels: int) -> UInt8[np.ndarray, "h w c2"]:
    """Bring an array of 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA) channels to 1 or 3."""
    if image.shape[-1] == channels:
        return image
    return pixels(Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image), channels)


def mirrored(image: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h w c"]:
    """Flip left and right."""
    return image[:, ::-1]


def _eight_bits(array: np.ndarray) -> np.ndarray:
    """Scale a grey array to uint8: 16-bit integers by 257, floats from 0..1 (or 0..255 where any exceeds 1)."""
    if array.dtype.kind == "f":
        array = np.nan_to_num(array.astype(np.float64))
        return np.rint(np.clip(array * (255 if array.max(initial=0) <= 1 else 1), 0, 255)).astype(np.uint8)
    array = array.astype(np.int64)
    # Pillow opens 16-bit PNG as I;16 or as I: both hold 0..65535.
    return np.rint(np.clip(array, 0, 65535) / 257).astype(np.uint8)
