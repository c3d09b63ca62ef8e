"""The game of an encoder: one player that learns to name the codes with which a frozen generator draws images."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import jax
import jax.numpy as jnp
import optax

from jaxgan import losses
from jaxgan.core import Code, Generator, Network
from jaxgan.core.network import initialise
from jaxgan.core.objective import Objective
from jaxgan.encoders import ENCODERS, e4e, restyle, sizes
from jaxgan.latents.spaces import rows, w_mean
from jaxgan.latents.stats import channels
from jaxgan.losses.adversarial import nonsaturating_d, nonsaturating_g
from jaxgan.losses.penalties import r1
from jaxgan.models import stylegan2
from jaxgan.training import pool
from jaxgan.training.ada import Ada
from jaxgan.training.ema import Ema, half_life
from jaxgan.training.fitting import fitting
from jaxgan.training.game import Move, Opening, Player, Trainer, game
from jaxgan.training.opponents import kept
from jaxgan.training.ranger import ranger
from jaxgan.training.schedules import cosine
from jaxgan.training.settings import R1, Adam, lazy_adam

POOL = 50


@dataclass(frozen=True)
class Stages:
    """When the rows of a code may begin to differ from the first one.

    Args:
        start: Thousands of images before the first row does; 0 for all rows from the beginning.
        every: Thousands of images from one row to the next.
    """

    start: float = 0.0
    every: float = 16.0


@dataclass(frozen=True)
class Encoder:
    """An encoder, the generator that it is for, and what it learns by; weights of 0 leave a loss out.

    pSp is `paper="psp"` with pixel, LPIPS and identity; e4e has `delta`, `latent` and `progress` besides; IDInvert
    `adversarial`; the guess of stylegan-encoder learns by `code` from generated images alone.

    Args:
        generator: File or bundled name of the generator, which stays as it is.
        paper: Which encoder, a key of `jaxgan.encoders.ENCODERS`.
        resolution, channels: Of the generator's images.
        size: Side of the images that the encoder looks at; the generator's if None.
        widths: Channels of the trunk's stages ("idinvert": the first and the most).
        units: Residual units of each stage.
        trunk: As the encoder's factory has it; its own default if "".
        deltas: "restyle": whether its rows are those of e4e.
        iterations: "restyle": looks at each image.
        generated: Share of each batch that is drawn by the generator, and whose codes are known.
        pixel: Weight of the mean squared difference of pixels.
        perceptual: Weight of LPIPS, or of `losses.perceptual()` without a word for it.
        lpips: Word for LPIPS, "lpips:TRUNK:WEIGHTS:HEADS".
        identity: Weight of 1 - cos of embeddings.
        embed: Word for their network, "arcface:FILE" or "moco:FILE".
        code: Weight of the distance to the codes that are known, in standard deviations.
        norm: Weight of the length of the difference from the mean of w.
        delta: Weight of the rows' differences from the first row.
        progress: When rows may differ.
        latent: Weight of a judge of single rows, which is trained too.
        latent_lr: Its step size.
        adversarial: Weight of a judge of images, which is trained too.
        r1: Penalty of both judges.
        d_channel_base, d_channel_max: Width of the judge of images.
        optimizer: Of the encoder: "adam" with the recipe's settings, or "ranger" with its step size.
        decay_kimg: All step sizes fall along half a cosine to a twentieth in so many thousands of images; None: not.
    """

    generator: str = "scenes64"
    paper: Literal["psp", "e4e", "restyle", "idinvert", "ghfeat", "guess"] = "psp"
    resolution: int = 64
    channels: int = 3
    size: int | None = None
    widths: tuple[int, ...] = (64, 128, 256, 512)
    units: tuple[int, ...] = (3, 4, 14, 3)
    trunk: str = ""
    deltas: bool = False
    iterations: int = 5
    generated: float = 0.5
    pixel: float = 1.0
    perceptual: float = 0.8
    lpips: str = ""
    identity: float = 0.1
    embed: str = ""
    code: float = 0.0
    norm: float = 0.0
    delta: float = 0.0
    progress: Stages = field(default_factory=Stages)
    latent: float = 0.0
    latent_lr: float = 2e-5
    adversarial: float = 0.0
    r1: R1 = field(default_factory=lambda: R1(gamma=10.0))
    d_channel_base: int = 16384
    d_channel_max: int = 512
    optimizer: Literal["adam", "ranger"] = "ranger"
    decay_kimg: float | None = None

    def smoke(self) -> Encoder:
        """Shrink to a trunk of a few channels; the generator stays."""
        narrow: dict[str, Any] = dict(d_channel_base=128, d_channel_max=8, iterations=min(self.iterations, 2))
        stages = len(self.widths)
        return replace(self, widths=(4,) * stages, units=(1,) * stages, progress=Stages(0.016, 0.016), **narrow)

    @property
    def frozen(self) -> dict[str, str]:
        """Words for the networks that the game takes as they are."""
        words = {"G": self.generator, "lpips": self.lpips, "embed": self.embed}
        return {name: word for name, word in words.items() if word}

    @property
    def space(self) -> str:
        """Space of the codes."""
        return "s" if self.paper == "ghfeat" else "w+"

    def config(self, g: Generator) -> dict[str, Any]:
        """Return the keyword arguments of the encoder's factory."""
        more: dict[str, Any] = dict(widths=self.widths, units=self.units, deltas=self.deltas)
        more |= dict(width=self.widths[0], width_max=self.widths[-1], pool=False)
        more |= {"trunk": self.trunk} if self.trunk else {}
        config = sizes(g.arch, self.space) | more
        config |= {"resolution": self.size} if self.size else {}
        allowed = inspect.signature(ENCODERS[self.paper].encoder).parameters
        return {name: value for name, value in config.items() if name in allowed}

    def network(self, key, g: Generator, mean) -> Network:
        """Draw an encoder for a generator.

        Args:
            key: Random key.
            g: The generator.
            mean: Where its codes begin: the mean of w [D], or of s as one vector.
        """
        config = self.config(g)
        module, described = ENCODERS[self.paper].encoder(**config), tuple(sorted(config.items()))
        images = [jnp.zeros(shape) for shape in module.inputs()]
        made: Any = initialise(module, key, *images, name=f"{self.paper}.encoder", config=described)
        means = {name: jnp.broadcast_to(mean, held.shape) for name, held in made.buffers.items() if name in MEANS}
        return made.replace(buffers={**made.buffers, **means})

    def trainer(
        self,
        *,
        batch: int,
        adam: Adam,
        ema: Ema,
        ada: Ada | None = None,
        classes: int = 0,
        frozen: Mapping[str, Any] | None = None,
    ) -> Trainer:
        """Make the game: E; with `latent` D_w and D_w_r1, with `adversarial` D and D_r1.

            E:  sum_t pixel |x - y_t|^2 + perceptual d(x, y_t) + identity (1 - cos(e(x), e(y_t)))
                    + code |c_t - c|^2 + norm |c_t - mean| + delta sum_i |c_ti - c_t0|
                    + latent softplus(-D_w(c_ti)) + adversarial softplus(-D(y_t)),     y_t = G(c_t)

        There is one look t but for ReStyle, whose gradients are those of each look by itself, summed.

        Args:
            batch: Images per step, over all devices.
            adam: Optimizer of the encoder, unless it is Ranger's turn, and of the judge of images.
            ema: Average of the encoder.
            ada: Not used here: images are shown as they are.
            classes: Not used here: codes of w need no condition.
            frozen: The networks of `self.frozen`, loaded.

        Raises:
            ValueError: The generator is missing, or draws other images than the recipe says.

        Source: pSp (Richardson et al., 2021), e4e (Tov et al., 2021), ReStyle (Alaluf et al., 2021), IDInvert (Zhu et
        al., 2020). Different: any share of generated images, codes known there count; the judges see the codes and
        images that the encoder has just made, so that it need not look again.
        """
        given = dict(frozen or {})
        g = self.fitting(given)
        if ada is not None:
            raise ValueError("An encoder is trained on images as they are: leave ada and diffaugment away.")
        mean, spread = channels(g, jax.random.key(0), self.space)
        centre = rows(jax.tree.map(lambda m: m[None], mean))[0] if self.space == "s" else held_mean(g, mean)
        inverse = 1 / jnp.maximum(rows(jax.tree.map(lambda s: s[None], spread))[0], 1e-6)
        make = lambda key: self.network(key, g, centre)
        last = g.arch.shape("w+")[0] - 1 if self.space == "w+" else 0
        drawn_share = round(self.generated * batch)
        makers = {"E": make} | {name: (lambda key, part=part: part) for name, part in given.items()}
        makers |= {"D_w": self.judge_of_codes(g)} if self.latent else {}
        makers |= {"D": self.judge_of_images(g)} if self.adversarial else {}
        parts = {name: jax.eval_shape(maker, jax.random.key(0)) for name, maker in makers.items()}

        def part(name, params, stats) -> Any:
            return parts[name].replace(params=params[name], buffers=stats["buffers"][name])

        def examples(params, stats, images, key):
            """Put drawn images in the place of the first real ones; return all, and the codes of those, one row each.

            Everything is drawn, so that the batch stays divided among devices as it is.
            """
            g, of_code, of_noise = part("G", params, stats), *jax.random.split(key)
            if not drawn_share:
                return images, None
            known = g.to(g.sample(of_code, drawn_share), self.space)
            made = jnp.clip(g(known, noise="random", key=of_noise), -1, 1)
            both = jnp.concatenate([made, images[drawn_share:]])
            return jax.lax.stop_gradient(both), jax.lax.stop_gradient(rows(known.value))

        def objective(params, stats) -> Objective:
            network = lambda name: part(name, params, stats)
            close = losses.lpips(network("lpips")) if self.lpips else losses.perceptual()
            total = self.pixel * losses.pixel() + self.perceptual * close
            return total + self.identity * losses.identity(network("embed")) if self.embed else total

        def e_move(params, stats, batch, key):
            of_examples, of_noise = jax.random.split(key)
            g, network = part("G", params, stats), part("E", params, stats)
            images, known = examples(params, stats, batch["image"], of_examples)
            judge = objective(params, stats)
            target, looks = judge.prepare(images), 1
            if self.paper == restyle.NAME:
                looks, code = self.iterations, restyle.start(network, len(images))
                drawn = g(code, noise="random", key=jax.random.fold_in(of_noise, looks))
            total, metrics = 0.0, {}
            for look in range(looks):
                if self.paper == restyle.NAME:
                    before = jax.lax.stop_gradient(code.value) - network.buffers["w_mean"]
                    value, buffers = network.in_training(images, jax.lax.stop_gradient(drawn))
                    code = Code(before + value, self.space)
                else:
                    value, buffers = network.in_training(images)
                    code = Code(value, self.space)
                network = network.replace(buffers=buffers)
                drawn = g(code, noise="random", key=jax.random.fold_in(of_noise, look))
                loss, terms = judge(drawn, target, code, g)
                more = self.on_codes(code.value, known, network, inverse)
                if self.latent:
                    more["latent"] = (self.latent, on_rows(part("D_w", params, stats), code.value, network))
                if self.adversarial:
                    more["adversarial"] = (self.adversarial, nonsaturating_g(part("D", params, stats)(drawn)).mean())
                total += loss.mean() + sum(weight * value for weight, value in more.values())
                metrics = {name: value.mean() for name, value in terms.items()}  # of the last look
                metrics |= {name: value for name, (_, value) in more.items()}
            stats = kept(stats, "E", network.buffers)
            last = {"codes": code.value} if self.latent else {}
            last |= {"images": drawn} if self.adversarial else {}
            stats = jax.lax.stop_gradient({**stats, **last})
            return total, ({"loss": total, **metrics}, stats)

        def d_w_move(params, stats, batch, key):
            of_row, of_sample, of_fakes, of_reals = jax.random.split(key, 4)
            g, judge = part("G", params, stats), part("D_w", params, stats)
            codes = stats["codes"]
            n = len(codes)
            picked = codes[jnp.arange(n), jax.random.randint(of_row, (n,), 0, codes.shape[1])]
            fakes, fake_pool = pool.exchange(stats["pool"]["fake"], picked, of_fakes)
            reals = g.to(g.sample(of_sample, n), "w").value
            reals, real_pool = pool.exchange(stats["pool"]["real"], reals, of_reals)
            real, fake = judge(reals), judge(fakes)
            loss = nonsaturating_d(real, fake).mean()
            stats = {**stats, "pool": {"fake": fake_pool, "real": real_pool}}
            return loss, ({"loss": loss, "real": real.mean(), "fake": fake.mean()}, stats)

        def d_w_r1(params, stats, batch, key):
            reals = stats["pool"]["real"]["items"]
            penalty = r1(part("D_w", params, stats), reals[: len(stats["codes"])]).mean()
            return penalty * self.r1.gamma / 2 * self.r1.every, ({"penalty": penalty}, stats)

        def d_move(params, stats, batch, key):
            judge = part("D", params, stats)
            real, fake = judge(batch["image"]), judge(stats["images"])
            loss = nonsaturating_d(real, fake).mean()
            return loss, ({"loss": loss, "real": real.mean(), "fake": fake.mean()}, stats)

        def d_r1(params, stats, batch, key):
            penalty = r1(part("D", params, stats), batch["image"]).mean()
            return penalty * self.r1.gamma / 2 * self.r1.every, ({"penalty": penalty}, stats)

        def begin(stats, batch, images):
            own = stats["buffers"]["E"]
            if "stage" in own:
                done = (images - 1000 * self.progress.start) / (1000 * self.progress.every)
                stage = jnp.where(self.progress.start == 0, last, jnp.clip(jnp.floor(done) + 1, 0, last))
                stats = kept(stats, "E", {**own, "stage": stage.astype(jnp.float32)})
            rate = cosine(1.0, 0.05, self.decay_kimg)(images) if self.decay_kimg else None
            return Opening(stats, batch, rate=rate)

        def show(parts, images):
            return reconstructed(parts["E"], parts["G"], images, self.space, self.iterations)

        own = ranger(adam.lr) if self.optimizer == "ranger" else optax.adam(adam.lr, adam.b1, adam.b2, adam.eps)
        players, moves, stats = {"E": Player(("E",), own)}, [Move("E", "E", e_move)], {}
        if self.latent:
            players["D_w"] = Player(("D_w",), lazy_adam(Adam(self.latent_lr, 0.9, 0.999), self.r1.every))
            moves += [Move("D_w", "D_w", d_w_move)]
            moves += [Move("D_w_r1", "D_w", d_w_r1, self.r1.every)] * bool(self.r1.gamma)
            shape = g.arch.shape("w")
            stats |= {"codes": jnp.zeros((batch, *g.arch.shape("w+")))}
            stats |= {"pool": {name: pool.opening(POOL, shape) for name in ("fake", "real")}}
        if self.adversarial:
            players["D"] = Player(("D",), lazy_adam(adam, self.r1.every))
            moves += [Move("D", "D", d_move)]
            moves += [Move("D_r1", "D", d_r1, self.r1.every)] * bool(self.r1.gamma)
            stats |= {"images": jnp.zeros((batch, self.resolution, self.resolution, self.channels))}
        made = game(
            makers,
            players,
            moves,
            ema=half_life(ema),
            averaged=("E",),
            averaged_buffers=True,
            stats=stats,
            begin=begin,
        )
        return made._replace(result="E", show=show)

    def fitting(self, given: Mapping[str, Any]) -> Generator:
        """Return the generator, or raise ValueError if it is missing or not the one that the recipe describes."""
        missing = [name for name in self.frozen if name not in given]
        if missing:
            words = ", ".join(f"{name} ({self.frozen[name]})" for name in missing)
            raise ValueError(f"This game needs ready-made networks: {words}. Use recipe.trainer(load).")
        g = fitting(given["G"], self.generator, self.resolution, self.channels)
        if self.latent and self.space != "w+":
            raise ValueError(f"latent judges rows of w+; {self.paper} names codes of {self.space!r}. Set it to 0.")
        return g

    def on_codes(self, value, known, network: Network, inverse) -> dict[str, tuple[float, Any]]:
        """Return the losses on codes that count, {name: (weight, value)}."""
        found = {}
        if self.code and known is not None:
            away = (rows(value)[: len(known)] - known) * inverse
            found["code"] = (self.code, jnp.square(away).mean())
        if self.norm:
            found["norm"] = (self.norm, length(rows(value) - rows(network.buffers["w_mean"][None])).mean())
        if self.delta:
            found["delta"] = (self.delta, length(value[:, 1:] - value[:, :1]).sum(1).mean())
        return found

    def judge_of_codes(self, g: Generator):
        """Return what draws the judge of rows."""
        config = {"w_dim": g.arch.shape("w")[0]}
        module, described = e4e.discriminator(**config), tuple(config.items())
        images = [jnp.zeros(shape) for shape in module.inputs()]
        return lambda key: initialise(module, key, *images, name="e4e.discriminator", config=described)

    def judge_of_images(self, g: Generator):
        """Return what draws the judge of images."""
        config: dict[str, Any] = dict(resolution=self.resolution, channels=self.channels)
        config |= dict(channel_base=self.d_channel_base, channel_max=self.d_channel_max, mbstd_group=1)
        module, described = stylegan2.discriminator(**config), tuple(sorted(config.items()))
        images = jnp.zeros((1, self.resolution, self.resolution, self.channels))
        return lambda key: initialise(module, key, images, name="stylegan2.discriminator", config=described)


MEANS = ("w_mean", "s_mean")  # buffers of encoders that hold where codes begin


def held_mean(g: Generator, mean):
    """Return the mean of w that the generator carries, or else the population's, given as [L, D]."""
    own = w_mean(g)
    return mean[0] if own is None else own


def length(x):
    """Return the norm over the last axis; its gradient at 0 is 0."""
    return jnp.sqrt(jnp.square(x).sum(-1) + 1e-12)


def on_rows(judge: Network, codes, network: Network):
    """Return the mean of softplus(-D(row)) over all rows that the encoder has been given so far."""
    n, count, width = codes.shape
    each = nonsaturating_g(judge(codes.reshape(-1, width))).reshape(n, count)  # [N, L]
    stage = network.buffers.get("stage", jnp.float32(count - 1))
    active = (jnp.arange(count) < stage + 0.5).astype(each.dtype)
    return (each * active).sum(1).mean() / active.sum()


def reconstructed(encoder: Network, g: Generator, images, space: str = "w+", iterations: int = 5):
    """Return what the generator draws of the codes that an encoder names."""
    if encoder.name != f"{restyle.NAME}.encoder":
        return g(Code(encoder(images), space))
    code = restyle.start(encoder, len(images))
    for _ in range(iterations):
        code = restyle.step(encoder, g, code, images)
    return g(code)
