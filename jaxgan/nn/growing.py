"""What networks that grow share: resolutions one after the other, each faded in over the one before."""

from __future__ import annotations

from functools import partial

import flax.linen as nn
import jax.numpy as jnp

from jaxgan.nn.equalized import Conv, Dense
from jaxgan.ops.activations import ROOT2
from jaxgan.ops.normalize import minibatch_stddev
from jaxgan.ops.resample import blur, enlarge
from jaxgan.ops.similarity import halve

BOX = (1.0, 1.0)  # nearest neighbour upwards, 2x2 means downwards

LeakyConv = partial(Conv, activation="leaky", weight_gain=ROOT2)
LeakyDense = partial(Dense, activation="leaky", weight_gain=ROOT2)


def resolutions(last: int, first: int = 4) -> tuple[int, ...]:
    """List the sides from `first` to `last`, each twice the one before."""
    sides = [first]
    while sides[-1] < last:
        sides.append(2 * sides[-1])
    return tuple(sides)


def width(resolution: int, base: int, limit: int) -> int:
    """Channels at a resolution: min(base / resolution, limit)."""
    return min(base // resolution, limit)


def check_sizes(resolution: int, lod: int) -> None:
    """Check at the door what the factories are given."""
    if resolution < 4 or resolution & (resolution - 1):
        raise ValueError(f"Resolution {resolution} is not a power of two of at least 4.")
    if not 0 <= lod < len(resolutions(resolution)):
        raise ValueError(f"lod is {lod}; from 4 to {resolution} pixels it is 0 to {len(resolutions(resolution)) - 1}.")


def fade_of(module: nn.Module):
    """Return the buffer `fade` of a network, a scalar: 0 shows the newest resolution alone, 1 the one before it."""
    return module.variable("buffers", "fade", jnp.zeros, ()).value


def faded(new, old, fade):
    """Blend new + fade (old - new)."""
    return new + fade * (old - new)


def fade_images(images, fade):
    """Blend images with copies at half their resolution, as the networks that draw and judge them are blended.

        x + fade (enlarge(halve(x)) - x)

    Source: PGGAN, section 2 and figure 2.
    """
    return faded(images, enlarge(halve(images)), fade)


class FadedRGB(nn.Module):
    """Collect the image of a generator that grows: the newest resolution's, faded in over the one's before.

    It is called with the activations {resolution: [N, r, r, C]} of the last two resolutions, all of them while
    parameters are drawn: a network has the layers of every resolution from the start, used or not, so that the shapes
    of its parameters never change while it grows.
    """

    resolution: int
    channels: int
    lod: int

    @nn.compact
    def __call__(self, activations: dict, fade):
        last = self.resolution >> self.lod
        drawn = {r: Conv(self.channels, 1, name=f"r{r}")(x) for r, x in activations.items()}
        image = drawn[last]
        if last > 4:
            image = faded(image, enlarge(drawn[last // 2]), fade)
        return enlarge(image, 2**self.lod)


class DownBlock(nn.Module):
    """Two convolutions, the second of which halves the resolution.

    `smooth` blurs by [1, 2, 1] before the second (StyleGAN). `fused` takes 2x2 means of the convolution, before bias
    and activation; otherwise of what comes out behind them.
    """

    features: int
    out: int
    smooth: bool
    fused: bool

    @nn.compact
    def __call__(self, x):
        x = LeakyConv(self.features, name="conv0")(x)
        x = blur(x) if self.smooth else x
        if self.fused:
            return LeakyConv(self.out, 3, "down", taps=BOX, name="conv1")(x)
        return halve(LeakyConv(self.out, name="conv1")(x))


class Epilogue(nn.Module):
    """From the 4x4 features to the scores."""

    features: int
    hidden: int
    scores: int
    group: int | None
    group_features: int
    parts: int

    @nn.compact
    def __call__(self, x):
        if self.group_features:
            parts = 1 if self.is_initializing() else self.parts  # parameters may be drawn for a single image
            x = minibatch_stddev(x, self.group, self.group_features, parts)
        x = LeakyConv(self.features, name="conv")(x)
        x = LeakyDense(self.hidden, name="fc")(x.reshape(x.shape[0], -1))
        return Dense(self.scores, name="out")(x)


class Judge(nn.Module):
    """Score images of any resolution up to the full one, entering at their own; returns [N, scores].

    `mbstd` are the arguments of `minibatch_stddev`: group, features (0: off) and parts.

    A `lod` above 0 reduces larger images to `resolution / 2^lod` first. The buffer `fade` blends the newest block with
    the way round it.
    """

    resolution: int
    channel_base: int
    channel_max: int
    scores: int
    mbstd: tuple[int | None, int, int]
    smooth: bool
    fused: bool
    lod: int

    @nn.compact
    def __call__(self, images):
        fade, drawn = fade_of(self), self.is_initializing()
        side = images.shape[1]
        if side not in resolutions(self.resolution) or images.shape[2] != side:
            raise ValueError(
                f"Images are {side}x{images.shape[2]}; this discriminator takes squares of "
                f"{', '.join(map(str, resolutions(self.resolution)))} pixels."
            )
        while not drawn and images.shape[1] > self.resolution >> self.lod:
            images = halve(images)
        channels = lambda r: width(r, self.channel_base, self.channel_max)
        enter = lambda r, x: LeakyConv(channels(r), 1, name=f"fromrgb{r}")(x)
        top = images.shape[1]
        x = enter(top, images)
        for r in reversed(resolutions(top)[1:]):
            x = DownBlock(channels(r), channels(r // 2), self.smooth, self.fused, name=f"b{r}")(x)
            images = halve(images)
            if r == top or drawn:  # all ways in while parameters are drawn
                x = faded(x, enter(r // 2, images), fade)
        sizes = (channels(4), channels(2), self.scores)
        return Epilogue(*sizes, *self.mbstd, name="b4")(x)
