"""What a feature network sees in a data set, kept on the disk under a hash of all that it depends on."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxgan.core.moments import Moments
from jaxgan.core.network import Network
from jaxgan.data import Source, batches
from jaxgan.metrics.stream import Features, Seen, observe

VERSION = 1  # of what is computed: counts up when files kept before must not be read again
FIELDS = ("count", "mean", "m2", "mean_low", "m2_low")


def seen_reals(
    source: Source,
    n: int,
    resolution: int,
    features: Features,
    *,
    batch: int = 32,
    mirror: bool = False,
    keep: bool = True,
    cache: str | Path | None = None,
    devices: Sequence[Any] | None = None,
    tick: Callable[[int], None] | None = None,
) -> Seen:
    """Return what a feature network sees in n images of a data set, each taken once, in an order that stays the same.

    Args:
        source: Data set, as of `jaxgan.data.source`.
        n: How many images; at most as many as there are, or twice as many with `mirror`.
        resolution: Side they are brought to.
        features: The feature network.
        batch: Images at a time.
        mirror: The data are doubled by their mirror images.
        keep: The vectors are wanted, not the moments alone.
        cache: Folder where the result is kept. A file there is named by a hash of the data's content, the network with
            every weight, and all of the above; it is written whole or not at all. None keeps nothing; nor is anything
            kept of features that are a plain function, which has no content to hash.
        devices: As in `stream.observe`.
        tick: Called with the number of images after each batch, once with n if the result was there.
    """
    n = min(n, len(source) * (2 if mirror else 1))
    path = None
    if cache is not None and isinstance(features, Network):
        path = Path(cache) / f"{name_of(source, n, resolution, mirror, features)}.npz"
        found = read(path, keep)
        if found is not None:
            if tick:
                tick(n)
            return found
    labels: list[np.ndarray] = []
    images = taken(source, n, resolution, batch, mirror, labels)
    seen = observe(images, features, keep=keep, devices=devices, tick=tick)
    seen = seen._replace(labels=np.concatenate(labels) if labels else None)
    if path is not None:
        write(path, seen)
    return seen


def taken(
    source: Source, n: int, resolution: int, batch: int, mirror: bool, labels: list[np.ndarray]
) -> Iterator[np.ndarray]:
    """Yield n images in batches; put their labels, where there are any, into the list."""
    stream = batches(source, min(batch, n), 0, resolution=resolution, mirror=mirror, cache=False)
    for i, item in enumerate(islice(stream, -(-n // min(batch, n)))):
        rows = n - i * min(batch, n)
        if "label" in item:
            labels.append(item["label"][:rows])
        yield item["image"][:rows]


def name_of(source: Source, n: int, resolution: int, mirror: bool, features: Network) -> str:
    """Return the sha256 of everything that the result depends on."""
    said = (VERSION, source.fingerprint, source.channels, source.label_size, n, resolution, mirror)
    digest = hashlib.sha256(repr((*said, features.name, features.config, features.module)).encode())
    for path, leaf in jax.tree_util.tree_leaves_with_path((features.params, features.buffers)):
        array = np.asarray(leaf)
        digest.update(f"{jax.tree_util.keystr(path)} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def read(path: Path, keep: bool) -> Seen | None:
    """Read what was kept; None if nothing was, not enough, or the file is damaged."""
    try:
        # Opened here, because np.load leaves a damaged file open.
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            if keep and "vectors" not in file:
                return None
            moments = Moments(*(file[name] for name in FIELDS))
            return Seen(moments, *(file.get(name) for name in ("vectors", "labels")))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def write(path: Path, seen: Seen) -> None:
    """Write what was seen, whole or not at all."""
    arrays: dict[str, Any] = {name: np.asarray(getattr(seen.moments, name)) for name in FIELDS}
    arrays |= {n: a for n, a in (("vectors", seen.vectors), ("labels", seen.labels)) if a is not None}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.{os.getpid()}.part.npz")
    try:
        np.savez(part, **arrays)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
