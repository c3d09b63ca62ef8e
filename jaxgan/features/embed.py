"""Embeddings for identity: ArcFace's IR-SE50 for faces, MoCo's ResNet-50 for anything else."""

from __future__ import annotations

import math

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxgan.nn.irse import IRSE
from jaxgan.nn.normalize import BatchNorm
from jaxgan.nn.plain import Dense
from jaxgan.nn.resnet import ResNet

FULL = 256  # side that the crop is measured at
ROWS, COLUMNS = (35, 223), (32, 220)


class ArcFace(nn.Module):
    """Embed aligned faces [N, H, W, 3] in [-1, 1] as vectors [N, 512].

    Images are averaged to 256 pixels, cropped to the face, averaged to `side` pixels.

    Args:
        widths, units: Of the trunk.
        side: Side of the crop that the trunk sees.
        features: Width of the vectors.

    Source: Deng et al., "ArcFace" (2019), with the trunk of its open PyTorch code; the crop is pSp's.
    """

    widths: tuple[int, ...] = (64, 128, 256, 512)
    units: tuple[int, ...] = (3, 4, 14, 3)
    side: int = 112
    features: int = 512

    def inputs(self) -> list[tuple[int, ...]]:
        """Shapes of the arguments for a batch of one."""
        return [(1, FULL, FULL, 3)]

    @nn.compact
    def __call__(self, images: Float[Array, "n h w c"]) -> Float[Array, "n d"]:
        x = averaged(jnp.broadcast_to(images, (*images.shape[:3], 3)), FULL)
        x = averaged(x[:, slice(*ROWS), slice(*COLUMNS)], self.side)
        x = BatchNorm(name="out_bn1")(IRSE(self.widths, self.units, name="body")(x)[-1])
        return BatchNorm(name="out_bn2")(Dense(self.features, name="out")(x.reshape(len(x), -1)))


class MoCo(nn.Module):
    """Embed images [N, H, W, 3] in [-1, 1] as vectors: the averaged last maps of a ResNet.

    Args:
        widths, units: Of the trunk.
        side: Images are resized to so many pixels, nearest neighbours.

    Source: He et al., "Momentum Contrast" (2020); the resizing, and that colours are not standardised, are pSp's.
    """

    widths: tuple[int, ...] = (64, 128, 256, 512)
    units: tuple[int, ...] = (3, 4, 6, 3)
    side: int = 224

    def inputs(self) -> list[tuple[int, ...]]:
        """Shapes of the arguments for a batch of one."""
        return [(1, self.side, self.side, 3)]

    @nn.compact
    def __call__(self, images: Float[Array, "n h w c"]) -> Float[Array, "n d"]:
        x = jnp.broadcast_to(images, (*images.shape[:3], 3))
        rows, columns = (np.arange(self.side) * size // self.side for size in x.shape[1:3])
        return ResNet(self.widths, self.units, name="body")(x[:, rows][:, :, columns])[-1].mean((1, 2))


def averaged(x: Float[Array, "n h w c"], side: int) -> Float[Array, "n side side c"]:
    """Average x over the pixels that each of side x side cells touches, as PyTorch's adaptive pooling does."""
    for axis in (1, 2):
        size = x.shape[axis]
        if size != side:
            x = jnp.moveaxis(jnp.tensordot(cells(size, side), x, ((1,), (axis,))), 0, axis)
    return x


def cells(size: int, to: int) -> np.ndarray:
    """Return the matrix [to, size] of means over the pixels from floor(i size / to) to ceil((i + 1) size / to)."""
    matrix = np.zeros((to, size), np.float32)
    for i in range(to):
        start, end = i * size // to, math.ceil((i + 1) * size / to)
        matrix[i, start:end] = 1 / (end - start)
    return matrix
