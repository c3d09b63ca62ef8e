"""StyleGAN (the first): z -> w -> w+ -> s -> x, grown as PGGAN is.

Source: Karras et al., "A Style-Based Generator Architecture for Generative Adversarial Networks" (2019). Each layer is
convolution, noise, bias, leaky ReLU, instance normalisation and a style, y = (style_0 + 1) x + style_1, here called
AdaIN as in the paper. How far a network has grown is said as in `models.pggan`.
"""

from __future__ import annotations

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan.core.generator import Affine, Arch, Chart, Context, Stage
from jaxgan.latents.charts import from_p, to_p
from jaxgan.models.pggan import Preset
from jaxgan.nn.equalized import Dense
from jaxgan.nn.growing import BOX, FadedRGB, Judge, LeakyDense, check_sizes, fade_of, resolutions, width
from jaxgan.nn.mapping import Spread
from jaxgan.nn.modulated import noise_map
from jaxgan.nn.taps import tap
from jaxgan.ops.activations import ROOT2, bias_act
from jaxgan.ops.normalize import normalise_2nd_moment
from jaxgan.ops.resample import blur, conv, conv_up2

NAME = "stylegan1"


class Mapping(nn.Module):
    """MLP from z [N, z_dim] and a condition [N, c] to w [N, w_dim].

        x = normalise(concat(z, cond embed))        fc0 ... fc{layers-1}, each leaky, lr_mul

    `embed` [c, z_dim] is drawn from N(0, 1) and has no bias.
    """

    z_dim: int
    w_dim: int
    classes: int
    layers: int
    hidden: int
    lr_mul: float

    @nn.compact
    def __call__(self, z, context: Context):
        x = z.astype(jnp.float32)
        if self.classes:
            embed = self.param("embed", nn.initializers.normal(1.0), (self.classes, self.z_dim))
            x = jnp.concatenate([x, context.cond.astype(jnp.float32) @ embed], axis=-1)
        x = normalise_2nd_moment(x)
        for i in range(self.layers):
            features = self.w_dim if i == self.layers - 1 else self.hidden
            x = LeakyDense(features, lr_mul=self.lr_mul, name=f"fc{i}")(x)
        return x


def style_layers(resolution: int, base: int, limit: int) -> tuple[tuple[str, int], ...]:
    """List the styled layers with their channels, in the order of w+: conv0 and conv1 of each resolution."""
    return tuple((f"b{r}_conv{i}", width(r, base, limit)) for r in resolutions(resolution) for i in (0, 1))


class Styles(nn.Module):
    """Per-layer affine maps w+ [N, L, D] -> s, a tuple of [N, 2 C_l]: factors minus 1, then offsets."""

    layers: tuple[tuple[str, int], ...]

    @nn.compact
    def __call__(self, wp, context: Context):
        return tuple(
            Dense(2 * channels, name=name)(wp[:, i].astype(jnp.float32))
            for i, (name, channels) in enumerate(self.layers)
        )


class Layer(nn.Module):
    """Convolution (or the constant), noise, bias, leaky ReLU, instance normalisation, style.

    `noise` (buffer, [H, W]) is the constant noise map, `noise_strength` [C] (from 0) scales it in each channel. `layer`
    is the layer's name in `Code.noise`, `index` its number.
    """

    features: int
    resolution: int
    layer: str
    index: int
    use_noise: bool

    @nn.compact
    def __call__(self, x, style, context: Context):
        if self.index == 0:
            const = self.param("const", nn.initializers.ones, (4, 4, self.features))
            x = jnp.broadcast_to(const, (style.shape[0], *const.shape))
        else:
            shape = (3, 3, x.shape[-1], self.features)
            weight = self.param("weight", nn.initializers.normal(1.0), shape) * (ROOT2 / math.sqrt(9 * shape[2]))
            x = conv(x, weight) if self.index % 2 else blur(conv_up2(x, weight, BOX))
        if self.use_noise:
            noise = noise_map(self, context, self.layer, self.index, x.shape[0], self.resolution)
            strength = self.param("noise_strength", nn.initializers.zeros, (self.features,))
            x = x if noise is None else x + noise * strength
        x = bias_act(x, self.param("bias", nn.initializers.zeros, (self.features,)), "leaky")
        return adain(x, style)


def adain(x, style, eps: float = 1e-8):
    """Normalise each channel of each image, then give it the style's scale and offset.

        (style_0 + 1) (x - mean) / sqrt(var + eps) + style_1

    Args:
        x: Activations [N, H, W, C].
        style: [N, 2 C].

    Source: StyleGAN, equation 1.
    """
    scale, offset = jnp.split(style[:, None, None, :], 2, axis=-1)
    x = x - x.mean((1, 2), keepdims=True)
    x = x * jax.lax.rsqrt(jnp.mean(x * x, (1, 2), keepdims=True) + eps)
    return x * (scale + 1) + offset


class Block(nn.Module):
    """The two layers of one resolution."""

    resolution: int
    features: int
    first_index: int
    use_noise: bool

    @nn.compact
    def __call__(self, x, styles, context: Context):
        for i, style in enumerate(styles):
            name = f"b{self.resolution}_conv{i}"
            sizes = (self.features, self.resolution, name, self.first_index + i)
            x = Layer(*sizes, self.use_noise, name=f"conv{i}")(x, style, context)
        return tap(self, context, f"b{self.resolution}", x)


class Synthesis(nn.Module):
    """Draw images [N, H, W, channels] from styles."""

    resolution: int
    channels: int
    channel_base: int
    channel_max: int
    use_noise: bool
    lod: int

    @nn.compact
    def __call__(self, styles, context: Context):
        fade, last = fade_of(self), self.resolution >> self.lod
        x, kept = None, {}
        for i, r in enumerate(resolutions(self.resolution if self.is_initializing() else last)):
            features = width(r, self.channel_base, self.channel_max)
            block = Block(r, features, 2 * i, self.use_noise, name=f"b{r}")
            x = block(x, styles[2 * i : 2 * i + 2], context)
            if r in (last // 2, last) or self.is_initializing():
                kept[r] = x
        return FadedRGB(self.resolution, self.channels, self.lod, name="torgb")(kept, fade)


def arch(
    resolution: int = 1024,
    *,
    channels: int = 3,
    z_dim: int = 512,
    w_dim: int = 512,
    classes: int = 0,
    channel_base: int = 16384,
    channel_max: int = 512,
    mapping_layers: int = 8,
    mapping_hidden: int = 512,
    mapping_lr_mul: float = 0.01,
    use_noise: bool = True,
    lod: int = 0,
) -> Arch:
    """Describe a StyleGAN generator.

    Args:
        resolution: Side of the images, a power of two.
        channels: Image channels.
        z_dim, w_dim: Widths of the latent spaces.
        classes: Width of the condition, 0 for none.
        channel_base, channel_max: min(channel_base / r, channel_max) feature maps at resolution r.
        mapping_layers, mapping_hidden, mapping_lr_mul: The mapping MLP.
        use_noise: Whether layers add noise.
        lod: Level of detail: how many of the highest resolutions are not in use yet. Images are enlarged to the full
            resolution all the same, and codes keep the rows of all layers.

    Source: StyleGAN, section 2. `channel_base` is twice the published code's `fmap_base`, which divides by r / 2. The
    published code truncates in inference by default: psi 0.7, cutoff 8; here it is asked for.
    """
    config = dict(locals())
    check_sizes(resolution, lod)
    layers = style_layers(resolution, channel_base, channel_max)
    mapping = Mapping(z_dim, w_dim, classes, mapping_layers, mapping_hidden, mapping_lr_mul, name="mapping")
    synthesis = Synthesis(resolution, channels, channel_base, channel_max, use_noise, lod, name="synthesis")
    return Arch(
        name=NAME,
        config=tuple(sorted(config.items())),
        stages=(
            Stage("z", "w", mapping),
            Stage("w", "w+", Spread(len(layers), w_dim, name="spread")),
            Stage("w+", "s", Styles(layers, name="style")),
            Stage("s", "x", synthesis),
        ),
        shapes=(
            ("z", (z_dim,)),
            ("w", (w_dim,)),
            ("w+", (len(layers), w_dim)),
            ("s", tuple((2 * features,) for _, features in layers)),
        ),
        resolution=resolution,
        channels=channels,
        classes=classes,
        charts=(Chart("w", "p", to_p, from_p), Chart("w+", "p+", to_p, from_p)),
        affines=tuple(Affine(name, i, ("style", name, "weight")) for i, (name, _) in enumerate(layers)),
        taps=tuple(f"b{r}" for r in resolutions(resolution >> lod)),
        truncates="w",
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
    lod: int

    @nn.compact
    def __call__(self, images, cond=None, train: bool = False):
        if self.classes and cond is None:
            raise ValueError(f"This discriminator is conditional: give cond [N, {self.classes}].")
        sizes = (self.resolution, self.channel_base, self.channel_max, max(self.classes, 1))
        mbstd = (self.mbstd_group, self.mbstd_features, self.mbstd_parts)
        judge = Judge(*sizes, mbstd, smooth=True, fused=True, lod=self.lod, name="judge")
        scores = judge(images)
        return scores if cond is None or not self.classes else jnp.sum(scores * cond, axis=1, keepdims=True)


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
    lod: int = 0,
) -> Discriminator:
    """Describe a StyleGAN discriminator: PGGAN's with a blur before each halving; the condition picks the score.

    Called as `(images, cond=None, train=False)`; `train` changes nothing. Images may have any resolution from 4x4 to
    the full one: they enter at their own.

    Args:
        resolution, channels, classes, channel_base, channel_max, lod: As for `arch`.
        mbstd_group, mbstd_features: Minibatch standard deviation; the group must divide the batch. 0 features: off.
        mbstd_parts: Of the batch, each with groups of its own: 1 is the global batch, on however many devices; the
            number of devices keeps each group on one device, as in the published code.

    Source: StyleGAN, appendix C; conditional as in Mescheder et al. (2018), score_n = sum_c cond_nc scores_nc.
    """
    arguments = dict(locals())
    check_sizes(resolution, lod)
    return Discriminator(**arguments)


PRESETS = {f"ffhq{r}": Preset(r, 25_000, first=8, gamma=10.0, psi=0.7, cutoff=8) for r in (256, 512, 1024)}
