"""StyleGAN2 and StyleGAN2-ADA: z -> w -> w+ -> s -> x.

Source: Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (2020) and "Training Generative
Adversarial Networks with Limited Data" (2020). Layer names are those of the published checkpoints: block `b{r}` holds
`conv0` (doubles the resolution), `conv1` and `torgb`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, NamedTuple

import flax.linen as nn
import jax.numpy as jnp

from jaxgan.core.generator import Affine, Arch, Chart, Context, Stage
from jaxgan.latents.charts import from_p, to_p
from jaxgan.nn.discriminator import HALF, Discriminator, block_dtype
from jaxgan.nn.equalized import Conv, Dense
from jaxgan.nn.growing import resolutions, width
from jaxgan.nn.mapping import Mapping, Spread
from jaxgan.nn.modulated import StyleConv, ToRGB, style_tap
from jaxgan.nn.taps import tap
from jaxgan.ops.resample import FILTER, upsample2

NAME = "stylegan2"
ARCHITECTURES = ("skip", "resnet", "orig")


class Layer(NamedTuple):
    """A style-modulated layer: its name, the row of w+ it reads, and its input channels."""

    name: str
    row: int
    channels: int


def style_layers(resolution: int, base: int, limit: int, architecture: str = "skip") -> tuple[Layer, ...]:
    """List the modulated layers in the order of style space: (conv0,) conv1, torgb for each resolution.

    A block's torgb reads the same row of w+ as the next block's first convolution.
    """
    layers, row = [], 0
    for r in resolutions(resolution):
        if r > 4:
            layers.append(Layer(f"b{r}_conv0", row, width(r // 2, base, limit)))
            row += 1
        layers.append(Layer(f"b{r}_conv1", row, width(r, base, limit)))
        row += 1
        if architecture == "skip" or r == resolution:
            layers.append(Layer(f"b{r}_torgb", row, width(r, base, limit)))
    return tuple(layers)


class Styles(nn.Module):
    """Per-layer affine maps w+ [N, L, D] -> s, a tuple of [N, C_l]; biases start at 1."""

    layers: tuple[Layer, ...]

    @nn.compact
    def __call__(self, wp, context: Context):
        return tuple(
            Dense(l.channels, bias_init=1.0, name=l.name)(wp[:, l.row].astype(jnp.float32)) for l in self.layers
        )


class SynthesisBlock(nn.Module):
    """Two modulated convolutions at one resolution and, in the skip architecture, a contribution to the image."""

    resolution: int
    features: int
    last: bool
    first_index: int
    channels: int
    architecture: str
    use_noise: bool
    activation: str
    clamp: float | None
    taps: tuple[float, ...]
    dtype: str

    @nn.compact
    def __call__(self, x, image, styles: dict, context: Context):
        r, first = self.resolution, self.resolution == 4
        name = lambda layer: f"b{r}_{layer}"
        layer = lambda kind, index, up=False: StyleConv(
            self.features,
            r,
            name(kind),
            index,
            up,
            3,
            self.use_noise,
            self.activation,
            self.clamp,
            self.taps,
            name=kind,
        )
        residual = self.architecture == "resnet" and not first
        if first:
            n = styles[name("conv1")].shape[0]
            const = self.param("const", nn.initializers.normal(1.0), (4, 4, self.features))
            x = jnp.broadcast_to(const, (n, *const.shape))
        x = x.astype(self.dtype)
        if residual:
            shortcut = Conv(self.features, 1, "up", bias=False, taps=self.taps, name="skip")(x, HALF)
        if not first:
            x = layer("conv0", self.first_index, up=True)(x, styles[name("conv0")], context)
            x = tap(self, context, name("conv0"), x)
        x = layer("conv1", self.first_index + (not first))(x, styles[name("conv1")], context, HALF if residual else 1.0)
        if residual:
            x = shortcut + x
        x = tap(self, context, f"b{r}", x)
        if image is not None:
            image = upsample2(image, self.taps)
        if self.architecture == "skip" or self.last:
            to_rgb = ToRGB(self.channels, name("torgb"), clamp=self.clamp, name="torgb")
            rgb = to_rgb(x, styles[name("torgb")], context).astype(jnp.float32)
            image = rgb if image is None else image + rgb
            image = tap(self, context, f"rgb{r}", image)
        return x, image


class Synthesis(nn.Module):
    """Draw images [N, H, W, channels] from styles."""

    resolution: int
    channels: int
    channel_base: int
    channel_max: int
    architecture: str
    use_noise: bool
    activation: str
    conv_clamp: float | None
    resample_filter: tuple[float, ...]
    bf16_resolutions: int

    @nn.compact
    def __call__(self, styles, context: Context):
        layers = style_layers(self.resolution, self.channel_base, self.channel_max, self.architecture)
        named = {layer.name: s for layer, s in zip(layers, styles, strict=True)}
        shared = (self.channels, self.architecture, self.use_noise, self.activation, self.conv_clamp)
        x = image = None
        for i, r in enumerate(resolutions(self.resolution)):
            features, last = width(r, self.channel_base, self.channel_max), r == self.resolution
            dtype = block_dtype(r, self.resolution, self.bf16_resolutions)
            index = max(2 * i - 1, 0)  # of the block's first convolution among all
            block = SynthesisBlock(r, features, last, index, *shared, self.resample_filter, dtype, name=f"b{r}")
            x, image = block(x, image, named, context)
        return image


def block_taps(r: int, draws: bool) -> tuple[str, ...]:
    """Names of a block's activations in order: after each convolution, and the image so far."""
    return (*((f"b{r}_conv0",) if r > 4 else ()), f"b{r}", *((f"rgb{r}",) if draws else ()))


def check_sizes(resolution: int, architecture: str) -> None:
    if resolution < 8 or resolution & (resolution - 1):
        raise ValueError(f"Resolution {resolution} is not a power of two of at least 8.")
    if architecture not in ARCHITECTURES:
        raise ValueError(f"Architecture {architecture!r} is not one of {', '.join(ARCHITECTURES)}.")


def arch(
    resolution: int = 256,
    *,
    channels: int = 3,
    z_dim: int = 512,
    w_dim: int = 512,
    classes: int = 0,
    channel_base: int = 32768,
    channel_max: int = 512,
    mapping_layers: int = 8,
    mapping_lr_mul: float = 0.01,
    mapping_embed: int | None = None,
    mapping_hidden: int | None = None,
    mapping_activation: str = "lrelu",
    architecture: str = "skip",
    use_noise: bool = True,
    activation: str = "lrelu",
    conv_clamp: float | None = None,
    resample_filter: tuple[float, ...] = FILTER,
    bf16_resolutions: int = 0,
) -> Arch:
    """Describe a StyleGAN2 generator.

    Args:
        resolution: Side of the images, a power of two.
        channels: Image channels.
        z_dim, w_dim: Widths of the latent spaces.
        classes: Width of the condition, 0 for none.
        channel_base, channel_max: min(channel_base / r, channel_max) feature maps at resolution r.
        mapping_layers, mapping_lr_mul, mapping_embed, mapping_hidden, mapping_activation: The mapping MLP.
        architecture: "skip" (published), "resnet" or "orig".
        use_noise: Whether layers add noise.
        activation: Of the synthesis layers.
        conv_clamp: Bound on the layers' outputs, None for none; needed in half precision.
        resample_filter: FIR taps.
        bf16_resolutions: How many of the highest resolutions compute in bfloat16. The published code uses float16
            with a pre-normalisation of weights and styles; bfloat16 has float32's range and needs neither.
    """
    arguments = dict(locals())
    check_sizes(resolution, architecture)
    taps = tuple(float(t) for t in resample_filter)
    config = {**arguments, "resample_filter": taps}
    layers = style_layers(resolution, channel_base, channel_max, architecture)
    rows = layers[-1].row + 1
    mapping = (mapping_layers, mapping_embed, mapping_hidden, mapping_activation, mapping_lr_mul)
    synthesis = {f.name: config[f.name] for f in fields(Synthesis) if f.name in config}
    stages = (
        Stage("z", "w", Mapping(z_dim, w_dim, classes, *mapping, name="mapping")),
        Stage("w", "w+", Spread(rows, w_dim, name="spread")),
        Stage("w+", "s", Styles(layers, name="style")),
        Stage("s", "x", Synthesis(**synthesis, name="synthesis")),
    )
    rgb = [r for r in resolutions(resolution) if architecture == "skip" or r == resolution]
    return Arch(
        name=NAME,
        config=tuple(sorted(config.items())),
        stages=stages,
        shapes=(
            ("z", (z_dim,)),
            ("w", (w_dim,)),
            ("w+", (rows, w_dim)),
            ("s", tuple((layer.channels,) for layer in layers)),
        ),
        resolution=resolution,
        channels=channels,
        classes=classes,
        charts=(Chart("w", "p", to_p, from_p), Chart("w+", "p+", to_p, from_p)),
        affines=tuple(
            Affine(layer.name, layer.row, ("style", layer.name, "weight"), layer.name.endswith("torgb"))
            for layer in layers
        ),
        taps=tuple(t for r in resolutions(resolution) for t in block_taps(r, r in rgb)),
        truncates="w",
        styles=tuple(style_tap(layer.name) for layer in layers),
    )


def discriminator(
    resolution: int = 256,
    *,
    channels: int = 3,
    classes: int = 0,
    channel_base: int = 32768,
    channel_max: int = 512,
    architecture: str = "resnet",
    cmap_dim: int | None = None,
    mbstd_group: int | None = 4,
    mbstd_features: int = 1,
    mbstd_parts: int = 1,
    mapping_layers: int = 8,
    mapping_lr_mul: float = 0.01,
    mapping_embed: int | None = None,
    mapping_hidden: int | None = None,
    mapping_activation: str = "lrelu",
    activation: str = "lrelu",
    epilogue_activation: str = "lrelu",
    conv_clamp: float | None = None,
    resample_filter: tuple[float, ...] = FILTER,
    bf16_resolutions: int = 0,
) -> Discriminator:
    """Describe a StyleGAN2 discriminator.

    Args:
        resolution, channels, classes, channel_base, channel_max, conv_clamp, resample_filter, bf16_resolutions: As
            for `arch`.
        architecture: "resnet" (published), "skip" or "orig".
        cmap_dim: Width of the mapped condition; the features at 4x4 when None.
        mbstd_group, mbstd_features: Minibatch standard deviation; the group must divide the batch. 0 features: off.
        mbstd_parts: Of the batch, each with groups of its own. With 1 the statistics are those of the whole batch that
            the call sees: under `jg.training.parallel` the global batch, on however many devices. The published code
            takes each GPU's share by itself: there as many parts as it had GPUs.
        mapping_layers, mapping_lr_mul, mapping_embed, mapping_hidden, mapping_activation: The MLP of the condition.
        activation, epilogue_activation: Of the blocks, and of the layers at 4x4.
    """
    arguments = dict(locals())
    check_sizes(resolution, architecture)
    return Discriminator(**{**arguments, "resample_filter": tuple(float(t) for t in resample_filter)})


@dataclass(frozen=True)
class Preset:
    """One row of the published table of training configurations.

    Args:
        kimg: Length of training in thousands of real images.
        batch: Images per step over all devices.
        mbstd: Minibatch-stddev group.
        channel_base: Width of G and D.
        lr: Adam's step size for both.
        gamma: Weight of R1.
        ema_kimg: Half-life of the weight average.
        ramp: EMA ramp-up as a fraction of training so far, None for none.
        mapping_layers: Depth of the mapping MLP.
        architecture: Of the discriminator.
        path_length: Weight of the path-length penalty.
        mixing: Probability of style mixing.
    """

    kimg: int
    batch: int
    mbstd: int
    channel_base: int
    lr: float
    gamma: float
    ema_kimg: float
    ramp: float | None
    mapping_layers: int
    architecture: Literal["resnet", "skip", "orig"] = "resnet"
    path_length: float = 2.0
    mixing: float = 0.9


PRESETS = {
    "stylegan2": Preset(25_000, 32, 4, 32768, 0.002, 10, 10, None, 8),
    "paper256": Preset(25_000, 64, 8, 16384, 0.0025, 1, 20, None, 8),
    "paper512": Preset(25_000, 64, 8, 32768, 0.0025, 0.5, 20, None, 8),
    "paper1024": Preset(25_000, 32, 4, 32768, 0.002, 2, 10, None, 8),
    "cifar": Preset(100_000, 64, 32, 32768, 0.0025, 0.01, 500, 0.05, 2, "orig", 0.0, 0.0),
    "small64": Preset(1_000, 16, 4, 2048, 0.0025, 0.3, 5, 0.05, 4),
    "small32": Preset(1_000, 32, 4, 1024, 0.0025, 0.3, 5, 0.05, 4),
}


def auto(resolution: int, devices: int = 1) -> Preset:
    """Choose the configuration from the resolution and the number of devices, as `--cfg=auto` of StyleGAN2-ADA does."""
    batch = max(min(devices * min(4096 // resolution, 32), 64), devices)
    return Preset(
        kimg=25_000,
        batch=batch,
        mbstd=min(batch // devices, 4),
        channel_base=32768 if resolution >= 512 else 16384,
        lr=0.002 if resolution >= 1024 else 0.0025,
        gamma=0.0002 * resolution**2 / batch,
        ema_kimg=batch * 10 / 32,
        ramp=0.05,
        mapping_layers=2,
    )
