"""Load and save whatever the library works with: generators, networks, directions, codes."""

from __future__ import annotations

import contextlib
import difflib
import inspect
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.core import Code, Directions, Generator, Network, fingerprint
from jaxgan.core.generator import Arch
from jaxgan.encoders import ENCODERS, flow, mapper
from jaxgan.features import classifier
from jaxgan.io import (
    from_biggan,
    from_eigengan,
    from_genforce,
    from_nvidia,
    from_nvidia_tf,
    from_psp,
    from_rosinality,
    from_sequential,
    from_stylegan3,
    pickles,
    weights,
)
from jaxgan.io.names import MissingPart, few, filled, leaves, shapes, tensors
from jaxgan.io.records import Record, UnreadableFile
from jaxgan.models import FAMILIES
from jaxgan.nn import fields

# Each has a TITLE, `recognise(value) -> bool` of what a file holds, and `read(value, part) -> Generator | Network`.
FORMATS = (
    from_stylegan3,
    from_nvidia,
    from_nvidia_tf,
    from_biggan,
    from_psp,
    from_rosinality,
    from_genforce,
    from_eigengan,
    from_sequential,
)
# What a file may name as the origin of what it holds.
MADE = {**FAMILIES, **ENCODERS, flow.NAME: flow, mapper.NAME: mapper, classifier.NAME: classifier, fields.NAME: fields}
# Factories of networks that a family may offer, and their parts.
ROLES = {"discriminator": "D", "encoder": "E", "mapper": "M", "flow": "F", "classifier": "C", "field": "V"}
COUNTS = ("layers", "blocks", "depth")  # how names of numbers end that a configuration is repeated by
# What a format's reader may run into where a file's arrays have shapes that it did not expect.
_UNFIT = (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError)
Loaded = Generator | Network | Directions | Code


def load(path: str | Path, part: str | None = None) -> Any:
    """Load a file by what it holds, or a bundled generator by its name.

    Args:
        path: one of the library's own files, a checkpoint in one of the formats of `FORMATS`, or a name such as
            `scenes64`.
        part: of a file with several networks one by its name there, such as "G_ema", "G", "D" or "E"; if None the
            averaged generator, or what comes nearest to it.

    Returns:
        A Generator, a Network (for "D"), Directions or a Code.

    Raises:
        FileNotFoundError: there is no such file and nothing bundled has that name.
        UnreadableFile: the file is damaged or hostile, or of a kind that is not read; nothing of it was run.
        ValueError: the file does not have the part.

    Example:
        >>> import jaxgan as jg
        >>> g = jg.load("scenes64")
    """
    found = located(path)
    if found.is_file() and weights.is_safetensors(found):
        return _own(found, part)
    value = pickles.read(found).value
    return _foreign(value, part, found)


def load_parts(path: str | Path) -> dict[str, Any]:
    """Load the networks of a file by their usual names: generators "G_ema" and "G", Networks "D" and "E", as it has.

    Raises:
        FileNotFoundError, UnreadableFile: as `load`; a part that is there but cannot be read is an error too.
    """
    found = located(path)
    if found.is_file() and weights.is_safetensors(found):
        thing = _own(found, None)
        if isinstance(thing, Generator):
            return {"G_ema": thing}
        return {ROLES[thing.name.partition(".")[2]]: thing} if isinstance(thing, Network) else {}
    value, parts = pickles.read(found).value, {}
    for part in ("G_ema", "G", "D", "E"):
        with contextlib.suppress(MissingPart):
            parts[part] = _foreign(value, part, found)
    return parts or {"G_ema": _foreign(value, None, found)}


def _foreign(value: Any, part: str | None, path: Path) -> Generator | Network:
    """Read what a pickle holds by the first format that recognises it."""
    for format in FORMATS:
        try:
            if format.recognise(value):
                return format.read(value, part)
        except UnreadableFile as error:
            raise type(error)(f"{path}: {error}") from error
        except _UNFIT as error:
            reason = f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
            raise UnreadableFile(f"{path}: looks like {format.TITLE}, but does not fit together ({reason})") from error
    raise UnreadableFile(f"{path}: {_unknown(value)}; read are {', '.join(f.TITLE for f in FORMATS)}")


def save(thing: Loaded, path: str | Path, meta: Mapping[str, Any] | None = None) -> None:
    """Save a generator, a network, directions or a code as one of the library's own files.

    The file is safetensors: every bit of every array, and in its header the architecture as JSON. It replaces an
    older file only when it is complete.

    Args:
        thing: Generator, Network, Directions or Code.
        path: file to write; `.safetensors` is the usual suffix.
        meta: notes that stay with the file, such as where the weights come from; JSON.

    Raises:
        TypeError: the thing is none of these.
        ValueError: a network does not say which factory made it.
    """
    weights.save_arrays(path, *contents(thing, meta))


def contents(thing: Loaded, meta: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a file holds of a thing: its arrays by name, and the header."""
    header: dict[str, Any] = {"meta": dict(meta or {})}
    match thing:
        case Generator():
            header |= {"kind": "generator", "family": thing.arch.name, "config": dict(thing.arch.config)}
            header["fingerprint"] = fingerprint(thing)
            arrays = leaves({"params": thing.params, "buffers": thing.buffers})
        case Network():
            family, _, role = thing.name.partition(".")
            if family not in MADE or role not in ROLES or not hasattr(MADE[family], role) or not thing.config:
                raise ValueError(f"a network named '{thing.name}' cannot be saved: no factory makes it again")
            header |= {"kind": "network", "family": family, "role": role, "config": dict(thing.config)}
            arrays = leaves({"params": thing.params, "buffers": thing.buffers})
        case Directions():
            header |= {"kind": "directions", "space": thing.space, "layers": thing.layers, "names": thing.names}
            header["origin"] = [list(pair) for pair in thing.meta]
            arrays = {**_numbered("vectors", thing.vectors), "scales": thing.scales}
        case Code():
            header |= {"kind": "code", "space": thing.space}
            arrays = _numbered("value", thing.value)
            arrays |= {"cond": thing.cond} if thing.cond is not None else {}
            arrays |= {f"noise/{name}": array for name, array in (thing.noise or {}).items()}
            arrays |= {f"features/{tap}": array for tap, array in (thing.features or {}).items()}
        case _:
            raise TypeError(f"a {type(thing).__name__} cannot be saved; Generator, Network, Directions and Code can")
    return arrays, header


def describe(path: str | Path) -> dict[str, Any]:
    """Tell what one of the library's own files, or a bundled one, holds, without loading its arrays."""
    return weights.read_header(located(path))


def bundled() -> tuple[str, ...]:
    """Return the names of the generators that come with the package."""
    folder = resources.files("jaxgan") / "bundled"
    found = (entry.name for entry in folder.iterdir()) if folder.is_dir() else ()
    return tuple(sorted(name.removesuffix(".safetensors") for name in found if name.endswith(".safetensors")))


def located(path: str | Path) -> Path:
    """Return the path of a file, or of a bundled one by its name."""
    place = Path(path)
    if place.exists() or place.suffix or len(place.parts) != 1:
        return place
    names = bundled()
    if str(path) not in names:
        near = difflib.get_close_matches(str(path), names, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"bundled are {', '.join(names) or 'none'}"
        raise FileNotFoundError(f"there is no file '{path}', and no bundled generator of that name; {hint}")
    return Path(str(resources.files("jaxgan") / "bundled" / f"{path}.safetensors"))


def _unknown(value: Any) -> str:
    """Tell what a file holds that no format recognises."""
    if isinstance(value, Record):
        return f"holds an object of class {value.class_name[:60]}, which is not read"
    if arrays := tensors(value):
        return f"holds a state dict of {few(arrays)}: which is not read yet"
    if isinstance(value, np.ndarray):
        return f"holds one array {value.shape}, which is no network (directions: jg.io.load_directions)"
    if isinstance(value, Mapping):
        return f"holds a dict of {few([str(key)[:60] for key in value]) or 'nothing'}, which is not read"
    return f"holds a {type(value).__name__}, which is not read"


# The library's own files


def _own(path: Path, part: str | None) -> Loaded:
    header = weights.read_header(path)
    kinds = {"generator": _generator, "network": _network, "directions": _directions, "code": _code}
    kind = str(header.get("kind"))
    if kind not in kinds:
        raise UnreadableFile(f"{path}: holds a '{kind}'; {', '.join(kinds)} are read")
    role = str(header.get("role"))
    held = (ROLES.get(role, role),) if kind == "network" else ("G_ema", "G") if kind == "generator" else ()
    if part is not None and part not in held:
        raise ValueError(f"{path}: has no part '{part}'; the file is of kind {role if kind == 'network' else kind}")
    arrays = {name: jnp.asarray(array) for name, array in weights.load_arrays(path).items()}
    try:
        return kinds[kind](header, arrays)
    except UnreadableFile as error:
        raise UnreadableFile(f"{path}: {error}") from error
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:160]
        raise UnreadableFile(f"{path}: its header is malformed ({type(error).__name__}: {reason})") from error


def _generator(header: Mapping[str, Any], arrays: Mapping[str, jax.Array]) -> Generator:
    arch: Arch = _described(header, "arch", len(arrays))
    template = jax.eval_shape(arch.init, jax.random.key(0))
    values = _matched(arrays, {"params": template.params, "buffers": template.buffers})
    return Generator(values["params"], values["buffers"], arch)


def _network(header: Mapping[str, Any], arrays: Mapping[str, jax.Array]) -> Network:
    role = str(header.get("role"))
    if role not in ROLES:
        raise UnreadableFile(f"is a network in the role of a '{role[:40]}'; known are {', '.join(ROLES)}")
    module = _described(header, role, len(arrays))
    values = _matched(arrays, shapes(module))
    config = tuple(sorted(_tuples(header["config"]).items()))
    return Network(values["params"], values["buffers"], module, f"{header['family']}.{role}", config)


def _directions(header: Mapping[str, Any], arrays: Mapping[str, jax.Array]) -> Directions:
    vectors, scales = _counted(arrays, "vectors"), arrays.get("scales")
    names, layers = _tuples(header.get("names") or ()), header.get("layers")
    if scales is None or vectors is None or not isinstance(header.get("space"), str):
        raise UnreadableFile("has directions without vectors, scales or space")
    layers = None if layers is None else tuple(int(layer) for layer in layers)
    return Directions(vectors, scales, header["space"], layers, names, _tuples(header.get("origin") or ()))


def _code(header: Mapping[str, Any], arrays: Mapping[str, jax.Array]) -> Code:
    value = _counted(arrays, "value")
    if value is None or not isinstance(header.get("space"), str):
        raise UnreadableFile("has a code without a value or a space")
    under = lambda prefix: {name[len(prefix) :]: x for name, x in arrays.items() if name.startswith(prefix)} or None
    return Code(value, header["space"], arrays.get("cond"), under("noise/"), under("features/"))


def _described(header: Mapping[str, Any], factory: str, arrays: int) -> Any:
    """Call the factory of the header's family with the header's configuration, both checked first."""
    family, config = str(header.get("family")), header.get("config")
    if family not in MADE or not hasattr(MADE[family], factory):
        raise UnreadableFile(f"is of the family '{family}'; known are {', '.join(MADE)}")
    make = getattr(MADE[family], factory)
    allowed = tuple(inspect.signature(make).parameters)
    if not isinstance(config, dict):
        raise UnreadableFile("has no configuration")
    for key, value in config.items():
        if key not in allowed:
            near = difflib.get_close_matches(key, allowed, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"allowed are {', '.join(allowed)}"
            raise UnreadableFile(f"has the unknown key '{key[:40]}' in its configuration; {hint}")
        most = max((n for n in _flat(value) if isinstance(n, int)), default=0)
        if key.endswith(COUNTS) and most > arrays:
            raise UnreadableFile(f"says {key} = {most} but holds {arrays} arrays")
    try:
        return make(**_tuples(config))
    except (TypeError, ValueError, ArithmeticError) as error:
        raise UnreadableFile(f"has a configuration that is not valid: {' '.join(str(error).split())[:200]}") from error


def _matched(arrays: Mapping[str, jax.Array], template: Mapping[str, Any]) -> dict[str, Any]:
    """Put arrays into the places of the template, which must all be filled, and by arrays of their shape."""
    places = leaves(template)
    missing, unknown = [p for p in places if p not in arrays], [p for p in arrays if p not in places]
    wrong = [
        f"{path} {arrays[path].shape} instead of {leaf.shape}"
        for path, leaf in places.items()
        if path in arrays and arrays[path].shape != leaf.shape
    ]
    for what, some in (("misses", missing), ("has the unknown", unknown), ("has arrays of another shape:", wrong)):
        if some:
            more = f" and {len(some) - 5} more" if len(some) > 5 else ""
            raise UnreadableFile(f"{what} {', '.join(some[:5])}{more}")
    return filled(template, arrays)


def _numbered(name: str, value: Any) -> dict[str, Any]:
    """Name an array by `name`, the arrays of a tuple by `name/0` and so on."""
    if isinstance(value, (tuple, list)):
        return {f"{name}/{index}": array for index, array in enumerate(value)}
    return {name: value}


def _counted(arrays: Mapping[str, jax.Array], name: str) -> Any:
    """Undo `_numbered`; None where there is no such array."""
    if name in arrays:
        return arrays[name]
    count = sum(key.startswith(f"{name}/") for key in arrays)
    if not count or any(f"{name}/{index}" not in arrays for index in range(count)):
        return None
    return tuple(arrays[f"{name}/{index}"] for index in range(count))


def _flat(value: Any) -> list[Any]:
    return [item for one in value for item in _flat(one)] if isinstance(value, (list, tuple)) else [value]


def _tuples(value: Any) -> Any:
    """Turn JSON's lists into tuples, which can be hashed."""
    if isinstance(value, (list, tuple)):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value
