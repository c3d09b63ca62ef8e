"""The game of StyleGAN2 and StyleGAN2-ADA: four moves of two players."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import jax
import jax.numpy as jnp

from jaxgan.core import Code, Generator, Network
from jaxgan.core.generator import known
from jaxgan.losses.adversarial import nonsaturating_d, nonsaturating_g
from jaxgan.losses.penalties import path_lengths, r1
from jaxgan.models import stylegan2
from jaxgan.training.ada import Ada
from jaxgan.training.disentangle import Disentangle, disentangled, shrunk, unseen
from jaxgan.training.ema import Ema, half_life
from jaxgan.training.freeze import freeze, hold
from jaxgan.training.game import Move, Player, Trainer, game
from jaxgan.training.opponents import discriminator_of, given, kept, opponents
from jaxgan.training.settings import R1, Adam, lazy_adam


@dataclass(frozen=True)
class PathLength:
    """Path-length regularisation of the generator.

    Args:
        weight: 0 turns it off.
        every: Steps between two penalties; the loss is multiplied by it.
        decay: Rate of the running mean of the lengths.
        shrink: The batch is divided by this.
    """

    weight: float = 2.0
    every: int = 4
    decay: float = 0.01
    shrink: int = 2


@dataclass(frozen=True)
class StyleGAN2:
    """Sizes and losses of a StyleGAN2 run.

    Args:
        resolution: Side of the images, a power of two.
        channels: Of the images: 3 for colour, 1 for grey.
        z_dim: Width of z.
        w_dim: Width of w.
        mapping_layers: Depth of the mapping network.
        channel_base: Width of the generator: min(channel_base / r, channel_max) channels at resolution r.
        channel_max: Most channels of a layer of the generator.
        d_channel_base: As channel_base, of the discriminator; the generator's when None.
        d_channel_max: As channel_max, of the discriminator; the generator's when None.
        architecture: Of the discriminator.
        mbstd: Minibatch-stddev group.
        mbstd_parts: Parts of the batch with groups of their own: 1 is the global batch, on however many devices; the
            number of devices gives each device's share its own statistics, as in the published code.
        conv_clamp: Bound on layer outputs; 256 is usual with bf16_resolutions > 0.
        bf16_resolutions: Highest resolutions that compute in bfloat16.
        mixing: Probability of style mixing.
        noise: Whether the layers add noise. Narrow networks in short runs draw speckle with it.
        r1: Penalty of the discriminator.
        path_length: Penalty of the generator.
        freeze_d: How many of the discriminator's highest-resolution blocks stay as they are, in transfer learning.
        hold: Stages of the generator that stay as they are; mapping and style keep the style space of another run.
        w_mean_decay: Decay of the running mean of w.
        disentangle: Penalty on latent axes that interact in the generator, or None.
    """

    resolution: int = 64
    channels: int = 3
    z_dim: int = 512
    w_dim: int = 512
    mapping_layers: int = 8
    channel_base: int = 16384
    channel_max: int = 512
    d_channel_base: int | None = None
    d_channel_max: int | None = None
    architecture: Literal["resnet", "skip", "orig"] = "resnet"
    mbstd: int = 4
    mbstd_parts: int = 1
    conv_clamp: float | None = None
    bf16_resolutions: int = 0
    mixing: float = 0.9
    noise: bool = True
    r1: R1 = field(default_factory=R1)
    path_length: PathLength = field(default_factory=PathLength)
    freeze_d: int = 0
    hold: tuple[str, ...] = ()
    w_mean_decay: float = 0.995
    disentangle: Disentangle | None = None

    def smoke(self) -> StyleGAN2:
        """Shrink to 16 pixels and a few channels; every part stays."""
        narrow: dict[str, Any] = dict(channel_base=128, channel_max=8, d_channel_base=128, d_channel_max=8)
        return replace(
            self,
            resolution=16,
            z_dim=16,
            w_dim=16,
            mapping_layers=2,
            mbstd=4,
            mbstd_parts=1,
            freeze_d=min(self.freeze_d, 2),
            disentangle=shrunk(self.disentangle),
            **narrow,
        )

    def arch(self, classes: int = 0):
        """Describe the generator."""
        return stylegan2.arch(
            self.resolution,
            channels=self.channels,
            z_dim=self.z_dim,
            w_dim=self.w_dim,
            classes=classes,
            channel_base=self.channel_base,
            channel_max=self.channel_max,
            mapping_layers=self.mapping_layers,
            use_noise=self.noise,
            conv_clamp=self.conv_clamp,
            bf16_resolutions=self.bf16_resolutions,
        )

    def discriminator(self, key, classes: int = 0) -> Network:
        """Draw a discriminator."""
        return discriminator_of(
            stylegan2,
            key,
            rows=self.mbstd * self.mbstd_parts,
            resolution=self.resolution,
            channels=self.channels,
            classes=classes,
            channel_base=self.d_channel_base or self.channel_base,
            channel_max=self.d_channel_max or self.channel_max,
            architecture=self.architecture,
            mbstd_group=self.mbstd,
            mbstd_parts=self.mbstd_parts,
            conv_clamp=self.conv_clamp,
            bf16_resolutions=self.bf16_resolutions,
        )

    def trainer(self, *, batch: int, adam: Adam, ema: Ema, ada: Ada | None = None, classes: int = 0) -> Trainer:
        """Make the game: G, G_path every 4, D, D_r1 every 16.

        Lazy regularisation: a penalty made every k steps is multiplied by k, and its player's Adam runs with
        c = k / (k + 1), lr^c = c lr, beta^c, because it makes 1 + 1/k updates a step.

        Args:
            batch: Images per step, over all devices.
            adam: Optimizer of both players.
            ema: Average of the generator's weights.
            ada: Adaptive augmentation in front of the discriminator, or None.
            classes: Width of the labels; the game is conditional if it is not 0.

        Source: StyleGAN2, section 3 and appendix B; StyleGAN2-ADA, appendix D. Different: the labels of generated
        images are those of the real batch in random order, not drawn anew from the data set.
        """
        share = batch // self.mbstd_parts
        if batch % self.mbstd_parts or share % min(self.mbstd, share):
            groups = f"group {self.mbstd}" + f" in {self.mbstd_parts} parts" * (self.mbstd_parts > 1)
            raise ValueError(f"Batch {batch} is not divisible by the minibatch-stddev {groups}.")
        arch = self.arch(classes)
        for stage in self.hold:
            known(stage, [s.module.name or "" for s in arch.stages], "stage")
        rows = arch.shape("w+")[0]
        make = lambda key: self.discriminator(key, classes)
        both = opponents(arch, make, ada)

        def draw(params, stats, n, cond, key):
            """Draw n images with style mixing; return them, their w+ codes, and the stats with w_mean moved."""
            keys = jax.random.split(key, 5)
            g = Generator(params["G"], stats["buffers"]["G"], arch)
            z = jax.random.normal(keys[0], (2, n, self.z_dim))
            w = g.to(Code(z[0], "z", cond), "w").value
            ws = jnp.broadcast_to(w[:, None], (n, rows, self.w_dim))
            if self.mixing:
                other = g.to(Code(z[1], "z", cond), "w").value
                cut = jax.random.randint(keys[1], (), 1, rows)
                cut = jnp.where(jax.random.uniform(keys[2]) < self.mixing, cut, rows)
                ws = jnp.where(jnp.arange(rows)[None, :, None] < cut, ws, other[:, None])
            mean = g.buffers["spread"]["w_mean"]
            mean = mean + (1 - self.w_mean_decay) * (jax.lax.stop_gradient(w).mean(0) - mean)
            stats = kept(stats, "G", {**g.buffers, "spread": {"w_mean": mean}})
            return render(params, stats, ws, keys[3]), ws, stats

        def render(params, stats, ws, key):
            return Generator(params["G"], stats["buffers"]["G"], arch)(Code(ws, "w+"), noise="random", key=key)

        def g_main(params, stats, batch, key):
            k = jax.random.split(key, 3)
            cond = both.labels(batch, k[0])
            images, _, stats = draw(params, stats, len(batch["image"]), cond, k[1])
            fake, _ = both.judge(params, stats, images, cond, k[2])
            loss = nonsaturating_g(fake).mean()
            return loss, ({"loss": loss}, stats)

        def g_path(params, stats, batch, key):
            k = jax.random.split(key, 4)
            n = max(len(batch["image"]) // self.path_length.shrink, 1)
            cond = both.labels(batch, k[0])
            _, ws, stats = draw(params, stats, n, None if cond is None else cond[:n], k[1])
            noise = jax.random.normal(k[2], (n, self.resolution, self.resolution, self.channels))
            lengths = path_lengths(lambda w: render(params, stats, w, k[3]), ws, noise)
            mean = stats["path_mean"] + self.path_length.decay * (lengths.mean() - stats["path_mean"])
            penalty = jnp.square(lengths - mean).mean()
            loss = penalty * self.path_length.weight * self.path_length.every
            return loss, ({"penalty": penalty, "length": mean}, {**stats, "path_mean": mean})

        def d_main(params, stats, batch, key):
            k = jax.random.split(key, 4)
            cond = both.labels(batch, k[0])
            images, _, stats = draw(params, stats, len(batch["image"]), cond, k[1])
            fake, _ = both.judge(params, stats, images, cond, k[2])
            real, _ = both.judge(params, stats, batch["image"], given(batch, classes), k[3])
            loss = nonsaturating_d(real, fake).mean()
            metrics = {"loss": loss, "real": real.mean(), "fake": fake.mean(), "sign": jnp.sign(real).mean()}
            return loss, (metrics, both.seen(stats, real))

        def d_r1(params, stats, batch, key):
            penalty = r1(both.score(params, stats, given(batch, classes), key), batch["image"]).mean()
            return penalty * self.r1.gamma / 2 * self.r1.every, ({"penalty": penalty}, stats)

        exact = replace(self, bf16_resolutions=0).arch(classes)  # differences cancel most digits
        moves = [Move("G", "G", disentangled(g_main, self.disentangle, exact))]
        if self.path_length.weight:
            moves.append(Move("G_path", "G", g_path, self.path_length.every))
        moves.append(Move("D", "D", d_main))
        if self.r1.gamma:
            moves.append(Move("D_r1", "D", d_r1, self.r1.every))
        g_adam = lazy_adam(adam, self.path_length.every if self.path_length.weight else 0)
        d_adam = lazy_adam(adam, self.r1.every if self.r1.gamma else 0)
        return game(
            {"G": arch.init, "D": make},
            {
                "G": Player(("G",), hold(g_adam, self.hold)),
                "D": Player(("D",), freeze(d_adam, self.resolution, self.freeze_d)),
            },
            moves,
            ema=half_life(ema),
            stats={"path_mean": jnp.zeros(()), **both.stats, **unseen(self.disentangle)},
            finish=both.finish,
        )
