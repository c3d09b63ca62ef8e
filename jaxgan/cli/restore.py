"""jaxgan restore: find the picture behind a damaged one."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import Positional, arg

from jaxgan.cli import models, words
from jaxgan.cli.judges import rounded

HELP = """Find the pictures behind damaged ones: those that the generator draws, and that look the same once damaged.

Give the damaged pictures as they are. A hole is told by --mask: a picture that is black there, or TOP,LEFT,HEIGHT,WIDTH
in pixels of the generator's images. Small pictures are enlarged by --factor. --degrade damages good pictures first and
reports how near to them the results come.

In the output folder: NAME.png, the result for each image; side_by_side.png, what was seen above the results (and the
truth below with --degrade); figures.json.

examples:
  jaxgan restore scenes64 damaged.png --task inpaint --mask mask.png --paste
  jaxgan restore scenes64 photos/ --task inpaint --mask 16,16,32,32 --degrade
  jaxgan restore network.pkl small/ --task superres --factor 4
  jaxgan restore network.pkl old/ --task colorize --codes 10"""


@dataclass(frozen=True)
class Options:
    model: Annotated[str, Positional, arg(metavar="MODEL", help="A file, or the name of a bundled generator.")]
    images: Annotated[tuple[Path, ...], Positional, arg(metavar="IMAGE", help="Images and folders of images.")]
    task: Annotated[Literal["inpaint", "superres", "colorize", "denoise"], arg(help="What is wrong with them.")]
    mask: Annotated[str | None, arg(metavar="FILE|BOX", help="The hole: black in a picture, or a box.")] = None
    factor: Annotated[int, arg(help="How many times smaller the pictures are a side.")] = 4
    sigma: Annotated[float, arg(help="Deviation of the noise in grey levels of 255.")] = 25.0
    space: Annotated[str | None, arg(help="Space that is searched; p+ if there is one.")] = None
    steps: Annotated[int, arg(help="Steps of the search.")] = 300
    lr: Annotated[float, arg(help="Step size in spreads of the population.")] = 0.1
    prior: Annotated[float | None, arg(help="Weight of the population's prior; 0.01 where P is.")] = None
    codes: Annotated[int, arg(help="Compose this many codes for each image (mGANprior); 0: one code.")] = 0
    tap: Annotated[str | None, arg(help="Where they are composed; an eighth of the resolution if left out.")] = None
    paste: Annotated[bool, arg(help="Put back what was seen: known pixels, light and dark, small pictures.")] = False
    degrade: Annotated[bool, arg(help="The pictures are good: damage them, restore, compare.")] = False
    label: Annotated[int | None, arg(name="class", metavar="INT", help="Class of the images.")] = None
    lpips: Annotated[
        Literal["vgg", "alex", "squeeze"] | None, arg(help="Judge by LPIPS with this trunk; needs --weights, --heads.")
    ] = None
    weights: Annotated[Path | None, arg(metavar="FILE", help="Weights of the trunk.")] = None
    heads: Annotated[Path | None, arg(metavar="FILE", help="Linear heads of LPIPS.")] = None
    seed: Annotated[int, arg(help="Fixes every draw.")] = 0
    batch: Annotated[int, arg(help="Images restored at a time.")] = 8
    strict: Annotated[bool, arg(help="Stop at an unreadable file instead of leaving it out.")] = False
    out: Annotated[Path, arg(metavar="FOLDER", help="Where results go.")] = Path("restored")
    overwrite: Annotated[bool, arg(help="Replace files that exist.")] = False


PRIOR = 0.01


def main(args: Sequence[str]) -> None:
    """Run the verb."""
    options = words.read(Options, args, "jaxgan restore", HELP)
    check(options)
    words.unwritten([options.out / "figures.json"], options.overwrite)

    import jax
    import jax.numpy as jnp
    import numpy as np

    from jaxgan import api, io

    g = models.generator(options.model)
    operator = damage(options, g)
    images, names, notes = read(options, g)
    for line in notes:
        words.note(f"jaxgan: left out {line}")
    files = models.numbered(options.out, names)
    words.unwritten(files, options.overwrite)
    judge = None
    if options.lpips is not None:
        judge = io.load_lpips(options.lpips, weights=str(options.weights), heads=str(options.heads))
    key = jax.random.key(options.seed)
    seen = shown(options, operator, jnp.asarray(images), key)
    how, label = inverter(options, g, operator, judge, key), models.condition(g, options.label)
    batch, results, rows = min(options.batch, len(images)), [], []
    for start in range(0, len(images), batch):
        began, n = time.monotonic(), min(batch, len(images) - start)
        # The last part is filled up, so that one program serves all; and every part gets the same key, so that an
        # image's result does not depend on its place.
        some = jnp.minimum(jnp.arange(start, start + batch), len(images) - 1)
        first = None if label is None else g.sample(key, batch, label)
        found, _ = api.invert(g, seen[some], how, key, start=first)
        made = found.images()
        if options.paste:
            made = made + shown(options, operator, seen[some]) - shown(options, operator, made)
        made = jnp.clip(made, -1, 1)
        figures = errors(options, operator, judge, made, seen[some], images[some])
        seconds = (time.monotonic() - began) / n
        results += list(np.asarray(made)[:n])
        for i in range(n):
            io.save_image(files[start + i], results[start + i])
            row = {name: float(values[i]) for name, values in figures.items()} | {"seconds": seconds}
            kept = {name: rounded(value) for name, value in row.items()}
            rows.append({"image": names[start + i], "file": files[start + i].name, **kept})
            words.say(f"{names[start + i]:<32}  " + "  ".join(f"{name} {value:.4g}" for name, value in row.items()))
        write(options, np.asarray(seen), results, images, rows, notes)
    words.say(f"{len(rows)} images in {options.out}")


def check(options: Options) -> None:
    """Raise Mistake where options do not go together."""
    if not options.images:
        raise words.Mistake("IMAGE is missing: give images or folders of images; see jaxgan restore --help")
    if (options.task == "inpaint") != (options.mask is not None):
        need = "needs --mask FILE or --mask TOP,LEFT,HEIGHT,WIDTH" if options.mask is None else "has no use for --mask"
        raise words.Mistake(f"--task {options.task} {need}")
    if options.paste and options.task == "denoise":
        raise words.Mistake("--paste would put the noise back; leave it away")
    if options.tap is not None and not options.codes:
        raise words.Mistake("--tap is for --codes: say how many")
    if options.codes and (options.prior or options.space):
        raise words.Mistake("--codes searches several codes of the first space; leave --prior and --space away")
    for name, least in (("factor", 2), ("batch", 1), ("steps", 0), ("codes", 0), ("sigma", 0)):
        if getattr(options, name) < least:
            raise words.Mistake(f"--{name} is {getattr(options, name)}, it must be at least {least}")
    lpips = (options.lpips, options.weights, options.heads)
    if any(lpips) and not all(lpips):
        raise words.Mistake("--lpips, --weights and --heads go together")


def damage(options: Options, g):
    """Return the operator of the task, from images to images of the same size."""
    import numpy as np

    from jaxgan import io
    from jaxgan.losses import degrade

    side = g.arch.resolution
    if options.task == "superres":
        if side % options.factor:
            raise words.Mistake(f"--factor {options.factor} does not divide the generator's {side} pixels")
        return degrade.chain(degrade.down(options.factor), degrade.up(options.factor))
    if options.task == "colorize":
        if g.arch.channels != 3:
            raise words.Mistake("--task colorize needs a generator of coloured images, this one draws grey ones")
        return degrade.luma()
    if options.task == "denoise":
        return degrade.chain()
    mask = str(options.mask)
    if all(part.strip().lstrip("-").isdigit() for part in mask.split(",")):
        numbers: Any = tuple(int(part) for part in mask.split(","))
        if len(numbers) != 4:
            raise words.Mistake(f"--mask is {mask!r}; write a box as TOP,LEFT,HEIGHT,WIDTH")
        return degrade.hole(degrade.box((side, side), numbers))
    picture, _, _ = io.read_images(mask, side, 1, strict=True)
    hole = np.asarray(picture[0] > 0, np.float32)
    if hole.min() == hole.max():
        raise words.Mistake(f"{mask} is {'white' if hole.max() else 'black'} everywhere; black are the lost pixels")
    return degrade.hole(hole)


def read(options: Options, g):
    """Read the pictures at the size that they have been seen in, and enlarge them to the generator's."""
    import jax.numpy as jnp
    import numpy as np

    from jaxgan import io
    from jaxgan.ops.resample import enlarge

    small = options.task == "superres" and not options.degrade
    factor = options.factor if small else 1
    images, names, notes = io.read_images(options.images, g.arch.resolution // factor, g.arch.channels, options.strict)
    return np.asarray(enlarge(jnp.asarray(images), factor)), names, notes


def shown(options: Options, operator, images, key=None):
    """Return what is seen of images, at the generator's size; with a key, the noise to be removed as well."""
    import jax
    import jax.numpy as jnp

    if options.task == "denoise" and options.degrade and key is not None:
        # Every picture gets the same noise, so that its result does not depend on its place; files are clipped too.
        return jnp.clip(images + options.sigma / 127.5 * jax.random.normal(key, images.shape[1:]), -1, 1)
    return operator(images)


def inverter(options: Options, g, operator, judge, key):
    """Return the inverter that the command describes."""
    import optax

    from jaxgan import inversion, losses
    from jaxgan.latents.spaces import styled
    from jaxgan.latents.stats import population

    perceptual = losses.perceptual() if judge is None else losses.lpips(judge)
    # Of pixels with Gaussian noise, squares are the likelihood; what judges structure would see the noise's.
    objective = losses.pixel() if options.task == "denoise" else perceptual + losses.pixel()
    objective = losses.observed(objective, operator)
    if options.codes:
        tap = options.tap or models.middle(g)
        return inversion.papers.mganprior(tap, options.codes, objective, options.steps, lr=options.lr)
    weight = options.prior
    if weight is None:
        weight = PRIOR if "p" in g.spaces else 0.0
    if weight and "p" not in g.spaces:
        raise words.Mistake(f"--prior needs the space 'p', {g.arch.name} offers {', '.join(g.spaces)}")
    if weight:
        objective = objective + weight * losses.mahalanobis(population(g, key))
    # Along the principal axes of P steps are as long as the population is wide, so that the prior slows nothing down.
    plain = "p" if "p" in g.spaces else styled(g)
    space = options.space or (f"{plain}+" if f"{plain}+" in g.spaces else plain)
    rank = g.arch.shape("p")[-1] if space in ("p", "p+") else None
    return inversion.refine(objective, optax.adam(options.lr), options.steps, space, start="mean", rank=rank)


def errors(options: Options, operator, judge, made, seen, truth) -> dict:
    """Return figures by name, [N] each: how near to what was seen, and with --degrade how near to the truth."""
    import numpy as np

    from jaxgan import metrics
    from jaxgan.features import lpips

    figures = {"seen_mse": metrics.mse(shown(options, operator, made), shown(options, operator, seen))}
    if options.degrade:
        figures |= {name: getattr(metrics, name)(made, truth) for name in ("psnr", "ssim")}
        figures |= {f"{name}_before": getattr(metrics, name)(seen, truth) for name in ("psnr", "ssim")}
        if judge is not None:
            figures["lpips"] = lpips.distance(judge, made, truth)
            figures["lpips_before"] = lpips.distance(judge, seen, truth)
    return {name: np.asarray(values) for name, values in figures.items()}


def write(options: Options, seen, results, truth, rows, notes) -> None:
    """Write what is finished so far."""
    import numpy as np

    from jaxgan import io
    from jaxgan.io.atomic import replaced

    columns, cells = min(8, len(results)), []
    shelves = [seen, results, truth] if options.degrade else [seen, results]
    for at in range(0, len(results), columns):  # a row of what was seen, one of results, and so on
        blank = [np.ones_like(results[0])] * (columns - len(results[at : at + columns]))
        for shelf in shelves:
            cells += [*np.clip(shelf[at : min(at + columns, len(results))], -1, 1), *blank]
    io.save_grid(options.out / "side_by_side.png", np.stack(cells), columns)
    with replaced(options.out / "figures.json") as path:
        path.write_text(json.dumps({"task": options.task, "images": rows, "left_out": notes}, indent=2) + "\n")
