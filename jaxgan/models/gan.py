"""The first GAN: two multilayer perceptrons, z -> x.

Source: Goodfellow et al., "Generative Adversarial Nets" (2014), and, for the condition, Mirza and Osindero,
"Conditional Generative Adversarial Nets" (2014). Different: the discriminator's layers are leaky ReLUs (there maxout
with dropout), as in everything that was written since.
"""

from __future__ import annotations

import flax.linen as nn
import jax.numpy as jnp

from jaxgan.core.generator import Affine, Arch, Context, Stage, known
from jaxgan.nn.plain import ACTIVATIONS, Dense
from jaxgan.nn.taps import tap

NAME = "gan"
OUTPUTS = ("tanh", "sigmoid", "linear")


class Draw(nn.Module):
    """Draw images [N, H, W, channels] from z, with the condition appended to it."""

    resolution: int
    channels: int
    hidden: tuple[int, ...]
    activation: str
    output: str
    classes: int

    @nn.compact
    def __call__(self, z, context: Context):
        x = z if not self.classes else jnp.concatenate([z, context.cond], axis=1)
        for i, features in enumerate(self.hidden):
            x = ACTIVATIONS[self.activation](Dense(features, name=f"fc{i}")(x))
            x = tap(self, context, f"h{i}", x[:, None, None])[:, 0, 0]  # a map of one pixel
        x = Dense(self.resolution**2 * self.channels, name="out")(x)
        x = ACTIVATIONS[self.output](x)
        return x.reshape(-1, self.resolution, self.resolution, self.channels)


def check(activation: str, output: str = "tanh") -> None:
    known(activation, ("relu", "lrelu", "tanh"), "activation")
    known(output, OUTPUTS, "output")


def arch(
    resolution: int = 28,
    *,
    channels: int = 1,
    classes: int = 0,
    z_dim: int = 100,
    hidden: tuple[int, ...] = (256, 512, 1024),
    activation: str = "relu",
    output: str = "tanh",
) -> Arch:
    """Describe a generator that is a multilayer perceptron.

    Args:
        resolution: Side of the images, any number.
        channels: Image channels.
        classes: Width of the condition, 0 for none.
        z_dim: Width of z.
        hidden: Widths of the hidden layers.
        activation: Of the hidden layers: "relu", "lrelu" or "tanh".
        output: "tanh", "sigmoid" (stretched to [-1, 1]) or "linear".
    """
    check(activation, output)
    hidden = tuple(hidden)
    config = dict(
        resolution=resolution,
        channels=channels,
        classes=classes,
        z_dim=z_dim,
        hidden=hidden,
        activation=activation,
        output=output,
    )
    module = Draw(resolution, channels, hidden, activation, output, classes, name="draw")
    first = "fc0" if hidden else "out"
    return Arch(
        name=NAME,
        config=tuple(sorted(config.items())),
        stages=(Stage("z", "x", module),),
        shapes=(("z", (z_dim,)),),
        resolution=resolution,
        channels=channels,
        classes=classes,
        # Behind z the first layer reads the condition.
        affines=(Affine(first, 0, ("draw", first, "weight"), reads=(0, 0, z_dim) if classes else None),),
        taps=tuple(f"h{i}" for i in range(len(hidden))),
    )


class Discriminator(nn.Module):
    """Score images [N, H, W, channels] in [-1, 1]; returns logits [N, 1]. The fields are those of `discriminator`."""

    resolution: int
    channels: int
    classes: int
    hidden: tuple[int, ...]
    activation: str

    @nn.compact
    def __call__(self, images, cond=None):
        x = images.reshape(images.shape[0], -1)
        if self.classes:
            if cond is None:
                raise ValueError(f"This discriminator is conditional: give cond [N, {self.classes}].")
            x = jnp.concatenate([x, cond], axis=1)
        for i, features in enumerate(self.hidden):
            x = ACTIVATIONS[self.activation](Dense(features, name=f"fc{i}")(x))
        return Dense(1, name="out")(x)


def discriminator(
    resolution: int = 28,
    *,
    channels: int = 1,
    classes: int = 0,
    hidden: tuple[int, ...] = (512, 256),
    activation: str = "lrelu",
) -> Discriminator:
    """Describe a discriminator that is a multilayer perceptron.

    Args:
        resolution, channels, classes: As for `arch`.
        hidden: Widths of the hidden layers.
        activation: Of the hidden layers.
    """
    check(activation)
    return Discriminator(resolution, channels, classes, tuple(hidden), activation)


class Encoder(nn.Module):
    """Tell the code of images: the mean of a normal posterior, q(z | x) = N(mean(x), exp(log variance(x))).

    With spread it returns the pair (mean, log variance). The fields are those of `encoder`.
    """

    resolution: int
    channels: int
    z_dim: int
    hidden: tuple[int, ...]
    activation: str
    spread: bool
    classes: int = 0

    @nn.compact
    def __call__(self, images):
        x = (images.reshape(images.shape[0], -1) + 1) / 2
        for i, features in enumerate(self.hidden):
            x = ACTIVATIONS[self.activation](Dense(features, name=f"fc{i}")(x))
        mean, log_variance = Dense(self.z_dim, name="mean")(x), Dense(self.z_dim, name="log_variance")(x)
        return (mean, log_variance) if self.spread else mean


def encoder(
    resolution: int = 28,
    *,
    channels: int = 1,
    z_dim: int = 20,
    hidden: tuple[int, ...] = (400,),
    activation: str = "relu",
    spread: bool = False,
) -> Encoder:
    """Describe the encoder of a variational autoencoder whose decoder is an `arch` with output="sigmoid".

    It is here so that such a pair can be loaded and used to invert; variational autoencoders are not trained here.

    Args:
        resolution, channels, z_dim: As for `arch`.
        hidden: Widths of the hidden layers.
        activation: Of the hidden layers.
        spread: Return (mean, log variance) instead of the mean alone.

    Source: Kingma and Welling, "Auto-Encoding Variational Bayes" (2014), appendix C.2.
    """
    check(activation)
    return Encoder(resolution, channels, z_dim, tuple(hidden), activation, spread)


# The sizes of "Generative Adversarial Nets" for MNIST, from the experiments' published configuration, and those that
# most tutorials use.
PRESETS = {
    "mnist": {"arch": dict(z_dim=100, hidden=(1200, 1200), output="sigmoid"), "discriminator": dict(hidden=(240, 240))},
    "common": {"arch": dict(), "discriminator": dict()},
}
