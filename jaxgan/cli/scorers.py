"""Scorers by the words of a command: what is to be read from images, as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jaxgan.cli import words

if TYPE_CHECKING:
    from jaxgan.core import Generator

PIXELS = ("colour", "brightness", "hue", "edges", "symmetry", "size", "centroid")
NAMED = ("pixels", *PIXELS, "factors")
SUFFIXES = (".safetensors", ".json", ".pth", ".pt")
WORDS = f"{', '.join(NAMED)}, or a file of a classifier"
DIGITS = tuple(f"digit{i}" for i in range(10))
MANIFEST = "-weights_manifest.json"


class Chosen(NamedTuple):
    """Scorers that a word names.

    Args:
        scorer: Images to scores [N, S], with `names`.
        factors: Factors among the scores, (name, first column, columns, kind): "class" for one column a class, "turn"
            for cosine and sine, "number". Empty where scores are not factors of the data.
    """

    scorer: Any
    factors: tuple[tuple[str, int, int, str], ...]


def checked(word: str, also: Sequence[str] = ()) -> list[str]:
    """Return the parts of a word such as `colour,size`, or raise Mistake where one names no scorer and no file."""
    parts = [part.strip() for part in word.split(",") if part.strip()]
    for part in parts:
        if part not in NAMED and Path(part).suffix not in (*SUFFIXES, *also):
            raise words.Mistake(f"there is no scorer {part!r}{words.near(part, NAMED) or f'; there are {WORDS}'}")
        if part not in NAMED and not Path(part).is_file():
            raise words.Mistake(f"there is no file {part}; scorers are {WORDS}")
    if not parts:
        raise words.Mistake(f"--scorer is empty; there are {WORDS}")
    return parts


def chosen(word: str, g: Generator) -> Chosen:
    """Return the scorers that a word names, side by side.

    Args:
        word: `pixels`, some of `PIXELS`, `factors` (of rendered scenes), or files: classifiers that were trained here
            (.safetensors), judges of faces (face-api's manifest, .json) and LeNet (.pth), with commas between.
        g: Generator whose images are scored.
    """
    from jaxgan.features import attributes

    found, factors, start = [], [], 0
    for part in checked(word):
        scorer, own = one(part, g)
        found.append(scorer)
        factors += [(name, start + at, width, kind) for name, at, width, kind in own]
        start += len(scorer.names)
    return Chosen(found[0] if len(found) == 1 else attributes.join(*found), tuple(factors))


def one(part: str, g: Generator) -> tuple[Any, list[tuple[str, int, int, str]]]:
    """Return one scorer with names, and its factors."""
    from jaxgan.features import attributes

    if part == "factors":
        return scenes(g)
    if part in NAMED:
        return getattr(attributes, part)(), []
    return of_file(Path(part))


def scenes(g: Generator) -> tuple[Any, list[tuple[str, int, int, str]]]:
    """Return the judge of scenes' factors, fitted for the generator's size."""
    from jaxgan.data.scenes import SHAPES
    from jaxgan.features.attributes import Scorer, scores
    from jaxgan.features.factors import CIRCULAR, factor_probe

    if g.arch.channels != 3:
        raise words.Mistake("the scorer factors reads coloured scenes; this generator draws grey images")
    probe = factor_probe(g.resolution)
    kinds = {"shape": "class", **dict.fromkeys(CIRCULAR, "turn")}
    ends = {"class": [f"_{s}" for s in SHAPES], "turn": ["_cos", "_sin"], "number": [""]}
    names, factors = [], []
    for name, width in probe.blocks:
        kind = kinds.get(name, "number")
        factors.append((name, len(names), width, kind))
        names += [name + end for end in ends[kind]]
    return Scorer(lambda images: scores(probe, images), tuple(names)), factors


def of_file(path: Path) -> tuple[Any, list[tuple[str, int, int, str]]]:
    """Return the scorer of a file of weights."""
    from jaxgan import io
    from jaxgan.features import attributes
    from jaxgan.io.faces import FILES

    if path.suffix == ".json":
        kinds = {name: kind for kind, name in FILES.items()}
        stem = path.name.removesuffix(MANIFEST)
        if stem not in kinds:
            raise words.Mistake(f"{path}: judges of faces are face-api's {', '.join(n + MANIFEST for n in kinds)}")
        return io.load_face_scorer(kinds[stem], path), []
    if path.suffix in (".pth", ".pt"):
        return attributes.classifier(io.load_lenet(path), DIGITS), []
    network = io.load(path)
    names = tuple(getattr(network, "names", ()))
    if not callable(network) or not names:
        raise words.Mistake(f"{path} holds no classifier; see jaxgan info {path}")
    return attributes.Scorer(network, names), labelled(network.module)


def labelled(module: Any) -> list[tuple[str, int, int, str]]:
    """Return the factors of a classifier of several labels; one label alone is no set of factors."""
    from jaxgan.features.classifier import NUMBER, TURN, spans

    if len(module.sizes) < 2:
        return []
    factors, start = [], 0
    for size, width in zip(module.sizes, spans(module.sizes), strict=True):
        kind = {NUMBER: "number", TURN: "turn"}.get(size, "class")
        name = module.names[start]
        name = name.removesuffix("_cos") if kind == "turn" else name.rstrip("0") if kind == "class" else name
        factors.append((name or f"label{len(factors)}", start, width, kind))
        start += width
    return factors


def picked(scorer: Any, names: Sequence[str]) -> Any:
    """Return the scorer of some of its scores, or of labels, by name."""
    from jaxgan.features.attributes import Labels, Scorer, scores

    for name in names:
        if name not in scorer.names:
            said = words.near(name, scorer.names) or f"; there are {', '.join(scorer.names)}"
            raise words.Mistake(f"there is no score {name!r}{said}")
    at = [scorer.names.index(name) for name in names]
    if isinstance(scorer, Labels):
        return Labels(scorer.values[:, at], tuple(names))
    return Scorer(lambda images: scores(scorer, images)[:, at], tuple(names))
