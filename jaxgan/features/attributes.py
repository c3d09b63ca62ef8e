"""Scorers: what is to be seen in images, as numbers. Any function from images [N, H, W, C] to scores [N, K] is one."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

LUMA = (0.299, 0.587, 0.114)
EDGE = 1e-2  # length of a gradient below which an edge does not count: keeps the root differentiable at flat pixels
FAINT = 1e-3  # squared chroma below which a colour has no hue
REACH = 0.25  # distance between colours, of a range of 2, at which a pixel is as likely foreground as not
BORDER = 1 / 16  # share of the width, at either side, that counts as background

Images = Float[Array, "n h w c"]


class Scorer(NamedTuple):
    """A function from images to scores [N, K], with a name for each score.

    Args:
        score: Images [N, H, W, C] in [-1, 1] to scores [N, K].
        names: K names.
    """

    score: Callable[[Any], Any]
    names: tuple[str, ...]

    def __call__(self, images: Images) -> Float[Array, "n k"]:
        return self.score(images)


class Labels(NamedTuple):
    """Scores that are known already, such as labels given by hand: row n belongs to code n.

    Args:
        values: Scores [N, K]; NaN where there is none.
        names: K names.
    """

    values: Float[np.ndarray, "n k"]
    names: tuple[str, ...]


def scores(scorer: Callable[[Any], Any], images: Images) -> Float[Array, "n k"]:
    """Score images [N, H, W, C]; blocks by name, as a `FactorProbe` returns, are put side by side."""
    read = scorer(images)
    columns = list(read.values()) if isinstance(read, Mapping) else [read]
    table = jnp.concatenate([jnp.asarray(c, jnp.float32).reshape(len(images), -1) for c in columns], axis=1)
    return table


def score_names(scorer: Callable[[Any], Any], images: Images) -> tuple[str, ...]:
    """Name the scores of `scores`: by the scorer, by its blocks, or by number."""
    read = scorer(images)
    if not isinstance(read, Mapping):
        read = np.asarray(read).reshape(len(images), -1)
        given = tuple(getattr(scorer, "names", ()) or ())
        if given and len(given) != read.shape[1]:
            raise ValueError(f"The scorer names {len(given)} scores ({', '.join(given)}) and gives {read.shape[1]}.")
        return given or tuple(f"score{i}" for i in range(read.shape[1]))
    wide = {name: np.asarray(v).reshape(len(images), -1).shape[1] for name, v in read.items()}
    return tuple(name if width == 1 else f"{name}{i}" for name, width in wide.items() for i in range(width))


def join(*scorers: Callable[[Any], Any]) -> Scorer:
    """Put the scores of several scorers side by side."""
    blank = jnp.zeros((1, 16, 16, 3))
    names = tuple(n for s in scorers for n in (getattr(s, "names", None) or score_names(s, blank)))
    return Scorer(lambda images: jnp.concatenate([scores(s, images) for s in scorers], axis=1), names)


def labels(path: str | Path, columns: Sequence[str] | None = None) -> Labels:
    """Read scores from a CSV file with a line of names: one row for each code, in order.

    Args:
        path: File. A column `index` says which code a row belongs to; without it rows are in order. An empty field is
            a score that is not known.
        columns: Names of the columns to take; all whose fields are numbers when None.

    Raises:
        ValueError: If a column is missing, a field is no number or an index comes twice.
    """
    with Path(path).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        raise ValueError(f"{path}: holds no rows; the first line names the columns, every further one is a code.")
    there = [name for name in rows[0] if name and name != "index"]
    chosen = list(columns) if columns is not None else [c for c in there if all(numeric(r[c]) for r in rows)]
    missing = [c for c in chosen if c not in there]
    if missing or not chosen:
        raise ValueError(f"{path}: has no column of numbers {', '.join(missing)}; there are {', '.join(there)}.")
    wrong = [(i + 2, c) for i, r in enumerate(rows) for c in chosen if not numeric(r[c])]
    if wrong:
        raise ValueError(f"{path}: line {wrong[0][0]}, column {wrong[0][1]!r} is no number; leave unknown ones empty.")
    values = np.array([[float(r[c]) if r[c] else np.nan for c in chosen] for r in rows], np.float32)
    if "index" in rows[0]:
        at = [int(r["index"]) for r in rows]
        if len(set(at)) < len(at) or min(at) < 0:
            raise ValueError(f"{path}: the column index must hold different numbers from 0 on.")
        whole = np.full((max(at) + 1, len(chosen)), np.nan, np.float32)
        whole[at] = values
        values = whole
    return Labels(values, tuple(chosen))


def numeric(field: str | None) -> bool:
    """Whether a field of a CSV file is a number or empty."""
    try:
        return not field or bool(float(field) or True)
    except ValueError:
        return False


def classifier(network: Callable[[Any], Any], names: Sequence[str], *, resolution: int | None = None) -> Scorer:
    """Score images by a classifier's logits: its Network and the names of its classes.

    Args:
        network: Images to logits [N, K].
        names: K names.
        resolution: Side that images are resized to first; None leaves them.
    """

    def score(images):
        if resolution is not None:
            images = jax.image.resize(images, (len(images), resolution, resolution, images.shape[-1]), "linear")
        return network(images)

    return Scorer(score, tuple(names))


def colour() -> Scorer:
    """Score the mean red, green and blue, in [-1, 1]."""
    return Scorer(jax.jit(lambda images: coloured(images).mean((1, 2))), ("red", "green", "blue"))


def brightness() -> Scorer:
    """Score the mean luminance, in [-1, 1]."""
    return Scorer(jax.jit(lambda images: luminance(images).mean((1, 2))[:, None]), ("brightness",))


def hue() -> Scorer:
    """Score the hue of the mean colour as a point near the unit circle: red at (1, 0), green at 120 degrees.

    alpha = R - (G + B) / 2,   beta = sqrt(3) / 2 (G - B),   (alpha, beta) / sqrt(alpha^2 + beta^2 + FAINT)
    """

    def score(images):
        red, green, blue = jnp.moveaxis(coloured(images).mean((1, 2)), -1, 0)
        chroma = jnp.stack([red - (green + blue) / 2, jnp.sqrt(3) / 2 * (green - blue)], axis=1)
        return chroma / jnp.sqrt(jnp.square(chroma).sum(1, keepdims=True) + FAINT)

    return Scorer(jax.jit(score), ("hue_cos", "hue_sin"))


def edges() -> Scorer:
    """Score the mean length of the luminance's gradient, in units of intensity a pixel."""

    def score(images):
        grey = luminance(images)
        down, right = grey[:, 1:, :-1] - grey[:, :-1, :-1], grey[:, :-1, 1:] - grey[:, :-1, :-1]
        return (jnp.sqrt(down**2 + right**2 + EDGE**2) - EDGE).mean((1, 2))[:, None]

    return Scorer(jax.jit(score), ("edges",))


def symmetry() -> Scorer:
    """Score the correlation of the luminance with its mirror image: 1 for a picture that is symmetric left to right."""

    def score(images):
        grey = luminance(images)
        grey = grey - grey.mean((1, 2), keepdims=True)
        return ((grey * grey[:, :, ::-1]).mean((1, 2)) / (jnp.square(grey).mean((1, 2)) + 1e-6))[:, None]

    return Scorer(jax.jit(score), ("symmetry",))


def size() -> Scorer:
    """Score the share of the picture that the foreground takes, in [0, 1]; see `foreground`."""
    return Scorer(jax.jit(lambda images: foreground(images).mean((1, 2))[:, None]), ("size",))


def centroid() -> Scorer:
    """Score where the foreground's centre lies, x to the right and y down, both in [-1, 1]; see `foreground`."""

    def score(images):
        mask = foreground(images)
        total = mask.sum((1, 2)) + 1e-6
        down, right = (jnp.linspace(-1, 1, side) for side in mask.shape[1:])
        return jnp.stack([(mask.sum(1) @ right) / total, (mask.sum(2) @ down) / total], axis=1)

    return Scorer(jax.jit(score), ("x", "y"))


def pixels() -> Scorer:
    """Score everything that is read from pixels alone: colour, brightness, hue, edges, symmetry, size and centroid."""
    return join(colour(), brightness(), hue(), edges(), symmetry(), size(), centroid())


def foreground(images: Images) -> Float[Array, "n h w"]:
    """Tell how much each pixel differs from the background, in [0, 1].

        mask = 1 - 2^(-|x - b|^2 / REACH^2),   b: each row's straight line from its left border to its right one

    So walls, floors and skies that run across the picture count as background, whatever their colours are.
    """
    images = coloured(images)
    width = images.shape[2]
    edge = max(1, round(width * BORDER))
    left, right = images[:, :, :edge].mean(2, keepdims=True), images[:, :, -edge:].mean(2, keepdims=True)
    across = jnp.linspace(0, 1, width)[None, None, :, None]
    background = left * (1 - across) + right * across
    return 1 - 2 ** (-jnp.square(images - background).sum(-1) / REACH**2)


def coloured(images: Images) -> Float[Array, "n h w 3"]:
    """Give grey images three channels."""
    return jnp.broadcast_to(images, (*images.shape[:3], 3))


def luminance(images: Images) -> Float[Array, "n h w"]:
    """Return the weighted mean of the channels, Rec. 601."""
    return coloured(images) @ jnp.array(LUMA)
