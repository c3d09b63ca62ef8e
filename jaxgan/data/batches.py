"""Shuffled, sharded, resumable batches of a source, on Grain."""

from __future__ import annotations

import logging
import os
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from jaxgan.data.sources import Source
from jaxgan.data.transforms import Unreadable, boxed, fit, mirrored, to_float

CACHE_BYTES = 4 << 30
UNREADABLE_SHARE = 0.01
_THREADS = 8
_AHEAD = 16  # batches kept ready by the read threads

_UNKNOWN, _READY, _BAD = 0, 1, 2
_log = logging.getLogger(__name__)


def batches(
    source: Source,
    batch: int,
    seed: int,
    start: int = 0,
    resolution: int | None = None,
    mirror: bool = False,
    workers: int = 0,
    process_index: int = 0,
    process_count: int = 1,
    cache: bool | int = True,
    skip: int = 0,
    shrink: int = 1,
) -> Iterator[dict[str, np.ndarray]]:
    """Iterate for ever over shuffled batches, from any step on.

    The order is one endless list: every epoch is a new permutation of the data, fixed by `seed`; batch k is the rows
    k * batch .. (k + 1) * batch - 1 of it, and process p has the rows p, p + process_count, ... of every batch. So
    batch k depends on nothing but the arguments above: `start=k` goes on exactly where another run stood, in the
    middle of an epoch, at no cost, with any number of workers. A batch may cross the border of two epochs.

    Images are cropped to their centre square and resized once, and kept in memory as uint8 as far as `cache` allows.
    An image that cannot be decoded is logged by name and count, and its place is taken by the next readable one.

    Args:
        source: what `jaxgan.data.source` returns, or any sequence of the same form.
        batch: images in a step over all processes together.
        seed: fixes the order.
        start: the step of the first batch.
        resolution: pixels a side; the source's own where None.
        mirror: double the data by every image's mirror image (NVIDIA's xflip): an epoch is then 2N images, each once
            as it is and once flipped.
        workers: decoding processes; with 0 a pool of threads decodes, which is faster to start and usually fast enough.
            The processes import the script that starts them, which so needs `if __name__ == "__main__":`.
        process_index: this process's place among `process_count` (`jax.process_index()`).
        process_count: number of processes (`jax.process_count()`), which must divide `batch`.
        cache: True keeps up to `CACHE_BYTES` (4 GiB) of decoded images, a number that many bytes, False none. What
            does not fit is decoded each time. Worker processes share one cache in a temporary file.
        skip: rows of the endless list before the first batch: where a run goes on that had other batches before.
        shrink: take the means of cells of so many pixels a side, after fitting to `resolution`.

    Returns:
        Iterator of `{"image": float32 [batch / process_count, H, W, C] in [-1, 1], "label": float32 [.., c]}`;
        no "label" where the source has none.

    Raises:
        ValueError: at once, if the numbers do not fit together; while iterating, if more than 1 % of the source is
            unreadable.
    """
    resolution = resolution or source.resolution
    if resolution is None:
        raise ValueError(f"the images of {source.name} differ in size; say at which resolution to train")
    if batch < 1 or process_count < 1 or batch % process_count:
        raise ValueError(f"batch is {batch}, need a positive multiple of the {process_count} processes")
    if not 0 <= process_index < process_count:
        raise ValueError(f"process_index is {process_index}, need 0..{process_count - 1}")
    if start < 0 or workers < 0 or skip < 0:
        raise ValueError(f"start is {start}, workers is {workers} and skip is {skip}, none may be negative")
    if shrink < 1 or resolution % shrink:
        raise ValueError(f"shrink is {shrink}, which does not divide the {resolution} pixels")

    import grain

    limit = CACHE_BYTES if cache is True else int(cache)
    store = _Store(source, resolution // shrink, limit, shared=workers > 0)
    pictures = _Pictures(source, resolution, mirror, store, shrink)
    order = grain.MapDataset.source(pictures).shuffle(seed=seed % (1 << 32)).repeat(None)
    order = order[skip + process_index :: process_count].batch(batch // process_count, drop_remainder=True)
    threads = min(_THREADS, 2 * (os.cpu_count() or 1))
    loaded = order[start:].to_iter_dataset(grain.ReadOptions(num_threads=threads, prefetch_buffer_size=_AHEAD))
    if workers:
        from absl import flags

        if not flags.FLAGS.is_parsed():  # Grain's processes hand the flags on, and scripts outside absl.app have none
            flags.FLAGS.mark_as_parsed()
        loaded = loaded.mp_prefetch(grain.MultiprocessingOptions(num_workers=workers, per_worker_buffer_size=2))
    held = [iter(loaded)]
    result = _floats(held)
    weakref.finalize(result, _close, held)  # also at exit, before the modules that Grain's threads need are gone
    return result


def _floats(held: list) -> Iterator[dict[str, np.ndarray]]:
    while held:
        yield _float(next(held[0]))


def _float(item: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    # Copies: what worker processes send lies in shared memory that Grain takes back.
    return {name: to_float(value) if name == "image" else np.array(value) for name, value in item.items()}


def _close(held: list) -> None:
    iterator = held.pop()
    if hasattr(iterator, "close"):
        iterator.close()


class _Pictures:
    """The sequence that Grain reads: fitted uint8 images with their labels, mirror images behind the others."""

    def __init__(self, source: Source, resolution: int, mirror: bool, store: _Store, shrink: int):
        self.source, self.resolution, self.mirror, self.store = source, resolution, mirror, store
        self.shrink = shrink

    def __len__(self) -> int:
        return len(self.source) * (2 if self.mirror else 1)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        flip, index = divmod(int(index), len(self.source))
        for step in range(len(self.source)):
            item = self._read((index + step) % len(self.source))
            if item is not None:
                return self._flipped(item) if flip else item
        raise ValueError(f"no image of {self.source.name} can be read")

    def _flipped(self, item: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        flipped = item | {"image": mirrored(item["image"])}
        mirrored_label = getattr(self.source, "mirrored_label", None)
        if "label" in item and mirrored_label:
            flipped["label"] = mirrored_label(item["label"])
        return flipped

    def _read(self, index: int) -> dict[str, np.ndarray] | None:
        known = self.store.load(index)
        if known is not None or self.store.status[index] == _BAD:
            return known
        try:
            item = dict(self.source[index])
            item["image"] = boxed(fit(item["image"], self.resolution), self.shrink)
        except Unreadable as error:
            self._count(index, str(error))
            return None
        self.store.save(index, item)
        return item

    def _count(self, index: int, reason: str) -> None:
        store, total = self.store, len(self.source)
        store.status[index] = _BAD
        store.reasons.append(reason)
        bad = int((store.status == _BAD).sum())
        _log.warning("skipped %s (unreadable: %d of %d)", reason, bad, total)
        if bad > UNREADABLE_SHARE * total:
            some = "; ".join(store.reasons[-3:])
            raise ValueError(
                f"{bad} of the {total} images of {self.source.name} are unreadable, at most "
                f"{UNREADABLE_SHARE:.0%} may be. Remove or repair them: {some}"
            )


class _Store:
    """Decoded images by index, as many as fit: in memory, or for worker processes in files without a name.

    A file that is deleted while open lives as long as its processes, however they end; the others reach it through
    /proc. Where there is no /proc, every worker process keeps its own status and no images.
    """

    def __init__(self, source: Source, resolution: int, limit: int, shared: bool):
        self.reasons: list[str] = []
        shared_here = shared and Path("/proc/self/fd").exists()
        shape = (resolution, resolution, source.channels)
        kept = 0 if shared and not shared_here else min(len(source), limit // int(np.prod(shape)))
        self.layout = {
            "status": ((len(source),), np.uint8),
            "image": ((kept, *shape), np.uint8),
            "label": ((kept, source.label_size), np.float32),
        }
        self.places = {}
        if shared_here:
            for name, (size, dtype) in self.layout.items():
                self.places[name] = self._nameless_file(int(np.prod(size)) * np.dtype(dtype).itemsize)
        self._map()

    def _nameless_file(self, size: int) -> str:
        number, path = tempfile.mkstemp(prefix="jaxgan-")
        os.unlink(path)
        os.truncate(number, size)
        weakref.finalize(self, os.close, number)
        return f"/proc/{os.getpid()}/fd/{number}"

    def _map(self) -> None:
        self.status, self.image, self.label = (self._array(name) for name in ("status", "image", "label"))

    def _array(self, name: str) -> np.ndarray:
        size, dtype = self.layout[name]
        mapped = name in self.places and np.prod(size)
        return np.memmap(self.places[name], dtype, "r+", shape=size) if mapped else np.zeros(size, dtype)

    def __getstate__(self) -> dict:
        return {"layout": self.layout, "places": self.places}

    def __setstate__(self, state: dict) -> None:
        self.reasons, self.layout, self.places = [], state["layout"], state["places"]
        self._map()

    def load(self, index: int) -> dict[str, np.ndarray] | None:
        if index >= len(self.image) or self.status[index] != _READY:
            return None
        item = {"image": np.asarray(self.image[index])}
        return item | {"label": np.asarray(self.label[index])} if self.label.shape[1] else item

    def save(self, index: int, item: dict[str, np.ndarray]) -> None:
        if index >= len(self.image):
            return
        self.image[index] = item["image"]
        if self.label.shape[1]:
            self.label[index] = item["label"]
        self.status[index] = _READY  # last: whoever sees it finds the rest written
