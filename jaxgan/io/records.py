"""What a pickle may name, and the inert value that stands for each name.

Nothing that a file names is imported or called: tensors become numpy arrays, module objects become `Record`s,
configuration objects become plain dicts, and everything else is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NoReturn

import numpy as np

from jaxgan.io.pickle_machine import Budget, Machine, Name, Refused, plain_key, shown
from jaxgan.io.tensors import DTYPES, STORAGES, ArraysInMaking, Dtype, Storage, tensor, typed_tensor

MAX_DEPTH = 100
MAX_VALUES = 1_000_000
MAX_NAME = 1000
# Kinds of dictionaries that configurations in checkpoints are written as.
_DICTS = (
    "dnnlib.util.EasyDict",
    "dnnlib.EasyDict",
    "easydict.EasyDict",
    "munch.Munch",
    "addict.addict.Dict",
    "mmcv.utils.config.ConfigDict",
    "yacs.config.CfgNode",
)
_PATHS = tuple(
    f"{module}.{name}"
    for module in ("pathlib", "pathlib._local")
    for name in ("Path", "PurePath", "PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath")
)
# Objects whose attributes are all there is to them.
_BAGS = (
    "argparse.Namespace",
    "types.SimpleNamespace",
    "dnnlib.tflib.network.Network",
    "tfutil.Network",
    "datetime.datetime",
    "datetime.date",
    "datetime.timedelta",
)


# Kinds of lists that TorchScript writes in a way of its own.
LISTED = ("int", "double", "bool", "tensor", "complexdouble")


class UnreadableFile(ValueError):
    """A file that is not what it should be: truncated, hostile, or something else altogether."""


@dataclass
class Record:
    """What a file says about one object of a class: its name, its arguments and its arrays; no behaviour."""

    class_name: str
    init_args: tuple = ()
    init_kwargs: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    buffers: dict[str, Any] = field(default_factory=dict)
    modules: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)

    def fill(self, state: Any, budget: Budget) -> None:
        """Take over an object's `__dict__` as a pickle stores it."""
        if isinstance(state, tuple) and len(state) == 2:  # objects with slots store (dict, slots)
            state = {**(state[0] or {}), **(state[1] or {})}
        if not isinstance(state, dict) or not all(isinstance(key, str) for key in state):
            raise Refused(f"an object of class {self.class_name[:60]} has a state that is no dictionary")
        arguments, keywords = state.get("_init_args", ()), state.get("_init_kwargs", {})
        if not isinstance(arguments, (tuple, list)) or not isinstance(keywords, dict):
            raise Refused(f"an object of class {self.class_name[:60]} has arguments of an unknown kind")
        budget.spend(100 * (len(state) + len(arguments) + len(keywords)))  # a pickle may pass one state many times
        rest = dict(state)
        for attribute, key in (("parameters", "_parameters"), ("buffers", "_buffers"), ("modules", "_modules")):
            part = rest.pop(key, {})
            if not isinstance(part, dict) or not all(isinstance(name, str) for name in part):
                raise Refused(f"an object of class {self.class_name} has {key} that are no dictionary")
            setattr(self, attribute, part)
        self.init_args, self.init_kwargs = tuple(arguments), dict(keywords)
        self.state = {key: item for key, item in rest.items() if key not in ("_init_args", "_init_kwargs")}


def names(value: Any) -> dict[str, np.ndarray]:
    """Flatten a Record, or nested dicts such as a state dict, to arrays by dotted name.

    Args:
        value: a Record, a dict or a list, nested as deep as files do; what is no array is left out.

    Returns:
        Arrays by names such as `synthesis.b4.conv1.weight`, in the file's order.

    Raises:
        UnreadableFile: the nesting is endless.
    """
    found: dict[str, np.ndarray] = {}
    waiting: list[tuple[str, Any, int]] = [("", value, 0)]
    seen = 0
    while waiting:
        name, value, depth = waiting.pop()
        seen += 1
        if (
            depth > MAX_DEPTH or seen > MAX_VALUES or len(name) > MAX_NAME
        ):  # one value may hold another twice, and that one a third twice
            raise UnreadableFile(f"values are nested without end at '{name[:60]}': this is no network")
        if isinstance(value, np.ndarray):
            found[name] = value
        children = [(f"{name}.{key}" if name else str(key), child, depth + 1) for key, child in _children(value)]
        waiting += reversed(children)
    return found


def _children(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, Record):
        own = [*value.parameters.items(), *value.buffers.items(), *value.modules.items()]
        # A module of a TorchScript archive has its arrays and modules among its attributes.
        return [*own, *value.state.items()] if value.class_name.startswith("__torch__") else own
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, (list, tuple)):
        return list(enumerate(value))
    return []


class Table:
    """The names that one file may use, each with the inert value that stands for it.

    Args:
        budget: what the values made for this file may cost.
        inner: reads the bytes of a storage inside a pickle; None inside such bytes, which hold no further ones.
        program: whether the file's own classes may be named, as the modules of a TorchScript archive are.
    """

    def __init__(self, budget: Budget, inner: Callable[[bytes], Any] | None, program: bool = False):
        self.budget, self.inner, self.program = budget, inner, program
        self.arrays = ArraysInMaking(budget)
        self.builders: dict[type, Callable[[Any, Any], None]] = {
            Record: lambda record, state: record.fill(state, budget),
            Dtype: Dtype.build,
            np.ndarray: self.arrays.finish,
        }
        calls: dict[str, Callable] = {
            "collections.OrderedDict": self.mapping,
            "collections.defaultdict": lambda factory=None, *items: self.mapping(*items),
            "collections.Counter": self.mapping,
            **dict.fromkeys(_DICTS, self.mapping),
            "builtins.dict": self.mapping,
            "builtins.set": self.members,
            "builtins.frozenset": lambda *items: frozenset(self.members(*items)),
            "builtins.bytearray": lambda *raw: bytearray(self.raw(*raw)),
            "builtins.bytes": self.raw,
            "builtins.complex": lambda real, imag: complex(float(real), float(imag)),
            "_codecs.encode": self.encoded,
            "copyreg._reconstructor": self.bare,
            "torch.Size": self.sizes,
            **dict.fromkeys(_PATHS, self.path),
            "torch.serialization._get_layout": lambda name="": str(name)[:40],
            "torch.device": lambda *parts: ":".join(str(part)[:16] for part in parts[:2]),
            "torch._utils._rebuild_tensor": partial(tensor, budget),
            "torch._utils._rebuild_tensor_v2": lambda s, o, n, d, *_rest: tensor(budget, s, o, n, d),
            "torch._utils._rebuild_tensor_v3": lambda s, o, n, d, _grad, _hooks, kind, *_rest: typed_tensor(
                budget, s, o, n, d, kind
            ),
            "torch._utils._rebuild_parameter": lambda data, *_rest: self.array(data),
            "torch._utils._rebuild_parameter_with_state": lambda data, *_rest: self.array(data),
            "torch._tensor._rebuild_from_type_v2": self.retyped,
            "torch.storage._load_from_bytes": self.inner_storage,
            "torch_utils.persistence._reconstruct_persistent_obj": self.persistent_object,
            "numpy.dtype": Dtype,
            **(
                dict.fromkeys((f"torch.jit._pickle.build_{kind}list" for kind in LISTED), self.listed)
                if program
                else {}
            ),
            **({"torch.jit._pickle.restore_type_tag": lambda value, _kind: value} if program else {}),
        }
        for package in ("numpy.core", "numpy._core"):
            calls[f"{package}.multiarray._reconstruct"] = self.arrays.begin
            calls[f"{package}.multiarray.scalar"] = self.arrays.scalar
            calls[f"{package}.numeric._frombuffer"] = self.arrays.from_buffer
        self.known = {label: Name(label, call) for label, call in calls.items()}
        for label in ("numpy.ndarray", "builtins.object", "builtins.list", "builtins.int", "builtins.float"):
            self.known[label] = Name(label)
        for label in _BAGS:
            self.known[label] = Name(label, partial(self.record, label))
        for label in ("torch.nn.parameter.Parameter", "torch.Tensor", "torch._tensor.Tensor"):
            self.known[label] = Name(label, lambda data, *_rest: self.array(data))
        for name, kind in STORAGES.items():
            for module in ("torch", "torch.cuda", "torch.storage"):
                self.known[f"{module}.{name}"] = Name(f"{module}.{name}", value=np.dtype(kind))
        for name, kind in DTYPES.items():
            self.known[f"torch.{name}"] = Name(f"torch.{name}", value=np.dtype(kind))

    def machine(self, data: bytes, persistent: Callable[[Any], Any] | None = None) -> Machine:
        return Machine(data, self.find, self.budget, self.builders, persistent)

    def find(self, module: str, name: str) -> Name:
        module = {"__builtin__": "builtins", "copy_reg": "copyreg"}.get(module, module)
        label = f"{module}.{name}"
        # A dotted name would reach through an object (`f.__globals__`); so would a label that two splits share.
        if "." not in name and label in self.known:
            return self.known[label]
        if re.fullmatch(r"torch\.nn\.modules(\.[a-z_0-9]+)+", module) and re.fullmatch(r"[A-Z][A-Za-z0-9]*", name):
            return Name(label, partial(self.record, label))
        if self.program and re.fullmatch(r"__torch__(\.\w+)+", label):
            return Name(label, partial(self.record, label))
        return self.refuse(f"the file names {label[:100]!r}, which is not among what may be read; nothing was run")

    def refuse(self, reason: str) -> NoReturn:
        raise Refused(reason)

    # The inert constructors

    def mapping(self, items: Any = (), **more: Any) -> dict:
        pairs = items.items() if isinstance(items, dict) else items
        if not isinstance(items, (dict, list, tuple)):
            self.refuse("a dictionary is made of something that is no list of pairs")
        self.budget.spend(100 * len(items))
        return {**{plain_key(key): value for key, value in pairs}, **more}

    def members(self, items: Any = ()) -> set:
        if not isinstance(items, (list, tuple, set, frozenset)):
            self.refuse("a set is made of something that is no list")
        self.budget.spend(100 * len(items))
        return {plain_key(item) for item in items}

    def listed(self, items: Any = ()) -> list:
        if not isinstance(items, (list, tuple)):
            self.refuse("a list is made of something that is no list")
        self.budget.spend(8 * len(items))
        return list(items)

    def path(self, *pieces: Any) -> str:
        if len(pieces) > 64 or not all(isinstance(piece, str) for piece in pieces):
            self.refuse("a path is made of something that is no text")
        self.budget.spend(sum(map(len, pieces)))
        return "/".join(pieces)

    def sizes(self, counts: Any = ()) -> tuple:
        if not isinstance(counts, (list, tuple)) or len(counts) > 64:
            self.refuse("a torch.Size is made of something that is no short list")
        return tuple(counts)

    def raw(self, data: Any = b"", *_codec: Any) -> bytes:
        if not isinstance(data, (bytes, bytearray)):
            self.refuse("bytes are made of something that is no bytes")
        self.budget.spend(len(data))
        return bytes(data)

    def encoded(self, text: Any, codec: Any = "latin1") -> bytes:
        if not isinstance(text, str) or codec not in ("latin1", "latin-1", "utf-8", "ascii"):
            self.refuse("text is encoded in an unusual way")
        self.budget.spend(len(text))
        return text.encode(codec)

    def array(self, data: Any) -> np.ndarray:
        if not isinstance(data, np.ndarray):
            self.refuse("a parameter is made of something that is no tensor")
        return data

    def retyped(self, function: Any, _kind: Any, arguments: Any, _state: Any) -> np.ndarray:
        known = isinstance(function, Name) and function.label.startswith("torch._utils._rebuild_")
        if not known or function.call is None:
            self.refuse("a tensor is rebuilt by something unknown")
        return function.call(*arguments)

    def bare(self, kind: Any, base: Any, state: Any) -> Any:
        if not isinstance(kind, Name) or not isinstance(base, Name) or kind.call is None:
            self.refuse("an object is made of something that is no class")
        return kind.call() if state is None else kind.call(state)

    def record(self, label: str, *_arguments: Any) -> Record:
        return Record(label)

    def persistent_object(self, meta: Any) -> Record:
        """Read NVIDIA's description of an object; its source text is dropped unread."""
        if not isinstance(meta, Mapping) or meta.get("type") != "class" or not isinstance(meta.get("class_name"), str):
            self.refuse("an object in NVIDIA's layout lacks its type or class name")
        if meta.get("version") != 6:
            self.refuse(f"an object in NVIDIA's layout has version {shown(meta.get('version'))}; 6 is read")
        record = Record(meta["class_name"])
        record.fill(meta.get("state"), self.budget)
        return record

    def inner_storage(self, data: Any) -> Storage:
        if self.inner is None:
            self.refuse("a storage holds a storage of its own")
        if not isinstance(data, (bytes, bytearray)):
            self.refuse("a storage is made of something that is no bytes")
        if data[:4] == b"PK\x03\x04":
            self.refuse("a storage inside the pickle is a zip archive, which torch never writes there")
        storage = self.inner(bytes(data))
        if not isinstance(storage, Storage):
            self.refuse("the bytes of a storage hold something else")
        return storage
