"""StyleGAN2's discriminator, which StyleGAN3 shares; `models.stylegan2.discriminator` describes it."""

from __future__ import annotations

import math

import flax.linen as nn
import jax.numpy as jnp

from jaxgan.core.generator import Context
from jaxgan.nn.equalized import Conv, Dense
from jaxgan.nn.growing import resolutions, width
from jaxgan.nn.mapping import Mapping
from jaxgan.ops.normalize import minibatch_stddev
from jaxgan.ops.resample import downsample2

HALF = math.sqrt(0.5)


def block_dtype(r: int, resolution: int, bf16_resolutions: int) -> str:
    """bfloat16 in the highest `bf16_resolutions` resolutions, never below 8."""
    return "bfloat16" if r >= max(resolution * 2 >> bf16_resolutions, 8) else "float32"


class DiscriminatorBlock(nn.Module):
    """Two convolutions that halve the resolution, with the shortcuts of the architecture."""

    features: int
    out: int
    first: bool
    architecture: str
    activation: str
    clamp: float | None
    taps: tuple[float, ...]
    dtype: str

    @nn.compact
    def __call__(self, x, image):
        x = None if x is None else x.astype(self.dtype)
        if self.first or self.architecture == "skip":
            rgb = Conv(self.features, 1, activation=self.activation, clamp=self.clamp, name="fromrgb")(
                image.astype(self.dtype)
            )
            x = rgb if x is None else x + rgb
            image = downsample2(image, self.taps) if self.architecture == "skip" else None
        conv0 = Conv(self.features, activation=self.activation, clamp=self.clamp, name="conv0")
        conv1 = Conv(self.out, 3, "down", self.activation, clamp=self.clamp, taps=self.taps, name="conv1")
        if self.architecture == "resnet":
            shortcut = Conv(self.out, 1, "down", bias=False, taps=self.taps, name="skip")(x, HALF)
            return shortcut + conv1(conv0(x), HALF), image
        return conv1(conv0(x)), image


class Epilogue(nn.Module):
    """From the 4x4 features to the score; the condition enters by projection, sum(out * cmap) / sqrt(dim)."""

    features: int
    cmap_dim: int
    architecture: str
    group: int | None
    group_features: int
    group_parts: int
    activation: str
    clamp: float | None

    @nn.compact
    def __call__(self, x, image, cmap):
        x = x.astype(jnp.float32)
        if self.architecture == "skip":
            x = x + Conv(self.features, 1, activation=self.activation, name="fromrgb")(image.astype(jnp.float32))
        if self.group_features:
            x = minibatch_stddev(x, self.group, self.group_features, self.group_parts)
        x = Conv(self.features, activation=self.activation, clamp=self.clamp, name="conv")(x)
        x = Dense(self.features, self.activation, name="fc")(x.reshape(x.shape[0], -1))
        x = Dense(self.cmap_dim or 1, name="out")(x)
        if self.cmap_dim:
            x = jnp.sum(x * cmap, axis=1, keepdims=True) / math.sqrt(self.cmap_dim)
        return x


class Discriminator(nn.Module):
    """Score images [N, H, W, channels] in [-1, 1]; returns logits [N, 1]. The fields are those of `discriminator`."""

    resolution: int
    channels: int
    classes: int
    channel_base: int
    channel_max: int
    architecture: str
    cmap_dim: int | None
    mbstd_group: int | None
    mbstd_features: int
    mbstd_parts: int
    mapping_layers: int
    mapping_lr_mul: float
    mapping_embed: int | None
    mapping_hidden: int | None
    mapping_activation: str
    activation: str
    epilogue_activation: str
    conv_clamp: float | None
    resample_filter: tuple[float, ...]
    bf16_resolutions: int

    @nn.compact
    def __call__(self, images, cond=None):
        if self.classes and cond is None:
            raise ValueError(f"This discriminator is conditional: give cond [N, {self.classes}].")
        channels = lambda r: width(r, self.channel_base, self.channel_max)
        shared = (self.architecture, self.activation, self.conv_clamp, self.resample_filter)
        x, image = None, images
        for r in reversed(resolutions(self.resolution)[1:]):
            first, dtype = r == self.resolution, block_dtype(r, self.resolution, self.bf16_resolutions)
            x, image = DiscriminatorBlock(channels(r), channels(r // 2), first, *shared, dtype, name=f"b{r}")(x, image)
        cmap, dim = None, 0
        if self.classes:
            dim = channels(4) if self.cmap_dim is None else self.cmap_dim
            sizes = (self.mapping_layers, self.mapping_embed, self.mapping_hidden)
            mapping = Mapping(
                0, dim, self.classes, *sizes, self.mapping_activation, self.mapping_lr_mul, name="mapping"
            )
            cmap = mapping(None, Context(cond=cond))
        group = (self.mbstd_group, self.mbstd_features, self.mbstd_parts)
        activation = (self.epilogue_activation, self.conv_clamp)
        return Epilogue(channels(4), dim, self.architecture, *group, *activation, name="b4")(x, image, cmap)
