"""A game small enough to play thousands of steps in a test: a linear generator and a linear discriminator.

Every random draw belongs to a sample, not to a place in the batch (the batch carries each sample's number), so that
the step means the same on one device, on eight, and on a share of the batch under `jax.pmap`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxgan.core import Arch, Stage
from jaxgan.core.network import initialise
from jaxgan.training.checkpoint import paths
from jaxgan.training.ema import Ema, half_life
from jaxgan.training.game import Move, Player, Trainer, game
from jaxgan.training.growth import Phase
from jaxgan.training.loop import run
from jaxgan.training.settings import Adam
from jaxgan.training.shelf import Files

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


@dataclass(frozen=True)
class ToyRecipe:
    """A recipe of the toy game with the fields that the loop reads. `slow` and `broken_at` only concern the batches."""

    data: str = "squares"
    batch: int = 16
    kimg: float = 0.32
    seed: int = 0
    adam: Adam = field(default_factory=lambda: Adam(lr=1e-2))
    width: int = 8
    tick_kimg: float = 0.064
    checkpoint_kimg: float = 0.08
    keep: int = 2
    workers: int = 0
    slow: float = 0.0
    broken_at: int | None = None

    @property
    def steps(self) -> int:
        return round(self.kimg * 1000 / self.batch)

    def seen(self, step: int) -> float:
        return step * self.batch / 1000

    @property
    def phases(self) -> tuple[Phase, ...]:
        return (Phase(SIDE, self.batch),)

    def phase(self, step: int) -> Phase:
        return self.phases[0]

    def source(self) -> SimpleNamespace:
        return SimpleNamespace(fingerprint=self.data)

    def trainer(self, load=None) -> Trainer:
        return toy_game(self.adam.lr, self.width)

    def reals(self, batch: int) -> Iterator[dict[str, np.ndarray]]:
        return self.batches()

    def batches(self, start: int = 0) -> Iterator[dict[str, np.ndarray]]:
        step = start
        while True:
            time.sleep(self.slow)
            batch = toy_batch(step, self.batch, self.seed)
            if step == self.broken_at:
                batch["image"][0, 0, 0, 0] = np.nan
            mine = slice(jax.process_index(), None, jax.process_count())
            yield {name: rows[mine] for name, rows in batch.items()}
            step += 1


def save(model, path) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with Path(path).open("wb") as file:
        np.savez(file, **paths((model.params, model.buffers)))


def load(path, part=None):
    raise ValueError(f"{path} has no part {part}")


def save_grid(path, images, columns) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    np.save(Path(path).with_suffix(".npy"), images)


FILES = Files(save, load, save_grid)

if __name__ == "__main__":
    folder, kimg, slow, *world = sys.argv[1:]
    if world:  # port, number of processes, this one
        jax.config.update("jax_num_cpu_devices", 2)
        jax.distributed.initialize(f"127.0.0.1:{world[0]}", int(world[1]), int(world[2]))
    run(ToyRecipe(kimg=float(kimg), slow=float(slow)), folder, FILES, samples=4)
