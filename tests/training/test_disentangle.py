"""The penalty on latent axes that interact, in the games."""

import json
import warnings
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxgan.core import Code, Generator
from jaxgan.losses.disentangle import hessian_penalty, orojar
from jaxgan.models import gan
from jaxgan.training import DCGAN, GAN, PGGAN, Adam, Disentangle, Ema, Growth, Recipe, StyleGAN2, from_json, to_json
from jaxgan.training.disentangle import disentangled, interaction, unseen
from tests import tolerances

KEY = jax.random.key(0)
SMOOTH = gan.arch(4, z_dim=3, hidden=(8, 8), activation="tanh", output="linear")
BATCH = {"image": jnp.zeros((16, 4, 4, 1))}


def nothing(params, stats, batch, key):
    return jnp.zeros(()), ({"loss": jnp.zeros(())}, stats)


def test_the_weight_begins_at_zero_and_rises_along_its_ramp():
    ramp = Disentangle(weight=0.5, start_kimg=1.0, ramp_kimg=2.0)
    np.testing.assert_allclose([ramp.factor(n) for n in (0, 1000, 2000, 3000, 9000)], [0, 0, 0.25, 0.5, 0.5])
    sudden = Disentangle(weight=0.5, ramp_kimg=0.0)
    np.testing.assert_allclose([sudden.factor(n) for n in (0, 1)], 0.5)


@pytest.mark.parametrize("form,mode", [("hessian", "fd"), ("orojar", "exact")])
def test_descent_of_the_penalty_alone_makes_axes_act_alone(form, mode):
    settings = Disentangle(form, 1.0, taps=("image",), mode=mode, reduce="mean", ramp_kimg=0.0)
    move, optimizer = disentangled(nothing, settings, SMOOTH), optax.adam(0.01)
    g = SMOOTH.init(KEY)
    z = jax.random.normal(KEY, (64, 3))
    measure = {"hessian": hessian_penalty, "orojar": orojar}[form]
    energy = lambda g: measure(lambda z: g(Code(z, "z")), z, KEY, probes=64).mean()
    size = lambda g: g(Code(z, "z")).std(0).mean()

    @jax.jit
    def step(carry, key):
        params, memory, stats = carry

        def loss(params):
            total, (metrics, new) = move({"G": params}, stats, BATCH, key)
            drawn = Generator(params, g.buffers, SMOOTH)(Code(z, "z"))  # held at its size: 0 has no interactions
            return total + jnp.square(drawn.std(0).mean() - 0.3), (metrics, new)

        (_, (metrics, stats)), gradient = jax.value_and_grad(loss, has_aux=True)(params)
        updates, memory = optimizer.update(gradient, memory)
        return (optax.apply_updates(params, updates), memory, stats), metrics

    stats = {"buffers": {"G": g.buffers}, **unseen(settings)}
    carry = (jax.tree.map(lambda p: 1.5 * p, g.params), optimizer.init(g.params), stats)
    before = energy(g.replace(params=carry[0])) / size(g.replace(params=carry[0])) ** 2
    carry, metrics = jax.lax.scan(step, carry, jax.random.split(KEY, 400))
    after = energy(g.replace(params=carry[0])) / size(g.replace(params=carry[0])) ** 2
    assert after < before / 10 and size(g.replace(params=carry[0])) > 0.1
    assert int(carry[2]["disentangle"]) == 400 * 16 and metrics[form].shape == (400,)


@pytest.mark.parametrize("reduce", ["max", "mean"])
def test_taps_add_up_with_their_weights(reduce, close):
    g, settings = SMOOTH.init(KEY), Disentangle(reduce=reduce, shrink=4)
    found = lambda weights: interaction(settings, g, BATCH, weights, KEY)
    both = found({"h0": 1.0, "image": 0.25})
    assert found({"h0": 1.0}) > 0
    close(both, found({"h0": 1.0}) + 0.25 * found({"image": 1.0}), 10 * tolerances.OP)


def test_the_maximum_is_over_codes_and_activations_as_published(close):
    g, settings = SMOOTH.init(KEY), Disentangle(reduce="max")
    of_codes, of_probes, _ = jax.random.split(KEY, 3)
    z = jax.random.normal(of_codes, (16, 3))
    fn = lambda z: g.read(Code(z, "z"), ["h1"])["h1"]
    v = jax.random.rademacher(of_probes, (2, 16, 3), jnp.float32)
    second = jnp.stack([(fn(z + 0.1 * p) - 2 * fn(z) + fn(z - 0.1 * p)) / 0.01 for p in v])
    published = jnp.var(second, axis=0, ddof=1).max()
    close(interaction(settings, g, BATCH, {"h1": 1.0}, KEY), published, 1e-3)


def test_an_exact_penalty_that_does_nothing_is_warned_of():
    exact = Disentangle(mode="exact")
    kinked = gan.arch(4, z_dim=3, hidden=(8, 8), activation="relu")
    with pytest.warns(UserWarning, match="h0 of gan are piecewise linear in z.*fd"):
        disentangled(nothing, exact, kinked)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        disentangled(nothing, exact, SMOOTH)
        disentangled(nothing, replace(exact, form="orojar"), kinked)
        disentangled(nothing, replace(exact, mode="fd"), kinked)


def test_taps_but_those_of_the_full_resolution_count_unless_some_are_named():
    chosen = Disentangle().chosen
    assert chosen(PGGAN(resolution=32).arch()) == ("b4", "b8", "b16")
    assert chosen(DCGAN(resolution=32).arch()) == ("b4", "b8")
    assert chosen(GAN().arch()) == ("h0", "h1")
    fine = [t for t in StyleGAN2(resolution=16).arch().taps if not t.startswith(("b16", "rgb16"))]
    assert list(chosen(StyleGAN2(resolution=16).arch())) == fine
    assert Disentangle(taps=("image",)).chosen(GAN().arch()) == ("image",)


def test_no_penalty_is_the_move_itself_and_what_is_not_there_is_refused():
    assert disentangled(nothing, None, SMOOTH) is disentangled(nothing, Disentangle(weight=0.0), SMOOTH) is nothing
    assert unseen(None) == unseen(Disentangle(weight=0.0)) == {}
    for wrong in (Disentangle(taps=("b4",)), Disentangle(space="w")):
        with pytest.raises(ValueError, match=r"There is no (tap|space)"):
            disentangled(nothing, wrong, SMOOTH)
    with pytest.raises(ValueError, match="one tap"):
        disentangled(nothing, Disentangle(), gan.arch(4, hidden=(8,)))


def test_recipes_keep_the_penalty():
    recipe = Recipe("x", GAN(disentangle=Disentangle("orojar", 1e-5, ("h0", "image"))))
    assert from_json(json.loads(json.dumps(to_json(recipe)))) == recipe
    assert GAN(disentangle=Disentangle("orojar", 1e-5, ("h0",))).smoke().disentangle == Disentangle("orojar", 1e-5)


def plays(model, **labels):
    trainer = model.trainer(batch=8, adam=Adam(), ema=Ema(1.0))
    state, step = trainer.init(KEY), jax.jit(trainer.step)
    batch = {"image": jax.random.uniform(KEY, (8, model.resolution, model.resolution, model.channels)), **labels}
    state, first = step(state, batch)
    state, second = step(state, batch)
    assert float(first["G/lambda"]) == 0 and float(second["G/lambda"]) > 0 and int(state.stats["disentangle"]) == 16
    return float(first["G/hessian"])


PENALTY = Disentangle(ramp_kimg=1.0)


def test_a_game_plays_with_the_penalty():
    assert plays(GAN(disentangle=PENALTY).smoke()) > 0


@pytest.mark.slow
@pytest.mark.parametrize("model", [DCGAN(), PGGAN(), StyleGAN2(), StyleGAN2(bf16_resolutions=2)])
def test_every_game_that_takes_the_penalty_plays_with_it(model):
    shrunken = replace(model.smoke(), disentangle=PENALTY)
    if isinstance(model, PGGAN):
        shrunken = replace(shrunken, growth=Growth(first=16))
    assert plays(shrunken) > 0


@pytest.mark.slow
def test_taps_that_have_not_grown_yet_do_not_count():
    model = replace(PGGAN().smoke(), disentangle=replace(PENALTY, taps=("b16",)))
    trainer = model.trainer(batch=8, adam=Adam(), ema=Ema(1.0))
    state, step = trainer.init(KEY), jax.jit(trainer.step)
    _, metrics = step(state, {"image": jnp.zeros((8, 8, 8, 3))})
    assert float(metrics["G/hessian"]) == 0
