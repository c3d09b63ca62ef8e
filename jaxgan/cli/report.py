"""jaxgan report: judge sets of directions of one generator, as one web page."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import Positional, arg

from jaxgan.cli import judges, models, scorers, words

if TYPE_CHECKING:
    from jaxgan.core import Code, Directions, Generator
    from jaxgan.demo.study import Plan, Study

HELP = """Judge directions that jaxgan discover has found, of one generator and any number of methods, on one page that
opens from disk: pictures along each direction; what each changes of every score (re-scoring) and how purely (attribute
dependency at one change of its own score); drift, identity and linearity of the images; how sure it is (bootstrap,
another seed); the methods' angles; of factors DCI, MIG, SAP and FactorVAE's score. Tables sort by a click.

Scorers are those of jaxgan discover: pixels, or some of colour, brightness, hue, edges, symmetry, size, centroid;
factors (of rendered scenes); files of classifiers. A classifier of several labels reads factors too.

Beside the page lies FILE.json with the numbers; --pictures FOLDER writes each direction's pictures, and a film of it.

examples:
  jaxgan report scenes64 pca.safetensors sefa.safetensors boundary.safetensors --scorer factors --out report.html
  jaxgan report network.pkl pca.safetensors --scorer colour,size,smile.safetensors --pictures strips --film mp4
  jaxgan report network.pkl pca.safetensors --lpips squeeze --weights squeezenet1_1.pth --heads squeeze.pth
  jaxgan discover scenes64 --method sefa --report sefa.html"""

FRAMES = 24  # of a film, from one end to the other


@dataclass(frozen=True)
class Options:
    model: Annotated[str, Positional, arg(metavar="MODEL", help="A file, or the name of a bundled generator.")]
    directions: Annotated[
        tuple[Path, ...], Positional, arg(metavar="FILE", help="Directions, as jaxgan discover writes them.")
    ]
    scorer: Annotated[str, arg(metavar="WORD|FILE", help="What is read from images.")] = "pixels"
    by: Annotated[str, arg(metavar="-3:3:7", help="Strengths, as far to both sides, with 0.")] = "-3:3:7"
    codes: Annotated[int, arg(help="Codes that are moved.")] = 32
    at: Annotated[float, arg(help="Change of its own score at which dependency is compared, in deviations.")] = 1.0
    population: Annotated[int, arg(help="Codes behind spreads, factors and boundaries found again.")] = 2000
    bootstrap: Annotated[int, arg(help="Samples of the bootstrap; 0 for none.")] = 30
    repeats: Annotated[int, arg(help="How often directions are found again with another seed.")] = 1
    psi: Annotated[float, arg(help="Truncation of the codes that are moved.")] = 0.7
    features: Annotated[str, arg(metavar="random", help="Network whose features tell linearity.")] = "random"
    lpips: Annotated[
        Literal["vgg", "alex", "squeeze"] | None, arg(help="Judge drift by LPIPS with this trunk; needs --weights ...")
    ] = None
    weights: Annotated[Path | None, arg(metavar="FILE", help="Weights of the trunk.")] = None
    heads: Annotated[Path | None, arg(metavar="FILE", help="Linear heads of LPIPS.")] = None
    identity: Annotated[Path | None, arg(metavar="FILE", help="Network whose embeddings are compared.")] = None
    pictures: Annotated[Path | None, arg(metavar="FOLDER", help="Write the pictures of each direction there.")] = None
    film: Annotated[
        Literal["gif", "mp4", "webp"] | None, arg(help="With --pictures: write a film of each direction too.")
    ] = None
    seed: Annotated[int, arg(help="Fixes every draw.")] = 0
    out: Annotated[Path, arg(metavar="FILE.html", help="The page.")] = Path("report.html")
    overwrite: Annotated[bool, arg(help="Replace files that exist.")] = False


def main(args: Sequence[str]) -> None:
    """Run the verb."""
    options = words.read(Options, args, "jaxgan report", HELP)
    by = checked(options)

    from jaxgan.core import Directions

    g = models.generator(options.model)
    sets = {}
    for path in options.directions:
        found = models.loaded(path, Directions, "directions")
        models.same_generator(g, found)
        if found.space not in g.spaces:
            raise words.Mistake(
                f"{path} holds directions of {found.space!r}, {options.model} has {', '.join(g.spaces)}"
            )
        name, count = path.stem, 2
        while name in sets:
            name, count = f"{path.stem}-{count}", count + 1
        sets[name] = found
    places = exported(options, sets)
    words.unwritten(places, options.overwrite)

    from jaxgan.demo.study import Plan

    plan = Plan(
        by=by,
        codes=options.codes,
        at=options.at,
        population=options.population,
        replicates=options.bootstrap,
        repeats=options.repeats,
        psi=options.psi,
    )
    chosen = scorers.chosen(options.scorer, g)
    command = " ".join(["jaxgan report", *args])
    write(g, sets, options.out, options.model, command, chosen, options.seed, plan, options)
    if places:
        export(g, sets, options, by, places)
        words.say(f"{len(places)} files in {options.pictures}")


def checked(options: Options) -> tuple[float, ...]:
    """Return the strengths, or raise Mistake where options cannot be meant together."""
    if not options.directions:
        raise words.Mistake("FILE is missing: give files of directions; see jaxgan report --help")
    by = tuple(sorted({*words.steps(options.by), 0.0}))
    if len(by) < 3 or any(abs(a + b) > 1e-6 for a, b in zip(by, reversed(by))):
        raise words.Mistake(f"--by is {options.by}; a report goes as far to both sides, such as -3:3:7")
    for name, least in (("codes", 2), ("population", 100), ("bootstrap", 0), ("repeats", 0)):
        if getattr(options, name) < least:
            raise words.Mistake(f"--{name} is {getattr(options, name)}, it must be at least {least}")
    if options.at <= 0:
        raise words.Mistake(f"--at is {options.at:g}, it must be above 0")
    if options.film is not None and options.pictures is None:
        raise words.Mistake("--film writes films beside the pictures: give --pictures FOLDER too")
    judges.checked(options)
    scorers.checked(options.scorer)
    words.unwritten(files(options.out), options.overwrite)
    return by


def files(page: Path) -> list[Path]:
    """Return the files of a page, or raise Mistake where its name is none of a page."""
    if page.suffix not in (".html", ".htm"):
        raise words.Mistake(f"{page} is no name of a page; reports end in .html")
    return [page, page.with_suffix(".json")]


def write(
    g: Generator,
    sets: Mapping[str, Directions],
    page: Path,
    model: str,
    command: str,
    chosen: scorers.Chosen | None = None,
    seed: int = 0,
    plan: Plan | None = None,
    options: Options | None = None,
) -> None:
    """Judge sets of directions and write the page and its numbers.

    Args:
        g: Generator.
        sets: Directions by name.
        page: Where the page goes.
        model, command: What the page calls the generator, and how it was made.
        chosen: Scorers; of pixels when None.
        seed: Fixes every draw.
        plan: How much of everything.
        options: Further judges.
    """
    import jax

    import jaxgan
    from jaxgan.demo.report import written
    from jaxgan.demo.study import Plan, study
    from jaxgan.io.atomic import replaced

    began, plan = time.monotonic(), plan or Plan()
    chosen = chosen or scorers.chosen("pixels", g)
    judge = judging(g, chosen, options)
    with words.bar() as tick:
        found = study(g, sets, judge, jax.random.key(seed), plan, tick)
    found.facts = {
        "Command": command,
        "Generator": f"{g.arch.name}, {g.resolution}x{g.resolution}",
        "Looked at": f"{plan.codes} codes{f' at psi {plan.psi:g}' if g.arch.truncates else ''} moved to {len(plan.by)} "
        f"strengths, {plan.population:,} of the population",
        "Versions": f"{jax.devices()[0].device_kind}; jaxgan {jaxgan.__version__}, JAX {jax.__version__}",
        "Time": f"{time.monotonic() - began:.0f} seconds",
    }
    with replaced(page) as path:
        path.write_text(written(found, called(model)), encoding="utf-8")
    with replaced(page.with_suffix(".json")) as path:
        path.write_text(json.dumps(told(found), indent=2, allow_nan=False) + "\n")
    words.say(f"The page is {page.resolve().as_uri()}")


def called(model: str) -> str:
    """Shorten a model's path to what tells it from others: `runs/mine/latest.safetensors` to `mine/latest`."""
    return "/".join(Path(model).with_suffix("").parts[-2:])


def judging(g: Generator, chosen: scorers.Chosen, options: Options | None):
    """Return who looks at the images: LPIPS where its files are given, else what needs none."""
    from functools import partial

    import jax

    from jaxgan import io, losses, metrics
    from jaxgan.cli.inverters import network
    from jaxgan.demo.study import Judges
    from jaxgan.features import lpips
    from jaxgan.io.features import feature_network

    word = "random" if options is None else options.features
    features = feature_network(word)
    embed = None if options is None or options.identity is None else network(options.identity)
    if options is None or options.lpips is None:
        compiled = jax.jit(lambda objective, a, b: objective(a, b)[0])
        distance = ("perceptual", partial(compiled, losses.perceptual()))
        speed = (f"squared distance of {word.partition(':')[0]} features", metrics.perceptual(features))
    else:
        judge = io.load_lpips(options.lpips, weights=str(options.weights), heads=str(options.heads))
        distance = speed = ("LPIPS", partial(lpips.distance, judge))
    return Judges(chosen.scorer, distance, features, speed, embed, chosen.factors)


def told(found: Study) -> dict[str, Any]:
    """Bring a study's numbers to JSON."""
    row = lambda values: [judges.rounded(v) for v in values]
    sets = {}
    for name, judged in found.sets.items():
        sets[name] = {
            "names": list(judged.directions.names),
            "space": judged.directions.space,
            "changes_most": [found.scores[t] for t in judged.target],
            "rescored": [row(values) for values in judged.rescored],
            "amounts": [row(values) for values in judged.amounts],
            "figures": {figure: row(values) for figure, values in judged.figures.items()},
            "disentangled": {figure: judges.rounded(value) for figure, value in judged.disentangled.items()},
            "notes": judged.notes,
        }
    return {
        "sets": sets,
        "scores": list(found.scores),
        "by": list(found.by),
        "step": found.step,
        "at": found.at,
        "distance": found.distance,
        "generator_path_length": judges.rounded(found.smooth[1]),
        "principal_angles": [{"sets": list(pair), "degrees": row(v)} for pair, v in found.angles.items()],
        "facts": found.facts,
    }


def exported(options: Options, sets: Mapping[str, Directions]) -> list[Path]:
    """Return the files of pictures and films, by set and direction."""
    if options.pictures is None:
        return []
    places = []
    for suffix in [".png", *([f".{options.film}"] if options.film else [])]:
        names = [f"{name}_{label}" for name, found in sets.items() for label in found.names or range(len(found))]
        plain = ["".join(c if c.isalnum() or c in "-_" else "-" for c in name) for name in names]
        places += models.numbered(options.pictures, plain, suffix)
    return places


def export(g: Generator, sets: Mapping[str, Directions], options: Options, by: Sequence[float], places: list[Path]):
    """Write a strip of pictures of each direction, a row for each code, and a film that sways along it."""
    import numpy as np

    from jaxgan import io
    from jaxgan.demo.study import Plan
    from jaxgan.latents.walks import seeded

    shown = Plan().shown
    each = [(found, k) for found in sets.values() for k in range(len(found))]
    code = seeded(g, list(range(options.seed, options.seed + shown)))
    with words.bar() as tick:
        for i, (path, (found, k)) in enumerate(zip(places, each * (1 + (options.film is not None)), strict=True)):
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".png":
                io.save_grid(path, np.stack(list(along(g, code, found[k], by, options.psi))), len(by))
            else:
                ends = np.linspace(by[0], by[-1], FRAMES).tolist()
                frames = np.stack(list(along(g, code, found[k], ends, options.psi)))
                rows = frames.reshape(shown, FRAMES, *frames.shape[1:]).swapaxes(0, 1)
                film = [io.grid(some, shown) for some in rows]
                io.save_video(path, [*film, *film[-2:0:-1]], fps=12)
            if tick is not None:
                tick("pictures", i + 1, len(places))


def along(g: Generator, code: Code, direction: Directions, by: Sequence[float], psi: float) -> Iterator[Any]:
    """Draw each code at each strength, all strengths of the first code first."""
    import jax.numpy as jnp

    from jaxgan.editing import move
    from jaxgan.editing.truncate import truncated

    start, left = truncated(g, code, direction.space, psi)
    strengths = jnp.tile(jnp.asarray(by, jnp.float32), len(code))[:, None]
    many = start[jnp.repeat(jnp.arange(len(code)), len(by))]
    yield from models.drawn(g, move(direction, strengths)(g, many), psi=left)
