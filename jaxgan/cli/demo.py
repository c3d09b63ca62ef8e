"""jaxgan demo: invert, discover and edit with one generator, told by one web page."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from jaxgan.cli import models, words

HELP = """Invert 8 scenes that the generator never saw, find directions of its latent space in three ways, name each by
what it changes, edit the scenes along the best ones, and write all of it as one page.

In the output folder: index.html; codes.safetensors and pca, sefa, hessian.safetensors, for jaxgan edit; figures.json.
They replace those of an earlier demo; other files stay as they are.

examples:
  jaxgan demo
  jaxgan demo --images photos/ --out photos-demo
  jaxgan demo --model runs/mine/latest.safetensors --steps 500"""


@dataclass(frozen=True)
class Options:
    images: Annotated[Path | None, arg(metavar="FOLDER", help="Pictures of your own instead of rendered scenes.")] = (
        None
    )
    model: Annotated[str, arg(help="A file, or the name of a bundled generator.")] = "scenes64"
    steps: Annotated[int, arg(help="Steps of inversion.")] = 300
    k: Annotated[int, arg(help="Directions for each of the three ways.")] = 8
    seed: Annotated[int, arg(help="Fixes every draw.")] = 0
    out: Annotated[Path, arg(metavar="FOLDER", help="Where the page goes.")] = Path("demo")


def main(args: Sequence[str]) -> None:
    """Run the verb."""
    options = words.read(Options, args, "jaxgan demo", HELP)
    for name in ("steps", "k"):
        if getattr(options, name) < 1:
            raise words.Mistake(f"--{name} is {getattr(options, name)}, it must be at least 1")
    if options.images is not None and not options.images.exists():
        raise words.Mistake(f"--images {options.images}: there is no such folder")
    if options.out.exists() and not options.out.is_dir():
        raise words.Mistake(f"--out {options.out} is a file; name a folder")

    from jaxgan.demo import Plan, tour

    g = models.generator(options.model)
    plan = Plan(steps=options.steps, k=options.k, seed=options.seed)
    page = tour(g, options.out, model=options.model, images=options.images, plan=plan, stage=stages())
    words.say(f"The page is {page.resolve().as_uri()}")


def stages():
    """Return what surrounds a stage: a spinner while it runs, where there is a terminal, then a line with its time."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False)

    @contextmanager
    def stage(title: str) -> Iterator:
        began, said = time.monotonic(), []
        with console.status(f"{title} ..."):
            yield said.append
        line = f"{title:<28}[dim]{time.monotonic() - began:6.1f} s[/dim]   {escape('; '.join(said))}"
        console.print(line, soft_wrap=True)

    return stage
