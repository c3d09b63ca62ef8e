"""The game of R3GAN: a relativistic pairing loss with both zero-centred gradient penalties, on schedules."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import optax

from jaxgan.core import Network
from jaxgan.core.generator import Arch, known
from jaxgan.losses.adversarial import relativistic_d, relativistic_g
from jaxgan.models import r3gan
from jaxgan.training.ada import Ada
from jaxgan.training.augment import PIPES
from jaxgan.training.ema import Ema
from jaxgan.training.game import Move, Player, Trainer, game
from jaxgan.training.opponents import discriminator_of, given, opponents
from jaxgan.training.schedules import cosine
from jaxgan.training.settings import Adam


@dataclass(frozen=True)
class Decay:
    """Where the schedules lead; they start at `adam.lr`, `adam.b2` and `gamma`, and at no average of weights.

    Args:
        kimg: Length of all of them, thousands of images.
        lr: Last step size as a share of the first.
        gamma: Last weight of the penalties as a share of the first.
        b2: Last decay of Adam's second moment.
    """

    kimg: float = 20_000.0
    lr: float = 0.25
    gamma: float = 0.1
    b2: float = 0.99


@dataclass(frozen=True)
class R3GAN:
    """Sizes and losses of an R3GAN run.

    Args:
        resolution: Side of the images, a power of two.
        channels: Of the images: 3 for colour, 1 for grey.
        z_dim: Width of z.
        widths: Channels of each stage of both networks, from 4x4 on.
        blocks: Residual blocks of a stage.
        group: Channels of a group of the 3x3 convolutions.
        gamma: Weight of the penalties at the start; the loss is gamma / 2 (R1 + R2).
        every: Steps between two penalties; they are multiplied by it. 1 as published; 8 is said to work mostly.
        augment: Probability of augmentation at the end of a schedule that starts at 0; 0 turns it off.
        pipe: Of the augmentation.
        bf16_resolutions: Highest resolutions that compute in bfloat16.
        decay: The schedules.
    """

    resolution: int = 64
    channels: int = 3
    z_dim: int = 64
    widths: tuple[int, ...] = (768, 768, 768, 768, 384)
    blocks: int = 2
    group: int = 16
    gamma: float = 2.0
    every: int = 1
    augment: float = 0.0
    pipe: str = "r3gan"
    bf16_resolutions: int = 0
    decay: Decay = field(default_factory=Decay)

    def smoke(self) -> R3GAN:
        """Shrink to 16 pixels and a few channels."""
        return replace(self, resolution=16, z_dim=8, widths=(8, 8, 8), blocks=1, group=8)

    def arch(self, classes: int = 0) -> Arch:
        """Describe the generator."""
        return r3gan.arch(self.resolution, classes=classes, z_dim=self.z_dim, **self._shared())

    def _shared(self) -> dict[str, Any]:
        return dict(
            channels=self.channels,
            widths=self.widths,
            blocks=self.blocks,
            group=self.group,
            bf16_resolutions=self.bf16_resolutions,
        )

    def discriminator(self, key, classes: int = 0) -> Network:
        """Draw a discriminator."""
        return discriminator_of(r3gan, key, resolution=self.resolution, classes=classes, **self._shared())

    def trainer(self, *, batch: int, adam: Adam, ema: Ema, ada: Ada | None = None, classes: int = 0) -> Trainer:
        """Make the game: D with both penalties, G; and, if penalties are lazy, D_penalties.

        Args:
            batch: Images per step, over all devices.
            adam: Optimizer of both players at the start; see `Decay`.
            ema: Average of the generator's weights: its half-life grows from 0 to `ema.kimg` on the schedule, and
                `ema.ramp` is not used.
            ada: Adaptive augmentation; None for the scheduled one of `augment`.
            classes: Width of the labels; the game is conditional if it is not 0.

        Raises:
            ValueError: Both kinds of augmentation are asked for.

        Source: Huang et al. (2024), sections 3 and 4, and the published code for the schedules. Different: both moves
        of a step see the same real images (there each has its own), and the penalties may be lazy.
        """
        if self.augment and ada:
            raise ValueError(f"augment={self.augment} is scheduled augmentation, ada is adaptive: choose one.")
        known(self.pipe, tuple(PIPES), "pipe")
        make = lambda key: self.discriminator(key, classes)
        arch, length = self.arch(classes), self.decay.kimg
        fixed = Ada(pipe=self.pipe, target=None) if self.augment else None
        sides = opponents(arch, make, ada or fixed)
        gamma = cosine(self.gamma, self.gamma * self.decay.gamma, length)
        strength, life = cosine(0.0, self.augment, length), cosine(0.0, 1000 * ema.kimg, length)

        def finish(stats, step, size):
            stats, metrics = sides.finish(stats, step, size)
            stats = {**stats, "images": step * size}
            if fixed:
                stats = {**stats, "ada": {**stats["ada"], "p": jnp.float32(strength(step * size))}}
            return stats, {**metrics, "schedule/gamma": gamma(step * size)}

        def both(params, stats, batch, key):
            """Return, for a batch of pairs, logits and squared gradient norms of real and generated images."""
            k, cond = jax.random.split(key, 3), given(batch, classes)
            fakes, stats = sides.draw(params, stats, len(batch["image"]), cond, k[0])

            def judged(images, key):
                def total(images):
                    logits = sides.score(params, stats, cond, key)(images)
                    return logits.sum(), logits

                gradient, logits = jax.grad(total, has_aux=True)(images)
                return logits, jnp.square(gradient).sum((1, 2, 3))

            real, r1 = judged(batch["image"], k[1])
            fake, r2 = judged(jax.lax.stop_gradient(fakes), k[2])
            return real, fake, r1, r2, stats

        def d_move(params, stats, batch, key):
            real, fake, r1, r2, stats = both(params, stats, batch, key)
            loss = relativistic_d(real, fake).mean()
            metrics = {"loss": loss, "margin": (real - fake).mean(), "sign": jnp.sign(real - fake).mean()}
            if self.every == 1:
                metrics |= {"r1": r1.mean(), "r2": r2.mean()}
                loss = loss + gamma(stats["images"]) / 2 * (r1 + r2).mean()
            return loss, (metrics, sides.seen(stats, real))

        def d_penalties(params, stats, batch, key):
            _, _, r1, r2, stats = both(params, stats, batch, key)
            loss = gamma(stats["images"]) / 2 * self.every * (r1 + r2).mean()
            return loss, ({"r1": r1.mean(), "r2": r2.mean()}, stats)

        def g_move(params, stats, batch, key):
            k, cond = jax.random.split(key, 3), given(batch, classes)
            fakes, stats = sides.draw(params, stats, len(batch["image"]), cond, k[0])
            fake, _ = sides.judge(params, stats, fakes, cond, k[1])
            real, _ = sides.judge(params, stats, batch["image"], cond, k[2])
            loss = relativistic_g(real, fake).mean()
            return loss, ({"loss": loss}, stats)

        def averaged(average, params, size, images):
            beta = 0.5 ** (size / jnp.maximum(life(images), 1e-8))
            return jax.tree.map(lambda a, p: p + beta * (a - p), average, params)

        def optimizer(updates):
            """Adam on schedules; it counts its updates, of which a step of `batch` images makes so many."""
            at = lambda schedule: lambda count: schedule(count * (batch / updates))
            return optax.inject_hyperparams(optax.adam)(
                learning_rate=at(cosine(adam.lr, adam.lr * self.decay.lr, length)),
                b1=adam.b1,
                b2=at(cosine(adam.b2, self.decay.b2, length)),
                eps=adam.eps,
            )

        moves = [Move("D", "D", d_move), Move("G", "G", g_move)]
        if self.every > 1:
            moves.insert(1, Move("D_penalties", "D", d_penalties, self.every))
        return game(
            {"G": arch.init, "D": make},
            {
                "D": Player(("D",), optimizer(1.0 + (1 / self.every if self.every > 1 else 0))),
                "G": Player(("G",), optimizer(1.0)),
            },
            moves,
            ema=averaged,
            stats={**sides.stats, "images": jnp.int32(0)},
            finish=finish,
        )
