"""jaxgan compare: several inverters on the same images, as one web page."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import Positional, arg

from jaxgan.cli import inverters, judges, models, words

if TYPE_CHECKING:
    from jaxgan.demo.comparison import Comparison, Entry

HELP = """Run inverters on the same images and write a page: what each draws, how it looks edited, its figures, and
where it stands between distortion and editability.

An inverter is a space to search (w, w+, p+ ...), encode, or a paper: projector, image2stylegan, ii2s, soat, pti,
idinvert ...; settings follow a colon, and NAME= in front gives it another name.

Of each image: the distance to the original, how far the code lies from the population (Mahalanobis, 1 is typical), how
far edits carry it compared with the population (drift, 1 is typical), seconds. Of each inverter: the kernel distance
between its edited images and the population's.

examples:
  jaxgan compare scenes64 pictures/ --how w w+ p+ projector pti
  jaxgan compare network.pkl photos/ --how w w+ "prior=w+:prior=0.01" ii2s --steps 300
  jaxgan compare network.pkl photos/ --how encode e4e+50=w+:steps=50 idinvert --encoder e4e.safetensors"""

POPULATION, PART, FEW = 512, 64, 64
PLANES = {
    "mahalanobis_p": "How far the codes lie from the population's middle, row by row.",
    "mahalanobis_z": "How far the codes lie from the population's middle.",
    "rows_apart": "How far the rows of a code lie from each other; those of the population's codes are equal.",
    "kernel": "How unlike the population's images those of the edited codes are.",
    "drift": "How far edits carry the images, compared with the population's own: nearest to 1 is best.",
}


@dataclass(frozen=True)
class Options:
    model: Annotated[str, Positional, arg(metavar="MODEL", help="A file, or the name of a bundled generator.")]
    images: Annotated[tuple[Path, ...], Positional, arg(metavar="IMAGE", help="Images and folders of images.")]
    how: Annotated[tuple[str, ...], arg(metavar="NAME ...", help="Inverters.")] = ("w", "w+")
    steps: Annotated[int | None, arg(metavar="INT", help="Steps of each; 500, or the paper's, if None.")] = None
    encoder: Annotated[Path | None, arg(metavar="FILE", help="Encoder, for those that need one.")] = None
    lpips: Annotated[
        Literal["vgg", "alex", "squeeze"] | None, arg(help="Judge by LPIPS with this trunk; needs --weights, --heads.")
    ] = None
    weights: Annotated[Path | None, arg(metavar="FILE", help="Weights of the trunk.")] = None
    heads: Annotated[Path | None, arg(metavar="FILE", help="Linear heads of LPIPS.")] = None
    identity: Annotated[Path | None, arg(metavar="FILE", help="Network whose embeddings are compared.")] = None
    features: Annotated[str, arg(metavar="random", help="Network that compares edited images.")] = "random"
    directions: Annotated[Path | None, arg(metavar="FILE", help="Directions; principal components if None.")] = None
    index: Annotated[int, arg(help="Which direction the page shows.")] = 0
    by: Annotated[float, arg(help="How far it is moved, in standard deviations.")] = judges.BY
    consistency: Annotated[bool, arg(help="Edit, draw, invert again and undo: twice the time.")] = False
    seed: Annotated[int, arg(help="Fixes every draw.")] = 0
    chunk: Annotated[int | None, arg(metavar="INT", help="Images in memory at a time; all if None.")] = None
    strict: Annotated[bool, arg(help="Stop at an unreadable file, or one of another size or mode.")] = False
    out: Annotated[Path, arg(metavar="FOLDER", help="Where the page goes.")] = Path("compared")
    overwrite: Annotated[bool, arg(help="Replace files that exist.")] = False


def main(args: Sequence[str]) -> None:
    """Run the verb."""
    options = words.read(Options, args, "jaxgan compare", HELP)
    checked(options)

    import jax

    from jaxgan import io
    from jaxgan.core import Directions

    g = models.generator(options.model)
    images, pictures, notes = io.read_pictures(
        options.images, g.resolution, g.arch.channels, strict=options.strict, exact=options.strict
    )
    for line in notes:
        words.note(f"jaxgan: left out {line}")
    keys, axes = jax.random.split(jax.random.key(options.seed), 2), None
    if options.directions is not None:
        axes = models.loaded(options.directions, Directions, "directions")
        models.same_generator(g, axes)
    encoder = None if options.encoder is None else inverters.network(options.encoder)
    judge = judges.chosen(options, g, axes, options.by)
    if not 0 <= options.index < len(judge.edits) // 2:
        raise words.Mistake(f"--index is {options.index}, there are directions 0 to {len(judge.edits) // 2 - 1}")
    # All are made before the first one runs, so that a mistake in the last costs no time.
    settings = {} if options.steps is None else {"steps": options.steps}
    hows = {}
    with words.bar() as tick:
        for word in options.how:
            name, what = named(word, g)
            own = {} if what.partition(":")[0] == "encode" else settings
            progress = None if tick is None else lambda step, steps, name=name: tick(name, step, steps)
            hows[name] = inverters.inverter(
                what, g, judge.objective, encoder=encoder, settings=own, chunk=options.chunk, progress=progress
            )
        stage, entries = scene(options, g, images, judge, keys[0], keys[1]), []
        for name, how in hows.items():
            entries.append(entry(stage, name, how))
            row = "  ".join(f"{f} {entries[-1].mean(f):.4g}" for f in shown(entries[-1]))
            words.say(f"{name:<16}  {row}")
            write(options.out, compared(stage, [picture.name for picture in pictures], entries))
    words.say(f"The page is {(options.out / 'index.html').resolve().as_uri()}")


def checked(options: Options) -> None:
    """Raise Mistake where options cannot be meant together, before anything is loaded."""
    if not options.images:
        raise words.Mistake("IMAGE is missing: give images or folders of images; see jaxgan compare --help")
    if not options.how:
        raise words.Mistake("--how names no inverter: write --how w w+ pti")
    judges.checked(options)
    words.unwritten([options.out / "index.html", options.out / "figures.json"], options.overwrite)


def named(word: str, g) -> tuple[str, str]:
    """Part `prior=w+:prior=0.01` into the name and what it stands for; a word without a name is its own."""
    name, equal, what = word.partition("=")
    if equal and ":" not in name and name not in inverters.offered(g):
        return name, what
    return word, word


@dataclass(frozen=True)
class Scene:
    """What all inverters of a comparison share.

    Args:
        options: The command's.
        g, images, judge: The generator, what it shall draw, and who judges.
        key: Of every inverter.
        features: Network that compares edited images with the population.
        population: Features of the population's images [P, D].
        reference: The figures of the population's own codes.
    """

    options: Options
    g: Any
    images: Any
    judge: judges.Judge
    key: Any
    features: Any
    population: Any
    reference: dict[str, float]


def scene(options: Options, g, images, judge: judges.Judge, key, draws) -> Scene:
    """Look at the population: its images, and how its own codes look edited."""
    import jax
    import numpy as np

    from jaxgan import metrics
    from jaxgan.io.features import feature_network

    features, keys = feature_network(options.features), jax.random.split(draws)
    population = seen(features, np.stack(list(models.drawn(g, g.sample(keys[0], POPULATION), PART))))
    few = g.sample(keys[1], FEW)
    edited = [np.clip(np.asarray(g(edit(g, few))), -1, 1) for edit in judge.edits]
    reference = {f"mahalanobis_{s}": float(v.mean()) for s, v in metrics.mahalanobis(g, few, judge.charts).items()}
    reference |= {"drift": 1.0, "rows_apart": 0.0, "kernel": kernel(features, population, edited)}
    return Scene(options, g, images, judge, key, features, population, reference)


def seen(features, images):
    """Return a network's features of images, in parts [N, D]."""
    import numpy as np

    return np.concatenate([np.asarray(features(images[i : i + PART])) for i in range(0, len(images), PART)])


def kernel(features, population, edited: Sequence[Any]) -> float:
    """Return the kernel distance of edited images to the population's, times a thousand: the mean over the edits.

    Images of one code by several edits are no independent draws: in one set they would seem a narrow law.
    """
    import numpy as np

    from jaxgan import metrics

    return 1000 * float(np.mean([metrics.kernel_distance(population, seen(features, images)) for images in edited]))


def entry(scene: Scene, name: str, how) -> Entry:
    """Invert the images, judge what came out, and edit it."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    from jaxgan import api
    from jaxgan.demo.comparison import Entry

    g, judge, targets = scene.g, scene.judge, jnp.asarray(scene.images)
    began = time.monotonic()
    found, _ = api.invert(g, scene.images, how, scene.key)
    drawn = jax.block_until_ready(jnp.clip(found.images(), -1, 1))
    seconds = (time.monotonic() - began) / len(targets)
    figures = {"loss": np.asarray(judge.objective(drawn, targets)[0])}
    figures |= judges.figures(judge, g, found, drawn, targets)
    figures["seconds"] = np.full(len(targets), seconds)
    whole, edited = {}, None
    if "drift" in figures:
        draw, code = judges.drawing(found), found.code
        moved = [np.clip(np.asarray(draw(edit(g, code))), -1, 1) for edit in judge.edits]
        if len(targets) > 1:
            whole["kernel"] = kernel(scene.features, scene.population, moved)
        edited = moved[2 * scene.options.index + 1]
        if scene.options.consistency:
            figures["consistency"] = judges.consistency(judge, g, found, how, scene.key)
    return Entry(name, np.asarray(drawn), edited, figures, whole)


def compared(scene: Scene, names: list[str], entries: list[Entry]) -> Comparison:
    """Put the entries together with what the page says about them."""
    import jax

    import jaxgan
    from jaxgan.demo.comparison import Comparison

    options = scene.options
    titles = {"loss": ("loss", "lower"), **judges.FIGURES}
    seconds = titles.pop("seconds")
    titles |= {"kernel": ("kernel distance of edits, \N{MULTIPLICATION SIGN}1000", "lower"), "seconds": seconds}
    held = lambda figure: any(figure in e.figures or figure in e.whole for e in entries)
    direction = f"direction {options.index} of {options.directions or 'the principal components'}"
    facts = {
        "Command": f"--how {' '.join(options.how)}" + (f" --steps {options.steps}" if options.steps else ""),
        "Generator": f"{scene.g.arch.name}, {scene.g.resolution}x{scene.g.resolution}",
        "Kernel distance": f"{options.features.partition(':')[0]} features, {POPULATION} images of the population",
        "Device": f"{jax.devices()[0].device_kind}; jaxgan {jaxgan.__version__}, JAX {jax.__version__}",
    }
    return Comparison(
        model=options.model,
        names=names,
        originals=scene.images,
        entries=entries,
        titles=titles,
        distance=scene.judge.name,
        reference=scene.reference,
        edit=f"moved by {options.by:+g} standard deviations along {direction}",
        planes={figure: what for figure, what in PLANES.items() if held(figure)},
        facts=facts,
    )


def write(out: Path, comparison: Comparison) -> None:
    """Write the page of those inverters that are done."""
    from jaxgan.demo.comparison import written
    from jaxgan.io.atomic import replaced

    with replaced(out / "index.html") as path:
        path.write_text(written(comparison))
    with replaced(out / "figures.json") as path:
        path.write_text(json.dumps(told(comparison), indent=2, allow_nan=False) + "\n")


def shown(entry: Entry) -> list[str]:
    """Figures that a line on the terminal shows."""
    return [f for f in (*entry.figures, *entry.whole) if f not in ("mse", "seconds")] + ["seconds"]


def told(comparison: Comparison) -> dict[str, Any]:
    """Bring a comparison's numbers to JSON."""
    rows = {}
    for entry in comparison.entries:
        means = {f: judges.rounded(entry.mean(f)) for f in (*entry.figures, *entry.whole)}
        each = {f: [judges.rounded(v) for v in values] for f, values in entry.figures.items()}
        rows[entry.name] = {"mean": means, "each": each}
    reference = {f: judges.rounded(v) for f, v in comparison.reference.items()}
    return {
        "images": list(comparison.names),
        "inverters": rows,
        "population": reference,
        "facts": dict(comparison.facts),
    }
