"""The game of EigenGAN: hinge losses, a gradient penalty at real images, and orthonormal subspaces."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp

from jaxgan.core import Network
from jaxgan.core.generator import Arch
from jaxgan.losses.adversarial import hinge_d, hinge_g
from jaxgan.losses.penalties import r1
from jaxgan.models import eigengan
from jaxgan.training.ada import Ada
from jaxgan.training.ema import Ema, half_life
from jaxgan.training.game import Move, Player, Trainer, game
from jaxgan.training.opponents import discriminator_of, opponents
from jaxgan.training.settings import Adam, lazy_adam


@dataclass(frozen=True)
class EigenGAN:
    """Sizes and losses of an EigenGAN run.

    Args:
        resolution: Side of the images, a power of two.
        channels: Of the images: 3 for colour, 1 for grey.
        z_dim: Width of the noise.
        basis: Dimensions of each stage's subspace.
        channel_base: Channels at the full resolution, doubled for each coarser one.
        channel_max: Most channels.
        orthogonality: Weight of the bases' distance from orthonormal ones.
        mean: Whether that distance is a mean over stages and entries (the PyTorch port's, with weight 100), or half
            the sum (the paper's, with weight 1).
        penalty: Weight of the squared gradient norm at real images; 0 turns it off.
        every: Steps between two penalties.
        scaled: Whether a penalty that is made every k steps is multiplied by k, and Adam corrected for it, as in
            StyleGAN2; as published it is not.
    """

    resolution: int = 256
    channels: int = 3
    z_dim: int = 512
    basis: int = 6
    channel_base: int = 16
    channel_max: int = 512
    orthogonality: float = 1.0
    mean: bool = False
    penalty: float = 10.0
    every: int = 3
    scaled: bool = False

    def smoke(self) -> EigenGAN:
        """Shrink to 16 pixels and a few channels."""
        return replace(self, resolution=16, z_dim=8, basis=2, channel_base=4, channel_max=8)

    def arch(self, classes: int = 0) -> Arch:
        """Describe the generator, which takes no condition."""
        if classes:
            raise ValueError(f"EigenGAN takes no labels, the data set has {classes}; train with labels=False.")
        return eigengan.arch(self.resolution, z_dim=self.z_dim, basis=self.basis, **self._shared())

    def _shared(self) -> dict[str, Any]:
        return dict(channels=self.channels, channel_base=self.channel_base, channel_max=self.channel_max)

    def discriminator(self, key, classes: int = 0) -> Network:
        """Draw a discriminator."""
        return discriminator_of(eigengan, key, resolution=self.resolution, **self._shared())

    def trainer(self, *, batch: int, adam: Adam, ema: Ema, ada: Ada | None = None, classes: int = 0) -> Trainer:
        """Make the game: D, D_penalty every 3, G.

        Args:
            batch: Images per step, over all devices.
            adam: Optimizer of both players.
            ema: Average of the generator's weights.
            ada: Adaptive augmentation in front of the discriminator, or None.
            classes: 0: EigenGAN takes no labels.

        Source: He et al. (2021), section 3.2 and the published code for the penalty and its interval.
        """
        make, arch = self.discriminator, self.arch(classes)
        sides = opponents(arch, make, ada)
        weight = self.penalty * (self.every if self.scaled else 1)

        def d_move(params, stats, batch, key):
            k = jax.random.split(key, 3)
            fakes, stats = sides.draw(params, stats, len(batch["image"]), None, k[0])
            real, stats = sides.judge(params, stats, batch["image"], None, k[1])
            fake, stats = sides.judge(params, stats, fakes, None, k[2])
            loss = hinge_d(real, fake).mean()
            metrics = {"loss": loss, "real": real.mean(), "fake": fake.mean(), "sign": jnp.sign(real).mean()}
            return loss, (metrics, sides.seen(stats, real))

        def d_penalty(params, stats, batch, key):
            penalty = r1(sides.score(params, stats, None, key), batch["image"]).mean()
            return weight * penalty, ({"penalty": penalty}, stats)

        def g_move(params, stats, batch, key):
            k = jax.random.split(key, 2)
            fakes, stats = sides.draw(params, stats, len(batch["image"]), None, k[0])
            fake, stats = sides.judge(params, stats, fakes, None, k[1])
            loss, apart = hinge_g(fake).mean(), eigengan.orthogonality(params["G"], self.mean)
            return loss + self.orthogonality * apart, ({"loss": loss, "orthogonality": apart}, stats)

        moves = [Move("D", "D", d_move), Move("D_penalty", "D", d_penalty, self.every), Move("G", "G", g_move)]
        return game(
            {"G": arch.init, "D": make},
            {
                "D": Player(("D",), lazy_adam(adam, self.every if self.scaled and self.penalty else 0)),
                "G": Player(("G",), lazy_adam(adam, 0)),
            },
            [m for m in moves if m.name != "D_penalty" or self.penalty],
            ema=half_life(ema),
            stats=sides.stats,
            finish=sides.finish,
        )
