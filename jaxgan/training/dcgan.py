"""The game of DCGAN: one move of the discriminator, one of the generator, both with the statistics of their batches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from jaxgan.core import Network
from jaxgan.core.generator import Arch
from jaxgan.losses.adversarial import nonsaturating_d, nonsaturating_g
from jaxgan.models import dcgan
from jaxgan.training.ada import Ada
from jaxgan.training.disentangle import Disentangle, shrunk
from jaxgan.training.ema import Ema
from jaxgan.training.game import Trainer
from jaxgan.training.gan import two_moves
from jaxgan.training.opponents import discriminator_of
from jaxgan.training.settings import Adam


@dataclass(frozen=True)
class DCGAN:
    """Sizes of a DCGAN run.

    Args:
        resolution: Side of the images, a power of two of at least 32.
        channels: Of the images: 3 for colour, 1 for grey.
        z_dim: Width of z.
        width: Channels of the finest level of both networks, doubled for each coarser one.
        width_max: Most channels of a level.
        kernel: Side of the kernels: 4, or the authors' 5.
        up: How the generator doubles the resolution: "transposed" or "nearest" (pixels doubled, then kernels of 3).
        groups: Parts of the batch whose statistics are taken each by itself; 1 takes those of the global batch, on
            however many devices.
        disentangle: Penalty on latent axes that interact in the generator, or None.
    """

    resolution: int = 64
    channels: int = 3
    z_dim: int = 100
    width: int = 128
    width_max: int = 1024
    kernel: Literal[4, 5] = 4
    up: Literal["transposed", "nearest"] = "transposed"
    groups: int = 1
    disentangle: Disentangle | None = None

    def smoke(self) -> DCGAN:
        """Shrink to 16 pixels and a few channels."""
        return replace(self, resolution=16, z_dim=8, width=4, width_max=8, disentangle=shrunk(self.disentangle))

    def arch(self, classes: int = 0) -> Arch:
        """Describe the generator."""
        return dcgan.arch(
            self.resolution,
            channels=self.channels,
            classes=classes,
            z_dim=self.z_dim,
            width=self.width,
            width_max=self.width_max,
            kernel=self.kernel if self.up == "transposed" else 3,
            up=self.up,
            groups=self.groups,
        )

    def discriminator(self, key, classes: int = 0) -> Network:
        """Draw a discriminator."""
        return discriminator_of(
            dcgan,
            key,
            resolution=self.resolution,
            channels=self.channels,
            classes=classes,
            width=self.width,
            width_max=self.width_max,
            kernel=self.kernel,
            groups=self.groups,
        )

    def trainer(self, *, batch: int, adam: Adam, ema: Ema, ada: Ada | None = None, classes: int = 0) -> Trainer:
        """Make the game: D, G, with the non-saturating loss.

        Real and generated images pass the discriminator as two batches, each normalised by itself.

        Args:
            batch: Images per step, over all devices.
            adam: Optimizer of both players.
            ema: Average of the generator's weights; its running statistics are those of the weights in training.
            ada: Adaptive augmentation in front of the discriminator, or None.
            classes: Width of the labels; the game is conditional if it is not 0.

        Source: Radford et al. (2016), section 4. Different: the average of weights.
        """
        if batch % self.groups:
            raise ValueError(f"Batch {batch} is not divisible by {self.groups} batch-norm groups.")
        make = lambda key: self.discriminator(key, classes)
        losses = (nonsaturating_g, nonsaturating_d)
        return two_moves(self.arch(classes), make, *losses, self.disentangle, adam=adam, ema=ema, ada=ada)
