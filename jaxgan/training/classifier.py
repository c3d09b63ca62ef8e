"""The game of a classifier: one player that learns to read the labels of images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from jaxgan.core import Network
from jaxgan.core.network import initialise
from jaxgan.data import Source, fit, to_float
from jaxgan.features import classifier as features
from jaxgan.features.classifier import NUMBER, TURN, readings
from jaxgan.training.ada import Ada
from jaxgan.training.augment import PIPES, augment
from jaxgan.training.ema import Ema, half_life
from jaxgan.training.game import Move, Opening, Player, Trainer, game
from jaxgan.training.opponents import kept
from jaxgan.training.schedules import cosine
from jaxgan.training.settings import Adam

LOOKED_AT = 256  # labels by which numbers are standardised, and what labels are is checked
JUDGED = 2000  # held-out images that are looked at, where there are more
BATCH = 64  # of these at a time


@dataclass(frozen=True)
class Classifier:
    """A classifier of the data's own labels, which the recipe asks for by `labels=True`.

    Labels are classes as one column each (`sizes=()`), or several factors [N, F] with the size of each.

    Args:
        resolution, channels: Of the images that it looks at.
        sizes: For labels that are factors: the number of classes of each, 1 for a number, 0 for an angle in turns.
        widths, units: Channels and residual units of the trunk's stages.
        held_out: Data set that judges the classifier at every checkpoint, as for `Recipe.data`; ":validation" is the
            part of that name of the recipe's own data. "" for none.
        smoothing: Share of each label that is spread over all classes.
        mixup: How much pairs of images and their labels are mixed, the parameter of a beta distribution; 0 for never.
        decay: Weight decay, in step sizes.
        decay_kimg: The step size falls along half a cosine to a hundredth in so many thousands of images; None: not.
    """

    resolution: int = 64
    channels: int = 3
    sizes: tuple[int, ...] = ()
    widths: tuple[int, ...] = (32, 64, 128, 256)
    units: tuple[int, ...] = (1, 1, 1, 1)
    held_out: str = ""
    smoothing: float = 0.1
    mixup: float = 0.2
    decay: float = 0.05
    decay_kimg: float | None = None

    def smoke(self) -> Classifier:
        """Shrink to two narrow stages at 16 pixels."""
        return replace(self, resolution=16, widths=(4, 8), units=(1, 1))

    def trainer(
        self,
        *,
        batch: int,
        adam: Adam,
        ema: Ema,
        ada: Ada | None = None,
        classes: int = 0,
        data: Source | None = None,
        held_out: Source | None = None,
    ) -> Trainer:
        """Make the game of one move, C.

            mean over labels of  cross entropy of classes,  (1 - cos) / 2 of angles,  (r - y)^2 / 2 of numbers,
            for t x + (1 - t) x' the mean of the losses for the labels of x and x' weighed by t,  t ~ Beta(mixup, mixup)

        Numbers are read in standard deviations of the data.

        Args:
            batch: Images per step, over all devices.
            adam: Optimizer; its decay of weights is `decay`.
            ema: Average of the weights, by which it is judged.
            ada: Augmentation of the images, always of strength `initial`.
            classes: Width of the data's labels.
            data: The data, whose label names are those of the scores.
            held_out: What the classifier is judged by at checkpoints.

        Raises:
            ValueError: There are no labels, or they are not what `sizes` says.

        Source: Zhang et al., "mixup" (2018); Szegedy et al., "Rethinking the Inception Architecture" (2016), section 7,
        for the smoothing; AdamW. Different: one t for a batch.
        """
        if not classes:
            raise ValueError("A classifier learns from labels: set labels=True in the recipe, and take data with some.")
        sizes, mean, std = self.sizes or (classes,), jnp.zeros(len(self.sizes) or 1), jnp.ones(len(self.sizes) or 1)
        names: Sequence[str] = ()
        if data is not None:
            known = first_labels(data)
            checked(known, self.sizes, data)
            names = data.label_names
            if self.sizes:
                names = features.columns(names or [f"label{i}" for i in range(len(sizes))], sizes)
                mean, std = jnp.asarray(known.mean(0)), jnp.asarray(np.maximum(known.std(0), 1e-6))
        names = tuple(names) or (() if self.sizes else tuple(map(str, range(classes))))
        config: dict[str, Any] = dict(resolution=self.resolution, channels=self.channels, sizes=sizes, names=names)
        config |= dict(widths=self.widths, units=self.units)
        module, described = features.classifier(**config), tuple(sorted(config.items()))
        blank = [jnp.zeros(shape) for shape in module.inputs()]
        make = lambda key: initialise(module, key, *blank, name=f"{features.NAME}.classifier", config=described)
        part = jax.eval_shape(make, jax.random.key(0))
        loss_of = partial(loss, sizes=sizes, one_hot=not self.sizes, mean=mean, std=std, smoothing=self.smoothing)

        def c_move(params, stats, batch, key):
            of_augment, of_order, of_share = jax.random.split(key, 3)
            images, labels = batch["image"], batch["label"]
            if ada is not None:
                images = augment(images, of_augment, ada.initial, PIPES[ada.pipe])
            order, t = jnp.arange(len(images)), 1.0
            if self.mixup:
                order = jax.random.permutation(of_order, len(images))
                t = jax.random.beta(of_share, self.mixup, self.mixup)
            network = part.replace(params=params["C"], buffers=stats["buffers"]["C"])
            scores, buffers = network.in_training(t * images + (1 - t) * images[order])
            total = (t * loss_of(scores, labels) + (1 - t) * loss_of(scores, labels[order])).mean()
            return total, ({"loss": total}, kept(stats, "C", buffers))

        def begin(stats, batch, images):
            return Opening(stats, batch, rate=cosine(1.0, 0.01, self.decay_kimg)(images) if self.decay_kimg else None)

        own = optax.adamw(adam.lr, adam.b1, adam.b2, adam.eps, weight_decay=self.decay)
        made = game(
            {"C": make},
            {"C": Player(("C",), own)},
            [Move("C", "C", c_move)],
            ema=half_life(ema),
            averaged=("C",),
            averaged_buffers=True,
            begin=begin,
        )
        judge = None if held_out is None else partial(judged, data=held_out, one_hot=not self.sizes)
        return made._replace(result="C", figure=judge)


def loss(scores: Float[Array, "n k"], labels: Float[Array, "n f"], *, sizes, one_hot, mean, std, smoothing):
    """Return what the scores of each image cost [N]: the mean over its labels."""
    costs = []
    for i, (size, read) in enumerate(zip(sizes, readings(scores, sizes), strict=True)):
        y = labels if one_hot else labels[:, i]
        if size == TURN:
            angle = 2 * jnp.pi * y
            cos = (read[:, 0] * jnp.cos(angle) + read[:, 1] * jnp.sin(angle)) / jnp.sqrt(jnp.square(read).sum(1) + 1e-6)
            costs.append((1 - cos) / 2)
        elif size == NUMBER:
            costs.append(jnp.square(read[:, 0] - (y - mean[i]) / std[i]) / 2)
        else:
            target = y if one_hot else jax.nn.one_hot(y.astype(int), size)
            costs.append(optax.softmax_cross_entropy(read, optax.smooth_labels(target, smoothing)))
    return jnp.stack(costs).mean(0)


def judged(network: Network, data: Source, one_hot: bool) -> dict[str, float]:
    """Judge a classifier by labelled images that it has not seen.

    Args:
        network: The classifier.
        data: Images and labels.
        one_hot: Whether labels are one column for each class of one label.

    Returns:
        {"error": 1 - the mean of the others, "accuracy": ...}, or instead of "accuracy" a figure for each factor by
        its name: the share of images whose class is read rightly, of numbers the squared correlation, of angles the
        mean cosine of the error.
    """
    module: Any = network.module
    scores, labels = [], []
    for images, some in pieces(data, module):
        scores.append(network(images)[: len(some)])
        labels.append(some)
    truth = np.concatenate(labels)
    found = readings(jnp.concatenate(scores), module.sizes)
    names = ("accuracy",) if one_hot else data.label_names or tuple(f"label{i}" for i in range(len(found)))
    figures = {}
    for i, (name, size, read) in enumerate(zip(names, module.sizes, found, strict=True)):
        y = truth.argmax(1) if one_hot else truth[:, i]
        if size == TURN:
            figures[name] = np.cos(np.arctan2(read[:, 1], read[:, 0]) - 2 * np.pi * y).mean()
        elif size == NUMBER:
            figures[name] = np.corrcoef(read[:, 0], y)[0, 1] ** 2
        else:
            figures[name] = (read.argmax(1) == y).mean()
    figures = {name: float(value) for name, value in figures.items()}
    return {"error": 1 - float(np.mean(list(figures.values()))), **figures}


def pieces(data: Source, module: Any):
    """Iterate over images [BATCH, R, R, C] and labels [N, F]; the last images are filled up."""
    chosen = spread(len(data), JUDGED)
    for start in range(0, len(chosen), BATCH):
        items = [data[i] for i in chosen[start : start + BATCH]]
        images = to_float(np.stack([fit(item["image"], module.resolution) for item in items]))
        rows = np.minimum(np.arange(BATCH), len(items) - 1)
        yield images[rows], np.stack([item["label"] for item in items])


def first_labels(data: Source) -> Float[np.ndarray, "n f"]:
    """Return up to `LOOKED_AT` labels."""
    return np.stack([data[i]["label"] for i in spread(len(data), LOOKED_AT)])


def spread(length: int, most: int) -> list[int]:
    """Return evenly spaced numbers below a length, all of them where there are no more than `most`."""
    return [i * length // min(length, most) for i in range(min(length, most))]


def checked(labels: Float[np.ndarray, "n f"], sizes: Sequence[int], data: Source) -> None:
    """Raise ValueError unless labels are what the sizes say."""
    if not sizes:
        if not (np.all(labels.sum(1) == 1) and np.all((labels == 0) | (labels == 1))):
            raise ValueError(
                f"The {labels.shape[1]} labels of {data.name} are no classes but numbers: say model.sizes, for each "
                "the number of its classes, 1 for a number, 0 for an angle in turns."
            )
        return
    if labels.shape[1] != len(sizes):
        raise ValueError(f"{data.name} has {labels.shape[1]} labels, model.sizes has {len(sizes)}.")
    for i, (column, size) in enumerate(zip(labels.T, sizes, strict=True)):
        if size > 1 and not (np.all(column == np.round(column)) and column.min() >= 0 and column.max() < size):
            name = data.label_names[i] if data.label_names else i
            raise ValueError(
                f"Label {name} of {data.name} goes from {column.min():g} to {column.max():g}, it should be a whole "
                f"number from 0 to {size - 1}."
            )
