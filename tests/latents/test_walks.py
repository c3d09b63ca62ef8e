"""Codes by seed, and walks between codes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.core import Code
from jaxgan.latents.walks import arc, joined, seeded, walk
from tests.planted import linear, style
from tests.tolerances import OP


@pytest.fixture(scope="module")
def g():
    return style(0, classes=3)


def test_a_seed_gives_the_same_code_whatever_the_others_are(g):
    one, many = seeded(g, [7]), seeded(g, [3, 7, 9])
    np.testing.assert_array_equal(many.value[1], one.value[0])
    np.testing.assert_array_equal(many.cond[1], one.cond[0])


def test_a_given_condition_is_that_of_every_code(g):
    cond = jnp.array([0.0, 1.0, 0.0])
    assert (seeded(g, [1, 2], cond).cond == cond).all()


def test_joined_undoes_taking_apart(g):
    code = g.sample(jax.random.key(0), 4)
    again = joined([code[i] for i in range(4)])
    np.testing.assert_array_equal(again.value, code.value)
    np.testing.assert_array_equal(again.cond, code.cond)


def test_joined_codes_keep_their_own_noise_and_features():
    code = Code(jnp.ones((2, 3)), "w", noise={"a": jnp.ones((1, 2, 2, 1))}, features={"b": jnp.zeros((1, 2, 2, 4))})
    other = code.replace(noise={"a": jnp.full((1, 2, 2, 1), 2.0)})
    both = joined([code, other])
    assert both.noise["a"].shape == (4, 2, 2, 1) and both.features["b"].shape == (4, 2, 2, 4)
    np.testing.assert_array_equal(both.noise["a"][:, 0, 0, 0], [1, 1, 2, 2])
    with pytest.raises(ValueError, match="differ in what they hold"):
        joined([code, code.replace(features=None)])


def test_a_walk_takes_its_features_along():
    code = Code(jnp.ones((2, 3)), "w", features={"b": jnp.arange(2.0).reshape(2, 1, 1, 1)})
    way = walk(linear(jnp.eye(4)), code, 2)
    np.testing.assert_allclose(way.features["b"].ravel(), [0, 0.5, 1, 0.5])


def test_codes_of_two_spaces_do_not_join(g):
    code = g.sample(jax.random.key(0), 1)
    with pytest.raises(ValueError, match="live in w, z"):
        joined([code, g.to(code, "w")])


@pytest.mark.parametrize("space", ["z", "w", "w+", "s"])
def test_a_walk_passes_through_its_codes(g, space):
    code = g.to(g.sample(jax.random.key(1), 3), space)
    way = walk(g, code, 5)
    assert len(way) == 15
    for a, b in zip(jax.tree.leaves(way[::5].value), jax.tree.leaves(code.value), strict=True):
        np.testing.assert_allclose(a, b, atol=OP)


def test_a_walk_in_w_is_straight_and_even(g):
    code = g.to(g.sample(jax.random.key(1), 2), "w")
    way = walk(g, code, 4)
    there = code.value[0] + (code.value[1] - code.value[0]) * jnp.arange(4)[:, None] / 4
    np.testing.assert_allclose(way.value[:4], there, atol=OP)


def test_an_arc_keeps_the_length_and_the_pace():
    a, b = jnp.array([[2.0, 0.0]]), jnp.array([[0.0, 2.0]])
    t = jnp.linspace(0, 1, 5)
    points = arc(jnp.repeat(a, 5, 0), jnp.repeat(b, 5, 0), t)
    np.testing.assert_allclose(jnp.linalg.norm(points, axis=1), 2.0, atol=OP)
    np.testing.assert_allclose(jnp.arctan2(points[:, 1], points[:, 0]), t * jnp.pi / 2, atol=OP)


def test_an_arc_between_equal_points_stays_there():
    a = jnp.ones((3, 4))
    np.testing.assert_allclose(arc(a, a, jnp.array([0.0, 0.3, 1.0])), a, atol=OP)


def test_a_walk_of_one_code_is_an_error():
    g = linear(np.eye(4, dtype=np.float32))
    with pytest.raises(ValueError, match="at least 2 codes"):
        walk(g, Code(jnp.zeros((1, 4)), "z"), 5)
