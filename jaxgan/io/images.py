"""Images in and out of the library: files to float32 [N, H, W, C] in [-1, 1] and back."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from jaxgan.data.transforms import centre_square, fit, pixels, to_float, to_uint8
from jaxgan.io.atomic import replaced

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".pgm")


@dataclass(frozen=True)
class Picture:
    """Where an image comes from, and how it was prepared.

    Args:
        name: Its name: relative to the folder that was searched, or the file's own.
        file: Its path.
        size: Its own (width, height), upright.
        mode: Its own mode, by Pillow's names.
        box: Which part was taken: (left, top, right, bottom) in its own pixels.
        resolution: Side of what was made of it.
        channels: Channels of what was made of it.
    """

    name: str
    file: Path
    size: tuple[int, int]
    mode: str
    box: tuple[int, int, int, int]
    resolution: int
    channels: int

    @property
    def change(self) -> str:
        """What had to be done to it, in a few words; empty if nothing."""
        side, done = self.box[2] - self.box[0], []
        if (side, side) != self.size:
            done.append(f"cropped from {self.size[0]}x{self.size[1]} to its centre")
        if side != self.resolution:
            done.append(f"resized from {side} to {self.resolution} pixels")
        if self.mode != ("L" if self.channels == 1 else "RGB"):
            done.append(f"converted from {self.mode} to {'grey' if self.channels == 1 else 'RGB'}")
        return ", ".join(done)


def read_images(
    source: str | Path | Sequence[str | Path], resolution: int, channels: int = 3, strict: bool = False
) -> tuple[Float[np.ndarray, "n h w c"], list[str], list[str]]:
    """Read images of any size and mode, cropped to the centre square and resized.

    Args:
        source: an image file, a folder (searched through, sorted by name), or a list of both.
        resolution: side of the result in pixels.
        channels: 1 for grey, 3 for RGB.
        strict: whether an unreadable file stops everything.

    Returns:
        The images [N, resolution, resolution, channels] in [-1, 1], the name of each, and a note for every file that
        was left out, naming it and why.

    Raises:
        FileNotFoundError: a path does not exist, or nothing there is an image.
        ValueError: no image could be read, or one could not and `strict` is set.
    """
    images, pictures, notes = read_pictures(source, resolution, channels, strict=strict)
    return images, [picture.name for picture in pictures], notes


def read_pictures(
    source: str | Path | Sequence[str | Path],
    resolution: int,
    channels: int = 3,
    *,
    strict: bool = False,
    exact: bool = False,
) -> tuple[Float[np.ndarray, "n h w c"], list[Picture], list[str]]:
    """Read images as `read_images` does, and tell of each how it was prepared.

    Args:
        source, resolution, channels, strict: As there.
        exact: whether an image of another size or mode stops everything instead of being changed.

    Returns:
        The images [N, resolution, resolution, channels] in [-1, 1], a `Picture` for each, and the notes.

    Raises:
        FileNotFoundError, ValueError: As there; one image has another size or mode and `exact` is set.
    """
    files = [file for place in _places(source) for file in _files(place)]
    if not files:
        raise FileNotFoundError(f"no image in {_shown(source)}; files that end in {', '.join(SUFFIXES)} are read")
    images, pictures, notes = [], [], []
    for file, name in files:
        try:
            image, picture = _picture(file, name, resolution, channels)
        except (OSError, ValueError, SyntaxError, MemoryError) as error:  # Pillow raises any of these on damaged files
            note = f"{file}: unreadable ({' '.join(str(error).split())[:120]})"
            if strict:
                raise ValueError(note) from error
            notes.append(note)
            continue
        if exact and picture.change:
            needed = f"{resolution}x{resolution} {'L (grey)' if channels == 1 else 'RGB'}"
            size = f"{picture.size[0]}x{picture.size[1]}"
            raise ValueError(f"{file}: is {size} {picture.mode}, needed is {needed}; it would have to be changed")
        images.append(image)
        pictures.append(picture)
    if not images:
        raise ValueError(f"none of {len(files)} images can be read; the first: {notes[0]}")
    return to_float(np.stack(images)), pictures, notes


def save_image(path: str | Path, image: Float[Any, "h w c"]) -> None:
    """Write one image in [-1, 1] as the format that the suffix names.

    Args:
        path: file to write, such as `face.png`.
        image: [H, W, C] with 1 or 3 channels, in [-1, 1]; values beyond are clipped.
    """
    array = _checked(np.asarray(image)[None])[0]
    _write(Path(path), to_uint8(array))


def grid(images: Float[Any, "n h w c"], columns: int | None = None, fill: float = 1.0) -> Float[np.ndarray, "H W c"]:
    """Lay images out in rows, first row first.

    Args:
        images: [N, H, W, C].
        columns: images in a row; about as many as rows if it is None.
        fill: value of cells that are left over.

    Returns:
        One image [rows * H, columns * W, C].
    """
    images = _checked(np.asarray(images))
    count, height, width, channels = images.shape
    columns = columns if columns is not None else int(np.ceil(np.sqrt(count)))
    if columns < 1:
        raise ValueError(f"columns is {columns}; a row holds at least 1 image")
    rows = -(-count // columns)
    blank = np.full((rows * columns - count, height, width, channels), fill, images.dtype)
    cells = np.concatenate([images, blank]).reshape(rows, columns, height, width, channels)
    return cells.transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, channels)


def save_grid(path: str | Path, images: Float[Any, "n h w c"], columns: int | None = None) -> None:
    """Write images as one picture, `columns` in a row."""
    save_image(path, grid(images, columns))


def _write(path: Path, array: UInt8[np.ndarray, "h w c"]) -> None:
    from PIL import Image

    suffix = path.suffix.lower()
    if suffix not in Image.registered_extensions():
        raise ValueError(f"{path}: '{path.suffix}' names no image format; use .png, .jpg or .webp")
    options: dict[str, Any] = {".jpg": {"quality": 95}, ".jpeg": {"quality": 95}, ".webp": {"quality": 95}}.get(
        suffix, {}
    )
    with replaced(path) as temporary:
        Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array).save(temporary, **options)


def _checked(images: np.ndarray) -> np.ndarray:
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or 0 in images.shape:
        raise ValueError(f"images are [N, H, W, C] with 1 or 3 channels, got the shape {images.shape}")
    return images


def _places(source: str | Path | Sequence[str | Path]) -> list[Path]:
    return [Path(source)] if isinstance(source, (str, Path)) else [Path(place) for place in source]


def _files(place: Path) -> list[tuple[Path, str]]:
    """Each image file with its name: relative to the folder, or the file's own."""
    if place.is_dir():
        found = sorted(file for file in place.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
        return [(file, file.relative_to(place).as_posix()) for file in found]
    if not place.exists():
        raise FileNotFoundError(f"{place}: there is no such file or folder")
    return [(place, place.name)]


def _shown(source: str | Path | Sequence[str | Path]) -> str:
    return ", ".join(map(str, _places(source)))[:200] or "an empty list"


def _picture(file: Path, name: str, resolution: int, channels: int) -> tuple[UInt8[np.ndarray, "r r c"], Picture]:
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(file) as image:
                mode, upright = image.mode, pixels(image, channels)
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise ValueError(f"declares more than {Image.MAX_IMAGE_PIXELS} pixels") from error
    height, width = upright.shape[:2]
    box = centre_square(height, width)
    return fit(upright, resolution), Picture(name, file, (width, height), mode, box, resolution, channels)
