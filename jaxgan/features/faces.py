"""Judges of faces: age and gender, expression, and landmarks, by face-api's small networks."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.features.attributes import coloured

SIDE = 112
MEAN = (122.782, 117.001, 104.298)
EXPRESSIONS = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")
LANDMARKS = tuple(f"{axis}{i}" for i in range(68) for axis in "xy")
# Of each kind of network: the names of what it scores.
NAMES = {
    "age_gender": ("age", "male", "female"),
    "expression": EXPRESSIONS,
    "landmarks": LANDMARKS,
    "landmarks_tiny": LANDMARKS,
}


class Separable(nn.Module):
    """A depthwise 3x3 convolution and a pointwise one, with a bias at the end."""

    features: int
    stride: int = 1

    @nn.compact
    def __call__(self, x):
        channels, strides = x.shape[-1], (self.stride, self.stride)
        x = nn.Conv(
            channels, (3, 3), strides, feature_group_count=channels, use_bias=False, padding="SAME", name="depthwise"
        )(x)
        return nn.Conv(self.features, (1, 1), name="pointwise")(x)


class Reduction(nn.Module):
    """Halve the size: two separable convolutions and a pool, beside a convolution of stride 2."""

    features: int
    activate: bool = True

    @nn.compact
    def __call__(self, x):
        out = Separable(self.features, name="separable_conv0")(nn.relu(x) if self.activate else x)
        out = Separable(self.features, name="separable_conv1")(nn.relu(out))
        out = nn.max_pool(out, (3, 3), (2, 2), "SAME")
        return out + nn.Conv(self.features, (1, 1), (2, 2), name="expansion_conv")(x)


class Main(nn.Module):
    """Three separable convolutions and a shortcut."""

    @nn.compact
    def __call__(self, x):
        out = x
        for i in range(3):
            out = Separable(x.shape[-1], name=f"separable_conv{i}")(nn.relu(out))
        return x + out


class AgeGender(nn.Module):
    """Read age in years and logits of gender from faces [N, H, W, C] in [-1, 1]: [N, 3]."""

    @nn.compact
    def __call__(self, images: Float[Array, "n h w c"]) -> Float[Array, "n 3"]:
        x = prepared(images, 256)
        x = nn.relu(nn.Conv(32, (3, 3), (2, 2), padding="SAME", name="conv_in")(x))
        x = Reduction(64, activate=False, name="reduction0")(x)
        x = Reduction(128, name="reduction1")(x)
        x = Main(name="main1")(Main(name="main0")(x))
        x = Reduction(256, name="reduction2")(x)
        x = nn.relu(Separable(512, name="separable_conv")(x)).mean((1, 2))
        return jnp.concatenate([nn.Dense(1, name="age")(x), nn.Dense(2, name="gender")(x)], axis=1)


class Dense(nn.Module):
    """Separable convolutions, each of which sees the sum of all before it; the first one halves the size."""

    features: int
    count: int
    first: bool = False

    @nn.compact
    def __call__(self, x):
        if self.first:
            x = nn.Conv(self.features, (3, 3), (2, 2), padding="SAME", name="conv0")(x)
        else:
            x = Separable(self.features, 2, name="conv0")(x)
        total = nn.relu(x)
        seen = total
        for i in range(1, self.count):
            total = total + Separable(self.features, name=f"conv{i}")(seen)
            seen = nn.relu(total)
        return seen


class DenseFaces(nn.Module):
    """Read scores from faces [N, H, W, C] in [-1, 1] by dense blocks of separable convolutions: [N, outputs].

    Args:
        outputs: How many scores.
        widths: Channels of the blocks.
        count: Convolutions in each block.
    """

    outputs: int
    widths: tuple[int, ...] = (32, 64, 128, 256)
    count: int = 4

    @nn.compact
    def __call__(self, images: Float[Array, "n h w c"]) -> Float[Array, "n k"]:
        x = prepared(images, 255)
        for i, width in enumerate(self.widths):
            x = Dense(width, self.count, first=i == 0, name=f"dense{i}")(x)
        return nn.Dense(self.outputs, name="fc")(x.mean((1, 2)))


MODULES: dict[str, nn.Module] = {
    "age_gender": AgeGender(),
    "expression": DenseFaces(len(EXPRESSIONS)),
    "landmarks": DenseFaces(len(LANDMARKS)),
    "landmarks_tiny": DenseFaces(len(LANDMARKS), widths=(32, 64, 128), count=3),
}


def prepared(images: Float[Array, "n h w c"], divisor: float) -> Float[Array, "n s s 3"]:
    """Bring images to what the networks were trained on: 112 pixels, 0 to 255, less a mean, divided."""
    images = coloured(images)
    if images.shape[1:3] != (SIDE, SIDE):
        images = jax.image.resize(images, (len(images), SIDE, SIDE, 3), "linear")
    return ((images + 1) * 127.5 - jnp.array(MEAN)) / divisor
