"""The residual trunk of face recognition, IR-SE: units with a normalised way in, PReLU and channel attention."""

from __future__ import annotations

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.nn.normalize import BatchNorm
from jaxgan.nn.plain import Conv

REDUCTION = 16


class PReLU(nn.Module):
    """Leaky ReLU with a slope `weight` [C] of its own for every channel, 0.25 at first."""

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"]) -> Float[Array, "n h w c"]:
        slope = self.param("weight", nn.initializers.constant(0.25), (x.shape[-1],))
        return jnp.where(x >= 0, x, slope.astype(x.dtype) * x)


class SqueezeExcite(nn.Module):
    """Scale each channel by what a small network makes of all channels' means.

    Source: Hu et al., "Squeeze-and-Excitation Networks" (2018), equations 2 to 4.
    """

    reduction: int = REDUCTION

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"]) -> Float[Array, "n h w c"]:
        hidden = max(x.shape[-1] // self.reduction, 1)
        scale = nn.relu(Conv(hidden, 1, bias=False, name="fc1")(x.mean((1, 2), keepdims=True)))
        return x * nn.sigmoid(Conv(x.shape[-1], 1, bias=False, name="fc2")(scale))


class Unit(nn.Module):
    """Residual unit: norm, 3x3 convolution, PReLU, 3x3 convolution with the stride, norm, channel attention.

    The shortcut leaves pixels out, or is a 1x1 convolution with norm where the width changes.

    Source: Deng et al., "ArcFace" (2019), section 3.2.2, "improved residual unit"; its open PyTorch code.
    """

    features: int
    stride: int = 1
    attention: bool = True

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"], train: bool = False) -> Float[Array, "n h2 w2 c2"]:
        shortcut = x[:, :: self.stride, :: self.stride]
        if x.shape[-1] != self.features:
            shortcut = Conv(self.features, 1, bias=False, name="shortcut_conv")(shortcut)
            shortcut = BatchNorm(name="shortcut_bn")(shortcut, train)
        y = Conv(self.features, bias=False, name="conv1")(BatchNorm(name="bn1")(x, train))
        y = PReLU(name="prelu")(y)
        resample = "down" if self.stride == 2 else ""
        y = Conv(self.features, resample=resample, bias=False, name="conv2")(y)
        y = BatchNorm(name="bn2")(y, train)
        if self.attention:
            y = SqueezeExcite(name="se")(y)
        return y + shortcut


class IRSE(nn.Module):
    """Trunk of units: a 3x3 convolution, then stages that each halve the resolution.

    Args:
        widths: Channels of the stages; the way in has those of the first.
        units: Units of each stage; the first of each has stride 2.
        attention: Whether units attend to channels (IR-SE) or not (IR).
    """

    widths: tuple[int, ...] = (64, 128, 256, 512)
    units: tuple[int, ...] = (3, 4, 14, 3)
    attention: bool = True

    @nn.compact
    def __call__(self, images: Float[Array, "n h w c"], train: bool = False) -> list[Float[Array, "n hl wl cl"]]:
        """Return the last map of every stage, fine to coarse."""
        x = Conv(self.widths[0], bias=False, name="conv")(images)
        x = PReLU(name="prelu")(BatchNorm(name="bn")(x, train))
        maps, index = [], 0
        for width, count in zip(self.widths, self.units, strict=True):
            for i in range(count):
                x = Unit(width, 1 if i else 2, self.attention, name=f"unit{index}")(x, train)
                index += 1
            maps.append(x)
        return maps
