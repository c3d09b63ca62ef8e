"""The game of the first GAN: one move of the discriminator, one of the generator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import jax
import jax.numpy as jnp
import optax

from jaxgan.core import Network
from jaxgan.core.generator import Arch
from jaxgan.losses.adversarial import minimax_g, nonsaturating_d, nonsaturating_g
from jaxgan.models import gan
from jaxgan.training.ada import Ada
from jaxgan.training.disentangle import Disentangle, disentangled, shrunk, unseen
from jaxgan.training.ema import Ema, half_life
from jaxgan.training.game import Move, Player, Trainer, game
from jaxgan.training.opponents import discriminator_of, given, opponents
from jaxgan.training.settings import Adam

G_LOSSES = {"nonsaturating": nonsaturating_g, "minimax": minimax_g}


@dataclass(frozen=True)
class GAN:
    """Sizes and losses of a run with two multilayer perceptrons.

    Args:
        resolution: Side of the images, any number.
        channels: Of the images: 3 for colour, 1 for grey.
        z_dim: Width of z.
        hidden: Widths of the generator's hidden layers.
        d_hidden: Widths of the discriminator's hidden layers.
        output: Of the generator: "tanh" or "sigmoid".
        loss: Of the generator: "nonsaturating" or "minimax".
        noise: Standard deviation of normal noise on all images that the discriminator sees, which keeps it from
            learning a small data set by heart (Arjovsky and Bottou, 2017, section 3); there was none in 2014, but
            dropout.
        disentangle: Penalty on latent axes that interact in the generator, or None.
    """

    resolution: int = 28
    channels: int = 1
    z_dim: int = 100
    hidden: tuple[int, ...] = (256, 512, 1024)
    d_hidden: tuple[int, ...] = (512, 256)
    output: Literal["tanh", "sigmoid"] = "tanh"
    loss: Literal["nonsaturating", "minimax"] = "nonsaturating"
    noise: float = 0.0
    disentangle: Disentangle | None = None

    def smoke(self) -> GAN:
        """Shrink to 16 pixels and narrow layers."""
        return replace(
            self,
            resolution=16,
            z_dim=8,
            hidden=(16,) * len(self.hidden),
            d_hidden=(16,),
            disentangle=shrunk(self.disentangle),
        )

    def arch(self, classes: int = 0) -> Arch:
        """Describe the generator."""
        return gan.arch(
            self.resolution,
            channels=self.channels,
            classes=classes,
            z_dim=self.z_dim,
            hidden=self.hidden,
            output=self.output,
        )

    def discriminator(self, key, classes: int = 0) -> Network:
        """Draw a discriminator."""
        return discriminator_of(
            gan,
            key,
            resolution=self.resolution,
            channels=self.channels,
            classes=classes,
            hidden=self.d_hidden,
        )

    def trainer(self, *, batch: int, adam: Adam, ema: Ema, ada: Ada | None = None, classes: int = 0) -> Trainer:
        """Make the game: D, G.

        Args:
            batch: Images per step, over all devices.
            adam: Optimizer of both players.
            ema: Average of the generator's weights.
            ada: Adaptive augmentation in front of the discriminator, or None.
            classes: Width of the labels; the game is conditional if it is not 0.

        Source: Goodfellow et al. (2014), algorithm 1 with k = 1; section 3 for the non-saturating loss. Different:
        Adam, and the average of weights, which no one used yet.
        """
        make = lambda key: self.discriminator(key, classes)
        losses = (G_LOSSES[self.loss], nonsaturating_d)
        return two_moves(
            self.arch(classes), make, *losses, self.disentangle, adam=adam, ema=ema, ada=ada, noise=self.noise
        )


def two_moves(
    arch: Arch,
    discriminator: Callable[[Any], Network],
    g_loss: Callable,
    d_loss: Callable,
    disentangle: Disentangle | None = None,
    *,
    adam: Adam,
    ema: Ema,
    ada: Ada | None = None,
    noise: float = 0.0,
) -> Trainer:
    """Make a game of two moves, D and G, each with a loss of logits alone.

    Args:
        arch: The generator.
        discriminator: key -> Network.
        g_loss: fake logits -> [N].
        d_loss: (real logits, fake logits) -> [N].
        disentangle: Penalty of the generator, or None.
        adam, ema, ada: As for the games' `trainer`.
        noise: As for `opponents`.
    """
    sides = opponents(arch, discriminator, ada, noise)

    def d_move(params, stats, batch, key):
        k = jax.random.split(key, 4)
        cond = sides.labels(batch, k[0])
        fakes, stats = sides.draw(params, stats, len(batch["image"]), cond, k[1])
        real, stats = sides.judge(params, stats, batch["image"], given(batch, arch.classes), k[2])
        fake, stats = sides.judge(params, stats, fakes, cond, k[3])
        loss = d_loss(real, fake).mean()
        metrics = {"loss": loss, "real": real.mean(), "fake": fake.mean(), "sign": jnp.sign(real).mean()}
        return loss, (metrics, sides.seen(stats, real))

    def g_move(params, stats, batch, key):
        k = jax.random.split(key, 3)
        cond = sides.labels(batch, k[0])
        fakes, stats = sides.draw(params, stats, len(batch["image"]), cond, k[1])
        fake, stats = sides.judge(params, stats, fakes, cond, k[2])
        loss = g_loss(fake).mean()
        return loss, ({"loss": loss}, stats)

    optimizer = optax.adam(adam.lr, b1=adam.b1, b2=adam.b2, eps=adam.eps)
    return game(
        {"G": arch.init, "D": discriminator},
        {"D": Player(("D",), optimizer), "G": Player(("G",), optimizer)},
        [Move("D", "D", d_move), Move("G", "G", disentangled(g_move, disentangle, arch))],
        ema=half_life(ema),
        stats={**sides.stats, **unseen(disentangle)},
        finish=sides.finish,
    )
