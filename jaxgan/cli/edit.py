"""jaxgan edit: move codes along directions and draw the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from jaxgan.cli import models, words

HELP = """Move codes along a direction and draw them: strip.png has a row for each code, a column for each strength.

The codes are those of jaxgan invert, or are drawn from seeds; the directions are those of jaxgan discover. The edited
codes are written too, row by row. Codes of jaxgan invert that an edit carries out of the population are told.

examples:
  jaxgan edit scenes64 --codes inverted/codes.safetensors --directions pca.safetensors --index 0
  jaxgan edit scenes64 --seeds 0-7 --directions pca.safetensors --index 2 --by -2,0,2 --layers 4-7
  jaxgan edit network.pkl --seeds 5 --directions named.safetensors --name floor --by 1.5 --out floor"""


@dataclass(frozen=True)
class Options:
    model: Annotated[str, Positional, arg(metavar="MODEL", help="A file, or the name of a bundled generator.")]
    directions: Annotated[Path, arg(metavar="FILE", help="Directions, as jaxgan discover writes them.")]
    codes: Annotated[Path | None, arg(metavar="FILE", help="Codes, as jaxgan invert writes them.")] = None
    seeds: Annotated[str | None, arg(metavar="0-7", help="Seeds of codes, instead of --codes.")] = None
    any_generator: Annotated[bool, arg(help="Take codes that were found with another generator.")] = False
    index: Annotated[int | None, arg(metavar="INT", help="Direction by number; 0 without --name.")] = None
    name: Annotated[str | None, arg(metavar="WORD", help="Direction by name.")] = None
    by: Annotated[str, arg(metavar="-3:3:7", help="Strengths in standard deviations.")] = "-3:3:7"
    layers: Annotated[str | None, arg(metavar="4-7", help="Layers that move; the directions' own if None.")] = None
    psi: Annotated[float | None, arg(metavar="FLOAT", help="Truncation of the codes before the edit.")] = None
    separate: Annotated[bool, arg(help="Write every image as a file of its own too.")] = False
    out: Annotated[Path, arg(metavar="FOLDER", help="Where results go.")] = Path("edited")
    overwrite: Annotated[bool, arg(help="Replace files that exist.")] = False


def main(args: Sequence[str]) -> None:
    """Run the verb."""
    options = words.read(Options, args, "jaxgan edit", HELP)
    if (options.codes is None) == (options.seeds is None):
        raise words.Mistake("give either --codes or --seeds")
    if options.index is not None and options.name is not None:
        raise words.Mistake("give either --index or --name")
    by = words.steps(options.by)
    seeds = None if options.seeds is None else words.numbers(options.seeds, "seeds")
    layers = None if options.layers is None else words.numbers(options.layers, "layers")
    strip, edited = options.out / "strip.png", options.out / "codes.safetensors"
    words.unwritten([strip, edited], options.overwrite)

    import jax
    import jax.numpy as jnp
    import numpy as np

    from jaxgan import api, io, metrics
    from jaxgan.core import Directions
    from jaxgan.editing import chain, move, sweep, truncate
    from jaxgan.latents.walks import seeded

    g = models.generator(options.model)
    found = models.loaded(options.directions, Directions, "directions")
    code = seeded(g, seeds) if seeds is not None else models.codes(str(options.codes), g, options.any_generator).code
    models.same_generator(g, found)
    if options.name is not None and options.name not in found.names:
        raise words.Mistake(
            f"no direction is named {options.name!r}{words.near(options.name, found.names)}; "
            f"there are {', '.join(found.names) or f'{len(found)} without names'}"
        )
    chosen = found[options.name if options.name is not None else options.index or 0]
    along = sweep(lambda strength: move(chosen, strength, layers), jnp.array(by))
    how = along if options.psi is None else chain(truncate(options.psi), along)
    changed, n = api.edit(g, code, how), len(code)
    if options.codes is not None:
        said = metrics.leaving(g, code, changed, metrics.bounds(g, jax.random.key(0)))
        if said is not None:
            words.note(f"jaxgan: {said}")
    # A sweep puts all codes of the first strength first; a strip has one row for each code.
    changed = changed[np.arange(len(by) * n).reshape(len(by), n).T.reshape(-1)]
    images = np.stack(list(models.drawn(g, changed)))
    io.save_grid(strip, images, len(by))
    io.save_codes(jax.tree.map(np.asarray, changed), edited, g, meta={"command": " ".join(["jaxgan edit", *args])})
    if options.separate:
        names = [f"code{i:03d}_by{strength:+g}" for i in range(n) for strength in by]
        for path, image in zip((options.out / f"{name}.png" for name in names), images, strict=True):
            io.save_image(path, image)
    words.say(f"{n} codes at {len(by)} strengths in {strip}, {edited}")
