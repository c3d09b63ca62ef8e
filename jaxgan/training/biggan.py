"""The game of BigGAN: several moves of the discriminator on shares of the batch, then one of the generator."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import jax
import jax.numpy as jnp
import optax

from jaxgan.core import Network
from jaxgan.core.generator import Arch
from jaxgan.losses.adversarial import hinge_d, hinge_g
from jaxgan.losses.penalties import orthogonal
from jaxgan.models import biggan
from jaxgan.training.ada import Ada
from jaxgan.training.ema import Ema, half_life
from jaxgan.training.game import Move, Player, Trainer, game
from jaxgan.training.opponents import discriminator_of, given, opponents
from jaxgan.training.settings import Adam


@dataclass(frozen=True)
class BigGAN:
    """Sizes and losses of a BigGAN or BigGAN-deep run.

    Args:
        resolution: Side of the images, a power of two from 8 to 512.
        channels: Of the images: 3 for colour, 1 for grey.
        width: Channels of the generator are multiples of it.
        d_width: As width, of the discriminator; the generator's when None.
        deep: Whether it is BigGAN-deep.
        z_dim: Width of z; see `models.biggan.arch` for None.
        shared_dim: Width of the class embedding.
        attention: Resolutions of self-attention in the generator; 64 when None, where there are as many pixels.
        d_attention: The same in the discriminator; the generator's when None.
        groups: Parts of the generated batch that are normalised alone; 1 is the global batch, on however many devices.
        bn_eps: Added to variances.
        sn_eps: Least length that spectral norm divides by.
        initial: Of the weights.
        d_steps: Moves of the discriminator a step; each takes its share of the batch, and the generator one as large.
        d_lr: Step size of the discriminator; the generator's when None.
        orthogonal: Weight of the generator's orthogonal regularisation.
    """

    resolution: int = 128
    channels: int = 3
    width: int = 96
    d_width: int | None = None
    deep: bool = False
    z_dim: int | None = None
    shared_dim: int = 128
    attention: tuple[int, ...] | None = None
    d_attention: tuple[int, ...] | None = None
    groups: int = 1
    bn_eps: float = 1e-5
    sn_eps: float = 1e-6
    initial: Literal["ortho", "normal", "glorot"] = "ortho"
    d_steps: int = 2
    d_lr: float | None = None
    orthogonal: float = 1e-4

    def smoke(self) -> BigGAN:
        """Shrink to 16 pixels and a few channels; every part stays."""
        small: dict[str, Any] = dict(width=2, d_width=2, z_dim=6, shared_dim=4, attention=(8,), d_attention=(8,))
        return replace(self, resolution=16, **small, groups=1, d_steps=min(self.d_steps, 2))

    def arch(self, classes: int = 0) -> Arch:
        """Describe the generator."""
        return biggan.arch(
            self.resolution,
            channels=self.channels,
            classes=classes,
            width=self.width,
            deep=self.deep,
            z_dim=self.z_dim,
            shared_dim=self.shared_dim,
            attention=self.attention,
            bn_eps=self.bn_eps,
            bn_groups=self.groups,
            sn_eps=self.sn_eps,
            initial=self.initial,
        )

    def discriminator(self, key, classes: int = 0) -> Network:
        """Draw a discriminator."""
        return discriminator_of(
            biggan,
            key,
            resolution=self.resolution,
            channels=self.channels,
            classes=classes,
            width=self.d_width or self.width,
            deep=self.deep,
            attention=self.attention if self.d_attention is None else self.d_attention,
            sn_eps=self.sn_eps,
            initial=self.initial,
        )

    def trainer(self, *, batch: int, adam: Adam, ema: Ema, ada: Ada | None = None, classes: int = 0) -> Trainer:
        """Make the game: D (D1, D2, ...), G, with the hinge loss.

        Both networks run as in training in every move: batch statistics are those of the move's own images, and each
        pass makes one step of every power iteration. Real and generated images pass the discriminator together. The
        average covers running statistics too.

        Args:
            batch: Images per step over all devices, shared out among the moves of the discriminator.
            adam: Optimizer of both players.
            ema: Average of the generator's weights and buffers.
            ada: Adaptive augmentation in front of the discriminator, or None.
            classes: Width of the labels; the game is conditional if it is not 0.

        Source: Brock et al. (2019), section 3 and appendix C. Different: the labels of generated images are those of
        the real batch in random order, not drawn anew.
        """
        if self.d_steps < 1 or batch % self.d_steps:
            raise ValueError(f"Batch {batch} is not divisible by the {self.d_steps} moves of the discriminator.")
        if batch // self.d_steps % self.groups:
            raise ValueError(f"A move's {batch // self.d_steps} images are not divisible by {self.groups} groups.")
        arch = self.arch(classes)
        sides = opponents(arch, lambda key: self.discriminator(key, classes), ada)

        def share(batch, index):
            """Take every d_steps-th image, so that each device's rows stay on it."""
            rows = lambda x: x.reshape(-1, self.d_steps, *x.shape[1:])[:, index]
            return {name: rows(batch[name]) for name in ("image", "label") if name in batch}

        def d_move(index):
            def loss(params, stats, batch, key):
                k = jax.random.split(key, 3)
                batch = share(batch, index)
                n, cond = len(batch["image"]), sides.labels(batch, k[0])
                fakes, stats = sides.draw(params, stats, n, cond, k[1])
                fakes = jax.lax.stop_gradient(fakes)
                # Pairs side by side, not one half behind the other: each device keeps its rows.
                both = lambda a, b: None if a is None else jnp.stack([a, b], 1).reshape(2 * n, *a.shape[1:])
                images, conds = both(batch["image"], fakes), both(given(batch, classes), cond)
                logits, stats = sides.judge(params, stats, images, conds, k[2])
                real, fake = jnp.moveaxis(logits.reshape(n, 2), 1, 0)
                loss = hinge_d(real, fake).mean()
                metrics = {"loss": loss, "real": real.mean(), "fake": fake.mean(), "sign": jnp.sign(real).mean()}
                return loss, (metrics, sides.seen(stats, real))

            return loss

        def g_move(params, stats, batch, key):
            k = jax.random.split(key, 3)
            batch = share(batch, 0)
            cond = sides.labels(batch, k[0])
            fakes, stats = sides.draw(params, stats, len(batch["image"]), cond, k[1])
            fake, stats = sides.judge(params, stats, fakes, cond, k[2])
            loss = adversarial = hinge_g(fake).mean()
            metrics = {"loss": adversarial}
            if self.orthogonal:
                penalty = orthogonal(params["G"], lambda path: not path.startswith("latent/"))
                loss, metrics["orthogonal"] = loss + self.orthogonal * penalty, penalty
            return loss, (metrics, stats)

        names = [f"D{i + 1}" for i in range(self.d_steps)] if self.d_steps > 1 else ["D"]
        optimizer = lambda lr: optax.adam(lr, b1=adam.b1, b2=adam.b2, eps=adam.eps)
        return game(
            {"G": arch.init, "D": lambda key: self.discriminator(key, classes)},
            {
                "D": Player(("D",), optimizer(adam.lr if self.d_lr is None else self.d_lr)),
                "G": Player(("G",), optimizer(adam.lr)),
            },
            [*(Move(name, "D", d_move(i)) for i, name in enumerate(names)), Move("G", "G", g_move)],
            ema=half_life(ema),
            averaged_buffers=True,
            stats=sides.stats,
            finish=sides.finish,
        )
