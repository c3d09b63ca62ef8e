"""What verbs that draw have in common: open a model, draw in parts of a batch, write pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np

    from jaxgan.core import Code, Directions, Generator
    from jaxgan.io.results import Result

T = TypeVar("T")
BATCH = 16


def generator(model: str) -> Generator:
    """Load a generator."""
    from jaxgan import io
    from jaxgan.cli.words import Mistake
    from jaxgan.core import Generator

    keep_compilations()
    found = io.load(model)
    if not isinstance(found, Generator):
        raise Mistake(f"{model} holds a {type(found).__name__}, needed is a generator; see jaxgan info {model}")
    return found


def keep_compilations() -> None:
    """Let compiled programs be kept for the next command, unless the user has said where they are kept."""
    import jax

    from jaxgan.training.cache import cache_compilations

    if jax.config.jax_compilation_cache_dir is None:  # pyright: ignore[reportAttributeAccessIssue]
        cache_compilations()


def loaded(path: str | Path, kind: type[T], what: str) -> T:
    """Load a file that must hold codes or directions."""
    from jaxgan import io
    from jaxgan.cli.words import Mistake

    found = io.load(path)
    if not isinstance(found, kind):
        raise Mistake(f"{path} holds a {type(found).__name__}, needed are {what}; see jaxgan info {path}")
    return found


def box(text: str, resolution: int, soft: float = 0.0):
    """Return the mask [resolution, resolution] that `top,left,bottom,right` says, in fractions of a side."""
    from jaxgan import editing
    from jaxgan.cli.words import Mistake

    try:
        top, left, bottom, right = (float(part) for part in text.split(","))
    except ValueError:
        raise Mistake(f"--box is {text!r}; write top,left,bottom,right in sides, as 0,0,1,0.5") from None
    return editing.box(resolution, top, left, bottom, right, soft)


def codes(path: str | Path, g: Generator, anyway: bool = False) -> Result:
    """Load a file of codes that belong to a generator, or to any if `anyway` is set."""
    from jaxgan.cli.words import Mistake
    from jaxgan.io.results import check_owner, load_codes

    found = load_codes(path)
    if not anyway:
        try:
            check_owner(found.generator, g, path)
        except ValueError as error:
            raise Mistake(f"{error}; take them all the same with --any-generator") from None
    return found


def same_generator(g: Generator, directions: Directions) -> None:
    """Tell if directions were found with another generator than this one, where they say so."""
    from jaxgan.cli.words import note
    from jaxgan.core import fingerprint

    said = dict(directions.meta).get("generator")
    if said is not None and said != fingerprint(g):
        note("jaxgan: the directions were found with another generator; what they do here may differ")


def condition(g: Generator, label: int | None) -> np.ndarray | None:
    """Return the one-hot condition [classes] of a class, or None."""
    import numpy as np

    from jaxgan.cli.words import Mistake

    if label is None:
        return None
    if not g.arch.classes:
        raise Mistake("this generator has no classes; leave --class away")
    if not 0 <= label < g.arch.classes:
        raise Mistake(f"--class is {label}, this generator has 0 to {g.arch.classes - 1}")
    return np.eye(g.arch.classes, dtype=np.float32)[label]


def middle(g: Generator) -> str:
    """Name the last tap of an eighth of the resolution, or of the next size that there is; no sums of images."""
    import jax

    maps = jax.eval_shape(lambda key: g.read(g.sample(key, 1), g.arch.taps), jax.random.key(0))
    sides = {tap: maps[tap].shape[1] for tap in g.arch.taps if maps[tap].shape[-1] != g.arch.channels}
    least = min((side for side in sides.values() if side >= g.arch.resolution // 8), default=max(sides.values()))
    return [tap for tap, side in sides.items() if side == least][-1]


def drawn(g: Generator, code: Code, batch: int = BATCH, **options) -> Iterator[np.ndarray]:
    """Draw images of codes, `batch` at a time; the last part is filled up, so that one program serves all."""
    import jax.numpy as jnp
    import numpy as np

    from jaxgan import api

    n = len(code)
    for start in range(0, n, batch):
        rows = jnp.minimum(jnp.arange(start, start + min(batch, n)), n - 1)
        yield from np.asarray(api.generate(g, code[rows], **options))[: n - start]


def numbered(folder: Path, names: list[str], suffix: str = ".png") -> list[Path]:
    """Return one file for each name in a folder; a name that comes twice gets a number."""
    paths, taken = [], set()
    for name in names:
        stem, path, count = Path(name).with_suffix("").as_posix().replace("/", "-"), folder, 1
        while path == folder or path in taken:
            path = folder / f"{stem}{f'-{count}' if count > 1 else ''}{suffix}"
            count += 1
        taken.add(path)
        paths.append(path)
    return paths
