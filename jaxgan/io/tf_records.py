"""What NVIDIA's TensorFlow pickles hold: networks as variables by name, and the arguments that made them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxgan.io.records import Record, UnreadableFile

CLASSES = ("dnnlib.tflib.network.Network", "tfutil.Network")  # the second is PGGAN's
DEPTH = 4  # networks in networks; theirs are two deep


def variables(record: Record, prefix: str = "", depth: int = 0) -> dict[str, np.ndarray]:
    """Collect the arrays of a network and of those that it is made of, by names such as `mapping/Dense0/weight`."""
    held, parts = record.state.get("variables"), record.state.get("components") or {}
    if not isinstance(held, (list, tuple)) or not isinstance(parts, dict) or depth > DEPTH or len(parts) > 8:
        raise UnreadableFile("holds a TensorFlow network without its variables")
    arrays = {}
    for pair in held:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not isinstance(pair[0], str):
            raise UnreadableFile("holds a TensorFlow network with a variable that is no name and array")
        name, array = pair
        if not isinstance(array, (np.ndarray, np.generic, float, int)):
            raise UnreadableFile(f"holds a TensorFlow network whose variable {name[:60]} is no array")
        arrays[prefix + name] = np.asarray(array)
    for name, part in parts.items():
        if not isinstance(part, Record) or not isinstance(name, str):
            raise UnreadableFile("holds a TensorFlow network with a component that is no network")
        arrays |= variables(part, f"{prefix}{name}/", depth + 1)
    return arrays


def arguments(record: Record) -> dict[str, Any]:
    """Return the arguments that a network was made with, the whole one's before those of its parts."""
    own = record.state.get("static_kwargs")
    parts = record.state.get("components") or {}
    given: dict[str, Any] = {}
    for part in parts.values():
        held = part.state.get("static_kwargs") if isinstance(part, Record) else None
        given |= held if isinstance(held, dict) else {}
    return {**given, **(own if isinstance(own, dict) else {})}


def shape(arrays: Mapping[str, np.ndarray], name: str, axes: int) -> tuple[int, ...]:
    """Return the shape of an array that must be there with so many axes."""
    if name not in arrays or arrays[name].ndim != axes:
        raise UnreadableFile(f"has no array '{name}' of {axes} axes")
    return arrays[name].shape


def number(given: Mapping[str, Any], name: str, default: float | None) -> Any:
    """Return an argument that must be a finite number or None."""
    value = given.get(name, default)
    numeric = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if value is not None and (not numeric or not math.isfinite(value)):
        raise UnreadableFile(f"its argument '{name}' is no number")
    return value if value is None else float(value)


def width_guesses(given: Mapping[str, Any], base: int) -> list[tuple[int, int]]:
    """Return channel_base and channel_max as the file has them; the base counts from the resolution below there."""
    wide, limit = number(given, "fmap_base", base), number(given, "fmap_max", 512)
    return [(int(wide) * 2, int(limit))] if wide and limit and wide < 2**30 and limit < 2**30 else []
