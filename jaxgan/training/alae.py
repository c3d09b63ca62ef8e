"""The game of ALAE: the discriminator is an encoder with a critic, and the encoder inverts the generator in w."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import optax

from jaxgan.core import Code, Generator, Network
from jaxgan.core.generator import Arch
from jaxgan.models import alae
from jaxgan.training.ada import Ada
from jaxgan.training.ema import Ema, half_life
from jaxgan.training.game import Move, Player, Trainer, game
from jaxgan.training.growth import TINY, Growth, as_grown, beginning, opening_stats
from jaxgan.training.mixing import mixed_styles
from jaxgan.training.opponents import discriminator_of, kept, opponents
from jaxgan.training.settings import Adam
from jaxgan.training.stylegan1 import logistic_moves


@dataclass(frozen=True)
class ALAE:
    """Sizes, losses and growth of an ALAE run.

    Args:
        resolution: Side of the images when all is grown, a power of two.
        channels: Of the images: 3 for colour, 1 for grey.
        z_dim: Width of z.
        w_dim: Width of w.
        mapping_layers: Depth of F.
        mapping_hidden: Width of its inner layers, and of those of the critic.
        critic_layers: Depth of the critic on w.
        channel_base: Width of G and E: min(channel_base / r, channel_max) channels at resolution r.
        channel_max: Most channels of a layer.
        mixing: Probability of style mixing.
        gamma: Weight of R1, at every step; the loss is gamma / 2 times the squared gradient norm.
        reciprocity: Weight of the distance in w.
        w_mean_decay: Decay of the running mean of w.
        growth: Schedule; `--model.growth.first` at the full resolution trains without growing.
    """

    resolution: int = 64
    channels: int = 3
    z_dim: int = 512
    w_dim: int = 512
    mapping_layers: int = 8
    mapping_hidden: int = 512
    critic_layers: int = 3
    channel_base: int = 16384
    channel_max: int = 512
    mixing: float = 0.9
    gamma: float = 10.0
    reciprocity: float = 1.0
    w_mean_decay: float = 0.995
    growth: Growth = field(default_factory=Growth)

    def smoke(self) -> ALAE:
        """Shrink to 16 narrow pixels that grow from 8."""
        narrow: dict[str, Any] = dict(z_dim=16, w_dim=16, mapping_layers=2, mapping_hidden=16, channel_base=128)
        return replace(self, resolution=16, channel_max=8, growth=TINY, **narrow)

    def arch(self, classes: int = 0, resolution: int | None = None, lod: int = 0) -> Arch:
        """Describe the generator, at less than the full resolution if one is given."""
        return alae.arch(
            resolution or self.resolution,
            channels=self.channels,
            z_dim=self.z_dim,
            w_dim=self.w_dim,
            classes=classes,
            channel_base=self.channel_base,
            channel_max=self.channel_max,
            mapping_layers=self.mapping_layers,
            mapping_hidden=self.mapping_hidden,
            lod=lod,
        )

    def discriminator(self, key, classes: int = 0, lod: int = 0) -> Network:
        """Draw a discriminator: the encoder and its critic (`models.alae.encoder_of` takes the encoder out)."""
        return discriminator_of(
            alae,
            key,
            resolution=self.resolution,
            channels=self.channels,
            classes=classes,
            w_dim=self.w_dim,
            layers=self.critic_layers,
            hidden=self.mapping_hidden,
            channel_base=self.channel_base,
            channel_max=self.channel_max,
            lod=lod,
        )

    def trainer(self, *, batch: int, adam: Adam, ema: Ema, ada: Ada | None = None, classes: int = 0) -> Trainer:
        """Make the game of three players: {E, critic}, {F, G}, {E, G}.

            D:    softplus(D(E(G(F(z))))) + softplus(-D(E(x))) + gamma / 2 |d D(E(x)) / dx|^2
            G:    softplus(-D(E(G(F(z)))))
            EG:   reciprocity mean((w - E(G(w)))^2),   w = F(z), no gradient to F

        E and its critic are the network "D"; the third player owns "G" and "D", but F and the critic have no part in
        its loss. Batches may have any resolution of the growth; it says how far the run has grown.

        Args:
            batch: Images per step where `growth.batches` says nothing else, over all devices.
            adam: Optimizer of every player.
            ema: Average of the weights, those of the encoder too.
            ada: Adaptive augmentation in front of the discriminator, or None; the third move sees plain images.
            classes: Width of the labels; the game is conditional if it is not 0.

        Source: ALAE, algorithm 1. Different from the published code: as in the algorithm each player has its own
        optimizer state and F does not learn from the third move; fades are linear, and without one for 4x4 the first
        phase is as long as every stable one.
        """
        self.growth.phases(self.resolution, batch)
        make = lambda key: self.discriminator(key, classes)
        both = opponents(self.arch(classes), make, ada)

        def styled(params, stats, batch, cond, key, mixing):
            """Draw as many codes as the batch has images; return the generator, w+, a key for noise and the stats."""
            of_styles, of_noise = jax.random.split(key)
            arch = self.arch(classes, batch["image"].shape[1])
            g = Generator(params["G"], stats["buffers"]["G"], arch)
            ws, buffers = mixed_styles(g, len(batch["image"]), cond, of_styles, mixing, self.w_mean_decay)
            return g, ws, of_noise, kept(stats, "G", buffers)

        def rendered(g, ws, key):
            return g(Code(ws, "w+"), noise="random", key=key)

        def draw(params, stats, batch, cond, key):
            *drawn, stats = styled(params, stats, batch, cond, key, self.mixing)
            return rendered(*drawn), stats

        def eg_move(params, stats, batch, key):
            k = jax.random.split(key)
            g, ws, of_noise, stats = styled(params, stats, batch, both.labels(batch, k[0]), k[1], 0.0)
            network = jax.eval_shape(make, jax.random.key(0))
            network = network.replace(params=params["D"], buffers=stats["buffers"]["D"])
            distance = reciprocity(lambda w: rendered(g, w, of_noise), alae.encoder_of(network), ws).mean()
            return self.reciprocity * distance, ({"distance": distance}, stats)

        optimizer = optax.adam(adam.lr, b1=adam.b1, b2=adam.b2, eps=adam.eps)
        made = game(
            {"G": self.arch(classes).init, "D": make},
            {"D": Player(("D",), optimizer), "G": Player(("G",), optimizer), "EG": Player(("G", "D"), optimizer)},
            [*logistic_moves(both, draw, self.gamma, classes), Move("EG", "EG", eg_move)],
            ema=half_life(ema),
            averaged=("G", "D"),
            stats={**both.stats, **opening_stats(self.growth, self.resolution)},
            finish=both.finish,
            begin=beginning(self.growth, self.resolution, adam),
            at=as_grown(self, classes),
        )
        encoder = lambda trainer, state: alae.encoder_of(trainer.network(state, "D", ema=True))
        return made._replace(companions={"encoder": encoder})


def reciprocity(render, encoder, ws):
    """Return how far the encoder is from naming the w that drew an image.

        d_n = mean_d (w_nd - E(G(w_n))_d)^2

    Args:
        render: w+ codes [N, L, D] -> images.
        encoder: Images -> w [N, D].
        ws: Codes in w+ whose rows are equal, [N, L, D]. No gradient goes to them.

    Source: ALAE, equation 6.
    """
    ws = jax.lax.stop_gradient(ws)
    return jnp.square(ws[:, 0] - encoder(render(ws))).mean(1)
