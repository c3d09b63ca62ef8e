"""A classifier of one's own data: a small ResNet that reads one label, or several factors, of an image."""

from __future__ import annotations

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxgan.nn.plain import Dense
from jaxgan.nn.resnet import ResNet

NAME = "classifier"
NUMBER, TURN = 1, 0  # sizes of labels that are no classes


class Classifier(nn.Module):
    """Score images [N, H, W, C] in [-1, 1] of any size; returns logits and readings [N, K]. The fields are those of
    `classifier`.
    """

    resolution: int
    channels: int
    sizes: tuple[int, ...]
    names: tuple[str, ...]
    widths: tuple[int, ...]
    units: tuple[int, ...]

    def inputs(self) -> list[tuple[int, ...]]:
        """Shapes of the arguments for a batch of one."""
        return [(1, self.resolution, self.resolution, self.channels)]

    def setup(self):
        self.body = ResNet(self.widths, self.units, bottleneck=False, pool=False)
        self.out = Dense(sum(spans(self.sizes)))

    def __call__(self, images: Float[Array, "n h w c"], train: bool = False) -> Float[Array, "n k"]:
        return self.out(self.vectors(images, train))

    def vectors(self, images: Float[Array, "n h w c"], train: bool = False) -> Float[Array, "n d"]:
        """Return what the scores are read from: the averages of the last maps."""
        return self.body(fitted(images, self.resolution, self.channels), train)[-1].mean((1, 2))


class Vectors(nn.Module):
    """A classifier as features for Fréchet distances, which judge by its vectors, and for the Inception score."""

    classifier: Classifier

    def __call__(self, images: Float[Array, "n h w c"]) -> Float[Array, "n d"]:
        return self.classifier.vectors(images)

    def scores(self, vectors: Float[Array, "n d"]) -> Float[Array, "n k"]:
        """Return the logits of the first label's classes."""
        return self.classifier.out(vectors)[:, : spans(self.classifier.sizes)[0]]


def classifier(
    resolution: int = 64,
    *,
    channels: int = 3,
    sizes: tuple[int, ...] = (10,),
    names: tuple[str, ...] = (),
    widths: tuple[int, ...] = (32, 64, 128, 256),
    units: tuple[int, ...] = (1, 1, 1, 1),
) -> Classifier:
    """Describe a classifier.

    Args:
        resolution: Side of the images that it looks at; others are resized.
        channels: Of the images; grey and colour become each other.
        sizes: For each label the number of its classes; `NUMBER` (1) for a number, `TURN` (0) for an angle in turns,
            such as a hue, which is read as its cosine and sine.
        names: One for each column of the scores; see `columns`.
        widths, units: Channels and residual units of the stages; the way in and all stages but the first halve.

    Raises:
        ValueError: If names and sizes do not go together, or the image is too small for the stages.

    Source: He et al., "Deep Residual Learning" (2016). Different: no max pool on the way in, for small images.
    """
    if not sizes or min(sizes) < 0:
        raise ValueError(f"sizes is {sizes}; give the number of classes of each label, 1 for numbers, 0 for angles.")
    names = names or columns([f"label{i}" for i in range(len(sizes))] if len(sizes) > 1 else [""], sizes)
    if len(names) != sum(spans(sizes)):
        raise ValueError(f"There are {len(names)} names for {sum(spans(sizes))} columns: {', '.join(names[:12])}.")
    if len(widths) != len(units) or resolution < 2 ** len(widths):
        raise ValueError(f"{len(widths)} widths and {len(units)} units do not fit images of {resolution} pixels.")
    return Classifier(resolution, channels, tuple(sizes), tuple(names), tuple(widths), tuple(units))


def spans(sizes: Sequence[int]) -> list[int]:
    """Return how many columns of the scores each label has."""
    return [2 if size == TURN else size for size in sizes]


def columns(labels: Sequence[str], sizes: Sequence[int]) -> tuple[str, ...]:
    """Name the columns of the scores: "hair0", "hair1" of classes, "x" of a number, "hue_cos", "hue_sin" of a turn."""
    named = []
    for label, size in zip(labels, sizes, strict=True):
        ends = {NUMBER: [""], TURN: ["_cos", "_sin"]}.get(size, [str(i) for i in range(size)])
        named += [label + end for end in ends]
    return tuple(named)


def fitted(images: Float[Array, "n h w c"], resolution: int, channels: int) -> Float[Array, "n r r c2"]:
    """Resize images (linear, averaging where they shrink) and bring them to the number of channels."""
    n, height, width, own = images.shape
    if (height, width) != (resolution, resolution):
        images = jax.image.resize(images, (n, resolution, resolution, own), "linear", antialias=True)
    if own == channels:
        return images
    grey = images.mean(-1, keepdims=True)
    return jnp.broadcast_to(grey, (n, resolution, resolution, channels))


def readings(scores: Float[Array, "n k"], sizes: Sequence[int]) -> list[Float[Array, "n b"]]:
    """Cut scores into the columns of each label."""
    ends = np.cumsum(spans(sizes))
    return [scores[:, end - span : end] for end, span in zip(ends, spans(sizes))]
