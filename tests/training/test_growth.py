"""Runs that grow: the schedule, what fades, and that a stopped run goes on as if it had not been."""

import io
import math
from dataclasses import replace
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.io import load, save, save_grid
from jaxgan.ops.resample import enlarge
from jaxgan.ops.similarity import halve
from jaxgan.training import PGGAN, Adam, Ema, Files, Growth, Recipe, StyleGAN1, run
from jaxgan.training.growth import Phase, beginning, opening_stats
from jaxgan.training.recipe import from_json, smoke, to_json
from tests.tolerances import OP
from tests.training.test_checkpoint import assert_identical

FILES = Files(save, load, save_grid)
PUBLISHED = Growth(first=8, batches=((8, 256), (16, 128), (32, 64), (64, 32)), lrs=((128, 0.0015), (256, 0.002)))
# Steps 0-1 at 8 pixels, 2-5 while 16 are faded in, 6-9 when they are there.
TINY = Growth(first=8, stable_kimg=0.016, fade_kimg=0.016, batches=((16, 4),), lrs=((16, 2e-3),))


def recipe(model, growth=TINY):
    small = smoke(Recipe("scenes", model=model))
    return replace(small, model=replace(small.model, growth=growth), batch=8, kimg=0.048, adam=Adam(lr=1e-3))


def published_lod(images, resolution, growth):
    """The level of detail by the formula of the published training loop."""
    length = growth.stable_kimg + growth.fade_kimg
    index, inside = divmod(images / 1000, length)
    lod = math.log2(resolution / growth.first) - index - max(inside - growth.stable_kimg, 0) / growth.fade_kimg
    return max(lod, 0.0)


def test_the_schedule_is_the_published_one():
    for images in range(0, 9_000_000, 70_001):
        lod = published_lod(images, 256, PUBLISHED)
        side = 256 >> math.floor(lod)
        assert float(PUBLISHED.fade(256, side, images)) == pytest.approx(lod - math.floor(lod), abs=1e-4)
        phase = [p for p in PUBLISHED.phases(256, 32) if p.image <= images][-1]
        assert phase.resolution == side and phase.batch == dict(PUBLISHED.batches).get(side, 32)


def test_phases_begin_at_whole_steps_one_behind_the_other():
    phases = PUBLISHED.phases(256, 32)
    assert phases[0] == Phase(8, 256, 0, 0) and [p.resolution for p in phases] == [8, 16, 32, 64, 128, 256]
    for one, other in pairwise(phases):
        assert other.image == one.image + (other.step - one.step) * one.batch
        assert 0 <= other.image - PUBLISHED.starts(256)[other.resolution] < one.batch
    assert Growth(first=16).phases(16, 32) == (Phase(16, 32, 0, 0),)


@pytest.mark.parametrize(
    ("growth", "said"),
    [
        (Growth(first=12), r"growth\.first is 12, needed is a power of two from 4 to the resolution 16\."),
        (Growth(first=32), r"growth\.first is 32"),
        (Growth(stable_kimg=-1), "both must be 0 or more"),
        (Growth(batches=((12, 4),)), r"growth\.batches has \(12, 4\)"),
        (Growth(lrs=((8, 0.0),)), r"growth\.lrs has \(8, 0\.0\)"),
    ],
)
def test_an_impossible_schedule_is_refused_in_one_line(growth, said):
    with pytest.raises(ValueError, match=said):
        growth.phases(16, 8)


def test_a_batch_that_the_groups_do_not_divide_is_refused_before_the_run():
    with pytest.raises(ValueError, match=r"At 16 pixels the batch 6 is not divisible by the minibatch-stddev group 4"):
        recipe(PGGAN(), replace(TINY, batches=((16, 6),))).trainer()


def test_a_recipe_counts_images_through_its_phases():
    tiny = recipe(PGGAN())
    assert tiny.phases == (Phase(8, 8, 0, 0), Phase(16, 4, 2, 16))
    assert tiny.steps == 10 and [tiny.seen(s) for s in (0, 1, 2, 3, 10)] == [0, 0.008, 0.016, 0.02, 0.048]
    assert from_json(to_json(tiny)) == tiny


def test_batches_walk_through_one_list_at_the_resolution_of_their_phase():
    tiny = recipe(PGGAN())
    stream = tiny.batches()
    found = [next(stream)["image"] for _ in range(5)]
    assert [image.shape for image in found] == [(8, 8, 8, 3)] * 2 + [(4, 16, 16, 3)] * 3
    reals = next(tiny.reals(28))["image"]
    assert np.array_equal(np.concatenate(found[2:]), reals[16:])
    assert np.abs(np.concatenate(found[:2]) - halve(jnp.asarray(reals[:16]))).max() < 0.5 / 127.5 + OP
    again = tiny.batches(start=3)
    assert np.array_equal(next(again)["image"], found[3]) and np.array_equal(next(again)["image"], found[4])


def test_real_images_fade_as_networks_do_and_optimizers_are_renewed(close):
    begin = beginning(TINY, 16, Adam(lr=1e-3))
    stats = {"buffers": {"G": {"s": {"fade": jnp.zeros(())}}, "D": {"fade": jnp.zeros(())}}}
    stats |= opening_stats(TINY, 16)
    images = jax.random.normal(jax.random.key(0), (4, 16, 16, 3))
    renewed = []
    for seen in (0, 8, 16, 20, 24, 28, 32, 36):
        batch = {"image": images if seen >= 16 else halve(images)}
        stats, after, fresh, rate = begin(stats, batch, jnp.int32(seen))
        renewed.append(bool(fresh))
        fade = {16: 1.0, 20: 0.75, 24: 0.5, 28: 0.25}.get(seen, 0.0)
        x = batch["image"]
        close(after["image"], x + fade * (enlarge(halve(x)) - x), OP, f"{seen} images")
        assert float(stats["buffers"]["G"]["s"]["fade"]) == float(stats["buffers"]["D"]["fade"]) == fade
        assert rate == (2.0 if seen >= 16 else 1.0) and int(stats["growth"]["lod"]) == (seen < 16)
    assert renewed == [False, False, True, False, False, False, True, False]


def test_a_resolutions_step_size_scales_its_updates(close):
    model = recipe(PGGAN()).model
    images = {"image": 0.5 * jax.random.normal(jax.random.key(0), (4, 16, 16, 3))}
    moved = []
    for growth in (TINY, replace(TINY, lrs=())):
        trainer = replace(model, growth=growth).trainer(batch=8, adam=Adam(lr=1e-3), ema=Ema())
        state = jax.jit(trainer.init)(jax.random.key(0))
        after, _ = jax.jit(trainer.step, static_argnames="active")(state, images, active=("D",))
        moved.append(jax.tree.map(lambda a, b: a - b, after.params["D"], state.params["D"]))
    for a, b in zip(*map(jax.tree.leaves, moved), strict=True):
        close(a, 2 * b, OP)
    assert any(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(moved))


# Both grow by the same code: the other one's run is left to the slow tests.
@pytest.mark.parametrize(
    "model", [PGGAN(), pytest.param(StyleGAN1(), marks=pytest.mark.slow)], ids=["PGGAN", "StyleGAN1"]
)
def test_a_growing_run_that_was_stopped_in_a_fade_arrives_at_the_same_bits(model, tmp_path):
    whole, options = recipe(model), {"devices": jax.devices()[:1], "samples": 4}
    one = run(whole, tmp_path / "one", FILES, **options, stream=io.StringIO())
    for kimg, step, lod in ((0.016, 2, 1), (0.024, 4, 0)):
        part = run(replace(whole, kimg=kimg), tmp_path / "two", FILES, **options, stream=io.StringIO())
        assert part.step == step and dict(part.generator.arch.config)["lod"] == lod
        g = load(tmp_path / "two" / "latest.safetensors")
        images = np.asarray(g(g.sample(jax.random.key(1), 2)))
        assert images.shape == (2, 16, 16, 3) and dict(g.arch.config)["lod"] == lod
        cells = np.asarray(enlarge(halve(jnp.asarray(images))))
        assert (np.abs(images - cells).max() < OP) == (lod == 1)
    stream = io.StringIO()
    two = run(whole, tmp_path / "two", FILES, **options, stream=stream)
    assert "continuing at step 4 (kimg 0.024)" in stream.getvalue()
    assert one.step == two.step == 10
    assert_identical(one.state, two.state)
    assert float(one.state.stats["growth"]["fade"]) == 0 and int(one.state.stats["growth"]["stage"]) == 3
    assert all(int(opt[0].count) == 4 for opt in one.state.opt.values())  # renewed at step 6
    d = load(tmp_path / "two" / "discriminator.safetensors", part="D")
    assert_identical(d.params, two.state.params["D"])
