"""BigGAN's game: shares of the batch, an average that starts late and covers buffers, orthogonal filters."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxgan.core.network import initialise
from jaxgan.losses.penalties import orthogonal
from jaxgan.nn.normalize import BatchNorm
from jaxgan.training.biggan import BigGAN
from jaxgan.training.ema import Ema, half_life
from jaxgan.training.game import Move, Player, game
from jaxgan.training.settings import Adam
from tests.tolerances import OP


def test_each_discriminator_move_sees_its_own_share_of_the_batch():
    model = BigGAN(8, width=2, shared_dim=4, z_dim=6, initial="normal")
    trainer = model.trainer(batch=8, adam=Adam(), ema=Ema())
    state = jax.jit(trainer.init)(jax.random.key(0))
    step = jax.jit(trainer.step, static_argnames="active")
    assert [m.name for m in trainer.moves] == ["D1", "D2", "G"]
    images = jnp.zeros((8, 8, 8, 3)).at[1::2].set(jnp.nan)
    metrics = step(state, {"image": images}, active=("D1",))[1] | step(state, {"image": images}, active=("D2",))[1]
    assert np.isfinite(metrics["D1/loss"]) and np.isnan(metrics["D2/real"])


def test_shares_and_groups_must_divide():
    with pytest.raises(ValueError, match="9 is not divisible by the 2 moves"):
        BigGAN(8).trainer(batch=9, adam=Adam(), ema=Ema())
    with pytest.raises(ValueError, match="move's 4 images are not divisible by 3 groups"):
        BigGAN(8, groups=3).trainer(batch=8, adam=Adam(), ema=Ema())


def test_every_part_of_a_model_stays_in_its_smoke():
    model = BigGAN(deep=True, d_steps=4, attention=None).smoke()
    arch = model.arch(classes=3)
    assert arch.resolution == 16 and any(t.startswith("a") for t in arch.taps)
    assert "attention1" in jax.eval_shape(lambda key: model.discriminator(key, 3), jax.random.key(0)).params


def test_averages_cover_running_statistics_and_start_late(close):
    x = jax.random.normal(jax.random.key(0), (4, 3))

    def loss(params, stats, batch, key):
        bn = network.replace(params=params["G"], buffers=stats["buffers"]["G"])
        y, buffers = bn.in_training(batch["image"])
        return jnp.square(y).sum(), ({}, {**stats, "buffers": {"G": buffers}})

    make = lambda key: initialise(BatchNorm(momentum=1.0), key, x)
    network = make(jax.random.key(1))
    # A half-life of one batch; the first two batches are before the start.
    ema = half_life(Ema(kimg=0.004, ramp=None, start=0.008))
    player = Player(("G",), optax.sgd(0.1))
    trainer = game({"G": make}, {"G": player}, [Move("G", "G", loss)], ema=ema, averaged_buffers=True)
    state, means = trainer.init(jax.random.key(2)), []
    for n in range(4):
        state, _ = trainer.step(state, {"image": x + n})
        means.append(np.asarray(trainer.network(state, "G", ema=True).buffers["mean"]))
        close(trainer.network(state, "G").buffers["mean"], x.mean(0) + n, OP)
    base = np.asarray(x.mean(0))
    for mean, n in zip(means, (0, 1, 1.5, 2.25), strict=True):
        close(mean, base + n, OP)


def test_the_orthogonal_penalty_of_wide_layers_is_that_of_narrow_ones(close):
    for shape in ((3, 8), (8, 3)):
        weight = jax.random.normal(jax.random.key(3), shape)
        gram = weight.T @ weight
        off = gram * (1 - jnp.eye(shape[1]))
        close(orthogonal({"w": weight}), jnp.sum(jnp.square(off)) / 2, 10 * OP)
        close(jax.grad(orthogonal)({"w": weight})["w"], 2 * weight @ off, 10 * OP)
