"""Read files that carry a pickle (NVIDIA's `.pkl`, torch's `.pt` and `.pth`, numpy's `.npy`) without running any of it.

Nothing that a file names is imported or called. A table says which names may occur and what inert value stands for
each: tensors become numpy arrays, module objects become `Record`s, configuration objects become plain dicts.
Everything else is refused by name.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxgan.io.pickle_machine import Budget, Name, Refused, shown
from jaxgan.io.records import Record, Table, UnreadableFile, names
from jaxgan.io.tensors import Storage

__all__ = ["Contents", "Record", "UnreadableFile", "names", "read"]

_MAGIC = 0x1950A86A20F9469CFC6C  # torch's mark at the start of its older files
_LEGACY_VERSION = 1001
_NUMPY = b"\x93NUMPY"
_MALFORMED = (
    struct.error, zlib.error, zipfile.BadZipFile, EOFError, IndexError, KeyError, TypeError, ValueError,
    AttributeError, OverflowError, NotImplementedError, RuntimeError,
)  # fmt: skip


class Contents(NamedTuple):
    """What a file holds: `kind` is "pickle", "torch zip", "torch legacy" or "numpy"."""

    kind: str
    value: Any


def read(path: str | Path, program: bool = False) -> Contents:
    """Read a pickle-based file into plain values, arrays and `Record`s.

    Args:
        path: an NVIDIA `.pkl`, a torch file, zip-based or older, or numpy's `.npy`, of numbers or of objects.
        program: whether a TorchScript archive may be read too: its modules become `Record`s, whose arrays `names`
            lists; its program is neither run nor looked at.

    Returns:
        The kind of file and its value; arrays are numpy arrays that may share memory and must not be written to.

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableFile: the file is a folder, empty, truncated, of another kind, or asks for what is not allowed.
    """
    path = Path(path)
    if path.is_dir():
        raise UnreadableFile(f"{path}: is a folder, not a file")
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is no such file")
    if not path.is_file():
        raise UnreadableFile(f"{path}: is a device or a pipe, not a file")
    try:
        with path.open("rb") as file:
            zipped = file.read(4) == b"PK\x03\x04"
        if zipped:
            return Contents("torch zip", _zip_value(path, program))
        data = path.read_bytes()
        if data[:6] == _NUMPY and len(data) > 10:
            return Contents("numpy", _numpy_value(data))
        _check_start(data)
        return _stream_value(data, Budget(_allowance(len(data))), nested=False)
    except Refused as error:
        raise UnreadableFile(f"{path}: {error}") from error
    except MemoryError as error:
        raise UnreadableFile(f"{path}: asks for more memory than there is") from error
    except OSError as error:
        raise UnreadableFile(f"{path}: cannot be read ({' '.join(str(error).split())[:160]})") from error
    except _MALFORMED as error:
        reason = " ".join(str(error).split())[:160]
        raise UnreadableFile(f"{path}: is malformed ({type(error).__name__}: {reason})") from error


# The kinds of file


def _allowance(size: int) -> int:
    """Bytes that a file of this size may unfold to: views may overlap, so several times its own."""
    return 64 * 2**20 + 8 * size


def _check_start(data: bytes) -> None:
    """Name the common mistakes before a pickle is tried."""
    if not data:
        raise Refused("is empty")
    start = data[:512].lstrip()
    if start.startswith(b"version https://git-lfs"):
        raise Refused("is a Git LFS pointer; fetch the real file with `git lfs pull`")
    if start[:1] == b"<":
        raise Refused("is a web page (a download that went wrong?)")
    if data[8:9] == b"{" and int.from_bytes(data[:8], "little") < 2**27:
        raise Refused("is a safetensors file, not a pickle")
    if data[:1] != b"\x80":
        if all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in data[:256]):
            raise Refused("is a text file, not a pickle")
        raise Refused(f"starts with {data[:4]!r}: neither a pickle nor a torch file")


def _numpy_value(data: bytes) -> Any:
    """Read numpy's own file: an array, or behind the same header the pickle of an array of objects."""
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    headers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in headers:
        raise Refused(f"is a numpy file of version {version}; {', '.join(map(str, headers))} are read")
    _, _, dtype = headers[version](file)
    if not dtype.hasobject:
        return np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    value = _stream_value(data[file.tell() :], Budget(_allowance(len(data))), nested=False).value
    return value.item() if isinstance(value, np.ndarray) and value.shape == () else value


def _stream_value(data: bytes, budget: Budget, nested: bool) -> Contents:
    """Read a plain pickle, or a chain of pickles and raw storages in torch's older layout."""
    table = Table(budget, None if nested else lambda raw: _stream_value(raw, budget, nested=True).value)
    value, position = table.machine(data).run()
    if type(value) is not int or value != _MAGIC:
        return Contents("pickle", value)
    version, position = table.machine(data).run(position)
    system, position = table.machine(data).run(position)
    if type(version) is not int or version != _LEGACY_VERSION or not isinstance(system, dict):
        raise Refused(f"has torch's older layout in an unknown version ({shown(version)})")
    if system.get("little_endian") is not True:
        raise Refused("was written on a big-endian machine, which is not read")
    storages = _LegacyStorages(len(data))
    value, position = table.machine(data, storages.find).run(position)
    keys, position = table.machine(data).run(position)
    storages.fill(keys, data, position)
    return Contents("torch legacy", value)


class _LegacyStorages:
    """Storages of the older layout: named in the pickle first, filled from the bytes behind it."""

    def __init__(self, size: int):
        self.left = size  # bytes that the file can still hold
        self.known: dict[str, np.ndarray] = {}

    def find(self, identity: Any) -> Any:
        if isinstance(identity, tuple) and len(identity) == 4 and identity[0] == "module":
            return identity[1]  # (class, source file, source): only the class is of use
        kind, key, numel, view = _storage_identity(identity)
        if key not in self.known:
            self.left -= numel * kind.itemsize
            if self.left < 0:
                raise Refused("its storages are larger than the file (truncated?)")
            self.known[key] = np.zeros(numel, kind)
        flat = self.known[key]
        if flat.dtype != kind or flat.size != numel:
            raise Refused(f"storage {key} is declared twice and differently")
        if view is None:
            return Storage(flat)
        if not isinstance(view, tuple) or len(view) != 3:
            raise Refused("a storage's view is malformed")
        _, offset, count = view
        if type(offset) is not int or type(count) is not int or not 0 <= offset <= offset + count <= numel:
            raise Refused(f"a view leaves its storage of {numel} elements")
        return Storage(flat[offset : offset + count])

    def fill(self, keys: Any, data: bytes, position: int) -> None:
        order = [key if isinstance(key, str) else shown(key) for key in keys] if isinstance(keys, list) else []
        if len(order) != len(self.known) or set(order) != set(self.known):
            raise Refused("its list of storages does not match its tensors")
        for key in order:
            flat = self.known[key]
            end = position + 8 + flat.nbytes
            if end > len(data):
                raise Refused("it ends in the middle of a storage (truncated?)")
            if int.from_bytes(data[position : position + 8], "little") != flat.size:
                raise Refused(f"storage {key} is not as long as declared")
            flat[:] = np.frombuffer(data, flat.dtype, flat.size, position + 8)
            position = end


def _storage_identity(identity: Any) -> tuple[np.dtype, str, int, Any]:
    """Check `("storage", class, key, device, numel[, view])`."""
    if not isinstance(identity, tuple) or len(identity) not in (5, 6) or identity[0] != "storage":
        raise Refused("a persistent id is not a storage's")
    kind, key, numel = identity[1], identity[2], identity[4]
    if not isinstance(kind, Name) or not isinstance(kind.value, np.dtype) or not kind.label.endswith("Storage"):
        raise Refused("a storage's class is none that is known")
    plain = key if isinstance(key, str) else shown(key)  # old files number their storages
    if not re.fullmatch(r"[0-9A-Za-z_]{1,64}", plain):
        raise Refused(f"a storage's key {shown(key)} is no plain name")
    if type(numel) is not int or not 0 <= numel < 2**48:
        raise Refused("a storage's length is no length")
    return kind.value, plain, numel, identity[5] if len(identity) == 6 else None


def _zip_value(path: Path, program: bool) -> Any:
    """Read torch's zip layout: one pickle and one entry a storage."""
    if not zipfile.is_zipfile(path):
        raise Refused("is a zip archive without an end (truncated?)")
    with zipfile.ZipFile(path) as archive:
        entries = {info.filename: info for info in archive.infolist()}
        odd = [name for name in entries if name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name)]
        if odd:
            raise Refused(f"is a zip archive with the entry {odd[0][:60]!r}, which points outside of it")
        roots = [name.removesuffix("data.pkl") for name in entries if re.fullmatch(r"[^/]*/?data\.pkl", name)]
        if len(roots) != 1:
            raise Refused("is a zip archive, but not torch's (it has no data.pkl)")
        root = roots[0]
        scripted = f"{root}constants.pkl" in entries
        if scripted and not program:
            raise Refused("is a TorchScript archive, which holds a program; save its state_dict() instead")
        packed = path.stat().st_size
        allowed = _allowance(packed)
        if sum(info.file_size for info in entries.values()) > allowed:
            raise Refused("is a zip archive that unpacks to far more than a checkpoint would")

        def entry(name: str) -> bytes:
            info = entries.get(root + name)
            if info is None:
                raise Refused(f"has no entry {root + name!r}")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise Refused("is a zip archive packed in an unusual way (stored and deflated are read)")
            with archive.open(info) as file:
                data = file.read(info.file_size + 1)
            if len(data) != info.file_size:
                raise Refused(f"its entry {root + name!r} is not as long as declared")
            return data

        if f"{root}byteorder" in entries and entry("byteorder").strip() != b"little":
            raise Refused("was written on a big-endian machine, which is not read")
        known: dict[str, np.ndarray] = {}

        def storage(identity: Any) -> Storage:
            kind, key, numel, _ = _storage_identity(identity)
            if key not in known:
                known[key] = np.frombuffer(entry(f"data/{key}"), np.uint8)
            if known[key].size != numel * kind.itemsize:
                raise Refused(f"storage {key} has {known[key].size} bytes, not {numel} elements of {kind}")
            return Storage(known[key].view(kind))

        table = Table(Budget(allowed), inner=None, program=scripted)
        value, _ = table.machine(entry("data.pkl"), storage).run()
        return value
