"""One call from a `--data` word to a random-access sequence of images."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

TENTH = 10
FORMS = (
    "a folder, a .zip, a .npz or .npy, an idx file, tfds:NAME[:SPLIT], scenes[:RESOLUTION][:heldout] or "
    "blank[:RESOLUTION]"
)


@runtime_checkable
class Source(Protocol):
    """A random-access sequence of images: what `batches` reads.

    Item i is `{"image": uint8 [H, W, channels], "label": float32 [label_size]}`, without "label" where label_size is 0;
    an item that cannot be decoded raises `transforms.Unreadable`. Sources can be pickled, for worker processes. One
    whose labels speak of left and right has `mirrored_label(label)` too.
    """

    @property
    def name(self) -> str: ...
    @property
    def resolution(self) -> int | None: ...  # the shorter side, where all images share it
    @property
    def channels(self) -> int: ...  # 1 or 3
    @property
    def label_size(self) -> int: ...
    @property
    def label_names(self) -> tuple[str, ...]: ...  # one a column of the label; empty where unnamed
    @property
    def fingerprint(self) -> str: ...  # changes when the content does
    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> dict[str, np.ndarray]: ...


def source(
    spec: str | Path,
    labels: str = "auto",
    channels: int | None = None,
    data_dir: str | Path | None = None,
    download: bool = True,
) -> Source:
    """Open a data set by one word.

    - `folder` or `folder.zip`: every image in it at any depth, in the order of the names. Labels come from NVIDIA's
      `dataset.json` where there is one (whole numbers become one-hot), else from the names of the folders that hold the
      images. `file.zip:part` and `folder:part` are only what lies under `part/`.
    - `arrays.npz`, `images.npy`: array `images`, uint8 [N, H, W] or [N, H, W, C]; `labels` [N] (one-hot) or [N, c], or
      `factors` [N, c] with `factor_names`.
      `arrays.npz:heldout` is a tenth of the images, scattered, and `arrays.npz:train` are the others.
    - `train-images-idx3-ubyte[.gz]`: MNIST's format; the labels file beside it is found by its name.
    - `tfds:NAME[:SPLIT]`: TensorFlow Datasets, without TensorFlow; SPLIT in its own language, `train[:90%]`.
    - `scenes[:RESOLUTION][:heldout]`: the embedded renderer, labels are the factors (`jaxgan.data.scenes`).
    - `blank[:RESOLUTION]`: grey images, for a game that looks at none, such as that of a mapper.

    Args:
        spec: one of the words above.
        labels: "auto" as above, "none" for no labels.
        channels: 1 for grey or 3 for RGB; by default 1 where every image looked at is grey.
        data_dir: where TensorFlow Datasets keeps its files; its own default where None.
        download: whether TensorFlow Datasets may download and prepare what is not there yet.

    Returns:
        The source.

    Raises:
        FileNotFoundError: nothing has that name.
        ValueError: there is something, but no images that can be used; the message says what and what is allowed.
    """
    spec = str(spec)
    if labels not in ("auto", "none"):
        raise ValueError(f"labels is {labels!r}, allowed are 'auto' and 'none'")
    if channels not in (None, 1, 3):
        raise ValueError(f"channels is {channels!r}, allowed are 1 (grey), 3 (RGB) or None (look at the images)")
    found = _open(spec, channels, data_dir, download)
    return Unlabelled(found) if labels == "none" and found.label_size else found


def _open(spec: str, channels: int | None, data_dir: str | Path | None, download: bool) -> Source:
    word, _, rest = spec.partition(":")
    if word == "scenes" and not Path(spec).exists():
        return _scenes(spec, rest)
    if word == "blank" and not Path(spec).exists():
        return Blank(int(rest) if rest.isdecimal() else 64, channels or 3)
    if word == "tfds":
        from jaxgan.data.records import Records

        return Records(rest, channels, data_dir, download)
    path, part = Path(spec).expanduser(), ""
    if not path.exists() and ":" in spec:
        head, _, part = spec.rpartition(":")
        path = Path(head).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"no data at {spec!r}{_nearest(path)}: allowed are {FORMS}")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if path.is_dir() or suffixes[-1:] == [".zip"]:
        from jaxgan.data.files import Files

        return Files(path, part, channels)
    if part not in ("", "train", "heldout"):
        hint = nearest(part, ("train", "heldout"))
        raise ValueError(f"{path.name} has no part {part!r}{hint}: arrays have the parts train and heldout")
    from jaxgan.data.arrays import Arrays, read_idx, read_npy, read_npz

    if suffixes[-1:] == [".npz"]:
        found = Arrays(path, read_npz, channels)
    elif suffixes[-1:] == [".npy"]:
        found = Arrays(path, read_npy, channels)
    elif "idx" in path.name or "ubyte" in path.name:
        found = Arrays(path, read_idx, channels)
    else:
        raise ValueError(f"{path.name} is no data set: allowed are {FORMS}")
    return Part(found, part) if part else found


class Part:
    """A tenth of a source, "heldout", or the other nine, "train"; the tenth is the same at each call and scattered."""

    def __init__(self, source: Source, part: str):
        order = np.random.default_rng(0).permutation(len(source))
        held = len(source) // TENTH
        if not held:
            raise ValueError(f"{source.name} has {len(source)} images, of which a tenth is none")
        self.source, self.rows = source, np.sort(order[:held] if part == "heldout" else order[held:])
        self.name, self.fingerprint = f"{source.name}:{part}", f"{source.fingerprint}:{part}"
        self.resolution, self.channels = source.resolution, source.channels
        self.label_size, self.label_names = source.label_size, source.label_names

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        return self.source[int(self.rows[index])]


class Blank:
    """Grey images, as many as it takes: a game that looks at none counts its steps by them."""

    label_size, label_names = 0, ()

    def __init__(self, resolution: int, channels: int):
        self.resolution, self.channels = resolution, channels
        self.name = self.fingerprint = f"blank:{resolution}"

    def __len__(self) -> int:
        return 1024

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        return {"image": np.full((self.resolution, self.resolution, self.channels), 128, np.uint8)}


class Unlabelled:
    """A source with its labels left out."""

    def __init__(self, source: Source):
        self.source = source
        self.name, self.resolution, self.channels = source.name, source.resolution, source.channels
        self.label_size, self.label_names, self.fingerprint = 0, (), source.fingerprint

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        return {"image": self.source[index]["image"]}


def one_hot(classes: np.ndarray | Sequence[int], size: int) -> np.ndarray:
    """Turn whole numbers [N] into float32 [N, size]."""
    return np.eye(size, dtype=np.float32)[np.asarray(classes, np.int64)]


def nearest(word: str, allowed: Sequence[str]) -> str:
    """Say `; did you mean 'x'` where one of the allowed words is near, else nothing."""
    close = get_close_matches(word, allowed, n=1)
    return f"; did you mean {close[0]!r}" if close else ""


def _nearest(path: Path) -> str:
    parent = path.parent
    return nearest(path.name, sorted(entry.name for entry in parent.iterdir())) if parent.is_dir() else ""


def _scenes(spec: str, rest: str) -> Source:
    from jaxgan.data.scenes import Scenes

    words = [word for word in rest.split(":") if word]
    numbers = [int(word) for word in words if word.isdecimal()]
    splits = [word for word in words if not word.isdecimal()]
    unknown = [word for word in splits if word not in ("train", "heldout")]
    if unknown or len(numbers) > 1 or len(splits) > 1:
        hint = nearest(unknown[0], ("train", "heldout")) if unknown else ""
        raise ValueError(f"{spec!r}{hint or ' is not understood'}: allowed is scenes[:RESOLUTION][:train|heldout]")
    return Scenes(*numbers, split=splits[0] if splits else "train")
