"""The residual trunk of image classifiers, ResNet: basic units of two convolutions or bottlenecks of three."""

from __future__ import annotations

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.nn.irse import PReLU
from jaxgan.nn.normalize import BatchNorm
from jaxgan.nn.plain import Conv


class Unit(nn.Module):
    """Residual unit, rectified after the sum; names are those of torchvision with underscores.

    Args:
        features: Width; a bottleneck returns four times as many channels.
        stride: Of the unit, taken by its 3x3 convolution (the first one of a basic unit).
        bottleneck: 1x1, 3x3, 1x1 convolutions instead of two 3x3.

    Source: He et al., "Deep Residual Learning" (2016), figure 5; the stride's place is torchvision's.
    """

    features: int
    stride: int = 1
    bottleneck: bool = False

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"], train: bool = False) -> Float[Array, "n h2 w2 c2"]:
        outputs = self.features * (4 if self.bottleneck else 1)
        kernels = (1, 3, 1) if self.bottleneck else (3, 3)
        strided = 1 if self.bottleneck else 0
        y = x
        for i, kernel in enumerate(kernels):
            last = i == len(kernels) - 1
            resample = "down" if i == strided and self.stride == 2 else ""
            y = Conv(outputs if last else self.features, kernel, resample, bias=False, name=f"conv{i + 1}")(y)
            y = BatchNorm(name=f"bn{i + 1}")(y, train)
            y = y if last else nn.relu(y)
        shortcut = x
        if self.stride == 2 or x.shape[-1] != outputs:
            shortcut = Conv(outputs, 1, bias=False, name="downsample_0")(x[:, :: self.stride, :: self.stride])
            shortcut = BatchNorm(name="downsample_1")(shortcut, train)
        return nn.relu(y + shortcut)


class ResNet(nn.Module):
    """Trunk of residual units: a 7x7 convolution with stride 2, then stages that each but the first halve.

    Args:
        widths: Width of the units of each stage.
        units: Units of each stage.
        bottleneck: Whether units are bottlenecks (ResNet-50) or basic (ResNet-34).
        pool: Whether a max pool of stride 2 follows the way in, as in classifiers.
        prelu: Whether the way in has slopes that are learned.
    """

    widths: tuple[int, ...] = (64, 128, 256, 512)
    units: tuple[int, ...] = (3, 4, 6, 3)
    bottleneck: bool = True
    pool: bool = True
    prelu: bool = False

    @nn.compact
    def __call__(self, images: Float[Array, "n h w c"], train: bool = False) -> list[Float[Array, "n hl wl cl"]]:
        """Return the last map of every stage, fine to coarse."""
        x = Conv(self.widths[0], 7, "down", bias=False, name="conv1")(images)
        x = BatchNorm(name="bn1")(x, train)
        x = PReLU(name="relu")(x) if self.prelu else nn.relu(x)
        if self.pool:
            x = half_maxima(x)
        maps = []
        for stage, (width, count) in enumerate(zip(self.widths, self.units, strict=True)):
            for i in range(count):
                stride = 2 if stage and not i else 1
                x = Unit(width, stride, self.bottleneck, name=f"layer{stage + 1}_{i}")(x, train)
            maps.append(x)
        return maps


def half_maxima(x: Float[Array, "n h w c"]) -> Float[Array, "n h2 w2 c"]:
    """Take maxima over 3x3 windows at every other pixel, as slices: `reduce_window` has a slow gradient on CPUs."""
    for axis in (1, 2):
        size = (x.shape[axis] - 1) // 2 + 1
        pads = [(1, 2 * size - x.shape[axis]) if a == axis else (0, 0) for a in range(4)]
        padded = jnp.pad(x, pads, constant_values=-jnp.inf)
        cut = lambda at, p=padded, axis=axis, size=size: p[(slice(None),) * axis + (slice(at, at + 2 * size - 1, 2),)]
        x = jnp.maximum(jnp.maximum(cut(0), cut(1)), cut(2))
    return x
