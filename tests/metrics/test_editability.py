"""Editability's figures on generators whose answers are known."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.core import Code, Directions
from jaxgan.editing import identity, move
from jaxgan.metrics import charts, consistency, drift, mahalanobis, mse, rows_apart
from tests import planted, tolerances

KEY = jax.random.key(2)


@pytest.fixture(scope="module")
def g():
    return planted.style(resolution=8)


@pytest.fixture(scope="module")
def plane():
    """A linear generator with orthonormal axes: codes can be read off images."""
    return planted.linear(planted.orthogonal(KEY, 16)[:6])


@pytest.fixture(scope="module")
def axis():
    return Directions(jnp.eye(6)[:1], jnp.ones(1), "z")


def test_the_populations_own_codes_lie_at_distance_one_in_every_space(g):
    scale = charts(g, KEY, 4000)
    assert set(scale) == {"p", "w"}
    for space in ("z", "w", "w+", "p", "p+"):
        found = mahalanobis(g, g.to(g.sample(jax.random.key(5), 400), space), scale)
        assert set(found) == {"p", "w"}
        for distance in found.values():
            assert distance.shape == (400,)
            assert float(jnp.square(distance).mean()) == pytest.approx(1, abs=0.1)


def test_rows_that_wander_apart_are_farther_than_their_mean(g):
    scale = charts(g, KEY, 4000)
    w = g.to(g.sample(jax.random.key(5), 50), "w")
    row = g.to(w, "w+")
    apart = row.replace(value=row.value + jax.random.normal(KEY, row.value.shape))
    near, far = mahalanobis(g, row, scale), mahalanobis(g, apart, scale)
    np.testing.assert_allclose(near["p"], mahalanobis(g, w, scale)["p"], rtol=1e-4)
    assert jnp.all(far["p"] > near["p"]) and jnp.all(far["w"] > near["w"])


def test_rows_of_two_codes_lie_apart_as_the_population_is_wide(g):
    scale = charts(g, KEY, 4000)
    a, b = (g.to(g.sample(jax.random.key(seed), 400), "w+") for seed in (5, 6))
    assert set(rows_apart(g, a, scale)) == {"p", "w"}
    for space, distance in rows_apart(g, a, scale).items():
        np.testing.assert_allclose(distance, 0, atol=1e-3)
        mixed = a.replace(value=jnp.concatenate([a.value[:, :2], b.value[:, 2:]], 1))
        assert float(jnp.square(rows_apart(g, mixed, scale)[space]).mean()) == pytest.approx(0.5, abs=0.06)
    np.testing.assert_array_equal(rows_apart(g, g.sample(KEY, 2), scale)["p"], 0)


def test_a_space_behind_the_charts_is_left_out(g):
    code, scale = g.to(g.sample(KEY, 2), "s"), charts(g, KEY, 100)
    assert mahalanobis(g, code, scale) == {} and rows_apart(g, code, scale) == {}


def test_a_generator_without_styles_is_measured_where_it_starts(plane):
    scale = charts(plane, KEY, 4000)
    assert set(scale) == {"z"}
    far = Code(jnp.full((1, 6), 3.0), "z")
    assert float(mahalanobis(plane, far, scale)["z"][0]) == pytest.approx(3, rel=0.1)


def test_drift_is_the_distance_that_an_edit_carries_images(plane, axis):
    code = plane.sample(KEY, 3)
    found = drift(plane, plane, code, [move(axis, by) for by in (-2.0, 2.0)], mse)
    np.testing.assert_allclose(found, np.full(3, 4 / 16), rtol=1e-4)
    np.testing.assert_array_equal(drift(plane, plane, code, [identity], mse), 0)
    with pytest.raises(ValueError, match="at least one edit"):
        drift(plane, plane, code, [], mse)


def test_an_inverter_that_finds_every_code_is_consistent(plane, axis):
    matrix = plane.params["draw"]["matrix"]
    exact = lambda images: Code(images.reshape(len(images), -1) @ matrix.T, "z")
    there, back = move(axis, 2.0), move(axis, -2.0)
    code = plane.sample(KEY, 3)
    measure = partial(consistency, plane, plane, code, key=KEY)
    assert measure(there, back, exact).max() < tolerances.NETWORK


def test_inconsistency_counts_in_spreads_of_the_population(plane, axis):
    code = plane.sample(KEY, 3)
    deaf = lambda images: code  # an encoder that does not see the edit
    found = consistency(plane, plane, code, move(axis, 2.0), move(axis, -2.0), deaf, KEY)
    np.testing.assert_allclose(found, np.full(3, 2 / 6**0.5), rtol=1e-5)


def test_the_identity_edit_measures_one_more_inversion(plane):
    code = plane.sample(KEY, 3)
    half = lambda images: code.replace(value=code.value / 2)
    found = consistency(plane, plane, code, identity, identity, half, KEY)
    np.testing.assert_allclose(found, jnp.linalg.norm(code.value, axis=1) / 2 / 6**0.5, rtol=1e-5)
