import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxgan.core import Code
from jaxgan.core.network import initialise
from jaxgan.inversion import Found, chain, encode, refine, tune
from jaxgan.inversion.base import in_chunks
from jaxgan.losses.reconstruct import pixel
from tests import planted, tolerances

KEY = jax.random.key(4)


@pytest.fixture(scope="module")
def g():
    return planted.style()


@pytest.fixture(scope="module")
def images(g):
    return g(g.sample(jax.random.key(3), 3))


class Look(nn.Module):
    """A tiny encoder to codes of a given shape."""

    shape: tuple[int, ...]

    @nn.compact
    def __call__(self, images):
        size = int(np.prod(self.shape))
        return nn.Dense(size)(images.reshape(len(images), -1)).reshape(-1, *self.shape)


def encoder(shape):
    return initialise(Look(shape), jax.random.key(0), jnp.zeros((1, 16, 16, 3)))


def test_chain_is_associative_and_empty_chain_is_the_identity(g, images):
    a, b, c = (refine(pixel(), optax.adam(r), steps=3) for r in (0.1, 0.05, 0.01))
    left, _ = chain(chain(a, b), c)(Found(g), images, KEY)
    right, info = chain(a, chain(b, c))(Found(g), images, KEY)
    np.testing.assert_array_equal(left.code.value, right.code.value)
    found = Found(g, left.code)
    same, nothing = chain()(found, images, KEY)
    assert same is found and nothing["loss"].shape == (0, 3) and info["loss"].shape == (9, 3)


@pytest.mark.parametrize("shape,space", [((16,), "w"), ((6, 16), "w+")])
def test_encoder_names_the_space_by_the_shape_of_its_codes(g, images, shape, space):
    network = encoder(shape)
    found, info = encode(network, objective=pixel())(Found(g), images, KEY)
    assert found.code.space == space
    np.testing.assert_array_equal(found.code.value, network(images))
    np.testing.assert_allclose(info["loss"][0], pixel()(g(found.code), images)[0], rtol=1e-5)
    found, info = chain(encode(network), refine(pixel(), steps=4, space="w+"))(Found(g), images, KEY)
    assert info["loss"].shape == (4, 3) and found.code.space == "w+"


def test_encoder_of_another_shape_is_refused(g, images):
    with pytest.raises(ValueError, match=r"\[N, \*\(7,\)\]"):
        encode(encoder((7,)))(Found(g), images, KEY)


@pytest.mark.parametrize("each", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_tuning_lowers_the_loss_at_the_pivot_and_spares_the_mapping(g, images, each):
    pivot = Found(g, g.to(g.sample(KEY, 3), "w"))
    found, info = tune(pixel(), optax.adam(0.01), steps=30, each=each)(pivot, images, KEY)
    loss = np.asarray(info["loss"])
    np.testing.assert_allclose(loss[0], pixel()(g(pivot.code), images)[0], rtol=1e-4)
    assert loss.shape == (30, 3) and np.all(info["final"] < 0.7 * loss[0])
    np.testing.assert_allclose(pixel()(found.images(), images)[0], info["final"], rtol=1e-3)
    np.testing.assert_array_equal(found.code.value, pivot.code.value)
    kept = found[0].generator.params["mapping"]
    jax.tree.map(np.testing.assert_array_equal, kept, g.params["mapping"])


def test_tuning_each_equals_tuning_alone(g, images, close):
    code = g.to(g.sample(KEY, 3), "w")
    how = tune(pixel(), optax.sgd(0.01), steps=5, each=True)
    together, _ = how(Found(g, code), images, KEY)
    alone, _ = tune(pixel(), optax.sgd(0.01), steps=5)(Found(g, code[1]), images[1:2], KEY)
    close(together[1].images(), alone.images(), tolerances.NETWORK)
    with pytest.raises(ValueError, match="one per image"):
        how(together, images, KEY)


def test_tuning_without_steps_or_step_size_changes_nothing(g, images):
    start = Found(g, g.to(g.sample(KEY, 3), "w"))
    assert tune(pixel(), steps=0)(start, images, KEY)[0] is start
    still, _ = tune(pixel(), optax.sgd(0.0), steps=2)(start, images, KEY)
    jax.tree.map(np.testing.assert_array_equal, still.generator.params, g.params)


def test_tuning_falls_back_from_a_step_that_explodes(g, images):
    start = Found(g, g.to(g.sample(KEY, 3), "w"))
    _, info = tune(pixel(), optax.sgd(1e12), steps=3)(start, images, KEY)
    assert np.all(np.isfinite(info["final"]))
    assert np.mean(info["final"]) <= np.mean(info["loss"][0]) * 1.0001


def test_tuning_needs_a_pivot(g, images):
    with pytest.raises(ValueError, match="encoder or refine"):
        tune(pixel())(Found(g), images, KEY)


def test_chunks_cover_every_member_once():
    x = jnp.arange(7.0)
    for size in (None, 1, 2, 3, 7, 10):
        np.testing.assert_array_equal(in_chunks(lambda v: {"y": v * 2}, size, x)["y"], x * 2)


def test_one_image_can_be_taken(g):
    code = g.sample(KEY, 3)
    one = Found(g, code)[1]
    assert isinstance(one.code, Code) and len(one.code) == 1
    np.testing.assert_allclose(one.images(), g(code)[1:2], atol=1e-5)
