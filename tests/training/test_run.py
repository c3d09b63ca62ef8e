"""StyleGAN2's own game through the loop, the devices and foreign weights; the toy game tests the rest."""

import io
from dataclasses import replace

import jax
import pytest

from jaxgan.io import load, save, save_grid
from jaxgan.training import Ada, Checkpoints, Files, Recipe, parallel, read_weights, run, transfer
from jaxgan.training.recipe import smoke
from jaxgan.training.settings import R1
from jaxgan.training.stylegan2 import StyleGAN2
from tests.tolerances import DEVICES
from tests.training.test_checkpoint import assert_identical

FILES = Files(save, load, save_grid)
SMOKE = smoke(Recipe("scenes", model=StyleGAN2(r1=R1(gamma=0.1, every=4)), ada=Ada(pipe="bgc", initial=0.3)))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return folder, run(SMOKE, folder, FILES, devices=jax.devices()[:1], samples=9, stream=io.StringIO())


@pytest.mark.slow  # as tests/training/test_loop.py holds of a toy and test_growth.py of a family that grows
def test_half_a_run_twice_is_a_whole_run_bit_for_bit(whole, tmp_path):
    _, outcome = whole
    options = {"devices": jax.devices()[:1], "samples": 9, "stream": io.StringIO()}
    assert run(replace(SMOKE, kimg=SMOKE.kimg / 2), tmp_path, FILES, **options).step == 4
    again = run(SMOKE, tmp_path, FILES, **options)
    assert again.step == outcome.step == 8
    assert_identical(again.state, outcome.state)
    assert float(outcome.state.stats["ada"]["p"]) != 0.3  # the strength moved, and came back with the rest


def test_the_files_of_a_run_hold_its_generator(whole):
    folder, outcome = whole
    for name in ("generator", "latest"):
        g = load(folder / f"{name}.safetensors")
        assert_identical((g.params, g.buffers), (outcome.generator.params, outcome.generator.buffers))
    d = load(folder / "discriminator.safetensors", part="D")
    assert_identical(d.params, outcome.state.params["D"])
    assert {p.name for p in (folder / "samples").iterdir()} == {f"kimg_000000.0{k}.png" for k in (32, 64)}
    assert (folder / "reals.png").stat().st_size > 1000


def test_a_run_and_its_files_can_be_started_from(whole):
    folder, outcome = whole
    fresh = jax.jit(SMOKE.trainer().init)(jax.random.key(99))
    state, left, taken = transfer(fresh, read_weights(folder, load))
    assert left == () and taken == len(jax.tree.leaves((fresh.params, fresh.ema, fresh.stats["buffers"])))
    assert_identical((state.params, state.ema), (outcome.state.params, outcome.state.ema))
    assert_identical(state.stats["buffers"], outcome.state.stats["buffers"])
    assert int(state.step) == 0
    assert_identical(state.opt, fresh.opt)

    state, left, _ = transfer(fresh, read_weights(folder / "generator.safetensors", load))
    assert_identical(state.params["G"], outcome.state.ema["G"])
    assert left and all(name.startswith("params.D.") and name.endswith("(not there)") for name in left)


def test_nvidias_pickle_can_be_started_from(golden):
    path = golden("stylegan2_uncond64.pkl")
    model = StyleGAN2(resolution=64, z_dim=48, w_dim=64, mapping_layers=2, channel_base=512, channel_max=48)
    recipe, weights = Recipe("scenes", model=model, batch=4), read_weights(path, load)
    state, left, _ = transfer(jax.eval_shape(recipe.trainer().init, jax.random.key(0)), weights)
    assert left == ()
    assert_identical(state.params["G"], load(path, part="G").params)
    assert_identical(state.ema["G"], load(path, part="G_ema").params)
    assert_identical(state.params["D"], load(path, part="D").params)

    wider = replace(recipe, model=replace(model, channel_max=64))
    _, left, taken = transfer(jax.eval_shape(wider.trainer().init, jax.random.key(0)), weights)
    assert taken > 20 and any("there," in name for name in left)


def test_eight_devices_augment_as_one_does(close):
    # Of the moves only one that augments what is drawn and what is real: for all of them see tests/conformance.
    trainer, batch = SMOKE.trainer(), next(SMOKE.batches())
    results = []
    for devices in (jax.devices()[:1], jax.devices()):
        state = jax.jit(trainer.init)(jax.random.key(2))
        state, metrics = parallel(trainer.step, devices)(state, batch, active=("D",))
        results.append((state.params, state.ema, state.stats, metrics))
    for (path, one), many in zip(
        jax.tree_util.tree_leaves_with_path(results[0]), jax.tree.leaves(results[1]), strict=True
    ):
        close(many, one, 100 * DEVICES, jax.tree_util.keystr(path))


def test_checkpoints_tell_what_made_them(whole):
    folder, _ = whole
    with Checkpoints(folder / "checkpoints", read_only=True) as kept:
        meta = kept.meta()
    assert meta["recipe"]["model"]["kind"] == "StyleGAN2" and meta["step"] == 8
    assert meta["data"] == SMOKE.source().fingerprint
