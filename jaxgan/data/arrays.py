"""Images in NumPy's files and in MNIST's idx files."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from jaxgan.data.sources import one_hot
from jaxgan.data.transforms import recolor

Read = Callable[[Path], tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]]  # images, labels, names of the labels
_EDGE = 1 << 20  # bytes hashed at either end of a file


class Arrays:
    """Hold images that stand in one array; worker processes read the file again.

    Args:
        path: the file.
        read: how to read it: `read_npz`, `read_npy` or `read_idx`.
        channels: 1, 3, or None: 1 for arrays of 1 or 2 channels (grey, alpha), 3 for those of 3 or 4 (RGB, alpha).
    """

    def __init__(self, path: Path, read: Read, channels: int | None = None):
        self.path, self.read, self.name = path, read, path.name
        self._open()
        self.channels = channels or (1 if self.images.shape[-1] < 3 else 3)
        self.resolution = min(self.images.shape[1:3])
        self.label_size = 0 if self.labels is None else self.labels.shape[1]
        self.fingerprint = _fingerprint(path)

    def _open(self) -> None:
        try:
            images, labels, self.label_names = self.read(self.path)
        except (OSError, EOFError, zlib.error, ValueError) as error:
            raise ValueError(f"{self.name} cannot be used: {' '.join(str(error).split())}") from None
        self.images = _checked(images, self.name)
        if labels is not None and len(labels) != len(images):
            raise ValueError(f"{self.name} has {len(images)} images and {len(labels)} labels")
        self.labels = None if labels is None else _columns(labels, self.name)

    def __getstate__(self) -> dict:
        return {name: value for name, value in self.__dict__.items() if name not in ("images", "labels")}

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        self._open()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        item = {"image": recolor(np.asarray(self.images[index]), self.channels)}
        return item if self.labels is None else item | {"label": self.labels[index]}


def read_npz(path: Path) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]:
    """Read `images` with `labels` or `factors` (and `factor_names`)."""
    with np.load(path, allow_pickle=False) as file:
        if "images" not in file:
            raise ValueError(f"no array 'images' in it, only {', '.join(sorted(file)) or 'nothing'}")
        labels = next((name for name in ("labels", "factors") if name in file), None)
        names = tuple(map(str, file["factor_names"])) if labels == "factors" and "factor_names" in file else ()
        return file["images"], file[labels] if labels else None, names


def read_npy(path: Path) -> tuple[np.ndarray, None, tuple[str, ...]]:
    """Map one array of images, leaving it on disk."""
    return np.load(path, mmap_mode="r", allow_pickle=False), None, ()


def read_idx(path: Path) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]:
    """Read an idx file of images, and the labels beside it (images -> labels, idx3 -> idx1, with or without .gz)."""
    beside = path.name.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1")
    stem = beside.removesuffix(".gz")
    found = [path.with_name(name) for name in (beside, stem, stem + ".gz") if name != path.name]
    labels = next((_idx(file) for file in found if file.exists()), None)
    return _idx(path), labels, ()


def _idx(path: Path) -> np.ndarray:
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] != 8:
        raise ValueError(f"{path.name} is not an idx file of bytes (it should begin with 00 00 08)")
    sizes = np.frombuffer(data, ">u4", count=data[3], offset=4).astype(np.int64)
    body = np.frombuffer(data, np.uint8, offset=4 + 4 * data[3])
    if len(body) != sizes.prod():
        raise ValueError(f"{path.name} says {' x '.join(map(str, sizes))} bytes, {len(body)} are there")
    return body.reshape(sizes)


def _checked(images: np.ndarray, name: str) -> np.ndarray:
    shape = list(images.shape)
    if images.dtype != np.uint8:
        raise ValueError(f"images of {name} are {images.dtype}, need uint8 0..255")
    if images.ndim == 3:
        return images[..., None]
    if images.ndim != 4 or not len(images) or not 1 <= shape[-1] <= 4:
        hint = "; channels come last" if images.ndim == 4 and shape[1] in (1, 3, 4) else ""
        raise ValueError(f"images of {name} are {shape}, need [N, H, W] or [N, H, W, 1..4]{hint}")
    return images


def _columns(labels: np.ndarray, name: str) -> np.ndarray:
    if labels.ndim == 1 and labels.dtype.kind in "iu" and (not len(labels) or labels.min() >= 0):
        return one_hot(labels, 1 + int(labels.max(initial=0)))
    if labels.ndim == 2 and labels.dtype.kind in "iuf":
        return labels.astype(np.float32)
    raise ValueError(
        f"labels of {name} are {labels.dtype} {list(labels.shape)}, need whole numbers [N] or numbers [N, c]"
    )


def _fingerprint(path: Path) -> str:
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with open(path, "rb") as file:
        digest.update(file.read(_EDGE))
        file.seek(max(0, size - _EDGE))
        digest.update(file.read(_EDGE))
    return digest.hexdigest()
