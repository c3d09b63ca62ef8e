"""Freeze-D keeps the highest resolutions of a discriminator and nothing else."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxgan.training.ema import Ema
from jaxgan.training.freeze import freeze, hold
from jaxgan.training.settings import R1, Adam
from jaxgan.training.stylegan2 import PathLength, StyleGAN2

PARAMS = {
    "D": {
        "judge": {f"b{r}": {"conv0": {"weight": jnp.ones(3)}} for r in (4, 8, 16)},
        "fromrgb16": {"bias": jnp.ones(2)},
        "fromrgb4": {"bias": jnp.ones(2)},
        "mapping": {"fc0": {"weight": jnp.ones(2)}},
    }
}


def moved(blocks, optimizer=None, steps=2):
    optimizer = freeze(optimizer or optax.adam(0.1), 16, blocks)
    params, state = PARAMS, optimizer.init(PARAMS)
    for _ in range(steps):
        updates, state = optimizer.update(jax.tree.map(jnp.ones_like, params), state, params)
        params = optax.apply_updates(params, updates)
    changed = jax.tree_util.tree_leaves_with_path(jax.tree.map(lambda a, b: bool(np.any(a != b)), params, PARAMS))
    return {"/".join(p.key for p in path[1:]) for path, change in changed if change}


ALL = {f"judge/b{r}/conv0/weight" for r in (4, 8, 16)} | {"fromrgb16/bias", "fromrgb4/bias", "mapping/fc0/weight"}


def test_so_many_of_the_highest_blocks_stay():
    assert moved(0) == ALL
    assert moved(1) == ALL - {"judge/b16/conv0/weight", "fromrgb16/bias"}
    assert moved(2) == {"judge/b4/conv0/weight", "fromrgb4/bias", "mapping/fc0/weight"}


def test_the_state_is_that_of_the_optimizer_and_old_momentum_moves_nothing():
    plain, frozen = optax.adam(0.1, b1=0.9), freeze(optax.adam(0.1, b1=0.9), 16, 2)
    state = plain.init(PARAMS)
    assert jax.tree.structure(state) == jax.tree.structure(frozen.init(PARAMS))
    ones = jax.tree.map(jnp.ones_like, PARAMS)
    _, state = plain.update(ones, state, PARAMS)
    updates, _ = frozen.update(ones, state, PARAMS)
    assert not np.any(updates["D"]["judge"]["b16"]["conv0"]["weight"])
    expected, _ = plain.update(ones, state, PARAMS)
    np.testing.assert_array_equal(updates["D"]["mapping"]["fc0"]["weight"], expected["D"]["mapping"]["fc0"]["weight"])


def test_more_blocks_than_there_are_is_an_error_in_one_line():
    with pytest.raises(ValueError, match="freeze_d is 3; at 16 pixels it is 0 to 2"):
        freeze(optax.adam(0.1), 16, 3)


@pytest.mark.slow
def test_a_run_keeps_its_frozen_blocks_and_trains_the_rest():
    sizes = dict(resolution=16, z_dim=8, w_dim=8, mapping_layers=1, channel_base=64, channel_max=8)
    game = StyleGAN2(**sizes, r1=R1(gamma=1.0, every=1), path_length=PathLength(weight=0), freeze_d=1)
    trainer = game.trainer(batch=4, adam=Adam(lr=0.01), ema=Ema(kimg=1))
    state, batch = trainer.init(jax.random.key(0)), {"image": jax.random.normal(jax.random.key(1), (4, 16, 16, 3))}
    after, _ = jax.jit(trainer.step, static_argnames="active")(state, batch, active=("D", "D_r1"))
    same = jax.tree.map(lambda a, b: bool(np.array_equal(a, b)), state.params["D"], after.params["D"])
    assert all(jax.tree.leaves(same["b16"])) and not any(jax.tree.leaves(same["b8"]))
    assert not all(jax.tree.leaves(same["b4"]))
    assert replace(game, freeze_d=2).smoke().freeze_d == 2


def test_held_stages_of_the_generator_stay_and_the_others_move():
    model = StyleGAN2(hold=("mapping", "style"), path_length=PathLength(weight=0), r1=R1(gamma=0)).smoke()
    trainer = model.trainer(batch=4, adam=Adam(), ema=Ema())
    state = trainer.init(jax.random.key(0))
    player = trainer.players["G"].optimizer
    own = {"G": state.params["G"]}
    updates, _ = player.update(jax.tree.map(jnp.ones_like, own), state.opt["G"], own)
    moves = {stage: [bool(np.any(x)) for x in jax.tree.leaves(tree)] for stage, tree in updates["G"].items()}
    assert not any(moves["mapping"] + moves["style"]) and all(moves["synthesis"])
    assert jax.tree.structure(player.init(own)) == jax.tree.structure(hold(optax.adam(1.0), ()).init(own))


def test_a_stage_that_is_not_there_cannot_be_held():
    with pytest.raises(ValueError, match="There is no stage 'mappin'"):
        StyleGAN2(hold=("mappin",)).smoke().trainer(batch=4, adam=Adam(), ema=Ema())
