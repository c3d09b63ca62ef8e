"""Morphs meet their ends to the bit; differences carried over vanish where there is no difference."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import editing as e
from jaxgan.latents.spaces import rows
from jaxgan.latents.stats import population
from tests import planted
from tests.tolerances import NETWORK, OP

KEY = jax.random.key(9)


@pytest.fixture(scope="module")
def g():
    return planted.style()


@pytest.fixture(scope="module")
def codes(g):
    return g.sample(KEY, 2), g.sample(jax.random.key(10), 2)


@pytest.mark.parametrize(
    ("space", "ground"), [(None, "w+"), ("w", "w"), ("z", "z"), ("p+", "w+"), ("p", "w"), ("s", "s")]
)
def test_the_ends_are_met_to_the_bit(g, codes, space, ground):
    a, b = codes
    for t, end in ((0.0, a), (1.0, b)):
        found = e.morph(b, t, space)(g, a)
        assert found.space == ground
        for x, y in zip(jax.tree.leaves(found.value), jax.tree.leaves(g.to(end, ground).value), strict=True):
            np.testing.assert_array_equal(x, y)


def test_the_way_in_z_is_as_long_as_its_ends_and_the_others_are_straight(g, codes, close):
    a, b = codes
    half = e.morph(b, 0.5, "z")(g, a).value
    straight = (a.value + b.value) / 2
    assert np.all(np.linalg.norm(half, axis=1) > 1.2 * np.linalg.norm(straight, axis=1))
    close(e.morph(b, 0.25)(g, a).value, 0.75 * g.to(a, "w+").value + 0.25 * g.to(b, "w+").value, OP)


def test_a_straight_way_in_p_is_one_under_the_whitened_prior_too(g, codes, close):
    chart = population(g, KEY, 500)
    a, b = codes
    ends = [chart.forward(g.to(c, "p").value) for c in (a, b)]
    found = chart.forward(g.to(e.morph(b, 0.3, "p")(g, a), "p").value)
    close(found, 0.7 * ends[0] + 0.3 * ends[1], NETWORK)


def test_each_code_may_go_its_own_way_and_a_sweep_is_a_film(g, codes, close):
    a, b = codes
    both = e.morph(b, jnp.array([0.0, 1.0]))(g, a).value
    np.testing.assert_array_equal(both[0], g.to(a, "w+").value[0])
    np.testing.assert_array_equal(both[1], g.to(b, "w+").value[1])
    film = e.sweep(lambda t: e.morph(b[0], t), jnp.linspace(0, 1, 3))(g, a)
    assert len(film) == 6
    close(film.value[2:4], e.morph(b[0], 0.5)(g, a).value, OP)


def test_noise_maps_go_along(g, codes):
    a, b = codes
    loud = b.replace(noise={"b8_conv0": jnp.ones((1, 8, 8, 1))})
    found = e.morph(loud, 1.0)(g, a)
    np.testing.assert_array_equal(found.noise["b8_conv0"], np.ones((2, 8, 8, 1)))
    assert set(found.noise) > {"b8_conv0", "b4_conv1"}


@pytest.mark.parametrize("space", ["w+", "s"])
def test_no_strength_or_no_difference_is_the_identity(g, codes, space):
    a, b = codes
    start = rows(g.to(a, space).value)
    np.testing.assert_array_equal(rows(e.transfer(a, b, 0.0, space)(g, a).value), start)
    np.testing.assert_array_equal(rows(e.transfer(b, b, 2.0, space)(g, a).value), start)


def test_the_difference_carries_its_source_to_its_target(g, codes, close):
    a, b = codes
    close(e.transfer(a, b)(g, a).value, g.to(b, "w+").value, OP)
    c = g.sample(jax.random.key(11), 1)
    there = e.transfer(a[0], b[0], 1.5)(g, c)
    back = e.transfer(b[0], a[0], 1.5)(g, there)
    close(back.value, g.to(c, "w+").value, OP)


def test_codes_that_do_not_fit_are_told_apart(g, codes):
    with pytest.raises(ValueError, match="The codes are 2 and 3 in number"):
        e.morph(g.sample(KEY, 3), 0.5)(g, codes[0])
    with pytest.raises(ValueError, match="There is no space 'q'"):
        e.morph(codes[1], 0.5, "q")(g, codes[0])
