import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.core import Code
from jaxgan.inversion import Found, papers
from jaxgan.inversion.papers.mganprior import composed, flattened
from jaxgan.losses import degrade, observed, pixel
from jaxgan.models import pggan
from tests import planted, tolerances

KEY = jax.random.key(7)
TAP, CODES, WIDTH = "b4", 3, 12


@pytest.fixture(scope="module")
def g():
    return planted.layered()


@pytest.fixture(scope="module")
def many(g):
    return composed(g, TAP, CODES, KEY, 100)


def test_one_code_of_weight_one_draws_what_the_code_draws(g, close):
    one = composed(g, TAP, 1, KEY, 100)
    z = g.sample(jax.random.key(1), 2)
    buffers = one.buffers["codes"]
    rest = (g.to(z, "w+").value - buffers["mean"]) / buffers["spread"]
    code = Code((z.value[:, None], jnp.ones((2, 1, WIDTH)), rest), "codes")
    close(one(code), g(z), tolerances.NETWORK)


def test_the_order_of_the_codes_does_not_matter(many, close):
    code = many.sample(jax.random.key(1), 2)
    z, _, rest = code.value
    weights = jax.random.normal(KEY, (2, CODES, WIDTH))
    turned = code.replace(value=(z[:, ::-1], weights[:, ::-1], rest))
    close(many(turned), many(code.replace(value=(z, weights, rest))), tolerances.NETWORK)


def test_the_gradient_of_a_weight_is_the_product_of_its_feature_with_that_of_the_sum(g, many, close):
    code = many.sample(jax.random.key(1), 2)
    z, weights, rest = code.value
    slope = jax.grad(lambda a: jnp.square(many(code.replace(value=(z, a, rest)))).sum())(weights)
    flat = flattened(many, code)
    cost = lambda f: jnp.square(g(flat.replace(features={TAP: f}))).sum()
    at_sum = jax.grad(cost)(flat.features[TAP])
    features = g.read(Code(z.reshape(-1, WIDTH), "z"), (TAP,))[TAP].reshape(2, CODES, 4, 4, WIDTH)
    close(slope, jnp.einsum("nkhwc,nhwc->nkc", features, at_sum) / CODES, tolerances.NETWORK)


@pytest.mark.slow
def test_its_codes_draw_what_it_found_and_more_codes_find_more(g):
    images = g(g.sample(jax.random.key(3), 2))
    finals = []
    for codes in (1, 4):
        found, info = papers.mganprior(TAP, codes, pixel(), 25, samples=100)(Found(g), images, KEY)
        finals.append(info["final"].mean())
        np.testing.assert_allclose(pixel()(found.images(), images)[0], info["final"], rtol=1e-3)
        assert found.generator is g and found.code.space == "w+" and found.code.features[TAP].shape == (2, 4, 4, WIDTH)
    assert finals[1] < finals[0] and np.all(info["final"] < info["loss"][0])


def test_a_family_without_styles_paints_what_lies_in_a_hole():
    g = pggan.arch(resolution=8, channel_base=64, channel_max=8, z_dim=8).init(KEY)
    images = jnp.clip(g(g.sample(jax.random.key(3), 2)), -1, 1)
    seen = degrade.hole(degrade.box((8, 8), (2, 2, 4, 4)))
    lost = jnp.where(seen(jnp.ones_like(images)) == 0, 1.0, images)
    how = papers.mganprior("b4", 2, observed(pixel(), seen), 15)
    found, info = how(Found(g), lost, KEY)
    whole, _ = how(Found(g), images, KEY)
    assert found.code.space == "z" and np.all(info["final"] < info["loss"][0])
    np.testing.assert_array_equal(found.images(), whole.images())


def test_what_is_not_there_is_named(g):
    with pytest.raises(ValueError, match="no tap 'b7'"):
        papers.mganprior("b7")(Found(g), jnp.zeros((1, 8, 8, 3)), KEY)
    with pytest.raises(ValueError, match="at least 1"):
        papers.mganprior(TAP, 0)(Found(g), jnp.zeros((1, 8, 8, 3)), KEY)
