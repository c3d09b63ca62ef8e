"""A judge of digits: LeNet-5, which reads what a generated digit is and how surely it is one."""

from __future__ import annotations

import flax.linen as nn
import jax
from jaxtyping import Array, Float

MEAN, STD = 0.1307, 0.3081  # of MNIST's pixels in [0, 1]
SIDE = 32


class LeNet(nn.Module):
    """Classify images of one digit each, [N, H, W, C] in [-1, 1]; returns logits [N, 10].

    Images are resized to 32x32; colour counts as its mean.

    Source: LeCun et al., "Gradient-Based Learning Applied to Document Recognition" (1998), in the form that is usual
    today: ReLU, maximum pooling, all maps connected.
    """

    resolution: int = 28
    channels: int = 1
    classes: int = 0

    @nn.compact
    def __call__(self, images: Float[Array, "n h w c"]) -> Float[Array, "n k"]:
        x = (images.mean(-1, keepdims=True) + 1) / 2
        x = jax.image.resize(x, (len(x), SIDE, SIDE, 1), "bilinear")
        x = (x - MEAN) / STD
        convolution = lambda features, name: nn.Conv(features, (5, 5), padding="VALID", name=name)
        x = pooled(nn.relu(convolution(6, "c1")(x)))
        x = pooled(nn.relu(convolution(16, "c3")(x)))
        x = nn.relu(convolution(120, "c5")(x))[:, 0, 0]
        x = nn.relu(nn.Dense(84, name="f6")(x))
        return nn.Dense(10, name="f7")(x)


def pooled(x: Float[Array, "n h w c"]) -> Float[Array, "n h2 w2 c"]:
    """Take the largest of every 2x2 pixels."""
    n, h, w, c = x.shape
    return x.reshape(n, h // 2, 2, w // 2, 2, c).max((2, 4))
