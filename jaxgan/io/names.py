"""Bring arrays under foreign names to the places of a network, and back: one table for both directions.

A format is a table from our leaves to its names, a change of layout, and the sizes that its arrays show. What is here
does the rest: it finds every array its place and every place its array, and reports all that is left over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.core import Generator, Network
from jaxgan.core.generator import Arch
from jaxgan.io.records import UnreadableFile

# A pattern for our paths, and the foreign name: a template as of `re.Match.expand`, or a function of the match.
Table = tuple[tuple[str, str | Callable[[re.Match], str]], ...]
Layout = Callable[[str, np.ndarray], np.ndarray]  # (our path, array) -> array
Value = TypeVar("Value")


class MissingPart(UnreadableFile):
    """The file is sound but holds no network of that name."""


def leaves(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested dicts to leaves by path, such as `params/mapping/fc0/weight`."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        path = f"{prefix}/{key}" if prefix else key
        flat.update(leaves(value, path) if isinstance(value, Mapping) else {path: value})
    return flat


def filled(template: Mapping[str, Any], values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Undo `leaves`: the template's tree, empty branches included, with the values at the leaves."""
    tree: dict[str, Any] = {}
    for key, branch in template.items():
        path = f"{prefix}/{key}" if prefix else key
        tree[key] = filled(branch, values, path) if isinstance(branch, Mapping) else values[path]
    return tree


def foreign_name(table: Table, path: str) -> str:
    """Return the foreign name of one of our leaves, such as `params/style/b8_conv0/bias`."""
    for pattern, name in table:
        match = re.fullmatch(pattern, path)
        if match:
            return match.expand(name) if isinstance(name, str) else name(match)
    raise KeyError(f"{path} has no counterpart in the format")


def from_torch(path: str, array: np.ndarray) -> np.ndarray:
    """Turn an array of torch's layout into ours: [O, I, h, w] to [h, w, I, O], [O, I] to [I, O], vectors as they are.

    Transposed convolutions, constants and flattened features are laid out by rules of their own; a format with such
    gives a layout of its own that leaves the rest to this one.
    """
    match array.ndim:
        case 4:
            return array.transpose(2, 3, 1, 0)
        case 2:
            return array.T
    return array


def to_torch(path: str, array: np.ndarray) -> np.ndarray:
    """Undo `from_torch`."""
    match array.ndim:
        case 4:
            return array.transpose(3, 2, 0, 1)
        case 2:
            return array.T
    return array


def placed(
    template: Mapping[str, Any],
    arrays: Mapping[str, Any],
    table: Table,
    layout: Layout = from_torch,
    *,
    what: str = "network",
    ignored: str | None = None,
    absent: Collection[str] = (),
) -> dict[str, Any]:
    """Put foreign arrays into the places of a template; every array must find its place, every place its array.

    Args:
        template: Tree whose leaves have shapes, such as {"params": ..., "buffers": ...}.
        arrays: Arrays by their foreign names.
        table: Our paths to foreign names.
        layout: From a foreign array to ours.
        what: What is being read, for the message.
        ignored: Pattern of foreign names that have no place here and need none.
        absent: Foreign names that a file may lack; their places are zero then.

    Returns:
        The template's tree with float32 arrays.

    Raises:
        UnreadableFile: Names that are missing, unknown or of another shape: all three kinds, in one line.
    """
    left = {name: array for name, array in arrays.items() if not (ignored and re.fullmatch(ignored, name))}
    values, missing, wrong = {}, [], []
    for path, leaf in leaves(template).items():
        name = foreign_name(table, path)
        if name not in left:
            missing += [name] if name not in absent else []
            values[path] = jnp.zeros(leaf.shape, leaf.dtype)
            continue
        given = np.asarray(left.pop(name))
        array = layout(path, given) if given.dtype.kind in "fiub" or given.dtype.name == "bfloat16" else None
        if array is None or array.shape != leaf.shape:
            wrong.append(f"{name} {given.shape if array is None else array.shape} instead of {leaf.shape}")
            continue
        values[path] = jnp.asarray(np.asarray(array, np.float32))
    problems = [
        f"{kind}: {few(some)}"
        for kind, some in (("missing", missing), ("unknown", list(left)), ("of another shape", wrong))
        if some
    ]
    if problems:
        raise UnreadableFile(f"its {what} does not match its configuration; {'; '.join(problems)}")
    return filled(template, values)


def renamed(tree: Mapping[str, Any], table: Table, layout: Layout = to_torch) -> dict[str, np.ndarray]:
    """Undo `placed`: float32 arrays of a network by their foreign names, in the foreign layout."""
    return {
        foreign_name(table, path): layout(path, np.asarray(leaf, np.float32)) for path, leaf in leaves(tree).items()
    }


def few(names: Collection[str]) -> str:
    """Join the first five names, and say how many more there are."""
    first = [name[:100] for name, _ in zip(names, range(5), strict=False)]
    return ", ".join(first) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


# Networks without their numbers


def generator(arch: Arch, arrays: Mapping[str, Any], table: Table, layout: Layout = from_torch, **how) -> Generator:
    """Fill the generator that `arch` describes with foreign arrays; `how` is as for `placed`."""
    template = jax.eval_shape(arch.init, jax.random.key(0))
    tree = {"params": template.params, "buffers": template.buffers}
    values = placed(tree, arrays, table, layout, **{"what": "generator", **how})
    return Generator(values["params"], values["buffers"], arch)


def network(
    module: nn.Module,
    name: str,
    config: Mapping[str, Any],
    arrays: Mapping[str, Any],
    table: Table,
    layout: Layout = from_torch,
    **how,
) -> Network:
    """Fill a module with foreign arrays.

    Args:
        module: What `FAMILIES[family].<role>(**config)` returned.
        name: `<family>.<role>`.
        config: Its arguments.
        arrays, table, layout, how: As for `placed`.
    """
    role = name.partition(".")[2]
    values = placed(shapes(module), arrays, table, layout, **{"what": role, **how})
    return Network(values["params"], values["buffers"], module, name, tuple(sorted(config.items())))


def shapes(module: nn.Module) -> dict[str, Any]:
    """Return the variables of a module as shapes.

    A module takes images [N, resolution, resolution, channels] and, with classes, cond [N, classes]; one that takes
    something else says so by a method `inputs()` that returns the shapes of its arguments for a batch of one.
    """
    if hasattr(module, "inputs"):
        inputs = tuple(jax.ShapeDtypeStruct(tuple(shape), jnp.float32) for shape in module.inputs())
    else:
        side, classes = module.resolution, module.classes  # pyright: ignore[reportAttributeAccessIssue]
        inputs = (jax.ShapeDtypeStruct((1, side, side, module.channels), jnp.float32),)  # pyright: ignore[reportAttributeAccessIssue]
        inputs += (jax.ShapeDtypeStruct((1, classes), jnp.float32),) if classes else ()
    return {"params": {}, "buffers": {}, **jax.eval_shape(module.init, jax.random.key(0), *inputs)}


def widths_rule(widths: Mapping[int, int], guesses: Sequence[tuple[int, int]] = ()) -> tuple[int, int]:
    """Find the base and the limit with width(r) = min(base // r, limit) at every resolution r.

    Args:
        widths: Channels by resolution.
        guesses: Pairs to take if they fit; others may give the same widths.

    Raises:
        UnreadableFile: No pair gives these widths.
    """
    most = max(widths.values())
    below_most = [width * r for r, width in widths.items() if width < most]
    for base, limit in (*guesses, (max(below_most, default=most * max(widths)), most)):
        if all(min(base // r, limit) == width for r, width in widths.items()):
            return base, limit
    raise UnreadableFile(f"its layers have the widths {dict(widths)}, which no channel_base and channel_max give")


# What a file holds


def tensors(value: Any) -> dict[str, np.ndarray]:
    """Return a state dict's arrays by name, {} if the value is none.

    A dict with the one key `state_dict` and others beside it counts as that state dict, and the prefix `module.` that
    torch's parallel wrappers leave on every name is taken off.
    """
    if isinstance(value, Mapping) and isinstance(value.get("state_dict"), Mapping):
        value = value["state_dict"]
    if not isinstance(value, Mapping) or not value:
        return {}
    if not all(isinstance(k, str) and isinstance(v, (np.ndarray, np.generic)) for k, v in value.items()):
        return {}
    arrays = {name: np.asarray(array) for name, array in value.items()}
    if all(name.startswith("module.") for name in arrays):
        arrays = {name.removeprefix("module."): array for name, array in arrays.items()}
    return arrays


def parts(value: Any, known: Collection[str] = ("G", "D", "G_ema")) -> dict[str, dict[str, np.ndarray]]:
    """Split a file into the state dicts of its networks.

    Args:
        value: A dict of state dicts, one state dict whose names begin with a part and a dot, or one bare state dict.
        known: Names of parts; other entries of a dict of state dicts (optimizers, arguments) are left out.

    Returns:
        State dicts by part; a bare one by "". {} if there is none.
    """
    if isinstance(value, Mapping):
        held = {name: tensors(value[name]) for name in value if isinstance(name, str) and name in known}
        held = {name: arrays for name, arrays in held.items() if arrays}
        if held:
            return held
    arrays = tensors(value)
    if arrays and all(name.partition(".")[0] in known for name in arrays):
        return {part: below(arrays, part) for part in dict.fromkeys(name.partition(".")[0] for name in arrays)}
    return {"": arrays} if arrays else {}


def below(arrays: Mapping[str, Value], prefix: str) -> dict[str, Value]:
    """Return what stands under a dotted prefix, without the prefix."""
    start = f"{prefix}."
    return {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}


def chosen(held: Mapping[str, Value], part: str | None, default: Collection[str] = ("G_ema", "G", "")) -> Value:
    """Return the part that is asked for, or for None the first of the default ones that the file has.

    Raises:
        MissingPart: The file does not have it; the message lists what it has.
    """
    wanted = (part,) if part is not None else (*default, *held)
    for name in wanted:
        if name in held:
            return held[name]
    names = ", ".join(name or "one network without a name" for name in held)
    raise MissingPart(f"has no part '{part}'; it has {names or 'none'}")
