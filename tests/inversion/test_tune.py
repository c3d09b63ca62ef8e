"""Pivotal tuning's laws on a planted linear generator, and its parts on a small StyleGAN2."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxgan.core import term
from jaxgan.inversion import Found, tune
from jaxgan.inversion.march import march
from jaxgan.inversion.tune import chosen, flat, neighbours, placed
from jaxgan.latents.spaces import rows
from jaxgan.losses.reconstruct import pixel
from tests import planted, tolerances

KEY = jax.random.key(6)


@pytest.fixture(scope="module")
def g():
    return planted.linear(jax.random.normal(jax.random.key(0), (6, 16)))


@pytest.fixture(scope="module")
def start(g):
    return Found(g, g.sample(KEY, 3))


@pytest.fixture(scope="module")
def images(g, start):
    return g(start.code) + 0.3 * jax.random.normal(jax.random.key(1), (3, 4, 4, 1))


@pytest.fixture(scope="module")
def style():
    return planted.style(resolution=8)


def bump(settings, fixed, carry, i):
    return carry + settings * fixed, (carry, i)


def test_a_loop_of_python_and_a_scan_march_alike(close):
    ways = [march(bump, 0.5, jnp.arange(3.0), jnp.ones(3), 4, scan=scan) for scan in (False, True)]
    jax.tree.map(np.testing.assert_array_equal, *ways)
    assert ways[0][1][0].shape == (4, 3)


def test_what_was_left_out_repeats_the_last_output():
    seen = []
    stop = lambda carry: bool(carry[0] > 1.9)
    _, (before, _) = march(
        bump, 0.5, jnp.ones(1), jnp.ones(1), 5, stop=stop, progress=lambda *a: seen.append(a), scan=False
    )
    np.testing.assert_array_equal(before[:, 0], [1.0, 1.5, 1.5, 1.5, 1.5])
    assert seen == [(1, 5), (2, 5)]


def test_a_traced_tuning_scans_and_gives_the_same_numbers(start, images, close):
    how = tune(pixel(), optax.adam(0.01), steps=6, locality=0.5 * pixel(), until=1e-9)
    found, info = how(start, images, KEY)
    traced, same = jax.jit(lambda images: how(start, images, KEY))(images)
    for name in ("loss", "locality", "final"):
        close(same[name], info[name], tolerances.OP, name)
    close(traced.generator.params["draw"]["matrix"], found.generator.params["draw"]["matrix"], tolerances.OP)


def test_the_neighbourhood_is_left_as_it_was_before_the_first_step(start, images):
    how = tune(pixel(), optax.adam(0.05), steps=12, locality=1.0 * pixel(), alpha=1.0)
    _, info = how(start, images, KEY)
    assert info["locality"].shape == (12, 3)
    np.testing.assert_array_equal(info["locality"][0], 0)
    assert np.all(info["locality"][1:] > 0)


def test_a_weight_on_the_neighbourhood_holds_the_generator_there(g, start, images):
    far = g(g.sample(jax.random.key(7), 64))
    moved = {}
    for weight in (0.0, 10.0):
        how = tune(pixel(), optax.adam(0.02), steps=60, locality=weight * pixel())
        found, info = how(start, images, KEY)
        moved[weight] = float(jnp.square(found.generator(g.sample(jax.random.key(7), 64)) - far).mean())
        assert np.mean(info["final"]) < np.mean(info["loss"][0])
    assert moved[10.0] < 0.5 * moved[0.0]


@pytest.mark.parametrize("space", ["w", "w+", "p+", "s"])
def test_neighbours_lie_at_the_distance_asked_for(style, space):
    pivot = style.to(style.sample(KEY, 4), space)
    near = neighbours(style, jax.random.key(2), pivot, jnp.float32(0.7))
    assert near.space == space
    away = rows(near.value) - rows(pivot.value)
    np.testing.assert_allclose(jnp.linalg.norm(away, axis=1), 0.7, rtol=1e-3)


def test_a_bound_stops_each_image_where_it_reaches_it(start, images):
    how = tune(pixel(), optax.sgd(0.2), steps=40, each=True, until=0.02)
    found, info = how(start, images, KEY)
    moved, loss = np.asarray(info["moved"]), np.asarray(info["loss"])
    assert np.all(info["final"] <= 0.02) and len(set(moved.tolist())) > 1 and moved.max() < 40
    for i, steps in enumerate(moved):
        assert np.all(loss[:steps, i] > 0.02) and np.all(loss[steps:, i] == loss[steps, i])
    longer, again = tune(pixel(), optax.sgd(0.2), steps=60, each=True, until={"pixel": 0.02})(start, images, KEY)
    jax.tree.map(np.testing.assert_array_equal, longer.generator.params, found.generator.params)
    np.testing.assert_array_equal(again["moved"], moved)


def test_a_bound_names_a_term(start, images):
    other = term("other", lambda images, target, code, generator, prepared: 0 * images.mean((1, 2, 3)))
    _, info = tune(pixel() + other, steps=5, until={"other": 0.1})(start, images, KEY)
    np.testing.assert_array_equal(info["moved"], 0)
    with pytest.raises(ValueError, match="terms are pixel"):
        tune(pixel(), until={"lpips": 0.06})


def test_images_tuned_together_with_a_generator_each_are_tuned_as_alone(start, images, close):
    how = {"steps": 8, "locality": 0.3 * pixel(), "rank": 2}
    both, _ = tune(pixel(), optax.adam(0.02), each=True, **how)(start, images, KEY)
    for i in range(3):
        alone, _ = tune(pixel(), optax.adam(0.02), **how)(Found(start.generator, start.code[i]), images[i : i + 1], KEY)
        close(both[i].generator.params["draw"]["matrix"], alone.generator.params["draw"]["matrix"], tolerances.NETWORK)


def test_a_change_of_low_rank_has_that_rank(g, start, images):
    found, info = tune(pixel(), optax.adam(0.02), steps=15, rank=2)(start, images, KEY)
    change = found.generator.params["draw"]["matrix"] - g.params["draw"]["matrix"]
    sizes = jnp.linalg.svd(change)[1]
    assert sizes[1] > 1e-3 and sizes[2] < 1e-5 and np.mean(info["final"]) < np.mean(info["loss"][0])
    np.testing.assert_allclose(info["loss"][0], pixel()(g(start.code), images)[0], rtol=tolerances.OP)


def test_only_what_is_trainable_moves(style):
    images = style(style.sample(jax.random.key(3), 2))
    code = style.to(style.sample(KEY, 2), "w")
    how = tune(pixel(), optax.adam(0.01), steps=2, trainable=("synthesis/*/conv*/weight", "style"), freeze=("*/b4*",))
    found, _ = how(Found(style, code), images, KEY)
    old, new = flat(style.params), flat(found.generator.params)
    for path, value in old.items():
        stage, block, *rest = path.split("/")
        moves = not block.startswith("b4") and (
            stage == "style" or (rest[0].startswith("conv") and rest[1] == "weight")
        )
        assert bool(np.any(new[path] != value)) == (moves and stage != "mapping"), path


def test_parts_are_named_by_pattern(style):
    assert all(not name.startswith("mapping") for name in chosen(style, None, None))
    assert len(chosen(style, None, ())) == len(flat(style.params))
    assert all(name.startswith("synthesis/b8/") for name in chosen(style, ("synthesis/b8",), None))
    with pytest.raises(ValueError, match="matches 'b8'"):
        chosen(style, ("b8",), None)
    with pytest.raises(ValueError, match="left to move"):
        chosen(style, ("mapping",), None)
    same = placed(style, {name: flat(style.params)[name] for name in chosen(style, ("style",), None)})
    jax.tree.map(np.testing.assert_array_equal, same.params, style.params)
