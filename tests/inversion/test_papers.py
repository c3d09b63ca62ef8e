import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.core import Code
from jaxgan.core.network import initialise
from jaxgan.inversion import Found, papers
from jaxgan.latents.stats import channels, population
from jaxgan.losses import degrade, gaussian, observed, pixel
from tests import planted, tolerances

KEY = jax.random.key(7)
N, SIDE = 2, 8


@pytest.fixture(scope="module")
def g():
    return planted.layered()


@pytest.fixture(scope="module")
def images(g):
    """Two pictures that the generator cannot draw exactly."""
    drawn = g(g.sample(jax.random.key(3), N))
    return jnp.clip(drawn + 0.2 * jax.random.normal(jax.random.key(4), drawn.shape), -1, 1)


class Look(nn.Module):
    """A tiny encoder to w."""

    @nn.compact
    def __call__(self, images):
        return nn.Dense(12)(images.reshape(len(images), -1))


@pytest.fixture(scope="module")
def encoder():
    return initialise(Look(), jax.random.key(0), jnp.zeros((1, SIDE, SIDE, 3)))


def error(found, images):
    return np.square(np.asarray(found.images() - images)).mean((1, 2, 3))


@pytest.mark.slow
def test_the_projector_searches_w_and_takes_noise_where_there_is_some(g, images):
    found, info = papers.projector(pixel(), 15)(Found(g), images, KEY)
    assert found.code.space == "w" and set(found.code.noise) and np.all(info["final"] < info["loss"][0])
    found, _ = papers.projector(pixel(), 15, noise=False)(Found(g), images, KEY)
    assert found.code.noise is None


def test_a_style_for_every_layer_comes_nearer_and_a_prior_keeps_it_in_the_population(g, images):
    wide, _ = papers.image2stylegan(pixel(), 60, lr=0.05)(Found(g), images, KEY)
    chart = population(g, jax.random.key(1), 2000)
    far = lambda found: chart.mahalanobis(g.to(found.code, "p+").value).mean(1)
    errors, distances = [], []
    for weight in (1e-4, 3e-2):
        found, _ = papers.ii2s(pixel(), 60, weight=weight, chart=chart)(Found(g), images, KEY)
        errors.append(error(found, images))
        distances.append(far(found))
    assert wide.code.space == "w+" and found.code.space == "p+"
    assert np.all(error(wide, images) < errors[1]) and np.all(errors[0] < errors[1])
    assert np.all(far(wide) > distances[1]) and np.all(distances[0] > distances[1])


def test_noise_draws_what_the_code_left_and_leaves_the_code_and_the_hole_alone(g, images):
    mask = degrade.box((SIDE, SIDE), (2, 2, 3, 3))
    lost = jnp.where(mask == 0, jnp.nan, images)
    first, _ = papers.image2stylegan(observed(pixel(), degrade.hole(mask)), 10, layers=(0, 2))(Found(g), lost, KEY)
    how = papers.image2stylegan_pp(pixel(), 10, 60, mask=mask, layers=(0, 2), noise_lr=0.1)
    found, info = how(Found(g), lost, KEY)
    assert info["loss"].shape == (70, N) and found.code.space == "w+"
    mean = g.buffers["spread"]["w_mean"]
    still = found.code.value[:, 1] - found.code.value[:, 1].mean(0)
    np.testing.assert_array_equal(still, jnp.zeros_like(still))
    assert np.abs(found.code.value[:, 0] - mean).max() > 0.01
    outside = lambda drawn: np.square(np.where(mask == 1, drawn - images, 0)).mean((1, 2, 3))
    before = info["parts"][0]["final"]
    assert np.all(outside(found.images()) < 0.8 * before)
    plain = g(found.code.replace(noise=None))
    np.testing.assert_allclose(outside(plain), before, rtol=1e-3)
    assert first.code.value.shape == found.code.value.shape


@pytest.mark.slow
def test_a_base_code_draws_pictures_that_are_shifted_which_styles_cannot(g):
    turned = jnp.rot90(g(g.sample(jax.random.key(3), N)), 1, (1, 2))
    turned = jnp.clip(turned, -1, 1)
    chart = population(g, jax.random.key(1), 1000)
    wide, _ = papers.ii2s(pixel(), 60, weight=1e-3, chart=chart)(Found(g), turned, KEY)
    for coarse in (False, True):
        how = papers.bdinvert("b4", pixel(), 60, first_steps=20, chart=chart, coarse=coarse, weight=1e-3)
        found, _ = how(Found(g), turned, KEY)
        assert np.all(error(found, turned) < 0.5 * error(wide, turned)), coarse
        assert found.code.space == "w+" and "b4" in found.code.features
    start = g(wide.code)
    held = g.read(wide.code, ("b4", "rgb4"))
    np.testing.assert_allclose(g(wide.code.replace(features=held)), start, atol=tolerances.OP)
    assert np.abs(g(wide.code.replace(features={"b4": held["b4"], "rgb4": 0 * held["rgb4"]})) - start).max() > 0.01


@pytest.mark.slow
def test_the_prior_of_style_space_does_the_same_and_its_statistics_follow_from_the_key(g, images):
    prior = gaussian(*channels(g, jax.random.key(1), "s", 2000))
    costs = []
    for weight in (0.0, 0.1):
        found, _ = papers.soat(pixel(), 40, weight=weight, samples=500)(Found(g), images, KEY)
        costs.append(prior(images, images, found.code, g)[0])
    assert found.code.space == "s" and np.all(costs[0] > costs[1])
    again, _ = papers.soat(pixel(), 40, weight=0.1, samples=500)(Found(g), images, KEY)
    jax.tree.map(np.testing.assert_array_equal, again.code.value, found.code.value)


def test_the_domain_term_holds_codes_where_the_encoder_puts_them(g, images, encoder):
    guess = g.to(Code(encoder(images), "w"), "w+")
    moved = []
    for weight in (0.0, 100.0):
        found, info = papers.idinvert(encoder, pixel(), 20, weight=weight)(Found(g), images, KEY)
        np.testing.assert_allclose(info["parts"][1]["terms"]["pixel"][0], error(Found(g, guess), images), rtol=1e-4)
        seen = encoder(found.images())
        moved.append(np.square(found.code.value - seen[:, None]).mean((1, 2)))
    assert np.all(moved[1] < moved[0])


def test_what_lies_outside_of_the_mask_has_no_say_in_diffusion(g, images, encoder):
    mask = degrade.box((SIDE, SIDE), (0, 0, SIDE, 3))
    blind = jax.tree_util.tree_map_with_path(lambda p, x: jnp.zeros_like(x) if p[-1].key == "kernel" else x, encoder)
    other = jnp.where(mask == 0, 0.3, images)
    for how in (papers.idinvert, papers.stylegan_encoder):
        codes = [how(blind, pixel(), 6, mask=mask)(Found(g), x, KEY)[0].code.value for x in (images, other)]
        np.testing.assert_array_equal(*codes)


@pytest.mark.slow
def test_pivotal_tuning_keeps_the_pivot_and_comes_nearer(g, images):
    pivot, _ = papers.projector(pixel(), 10, noise=False)(Found(g), images, KEY)
    found, info = papers.pti(pixel(), 10, 15, until=1e-6)(Found(g), images, KEY)
    assert found.stacked and found.code.space == "w" and info["loss"].shape == (25, N)
    assert pivot.code.value.shape == found.code.value.shape
    assert np.all(error(found, images) < info["parts"][0]["final"])
    locality = info["parts"][1]["locality"]
    np.testing.assert_allclose(locality[0], 0, atol=1e-10)
    assert np.all(locality[-1] > 0)
