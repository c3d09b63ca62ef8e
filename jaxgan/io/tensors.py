"""Rebuild arrays from what torch and numpy write into a pickle: storages, strides and data types, all checked."""

from __future__ import annotations

import math
import re
from typing import Any

import ml_dtypes
import numpy as np

from jaxgan.io.pickle_machine import Budget, Name, Refused, shown

# torch's names of element types, as `FloatStorage` and as `torch.float32`.
STORAGES = {
    "DoubleStorage": np.float64,
    "FloatStorage": np.float32,
    "HalfStorage": np.float16,
    "BFloat16Storage": ml_dtypes.bfloat16,
    "LongStorage": np.int64,
    "IntStorage": np.int32,
    "ShortStorage": np.int16,
    "CharStorage": np.int8,
    "ByteStorage": np.uint8,
    "BoolStorage": np.bool_,
    "ComplexFloatStorage": np.complex64,
    "ComplexDoubleStorage": np.complex128,
    "UntypedStorage": np.uint8,
}
DTYPES = {
    "float64": np.float64,
    "float32": np.float32,
    "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
    "float8_e4m3fn": ml_dtypes.float8_e4m3fn,
    "float8_e5m2": ml_dtypes.float8_e5m2,
    "int64": np.int64,
    "int32": np.int32,
    "int16": np.int16,
    "int8": np.int8,
    "uint64": np.uint64,
    "uint32": np.uint32,
    "uint16": np.uint16,
    "uint8": np.uint8,
    "bool": np.bool_,
    "complex64": np.complex64,
    "complex128": np.complex128,
}
MAX_AXES = 32
_NUMPY_CODE = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248]|c(8|16)|[SU]\d{1,5}|O8?)")


class Storage:
    """A flat run of elements that tensors are views of."""

    __slots__ = ("array",)

    def __init__(self, array: np.ndarray):
        self.array = array  # [numel]


def _counts(values: Any, what: str) -> tuple[int, ...]:
    if not isinstance(values, (tuple, list)) or len(values) > MAX_AXES:
        raise Refused(f"a tensor's {what} is not a short tuple")
    for value in values:
        if type(value) is not int or not 0 <= value < 2**48:
            raise Refused(f"a tensor's {what} holds {shown(value)}, which is no size")
    return tuple(values)


def tensor(budget: Budget, storage: Any, offset: Any, size: Any, stride: Any) -> np.ndarray:
    """View a storage as a tensor; refuse a view that leaves it."""
    if not isinstance(storage, Storage):
        raise Refused("a tensor is built on something that is no storage")
    size, stride = _counts(size, "size"), _counts(stride, "stride")
    (offset,) = _counts((offset,), "offset")
    if len(size) != len(stride):
        raise Refused(f"a tensor has {len(size)} sizes and {len(stride)} strides")
    flat = storage.array
    if 0 in size:
        return np.zeros(size, flat.dtype)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if last >= flat.size:
        raise Refused(f"a tensor of size {size} reaches element {last} of a storage of {flat.size}")
    budget.spend(math.prod(size) * flat.itemsize)
    # A view, never a copy: torch's older layout fills its storages after the tensors are named.
    steps = [step * flat.itemsize for step in stride]
    raw = flat.view(np.uint8) if flat.itemsize == 1 else flat  # numpy cannot describe floats of one byte
    return np.lib.stride_tricks.as_strided(raw[offset:], size, steps, writeable=False).view(flat.dtype)


def typed_tensor(budget: Budget, storage: Any, offset: Any, size: Any, stride: Any, dtype: Any) -> np.ndarray:
    """View an untyped storage as a tensor of a named type."""
    if not isinstance(dtype, Name) or not isinstance(dtype.value, np.dtype) or not isinstance(storage, Storage):
        raise Refused("a tensor's type is none that is known")
    raw = storage.array.view(np.uint8)
    whole = raw.size - raw.size % dtype.value.itemsize
    return tensor(budget, Storage(raw[:whole].view(dtype.value)), offset, size, stride)


# numpy's own pickles


class Dtype:
    """A numpy element type under construction: a code such as `f4`, then a byte order."""

    __slots__ = ("code", "order")

    def __init__(self, code: Any, *_flags: Any):
        if not isinstance(code, str) or not _NUMPY_CODE.fullmatch(code):
            raise Refused(f"the numpy type {shown(code)} is not among those read")
        self.code, self.order = code.lstrip("<>|="), code[0] if code[0] in "<>|=" else "="

    def build(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) < 5 or state[1] not in ("<", ">", "|", "="):
            raise Refused("a numpy type has an unknown state")
        if any(part is not None for part in state[2:5]):
            raise Refused("a numpy record type is not among those read")
        if self.code[0] not in "SU":
            self.order = state[1]

    @property
    def is_object(self) -> bool:
        return self.code[0] == "O"

    def real(self) -> np.dtype:
        return np.dtype(self.code if self.order in "|=" else self.order + self.code)


class ArraysInMaking:
    """The numpy arrays of one pickle: first named empty, then given shape, type and bytes.

    numpy itself splits an array so; the array must be the same object before and after, since the pickle may refer
    to it in between. Only arrays that this pickle began may be given a state, and only once.
    """

    def __init__(self, budget: Budget):
        self.budget = budget
        self.begun: dict[int, np.ndarray] = {}

    def begin(self, kind: Any, *_shape_and_code: Any) -> np.ndarray:
        if not isinstance(kind, Name) or kind.label != "numpy.ndarray":
            raise Refused("a numpy array of a foreign class is not among those read")
        array = np.zeros(0, np.int8)
        self.begun[id(array)] = array
        return array

    def finish(self, array: np.ndarray, state: Any) -> None:
        if self.begun.pop(id(array), None) is None:
            raise Refused("the pickle gives a state to an array that has one")
        if not isinstance(state, tuple) or len(state) != 5:
            raise Refused("a numpy array has an unknown state")
        _version, shape, dtype, fortran, raw = state
        if dtype_is_object(dtype):
            shape, real = self._objects(shape, raw)
        else:
            shape, real = self._checked(shape, dtype, raw)
            raw = bytes(raw)
        array.__setstate__((1, shape, real, bool(fortran), raw))  # pyright: ignore[reportArgumentType]

    def from_buffer(self, raw: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
        shape, real = self._checked(shape, dtype, raw)
        flat = np.frombuffer(bytes(raw), real)
        native = flat if real.isnative else flat.astype(real.newbyteorder("="))
        return native.reshape(shape, order="F" if order == "F" else "C")

    def scalar(self, dtype: Any, raw: Any) -> Any:
        _, real = self._checked((), dtype, raw)
        return np.frombuffer(bytes(raw), real)[0]

    def _checked(self, shape: Any, dtype: Any, raw: Any) -> tuple[tuple[int, ...], np.dtype]:
        if not isinstance(dtype, Dtype) or dtype.is_object or not isinstance(raw, (bytes, bytearray)):
            raise Refused("a numpy array has no plain type or no bytes")
        shape, real = _counts(shape, "shape"), dtype.real()
        if math.prod(shape) * real.itemsize != len(raw):
            raise Refused(f"a numpy array of shape {shape} and type {real} has {len(raw)} bytes")
        self.budget.spend(len(raw))
        return shape, real

    def _objects(self, shape: Any, items: Any) -> tuple[tuple[int, ...], np.dtype]:
        shape = _counts(shape, "shape")
        if not isinstance(items, list) or math.prod(shape) != len(items):
            raise Refused("a numpy array of objects does not hold as many as its shape says")
        self.budget.spend(8 * len(items))
        return shape, np.dtype(object)


def dtype_is_object(dtype: Any) -> bool:
    return isinstance(dtype, Dtype) and dtype.is_object
