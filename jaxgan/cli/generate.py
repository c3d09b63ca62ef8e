"""jaxgan generate: draw images from seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from jaxgan.cli import models, words

HELP = """Draw images from seeds: one file for each seed, a grid, or a film that walks from seed to seed.

examples:
  jaxgan generate scenes64 --seeds 0-63 --grid
  jaxgan generate network.pkl --seeds 0-15,77 --psi 0.7 --cutoff 8 --class 3 --out faces
  jaxgan generate scenes64 --seeds 1-6 --video walk.gif"""


@dataclass(frozen=True)
class Options:
    model: Annotated[str, Positional, arg(metavar="MODEL", help="A file, or the name of a bundled generator.")]
    seeds: Annotated[str, arg(metavar="0-63,70", help="One image for each.")] = "0-15"
    psi: Annotated[float | None, arg(metavar="FLOAT", help="Truncation: 1 none, 0 the mean image.")] = None
    cutoff: Annotated[int | None, arg(metavar="INT", help="Layers that truncation acts on; all if None.")] = None
    label: Annotated[int | None, arg(name="class", metavar="INT", help="Class; by seed if None.")] = None
    noise: Annotated[Literal["const", "random", "none"], arg(help="Noise maps.")] = "const"
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
    seeds = words.numbers(options.seeds, "seeds")
    files = models.numbered(options.out, [f"seed{seed:04d}" for seed in seeds])
    if options.video is not None:
        files = [options.video]
    elif options.grid:
        files = [options.out / "grid.png"]
    words.unwritten(files, options.overwrite)

    import jax

    from jaxgan import io
    from jaxgan.latents.walks import seeded, walk

    g = models.generator(options.model)
    code = seeded(g, seeds, models.condition(g, options.label))
    key = jax.random.key(seeds[0]) if options.noise == "random" else None
    how = {"psi": options.psi, "cutoff": options.cutoff, "noise": options.noise, "key": key}
    if options.video is not None:
        images = models.drawn(g, walk(g, code, options.frames), options.batch, **how)
        io.save_video(options.video, images, options.fps)
    elif options.grid:
        io.save_grid(files[0], list(models.drawn(g, code, options.batch, **how)))
    else:
        for path, image in zip(files, models.drawn(g, code, options.batch, **how), strict=True):
            io.save_image(path, image)
    words.say(f"{files[0]}" if len(files) == 1 else f"{len(files)} images in {options.out}")
