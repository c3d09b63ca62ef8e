"""The guess that stylegan-encoder starts its optimisation from: a residual classifier trunk and one dense layer."""

from __future__ import annotations

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.encoders.sizes import reduced
from jaxgan.encoders.styles import RESNETS, checked
from jaxgan.nn.plain import Conv, Dense
from jaxgan.nn.resnet import ResNet

NAME = "guess"


class Encoder(nn.Module):
    """Map images to w+ codes [N, rows, w_dim], around the buffer `w_mean`. The fields are those of `encoder`."""

    resolution: int
    channels: int
    rows: int
    w_dim: int
    widths: tuple[int, ...]
    units: tuple[int, ...]
    trunk: str
    features: int
    pool: bool

    def inputs(self) -> list[tuple[int, ...]]:
        """Shapes of the arguments for a batch of one."""
        return [(1, self.resolution, self.resolution, self.channels)]

    @nn.compact
    def __call__(self, images: Float[Array, "n h w c"], train: bool = False) -> Float[Array, "n l d"]:
        maps = ResNet(self.widths, self.units, self.trunk == "resnet50", self.pool, name="body")(
            reduced(images, self.resolution), train
        )
        mean = self.variable("buffers", "w_mean", jnp.zeros, (self.rows, self.w_dim))
        x = Conv(self.features, 1, name="narrow")(maps[-1])
        codes = Dense(self.rows * self.w_dim, name="out")(x.reshape(len(x), -1))
        return mean.value + codes.reshape(-1, self.rows, self.w_dim)


def encoder(
    resolution: int = 256,
    *,
    channels: int = 3,
    rows: int = 18,
    w_dim: int = 512,
    widths: tuple[int, ...] = (64, 128, 256, 512),
    units: tuple[int, ...] = (3, 4, 6, 3),
    trunk: str = "resnet50",
    features: int = 8,
    pool: bool = True,
) -> Encoder:
    """Describe stylegan-encoder's ResNet, images -> w+; trained on generated images with known codes only.

    Args:
        resolution, channels, rows, w_dim: As for `psp.encoder`.
        widths, units: Of the trunk, ResNet-50.
        trunk: "resnet50" (bottlenecks) or "resnet34" (basic units).
        features: Channels that the dense layer reads at each place.
        pool: Whether the way in halves twice; leave it away for small images.

    Source: Nikitko and Baylies, stylegan-encoder, `train_resnet.py`. Different: one dense layer in place of its tree of
    locally connected ones, and the mean of w added.
    """
    config = dict(locals())
    checked(resolution >> pool, widths, units, rows, w_dim, trunk, 1, RESNETS)
    return Encoder(**config)
