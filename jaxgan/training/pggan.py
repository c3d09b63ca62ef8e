"""The game of PGGAN: Wasserstein with gradient penalty and drift, growing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import jax
import optax

from jaxgan.core import Network
from jaxgan.core.generator import Arch
from jaxgan.losses.adversarial import wasserstein_d, wasserstein_g
from jaxgan.losses.penalties import drift, wgan_gp
from jaxgan.models import pggan
from jaxgan.training.ada import Ada
from jaxgan.training.augment import PIPES, augment
from jaxgan.training.disentangle import Disentangle, disentangled, shrunk, unseen
from jaxgan.training.ema import Ema, half_life
from jaxgan.training.freeze import freeze
from jaxgan.training.game import Move, Player, Trainer, game
from jaxgan.training.growth import TINY, Growth, as_grown, beginning, check_batches, opening_stats
from jaxgan.training.opponents import discriminator_of, opponents
from jaxgan.training.settings import Adam


@dataclass(frozen=True)
class PGGAN:
    """Sizes, losses and growth of a PGGAN run.

    Args:
        resolution: Side of the images when all is grown, a power of two.
        channels: Of the images: 3 for colour, 1 for grey.
        z_dim: Width of z.
        channel_base: Width of both networks: min(channel_base / r, channel_max) channels at resolution r.
        channel_max: Most channels of a layer.
        mbstd: Minibatch-stddev group.
        mbstd_parts: Parts of the batch with groups of their own: 1 is the global batch, on however many devices; the
            number of devices keeps each group on one device, as in the published code.
        penalty: Weight of the gradient penalty, lambda.
        target: Slope that the penalty asks for.
        drift: Weight of the squared scores of real images.
        classify: Weight of the auxiliary classifier, in a conditional run.
        freeze_d: How many of the discriminator's highest-resolution blocks stay as they are, in transfer learning.
        growth: Schedule.
        disentangle: Penalty on latent axes that interact in the generator, or None.
    """

    resolution: int = 64
    channels: int = 3
    z_dim: int = 512
    channel_base: int = 16384
    channel_max: int = 512
    mbstd: int = 4
    mbstd_parts: int = 1
    penalty: float = 10.0
    target: float = 1.0
    drift: float = 1e-3
    classify: float = 1.0
    freeze_d: int = 0
    growth: Growth = field(default_factory=Growth)
    disentangle: Disentangle | None = None

    def smoke(self) -> PGGAN:
        """Shrink to 16 narrow pixels that grow from 8."""
        return replace(
            self,
            resolution=16,
            freeze_d=min(self.freeze_d, 2),
            z_dim=16,
            channel_base=128,
            channel_max=8,
            mbstd=4,
            mbstd_parts=1,
            growth=TINY,
            disentangle=shrunk(self.disentangle),
        )

    def arch(self, classes: int = 0, resolution: int | None = None, lod: int = 0) -> Arch:
        """Describe the generator, at less than the full resolution if one is given."""
        return pggan.arch(
            resolution or self.resolution,
            channels=self.channels,
            z_dim=self.z_dim,
            classes=classes,
            channel_base=self.channel_base,
            channel_max=self.channel_max,
            lod=lod,
        )

    def discriminator(self, key, classes: int = 0, lod: int = 0) -> Network:
        """Draw a discriminator."""
        return discriminator_of(
            pggan,
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
        """Make the game: D, G.

            D:  D(fake) - D(real) + penalty (|grad D| - target)^2 / target^2 + drift D(real)^2  (+ classify CE, both)
            G:  -D(fake)  (+ classify CE)

        Batches may have any resolution of the growth; it says how far the run has grown.

        Args:
            batch: Images per step where `growth.batches` says nothing else, over all devices.
            adam: Optimizer of both players.
            ema: Average of the generator's weights.
            ada: Adaptive augmentation in front of the discriminator, or None.
            classes: Width of the labels; the game is conditional, with an auxiliary classifier, if it is not 0.

        Source: PGGAN, appendix A. Different: the average has a half-life in images instead of 0.999 a step, and is
        taken behind the generator's step.
        """
        check_batches(self.growth, self.resolution, batch, self.mbstd, self.mbstd_parts)
        make = lambda key: self.discriminator(key, classes)
        network = jax.eval_shape(make, jax.random.key(0))
        pipe = PIPES[ada.pipe] if ada else None

        def sides(batch):
            """The opponents as they are at the resolution of a batch."""
            return opponents(self.arch(classes, batch["image"].shape[1]), make, ada)

        def scores(params, stats, images, key):
            """Judge behind the augmentation: the score and the logits of the classes, [N, 1 + classes]."""
            if pipe is not None:
                images = augment(images, key, stats["ada"]["p"], pipe)
            variables = {"params": params["D"], "buffers": stats["buffers"]["D"]}
            return network.module.apply(variables, images, guess=True)

        def guess(found, cond):
            """Cross entropy of the guessed classes, 0 in an unconditional game."""
            return self.classify * optax.softmax_cross_entropy(found[:, 1:], cond).mean() if classes else 0.0

        def d_move(params, stats, batch, key):
            k = jax.random.split(key, 6)
            both, images = sides(batch), batch["image"]
            cond = both.labels(batch, k[0])
            fakes, stats = both.draw(params, stats, len(images), cond, k[1])
            real, fake = scores(params, stats, images, k[2]), scores(params, stats, fakes, k[3])
            slope = lambda x: scores(params, stats, x, k[4])[:, :1]
            penalty = wgan_gp(slope, images, fakes, k[5], self.target).mean()
            loss = wasserstein_d(real[:, :1], fake[:, :1]).mean()
            total = loss + self.penalty * penalty + self.drift * drift(real[:, :1]).mean()
            if classes:
                total = total + guess(real, batch["label"]) + guess(fake, cond)
            own = stats["growth"]
            metrics = {
                "loss": loss,
                "penalty": penalty,
                "real": real[:, 0].mean(),
                "fake": fake[:, 0].mean(),
                "lod": own["lod"] + own["fade"],
            }
            return total, (metrics, both.seen(stats, real[:, :1]))

        def g_move(params, stats, batch, key):
            k = jax.random.split(key, 3)
            both = sides(batch)
            cond = both.labels(batch, k[0])
            fakes, stats = both.draw(params, stats, len(batch["image"]), cond, k[1])
            found = scores(params, stats, fakes, k[2])
            loss = wasserstein_g(found[:, :1]).mean()
            return loss + guess(found, cond), ({"loss": loss}, stats)

        def grown(stats, batch):
            """The generator as it is now, and how far its newest activation counts: as far as it is faded in."""
            side = batch["image"].shape[1]
            return self.arch(classes, side), {f"b{side}": 1.0 - stats["growth"]["fade"]}

        optimizer = optax.adam(adam.lr, b1=adam.b1, b2=adam.b2, eps=adam.eps)
        full = opponents(self.arch(classes), make, ada)
        return game(
            {"G": self.arch(classes).init, "D": make},
            {"D": Player(("D",), freeze(optimizer, self.resolution, self.freeze_d)), "G": Player(("G",), optimizer)},
            [Move("D", "D", d_move), Move("G", "G", disentangled(g_move, self.disentangle, self.arch(classes), grown))],
            ema=half_life(ema),
            stats={**full.stats, **opening_stats(self.growth, self.resolution), **unseen(self.disentangle)},
            finish=full.finish,
            begin=beginning(self.growth, self.resolution, adam),
            at=as_grown(self, classes),
        )
