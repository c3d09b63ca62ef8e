"""DCGAN: strided convolutions and batch normalisation, z -> x.

Source: Radford et al., "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks"
(2016), section 3 and figure 1: no pooling, batch normalisation but on the generator's output and the discriminator's
input, ReLU against leaky ReLU, weights from N(0, 0.02). Different: kernels of 4 by default, which paint evenly, where
the authors' are of 5; a condition, which the paper has not.
"""

from __future__ import annotations

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan.core.generator import Affine, Arch, Context, Stage, known
from jaxgan.nn.normalize import BatchNorm
from jaxgan.nn.plain import ACTIVATIONS, Conv, Dense
from jaxgan.nn.taps import tap

NAME = "dcgan"
UP = ("transposed", "nearest")
STD = 0.02


def pyramid(levels: int, width: int, limit: int) -> tuple[int, ...]:
    """Channels from the coarsest level to the finest: `width` at the finest, twice as many at each before, capped."""
    return tuple(min(width << (levels - 1 - i), limit) for i in range(levels))


class Draw(nn.Module):
    """Draw images [N, H, W, channels] from z.

    With up = "transposed" every level but the first is a transposed convolution, and the last one makes the image. With
    "nearest" pixels are doubled and convolved, and a convolution of the finest level makes the image.
    """

    resolution: int
    channels: int
    classes: int
    widths: tuple[int, ...]
    embed: int | None
    kernel: int
    up: str
    start: int
    eps: float
    groups: int

    @nn.compact
    def __call__(self, z, context: Context):
        transposed, r = self.up == "transposed", self.start
        norm = lambda eps: BatchNorm(eps, groups=self.groups, weight_std=STD, name=f"norm{r}")
        if self.classes:
            label = context.cond
            if self.embed:
                label = Dense(self.embed, 1.0, bias=False, name="embed")(label)
            z = jnp.concatenate([z, label], axis=1)
        x = Dense(r * r * self.widths[0], STD, bias=not transposed, name="stem")(z)
        x = x.reshape(-1, r, r, self.widths[0])
        x = norm(self.eps if transposed else 1e-5)(x, context.train)
        x = tap(self, context, f"b{r}", jax.nn.relu(x) if transposed else x)
        for features in self.widths[1:]:
            r *= 2
            if transposed:
                x = Conv(features, self.kernel, "up", STD, bias=False, name=f"conv{r}")(x)
            else:
                x = Conv(features, self.kernel, std=STD, name=f"conv{r}")(doubled(x))
            x = tap(self, context, f"b{r}", jax.nn.relu(norm(self.eps)(x, context.train)))
        return jnp.tanh(
            Conv(self.channels, self.kernel, "up" if transposed else "", STD, not transposed, name="image")(x)
        )


def doubled(x):
    """Repeat every pixel twice along both axes."""
    n, h, w, c = x.shape
    return jnp.broadcast_to(x[:, :, None, :, None], (n, h, 2, w, 2, c)).reshape(n, 2 * h, 2 * w, c)


def arch(
    resolution: int = 64,
    *,
    channels: int = 3,
    classes: int = 0,
    z_dim: int = 100,
    width: int = 128,
    width_max: int = 1024,
    widths: tuple[int, ...] | None = None,
    embed: int | None = None,
    kernel: int = 4,
    up: str = "transposed",
    start: int = 4,
    eps: float = 1e-5,
    groups: int = 1,
) -> Arch:
    """Describe a DCGAN generator.

    Args:
        resolution: Side of the images: `start` times a power of two.
        channels: Image channels.
        classes: Width of the condition, which is appended to z; 0 for none.
        z_dim: Width of z.
        width, width_max: Channels of the finest level, doubled for each coarser one up to the largest.
        widths: Channels of all levels instead, from coarse to fine.
        embed: Width to which the condition is mapped first; None appends it as it is.
        kernel: Side of the kernels: 4 or 5; 3 for up = "nearest".
        up: "transposed" (the paper's) or "nearest", which doubles pixels and convolves.
        start: Side of the coarsest level.
        eps: Of the batch normalisation, behind the first level.
        groups: Parts of the batch that are normalised each by itself; see `nn.normalize.BatchNorm`.
    """
    known(up, UP, "way up")
    allowed = (4, 5) if up == "transposed" else (3, 5)
    if kernel not in allowed:
        raise ValueError(f"kernel is {kernel}, up={up!r} takes {allowed[0]} or {allowed[1]}.")
    levels = round(math.log2(resolution / start)) + (up == "nearest")
    given = tuple(widths) if widths is not None else pyramid(levels, width, width_max)
    if levels < 1 or start << (levels - (up == "nearest")) != resolution or len(given) != levels:
        raise ValueError(
            f"Resolution {resolution} is not {start} times a power of two, or has not {len(given)} levels of widths."
        )
    config = dict(
        resolution=resolution,
        channels=channels,
        classes=classes,
        z_dim=z_dim,
        width=width,
        width_max=width_max,
        widths=None if widths is None else given,
        embed=embed,
        kernel=kernel,
        up=up,
        start=start,
        eps=eps,
        groups=groups,
    )
    module = Draw(resolution, channels, classes, given, embed, kernel, up, start, eps, groups, name="draw")
    return Arch(
        name=NAME,
        config=tuple(sorted(config.items())),
        stages=(Stage("z", "x", module),),
        shapes=(("z", (z_dim,)),),
        resolution=resolution,
        channels=channels,
        classes=classes,
        # Behind z the first layer reads the condition.
        affines=(Affine("stem", 0, ("draw", "stem", "weight"), reads=(0, 0, z_dim) if classes else None),),
        taps=tuple(f"b{start << i}" for i in range(levels)),
    )


class Discriminator(nn.Module):
    """Score images [N, H, W, channels] in [-1, 1]; returns logits [N, 1]. The fields are those of `discriminator`."""

    resolution: int
    channels: int
    classes: int
    widths: tuple[int, ...]
    kernel: int
    groups: int

    @nn.compact
    def __call__(self, images, cond=None, train: bool = False):
        x = images
        if self.classes:
            if cond is None:
                raise ValueError(f"This discriminator is conditional: give cond [N, {self.classes}].")
            maps = jnp.broadcast_to(cond[:, None, None], (*x.shape[:3], self.classes))
            x = jnp.concatenate([x, maps], axis=-1)
        for i, features in enumerate(self.widths):
            x = Conv(features, self.kernel, "down", STD, bias=False, name=f"conv{i}")(x)
            if i:
                x = BatchNorm(groups=self.groups, weight_std=STD, name=f"norm{i}")(x, train)
            x = ACTIVATIONS["lrelu"](x)
        # The 4x4 that are left are read at once; of 28 pixels 3x3 are left, which stand in a frame of zeros.
        missing = 4 - x.shape[1]
        x = jnp.pad(x, ((0, 0), (missing, 0), (missing, 0), (0, 0)))
        weight = self.param("head", nn.initializers.normal(STD), (4, 4, x.shape[-1], 1))
        return jnp.einsum("nhwi,hwio->no", x, weight)


def discriminator(
    resolution: int = 64,
    *,
    channels: int = 3,
    classes: int = 0,
    width: int = 128,
    width_max: int = 1024,
    widths: tuple[int, ...] | None = None,
    kernel: int = 4,
    groups: int = 1,
) -> Discriminator:
    """Describe a DCGAN discriminator.

    Args:
        resolution: Side of the images: one that comes down to 4 or 3 when it is halved, such as 32, 64 or 28.
        channels: Image channels.
        classes: Width of the condition, which is appended to every pixel; 0 for none.
        width, width_max: Channels of the finest level, doubled for each coarser one up to the largest.
        widths: Channels of all levels instead, from fine to coarse.
        kernel: Side of the kernels, 4 or 5.
        groups: As for `arch`.
    """
    if kernel not in (4, 5):
        raise ValueError(f"kernel is {kernel}, allowed are 4 and 5.")
    levels, left = 0, resolution
    while left > 4:
        levels, left = levels + 1, left // 2 if kernel == 4 else (left + 1) // 2
    if left < 3:
        raise ValueError(f"Resolution {resolution} is halved to {left}; it must come down to 4 or 3.")
    given = tuple(widths) if widths is not None else pyramid(levels, width, width_max)[::-1]
    if len(given) != levels:
        raise ValueError(f"Resolution {resolution} has {levels} levels, got {len(given)} widths.")
    return Discriminator(resolution, channels, classes, given, kernel, groups)


# The paper's sizes, and those of PyTorch's example.
PRESETS = {
    "paper64": {"arch": dict(resolution=64, kernel=5), "discriminator": dict(resolution=64, kernel=5)},
    "pytorch64": {"arch": dict(resolution=64, width=64), "discriminator": dict(resolution=64, width=64)},
}
