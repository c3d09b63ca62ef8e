"""Write pickles that name torch's functions without importing torch: values in, opcodes out."""

from __future__ import annotations

import pickle
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

_MAGIC, _VERSION = 0x1950A86A20F9469CFC6C, 1001
_SYSTEM = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}


@dataclass(frozen=True)
class Global:
    """A name that the reader of the pickle looks up."""

    module: str
    name: str


@dataclass(frozen=True)
class Call:
    """A call that the reader of the pickle makes."""

    function: Global
    arguments: tuple


@dataclass(frozen=True)
class PersistentId:
    """A value that the reader of the pickle resolves outside of it."""

    value: tuple


def dumps(value: Any, protocol: int = 4) -> bytes:
    """Write plain values, arrays (as torch tensors), Globals and Calls as a pickle.

    Args:
        value: None, bool, int, float, str, bytes, tuple, list, dict, set, float32 arrays, Global, Call, PersistentId,
            nested at will. A Call that occurs twice is written once.
        protocol: Number at the start, 2 for readers that know no other; bytes and sets need 4.

    Raises:
        TypeError: a value is of another type.
    """
    parts = [b"\x80" + bytes([protocol])]
    _write(value, parts, {})
    return b"".join([*parts, b"."])


def tensor(array: np.ndarray) -> Call:
    """Describe a float32 array as torch's pickles do: a view of the whole of a storage of its own."""
    array = np.asarray(array)
    storage = Call(Global("torch.storage", "_load_from_bytes"), (_storage(array),))
    arguments = (storage, 0, tuple(array.shape), strides(array.shape), False, ordered())
    return Call(Global("torch._utils", "_rebuild_tensor_v2"), arguments)


def strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return how far apart the elements of a packed array stand along each axis."""
    steps = [1]
    for size in reversed(shape[1:]):
        steps.insert(0, steps[0] * size)
    return tuple(steps[: len(shape)])


def parameter(array: np.ndarray) -> Call:
    """Describe a float32 array as a parameter that asks for no gradient."""
    return Call(Global("torch._utils", "_rebuild_parameter"), (tensor(array), False, ordered()))


def ordered(items: dict[str, Any] | None = None) -> Call:
    """Describe an ordered dictionary."""
    pairs = [list(pair) for pair in (items or {}).items()]
    return Call(Global("collections", "OrderedDict"), (pairs,) if pairs else ())


def _storage(array: np.ndarray) -> bytes:
    """Write a float32 storage in torch's older layout, which is what its pickles embed."""
    flat = np.ascontiguousarray(array, np.float32).reshape(-1)
    identity = PersistentId(("storage", Global("torch", "FloatStorage"), "0", "cpu", flat.size, None))
    parts = [pickle.dumps(_MAGIC, 2), pickle.dumps(_VERSION, 2), pickle.dumps(_SYSTEM, 2), dumps(identity)]
    return b"".join([*parts, pickle.dumps(["0"], 2), struct.pack("<q", flat.size), flat.tobytes()])


def _write(value: Any, parts: list[bytes], written: dict[int, int]) -> None:
    match value:
        case None:
            parts.append(b"N")
        case bool():
            parts.append(b"\x88" if value else b"\x89")
        case int():
            raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            parts.append(b"\x8a" + bytes([len(raw)]) + raw)
        case float():
            parts.append(b"G" + struct.pack(">d", value))
        case str():
            raw = value.encode()
            parts.append(b"X" + struct.pack("<I", len(raw)) + raw)
        case bytes():
            # The eight-byte length came with protocol 4 and serves every size.
            parts.append(b"\x8e" + struct.pack("<Q", len(value)) + value)
        case tuple() | list() | set():
            parts.append(b"(" if isinstance(value, tuple) else b"](" if isinstance(value, list) else b"\x8f(")
            for item in value:
                _write(item, parts, written)
            parts.append(b"t" if isinstance(value, tuple) else b"e" if isinstance(value, list) else b"\x90")
        case dict():
            parts.append(b"}(")
            for key, item in value.items():
                _write(key, parts, written)
                _write(item, parts, written)
            parts.append(b"u")
        case np.ndarray():
            _write(tensor(value), parts, written)
        case Global():
            parts.append(f"c{value.module}\n{value.name}\n".encode())
        case PersistentId():
            _write(value.value, parts, written)
            parts.append(b"Q")
        case Call():
            if id(value) in written:
                parts.append(b"j" + struct.pack("<I", written[id(value)]))
                return
            _write(value.function, parts, written)
            _write(value.arguments, parts, written)
            written[id(value)] = len(written)
            parts.append(b"Rr" + struct.pack("<I", written[id(value)]))
        case _:
            raise TypeError(f"a {type(value).__name__} has no place in these pickles")
