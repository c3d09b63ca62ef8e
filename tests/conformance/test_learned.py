"""Finders that learn, and those of regions, work on every family without knowing its name."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.latents.spaces import rows, styled
from tests.conformance.families import CASES, singly
from tests.conformance.test_families import generator

KEY = jax.random.key(3)
pytestmark = pytest.mark.slow
every = pytest.mark.parametrize("case", singly(CASES))


class Look(nn.Module):
    """A trunk that averages pixels."""

    @nn.compact
    def __call__(self, images, train):
        return [nn.relu(nn.Dense(4)(images))]


@pytest.mark.parametrize("name", ["resefa", "latentclr", "reconstruct", "warped"])
@every
def test_two_directions_are_found_that_move_images(case, name):
    g = generator(case)
    finder = {
        "resefa": jg.directions.jacobian(
            region=jg.editing.box(g.resolution, 0, 0, 0.5, 1), method="rayleigh", samples=1, randomized=True, rank=2
        ),
        "latentclr": jg.directions.latentclr(1, batch=2),
        "reconstruct": jg.directions.reconstruct(1, trunk=Look(), batch=2),
        "warped": jg.directions.warped(1, trunk=Look(), batch=2, dipoles=2),
    }[name]
    found = jg.discover(g, finder, KEY, k=2)
    assert found.space == styled(g) and dict(found.meta)["method"] == name
    assert jax.tree.map(lambda v: v.shape[1:], found.vectors) == g.arch.shape(found.space)
    np.testing.assert_allclose(jnp.linalg.norm(rows(found.vectors), axis=1), 1, rtol=1e-4)
    code = g.to(g.sample(KEY, 1), found.space)
    drawn = g(jg.edit(g, code, jg.editing.move(found[0], by=2.0)))
    assert np.all(np.isfinite(drawn)) and np.abs(drawn - g(code)).max() > 1e-4
