"""jaxgan combine: one picture from the codes of several, or several from one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from tyro.conf import Positional, arg

from jaxgan.cli import models, words

HELP = """Make pictures from the codes of several others, or a wider one from a single code.

  morph A B [C ...]                a strip from each to the next; --video film.gif
  expression A NEUTRAL EXPRESSIVE  what makes NEUTRAL into EXPRESSIVE, done to A; --by
  style A B                        rows --layers of the code of B in that of A
  crossover A B                    an inversion of A outside and B inside --box
  diffusion A B                    what B shows in --box, in surroundings like A's
  swap A [B ...] --other MODEL     layers --layers of another generator, or --by of their activations
  blend A B                        A and B in one picture, by --ramp or --box
  attribute A B                    what B draws in --box, in A
  widen A [B ...]                  a wider picture from one code; --width --height --mode
  shift A [B ...]                  what --box shows is drawn --down and --right of its place, too
  panorama A B [C ...]             one wide picture through all

A, B, ... are seeds (7 or 0-5), codes of jaxgan invert (codes.safetensors, or codes.safetensors#0,3), or pictures, which
are inverted first. In the output folder: TASK.png, and codes.safetensors where the result is codes.

examples:
  jaxgan combine morph scenes64 3 8 --by 0:1:9
  jaxgan combine style scenes64 3 8 --layers 4-9
  jaxgan combine attribute network.pkl inverted/codes.safetensors#0,1 --box 0,0.25,0.5,0.75 --soft 0.5
  jaxgan combine panorama scenes64 0-5 --psi 0.8
  jaxgan combine crossover network.pkl one.jpg other.jpg --box 0,0,1,0.5"""


class Task(NamedTuple):
    """How many codes a task takes, at least and at most, and which options are for it."""

    least: int
    most: int | None
    options: tuple[str, ...]


TASKS = {
    "morph": Task(2, None, ("by", "path", "video", "frames", "fps")),
    "expression": Task(3, 3, ("by", "path")),
    "style": Task(2, 2, ("layers",)),
    "crossover": Task(2, 2, ("box", "soft", "noise")),
    "diffusion": Task(2, 2, ("box", "soft")),
    "swap": Task(1, None, ("other", "layers", "by")),
    "blend": Task(2, 2, ("box", "soft", "ramp", "until")),
    "attribute": Task(2, 2, ("box", "soft", "until", "share")),
    "widen": Task(1, None, ("width", "height", "mode", "at")),
    "shift": Task(1, None, ("box", "soft", "down", "right", "at")),
    "panorama": Task(2, None, ("fading", "window", "smooth")),
}
NEEDS = {"crossover": "box", "diffusion": "box", "attribute": "box", "swap": "other", "style": "layers"}


@dataclass(frozen=True)
class Options:
    task: Annotated[str, Positional, arg(metavar="TASK", help="What to make.")]
    model: Annotated[str, Positional, arg(metavar="MODEL", help="A file, or the name of a bundled generator.")]
    items: Annotated[tuple[str, ...], Positional, arg(metavar="A", help="Seeds, files of codes, pictures.")]
    by: Annotated[str | None, arg(metavar="0:1:7", help="morph, expression, swap: how far to go.")] = None
    path: Annotated[str | None, arg(help="morph, expression: the space of the way; w+ if None.")] = None
    layers: Annotated[str | None, arg(metavar="4-7", help="style: rows of w+; swap: layers such as b32,b64.")] = None
    other: Annotated[Path | None, arg(metavar="FILE", help="swap: the other generator.")] = None
    box: Annotated[str | None, arg(metavar="0,0,1,0.5", help="Top, left, bottom, right in sides.")] = None
    soft: Annotated[float, arg(help="Blur of the box's edge in its sides.")] = 0.0
    ramp: Annotated[Literal["horizontal", "vertical"], arg(help="blend: where A goes over into B.")] = "horizontal"
    until: Annotated[int | None, arg(help="blend, attribute: finest resolution that B takes part in.")] = None
    share: Annotated[str | None, arg(metavar="0-3", help="attribute: rows of w+ that B takes from A.")] = None
    width: Annotated[float, arg(help="widen: width in sides.")] = 2.0
    height: Annotated[float, arg(help="widen: height in sides.")] = 1.0
    mode: Annotated[Literal["reflect", "edge", "wrap", "zoom"], arg(help="widen: what comes beside.")] = "reflect"
    at: Annotated[int, arg(help="widen, shift: resolution of the activation.")] = 8
    down: Annotated[float, arg(help="shift: sides down.")] = 0.0
    right: Annotated[float, arg(help="shift: sides to the right.")] = 0.25
    fading: Annotated[float, arg(help="panorama: length of the fading in sides.")] = 1.0
    window: Annotated[int | None, arg(help="panorama: neighbours drawn at a time; all if None.")] = None
    smooth: Annotated[float | None, arg(help="panorama: let seeds lean towards their neighbours.")] = None
    noise: Annotated[int, arg(help="crossover: steps over the noise maps afterwards.")] = 0
    psi: Annotated[float | None, arg(metavar="FLOAT", help="Truncation of seeds: 1 none, 0 the mean image.")] = None
    steps: Annotated[int, arg(help="Steps of inversions.")] = 300
    seed: Annotated[int, arg(help="Fixes every draw of inversions.")] = 0
    video: Annotated[Path | None, arg(metavar="FILE", help="morph: write a film: .mp4, .gif or .webp.")] = None
    frames: Annotated[int, arg(help="Frames of the film from code to code.")] = 30
    fps: Annotated[float, arg(help="Frames of the film in a second.")] = 30.0
    any_generator: Annotated[bool, arg(help="Take codes of another generator.")] = False
    out: Annotated[Path, arg(metavar="FOLDER", help="Where results go.")] = Path("combined")
    overwrite: Annotated[bool, arg(help="Replace files that exist.")] = False


def main(args: Sequence[str]) -> None:
    """Run the verb."""
    options = words.read(Options, args, "jaxgan combine", HELP)
    check(options)
    picture, kept = options.out / f"{options.task}.png", options.out / "codes.safetensors"
    words.unwritten([picture, kept, *([options.video] if options.video else [])], options.overwrite)

    import jax
    import numpy as np

    from jaxgan import io
    from jaxgan.cli import combinations
    from jaxgan.cli.given import given
    from jaxgan.latents.walks import walk

    g = models.generator(options.model)
    named = {"psi": options.psi, "smooth": options.smooth, "anyway": options.any_generator}
    code = given(options.items, g, steps=options.steps, seed=options.seed, **named)
    task = TASKS[options.task]
    if len(code) < task.least or (task.most is not None and len(code) > task.most):
        many = f"{task.least}" if task.least == task.most else f"at least {task.least}"
        raise words.Mistake(f"{options.task} takes {many} codes, got {len(code)}; see jaxgan combine --help")
    made = getattr(combinations, options.task)(options, g, code)
    io.save_grid(picture, np.asarray(made.images), made.columns)
    files = [picture]
    if made.code is not None:
        meta = {"command": " ".join(["jaxgan combine", *args])}
        io.save_codes(jax.tree.map(np.asarray, made.code), kept, g, meta=meta)
        files.append(kept)
    if options.video is not None:
        film = walk(g, code.replace(noise=None), options.frames)
        io.save_video(options.video, models.drawn(g, film), options.fps)
        files.append(options.video)
    words.say(", ".join(map(str, files)))


def check(options: Options) -> None:
    """Raise Mistake at an option that is not for the task, or that is missing."""
    task, defaults = options.task, {f.name: f.default for f in fields(Options)}
    if task not in TASKS:
        raise words.Mistake(f"there is no task {task!r}{words.near(task, TASKS) or '; tasks are ' + ', '.join(TASKS)}")
    for name in {name for other in TASKS.values() for name in other.options} - set(TASKS[task].options):
        if getattr(options, name) != defaults[name]:
            fits = ", ".join(other for other in TASKS if name in TASKS[other].options)
            raise words.Mistake(f"--{name.replace('_', '-')} is not for {task}; it is for {fits}")
    if not options.items:
        raise words.Mistake(f"{task} takes codes: give seeds, files of codes or pictures; see jaxgan combine --help")
    if task in NEEDS and getattr(options, NEEDS[task]) is None:
        raise words.Mistake(f"{task} needs --{NEEDS[task]}; see jaxgan combine --help")
    if task == "swap" and (options.layers is None) == (options.by is None):
        raise words.Mistake("swap needs either --layers or --by")
