"""Merged pictures: inversions of a composite, planted in a linear generator that can draw every one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.inversion import Found, crossover, diffusion, refine
from jaxgan.losses import pixel
from tests import planted
from tests.tolerances import NETWORK

KEY = jax.random.key(21)
LEFT = jnp.zeros((4, 4)).at[:, :2].set(1.0)


@pytest.fixture(scope="module")
def g():
    return planted.linear(planted.orthogonal(KEY, 16))


@pytest.fixture(scope="module")
def pair(g):
    images = g(g.sample(jax.random.key(22), 2))
    return images[:1], images[1:]


def test_a_crossover_shows_each_picture_on_its_side(g, pair, close):
    a, b = pair
    found, info = crossover(b, LEFT, pixel(), 300, space="z")(Found(g), a, KEY)
    drawn = found.images()
    close(drawn[:, :, :2], b[:, :, :2], 10 * NETWORK)
    close(drawn[:, :, 2:], a[:, :, 2:], 10 * NETWORK)
    assert info["loss"].shape == (300, 1)


def test_without_a_mask_each_is_the_inversion_of_one(g, pair):
    a, b = pair
    alone = refine(pixel(), steps=20, space="z", start="mean")(Found(g), a, KEY)[0]
    for mask, other, ground in ((jnp.zeros((4, 4)), b, a), (jnp.ones((4, 4)), a, b)):
        found = crossover(other, mask, pixel(), 20, space="z", lr=0.1)(Found(g), ground, KEY)[0]
        np.testing.assert_allclose(found.code.value, alone.code.value, atol=NETWORK)


def test_diffusion_keeps_what_is_pasted_and_leaves_the_rest_to_the_start(g, pair, close):
    """The second search pulls at the pasted part alone: an orthogonal generator's other coordinates stay."""
    a, b = pair
    short = diffusion(b, LEFT, pixel(), 5, 0, space="z")(Found(g), a, KEY)[0].images()
    drawn = diffusion(b, LEFT, pixel(), 5, 400, space="z")(Found(g), a, KEY)[0].images()
    close(drawn[:, :, :2], b[:, :, :2], 10 * NETWORK)
    assert np.abs(drawn - short)[:, :, :2].max() > 0.1
    assert np.abs(drawn - a)[:, :, 2:].max() > 0.1, "what lies around is not copied"
