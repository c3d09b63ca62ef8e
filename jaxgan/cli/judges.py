"""What verbs that invert have in common: the figures that they take of each image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from jaxgan.cli.words import Mistake

if TYPE_CHECKING:
    import numpy as np

    from jaxgan.core import Code, Directions, Generator, Network
    from jaxgan.core.objective import Objective
    from jaxgan.inversion import Found

DIRECTIONS, BY, TYPICAL, SAMPLES = 3, 2.0, 64, 10_000

# Name of a figure, what it says, and which way is better ("near one" for those that are 1 for the generator's own).
FIGURES = {
    "lpips": ("LPIPS", "lower"),
    "perceptual": ("perceptual distance", "lower"),
    "mse": ("MSE", "lower"),
    "psnr": ("PSNR, dB", "higher"),
    "ssim": ("SSIM", "higher"),
    "identity": ("identity", "higher"),
    "mahalanobis_p": ("Mahalanobis in P", "near one"),
    "mahalanobis_w": ("Mahalanobis in W", "near one"),
    "mahalanobis_z": ("Mahalanobis in Z", "near one"),
    "rows_apart": ("rows apart", "lower"),
    "drift": ("drift of edits", "near one"),
    "consistency": ("editing consistency", "lower"),
    "seconds": ("seconds", "lower"),
}


@dataclass(frozen=True)
class Judge:
    """How reconstructions are judged.

    Args:
        objective: What inversion minimises: LPIPS where its files are given, and pixels.
        name, distance: The perceptual distance of pairs of images, and its name.
        charts: The population's charts by space.
        edits: Edits by which editability is measured.
        typical: How far these carry the population's own images.
        embed: Embedding for identity, or None.
    """

    objective: Objective
    name: str
    distance: Callable[[Any, Any], Any]
    charts: Mapping[str, Any]
    edits: Sequence[Any]
    typical: float
    embed: Network | None = None


def checked(options: Any) -> None:
    """Raise Mistake if the options of LPIPS are not given together."""
    lpips = (options.lpips, options.weights, options.heads)
    if any(lpips) and not all(lpips):
        raise Mistake("--lpips, --weights and --heads go together")


def chosen(options: Any, g: Generator, axes: Directions | None = None, by: float = BY) -> Judge:
    """Return the judge that a command's --lpips, --weights, --heads, --identity and --seed name."""
    import jax

    from jaxgan import io
    from jaxgan.cli.inverters import network

    perceptual = None
    if options.lpips is not None:
        perceptual = io.load_lpips(options.lpips, weights=str(options.weights), heads=str(options.heads))
    embed = None if options.identity is None else network(options.identity)
    return judge(g, jax.random.fold_in(jax.random.key(options.seed), 1), perceptual, embed, axes, by)


def judge(
    g: Generator,
    key,
    network: Network | None = None,
    embed: Network | None = None,
    axes: Directions | None = None,
    by: float = BY,
) -> Judge:
    """Prepare figures: take the population's statistics, and choose the edits along its principal axes.

    Args:
        g: Generator.
        key: Random key of the population.
        network: LPIPS; a distance without weights when None.
        embed: Embedding for identity.
        axes: Directions of the edits; the population's first principal axes when None.
        by: How far they go to either side, in standard deviations.
    """
    import jax

    from jaxgan import losses, metrics
    from jaxgan.core.directions import Directions
    from jaxgan.editing import move
    from jaxgan.features import lpips
    from jaxgan.latents.spaces import styled

    keys = jax.random.split(key)
    perceptual = losses.perceptual() if network is None else losses.lpips(network)
    compiled = jax.jit(lambda objective, a, b: objective(a, b)[0])
    distance = partial(compiled, perceptual) if network is None else partial(lpips.distance, network)
    charts = metrics.charts(g, keys[0], SAMPLES)
    if axes is None:
        chart = charts[styled(g)]
        axes = Directions(chart.basis.T[::-1], chart.std[::-1], styled(g))[: min(DIRECTIONS, len(chart.std))]
    edits = [move(axes[i], strength) for i in range(len(axes)) for strength in (-by, by)]
    population = g.sample(keys[1], TYPICAL)
    typical = float(metrics.drift(g, g, population, edits, distance).mean())
    name = "perceptual" if network is None else "lpips"
    return Judge(perceptual + losses.pixel(), name, distance, charts, edits, typical, embed)


def figures(judge: Judge, g: Generator, found: Found, drawn, images) -> dict[str, np.ndarray]:
    """Take the figures of reconstructions, [N] each.

    Args:
        judge: What `judge` prepared.
        g: The generator that was given, whose population is meant.
        found: What the inverter found.
        drawn: Its images, as they are written.
        images: The originals.
    """
    import numpy as np

    from jaxgan import metrics

    code: Any = found.code
    values = {judge.name: judge.distance(drawn, images)}
    values |= {name: getattr(metrics, name)(drawn, images) for name in ("mse", "psnr", "ssim")}
    if judge.embed is not None:
        values["identity"] = metrics.identity(judge.embed, drawn, images)
    apart = metrics.mahalanobis(g, code, judge.charts)
    values |= {f"mahalanobis_{space}": value for space, value in apart.items()}
    if rows := metrics.rows_apart(g, code, judge.charts):
        values["rows_apart"] = next(iter(rows.values()))
    if apart:  # codes that the charts do not reach cannot be moved along their axes either
        draw = drawing(found)
        values["drift"] = metrics.drift(draw, g, code, judge.edits, judge.distance) / max(judge.typical, 1e-12)
    return {name: np.asarray(value) for name, value in values.items()}


def consistency(judge: Judge, g: Generator, found: Found, how, key) -> np.ndarray:
    """Take the latent editing consistency [N]: edit, draw, invert again, undo. It takes as long as the inversion."""
    import numpy as np

    from jaxgan import metrics

    again = lambda images: how(type(found)(g), images, key)[0].code
    code: Any = found.code
    return np.asarray(metrics.consistency(drawing(found), g, code, judge.edits[1], judge.edits[0], again, key))


def drawing(found: Found) -> Callable[[Code], Any]:
    """Return what draws other codes as `found` draws its own."""
    return lambda code: type(found)(found.generator, code, found.stacked).images()


def rounded(value: float) -> float | None:
    """Bring a figure to JSON: six digits behind the point, None where it is no number."""
    import math

    return round(float(value), 6) if math.isfinite(value) else None
