"""jaxgan evaluate: how good a generator is, in figures."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import Positional, arg

from jaxgan.cli import models, words

HELP = """Take figures of a generator: how near its images are to a data set, how varied, how smooth its latent space.

Metrics, separated by commas: fid, kid, precision_recall, density_coverage (need --data), inception_score (needs
features with class scores), ppl (or ppl_w_end, ppl_w_full, ppl_z_end, ppl_z_full), diversity,
eq_t, eq_t_frac, eq_r (of StyleGAN3, in dB).
Features: random (no weights needed), inception:FILE (pytorch-fid's file; inception:fetch fetches it), squeezenet:FILE,
clip:FILE, classifier:FILE (trained here, on the data's own labels), inception-random. A figure's name says which
network judged; only Inception's published weights make it FID. Figures compare at equal features, data and number of
images. What was seen in the data is kept by content, so that the next generator is judged sooner.

examples:
  jaxgan evaluate scenes64 --data scenes
  jaxgan evaluate network.pkl --data photos.zip --features inception:pt_inception-2015-12-05-6726825d.pth --images 50000
  jaxgan evaluate network.pkl --metrics ppl_w_end,diversity --lpips vgg16.pth --heads vgg.pth"""

DEFAULT = "fid,kid,precision_recall,density_coverage"


@dataclass(frozen=True)
class Options:
    model: Annotated[str, Positional, arg(metavar="MODEL", help="A file, or the name of a bundled generator.")]
    data: Annotated[str | None, arg(metavar="DATA", help="Data set: a folder, a .zip, tfds:NAME, scenes ...")] = None
    metrics: Annotated[str, arg(metavar="fid,kid", help="What to take.")] = DEFAULT
    features: Annotated[str, arg(metavar="random", help="Network that judges.")] = "random"
    resize: Annotated[
        Literal["tensorflow", "pytorch", "clean"],
        arg(help="How Inception's images are resized: as in the original FID, in pytorch-fid or in clean-FID."),
    ] = "tensorflow"
    lpips: Annotated[
        Path | None, arg(metavar="FILE", help="Trunk of LPIPS, by which ppl and diversity compare; needs --heads.")
    ] = None
    heads: Annotated[Path | None, arg(metavar="FILE", help="Heads of LPIPS; they say which trunk it is.")] = None
    images: Annotated[int, arg(help="Images drawn; pairs and paths too.")] = 2048
    reals: Annotated[int | None, arg(metavar="INT", help="Images of the data; as many as drawn if None.")] = None
    psi: Annotated[float | None, arg(metavar="FLOAT", help="Truncation: 1 none, 0 the mean image.")] = None
    noise: Annotated[Literal["random", "const", "none"], arg(help="Noise maps.")] = "random"
    crop: Annotated[bool, arg(help="Path lengths compare the part of the image where a face is.")] = False
    mirror: Annotated[bool, arg(help="The data are doubled by their mirror images.")] = False
    seed: Annotated[int, arg(help="Fixes the codes, the noise and the bootstrap.")] = 0
    batch: Annotated[int, arg(help="Images at a time, over all devices.")] = 32
    bootstrap: Annotated[int, arg(help="Sets drawn again for each standard error; 0 for none.")] = 20
    cache: Annotated[
        Path | None, arg(metavar="FOLDER", help="Where what was seen in the data is kept; the user's cache if None.")
    ] = None
    no_cache: Annotated[bool, arg(help="Keep and look up nothing.")] = False
    out: Annotated[Path, arg(metavar="FILE", help="The figures are added to this file, one JSON line each.")] = Path(
        "figures.jsonl"
    )


def main(args: Sequence[str]) -> None:
    """Run the verb."""
    options = words.read(Options, args, "jaxgan evaluate", HELP)
    checked(options)

    from jaxgan import api, data, io
    from jaxgan.io.features import feature_network, trunk_of
    from jaxgan.metrics import METRICS

    wanted = tuple(dict.fromkeys(word.strip() for word in options.metrics.split(",") if word.strip()))
    for word in wanted:
        if word not in METRICS:
            raise words.Mistake(
                f"there is no metric {word!r}{words.near(word, METRICS) or '; there are ' + ', '.join(METRICS)}"
            )

    import jax

    g = models.generator(options.model)
    source = None
    if options.data is not None:
        labels = "auto" if g.arch.classes else "none"
        source = data.source(options.data, labels=labels, channels=g.arch.channels)
        if source.label_size != g.arch.classes:
            words.note("jaxgan: the data's labels are not the generator's classes, which are drawn uniformly")
    features = feature_network(options.features, options.resize)
    distance = None
    if options.lpips is not None and options.heads is not None:
        trunk = trunk_of(options.heads)
        distance = io.load_lpips(trunk, weights=options.lpips, heads=options.heads)
    began = time.time()
    with words.bar() as tick:
        found = api.evaluate(
            g,
            source,
            jax.random.key(options.seed),
            metrics=wanted,
            features=features,
            images=options.images,
            reals=options.reals,
            batch=options.batch,
            psi=options.psi,
            noise=options.noise,
            distance=distance,
            crop=options.crop,
            mirror=options.mirror,
            bootstrap=options.bootstrap,
            cache=not options.no_cache if options.cache is None else options.cache,
            tick=tick,
        )
    show(f"{options.model}, {options.data}" if options.data else options.model, found)
    facts = {
        "model": options.model,
        "data": None if source is None else source.name,
        "features": options.features.partition(":")[0],
        "resolution": g.resolution,
        "psi": options.psi,
        "seed": options.seed,
        "seconds": round(time.time() - began, 1),
        "device": f"{len(jax.local_devices())} x {jax.local_devices()[0].device_kind}",
    }
    write(options.out, found, facts)
    words.note(f"added to {options.out}")


def checked(options: Options) -> None:
    """Raise Mistake where options cannot be meant together, before anything is loaded."""
    if options.batch < 1:
        raise words.Mistake(f"--batch is {options.batch}, it must be at least 1")
    if options.reals is not None and options.reals < 2:
        raise words.Mistake(f"--reals is {options.reals}, it must be at least 2")
    if (options.lpips is None) != (options.heads is None):
        raise words.Mistake("--lpips and --heads go together")
    if options.no_cache and options.cache is not None:
        raise words.Mistake("give either --cache or --no-cache")


def show(title: str, found: Mapping[str, Any]) -> None:
    """Print the figures as a table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for name in ("figure", "value", "standard error", "better", "images"):
        table.add_column(name, justify="left" if name in ("figure", "better") else "right")
    for name, figure in found.items():
        error = "" if math.isnan(figure.error) else f"{figure.error:.2g}"
        table.add_row(name, f"{figure.value:.4g}", error, figure.better, f"{figure.images:,}")
    Console().print(table)


def write(path: Path, found: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Add one line of JSON for each figure to a file."""
    import jaxgan

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        for name, figure in found.items():
            error = None if math.isnan(figure.error) else figure.error
            line = {"figure": name, "value": figure.value, "error": error, "images": figure.images, **facts}
            file.write(json.dumps({**line, "jaxgan": jaxgan.__version__, "time": round(time.time())}) + "\n")
