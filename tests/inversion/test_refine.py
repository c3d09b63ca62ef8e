import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxgan.core import Code, term
from jaxgan.inversion import Found, again, chain, nearest, refine
from jaxgan.inversion.descent import nvidia
from jaxgan.inversion.nearest import BATCH
from jaxgan.losses.latent import near_mean_w, temporal
from jaxgan.losses.reconstruct import pixel
from tests import planted, tolerances

KEY = jax.random.key(5)


@pytest.fixture(scope="module")
def g():
    """A generator with all spaces, taps and noise maps, whose searches compile at once."""
    return planted.layered()


@pytest.fixture(scope="module")
def images(g):
    return g(g.sample(jax.random.key(3), 4))


def psnr(a, b):
    return 10 * np.log10(4 / np.square(np.asarray(a) - np.asarray(b)).mean((1, 2, 3)))


@pytest.mark.parametrize("solver,steps", [pytest.param("adam", 400, marks=pytest.mark.slow), ("lm", 20)])
def test_known_codes_are_recovered_in_w(g, images, solver, steps):
    found, info = refine(pixel(), steps=steps, solver=solver)(Found(g), images, KEY)
    assert info["loss"].shape == (steps, 4)
    assert psnr(found.images(), images).min() > 40
    truth = g.to(g.sample(jax.random.key(3), 4), "w").value
    assert jnp.abs(found.code.value - truth).max() < 0.05 * jnp.abs(truth).max()


def test_levenberg_marquardt_never_goes_up(g, images):
    _, info = refine(pixel() + 1e-3 * near_mean_w(), steps=12, solver="lm")(Found(g), images, KEY)
    loss = np.asarray(info["loss"])
    assert np.all(np.diff(loss, axis=0) <= 0) and loss[-1].max() < 0.1 * loss[0].min()


@pytest.mark.parametrize("solver", ["lm", "lm-cg"])
def test_levenberg_marquardt_solves_a_linear_generator_at_once(solver):
    g = planted.linear(jax.random.normal(jax.random.key(0), (6, 16)))
    truth = g.sample(jax.random.key(1), 3)
    found, info = refine(pixel(), steps=6, solver=solver, space="z")(Found(g), g(truth), KEY)
    assert jnp.abs(found.code.value - truth.value).max() < 1e-4
    assert np.asarray(info["loss"])[1].max() < 1e-2 * np.asarray(info["loss"])[0].min()


@pytest.mark.parametrize("space", ["w+", "s", *(pytest.param(s, marks=pytest.mark.slow) for s in ("z", "p", "p+"))])
def test_every_space_can_be_searched(g, images, space):
    found, info = refine(pixel(), steps=40, space=space)(Found(g), images, KEY)
    assert found.code.space == space
    assert np.all(np.asarray(info["final"]) < 0.5 * np.asarray(info["loss"])[0])


def test_result_draws_what_final_says(g, images):
    found, info = refine(pixel(), steps=30, noise=True, space="w+")(Found(g), images, KEY)
    total = pixel()(found.images(), images)[0]
    final = np.asarray(info["final"])
    assert set(info["terms"]) == {"pixel", "noise"} and np.all(np.isfinite(final))
    assert np.all(total <= final * 1.001)
    for noise in found.code.noise.values():
        assert noise.shape[0] == 4
        np.testing.assert_allclose(jnp.square(noise).mean((1, 2, 3)), 1.0, rtol=1e-3)


def test_neighbours_do_not_matter(g, images, close):
    how = refine(pixel(), steps=25, space="w+")
    together, _ = how(Found(g), images, KEY)
    alone, _ = how(Found(g), images[2:3], KEY)
    close(alone.code.value, together.code.value[2:3], tolerances.NETWORK)


def test_nan_image_keeps_its_start_and_leaves_its_neighbours_alone(g, images):
    how = refine(pixel(), steps=25)
    broken = images.at[1].set(jnp.nan)
    hurt, info = how(Found(g), broken, KEY)
    well, _ = how(Found(g), images, KEY)
    others = jnp.array([0, 2, 3])
    np.testing.assert_array_equal(hurt.code.value[others], well.code.value[others])
    assert bool(jnp.isfinite(hurt.code.value).all())
    assert np.isnan(np.asarray(info["loss"])[:, 1]).all()


def test_chunks_do_not_matter(g, images, close):
    whole, a = refine(pixel(), steps=25, space="w+", noise=True)(Found(g), images, KEY)
    parts, b = refine(pixel(), steps=25, space="w+", noise=True, chunk=3)(Found(g), images, KEY)
    close(parts.code.value, whole.code.value, tolerances.NETWORK)
    close(b["loss"], a["loss"], tolerances.NETWORK)
    assert b["loss"].shape == (25, 4)


def test_a_scan_and_a_loop_of_python_find_the_same_codes(g, images, close):
    how = refine(pixel(), optax.adam(0.05), steps=12, space="w+", chunk=3)
    found, info = how(Found(g), images, KEY)  # a loop on the CPU
    scanned, same = jax.jit(lambda images: how(Found(g), images, KEY))(images)  # what is traced is scanned
    close(same["loss"], info["loss"], tolerances.NETWORK)
    close(scanned.code.value, found.code.value, tolerances.NETWORK)


@pytest.mark.slow
def test_steps_by_hand_are_those_of_the_search(g, images, close):
    code = g.to(g.sample(jax.random.key(9), 4), "w")
    _, info = refine(pixel(), optax.adam(0.05), steps=8, unit=1.0)(Found(g, code), images, KEY)
    value, optimizer = code.value, optax.adam(0.05)
    state, losses = jax.vmap(optimizer.init)(value), []
    loss = jax.jit(jax.value_and_grad(lambda w: pixel()(g(Code(w, "w")), images)[0].sum()))
    each = jax.jit(lambda w: pixel()(g(Code(w, "w")), images)[0])
    for i in range(8):
        losses.append(each(value))
        updates, state = jax.vmap(optimizer.update)(loss(value)[1], state, value)
        value = value + nvidia(jnp.float32(i / 8)) * updates
    close(info["loss"], jnp.stack(losses), tolerances.NETWORK)


def test_one_compilation_for_each_shape(g, images):
    traces = []

    def counting(images, target, code, generator, prepared):
        traces.append(images.shape)
        return jnp.square(images - target).mean((1, 2, 3))

    how = refine(term("pixel", counting), steps=3)
    how(Found(g), images, KEY)
    once = len(traces)
    how(Found(g), images + 0.1, jax.random.key(8))
    assert once > 0 and len(traces) == once


def test_targets_are_prepared_once():
    g, calls = planted.linear(jnp.eye(16)), []
    images = g(g.sample(KEY, 2))

    def prepare(images):
        jax.debug.callback(lambda: calls.append(1))
        return images * 2

    loss = term("half", lambda i, t, c, g, prepared: jnp.square(i - prepared / 2).mean((1, 2, 3)), prepare=prepare)
    refine(loss, steps=7, space="z")(Found(g), images, KEY)
    jax.effects_barrier()
    assert len(calls) == 1


def test_rows_that_do_not_move_keep_their_bits(g, images):
    start = g.to(g.sample(jax.random.key(1), 4), "w+")
    found, info = refine(pixel(), steps=20, space="w+", layers=(0, 2), wander=0.05)(Found(g, start), images, KEY)
    still = [i for i in range(start.value.shape[1]) if i not in (0, 2)]
    np.testing.assert_array_equal(found.code.value[:, still], start.value[:, still])
    assert np.all(np.abs(found.code.value - start.value)[:, (0, 2)].max((0, 2)) > 1e-3)
    assert np.all(info["final"] < info["loss"][0])


def test_a_held_code_keeps_its_bits_while_noise_and_features_move(g, images):
    start, seen = g.to(g.sample(jax.random.key(1), 4), "w"), []
    how = lambda **more: refine(pixel(), adam, steps=20, space="w+", layers=(), noise=True, features=["b8"], **more)
    adam = optax.adam(0.1)
    found, info = how(progress=lambda *a: seen.append(a), chunk=2)(Found(g, start), images, KEY)
    assert found.code.space == "w" and np.array_equal(found.code.value, start.value)
    assert np.all(info["final"] < 0.5 * info["loss"][0])
    own = g.read(start.replace(noise=found.code.noise), ["b8"])["b8"]
    assert found.code.features["b8"].shape == own.shape and np.abs(found.code.features["b8"] - own).max() > 1e-2
    assert seen == [(i + 1, 40) for i in range(40)]
    still, _ = how(rates={"features": 0.0}, chunk=2)(Found(g, start), images, KEY)
    again, _ = how(rates={"features": 0.0}, chunk=2)(still, images, KEY)
    np.testing.assert_array_equal(again.code.features["b8"], still.code.features["b8"])


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["lm", "lm-cg"])
def test_levenberg_marquardt_polishes_what_adam_found_and_may_be_traced(g, images, close, solver):
    search = refine(pixel(), steps=60, space="w+", wander=0.0)
    polish = refine(pixel(), steps=3, space="w+", rank=6, solver=solver)
    _, info = chain(search, polish)(Found(g), images, KEY)
    loss = np.asarray(info["loss"])
    assert np.all(np.diff(loss[60:], axis=0) <= 0)
    assert np.all(info["parts"][1]["final"] < 0.8 * info["parts"][0]["final"])
    before, _ = search(Found(g), images, jax.random.fold_in(KEY, 0))
    scanned = jax.jit(lambda images: polish(before, images, jax.random.fold_in(KEY, 1))[1]["loss"])(images)
    close(scanned, info["parts"][1]["loss"], tolerances.NETWORK)


def test_wide_codes_are_solved_by_conjugate_gradients(g, images, monkeypatch):
    monkeypatch.setattr(sys.modules["jaxgan.inversion.refine"], "WIDEST", 20)
    _, info = refine(pixel(), steps=8, space="w+", solver="lm")(Found(g), images[:2], KEY)  # 36 unknowns
    loss = np.asarray(info["loss"])
    assert np.all(np.diff(loss, axis=0) <= 0) and np.all(info["final"] < 0.05 * loss[0])


def test_a_search_along_principal_axes_stays_in_their_span(g, images):
    found, info = refine(pixel(), steps=40, space="w+", rank=5)(Found(g), images, KEY)
    away = np.asarray(found.code.value - found.code.value.mean((0, 1)))
    values = np.linalg.svd(away.reshape(-1, 12), compute_uv=False)
    assert values[5] < 1e-4 * values[0] < values[4]
    assert np.all(info["final"] < info["loss"][0])


def test_eight_devices_find_the_codes_of_one(g, images, close):
    how = lambda **more: refine(pixel(), optax.adam(0.1), steps=10, space="w+", **more)
    many = jnp.concatenate([images, images[::-1], images[:3]])  # 11 images: the last share is padded
    one, a = how()(Found(g), many, KEY)
    eight, b = how(devices=jax.devices()[:8], chunk=1)(Found(g), many, KEY)
    assert jax.device_count() >= 8 and a["loss"].shape == b["loss"].shape == (10, 11)
    close(b["loss"], a["loss"], tolerances.OP)
    close(eight.code.value, one.code.value, tolerances.NETWORK)
    assert np.all(np.isfinite(eight.images()))


def test_memory_is_that_of_a_chunk_whatever_the_number_of_images():
    g = planted.style(channel_base=64)

    def temporary(n, chunk):
        how = refine(pixel(), steps=2, space="w", chunk=chunk, samples=8)
        search = jax.jit(lambda images: how(Found(g), images, KEY)[0].code.value)
        return search.lower(jnp.zeros((n, 16, 16, 3))).compile().memory_analysis().temp_size_in_bytes

    few, many, whole = temporary(8, 4), temporary(32, 4), temporary(32, 32)
    images = 24 * 16 * 16 * 3 * 4
    assert many < few + 3 * images < whole


def test_zero_steps_are_the_identity(g, images):
    found = Found(g, g.sample(jax.random.key(1), 4))
    same, info = refine(pixel(), steps=0)(found, images, KEY)
    assert same is found and info["loss"].shape == (0, 4)


def test_a_given_code_is_where_it_starts(g, images):
    truth = g.to(g.sample(jax.random.key(3), 4), "w")
    _, info = refine(pixel(), steps=2)(Found(g, truth), images, KEY)
    assert np.asarray(info["loss"])[0].max() < 1e-6


def test_chain_starts_where_the_last_one_ended(g, images):
    how = chain(refine(pixel(), steps=30), refine(pixel(), optax.adam(0.01), steps=5, space="w+"))
    found, info = how(Found(g), images, KEY)
    loss = np.asarray(info["loss"])
    assert loss.shape == (35, 4) and found.code.space == "w+"
    np.testing.assert_allclose(loss[30], info["parts"][0]["final"], rtol=1e-3)


def test_schedule_follows_its_closed_form():
    t = jnp.array([0.0, 0.05, 0.5, 0.75, 0.875])
    np.testing.assert_allclose(nvidia(t), [0, 1, 1, 1, 0.5], atol=1e-6)


@pytest.mark.parametrize(
    "settings,word",
    [
        ({"solver": "newton"}, "solver"),
        ({"solver": "lm", "noise": True}, "noise"),
        ({"space": "v"}, "space"),
        ({"start": "given"}, "given"),
        ({"steps": -1}, "steps"),
        ({"layers": ()}, "nothing moves"),
        ({"layers": (3,), "space": "w+"}, "layers 0 to 2"),
        ({"layers": (0,)}, "no layers in 'w'"),
        ({"features": ("b7",)}, "tap 'b7'"),
        ({"features": ("b8",), "solver": "lm"}, "features"),
        ({"rates": {"w": 1.0}}, "variable 'w'"),
        ({"rank": 3, "space": "z"}, "principal axes"),
        ({"rank": 13}, "12 coordinates"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(g, images, settings, word):
    with pytest.raises(ValueError, match=word) as error:
        refine(pixel(), **settings)(Found(g), images, KEY)
    assert "\n" not in str(error.value)


def test_a_film_is_not_cut(g, images):
    for settings in ({"chunk": 2}, {"solver": "lm"}, {"devices": jax.devices()}):
        with pytest.raises(ValueError, match="couples the images"):
            refine(pixel() + temporal(), **settings)(Found(g), images, KEY)


def test_the_nearest_draw_of_a_known_picture_is_its_code(g):
    known = g.to(g.sample(jax.random.fold_in(KEY, 1), BATCH), "w")  # the second batch of what `nearest` draws
    found, info = nearest(2 * BATCH, side=8)(Found(g), g(known)[:3], KEY)
    np.testing.assert_allclose(found.code.value, known.value[:3], atol=1e-5)
    assert info["loss"].shape == (1, 3) and np.all(info["loss"] < 1e-9)


def test_another_attempt_is_for_images_that_failed_and_never_hurts(g, images):
    calls = []

    def attempt(found, images, key):  # codes of the key's, so that every attempt is another
        calls.append(len(images))
        code = g.to(g.sample(key, len(images)), "w")
        return Found(g, code), {"loss": jnp.zeros((0, len(images))), "final": pixel()(g(code), images)[0]}

    once, first = attempt(Found(g), images, jax.random.fold_in(KEY, 0))
    bound = float(np.sort(first["final"])[1]) * 1.0001
    calls.clear()
    found, info = again(attempt, 3, until=bound)(Found(g), images, KEY)
    assert calls[:2] == [4, 2] and np.all(info["final"] <= first["final"])
    np.testing.assert_allclose(pixel()(found.images(), images)[0], info["final"], rtol=1e-4)
    good = np.asarray(first["final"]) < bound
    np.testing.assert_array_equal(info["tries"][good], 1)
    np.testing.assert_array_equal(found.code.value[good], once.code.value[good])
