"""PGGAN: z -> x, grown from 4x4 by fading in one resolution after the other.

Source: Karras et al., "Progressive Growing of GANs for Improved Quality, Stability, and Variation" (2018), table 2 and
section 4. The networks have the layers of every resolution from the start; how far they have grown is said by `lod`
(static: halvings between the images and the newest resolution) and by the buffer `fade` of each network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import flax.linen as nn
import jax.numpy as jnp

from jaxgan.core.generator import Affine, Arch, Context, Stage
from jaxgan.nn.growing import BOX, FadedRGB, Judge, LeakyConv, check_sizes, fade_of, resolutions, width
from jaxgan.nn.taps import tap
from jaxgan.ops.activations import ROOT2, bias_act
from jaxgan.ops.normalize import normalise_2nd_moment
from jaxgan.ops.resample import HIGHEST

NAME = "pggan"


class Seed(nn.Module):
    """Dense layer from a latent [N, D] to features [N, 4, 4, C]; `weight` [D, 4, 4, C], `bias` [C]."""

    features: int

    @nn.compact
    def __call__(self, z):
        inputs = z.shape[-1]
        weight = self.param("weight", nn.initializers.normal(1.0), (inputs, 4, 4, self.features))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        x = jnp.einsum("nd,dhwc->nhwc", z, weight * (ROOT2 / 4 / math.sqrt(inputs)), precision=HIGHEST)
        return bias_act(x, bias, "leaky")


class Block(nn.Module):
    """Two layers at one resolution, each followed by the normalisation of every pixel."""

    resolution: int
    features: int

    @nn.compact
    def __call__(self, x, context: Context):
        if self.resolution == 4:
            x = Seed(self.features, name="dense")(normalise_2nd_moment(x))
        else:
            x = LeakyConv(self.features, 3, "up", taps=BOX, name="conv0")(x)
        x = LeakyConv(self.features, name="conv1")(normalise_2nd_moment(x))
        return tap(self, context, f"b{self.resolution}", normalise_2nd_moment(x))


class Synthesis(nn.Module):
    """Draw images [N, H, W, channels] from z."""

    resolution: int
    channels: int
    channel_base: int
    channel_max: int
    lod: int

    @nn.compact
    def __call__(self, z, context: Context):
        fade, last = fade_of(self), self.resolution >> self.lod
        x = normalise_2nd_moment(z.astype(jnp.float32))
        if context.cond is not None:
            x = jnp.concatenate([x, context.cond.astype(jnp.float32)], axis=-1)
        kept = {}
        for r in resolutions(self.resolution if self.is_initializing() else last):
            x = Block(r, width(r, self.channel_base, self.channel_max), name=f"b{r}")(x, context)
            if r in (last // 2, last) or self.is_initializing():
                kept[r] = x
        return FadedRGB(self.resolution, self.channels, self.lod, name="torgb")(kept, fade)


def arch(
    resolution: int = 1024,
    *,
    channels: int = 3,
    z_dim: int = 512,
    classes: int = 0,
    channel_base: int = 16384,
    channel_max: int = 512,
    lod: int = 0,
) -> Arch:
    """Describe a PGGAN generator.

    Args:
        resolution: Side of the images, a power of two.
        channels: Image channels.
        z_dim: Width of z.
        classes: Width of the condition, 0 for none; it is appended to z.
        channel_base, channel_max: min(channel_base / r, channel_max) feature maps at resolution r.
        lod: Level of detail: how many of the highest resolutions are not in use yet. Images are enlarged to the full
            resolution all the same.

    Source: PGGAN, table 2. `channel_base` is twice the published code's `fmap_base`, which divides by r / 2. The label
    joins z after z is normalised, and both are normalised together, as in the published conversions to PyTorch.
    """
    config = dict(locals())
    check_sizes(resolution, lod)
    affines = () if classes else (Affine("b4_dense", 0, ("synthesis", "b4", "dense", "weight")),)
    module = Synthesis(resolution, channels, channel_base, channel_max, lod, name="synthesis")
    return Arch(
        name=NAME,
        config=tuple(sorted(config.items())),
        stages=(Stage("z", "x", module),),
        shapes=(("z", (z_dim,)),),
        resolution=resolution,
        channels=channels,
        classes=classes,
        affines=affines,
        taps=tuple(f"b{r}" for r in resolutions(resolution >> lod)),
    )


class Discriminator(nn.Module):
    """Score images [N, H, W, channels] in [-1, 1]; returns logits [N, 1]. The fields are those of `discriminator`."""

    resolution: int
    channels: int
    classes: int
    channel_base: int
    channel_max: int
    mbstd_group: int | None
    mbstd_features: int
    mbstd_parts: int
    fused: bool
    lod: int

    @nn.compact
    def __call__(self, images, cond=None, train: bool = False, guess: bool = False):
        sizes = (self.resolution, self.channel_base, self.channel_max, 1 + self.classes)
        mbstd = (self.mbstd_group, self.mbstd_features, self.mbstd_parts)
        judge = Judge(*sizes, mbstd, smooth=False, fused=self.fused, lod=self.lod, name="judge")
        scores = judge(images)
        return scores if guess else scores[:, :1]


def discriminator(
    resolution: int = 1024,
    *,
    channels: int = 3,
    classes: int = 0,
    channel_base: int = 16384,
    channel_max: int = 512,
    mbstd_group: int | None = 4,
    mbstd_features: int = 1,
    mbstd_parts: int = 1,
    fused: bool = False,
    lod: int = 0,
) -> Discriminator:
    """Describe a PGGAN discriminator: an auxiliary classifier, which guesses the class instead of being told it.

    Called as `(images, cond=None, train=False, guess=False)`; with `guess` (static) the logits of the classes follow
    the score, [N, 1 + classes]; `train` changes nothing. Images may have any resolution from 4x4 to the full one: they
    enter at their own.

    Args:
        resolution, channels, classes, channel_base, channel_max, lod: As for `arch`.
        mbstd_group, mbstd_features: Minibatch standard deviation; the group must divide the batch. 0 features: off.
        mbstd_parts: Of the batch, each with groups of its own: 1 is the global batch, on however many devices; the
            number of devices keeps each group on one device, as in the published code.
        fused: Take 2x2 means before bias and activation, as the published code's fused convolutions do, not after.

    Source: PGGAN, table 2. In the paper the statistics are those of the whole batch (`mbstd_group=None`).
    """
    arguments = dict(locals())
    check_sizes(resolution, lod)
    return Discriminator(**arguments)


BATCHES = ((4, 512), (8, 256), (16, 128), (32, 64), (64, 32))
LRS = ((128, 0.0015), (256, 0.002), (512, 0.003), (1024, 0.003))


@dataclass(frozen=True)
class Preset:
    """A published training configuration of a family that grows; as the official code's for 8 GPUs by default.

    Args:
        resolution: Side of the images.
        kimg: Length of training in thousands of real images.
        phase_kimg: Length of each stable phase and of each fade.
        batch: Images per step where `batches` says nothing else.
        batches: (resolution, images per step).
        lr: Adam's step size where `lrs` says nothing else.
        lrs: (resolution, step size).
        first: Side of the images at the beginning.
        gamma: Weight of R1, at every step; None where another penalty is used.
        ema_kimg: Half-life of the weight average.
        mbstd: Minibatch-stddev group.
        channel_base, channel_max: Width of all networks.
        psi, cutoff: Truncation of the published images; None where there is none.
    """

    resolution: int
    kimg: int
    phase_kimg: int = 600
    batch: int = 32
    batches: tuple[tuple[int, int], ...] = BATCHES
    lr: float = 0.001
    lrs: tuple[tuple[int, float], ...] = LRS
    first: int = 4
    gamma: float | None = None
    ema_kimg: float = 10.0
    mbstd: int = 4
    channel_base: int = 16384
    channel_max: int = 512
    psi: float | None = None
    cutoff: int | None = None


PRESETS = {
    "celebahq1024": Preset(1024, 12_000),  # "v2"
    "paper1024": Preset(1024, 19_000, 800, 16, ((256, 14), (512, 6), (1024, 3)), lrs=(), mbstd=16),
    "lsun256": Preset(256, 12_000, lrs=LRS[:2]),
}
