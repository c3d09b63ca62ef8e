"""The game of encoders: who learns, what stays, and the run that keeps the encoder."""

import io
from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxgan as jg
from jaxgan.io import load, save, save_grid
from jaxgan.training import Adam, Ema, Encoder, Files, Recipe, Stages, parallel, run
from jaxgan.training.pool import exchange, opening
from jaxgan.training.ranger import centred, lookahead
from jaxgan.training.recipe import from_json, to_json
from tests.planted import style
from tests.tolerances import DEVICES, NETWORK, OP
from tests.training.test_checkpoint import assert_identical

BATCH = 8
GREY = 0.01  # less than a step of 256 greys
TINY = dict(resolution=8, widths=(2, 3, 4), units=(1, 1, 1), generated=0.5, d_channel_base=16, d_channel_max=4)
E4E = Encoder(generator="planted", paper="e4e", delta=0.01, latent=0.1, code=0.1, progress=Stages(0.016, 0.008), **TINY)
GAMES = {
    "e4e": E4E,
    "psp": Encoder(generator="planted", norm=0.01, code=1.0, decay_kimg=1.0, **TINY),
    "restyle": Encoder(generator="planted", paper="restyle", iterations=2, optimizer="adam", **TINY),
    "idinvert": Encoder(generator="planted", paper="idinvert", adversarial=0.1, **TINY),
}


@cache
def generator():
    return style(0, resolution=8, channel_base=64, channel_max=8)


def planted(word):
    assert word == "planted"
    return generator()


@cache
def made(name):
    t = GAMES[name].trainer(batch=BATCH, adam=Adam(lr=0.003), ema=Ema(kimg=0.1), frozen={"G": generator()})
    return t, jax.jit(t.init)(jax.random.key(0)), jax.jit(t.step, static_argnames="active")


@cache
def batch():
    g = generator()
    return {"image": jnp.clip(g(g.sample(jax.random.key(1), BATCH)), -1, 1)}


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


SLOW = pytest.mark.slow
every = pytest.mark.parametrize("name", ["e4e", *(pytest.param(n, marks=SLOW) for n in GAMES if n != "e4e")])


@pytest.mark.slow
@every
def test_each_player_moves_its_own_network_and_the_generator_stays(name):
    t, state, step = made(name)
    after, metrics = step(state, batch(), active=t.active(0))
    changed = {part for part in state.params if not same(state.params[part], after.params[part])}
    assert changed == {"E", "D_w"} & set(t.parts) | {"E", "D"} & set(t.parts)
    assert same(state.params["G"], generator().params) and same(after.params["G"], generator().params)
    assert set(after.ema) == {"E"} and t.model(after).name == f"{GAMES[name].paper}.encoder"
    assert all(np.isfinite(value) for value in metrics.values())
    assert not same(state.stats["buffers"]["E"], after.stats["buffers"]["E"])
    means = {part: held for part, held in after.stats["buffers"]["E"].items() if part == "w_mean"}
    assert all(
        same(held, jnp.broadcast_to(jg.latents.spaces.w_mean(generator()), held.shape)) for held in means.values()
    )


def test_rows_get_their_differences_one_after_the_other_and_the_first_ones_cost_nothing():
    _, state, step = made("e4e")
    stages, costs = [], []
    for images in (0, 15, 16, 24, 32, 40):
        after, metrics = step(state.replace(images=jnp.int32(images)), batch(), active=("E",))
        stages.append(float(after.stats["buffers"]["E"]["stage"]))
        costs.append(float(metrics["E/delta"]))
    assert stages == [0, 0, 1, 2, 3, 3]
    assert max(costs[:2]) < 1e-5 < min(costs[2:]) and costs[2] < costs[3] < costs[4]


def test_the_encoder_learns_what_the_generator_draws():
    _, state, step = made("e4e")
    losses = []
    for _ in range(60):
        # The step's number chooses what is drawn: the same images each time.
        state, metrics = step(state.replace(step=jnp.int32(0), images=jnp.int32(100)), batch(), active=("E",))
        losses.append(float(metrics["E/loss"]))
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.slow
def test_eight_devices_give_the_numbers_of_one(close):
    t, state, _ = made("e4e")
    results = []
    for devices in (1, 8):
        step = parallel(t.step, jax.devices()[:devices])
        after, metrics = step(jax.tree.map(jnp.copy, state), batch(), active=t.active(0))
        results.append((jax.device_get(metrics), jax.device_get(after.stats["buffers"])))
    for (name, a), b in zip(results[0][0].items(), results[1][0].values(), strict=True):
        close(b, a, 10 * DEVICES, name)
    for a, b in zip(*(jax.tree.leaves(r[1]) for r in results), strict=True):
        close(b, a, 100 * DEVICES, "buffers")


@pytest.mark.slow
def test_restyle_learns_from_every_look_by_itself(close):
    """The gradient is the sum of those of each look, with what it starts from held fixed."""
    state, images, key, g = made("restyle")[1], batch(), jax.random.key(0), generator()
    game = replace(GAMES["restyle"], generated=0.0)
    t = game.trainer(batch=BATCH, adam=Adam(), ema=Ema(), frozen={"G": g})
    whole = lambda own: t.moves[0].loss({**state.params, "E": own}, state.stats, images, key)
    found = jax.jit(jax.grad(whole, has_aux=True))(state.params["E"])[0]
    objective, noise = jg.losses.pixel() + 0.8 * jg.losses.perceptual(), jax.random.split(key)[1]

    def look(own, buffers, before, drawn, index):
        network = t.parts["E"].replace(params=own, buffers=buffers)
        value, buffers = network.in_training(images["image"], drawn)
        code = jg.Code(before + value - buffers["w_mean"], "w+")
        drawn = g(code, noise="random", key=jax.random.fold_in(noise, index))
        return objective(drawn, images["image"], code, g)[0].mean(), (buffers, code.value, drawn)

    buffers = state.stats["buffers"]["E"]
    code = jnp.broadcast_to(buffers["w_mean"], (BATCH, *buffers["w_mean"].shape))
    held = (buffers, code, g(jg.Code(code, "w+"), noise="random", key=jax.random.fold_in(noise, 2)))
    slope, total = jax.jit(jax.grad(look, has_aux=True)), jax.tree.map(jnp.zeros_like, found)
    for index in range(2):
        own, held = slope(state.params["E"], *held, index)
        total = jax.tree.map(jnp.add, total, own)
    largest = max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(total))
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(total), strict=True):
        close(a / largest, b / largest, NETWORK)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    recipe = Recipe("scenes:8", model=GAMES["psp"], batch=BATCH, kimg=0.048, tick_kimg=0.024, checkpoint_kimg=0.024)
    files = Files(save, load, save_grid, planted)
    options = dict(devices=jax.devices()[:1], samples=16, stream=io.StringIO())
    half = run(replace(recipe, kimg=0.024), folder, files, **options)
    return folder, recipe, half, run(recipe, folder, files, **options)


def test_a_run_keeps_the_encoder_and_goes_on_where_it_stopped(finished):
    folder, recipe, half, outcome = finished
    assert (half.step, outcome.step, outcome.finished) == (3, 6, True)
    e = load(folder / "encoder.safetensors")
    assert e.name == "psp.encoder"
    assert_identical((e.params, e.buffers), (outcome.model.params, outcome.model.buffers))
    assert (folder / "latest.safetensors").is_file() and not (folder / "generator.safetensors").exists()
    assert same(outcome.generator.params, generator().params)
    assert from_json(to_json(recipe)) == recipe


def test_a_run_shows_images_above_their_reconstructions(finished, close):
    from PIL import Image

    folder, _, _, outcome = finished
    grid = np.asarray(Image.open(sorted((folder / "samples").glob("*.png"))[-1]), np.float32) / 127.5 - 1
    reals = np.asarray(Image.open(folder / "reals.png"), np.float32) / 127.5 - 1
    assert grid.shape == reals.shape == (32, 32, 3)
    close(grid[:8], reals[:8], GREY, "first row")
    close(grid[16:24], reals[8:16], GREY, "third row")
    first = np.stack(np.split(reals[:8], 4, axis=1))
    drawn = outcome.generator(jg.Code(outcome.model(first), "w+"))
    close(grid[8:16], np.concatenate(np.clip(drawn, -1, 1), axis=1), 0.03, "what is made of the first row")


@pytest.mark.parametrize(
    ("change", "frozen", "said"),
    [
        ({}, {}, r"needs ready-made networks: G \(planted\)"),
        ({"resolution": 16}, {"G": generator}, "draws 3 channels of 8 pixels a side, the recipe says 3 of 16"),
        ({"lpips": "lpips:squeeze:a:b"}, {"G": generator}, r"lpips \(lpips:squeeze:a:b\)"),
        ({"paper": "ghfeat", "latent": 1.0}, {"G": generator}, "latent judges rows"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_computed(change, frozen, said):
    model = replace(GAMES["psp"], **change)
    with pytest.raises(ValueError, match=said) as error:
        model.trainer(batch=8, adam=Adam(), ema=Ema(), frozen={name: make() for name, make in frozen.items()})
    assert "\n" not in str(error.value)


def test_a_pool_shows_what_comes_until_it_is_full_and_then_half_of_the_old():
    pool, items = opening(4, (1,)), jnp.arange(200.0)[:, None]
    shown, pool = exchange(pool, items[:4], jax.random.key(0))
    assert np.array_equal(shown, items[:4]) and int(pool["count"]) == 4
    shown, pool = exchange(pool, items[4:], jax.random.key(1))
    old = np.mean(np.asarray(shown) != np.asarray(items[4:]))
    assert 0.35 < old < 0.65
    # Nothing is lost and nothing appears twice: what went in was shown or is still there.
    np.testing.assert_array_equal(np.sort(np.concatenate([shown, pool["items"]])[:, 0]), items[:, 0])


def test_lookahead_returns_to_the_slow_weights_on_every_kth_step(close):
    inner, ahead = optax.sgd(0.1), lookahead(optax.sgd(0.1), 3, 0.5)
    fast = slow = p = jnp.array([1.0, -2.0])
    state = ahead.init(p)
    for step in range(1, 8):
        gradient = jnp.sin(p)
        updates, state = ahead.update(gradient, state, p)
        p = p + updates
        fast = fast + inner.update(jnp.sin(fast), inner.init(fast))[0]
        if step % 3 == 0:
            fast = slow = slow + 0.5 * (fast - slow)
        close(p, fast, OP, f"step {step}")


def test_centred_gradients_have_no_mean_for_any_output():
    tree = {"weight": jax.random.normal(jax.random.key(0), (3, 3, 4, 5)), "bias": jnp.ones(5)}
    centre = centred()
    out = centre.update(tree, centre.init(tree))[0]
    np.testing.assert_allclose(out["weight"].mean((0, 1, 2)), 0, atol=1e-6)
    np.testing.assert_array_equal(out["bias"], tree["bias"])
