"""The game of StyleGAN3: StyleGAN2's without path length and mixing, behind a blur that fades for R."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.core import Code, Generator, Network
from jaxgan.core.generator import Arch
from jaxgan.losses.adversarial import nonsaturating_d, nonsaturating_g
from jaxgan.losses.penalties import r1
from jaxgan.models import stylegan3
from jaxgan.ops.warp import separable
from jaxgan.training.ada import Ada
from jaxgan.training.ema import Ema, half_life
from jaxgan.training.freeze import freeze
from jaxgan.training.game import Move, Player, Trainer, game
from jaxgan.training.opponents import discriminator_of, given, kept, opponents
from jaxgan.training.settings import R1, Adam, lazy_adam


@dataclass(frozen=True)
class Blur:
    """Blur of everything that the discriminator sees, fading linearly: without it R's discriminator wins early.

    Args:
        sigma: At the start, in pixels.
        kimg: Length of the fade in thousands of images; None takes 200 for a batch of 32, in proportion.
    """

    sigma: float = 10.0
    kimg: float | None = None


@dataclass(frozen=True)
class StyleGAN3:
    """Sizes and losses of a StyleGAN3 run.

    Args:
        resolution: Side of the images, a power of two.
        channels: Of the images: 3 for colour, 1 for grey.
        variant: "t" is equivariant to translation; "r" to rotation too, with 1x1 kernels, filters without direction
            and twice the channels in the generator.
        z_dim: Width of z.
        w_dim: Width of w.
        mapping_layers: Depth of the mapping network.
        layers: Convolutions of the generator, without the one that makes the image.
        critical: How many of them, at the end, use all of the band.
        margin: Samples that activations reach beyond the image.
        channel_base: Width of the generator: min(channel_base / 2 / cutoff, channel_max) channels of a layer.
        channel_max: Most channels of a layer of the generator.
        d_channel_base: Of the discriminator, min(d_channel_base / r, d_channel_max) at resolution r; the generator's
            when None.
        d_channel_max: As channel_max, of the discriminator; the generator's when None.
        d_lr: Step size of the discriminator; the generator's when None.
        mbstd: Minibatch-stddev group; its statistics are those of the global batch: `models.stylegan2.discriminator`.
        conv_clamp: Bound on layer outputs; 256 as published.
        bf16_resolutions: Highest rates that compute in bfloat16.
        r1: Penalty of the discriminator.
        blur: In front of the discriminator; None for none. Published for "r", and not when weights are taken over.
        freeze_d: How many of the discriminator's highest-resolution blocks stay as they are, in transfer learning.
        w_mean_decay: Decay of the running mean of w.
        magnitude_kimg: Half-life of the running magnitudes of the layers' inputs.
    """

    resolution: int = 64
    channels: int = 3
    variant: Literal["t", "r"] = "t"
    z_dim: int = 512
    w_dim: int = 512
    mapping_layers: int = 2
    layers: int = 14
    critical: int = 2
    margin: int = 10
    channel_base: int = 16384
    channel_max: int = 512
    d_channel_base: int | None = None
    d_channel_max: int | None = None
    d_lr: float | None = 0.002
    mbstd: int = 4
    conv_clamp: float | None = 256.0
    bf16_resolutions: int = 0
    r1: R1 = field(default_factory=R1)
    blur: Blur | None = None
    freeze_d: int = 0
    w_mean_decay: float = 0.998
    magnitude_kimg: float = 20.0

    def smoke(self) -> StyleGAN3:
        """Shrink to 16 pixels, four layers and a few channels; every part stays."""
        narrow: dict[str, Any] = dict(channel_base=64, channel_max=4, d_channel_base=128, d_channel_max=8)
        sizes = dict(resolution=16, z_dim=8, w_dim=8, layers=4, critical=2, margin=4, mbstd=4)
        return replace(self, freeze_d=min(self.freeze_d, 1), **sizes, **narrow)

    def arch(self, classes: int = 0) -> Arch:
        """Describe the generator."""
        radial = self.variant == "r"
        wide = 2 if radial else 1
        return stylegan3.arch(
            self.resolution,
            channels=self.channels,
            z_dim=self.z_dim,
            w_dim=self.w_dim,
            classes=classes,
            channel_base=wide * self.channel_base,
            channel_max=wide * self.channel_max,
            layers=self.layers,
            critical=self.critical,
            margin=self.margin,
            kernel=1 if radial else 3,
            radial=radial,
            mapping_layers=self.mapping_layers,
            conv_clamp=self.conv_clamp,
            magnitude_kimg=self.magnitude_kimg,
            bf16_resolutions=self.bf16_resolutions,
        )

    def discriminator(self, key, classes: int = 0) -> Network:
        """Draw a discriminator."""
        return discriminator_of(
            stylegan3,
            key,
            rows=self.mbstd,
            resolution=self.resolution,
            channels=self.channels,
            classes=classes,
            channel_base=self.d_channel_base or self.channel_base,
            channel_max=self.d_channel_max or self.channel_max,
            mbstd_group=self.mbstd,
            conv_clamp=self.conv_clamp,
            bf16_resolutions=self.bf16_resolutions,
        )

    def trainer(self, *, batch: int, adam: Adam, ema: Ema, ada: Ada | None = None, classes: int = 0) -> Trainer:
        """Make the game: G, D, D_r1 every 16.

        The running mean of w and the running magnitudes move in the discriminator's main move only. Lazy
        regularisation is as in `training.stylegan2`.

        Args:
            batch: Images per step, over all devices.
            adam: Optimizer of both players, the discriminator's with `d_lr`.
            ema: Average of the generator's weights.
            ada: Adaptive augmentation in front of the discriminator, behind the blur, or None.
            classes: Width of the labels; the game is conditional if it is not 0.

        Source: Karras et al. (2021), appendix F, and the published code. Different: the labels of generated images
        are those of the real batch in random order, not drawn anew from the data set.
        """
        if batch % min(self.mbstd, batch):
            raise ValueError(f"Batch {batch} is not divisible by the minibatch-stddev group {self.mbstd}.")
        arch = self.arch(classes)
        make = lambda key: self.discriminator(key, classes)
        both = opponents(arch, make, ada)
        fade = 0.0 if self.blur is None else (batch * 200 / 32 if self.blur.kimg is None else self.blur.kimg)

        def codes(batch, key):
            labels, draw = jax.random.split(key)
            cond = both.labels(batch, labels)
            return Code(jax.random.normal(draw, (len(batch["image"]), self.z_dim)), "z", cond)

        def generator(params, stats):
            return Generator(params["G"], stats["buffers"]["G"], arch)

        def judge(params, stats, images, cond, key):
            if self.blur is not None:
                images = blurred(images, stats["blur"], self.blur.sigma)
            return both.judge(params, stats, images, cond, key)[0]

        def g_main(params, stats, batch, key):
            k = jax.random.split(key)
            code = codes(batch, k[0])
            loss = nonsaturating_g(judge(params, stats, generator(params, stats)(code), code.cond, k[1])).mean()
            return loss, ({"loss": loss}, stats)

        def d_main(params, stats, batch, key):
            k = jax.random.split(key, 3)
            code, g = codes(batch, k[0]), generator(params, stats)
            w = g.to(code, "w")
            images, buffers = g.in_training(w)
            mean = g.buffers["spread"]["w_mean"]
            mean = mean + (1 - self.w_mean_decay) * (w.value.mean(0) - mean)
            buffers = {**buffers, "spread": {"w_mean": mean}}
            fake = judge(params, stats, images, code.cond, k[1])
            real = judge(params, stats, batch["image"], given(batch, classes), k[2])
            loss = nonsaturating_d(real, fake).mean()
            metrics = {"loss": loss, "real": real.mean(), "fake": fake.mean(), "sign": jnp.sign(real).mean()}
            if self.blur is not None:
                metrics["blur"] = stats["blur"]
            return loss, (metrics, both.seen(kept(stats, "G", buffers), real))

        def d_r1(params, stats, batch, key):
            cond = given(batch, classes)
            penalty = r1(lambda x: judge(params, stats, x, cond, key), batch["image"]).mean()
            return penalty * self.r1.gamma / 2 * self.r1.every, ({"penalty": penalty}, stats)

        def finish(stats, step, size):
            stats, metrics = both.finish(stats, step, size)
            if self.blur is not None:
                left = jnp.maximum(1 - step * size / max(fade * 1000, 1e-8), 0)
                stats = {**stats, "blur": jnp.float32(self.blur.sigma * left)}
            return stats, metrics

        blur = {"blur": jnp.float32(self.blur.sigma if fade else 0.0)} if self.blur is not None else {}
        moves = [Move("G", "G", g_main), Move("D", "D", d_main)]
        if self.r1.gamma:
            moves.append(Move("D_r1", "D", d_r1, self.r1.every))
        d_adam = adam if self.d_lr is None else replace(adam, lr=self.d_lr)
        judges = lazy_adam(d_adam, self.r1.every if self.r1.gamma else 0)
        return game(
            {"G": arch.init, "D": make},
            {
                "G": Player(("G",), lazy_adam(adam, 0)),
                "D": Player(("D",), freeze(judges, self.resolution, self.freeze_d)),
            },
            moves,
            ema=half_life(ema),
            stats={**both.stats, **blur},
            finish=finish,
        )


def blurred(images: Float[Array, "n h w c"], sigma: Float[Array, ""], largest: float) -> Float[Array, "n h w c"]:
    """Blur images with a kernel that is 2^-1 at a distance of sigma, zeros around them.

        k[t] ~ 2^-(t / sigma)^2,  |t| <= floor(3 sigma),  with sum 1

    Args:
        images: [N, H, W, C].
        sigma: In pixels, traced; below 1/3 the images stay as they are.
        largest: What sigma never exceeds (static).

    Source: the published code of StyleGAN3.
    """
    reach = int(3 * largest)
    t = jnp.arange(-reach, reach + 1)
    kernel = jnp.where(abs(t) <= jnp.floor(3 * sigma), jnp.exp2(-jnp.square(t / jnp.maximum(sigma, 1e-3))), 0)
    kernel = kernel / kernel.sum()

    def matrix(size: int):
        distance = jnp.arange(size)[:, None] - jnp.arange(size)[None, :]
        inside = abs(distance) <= reach
        return jnp.where(inside, kernel[jnp.where(inside, distance + reach, 0)], 0).astype(images.dtype)

    return separable(images, matrix(images.shape[1]), matrix(images.shape[2]))
