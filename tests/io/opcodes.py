"""Opcodes by hand, so that files can say what no honest writer would."""

import pickle
import struct
import zipfile

import numpy as np

MAGIC = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2)
SYSTEM = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}


def text(value: str) -> bytes:
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value) if -(2**31) <= value < 2**31 else b"\x8a\x08" + struct.pack("<q", value)


def numbers(values) -> bytes:
    return b"(" + b"".join(number(value) for value in values) + b"t"


def named(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def call(function: bytes, *arguments: bytes) -> bytes:
    return function + b"(" + b"".join(arguments) + b"tR"


def blob(value: bytes) -> bytes:
    return b"B" + struct.pack("<I", len(value)) + value


def whole(body: bytes) -> bytes:
    return b"\x80\x04" + body + b"."


def storage_id(kind: str, key: str, numel: int, legacy: bool) -> bytes:
    return (
        b"("
        + text("storage")
        + named("torch", f"{kind}Storage")
        + text(key)
        + text("cpu")
        + number(numel)
        + (b"N" if legacy else b"")
        + b"tQ"
    )


def tensor(storage: bytes, offset: int, size, stride) -> bytes:
    hooks = call(named("collections", "OrderedDict"))
    return call(
        named("torch._utils", "_rebuild_tensor_v2"),
        storage,
        number(offset),
        numbers(size),
        numbers(stride),
        b"\x89",
        hooks,
    )


def legacy_file(body: bytes, storages: dict[str, np.ndarray]) -> bytes:
    parts = [MAGIC, pickle.dumps(1001, 2), pickle.dumps(SYSTEM, 2), whole(body), pickle.dumps(list(storages), 2)]
    return b"".join(parts) + b"".join(struct.pack("<q", a.size) + a.tobytes() for a in storages.values())


def zip_file(path, body: bytes, storages: dict[str, np.ndarray], more=(), compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", whole(body))
        for key, array in storages.items():
            archive.writestr(f"archive/data/{key}", array.tobytes())
        for name, data in more:
            archive.writestr(name, data)
    return path
