"""The library's own file: safetensors, with everything that is not an array as JSON in the header."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from jaxgan.io.atomic import replaced
from jaxgan.io.records import UnreadableFile

FORMAT, VERSION = "jaxgan", 1
_DTYPES = {
    "BOOL": np.dtype(np.bool_),
    "U8": np.dtype(np.uint8),
    "I8": np.dtype(np.int8),
    "U16": np.dtype(np.uint16),
    "I16": np.dtype(np.int16),
    "U32": np.dtype(np.uint32),
    "I32": np.dtype(np.int32),
    "U64": np.dtype(np.uint64),
    "I64": np.dtype(np.int64),
    "F16": np.dtype(np.float16),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "F32": np.dtype(np.float32),
    "F64": np.dtype(np.float64),
    "C64": np.dtype(np.complex64),
}
_CODES = {dtype: code for code, dtype in _DTYPES.items()}


def save_arrays(path: str | Path, arrays: Mapping[str, Any], header: Mapping[str, Any]) -> None:
    """Write named arrays and a header, whole or not at all.

    Args:
        path: file to write; an older one is replaced only when the new one is complete.
        arrays: arrays by name, of any shape; every element type is kept as it is, bfloat16 too.
        header: whatever else is needed to use the arrays, as JSON can hold it.

    Raises:
        TypeError: an array's type has no place in the format, or the header is not JSON.
    """
    held = {name: np.asarray(array) for name, array in arrays.items()}
    for name, array in held.items():
        if array.dtype not in _CODES:
            raise TypeError(f"array '{name}' is {array.dtype}; a file holds {', '.join(d.name for d in _CODES)}")
    try:
        text = json.dumps(dict(header), sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise TypeError(f"the header is not JSON: {error}") from error
    described: dict[str, Any] = {"__metadata__": {"format": FORMAT, "header": text, "version": str(VERSION)}}
    # The widest types first keeps every array aligned; the name makes the order a function of the contents.
    order = sorted(held, key=lambda name: (-held[name].dtype.itemsize, name))
    end = 0
    for name in order:
        array, start, end = held[name], end, end + held[name].nbytes
        described[name] = {"dtype": _CODES[array.dtype], "shape": array.shape, "data_offsets": [start, end]}
    start = json.dumps(described, separators=(",", ":")).encode()
    start += b" " * (-len(start) % 8)
    with replaced(path) as temporary, temporary.open("wb") as file:
        file.write(len(start).to_bytes(8, "little") + start)
        for name in order:
            file.write(held[name].tobytes())


def read_header(path: str | Path) -> dict[str, Any]:
    """Read the header of one of the library's own files; the arrays stay on the disk.

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableFile: the file is damaged, of another kind, or of a later version.
    """
    import safetensors

    path = _existing(path)
    try:
        with safetensors.safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    return _header(path, metadata)


def load_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Read the arrays of one of the library's own files, or of any other safetensors file.

    Returns:
        Arrays by name, in the order of the file, bit for bit as they were saved.

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableFile: the file is damaged or of another kind.
    """
    import safetensors

    path = _existing(path)
    try:
        entries = safetensors.deserialize(path.read_bytes())
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    arrays = {}
    for name, entry in entries:
        if entry["dtype"] not in _DTYPES:
            raise UnreadableFile(f"{path}: array '{name}' has the type {entry['dtype']}, which is not read")
        flat = np.frombuffer(bytes(entry["data"]), _DTYPES[entry["dtype"]])
        arrays[name] = flat.reshape(entry["shape"])
    return arrays


def is_safetensors(path: str | Path) -> bool:
    """Tell by its first bytes whether a file is laid out as safetensors."""
    with Path(path).open("rb") as file:
        start = file.read(9)
    return len(start) == 9 and start[8:] == b"{" and int.from_bytes(start[:8], "little") < 2**27


def _existing(path: str | Path) -> Path:
    path = Path(path)
    if path.is_dir():
        raise UnreadableFile(f"{path}: is a folder, not a file")
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is no such file")
    return path


def _unreadable(path: Path, error: Exception) -> UnreadableFile:
    return UnreadableFile(f"{path}: is not a complete safetensors file ({' '.join(str(error).split())[:120]})")


def _header(path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    if metadata.get("format") != FORMAT:
        raise UnreadableFile(f"{path}: is a safetensors file, but not one that jaxgan wrote (no architecture in it)")
    if metadata.get("version") != str(VERSION):
        found = metadata.get("version", "none")[:20]
        raise UnreadableFile(f"{path}: has format version {found}; this jaxgan reads {VERSION}: install a newer one")
    try:
        header = json.loads(metadata["header"])
    except (KeyError, ValueError, RecursionError) as error:
        raise UnreadableFile(f"{path}: its header is not JSON") from error
    if not isinstance(header, dict):
        raise UnreadableFile(f"{path}: its header is no JSON object")
    return header
