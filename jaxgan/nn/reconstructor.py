"""The network that says what was done to an image: along which direction it was edited, and how far."""

from __future__ import annotations

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.nn.plain import Dense
from jaxgan.nn.resnet import ResNet

RESNET18 = ResNet(units=(2, 2, 2, 2), bottleneck=False)


class Reconstructor(nn.Module):
    """Map pairs of images, one over the other, to a score for each of K directions and a distance.

    Args:
        axes: Number of directions K.
        trunk: From images [N, H, W, C] and `train` to maps, of which the last is averaged.

    Source: Voynov and Babenko, "Unsupervised Discovery of Interpretable Directions in the GAN Latent Space" (2020),
    section 3.2.
    """

    axes: int
    trunk: nn.Module = RESNET18

    @nn.compact
    def __call__(
        self, before: Float[Array, "n h w c"], after: Float[Array, "n h w c"], train: bool = False
    ) -> tuple[Float[Array, "n k"], Float[Array, " n"]]:
        x = self.trunk(jnp.concatenate([before, after], axis=-1), train)[-1].mean((1, 2))
        return Dense(self.axes, name="which")(x), Dense(1, name="far")(x)[:, 0]
