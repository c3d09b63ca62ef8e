"""R3GAN: residual blocks of grouped convolutions without normalisation, z -> x.

Source: Huang et al., "The GAN is dead; long live the GAN! A Modern Baseline GAN" (2024), section 4. One stage a
resolution: a transition (the 4x4 basis, or bilinear resampling by [1, 3, 3, 1]) and residual blocks 1x1 - grouped
3x3 - 1x1 whose last layer starts at 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import flax.linen as nn
import jax.numpy as jnp

from jaxgan.core.generator import Affine, Arch, Context, Stage
from jaxgan.nn.taps import tap
from jaxgan.ops.grouped import conv_groups
from jaxgan.ops.resample import HIGHEST, conv, downsample2, upsample2

NAME = "r3gan"
GAIN = math.sqrt(2 / (1 + 0.2**2))  # keeps the second moment through a leaky ReLU of 0.2
EXPANSION = 2


def lrelu(x, bias):
    x = x + bias.astype(x.dtype)
    return jnp.where(x >= 0, x, 0.2 * x)


class Linear(nn.Module):
    """Map without bias, 1x1 on images; `weight` [I, O] is drawn from N(0, gain^2 / I)."""

    features: int
    gain: float = 1.0

    @nn.compact
    def __call__(self, x):
        draw = nn.initializers.normal(self.gain / math.sqrt(x.shape[-1])) if self.gain else nn.initializers.zeros
        weight = self.param("weight", draw, (x.shape[-1], self.features)).astype(x.dtype)
        return jnp.matmul(x, weight, precision=HIGHEST) if x.ndim == 2 else conv(x, weight[None, None])


class Block(nn.Module):
    """x + W3 act(W2 * act(W1 x + b1) + b2), with W2 a 3x3 convolution in groups and W3 = 0 at first.

    Args:
        group: Channels of a group of W2.
        blocks: Residual blocks in the whole network, L; weights are scaled by L^(-1/4).
    """

    group: int
    blocks: int

    @nn.compact
    def __call__(self, x):
        wide, gain = EXPANSION * x.shape[-1], GAIN * self.blocks**-0.25
        inside = min(self.group, wide)
        bias = lambda name: self.param(name, nn.initializers.zeros, (wide,))
        y = lrelu(Linear(wide, gain, name="expand")(x), bias("bias1"))
        draw = nn.initializers.normal(gain / math.sqrt(9 * inside))
        weight = self.param("weight", draw, (3, 3, inside, wide)).astype(y.dtype)
        y = lrelu(conv_groups(y, weight), bias("bias2"))
        return x + Linear(x.shape[-1], 0.0, name="contract")(y)


class Draw(nn.Module):
    """Draw images [N, H, W, channels] from z."""

    resolution: int
    channels: int
    classes: int
    widths: tuple[int, ...]
    blocks: tuple[int, ...]
    group: int
    embed: int
    bf16_resolutions: int

    @nn.compact
    def __call__(self, z, context: Context):
        if self.classes:
            z = jnp.concatenate([z, Linear(self.embed, name="embed")(context.cond)], axis=1)
        basis = self.param("basis", nn.initializers.normal(1.0), (4, 4, self.widths[0]))
        x = basis * Linear(self.widths[0], name="mix")(z)[:, None, None]
        for i, (features, count) in enumerate(zip(self.widths, self.blocks, strict=True)):
            r = 4 << i
            x = x.astype(stage_dtype(i, len(self.widths), self.bf16_resolutions))
            if i:
                if features != x.shape[-1]:
                    x = Linear(features, name=f"b{r}_skip")(x)
                x = upsample2(x)
            for j in range(count):
                x = Block(self.group, sum(self.blocks), name=f"b{r}_{j}")(x)
            x = tap(self, context, f"b{r}", x)
        return Linear(self.channels, name="image")(x).astype(jnp.float32)


def stage_dtype(index: int, stages: int, bf16_resolutions: int) -> str:
    """bfloat16 in the highest `bf16_resolutions` stages."""
    return "bfloat16" if index >= stages - bf16_resolutions else "float32"


def sizes(resolution: int, widths: tuple[int, ...], blocks: tuple[int, ...] | int, group: int) -> tuple[int, ...]:
    """Return the blocks of each stage; raise ValueError unless resolution, widths, blocks and groups fit."""
    if not widths or 4 << (len(widths) - 1) != resolution:
        raise ValueError(f"Resolution {resolution} is not 4 times 2 to the {len(widths) - 1}: give a width a stage.")
    counts = (blocks,) * len(widths) if isinstance(blocks, int) else tuple(blocks)
    if len(counts) != len(widths):
        raise ValueError(f"There are {len(widths)} stages, got blocks for {len(counts)}.")
    wrong = [w for w in widths if EXPANSION * w % min(group, EXPANSION * w)]
    if wrong:
        raise ValueError(f"Groups of {group} channels do not divide {EXPANSION} times the widths {wrong}.")
    return counts


def arch(
    resolution: int = 64,
    *,
    channels: int = 3,
    classes: int = 0,
    z_dim: int = 64,
    widths: tuple[int, ...] = (768, 768, 768, 768, 384),
    blocks: tuple[int, ...] | int = 2,
    group: int = 16,
    embed: int = 64,
    bf16_resolutions: int = 0,
) -> Arch:
    """Describe an R3GAN generator.

    Args:
        resolution: Side of the images, a power of two.
        channels: Image channels.
        classes: Width of the condition, 0 for none.
        z_dim: Width of z.
        widths: Channels of each stage, from 4x4 on.
        blocks: Residual blocks of each stage, or one number for all.
        group: Channels of a group of the 3x3 convolutions, which have twice the stage's width; the published
            "cardinality" is the number of groups.
        embed: Width of the condition's embedding.
        bf16_resolutions: How many of the highest resolutions compute in bfloat16.
    """
    widths, counts = tuple(widths), sizes(resolution, tuple(widths), blocks, group)
    config = dict(
        resolution=resolution,
        channels=channels,
        classes=classes,
        z_dim=z_dim,
        widths=widths,
        blocks=blocks if isinstance(blocks, int) else counts,
        group=group,
        embed=embed,
        bf16_resolutions=bf16_resolutions,
    )
    module = Draw(resolution, channels, classes, widths, counts, group, embed, bf16_resolutions, name="draw")
    return Arch(
        name=NAME,
        config=tuple(sorted(config.items())),
        stages=(Stage("z", "x", module),),
        shapes=(("z", (z_dim,)),),
        resolution=resolution,
        channels=channels,
        classes=classes,
        # Behind z the first layer reads the condition.
        affines=(Affine("mix", 0, ("draw", "mix", "weight"), reads=(0, 0, z_dim) if classes else None),),
        taps=tuple(f"b{4 << i}" for i in range(len(widths))),
    )


class Discriminator(nn.Module):
    """Score images [N, H, W, channels] in [-1, 1]; returns logits [N, 1]. The fields are those of `discriminator`."""

    resolution: int
    channels: int
    classes: int
    widths: tuple[int, ...]
    blocks: tuple[int, ...]
    group: int
    embed: int | None
    bf16_resolutions: int

    @nn.compact
    def __call__(self, images, cond=None):
        if self.classes and cond is None:
            raise ValueError(f"This discriminator is conditional: give cond [N, {self.classes}].")
        stages = len(self.widths)
        dtype = lambda i: stage_dtype(i, stages, self.bf16_resolutions)
        x = Linear(self.widths[-1], name="image")(images.astype(dtype(stages - 1)))
        for i in reversed(range(stages)):
            r, x = 4 << i, x.astype(dtype(i))
            for j in range(self.blocks[i]):
                x = Block(self.group, sum(self.blocks), name=f"b{r}_{j}")(x)
            if i:
                x = downsample2(x)
                if self.widths[i - 1] != x.shape[-1]:
                    x = Linear(self.widths[i - 1], name=f"b{r}_skip")(x)
        basis = self.param("basis", nn.initializers.normal(0.25), (4, 4, self.widths[0]))
        x = jnp.sum(x.astype(jnp.float32) * basis, axis=(1, 2))
        if not self.classes:
            return Linear(1, name="mix")(x)
        wide = self.embed or self.widths[0]
        x = Linear(wide, name="mix")(x)
        return jnp.sum(x * Linear(wide, 1 / math.sqrt(wide), name="embed")(cond), axis=1, keepdims=True)


def discriminator(
    resolution: int = 64,
    *,
    channels: int = 3,
    classes: int = 0,
    widths: tuple[int, ...] = (768, 768, 768, 768, 384),
    blocks: tuple[int, ...] | int = 2,
    group: int = 16,
    embed: int | None = None,
    bf16_resolutions: int = 0,
) -> Discriminator:
    """Describe an R3GAN discriminator, the mirror image of the generator.

    Args:
        resolution, channels, classes, group, bf16_resolutions: As for `arch`.
        widths, blocks: As for `arch`: from 4x4 on, although images pass them the other way round.
        embed: Width of the projection of the condition; the width at 4x4 when None, as published.
    """
    counts = sizes(resolution, tuple(widths), blocks, group)
    return Discriminator(resolution, channels, classes, tuple(widths), counts, group, embed, bf16_resolutions)


@dataclass(frozen=True)
class Preset:
    """One of the published configurations; every stage has two blocks.

    Args:
        widths: Channels of the stages, from 4x4 on.
        group: Channels of a group.
        gamma: Weight of R1 and R2 at the start; a tenth of it at the end.
        ema_kimg: Half-life of the weight average at the end.
        augment: Probability of augmentation at the end.
        kimg: Length of the schedules.
        batch: Images per step over all devices.
        classes: Width of the condition.
        bf16_resolutions: Highest resolutions in bfloat16.
    """

    widths: tuple[int, ...]
    group: int
    gamma: float
    ema_kimg: float
    augment: float
    kimg: float
    batch: int
    classes: int = 0
    bf16_resolutions: int = 4


# Source: the published `train.py`; the batches are those of the commands in its README.
PRESETS = {
    "cifar10": Preset((768,) * 4, 16, 0.05, 5_000, 0.55, 20_000, 512, 10, 3),
    "ffhq64": Preset((768,) * 4 + (384,), 16, 2.0, 500, 0.3, 20_000, 256),
    "ffhq256": Preset((768,) * 4 + (384, 192, 96), 16, 150.0, 500, 0.3, 20_000, 256),
    "imagenet32": Preset((1536,) * 4, 32, 0.5, 50_000, 0.5, 200_000, 4096, 1000, 3),
    "imagenet64": Preset((1536,) * 5, 32, 1.0, 50_000, 0.4, 200_000, 4096, 1000),
}
