"""Write torch's zip files without torch: one pickle that names storages, and one entry for each storage's bytes."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from jaxgan.io.atomic import replaced
from jaxgan.io.pickle_writer import Call, Global, PersistentId, dumps, ordered, strides
from jaxgan.io.tensors import STORAGES

ALIGNMENT = 64  # bytes that torch starts each storage at, so that it can be mapped into memory
_STORAGES = {np.dtype(kind): name for name, kind in STORAGES.items() if name != "UntypedStorage"}


def save_torch(path: str | Path, value: Any) -> None:
    """Write nested dicts, lists and tuples of arrays and plain values as `torch.save` does.

    Dicts whose values are arrays become the ordered dictionaries that state dicts are. `torch.load` reads the file
    also with `weights_only=True`.

    Args:
        path: File to write, whole or not at all.
        value: Dicts, lists, tuples, arrays, str, int, float, bool, None.

    Raises:
        TypeError: A value is of another type, or an array's elements have no counterpart in torch.
    """
    storages: list[np.ndarray] = []
    described = dumps(_described(value, storages), protocol=2)
    with replaced(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        _entry(archive, "data.pkl", described)
        _entry(archive, "byteorder", b"little")
        for key, array in enumerate(storages):
            _entry(archive, f"data/{key}", array.tobytes())
        _entry(archive, "version", b"3\n")


def _described(value: Any, storages: list[np.ndarray]) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value, order="C")
        if array.dtype not in _STORAGES:
            raise TypeError(f"an array of {array.dtype} has no place in torch's files")
        kind = Global("torch", _STORAGES[array.dtype])
        storage = PersistentId(("storage", kind, str(len(storages)), "cpu", array.size))
        storages.append(array)
        arguments = (storage, 0, tuple(array.shape), strides(array.shape), False, ordered())
        return Call(Global("torch._utils", "_rebuild_tensor_v2"), arguments)
    if isinstance(value, dict):
        held = {key: _described(item, storages) for key, item in value.items()}
        tensors = bool(value) and all(isinstance(item, np.ndarray) for item in value.values())
        return ordered(held) if tensors else held
    if isinstance(value, (list, tuple)):
        return type(value)(_described(item, storages) for item in value)
    return value


def _entry(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    """Add an entry whose bytes start at a multiple of the alignment."""
    info = zipfile.ZipInfo(f"archive/{name}")
    assert archive.fp is not None
    start = archive.fp.tell() + 30 + len(info.filename) + 4  # the local header, and that of the padding itself
    padding = -start % ALIGNMENT
    info.extra = b"FB" + padding.to_bytes(2, "little") + b"Z" * padding
    archive.writestr(info, data)
