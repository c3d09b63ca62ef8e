"""Codes that an edit carries out of the population are told, once, with how far they are; others are not."""

import re
import warnings

import jax
import jax.numpy as jnp
import pytest

import jaxgan as jg
from jaxgan.core import Code, Directions
from jaxgan.metrics import Bounds, LeavesPopulation, bounds, leaving
from tests import planted

KEY = jax.random.key(2)
G = planted.linear(planted.orthogonal(KEY, 16)[:6])
AXIS = Directions(jnp.eye(6)[:1], jnp.ones(1), "z")


@pytest.fixture(scope="module")
def reach():
    return bounds(G, KEY, 20_000)


def test_the_limit_is_the_populations_quantile(reach):
    # sqrt(chi^2_6 / 6) at 0.999: 22.458 / 6.
    assert float(reach.limits["z"]) == pytest.approx((22.458 / 6) ** 0.5, rel=0.03)
    with pytest.raises(ValueError, match="between 0 and 1"):
        bounds(G, KEY, 100, quantile=1.0)


def test_an_edit_that_leaves_the_population_warns_once_and_says_how_far(reach):
    code = Code(jnp.zeros((3, 6)).at[0, 0].set(1.0), "z")
    with pytest.warns(LeavesPopulation) as said:
        jg.edit(G, code, jg.editing.move(AXIS, by=6.0), bounds=reach)
    message = str(said[0].message)
    assert len(said) == 1 and "\n" not in message and message.startswith("3 of 3 edited codes lie outside")
    after, before, limit = map(
        float, re.search(r"distance (\S+) in 'z' \((\S+) before\), .* within (\S+); edit less", message).groups()
    )
    assert after == pytest.approx(7 / 6**0.5, rel=0.03) and before == pytest.approx(1 / 6**0.5, rel=0.05)
    assert limit == pytest.approx(float(reach.limits["z"]), abs=0.01) and "99.9% of the population" in message


def test_what_stays_within_or_was_beyond_before_is_not_told(reach):
    inside, beyond = Code(jnp.zeros((2, 6)), "z"), Code(jnp.full((2, 6), 9.0), "z")
    assert leaving(G, inside, jg.edit(G, inside, jg.editing.move(AXIS, by=1.0)), reach) is None
    assert leaving(G, beyond, beyond, reach) is None
    assert leaving(G, beyond, beyond.replace(value=beyond.value * 0.9), reach) is None
    farther = leaving(G, beyond, beyond.replace(value=beyond.value * 1.1), reach)
    assert "(2 did before the edit)" in farther and "invert nearer to it" in farther


def test_strengths_of_a_sweep_are_counted_one_by_one(reach):
    code = Code(jnp.zeros((2, 6)), "z")
    swept = jg.editing.sweep(lambda by: jg.editing.move(AXIS, by), jnp.array([0.0, 8.0]))(G, code)
    assert str(leaving(G, code, swept, reach)).startswith("2 of 4")


def test_without_bounds_or_inside_a_compiled_function_nothing_is_said(reach):
    code = Code(jnp.zeros((2, 6)), "z")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        jg.edit(G, code, jg.editing.move(AXIS, by=9.0))
        jax.jit(lambda code: jg.edit(G, code, jg.editing.move(AXIS, by=9.0), bounds=reach).value)(code)


def test_what_cannot_be_measured_is_not_told():
    code = Code(jnp.zeros((2, 6)), "z")
    assert leaving(G, code, code.replace(value=code.value + 100), Bounds({}, {})) is None
