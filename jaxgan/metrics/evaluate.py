"""All figures of a generator in one go: the data are seen once and images drawn once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.core.code import Code
from jaxgan.core.generator import Generator, known
from jaxgan.core.network import Network
from jaxgan.data import Source
from jaxgan.features.lpips import LPIPS
from jaxgan.metrics.bootstrap import mean_error
from jaxgan.metrics.density_coverage import counted
from jaxgan.metrics.equivariance import KINDS, decibels, decibels_error, equivariance
from jaxgan.metrics.fid import figure_name, frechet_distance, frechet_error, frechet_of_vectors, judge_name
from jaxgan.metrics.inception_score import inception_score, score_error
from jaxgan.metrics.kid import blockwise
from jaxgan.metrics.ppl import diversity, path_length, perceptual, trimmed
from jaxgan.metrics.precision_recall import centred, covered
from jaxgan.metrics.reals import seen_reals
from jaxgan.metrics.stream import Features, Seen, observe, placements
from jaxgan.models import stylegan3

AGAINST = ("fid", "kid", "precision_recall", "density_coverage")  # compared with real images
PATHS = ("ppl", "ppl_w_end", "ppl_w_full", "ppl_z_end", "ppl_z_full")
METRICS = (*AGAINST, "inception_score", *PATHS, "diversity", *KINDS)
SPLITS = 10
FEW = 10_000  # images; the features of more are kept only if a metric asks for them
NEAREST = {"precision_recall": 3, "density_coverage": 5}


class Figure(NamedTuple):
    """One number about a generator.

    Args:
        value: The number.
        error: Its standard error by bootstrap, nan where none was asked for.
        better: "lower" or "higher".
        images: Of how many generated images, pairs or paths.
    """

    value: float
    error: float
    better: str
    images: int


class Bootstrap(NamedTuple):
    """How standard errors are found: so many replicates, none if 0."""

    replicates: int
    rng: np.random.Generator

    def mean(self, values) -> tuple[float, float]:
        """Return the mean of values [N] and its standard error."""
        values = np.asarray(values, np.float64)
        return float(values.mean()), self.of(lambda: mean_error(values, *self))

    def of(self, error: Callable[[], float]) -> float:
        return error() if self.replicates else float("nan")


def evaluate(
    g: Generator,
    source: Source | None,
    key,
    metrics: Sequence[str],
    features: Features,
    *,
    images: int = 2048,
    reals: int | None = None,
    batch: int = 32,
    psi: float | None = None,
    noise: str = "random",
    distance: Network | None = None,
    crop: bool = False,
    mirror: bool = False,
    bootstrap: int = 20,
    cache: str | Path | None = None,
    devices: Sequence[Any] | None = None,
    tick: Callable[[str, int, int], None] | None = None,
) -> dict[str, Figure]:
    """Take figures of a generator; `jaxgan.evaluate` is this with the data opened by a word.

    Args:
        g: Generator, of any family.
        source: Data set that it is compared with; None if no metric asks for one.
        key: Random key of codes, noise and bootstrap.
        metrics: Among `METRICS`.
        features: The feature network, [N, H, W, C] in [-1, 1] to [N, D]. One whose module has a method
            `scores(vectors) -> [N, classes]` offers the Inception score too.
        images: How many are drawn, and how many paths and pairs.
        reals: How many of the data; as many as are drawn if None, at most all.
        batch: Images at a time.
        psi: Truncation of the images drawn.
        noise: Noise mode of generators that have noise maps.
        distance: Network that path lengths and diversity compare by, such as LPIPS; the feature network if None.
        crop: Path lengths compare the part of the image where a face is.
        mirror: The data are doubled by their mirror images.
        bootstrap: Sets drawn with replacement for standard errors, 0 for none.
        cache: Folder where what was seen in the data is kept, or None.
        devices: Devices to divide each batch among; the default one if None.
        tick: Called with what is done, how much of it and of how much, after each batch.

    Returns:
        Figures by name. The name says which network judged; only Inception's published weights make it "fid" or "kid".

    Raises:
        ValueError: A metric is unknown, or asks for what the generator, the data or the network does not offer.
    """
    checked(g, source, metrics, features, images, bootstrap)
    draw_key, path_key, pair_key, move_key, label_key, seed = jax.random.split(key, 6)
    errors = Bootstrap(bootstrap, np.random.default_rng(np.asarray(jax.random.key_data(seed)).ravel().tolist()))
    said = lambda what, total: None if tick is None else counter(tick, what, total)
    whole, share = placements(devices)
    keep = bool(bootstrap) or images <= FEW or any(name in JUDGED and name != "fid" for name in metrics)
    real, found = None, {}
    if any(name in AGAINST for name in metrics):
        assert source is not None  # checked
        n = min(reals or images, len(source) * (2 if mirror else 1))
        more = {"mirror": mirror, "keep": keep, "cache": cache, "devices": devices, "tick": said("data", n)}
        real = seen_reals(source, n, g.resolution, features, batch=batch, **more)
    cond = conditions(g, source, real)
    if real is not None or "inception_score" in metrics:
        code = g.sample(draw_key, images, None if cond is None else cond(label_key, images))
        each = -(-min(batch, images) // whole.mesh.size) * whole.mesh.size
        pictures = drawn(jax.device_put(g, whole), code, each, share, psi, noise, jax.random.fold_in(draw_key, 1))
        fake = observe(pictures, features, keep=keep, devices=devices, tick=said("images", images))
        for name in (name for name in metrics if name in JUDGED):
            found |= JUDGED[name](real, fake, features, errors)
    judge = features if distance is None else distance
    for name in (name for name in metrics if name in PATHS):
        space, where = way(g, name)
        how = {"space": space, "where": where, "crop": crop, "batch": batch, "cond": cond}
        lengths = path_length(g, perceptual(judge), path_key, images, **how, tick=said(name, images))
        value = errors.mean(trimmed(lengths))
        found[told(f"ppl_{space}_{where}", judge)] = Figure(*value, "lower", images)
    if "diversity" in metrics:
        how = {"psi": psi, "noise": noise, "batch": batch, "cond": cond}
        apart = diversity(g, perceptual(judge), pair_key, images, **how, tick=said("diversity", images))
        found[told("diversity", judge)] = Figure(*errors.mean(apart), "higher", images)
    kinds = [name for name in metrics if name in KINDS]
    if kinds:
        how = {"kinds": kinds, "psi": psi, "batch": batch, "cond": cond}
        sums = equivariance(g, move_key, images, **how, tick=said("equivariance", images))
        for name in kinds:
            error = errors.of(partial(decibels_error, sums[name], *errors))
            found[name] = Figure(decibels(sums[name]), error, "higher", images)
    return found


def checked(g: Generator, source: Source | None, metrics: Sequence[str], features: Features, images: int, bootstrap):
    """Raise ValueError before any work where a figure cannot be had."""
    if not metrics:
        raise ValueError(f"Got no metrics; allowed: {', '.join(METRICS)}.")
    for name in metrics:
        known(name, METRICS, "metric")
        if name in AGAINST and source is None:
            raise ValueError(f"{name} compares with real images; give data.")
        if name in PATHS and way(g, name)[0] not in g.spaces:
            raise ValueError(f"{g.arch.name} has the spaces {', '.join(g.spaces)}; {name} is not for it, ppl_z_end is.")
        if name in KINDS:
            stylegan3.transformed(g, np.eye(3))  # refuses a generator that cannot be moved
    least = max([NEAREST.get(name, 1) + 1 for name in metrics] + [SPLITS] * ("inception_score" in metrics))
    if images < least:
        raise ValueError(f"Asked for {images} images; {', '.join(metrics)} needs {least} or more.")
    if "inception_score" in metrics and scores(features) is None:
        raise ValueError(
            f"inception_score needs class scores, which {judge_name(features)} lacks; "
            "take Inception, or a network whose module has a method scores(vectors)."
        )
    if bootstrap == 1 or bootstrap < 0:
        raise ValueError(f"bootstrap is {bootstrap}; a standard error needs 2 replicates or more, 0 asks for none.")


def frechet_figures(real: Seen, fake: Seen, features: Features, errors: Bootstrap) -> dict[str, Figure]:
    """Compare by the Gaussians that fit the features."""
    error = errors.of(lambda: frechet_error(real.moments, vectors(fake), *errors))
    if real.vectors is not None and fake.vectors is not None:
        value = frechet_of_vectors(real.vectors, fake.vectors)
    else:
        value = frechet_distance(real.moments, fake.moments)
    return {figure_name(features): Figure(value, error, "lower", int(fake.moments.count))}


def kernel_figures(real: Seen, fake: Seen, features: Features, errors: Bootstrap) -> dict[str, Figure]:
    """Compare by a kernel."""
    value, error = blockwise(vectors(real), vectors(fake), replicates=errors.replicates, rng=errors.rng)
    return {figure_name(features, "kernel"): Figure(value, error, "lower", len(vectors(fake)))}


def manifold_figures(real: Seen, fake: Seen, features: Features, errors: Bootstrap) -> dict[str, Figure]:
    """Take precision and recall; errors are those of shares of images, the balls held fast."""
    a, b = centred(vectors(real), vectors(fake))
    k, n = NEAREST["precision_recall"], len(b)
    shares = {"precision": covered(b, a, k), "recall": covered(a, b, k)}
    return {figure_name(features, w): Figure(*errors.mean(v), "higher", n) for w, v in shares.items()}


def neighbour_figures(real: Seen, fake: Seen, features: Features, errors: Bootstrap) -> dict[str, Figure]:
    """Take density and coverage; errors as for precision and recall."""
    k, n = NEAREST["density_coverage"], len(vectors(fake))
    counts, near = counted(vectors(real), vectors(fake), k)
    shares = {"density": counts / k, "coverage": near}
    return {figure_name(features, w): Figure(*errors.mean(v), "higher", n) for w, v in shares.items()}


def score_figures(real: Seen, fake: Seen, features: Features, errors: Bootstrap) -> dict[str, Figure]:
    """Take the Inception score."""
    offered = scores(features)
    assert offered is not None  # checked
    logits = offered(vectors(fake))
    error = errors.of(lambda: score_error(logits, SPLITS, *errors))
    return {figure_name(features, "score"): Figure(inception_score(logits, SPLITS)[0], error, "higher", len(logits))}


# What is taken of the features of images drawn.
JUDGED: dict[str, Callable[..., dict[str, Figure]]] = {
    "fid": frechet_figures,
    "kid": kernel_figures,
    "precision_recall": manifold_figures,
    "density_coverage": neighbour_figures,
    "inception_score": score_figures,
}


def vectors(seen: Seen) -> np.ndarray:
    assert seen.vectors is not None  # kept, because a metric asks for them
    return seen.vectors


def scores(features: Features) -> Callable[[np.ndarray], np.ndarray] | None:
    """Return the map from a network's features to its class scores, or None where it offers none."""
    if not isinstance(features, Network) or not hasattr(features.module, "scores"):
        return None
    variables = {"params": features.params, "buffers": features.buffers}
    return lambda x: np.asarray(features.module.apply(variables, x, method="scores"))


def way(g: Generator, name: str) -> tuple[str, str]:
    """Return space and place of a path length; "ppl" alone is in w where there is one, at the path's beginning."""
    space, where = name.split("_")[1:] if "_" in name else ("w" if "w" in g.spaces else "z", "end")
    return space, where


def told(figure: str, judge: Features) -> str:
    """Name a figure by the network that it compares by; path lengths by LPIPS of VGG16 are the published ones."""
    if isinstance(judge, Network) and isinstance(judge.module, LPIPS):
        trunk = dict(judge.config).get("trunk", "")
        return figure if trunk == "vgg" and figure.startswith("ppl") else f"{figure}_lpips_{trunk}"
    return figure_name(judge, figure)


def conditions(g: Generator, source: Source | None, real: Seen | None) -> Callable[[Any, int], Any] | None:
    """Return how conditions are drawn, `draw(key, n) -> [n, c]`: as often as the data have them.

    None where the generator takes none, or the data's labels are not its conditions: then classes are drawn uniformly.
    """
    classes = g.arch.classes
    if not classes or source is None or source.label_size != classes:
        return None
    labels = None if real is None else real.labels
    if labels is None:
        labels = np.stack([source[i]["label"] for i in range(min(len(source), 1000))])
    table = jnp.asarray(labels, jnp.float32)
    return lambda key, n: table[jax.random.randint(key, (n,), 0, len(table))]


def drawn(g: Generator, code: Code, batch: int, share, psi, noise: str, key) -> Iterator[jax.Array]:
    """Draw the images of codes in batches, as files of 8 bits would hold them."""
    n = len(code)
    for i, start in enumerate(range(0, n, batch)):
        # The last batch is filled up, so that one program serves all.
        part = jax.device_put(code[jnp.minimum(jnp.arange(start, start + batch), n - 1)], share)
        random = jax.random.fold_in(key, i) if noise == "random" else None
        yield eight_bits(g(part, psi=psi, noise=noise, key=random))[: n - start]


@jax.jit
def eight_bits(images):
    return jnp.round((jnp.clip(images, -1, 1) + 1) * 127.5) / 127.5 - 1


def counter(tick: Callable[[str, int, int], None], what: str, total: int) -> Callable[[int], None]:
    """Return a function that adds up what is done and tells it."""
    done = [0]

    def add(n: int) -> None:
        done[0] += n
        tick(what, done[0], total)

    return add
