"""GH-Feat: a residual trunk whose pyramid names the styles of every layer directly, in s."""

from __future__ import annotations

from itertools import accumulate

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.encoders.sizes import reduced
from jaxgan.encoders.styles import RESNETS, checked
from jaxgan.nn.normalize import BatchNorm
from jaxgan.nn.plain import Conv, Dense
from jaxgan.nn.resnet import ResNet
from jaxgan.ops.resample import enlarge
from jaxgan.ops.similarity import halve

NAME = "ghfeat"
LEVELS = 3


class Encoder(nn.Module):
    """Map images to s codes, a tuple of [N, C_l]. The fields are those of `encoder`.

    The buffer `s_mean` [sum C_l] is the generator's mean of s, to which the answer is added.
    """

    resolution: int
    channels: int
    layers: tuple[int, ...]
    widths: tuple[int, ...]
    units: tuple[int, ...]
    trunk: str
    features: int
    pool: bool

    def inputs(self) -> list[tuple[int, ...]]:
        """Shapes of the arguments for a batch of one."""
        return [(1, self.resolution, self.resolution, self.channels)]

    @nn.compact
    def __call__(self, images: Float[Array, "n h w c"], train: bool = False) -> tuple[Float[Array, "n cl"], ...]:
        x = reduced(images, self.resolution)
        body = ResNet(self.widths, self.units, self.trunk == "resnet50", self.pool, name="body")
        maps = body(x, train)[-LEVELS:]
        conv = lambda name, y, k: Conv(self.features, k, name=name)(y)
        below, pyramid = None, []
        for level, y in reversed(list(enumerate(maps))):
            y = conv(f"lateral{level}", y, 1)
            below = y if below is None else y + enlarge(below)
            pyramid.append(conv(f"smooth{level}", below, 3))  # coarse to fine
        codes, mean = [], self.variable("buffers", "s_mean", jnp.zeros, (sum(self.layers),))
        groups = split(len(self.layers))
        top = pyramid[0]
        for level, (y, group) in enumerate(zip(pyramid, groups, strict=True)):
            while y.shape[1] > top.shape[1]:
                y = halve(y)
            y = y if level == 0 else top + conv(f"pooled{level}", y, 3)
            flat, width = y.reshape(len(y), -1), sum(self.layers[i] for i in group)
            codes.append(BatchNorm(name=f"bn{level}")(Dense(width, std=0.02, name=f"out{level}")(flat), train))
        flat = mean.value + jnp.concatenate(codes, axis=1)
        return tuple(jnp.split(flat, list(accumulate(self.layers))[:-1], axis=1))


def split(layers: int) -> tuple[range, ...]:
    """Divide layers, coarse to fine, among the three maps: 4, 4 and the rest, or thirds of fewer than 12."""
    first = min(4, max(1, layers // LEVELS))
    return range(first), range(first, 2 * first), range(2 * first, layers)


def encoder(
    resolution: int = 256,
    *,
    channels: int = 3,
    layers: tuple[int, ...] = (1024,) * 8 + (512,) * 2 + (256,) * 2 + (128,) * 2,
    widths: tuple[int, ...] = (64, 128, 256, 512, 512),
    units: tuple[int, ...] = (3, 4, 6, 3, 1),
    trunk: str = "resnet50",
    features: int = 512,
    pool: bool = True,
) -> Encoder:
    """Describe GH-Feat's encoder, images -> s: the styles themselves, which the generator's own affine maps never make.

    Args:
        resolution, channels: As for `psp.encoder`.
        layers: Widths of the layers' styles; `encoders.sizes(g.arch, "s")` says what a generator needs.
        widths, units: Of the trunk, ResNet-50 with a stage more.
        trunk: "resnet50" (bottlenecks) or "resnet34" (basic units).
        features: Width of the pyramid.
        pool: Whether the way in halves twice; leave it away for small images.

    Source: Xu et al., "Generative Hierarchical Features from Synthesizing Images" (2021), section 3.2. Different: a
    residual unit, not a bottleneck of its own, makes the sixth stage; codes are added to the generator's mean of s,
    where the published encoder starts at zero; any generator with s, where the published one is StyleGAN's.
    """
    config = dict(locals())
    checked(resolution >> pool, widths, units, len(layers), features, trunk, LEVELS, RESNETS)
    if len(layers) < LEVELS:
        raise ValueError(f"{len(layers)} layers are fewer than the {LEVELS} maps of the pyramid.")
    return Encoder(**config)
