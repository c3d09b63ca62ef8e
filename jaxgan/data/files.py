"""Image files in a folder or a zip."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import zipfile
from io import BytesIO
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from jaxgan.data.sources import nearest, one_hot
from jaxgan.data.transforms import Unreadable, pixels

# fmt: off
EXTENSIONS = frozenset((
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm",
    ".tga", ".avif", ".jp2",
))
# fmt: on
_LOOKED_AT = 64  # files whose headers decide size and channels
_GREY_MODES = frozenset(("1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L"))


class Files:
    """Hold the images of a folder or zip, at any depth, in the order of their names.

    Args:
        path: the folder or zip.
        part: only what lies under this folder inside it; "" for all.
        channels: 1, 3, or None: 1 where all of up to 64 evenly spaced files are grey, else 3.
    """

    def __init__(self, path: Path, part: str = "", channels: int | None = None):
        self.store = _Folder(path) if path.is_dir() else _Zip(path)
        self.name = path.name + (f":{part}" if part else "")
        listing = self.store.listing()  # name -> what identifies its content
        prefix = part.strip("/") + "/" if part.strip("/") else ""
        self.files = sorted(name for name in listing if name.startswith(prefix) and _is_image(name))
        if not self.files:
            raise ValueError(_nothing_here(self.name, part, listing))
        self.labels, self.label_names = self._read_labels(set(listing))
        self.label_size = 0 if self.labels is None else self.labels.shape[1]
        self.channels, self.resolution = self._look(channels)
        digest = hashlib.sha256(repr([(name, listing[name]) for name in self.files]).encode())
        digest.update(b"" if self.labels is None else self.labels.tobytes())
        self.fingerprint = digest.hexdigest()

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        name = self.files[index]
        try:
            with _opened(self.store.read(name)) as image:
                item = {"image": pixels(image, self.channels)}
        except Exception as error:  # decoders of broken files raise anything: OSError, SyntaxError, struct.error, ...
            reason = " ".join(str(error).split()) or type(error).__name__
            raise Unreadable(f"{name} of {self.name}: {reason}") from error
        return item if self.labels is None else item | {"label": self.labels[index]}

    def _look(self, channels: int | None) -> tuple[int, int | None]:
        steps = np.linspace(0, len(self.files) - 1, min(len(self.files), _LOOKED_AT))
        sides, modes, reason = set(), set(), ""
        for index in np.unique(steps.astype(int)):
            try:
                with _opened(self.store.read(self.files[index])) as image:
                    sides.add(min(image.size))
                    modes.add(image.mode)
            except Exception as error:  # counted where it is decoded
                reason = f"{self.files[index]}: {error}"
        if not modes:
            raise ValueError(f"none of the images of {self.name} can be read: {' '.join(reason.split())}")
        return channels or (1 if modes <= _GREY_MODES else 3), sides.pop() if len(sides) == 1 else None

    def _read_labels(self, listing: set[str]) -> tuple[np.ndarray | None, tuple[str, ...]]:
        if "dataset.json" in listing:
            return self._json_labels(), ()
        folders = [PurePosixPath(name).parent.name for name in self.files]
        classes = sorted(set(folders))
        # NVIDIA's chunk folders (00000, 00001, ...) are no classes, nor is a folder an image.
        chunks = all(len(name) == 5 and name.isdecimal() for name in classes)
        if len(classes) < 2 or "" in classes or chunks or 2 * len(classes) > len(self.files):
            return None, ()
        place = {name: i for i, name in enumerate(classes)}
        return one_hot([place[name] for name in folders], len(classes)), tuple(classes)

    def _json_labels(self) -> np.ndarray | None:
        try:
            found = json.loads(self.store.read("dataset.json"))
            entries = found.get("labels")
            table = None if entries is None else {str(name): label for name, label in entries}
        except (ValueError, TypeError, AttributeError) as error:
            raise ValueError(
                f'dataset.json of {self.name} is not {{"labels": [[name, label], ...]}}: {error}'
            ) from None
        if not table:
            return None
        missing = [name for name in self.files if name not in table]
        if missing:
            raise ValueError(
                f"dataset.json of {self.name} has no label for {len(missing)} images, such as {missing[0]}"
            )
        values = [table[name] for name in self.files]
        if all(isinstance(value, int) and value >= 0 for value in values):
            return one_hot(values, 1 + max(value for value in table.values() if isinstance(value, int)))
        try:
            labels = np.array(values, np.float32)
        except (ValueError, TypeError):
            labels = np.empty(0, np.float32)
        if labels.ndim != 2:
            raise ValueError(f"labels in dataset.json of {self.name} must all be whole numbers or lists of one length")
        return labels


class _Folder:
    def __init__(self, path: Path):
        self.path = path

    def listing(self) -> dict[str, int]:
        found = {}
        for folder, folders, names in os.walk(self.path):
            folders.sort()
            for name in names:
                file = Path(folder, name)
                if file.is_file():
                    found[file.relative_to(self.path).as_posix()] = file.stat().st_size
        return found

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()


class _Zip:
    def __init__(self, path: Path):
        self.path = path
        self._open()

    def _open(self) -> None:
        self.lock = threading.Lock()  # ZipFile counts its readers without one
        try:
            self.file = zipfile.ZipFile(self.path)
        except (zipfile.BadZipFile, OSError) as error:
            raise ValueError(f"{self.path.name} cannot be opened as a zip: {error}") from None

    def __getstate__(self) -> dict:
        return {"path": self.path}

    def __setstate__(self, state: dict) -> None:
        self.path = state["path"]
        self._open()

    def listing(self) -> dict[str, int]:
        return {entry.filename: entry.CRC for entry in self.file.infolist() if not entry.is_dir()}

    def read(self, name: str) -> bytes:
        with self.lock:
            return self.file.read(name)


def _opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


def _is_image(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return path.suffix.lower() in EXTENSIONS and not hidden


def _nothing_here(name: str, part: str, listing: dict) -> str:
    parts = {str(parent) for file in listing for parent in PurePosixPath(file).parents} - {"."}
    if part and part.strip("/") not in parts:
        some = ", ".join(sorted(parts)[:8]) or "none"
        return f"{name}: no part {part!r}{nearest(part, sorted(parts))}; parts are {some}"
    kinds = sorted({PurePosixPath(file).suffix or "no extension" for file in listing})
    holds = f"holds {len(listing)} files ({', '.join(kinds[:5])}) but no images" if listing else "is empty"
    return f"{name} {holds}: images end in {' '.join(sorted(EXTENSIONS))}"
