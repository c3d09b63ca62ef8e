"""jaxgan train: train by a config."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from jaxgan.cli import models, words

HELP = """Train a GAN, an encoder or a classifier by a config, in a folder. The same command continues a run that was
stopped or killed.

A config is a Python file (it is executed), or the folder of a run, whose recipe.json is data only. Every field of
its recipe is an option too: jaxgan train CONFIG --help lists them with their values.

examples:
  jaxgan train configs/stylegan2_scenes64.py
  jaxgan train configs/stylegan2_scenes64.py --data photos.zip --batch 32 --adam.lr 1e-3 --folder runs/photos
  jaxgan train configs/stylegan2_scenes64.py --data photos.zip --resume network.pkl --ada.target 0.6
  jaxgan train configs/classifier_clothing64.py --data photos.zip:train
  jaxgan train configs/stylegan2_scenes64.py --judge 2048 --judge-features squeezenet:squeezenet1_1.pth
  jaxgan train runs/photos --kimg 2000"""


@dataclass(frozen=True)
class Options:
    config: Annotated[Path, Positional, arg(metavar="CONFIG", help="A config file, or a run's folder.")]
    folder: Annotated[
        Path | None, arg(metavar="FOLDER", help="Where the run is kept; runs/NAME of the config if None.")
    ] = None
    resume: Annotated[
        Path | None, arg(metavar="FILE", help="Start from the weights of a model file or of a run's folder.")
    ] = None
    devices: Annotated[int | None, arg(metavar="INT", help="Divide each batch among so many; all if None.")] = None
    samples: Annotated[int, arg(help="Images in each grid of samples.")] = 64
    judge: Annotated[int, arg(help="Images by whose distance from the data the best model is kept; 0 keeps none.")] = 0
    judge_by: Annotated[Literal["fid", "kid"], arg(help="Fréchet or kernel distance.")] = "fid"
    judge_features: Annotated[
        str,
        arg(metavar="random", help="Network that judges: random, or inception, squeezenet, clip, classifier:FILE."),
    ] = "random"
    smoke: Annotated[bool, arg(help="Shrink everything to a few seconds, to try a config.")] = False


def main(args: Sequence[str]) -> None:
    """Run the verb."""
    own, rest = split(args)
    if not args or args[0].startswith("-"):
        if args and not any(word in words.HELP for word in args):
            raise words.Mistake("the config comes first: jaxgan train CONFIG --option value; see jaxgan train --help")
        words.read(Options, args, "jaxgan train", HELP)
    if any(word in words.HELP for word in rest):
        own = own[:1]
    options = words.read(Options, own, "jaxgan train", HELP)
    outcome = run(options, rest)
    if not outcome.finished:
        words.note(f"continue with the same command; the run is kept in {outcome.folder}")


def run(options: Options, rest: Sequence[str]):
    """Train with what the command says; `rest` are the options that are fields of the recipe."""
    from jaxgan.training.recipe import Recipe, load_recipe, smoke

    recipe = load_recipe(options.config)
    recipe, rest = with_ada(recipe, rest)
    prog = f"jaxgan train {options.config}"
    words.check_options(Recipe, rest, prog, recipe, also=words.options(Options))
    recipe = words.read(Recipe, rest, prog, f"Fields of the recipe, and their values in {options.config}.", recipe)
    recipe = smoke(recipe) if options.smoke else recipe

    import jax

    from jaxgan import api
    from jaxgan.io.features import feature_network

    models.keep_compilations()
    there = jax.devices()
    count = len(there) if options.devices is None else options.devices
    if not 1 <= count <= len(there):
        raise words.Mistake(f"--devices is {count}, there are {len(there)}: {there[0].device_kind}")
    devices = there[:count] if count < len(there) else None
    folder = options.folder or home(options.config)
    figure = None
    if options.judge:
        features = feature_network(options.judge_features)
        figure = api.frechet_judge(recipe, options.judge, features=features, by=options.judge_by)
    return api.train(recipe, folder, resume=options.resume, devices=devices, figure=figure, samples=options.samples)


def home(config: Path) -> Path:
    """Folder of a run that names none: a run's own, or one with the config's name."""
    return config if config.is_dir() else config.parent if config.suffix == ".json" else Path("runs") / config.stem


def split(args: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part this verb's own words from those that are fields of the recipe."""
    mine, own, rest, take = words.options(Options), [], [], []
    for i, word in enumerate(args):
        name = word.partition("=")[0].replace("_", "-")
        if name.startswith("--"):
            take = own if name in mine else rest
        elif i == 0:
            take = own
        take.append(word)
    return own, rest


def with_ada(recipe, rest: Sequence[str]):
    """Turn augmentation on if an option speaks of it, off at `--no-ada`."""
    from jaxgan.training.ada import Ada

    if "--no-ada" in rest:
        return replace(recipe, ada=None), [word for word in rest if word != "--no-ada"]
    if recipe.ada is None and any(word == "--ada" or word.startswith("--ada.") for word in rest):
        recipe = replace(recipe, ada=Ada())
    return recipe, [word for word in rest if word != "--ada"]
