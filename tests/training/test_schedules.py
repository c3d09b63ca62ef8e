"""Values by images seen, and the game that lives by them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.training.ada import Ada
from jaxgan.training.eigengan import EigenGAN
from jaxgan.training.ema import Ema
from jaxgan.training.r3gan import R3GAN, Decay
from jaxgan.training.schedules import cosine
from jaxgan.training.settings import Adam
from tests.tolerances import OP

SMALL = R3GAN(resolution=8, channels=1, z_dim=4, widths=(4, 4), blocks=1, group=4, decay=Decay(kimg=0.08))
ADAM = Adam(lr=2e-4, b1=0.0, b2=0.9)


def test_a_cosine_leads_from_one_value_to_the_other_and_stays(close):
    value = cosine(8.0, 2.0, kimg=10)
    close(jnp.stack([value(n) for n in (0, 5_000, 10_000, 99_000)]), np.array([8.0, 5.0, 2.0, 2.0]), OP)
    assert 8 - value(1000) < value(1000) - value(2000)  # slow at first


def test_r3gans_schedules_follow_the_images_seen(close):
    t = SMALL.trainer(batch=16, adam=ADAM, ema=Ema(kimg=1))
    state, step = t.init(jax.random.key(0)), jax.jit(t.step)
    batch = {"image": jax.random.normal(jax.random.key(1), (16, 8, 8, 1))}
    for n in range(7):
        seen = 16 * n
        state, metrics = step(state, batch)
        for player in ("D", "G"):
            now = state.opt[player].hyperparams
            close(1e4 * now["learning_rate"], 1e4 * cosine(2e-4, 5e-5, 0.08)(seen), OP, f"{player} lr at {seen}")
            close(now["b2"], cosine(0.9, 0.99, 0.08)(seen), OP, f"{player} b2 at {seen}")
        close(metrics["schedule/gamma"], cosine(2.0, 0.2, 0.08)(seen + 16), OP)
        assert int(state.stats["images"]) == int(state.images) == seen + 16
        same = all(map(np.array_equal, *map(jax.tree.leaves, (state.ema["G"], state.params["G"]))))
        assert same == (n == 0)  # the half-life starts at 0


def test_r3gans_augmentation_grows_on_its_schedule(close):
    from dataclasses import replace

    t = replace(SMALL, augment=0.4).trainer(batch=16, adam=ADAM, ema=Ema(kimg=1))
    stats = t.init(jax.random.key(0)).stats
    assert float(stats["ada"]["p"]) == 0
    with pytest.raises(ValueError, match=r"augment=0\.4 is scheduled.*choose one"):
        replace(SMALL, augment=0.4).trainer(batch=16, adam=ADAM, ema=Ema(), ada=Ada())


def test_eigengan_takes_no_labels():
    with pytest.raises(ValueError, match="takes no labels"):
        EigenGAN().smoke().trainer(batch=8, adam=Adam(), ema=Ema(), classes=3)
