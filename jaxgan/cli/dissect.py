"""jaxgan dissect: what single units of a generator stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from jaxgan.cli import models, words

HELP = """Find which units of an activation stand for what (GAN Dissection): for each unit and each class of a segmenter
how well the unit's strongest places agree with where the class is, as intersection over union (IoU).

The built-in segmenter tells nine plain colours apart: red, yellow, green, cyan, blue, magenta, white, grey, black.

The table shows the units that agree best; FILE.json (or .npz) holds all of them, and FILE.png has a row for each unit
of the table: the images that it is strongest in, lit where it is active.

examples:
  jaxgan dissect scenes64 --samples 500
  jaxgan dissect scenes64 --tap b16 --top 20 --out units.json
  jaxgan dissect network.pkl --tap b32 --psi 0.7 --concept green --min-iou 0.1"""


@dataclass(frozen=True)
class Options:
    model: Annotated[str, Positional, arg(metavar="MODEL", help="A file, or the name of a bundled generator.")]
    tap: Annotated[
        str | None, arg(metavar="TAP", help="Activation; an eighth of the resolution if None. See jaxgan info MODEL.")
    ] = None
    samples: Annotated[int, arg(help="Images that are looked at.")] = 1000
    q: Annotated[float, arg(help="Share of its pixels in which a unit counts as active.")] = 0.005
    psi: Annotated[float | None, arg(metavar="FLOAT", help="Truncation of the codes.")] = None
    concept: Annotated[str | None, arg(metavar="NAME", help="Show the units of this class only.")] = None
    min_iou: Annotated[float, arg(help="Least agreement that is shown.")] = 0.04
    top: Annotated[int, arg(help="Units that are shown.")] = 12
    images: Annotated[int, arg(help="Images of each unit in the picture.")] = 6
    seed: Annotated[int, arg(help="Fixes the codes.")] = 0
    batch: Annotated[int, arg(help="Images at a time.")] = models.BATCH
    out: Annotated[Path, arg(metavar="FILE", help="All numbers, .json or .npz; the picture lies beside.")] = Path(
        "dissected.json"
    )
    overwrite: Annotated[bool, arg(help="Replace files that exist.")] = False


def main(args: Sequence[str]) -> None:
    """Run the verb."""
    options = words.read(Options, args, "jaxgan dissect", HELP)
    picture = checked(options)

    import jax

    from jaxgan import api, dissection, io
    from jaxgan.features.segmenter import PALETTE, colours

    if options.concept is not None and options.concept not in PALETTE:
        said = words.near(options.concept, PALETTE) or f"; there are {', '.join(PALETTE)}"
        raise words.Mistake(f"there is no class {options.concept!r}{said}")
    g = models.generator(options.model)
    tap = options.tap or models.middle(g)
    if tap not in g.arch.taps:
        said = words.near(tap, g.arch.taps) or f"; there are {', '.join(g.arch.taps)}"
        raise words.Mistake(f"there is no tap {tap!r}{said}")
    key, how = jax.random.key(options.seed), {"psi": options.psi, "batch": options.batch}
    report = api.dissect(g, colours(), key, tap=tap, samples=options.samples, q=options.q, **how)
    io.save_report(report, options.out)
    if options.concept is None:
        rows = report.labels(options.min_iou)
    else:
        column = report.column(options.concept)
        units = report.units(options.concept, options.min_iou)
        rows = [(u, options.concept, float(report.iou[u, column])) for u in units]
    show(f"{options.model}, {tap}: {len(rows)} of {len(report.iou)} units agree with a class", rows[: options.top])
    if not rows:
        words.say(f"No unit reaches an IoU of {options.min_iou:g}; all numbers are in {options.out}")
        return
    units = [row[0] for row in rows[: options.top]]
    images, masks = dissection.strongest(g, report, key, units, images=min(options.images, options.samples), **how)
    lit = dissection.lit(images, masks)
    io.save_grid(picture, lit.reshape(-1, *lit.shape[2:]), lit.shape[1])
    words.say(f"{len(report.iou)} units of {tap} in {options.out}, {picture}")


def checked(options: Options) -> Path:
    """Return the picture's path, or raise Mistake where options cannot be meant."""
    if options.out.suffix not in (".json", ".npz"):
        raise words.Mistake(f"--out is {options.out}; reports are written as .json or .npz")
    for name in ("samples", "top", "images", "batch"):
        if getattr(options, name) < 1:
            raise words.Mistake(f"--{name} is {getattr(options, name)}, it must be at least 1")
    if not 0 < options.q < 1:
        raise words.Mistake(f"--q is {options.q:g}, a share between 0 and 1")
    picture = options.out.with_suffix(".png")
    words.unwritten([options.out, picture], options.overwrite)
    return picture


def show(title: str, rows: Sequence[tuple[int, str, float]]) -> None:
    """Print units, their classes and how well they agree."""
    from rich.console import Console
    from rich.table import Table

    words.say(title)
    table = Table()
    for name in ("unit", "class", "IoU"):
        table.add_column(name, justify="left" if name == "class" else "right")
    for unit, concept, value in rows:
        table.add_row(str(unit), concept, f"{value:.3f}")
    Console().print(table)
