"""Supervised finders work on every family without knowing its name."""

import jax
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.directions.higan import stepped
from jaxgan.features.attributes import colour
from jaxgan.latents.spaces import rows, styled
from tests.conformance.families import CASES, singly
from tests.conformance.test_families import generator

KEY = jax.random.key(3)


@pytest.mark.parametrize("case", singly(CASES))
def test_boundaries_of_pixel_scores_point_to_higher_scores_in_every_family(case):
    g = generator(case)
    found = jg.discover(g, jg.directions.boundary(colour(), samples=16, batch=2, extremes=0.25), KEY, k=2)
    assert found.space == styled(g) and found.names == ("red", "green")
    assert jax.tree.map(lambda v: v.shape[1:], found.vectors) == g.arch.shape(found.space)
    np.testing.assert_allclose(np.linalg.norm(rows(found.vectors), axis=1), 1, rtol=1e-5)
    assert np.all(found.scales > 0) and len(dict(found.meta)["accuracy"]) == 2
    code = g.to(g.sample(KEY, 2), found.space)
    moved = stepped(g, code, found, np.array([2.0, 0.0]), None)
    edited = jg.edit(g, code, jg.editing.move(found[0], by=2.0))
    np.testing.assert_allclose(rows(moved.value), rows(edited.value), atol=1e-5)
    assert np.all(np.isfinite(g(moved)))
