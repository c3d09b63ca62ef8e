"""jaxgan invert: find the codes that draw given images."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import Positional, arg

from jaxgan.cli import models, words

HELP = """Find the codes with which a generator draws given images. Folders are searched; images are cropped to squares.

In the output folder: NAME.png, the reconstruction of each image; side_by_side.png, originals above reconstructions;
codes.safetensors, the codes in the order of figures.json, which holds each image's errors and time. All are written
after every batch, so that what is finished survives an interruption.

examples:
  jaxgan invert scenes64 picture.png another.jpg
  jaxgan invert network.pkl photos/ --space w+ --steps 1000 --out inverted
  jaxgan invert network.pkl photos/ --lpips vgg --weights vgg16.pth --heads lpips/ --tune 350"""


@dataclass(frozen=True)
class Options:
    model: Annotated[str, Positional, arg(metavar="MODEL", help="A file, or the name of a bundled generator.")]
    images: Annotated[tuple[Path, ...], Positional, arg(metavar="IMAGE", help="Images and folders of images.")]
    space: Annotated[str, arg(help="Space that is searched: z, w, w+, s, p or p+.")] = "w+"
    steps: Annotated[int, arg(help="Steps of the search.")] = 500
    lr: Annotated[float, arg(help="Step size in spreads of the population.")] = 0.1
    solver: Annotated[Literal["adam", "lm"], arg(help="lm: Levenberg-Marquardt, for w.")] = "adam"
    noise: Annotated[bool, arg(help="Optimise the noise maps too.")] = False
    tune: Annotated[int, arg(help="Steps of pivotal tuning afterwards; writes generator.safetensors.")] = 0
    label: Annotated[int | None, arg(name="class", metavar="INT", help="Class of the images.")] = None
    lpips: Annotated[
        Literal["vgg", "alex", "squeeze"] | None, arg(help="Judge by LPIPS with this trunk; needs --weights, --heads.")
    ] = None
    weights: Annotated[Path | None, arg(metavar="FILE", help="Weights of the trunk.")] = None
    heads: Annotated[Path | None, arg(metavar="FILE", help="Linear heads of LPIPS.")] = None
    seed: Annotated[int, arg(help="Fixes every draw.")] = 0
    batch: Annotated[int, arg(help="Images inverted at a time.")] = 8
    strict: Annotated[bool, arg(help="Stop at an unreadable file instead of leaving it out.")] = False
    out: Annotated[Path, arg(metavar="FOLDER", help="Where results go.")] = Path("inverted")
    overwrite: Annotated[bool, arg(help="Replace files that exist.")] = False


def main(args: Sequence[str]) -> None:
    """Run the verb."""
    options = words.read(Options, args, "jaxgan invert", HELP)
    if not options.images:
        raise words.Mistake("IMAGE is missing: give images or folders of images; see jaxgan invert --help")
    if options.batch < 1:
        raise words.Mistake(f"--batch is {options.batch}, it must be at least 1")
    lpips = (options.lpips, options.weights, options.heads)
    if any(lpips) and not all(lpips):
        raise words.Mistake("--lpips, --weights and --heads go together")
    words.unwritten([options.out / "figures.json"], options.overwrite)

    import jax
    import jax.numpy as jnp
    import numpy as np

    from jaxgan import api, io

    g = models.generator(options.model)
    images, names, notes = io.read_images(options.images, g.arch.resolution, g.arch.channels, options.strict)
    for line in notes:
        words.note(f"jaxgan: left out {line}")
    files = models.numbered(options.out, names)
    words.unwritten(files, options.overwrite)
    judge = None
    if options.lpips is not None:
        judge = io.load_lpips(options.lpips, weights=str(options.weights), heads=str(options.heads))
    how, label = inverter(options, judge), models.condition(g, options.label)
    batch = len(images) if options.tune else min(options.batch, len(images))
    codes, rows, drawn = [], [], []
    for start in range(0, len(images), batch):
        began, n = time.monotonic(), min(batch, len(images) - start)
        # The last part is filled up, so that one program serves all; and every part gets the same key, so that an
        # image's result does not depend on its place.
        some = images[np.minimum(np.arange(start, start + batch), len(images) - 1)]
        key = jax.random.key(options.seed)
        first = None if label is None else g.sample(key, batch, label)
        found, _ = api.invert(g, some, how, key, start=first)
        made = jnp.clip(found.images(), -1, 1)  # what is written
        figures = {name: np.asarray(values) for name, values in errors(made, some, judge).items()}
        seconds = (time.monotonic() - began) / n
        code: Any = found.code
        codes.append(code[:n])
        drawn += list(np.asarray(made)[:n])
        for i in range(n):
            io.save_image(files[start + i], drawn[start + i])
            row = {name: round(float(values[i]), 6) for name, values in figures.items()} | {
                "seconds": round(seconds, 3)
            }
            rows.append({"image": names[start + i], "file": files[start + i].name, **row})
            words.say(f"{names[start + i]:<32}  " + "  ".join(f"{name} {value:.4g}" for name, value in row.items()))
        write(options.out, codes, images[: len(drawn)], drawn, rows, notes)
    if options.tune:
        io.save(found.generator, options.out / "generator.safetensors", {"tuned": f"{options.tune} steps"})
    words.say(f"{len(rows)} images in {options.out}")


def inverter(options: Options, judge):
    """Return the inverter that the command describes."""
    import optax

    from jaxgan import inversion, losses

    objective = losses.perceptual() + losses.pixel()
    if judge is not None:
        objective = losses.lpips(judge) + losses.pixel()
    search = inversion.refine(
        objective,
        optax.adam(options.lr),
        options.steps,
        options.space,
        start="mean",
        noise=options.noise,
        solver=options.solver,
    )
    return inversion.chain(search, inversion.tune(objective, steps=options.tune)) if options.tune else search


def errors(drawn, images, judge) -> dict:
    """Return figures by name, [N] each."""
    from jaxgan import metrics

    figures = {name: getattr(metrics, name)(drawn, images) for name in ("mse", "psnr", "ssim")}
    if judge is not None:
        from jaxgan.features import lpips

        figures["lpips"] = lpips.distance(judge, drawn, images)
    return figures


def write(out: Path, codes, images, drawn, rows, notes) -> None:
    """Write what is finished so far."""
    import numpy as np

    from jaxgan import io
    from jaxgan.io.atomic import replaced
    from jaxgan.latents.walks import joined

    io.save(joined(codes), out / "codes.safetensors", {"images": [row["image"] for row in rows]})
    columns = min(8, len(drawn))
    pairs = []  # a row of originals, then their reconstructions, and so on
    for at in range(0, len(drawn), columns):
        blank = [np.ones_like(images[0])] * (columns - len(drawn[at : at + columns]))
        pairs += [*images[at : at + columns], *blank, *drawn[at : at + columns], *blank]
    io.save_grid(out / "side_by_side.png", np.stack(pairs), columns)
    with replaced(out / "figures.json") as path:
        path.write_text(json.dumps({"images": rows, "left_out": notes}, indent=2) + "\n")
