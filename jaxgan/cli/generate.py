"""jaxgan generate: draw images from seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from jaxgan.cli import models, words

HELP = """Draw images from seeds: one file for each seed, a grid, or a film that walks from seed to seed.

Instead of seeds, --codes draws codes that jaxgan invert or jaxgan edit have written.

examples:
  jaxgan generate scenes64 --seeds 0-63 --grid
  jaxgan generate network.pkl --seeds 0-15,77 --psi 0.7 --cutoff 8 --class 3 --out faces
  jaxgan generate scenes64 --seeds 1-6 --video walk.gif
  jaxgan generate scenes64 --codes inverted/codes.safetensors --out again"""


@dataclass(frozen=True)
class Options:
    model: Annotated[str, Positional, arg(metavar="MODEL", help="A file, or the name of a bundled generator.")]
    seeds: Annotated[str | None, arg(metavar="0-63,70", help="One image for each; 0-15 if None.")] = None
    codes: Annotated[Path | None, arg(metavar="FILE", help="Codes to draw instead of seeds.")] = None
    any_generator: Annotated[bool, arg(help="Take codes that were found with another generator.")] = False
    psi: Annotated[float | None, arg(metavar="FLOAT", help="Truncation: 1 none, 0 the mean image.")] = None
    cutoff: Annotated[int | None, arg(metavar="INT", help="Layers that truncation acts on; all if None.")] = None
    label: Annotated[int | None, arg(name="class", metavar="INT", help="Class; by seed if None.")] = None
    noise: Annotated[
        Literal["const", "random", "none"] | None,
        arg(metavar="{const,random,none}", help="Noise maps; const, or as the codes say."),
    ] = None
    grid: Annotated[bool, arg(help="Write one picture, grid.png, of all images.")] = False
    video: Annotated[Path | None, arg(metavar="FILE", help="Write a film: .mp4, .gif or .webp.")] = None
    frames: Annotated[int, arg(help="Frames of the film from seed to seed.")] = 30
    fps: Annotated[float, arg(help="Frames of the film in a second.")] = 30.0
    out: Annotated[Path, arg(metavar="FOLDER", help="Where images go.")] = Path("generated")
    batch: Annotated[int, arg(help="Images drawn at a time.")] = models.BATCH
    overwrite: Annotated[bool, arg(help="Replace files that exist.")] = False


def main(args: Sequence[str]) -> None:
    """Run the verb."""
    options = words.read(Options, args, "jaxgan generate", HELP)
    if options.cutoff is not None and options.psi is None:
        raise words.Mistake("--cutoff says where --psi acts; give --psi too")
    if options.batch < 1:
        raise words.Mistake(f"--batch is {options.batch}, it must be at least 1")
    if options.codes is not None and (options.seeds is not None or options.label is not None):
        raise words.Mistake("--codes stand instead of --seeds and --class")
    seeds = words.numbers(options.seeds or "0-15", "seeds")
    names = [f"seed{seed:04d}" for seed in seeds]
    fixed = [options.video] if options.video is not None else [options.out / "grid.png"] if options.grid else None
    files = fixed or models.numbered(options.out, names)
    if options.codes is None:
        words.unwritten(files, options.overwrite)

    import jax

    from jaxgan import io
    from jaxgan.latents.walks import seeded, walk

    g, render = models.generator(options.model), {}
    if options.codes is None:
        code = seeded(g, seeds, models.condition(g, options.label))
    else:
        found = models.codes(options.codes, g, options.any_generator)
        code, render = found.code, found.render
        known = [str(image.get("image")) for image in found.images]
        names = known if len(known) == len(code) else [f"code{i:04d}" for i in range(len(code))]
        files = fixed or models.numbered(options.out, names)
        words.unwritten(files, options.overwrite)
    noise = options.noise or render.get("noise") or "const"
    key = jax.random.key(seeds[0]) if noise == "random" else None
    psi = options.psi if options.psi is not None else render.get("psi")
    how = {"psi": psi, "cutoff": options.cutoff, "noise": noise, "key": key}
    if options.video is not None:
        images = models.drawn(g, walk(g, code, options.frames), options.batch, **how)
        io.save_video(options.video, images, options.fps)
    elif options.grid:
        io.save_grid(files[0], list(models.drawn(g, code, options.batch, **how)))
    else:
        for path, image in zip(files, models.drawn(g, code, options.batch, **how), strict=True):
            io.save_image(path, image)
    words.say(f"{files[0]}" if len(files) == 1 else f"{len(files)} images in {options.out}")
