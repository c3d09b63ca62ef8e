"""The game of StyleGAN: logistic with R1 at every step, style mixing, growing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import optax

from jaxgan.core import Code, Generator, Network
from jaxgan.core.generator import Arch
from jaxgan.losses.adversarial import nonsaturating_d, nonsaturating_g
from jaxgan.losses.penalties import r1
from jaxgan.models import stylegan1
from jaxgan.training.ada import Ada
from jaxgan.training.ema import Ema, half_life
from jaxgan.training.freeze import freeze
from jaxgan.training.game import Move, Player, Trainer, game
from jaxgan.training.growth import TINY, Growth, as_grown, beginning, check_batches, opening_stats
from jaxgan.training.mixing import mixed_styles
from jaxgan.training.opponents import Opponents, discriminator_of, given, kept, opponents
from jaxgan.training.settings import Adam


@dataclass(frozen=True)
class StyleGAN1:
    """Sizes, losses and growth of a StyleGAN run.

    Args:
        resolution: Side of the images when all is grown, a power of two.
        channels: Of the images: 3 for colour, 1 for grey.
        z_dim: Width of z.
        w_dim: Width of w.
        mapping_layers: Depth of the mapping network.
        mapping_hidden: Width of its inner layers.
        channel_base: Width of both networks: min(channel_base / r, channel_max) channels at resolution r.
        channel_max: Most channels of a layer.
        noise: Whether the generator's layers add noise.
        mbstd: Minibatch-stddev group.
        mbstd_parts: Parts of the batch with groups of their own: 1 is the global batch, on however many devices; the
            number of devices keeps each group on one device, as in the published code.
        mixing: Probability of style mixing.
        gamma: Weight of R1, at every step; the loss is gamma / 2 times the squared gradient norm.
        w_mean_decay: Decay of the running mean of w.
        freeze_d: How many of the discriminator's highest-resolution blocks stay as they are, in transfer learning.
        growth: Schedule.
    """

    resolution: int = 64
    channels: int = 3
    z_dim: int = 512
    w_dim: int = 512
    mapping_layers: int = 8
    mapping_hidden: int = 512
    channel_base: int = 16384
    channel_max: int = 512
    noise: bool = True
    mbstd: int = 4
    mbstd_parts: int = 1
    mixing: float = 0.9
    gamma: float = 10.0
    w_mean_decay: float = 0.995
    freeze_d: int = 0
    growth: Growth = field(default_factory=lambda: Growth(first=8))

    def smoke(self) -> StyleGAN1:
        """Shrink to 16 narrow pixels that grow from 8."""
        narrow: dict[str, Any] = dict(z_dim=16, w_dim=16, mapping_layers=2, mapping_hidden=16, channel_base=128)
        return replace(
            self,
            resolution=16,
            freeze_d=min(self.freeze_d, 2),
            channel_max=8,
            mbstd=4,
            mbstd_parts=1,
            growth=TINY,
            **narrow,
        )

    def arch(self, classes: int = 0, resolution: int | None = None, lod: int = 0) -> Arch:
        """Describe the generator, at less than the full resolution if one is given."""
        return stylegan1.arch(
            resolution or self.resolution,
            channels=self.channels,
            z_dim=self.z_dim,
            w_dim=self.w_dim,
            classes=classes,
            channel_base=self.channel_base,
            channel_max=self.channel_max,
            mapping_layers=self.mapping_layers,
            mapping_hidden=self.mapping_hidden,
            use_noise=self.noise,
            lod=lod,
        )

    def discriminator(self, key, classes: int = 0, lod: int = 0) -> Network:
        """Draw a discriminator."""
        return discriminator_of(
            stylegan1,
            key,
            resolution=self.resolution,
            channels=self.channels,
            classes=classes,
            channel_base=self.channel_base,
            channel_max=self.channel_max,
            mbstd_group=self.mbstd,
            mbstd_parts=self.mbstd_parts,
            lod=lod,
        )

    def trainer(self, *, batch: int, adam: Adam, ema: Ema, ada: Ada | None = None, classes: int = 0) -> Trainer:
        """Make the game: D with R1, G.

        Batches may have any resolution of the growth; it says how far the run has grown.

        Args:
            batch: Images per step where `growth.batches` says nothing else, over all devices.
            adam: Optimizer of both players.
            ema: Average of the generator's weights.
            ada: Adaptive augmentation in front of the discriminator, or None.
            classes: Width of the labels; the game is conditional if it is not 0.

        Source: StyleGAN, appendix C. Different: the labels of generated images are those of the real batch in random
        order, and the average of weights is taken behind the generator's step.
        """
        check_batches(self.growth, self.resolution, batch, self.mbstd, self.mbstd_parts)
        make = lambda key: self.discriminator(key, classes)
        both = opponents(self.arch(classes), make, ada)

        def draw(params, stats, batch, cond, key):
            """Draw as many images as the batch has, at its resolution, with style mixing; w_mean moves."""
            of_styles, of_noise = jax.random.split(key)
            arch = self.arch(classes, batch["image"].shape[1])
            g = Generator(params["G"], stats["buffers"]["G"], arch)
            ws, buffers = mixed_styles(g, len(batch["image"]), cond, of_styles, self.mixing, self.w_mean_decay)
            return g(Code(ws, "w+"), noise="random", key=of_noise), kept(stats, "G", buffers)

        optimizer = optax.adam(adam.lr, b1=adam.b1, b2=adam.b2, eps=adam.eps)
        return game(
            {"G": self.arch(classes).init, "D": make},
            {"D": Player(("D",), freeze(optimizer, self.resolution, self.freeze_d)), "G": Player(("G",), optimizer)},
            logistic_moves(both, draw, self.gamma, classes),
            ema=half_life(ema),
            stats={**both.stats, **opening_stats(self.growth, self.resolution)},
            finish=both.finish,
            begin=beginning(self.growth, self.resolution, adam),
            at=as_grown(self, classes),
        )


def logistic_moves(both: Opponents, draw: Callable, gamma: float, classes: int) -> list[Move]:
    """Make the moves of a style-based game that grows: D, with R1 at every step, and G.

        D:  softplus(D(fake)) + softplus(-D(real)) + gamma / 2 |d D(real) / d real|^2
        G:  softplus(-D(fake))

    Args:
        both: The opponents.
        draw: `draw(params, stats, batch, cond, key) -> (images, stats)`: as many images as the batch has.
        gamma: Weight of R1.
        classes: Width of the labels.
    """

    def d_move(params, stats, batch, key):
        k = jax.random.split(key, 4)
        cond, truth, images = both.labels(batch, k[0]), given(batch, classes), batch["image"]
        fakes, stats = draw(params, stats, batch, cond, k[1])
        fake, _ = both.judge(params, stats, fakes, cond, k[2])
        real, _ = both.judge(params, stats, images, truth, k[3])
        loss = nonsaturating_d(real, fake).mean()
        penalty = r1(both.score(params, stats, truth, k[3]), images).mean()
        own = stats["growth"]
        metrics = {
            "loss": loss,
            "penalty": penalty,
            "real": real.mean(),
            "fake": fake.mean(),
            "sign": jnp.sign(real).mean(),
            "lod": own["lod"] + own["fade"],
        }
        return loss + gamma / 2 * penalty, (metrics, both.seen(stats, real))

    def g_move(params, stats, batch, key):
        k = jax.random.split(key, 3)
        cond = both.labels(batch, k[0])
        fakes, stats = draw(params, stats, batch, cond, k[1])
        fake, _ = both.judge(params, stats, fakes, cond, k[2])
        loss = nonsaturating_g(fake).mean()
        return loss, ({"loss": loss}, stats)

    return [Move("D", "D", d_move), Move("G", "G", g_move)]
