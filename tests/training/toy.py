"""A game small enough to play thousands of steps in a test: a linear generator and a linear discriminator.

Every random draw belongs to a sample, not to a place in the batch (the batch carries each sample's number), so that
the step means the same on one device, on eight, and on a share of the batch under `jax.pmap`.
"""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxgan.core import Arch, Stage
from jaxgan.core.network import initialise
from jaxgan.training.ema import Ema, half_life
from jaxgan.training.game import Move, Player, Trainer, game

SIDE = 8


class Draw(nn.Module):
    """A linear map from z [N, 4] to images [N, 8, 8, 3]."""

    width: int = 8

    @nn.compact
    def __call__(self, z, context):
        hidden = jnp.tanh(nn.Dense(self.width, name="hidden")(z))
        return nn.Dense(SIDE * SIDE * 3, name="out")(hidden).reshape(-1, SIDE, SIDE, 3)


class Judge(nn.Module):
    """A linear score."""

    @nn.compact
    def __call__(self, images):
        return nn.Dense(1, name="out")(jnp.tanh(nn.Dense(8, name="hidden")(images.reshape(len(images), -1))))


def toy_arch(width: int = 8) -> Arch:
    return Arch(
        name="toy",
        config=(("width", width),),
        stages=(Stage("z", "x", Draw(width, name="draw")),),
        shapes=(("z", (4,)),),
        resolution=SIDE,
    )


def toy_game(lr: float = 1e-2, width: int = 8, before: optax.GradientTransformation | None = None) -> Trainer:
    """Non-saturating game with a lazy penalty. `before` transforms gradients ahead of Adam."""
    arch = toy_arch(width)
    optimizer = optax.chain(before or optax.identity(), optax.adam(lr))

    def fakes(params, stats, batch, key):
        z = jax.vmap(lambda i: jax.random.normal(jax.random.fold_in(key, i), (4,)))(batch["index"])
        return Draw(width).apply({"params": params["G"]["draw"]}, z, None)

    def score(params, images):
        return Judge().apply({"params": params["D"]}, images)

    def g(params, stats, batch, key):
        loss = jax.nn.softplus(-score(params, fakes(params, stats, batch, key))).mean()
        return loss, ({"loss": loss}, stats)

    def d(params, stats, batch, key):
        fake, real = score(params, fakes(params, stats, batch, key)), score(params, batch["image"])
        loss = jax.nn.softplus(fake).mean() + jax.nn.softplus(-real).mean()
        return loss, ({"loss": loss}, stats)

    def r1(params, stats, batch, key):
        slope = jax.grad(lambda x: score(params, x).sum())(batch["image"])
        penalty = jnp.square(slope).sum((1, 2, 3)).mean()
        return 0.1 * penalty, ({"penalty": penalty}, stats)

    return game(
        {"G": arch.init, "D": lambda key: initialise(Judge(), key, jnp.zeros((1, SIDE, SIDE, 3)), name="toy.judge")},
        {"G": Player(("G",), optimizer), "D": Player(("D",), optimizer)},
        [Move("G", "G", g), Move("D", "D", d), Move("D_r1", "D", r1, 4)],
        ema=half_life(Ema(0.1, None)),
    )


def toy_batch(step: int, batch: int = 16, seed: int = 0) -> dict[str, np.ndarray]:
    """Batch number `step`: bright squares on black."""
    draw = np.random.default_rng([seed, step])
    images = np.full((batch, SIDE, SIDE, 3), -1, np.float32)
    images[:, 2:6, 2:6] = draw.uniform(0, 1, (batch, 1, 1, 3))
    return {"image": images, "index": np.arange(step * batch, (step + 1) * batch, dtype=np.int32)}
