"""IDInvert's domain-guided encoder: residual blocks, one dense layer for all styles, and a norm behind it."""

from __future__ import annotations

import flax.linen as nn
from jaxtyping import Array, Float

from jaxgan.encoders.sizes import reduced
from jaxgan.nn.normalize import BatchNorm
from jaxgan.nn.plain import ACTIVATIONS, Conv, Dense
from jaxgan.ops.similarity import halve

NAME = "idinvert"
STD = 0.02
leaky = ACTIVATIONS["lrelu"]


class Block(nn.Module):
    """Two 3x3 convolutions, each with leaky ReLU, normalised once; the shortcut has a norm too where it is one."""

    features: int

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"], train: bool) -> Float[Array, "n h w c2"]:
        y = leaky(Conv(self.features, std=STD, name="conv0")(x))
        y = leaky(Conv(self.features, std=STD, name="conv1")(y))
        y = BatchNorm(name="bn")(y, train)
        if x.shape[-1] != self.features:
            x = Conv(self.features, 1, std=STD, bias=False, name="shortcut_conv")(x)
            x = BatchNorm(name="shortcut_bn")(x, train)
        return x + y


class Encoder(nn.Module):
    """Map images to w+ codes [N, rows, w_dim]. The fields are those of `encoder`."""

    resolution: int
    channels: int
    rows: int
    w_dim: int
    width: int
    width_max: int

    def inputs(self) -> list[tuple[int, ...]]:
        """Shapes of the arguments for a batch of one."""
        return [(1, self.resolution, self.resolution, self.channels)]

    @nn.compact
    def __call__(self, images: Float[Array, "n h w c"], train: bool = False) -> Float[Array, "n l d"]:
        x = reduced(images, self.resolution)
        x = BatchNorm(name="bn")(leaky(Conv(self.width, 5, std=STD, name="conv")(x)), train)
        width, index = self.width, 0
        while x.shape[1] > 4:
            width = min(2 * width, self.width_max)
            x = Block(width, name=f"block{index}")(halve(x), train)
            index += 1
        codes = Dense(self.rows * self.w_dim, std=STD, name="out")(x.reshape(len(x), -1))
        return BatchNorm(name="out_bn")(codes, train).reshape(-1, self.rows, self.w_dim)


def encoder(
    resolution: int = 256,
    *,
    channels: int = 3,
    rows: int = 14,
    w_dim: int = 512,
    width: int = 64,
    width_max: int = 512,
) -> Encoder:
    """Describe IDInvert's encoder, images -> w+.

    The norm behind the dense layer is what keeps it looking at the image: without one it answers with a constant.

    Args:
        resolution, channels, rows, w_dim: As for `psp.encoder`; the resolution is 4 times a power of two.
        width: Channels at full resolution, doubled at each halving up to `width_max`.
        width_max: Most channels.

    Source: Zhu et al., "In-Domain GAN Inversion" (2020), section 3.1; sizes of the published TensorFlow code.
    """
    config = dict(locals())
    if resolution < 8 or resolution & (resolution - 1):
        raise ValueError(f"resolution is {resolution}, it must be a power of two from 8 on.")
    return Encoder(**config)
