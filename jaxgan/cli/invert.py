"""jaxgan invert: find the codes that draw given images."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import Positional, arg

from jaxgan.cli import inverters, judges, models, words

HELP = """Find the codes with which a generator draws given images. Folders are searched; images are cropped to squares.

--how names an inverter: a space to search (w, w+, s, p, p+, z), encode, or a paper: projector, image2stylegan, ii2s,
soat, pti, idinvert ...; settings follow a colon, as in ii2s:weight=0.01.

In the output folder: NAME.png, the reconstruction of each image; side_by_side.png, originals above reconstructions;
codes.safetensors, the codes with all that it takes to draw them again, in the order of figures.json, which holds each
image's figures: distances to the original, how far the code lies from the population (Mahalanobis, 1 is typical), how
far edits carry the image compared with the population's (drift, 1 is typical), seconds. All are written after every
batch; what is finished survives an interruption, and the same command goes on from there.

examples:
  jaxgan invert scenes64 picture.png another.jpg
  jaxgan invert network.pkl photos/ --how w+ --steps 1000 --out inverted
  jaxgan invert network.pkl photos/ --how pti --lpips vgg --weights vgg16.pth --heads lpips/
  jaxgan invert network.pkl photos/ --encoder e4e.safetensors --steps 50"""

GENERATOR, CODES = ".generator.safetensors", ".codes.safetensors"


@dataclass(frozen=True)
class Options:
    model: Annotated[str, Positional, arg(metavar="MODEL", help="A file, or the name of a bundled generator.")]
    images: Annotated[tuple[Path, ...], Positional, arg(metavar="IMAGE", help="Images and folders of images.")]
    how: Annotated[str, arg(metavar="NAME", help="Inverter: a space, encode, or a paper.")] = "refine"
    space: Annotated[str | None, arg(metavar="SPACE", help="Space that is searched: z, w, w+, s, p or p+.")] = None
    steps: Annotated[int | None, arg(metavar="INT", help="Steps of the search; 500, or the paper's.")] = None
    lr: Annotated[float | None, arg(metavar="FLOAT", help="Step size in spreads of the population.")] = None
    solver: Annotated[
        Literal["adam", "lm"] | None, arg(metavar="{adam,lm}", help="lm: Levenberg-Marquardt, for w.")
    ] = None
    noise: Annotated[bool, arg(help="Optimise the noise maps too.")] = False
    encoder: Annotated[Path | None, arg(metavar="FILE", help="Encoder whose codes the search starts from.")] = None
    tune: Annotated[int, arg(help="Steps of pivotal tuning afterwards, of one generator for all images.")] = 0
    label: Annotated[int | None, arg(name="class", metavar="INT", help="Class of the images.")] = None
    lpips: Annotated[
        Literal["vgg", "alex", "squeeze"] | None, arg(help="Judge by LPIPS with this trunk; needs --weights, --heads.")
    ] = None
    weights: Annotated[Path | None, arg(metavar="FILE", help="Weights of the trunk.")] = None
    heads: Annotated[Path | None, arg(metavar="FILE", help="Linear heads of LPIPS.")] = None
    identity: Annotated[Path | None, arg(metavar="FILE", help="Network whose embeddings are compared.")] = None
    consistency: Annotated[bool, arg(help="Edit, draw, invert again and undo: twice the time.")] = False
    seed: Annotated[int, arg(help="Fixes every draw.")] = 0
    batch: Annotated[int, arg(help="Images inverted, and written, at a time.")] = 8
    chunk: Annotated[int | None, arg(metavar="INT", help="Images of a batch in memory at a time; all if None.")] = None
    strict: Annotated[
        bool, arg(help="Stop at an unreadable file, or one of another size or mode, instead of leaving or changing it.")
    ] = False
    out: Annotated[Path, arg(metavar="FOLDER", help="Where results go.")] = Path("inverted")
    overwrite: Annotated[bool, arg(help="Replace files that exist, instead of going on.")] = False


@dataclass
class Done:
    """What is finished: a row of figures, a record of the image and a code for each, and the losses [steps, N]."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    images: list[dict[str, Any]] = field(default_factory=list)
    codes: list[Any] = field(default_factory=list)
    losses: list[Any] = field(default_factory=list)
    drawn: dict[str, Any] = field(default_factory=dict)


def main(args: Sequence[str]) -> None:
    """Run the verb."""
    options = words.read(Options, args, "jaxgan invert", HELP)
    checked(options)

    import jax
    import jax.numpy as jnp
    import numpy as np

    from jaxgan import api, io
    from jaxgan.core import fingerprint
    from jaxgan.io.images import to_uint8

    g = models.generator(options.model)
    images, pictures, notes = io.read_pictures(
        options.images, g.resolution, g.arch.channels, strict=options.strict, exact=options.strict
    )
    for line in notes:
        words.note(f"jaxgan: left out {line}")
    for picture in pictures:
        if picture.change:
            words.note(f"jaxgan: {picture.name} {picture.change}")
    digests = [hashlib.sha256(to_uint8(image).tobytes()).hexdigest()[:16] for image in images]
    settings = {**plain(options), "generator": fingerprint(g)}
    done = Done() if options.overwrite else earlier(options.out, settings)
    finished = {image["digest"] for image in done.images}
    left = [i for i, digest in enumerate(digests) if digest not in finished]
    if finished and len(left) < len(images):
        words.note(f"jaxgan: {len(images) - len(left)} of {len(images)} images are finished in {options.out}")
    files = models.numbered(options.out, [row["image"] for row in done.rows] + [pictures[i].name for i in left])
    files = files[len(done.rows) :]
    words.unwritten(files, options.overwrite)
    if not left:
        words.say(f"{len(done.rows)} images in {options.out}")
        return

    judge, keys = judges.chosen(options, g), jax.random.split(jax.random.key(options.seed), 2)
    label = models.condition(g, options.label)
    with words.bar() as tick:
        how = described(options, g, judge.objective, tick)
        batch = len(left) if options.tune else min(options.batch, len(left))
        for start in range(0, len(left), batch):
            began, some = time.monotonic(), left[start : start + batch]
            # The last part is filled up, so that one program serves all; and every part gets the same key, so that
            # an image's result does not depend on its place.
            filled = images[np.array(some + some[-1:] * (batch - len(some)))]
            first = None if label is None else g.sample(keys[0], batch, label)
            found, info = api.invert(g, filled, how, keys[0], start=first)
            made = jax.block_until_ready(jnp.clip(found.images(), -1, 1))  # what is written
            seconds = (time.monotonic() - began) / len(some)
            figures = judges.figures(judge, g, found, made, filled)
            if options.consistency and "drift" in figures:
                figures["consistency"] = judges.consistency(judge, g, found, how, keys[0])
            code: Any = found.code
            loss, drawn = np.asarray(info["loss"])[:, : len(some)], np.asarray(made)
            done.codes.append(code[: len(some)])
            done.losses.append(loss)
            for j, i in enumerate(some):
                record(done, pictures[i], digests[i], files[start + j], drawn[j], figures, j, seconds)
                warn(pictures[i].name, loss[:, j])
                if found.stacked:
                    save_own(options.out, files[start + j], found[j])
            owner = found.generator if options.tune else g
            write(options.out, done, owner, dict(zip(digests, images, strict=True)), settings, notes)
            if tick is not None:
                tick("images", start + len(some), len(left))
    if options.tune:
        io.save(found.generator, options.out / "generator.safetensors", {"tuned": f"{options.tune} steps"})
    words.say(f"{len(done.rows)} images in {options.out}")


def checked(options: Options) -> None:
    """Raise Mistake where options cannot be meant together, before anything is loaded."""
    if not options.images:
        raise words.Mistake("IMAGE is missing: give images or folders of images; see jaxgan invert --help")
    if options.batch < 1:
        raise words.Mistake(f"--batch is {options.batch}, it must be at least 1")
    judges.checked(options)


def plain(options: Options) -> dict[str, Any]:
    """Return the settings that change what is found."""
    aside = ("model", "images", "batch", "chunk", "strict", "out", "overwrite", "consistency", "identity")
    found = {name: value for name, value in vars(options).items() if name not in aside}
    return {name: value.as_posix() if isinstance(value, Path) else value for name, value in found.items()}


def described(options: Options, g, objective, tick):
    """Return the inverter that the command describes."""
    from jaxgan import inversion

    settings = {name: getattr(options, name) for name in ("space", "steps", "lr", "solver")}
    settings = {name: value for name, value in settings.items() if value is not None}
    if options.noise:
        settings["noise"] = True
    progress = None if tick is None else lambda step, steps: tick("steps", step, steps)
    encoder = None if options.encoder is None else inverters.network(options.encoder)
    how = inverters.inverter(
        options.how, g, objective, encoder=encoder, settings=settings, chunk=options.chunk, progress=progress
    )
    return inversion.chain(how, inversion.tune(objective, steps=options.tune)) if options.tune else how


def earlier(out: Path, settings: dict[str, Any]) -> Done:
    """Return what the same command has finished in the folder before.

    Raises:
        Mistake: What is there was found with other settings.
    """
    import numpy as np

    from jaxgan import io

    figures, codes = out / "figures.json", out / "codes.safetensors"
    if not figures.exists() or not codes.exists():
        words.unwritten([figures, codes], overwrite=False)
        return Done()
    said = json.loads(figures.read_text())
    was = said.get("settings", {})
    other = [name for name in settings if was.get(name) != settings[name]]
    if other:
        raise words.Mistake(
            f"{figures} exists already, with {other[0]} {was.get(other[0])!r} instead of {settings[other[0]]!r}; "
            "choose another --out, or replace it with --overwrite"
        )
    result = io.load_codes(codes)
    losses = [] if result.loss is None else [np.asarray(result.loss)]
    return Done(said["images"], [dict(image) for image in result.images], [result.code], losses)


def record(done: Done, picture, digest: str, file: Path, drawn, figures, j: int, seconds: float) -> None:
    """Add one image to what is finished, draw it and show its figures."""
    from jaxgan import io

    io.save_image(file, drawn)
    values = {name: judges.rounded(column[j]) for name, column in figures.items()} | {"seconds": round(seconds, 3)}
    done.rows.append({"image": picture.name, "file": file.name, **values})
    done.images.append(
        {
            "image": picture.name,
            "digest": digest,
            "size": list(picture.size),
            "mode": picture.mode,
            "box": list(picture.box),
            "resolution": picture.resolution,
        }
    )
    done.drawn[digest] = drawn
    shown = "  ".join(f"{name} {'-' if value is None else f'{value:.4g}'}" for name, value in values.items())
    words.say(f"{picture.name:<32}  {shown}")


def warn(name: str, loss) -> None:
    """Tell if an image's loss [steps] was not a number somewhere."""
    import numpy as np

    lost = np.isnan(loss)
    if lost.any():
        kept = "where it started" if lost.all() else "the best code that was seen"
        words.note(f"jaxgan: {name}: the loss was not a number in {lost.sum()} steps; kept is {kept}")


def save_own(out: Path, file: Path, found) -> None:
    """Write one image's own generator, and its code, which belongs to that."""
    from jaxgan import io

    io.save(found.generator, out / f"{file.stem}{GENERATOR}", {"tuned": "for one image"})
    io.save_codes(found.code, out / f"{file.stem}{CODES}", found.generator)


def write(out: Path, done: Done, owner, originals: dict[str, Any], settings, notes) -> None:
    """Write what is finished so far."""
    import numpy as np

    from jaxgan import io
    from jaxgan.io.atomic import replaced
    from jaxgan.latents.walks import joined

    loss = np.concatenate(done.losses, axis=1) if done.losses else None
    io.save_codes(
        joined(done.codes), out / "codes.safetensors", owner, images=done.images, loss=loss, meta={"settings": settings}
    )
    shown = [digest for digest in done.drawn if digest in originals]
    images, drawn = [originals[d] for d in shown], [done.drawn[d] for d in shown]
    columns = min(8, len(drawn))
    pairs = []  # a row of originals, then their reconstructions, and so on
    for at in range(0, len(drawn), columns):
        blank = [np.ones_like(images[0])] * (columns - len(drawn[at : at + columns]))
        pairs += [*images[at : at + columns], *blank, *drawn[at : at + columns], *blank]
    io.save_grid(out / "side_by_side.png", np.stack(pairs), columns)
    said = {"images": done.rows, "left_out": notes, "settings": settings}
    with replaced(out / "figures.json") as path:
        path.write_text(json.dumps(said, indent=2, allow_nan=False) + "\n")
