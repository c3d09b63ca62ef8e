"""ALAE: StyleGAN's generator in two parts, F: z -> w and G: w -> x, and its mirror, E: x -> w, with a critic on w.

Source: Pidhorskyi et al., "Adversarial Latent Autoencoders" (2020), sections 4 and 5, figure 2. The generator is that
of `models.stylegan1`; the discriminator is critic(E(image)), so that what it learns of images E knows too. How far a
network has grown is said as in `models.pggan`.
"""

from __future__ import annotations

import flax.linen as nn
import jax.numpy as jnp

from jaxgan.core import Network
from jaxgan.core.generator import Arch
from jaxgan.models import stylegan1
from jaxgan.models.pggan import Preset
from jaxgan.nn.equalized import Dense
from jaxgan.nn.growing import BOX, LeakyConv, LeakyDense, check_sizes, fade_of, faded, resolutions, width
from jaxgan.ops.resample import blur
from jaxgan.ops.similarity import halve

NAME = "alae"


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
    mapping_lr_mul: float = 0.1,
    lod: int = 0,
) -> Arch:
    """Describe the generator G(F(z)); the arguments are those of `models.stylegan1.arch`.

    Source: The published configurations, whose mapping learns at a tenth of the rate, not at a hundredth.
    """
    config = dict(locals())
    return stylegan1.arch(**config)._replace(name=NAME, config=tuple(sorted(config.items())))


def statistics(x):
    """Return x with mean 0 and standard deviation 1 in each channel of each image, and both, [N, 2 C].

    They are what a style of the generator sets (`models.stylegan1.adain`), read back.

    Source: ALAE, section 5. Different: the deviation is sqrt(var + 1e-8), so that flat images have gradients.
    """
    mean = x.mean((1, 2), keepdims=True)
    std = jnp.sqrt(jnp.square(x - mean).mean((1, 2), keepdims=True) + 1e-8)
    return (x - mean) / std, jnp.concatenate([mean, std], axis=-1)[:, 0, 0]


class ReadBlock(nn.Module):
    """Two convolutions, the second of which halves the resolution (at 4x4: a dense layer); each gives its share of w.

    Returns what follows and the sum of both shares [N, w_dim].
    """

    features: int
    out: int
    w_dim: int
    last: bool

    @nn.compact
    def __call__(self, x):
        x, style = statistics(LeakyConv(self.features, name="conv0")(x))
        w = Dense(self.w_dim, name="style0")(style)
        if self.last:
            x = style = LeakyDense(self.out, name="fc")(x.reshape(x.shape[0], -1))
        else:
            x, style = statistics(LeakyConv(self.out, 3, "down", taps=BOX, name="conv1")(blur(x)))
        return x, w + Dense(self.w_dim, name="style1")(style)


class Encoder(nn.Module):
    """Map images [N, H, W, channels] in [-1, 1] to w [N, w_dim]. The fields are those of `encoder`."""

    resolution: int
    channels: int
    w_dim: int
    channel_base: int
    channel_max: int
    lod: int
    classes: int = 0

    @nn.compact
    def __call__(self, images, train: bool = False):
        fade, drawn = fade_of(self), self.is_initializing()
        if images.shape[1] not in resolutions(self.resolution) or images.shape[2] != images.shape[1]:
            raise ValueError(
                f"Images are {images.shape[1]}x{images.shape[2]}; this encoder takes squares of "
                f"{', '.join(map(str, resolutions(self.resolution)))} pixels."
            )
        while not drawn and images.shape[1] > self.resolution >> self.lod:
            images = halve(images)
        channels = lambda r: width(r, self.channel_base, self.channel_max)
        enter = lambda r, x: LeakyConv(channels(r), 1, name=f"fromrgb{r}")(x)
        top, w = images.shape[1], jnp.zeros((len(images), self.w_dim))
        x = enter(top, images)
        for r in reversed(resolutions(top)):
            x, share = ReadBlock(channels(r), channels(max(r // 2, 4)), self.w_dim, r == 4, name=f"b{r}")(x)
            w = w + (share * (1 - fade) if r == top > 4 else share)
            images = halve(images) if r > 4 else images
            if r > 4 and (r == top or drawn):  # all ways in while parameters are drawn
                x = faded(x, enter(r // 2, images), fade)
        return w


class Critic(nn.Module):
    """MLP from w to scores; learns at a tenth of the rate."""

    layers: int
    hidden: int
    scores: int

    @nn.compact
    def __call__(self, w):
        for i in range(self.layers - 1):
            w = LeakyDense(self.hidden, lr_mul=0.1, name=f"fc{i}")(w)
        return Dense(self.scores, lr_mul=0.1, name="out")(w)


class Discriminator(nn.Module):
    """Score images by what the encoder says of them; returns logits [N, 1]. The fields are those of `discriminator`."""

    resolution: int
    channels: int
    classes: int
    w_dim: int
    layers: int
    hidden: int
    channel_base: int
    channel_max: int
    lod: int

    def setup(self):
        sizes = (self.resolution, self.channels, self.w_dim, self.channel_base, self.channel_max, self.lod)
        self.encoder = Encoder(*sizes)
        self.critic = Critic(self.layers, self.hidden, max(self.classes, 1))

    def __call__(self, images, cond=None, train: bool = False):
        scores = self.critic(self.encoder(images))
        if not self.classes:
            return scores
        if cond is None:
            raise ValueError(f"This discriminator is conditional: give cond [N, {self.classes}].")
        return jnp.sum(scores * cond, axis=1, keepdims=True)


def encoder(
    resolution: int = 1024,
    *,
    channels: int = 3,
    w_dim: int = 512,
    channel_base: int = 16384,
    channel_max: int = 512,
    lod: int = 0,
) -> Encoder:
    """Describe E, images -> w: what `jg.inversion.encode` takes.

    Each layer's means and deviations, the statistics that a style sets, add a linear share to w. Images may have any
    resolution from 4x4 to the full one: they enter at their own.

    Args:
        resolution, channels, w_dim, channel_base, channel_max, lod: As for `arch`.

    Source: ALAE, section 5 and figure 2.
    """
    arguments = dict(locals())
    check_sizes(resolution, lod)
    return Encoder(**arguments)


def discriminator(
    resolution: int = 1024,
    *,
    channels: int = 3,
    classes: int = 0,
    w_dim: int = 512,
    layers: int = 3,
    hidden: int = 512,
    channel_base: int = 16384,
    channel_max: int = 512,
    lod: int = 0,
) -> Discriminator:
    """Describe D(E(image)): the encoder and a critic on w, as one network with the parts `encoder` and `critic`.

    Called as `(images, cond=None, train=False)`; `train` changes nothing.

    Args:
        resolution, channels, w_dim, channel_base, channel_max, lod: As for `arch`.
        classes: Width of the condition, which picks the score; 0 for none. ALAE itself has none.
        layers, hidden: Of the critic.

    Source: ALAE, section 4.1, D o E. Different: the critic has one score; the published one has 2 w_dim, of which one
    is used.
    """
    arguments = dict(locals())
    check_sizes(resolution, lod)
    return Discriminator(**arguments)


def encoder_of(network: Network) -> Network:
    """Take the encoder out of a discriminator, to be used and saved by itself.

    Args:
        network: An "alae.discriminator", such as `trainer.network(state, "D")`.

    Raises:
        ValueError: It is another network.
    """
    if network.name != f"{NAME}.discriminator":
        raise ValueError(f"{network.name or 'This network'} holds no encoder; needed is an alae.discriminator.")
    names = ("resolution", "channels", "w_dim", "channel_base", "channel_max", "lod")
    config = {name: value for name, value in network.config if name in names}
    made, described = encoder(**config), tuple(sorted(config.items()))
    return Network(network.params["encoder"], network.buffers["encoder"], made, f"{NAME}.encoder", described)


LRS = ((256, 0.002), (512, 0.003), (1024, 0.003))
PRESETS = {"ffhq1024": Preset(1024, 18_000, 480, lr=0.0015, lrs=LRS, gamma=10.0, psi=0.7, cutoff=8)}
