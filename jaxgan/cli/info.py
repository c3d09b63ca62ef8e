"""jaxgan info: tell what something is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg

from jaxgan.cli import words

HELP = """Tell what a model, a file of codes or directions, the folder of a run, or a data set is.

examples:
  jaxgan info scenes64
  jaxgan info network.pkl --json
  jaxgan info photos.zip"""

MODELS = (".safetensors", ".pkl", ".pickle", ".pth", ".pt", ".ckpt", ".bin")


@dataclass(frozen=True)
class Options:
    thing: Annotated[str, Positional, arg(metavar="THING", help="A file, folder, bundled name or word for --data.")]
    json: Annotated[bool, arg(help="Answer in JSON.")] = False


def main(args: Sequence[str]) -> None:
    """Run the verb."""
    options = words.read(Options, args, "jaxgan info", HELP)
    facts = told(options.thing)
    if options.json:
        words.say(json.dumps(facts, indent=2, default=str))
        return
    width = max(map(len, facts)) + 2
    for name, value in facts.items():
        for i, line in enumerate(lines(value)):
            words.say(f"{name if i == 0 else '':<{width}}{line}")


def told(thing: str) -> dict[str, Any]:
    """Collect the facts about a thing."""
    from jaxgan import io

    path = Path(thing)
    if path.suffix.lower() in MODELS or (not path.exists() and thing in io.bundled()):
        return of_file(thing)
    if (path / "recipe.json").is_file():
        return of_run(path)
    return of_data(thing)


def of_file(thing: str) -> dict[str, Any]:
    """Describe a file of the library's own or a foreign model."""
    from jaxgan import io
    from jaxgan.core import Code, Directions, Generator

    own = Path(thing).suffix.lower() not in MODELS[1:]
    header = io.describe(thing) if own else {}
    found = io.load(thing)
    extra = {"notes": header["meta"]} if header.get("meta") else {}
    match found:
        case Generator():
            parts = {} if own else {"parts": held(thing)}
            return of_generator(found) | parts | extra
        case Directions():
            facts = {"kind": "directions", "space": found.space, "count": len(found), "layers": found.layers}
            scales = [f"{float(scale):.4g}" for scale in found.scales]
            names = found.names or tuple(map(str, range(len(found))))
            found_by = {k: v for k, v in found.meta if isinstance(v, (str, int, float))}
            return facts | {"deviations": dict(zip(names, scales)), "found by": found_by} | extra
        case Code():
            shape = [list(v.shape) for v in found.value] if isinstance(found.value, tuple) else list(found.value.shape)
            facts = {"kind": "codes", "space": found.space, "count": len(found), "shape": shape}
            carries = {"noise": sorted(found.noise or ()) or None, "features": sorted(found.features or ()) or None}
            return facts | carries | extra
        case network:
            facts = {"kind": network.name, "parameters": size(network.params)}
            return facts | {"config": dict(network.config)} | extra


def of_generator(g) -> dict[str, Any]:
    """Describe a generator."""
    from jaxgan.core import fingerprint

    arch = g.arch
    return {
        "kind": f"{arch.name} generator",
        "images": f"{arch.resolution}x{arch.resolution}, {arch.channels} channels",
        "classes": arch.classes or None,
        "parameters": {"all": size(g.params)} | {name: size(part) for name, part in g.params.items() if part},
        "spaces": {space: shape(arch.shape(space)) for space in arch.spaces},
        "truncates": arch.truncates or None,
        "taps": ", ".join(arch.taps),
        "config": dict(arch.config),
        "fingerprint": fingerprint(g),
    }


def held(thing: str) -> str:
    """Name the parts that a file holds."""
    from jaxgan import io

    return ", ".join(io.load_parts(thing))


def of_run(folder: Path) -> dict[str, Any]:
    """Describe the folder of a training run."""
    from jaxgan.training.recipe import load_recipe, to_json

    steps = sorted(int(p.name) for p in (folder / "checkpoints").glob("*") if p.name.isdigit())
    journal = folder / "metrics.jsonl"
    last = journal.read_text().splitlines()[-1:] if journal.is_file() else []
    return {
        "kind": "training run",
        "recipe": to_json(load_recipe(folder)),
        "checkpoints": ", ".join(map(str, steps)) or None,
        "models": ", ".join(sorted(p.name for p in folder.glob("*.safetensors"))) or None,
        "last figures": json.loads(last[0]) if last else None,
    }


def of_data(thing: str) -> dict[str, Any]:
    """Describe a data set."""
    from jaxgan import data

    source = data.source(thing)
    return {
        "kind": "data set",
        "name": source.name,
        "images": len(source),
        "resolution": source.resolution or "of several sizes",
        "channels": source.channels,
        "label": source.label_size or None,
        "label names": ", ".join(source.label_names) or None,
        "fingerprint": source.fingerprint,
    }


def size(tree: Any) -> int:
    """Count the numbers in a tree of arrays."""
    import jax

    return sum(leaf.size for leaf in jax.tree.leaves(tree))


def shape(value: Any) -> str:
    """Write a shape, or the shapes of a tuple in short."""
    if value and isinstance(value[0], tuple):
        return f"{len(value)} of {min(value)[0]} to {max(value)[0]}"
    return " x ".join(map(str, value))


def lines(value: Any) -> list[str]:
    """Write a value in lines, one for each entry of a mapping."""
    if isinstance(value, dict):
        flat = {f"{name}": entry for name, entry in value.items() if not isinstance(entry, dict)}
        inner = [f"{name}.{line}" for name, entry in value.items() if isinstance(entry, dict) for line in lines(entry)]
        return [f"{name} {number(entry)}" for name, entry in flat.items()] + inner or ["none"]
    return [number(value)]


def number(value: Any) -> str:
    """Write a number with separators, anything else as it is."""
    if value is None:
        return "none"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) and value >= 10_000 else str(value)
