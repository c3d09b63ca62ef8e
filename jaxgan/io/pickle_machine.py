"""Run the opcodes of a pickle over inert values, with every cost bounded.

Python's own unpickler is a program runner: a file may ask it to call anything that can be imported, to reserve a
memo of 2^32 slots, or to hash a tuple nested so that hashing never ends. This machine keeps the part of the
language that data needs, and a file can name only what its caller's table offers.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MAX_OPCODES = 2_000_000  # NVIDIA's files use 20 thousand; each opcode makes at most one object


class Refused(Exception):
    """The pickle asks for something that is not allowed, or is not a pickle at all."""


@dataclass
class Budget:
    """What may still be spent on copies made for a file, in bytes, and on opcodes."""

    bytes: int
    opcodes: int = MAX_OPCODES

    def spend(self, amount: int) -> None:
        self.bytes -= amount
        if self.bytes < 0:
            raise Refused("it unfolds to far more data than the file holds")


class Name:
    """A global that the file names: what it is called and what may be done with it, never the thing itself."""

    __slots__ = ("call", "label", "value")

    def __init__(self, label: str, call: Callable | None = None, value: Any = None):
        self.label, self.call, self.value = label, call, value

    def __repr__(self) -> str:
        return self.label


def shown(value: Any) -> str:
    """Describe a value of the file in an error; only plain ones are printed, for printing others may never end."""
    if isinstance(value, (str, float, bool)) or (isinstance(value, int) and abs(value) < 2**64):
        return repr(value[:60] if isinstance(value, str) else value)
    return f"a {type(value).__name__}"


class _Mark:
    __slots__ = ()


_MARK = _Mark()
_CONSTANTS = {b"N": None, b"\x88": True, b"\x89": False}
_LENGTHS = {
    b"C": "<B", b"U": "<B", b"\x8c": "<B", b"B": "<I", b"X": "<I", b"T": "<i",
    b"\x8e": "<Q", b"\x8d": "<Q", b"\x96": "<Q",
}  # fmt: skip
_NUMBERS = {b"J": "<i", b"K": "<B", b"M": "<H", b"G": ">d"}
_TEXT, _BYTES, _OLD_TEXT = b"X\x8c\x8d", b"BC\x8e", b"TU"
_SIMPLE_KEYS = (str, bytes, int, float, bool, type(None))
_REFUSED = {
    b"P": "PERSID", b"i": "INST", b"o": "OBJ", b"\x82": "EXT1", b"\x83": "EXT2", b"\x84": "EXT4",
    b"\x97": "NEXT_BUFFER", b"\x98": "READONLY_BUFFER", b"S": "STRING", b"V": "UNICODE",
}  # fmt: skip


def plain_key(key: Any) -> Any:
    """Return the key if hashing it is cheap: a plain value, or a tuple of plain values."""
    if isinstance(key, int) and abs(key) >= 2**64:
        raise Refused("a dictionary key is a number beyond 64 bits")
    if isinstance(key, _SIMPLE_KEYS) or (isinstance(key, tuple) and all(isinstance(k, _SIMPLE_KEYS) for k in key)):
        return key
    if isinstance(key, Name):
        return key.label
    raise Refused(f"a dictionary key or set member of type {type(key).__name__} is not plain")


class Machine:
    """One run over one pickle: `Machine(...).run(position)` returns the value and where the pickle ended.

    Args:
        data: the whole file.
        named: `named(module, name) -> Name`; raises Refused for what is not allowed.
        budget: shared with whatever the named constructors copy.
        builders: for each type whose values take a state after they were made, how they take it.
        persistent: what a persistent id stands for; None where the format has no such thing.
    """

    def __init__(
        self,
        data: bytes,
        named: Callable[[str, str], Name],
        budget: Budget,
        builders: Mapping[type, Callable[[Any, Any], None]],
        persistent: Callable[[Any], Any] | None = None,
    ):
        self.data, self.named, self.budget = data, named, budget
        self.builders, self.persistent = builders, persistent
        self.position = 0
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self, position: int = 0) -> tuple[Any, int]:
        self.position = position
        while True:
            self.budget.opcodes -= 1
            if self.budget.opcodes < 0:
                raise Refused(f"it has more than {MAX_OPCODES:,} pickle opcodes")
            opcode = self.take(1)
            if opcode == b".":
                value = self.pop()
                if self.stack:
                    raise Refused("the pickle leaves values behind")
                return value, self.position
            self.step(opcode)

    def step(self, opcode: bytes) -> None:
        handler = _HANDLERS.get(opcode)
        if handler is not None:
            handler(self)
        elif opcode in _CONSTANTS:
            self.stack.append(_CONSTANTS[opcode])
        elif opcode in _NUMBERS:
            self.stack.append(self.number(_NUMBERS[opcode]))
        elif opcode in _LENGTHS:
            raw = self.take(self.number(_LENGTHS[opcode]))
            if opcode in _TEXT:
                self.stack.append(raw.decode("utf-8", "surrogatepass"))
            elif opcode in _OLD_TEXT:
                self.stack.append(raw.decode("latin-1"))
            else:
                self.stack.append(raw if opcode in _BYTES else bytearray(raw))
        elif opcode in _REFUSED:
            raise Refused(f"the pickle opcode {_REFUSED[opcode]} is not allowed")
        else:
            raise Refused(f"byte {opcode[0]:#04x} at {self.position - 1} is no pickle opcode")

    # Reading

    def take(self, count: int) -> bytes:
        end = self.position + count
        if count < 0 or end > len(self.data):
            raise Refused("it ends in the middle (truncated?)")
        raw = self.data[self.position : end]
        self.position = end
        return raw

    def number(self, layout: str) -> Any:
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def line(self, limit: int = 400) -> str:
        end = self.data.find(b"\n", self.position, self.position + limit)
        if end < 0:
            raise Refused("a line of the pickle is endless or cut off (truncated?)")
        raw = self.data[self.position : end]
        self.position = end + 1
        return raw.decode("utf-8")

    # The stack

    def pop(self) -> Any:
        if not self.stack or self.stack[-1] is _MARK:
            raise Refused("the pickle takes more values than it gave")
        return self.stack.pop()

    def top(self, kind) -> Any:
        if not self.stack or not isinstance(self.stack[-1], kind):
            raise Refused("the pickle fills something that is no container")
        return self.stack[-1]

    def since_mark(self) -> list[Any]:
        for index in range(len(self.stack) - 1, -1, -1):
            if self.stack[index] is _MARK:
                items = self.stack[index + 1 :]
                del self.stack[index:]
                return items
        raise Refused("the pickle has no mark where one is needed")

    def recall(self, index: int) -> None:
        if index not in self.memo:
            raise Refused("the pickle recalls a value that it never stored")
        self.stack.append(self.memo[index])

    def store(self, index: int) -> None:
        if not self.stack or self.stack[-1] is _MARK or index < 0:
            raise Refused("the pickle stores a value that it does not have")
        self.memo[index] = self.stack[-1]

    # What needs more than a line

    def fill(self, pairs: list[Any]) -> None:
        target = self.top(dict)
        if len(pairs) % 2:
            raise Refused("a dictionary of the pickle has a key without a value")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            target[plain_key(key)] = value

    def extend(self, items: list[Any]) -> None:
        self.top(list).extend(items)

    def name(self, module: Any, name: Any) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise Refused("the pickle names a global by something that is no text")
        self.stack.append(self.named(module, name))

    def call(self, function: Any, arguments: Any, keywords: Mapping | None = None) -> None:
        if not isinstance(function, Name):
            raise Refused(f"the pickle calls a {type(function).__name__}, which it did not name")
        if function.call is None:
            raise Refused(f"the pickle calls {function.label}, which may only be named")
        if not isinstance(arguments, tuple) or len(arguments) > 64:
            raise Refused(f"the pickle calls {function.label} with something other than a few arguments")
        self.stack.append(function.call(*arguments, **(keywords or {})))

    def reduce(self) -> None:
        arguments = self.pop()
        self.call(self.pop(), arguments)

    def reduce_with_keywords(self) -> None:
        keywords, arguments = self.pop(), self.pop()
        if not isinstance(keywords, dict) or not all(isinstance(k, str) for k in keywords):
            raise Refused("the pickle calls something with keywords that are no text")
        self.call(self.pop(), arguments, keywords)

    def build(self) -> None:
        state = self.pop()
        target = self.top((dict, *self.builders))
        if not isinstance(target, dict):  # a dict's state is attributes such as `_metadata`, which nothing reads
            self.builders[type(target)](target, state)

    def persist(self) -> None:
        if self.persistent is None:
            raise Refused("the pickle has a persistent id, which this kind of file has no use for")
        self.stack.append(self.persistent(self.pop()))

    def integer(self) -> None:
        text = self.line()
        self.stack.append({"00": False, "01": True}[text] if text in ("00", "01") else int(text))

    def protocol(self) -> None:
        version = self.take(1)[0]
        if version > 5:
            raise Refused(f"pickle protocol {version} is unknown (0 to 5 are read)")

    def set_of(self, items: list[Any]) -> list[Any]:
        return [plain_key(item) for item in items]

    def add(self) -> None:
        items = self.set_of(self.since_mark())
        self.top(set).update(items)

    def collect(self, count: int) -> None:
        self.stack.append(tuple(reversed([self.pop() for _ in range(count)])))

    def dictionary(self) -> None:
        pairs = self.since_mark()
        self.stack.append({})
        self.fill(pairs)

    def set_item(self) -> None:
        value, key = self.pop(), self.pop()
        self.fill([key, value])

    def pop_any(self) -> None:
        if not self.stack:
            raise Refused("the pickle takes more values than it gave")
        self.stack.pop()

    def duplicate(self) -> None:
        value = self.pop()
        self.stack += [value, value]

    def name_from_stack(self) -> None:
        name, module = self.pop(), self.pop()
        self.name(module, name)

    def append_one(self) -> None:
        value = self.pop()
        self.extend([value])


_HANDLERS: dict[bytes, Callable[[Machine], Any]] = {
    b"\x80": Machine.protocol,
    b"\x95": lambda m: m.take(8),  # FRAME: only a hint for buffered readers
    b"(": lambda m: m.stack.append(_MARK),
    b"0": Machine.pop_any,
    b"1": Machine.since_mark,
    b"2": Machine.duplicate,
    b"I": Machine.integer,
    b"L": lambda m: m.stack.append(int(m.line().removesuffix("L"))),
    b"F": lambda m: m.stack.append(float(m.line())),
    b"\x8a": lambda m: m.stack.append(int.from_bytes(m.take(m.number("<B")), "little", signed=True)),
    b"\x8b": lambda m: m.stack.append(int.from_bytes(m.take(m.number("<i")), "little", signed=True)),
    b"]": lambda m: m.stack.append([]),
    b"}": lambda m: m.stack.append({}),
    b")": lambda m: m.stack.append(()),
    b"\x8f": lambda m: m.stack.append(set()),
    b"l": lambda m: m.stack.append(m.since_mark()),
    b"t": lambda m: m.stack.append(tuple(m.since_mark())),
    b"d": Machine.dictionary,
    b"\x85": lambda m: m.collect(1),
    b"\x86": lambda m: m.collect(2),
    b"\x87": lambda m: m.collect(3),
    b"\x91": lambda m: m.stack.append(frozenset(m.set_of(m.since_mark()))),
    b"a": Machine.append_one,
    b"e": lambda m: m.extend(m.since_mark()),
    b"s": Machine.set_item,
    b"u": lambda m: m.fill(m.since_mark()),
    b"\x90": Machine.add,
    b"g": lambda m: m.recall(int(m.line())),
    b"h": lambda m: m.recall(m.number("<B")),
    b"j": lambda m: m.recall(m.number("<I")),
    b"p": lambda m: m.store(int(m.line())),
    b"q": lambda m: m.store(m.number("<B")),
    b"r": lambda m: m.store(m.number("<I")),
    b"\x94": lambda m: m.store(len(m.memo)),
    b"c": lambda m: m.name(m.line(), m.line()),
    b"\x93": Machine.name_from_stack,
    b"R": Machine.reduce,
    b"\x81": Machine.reduce,
    b"\x92": Machine.reduce_with_keywords,
    b"b": Machine.build,
    b"Q": Machine.persist,
}
