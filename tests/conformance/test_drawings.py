"""Edits between codes, and drawings, work on every family or say what the family lacks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import editing
from jaxgan.editing.morph import wide
from jaxgan.editing.swap import layers_of
from jaxgan.latents.spaces import rows
from tests.conformance.families import CASES, briefly
from tests.conformance.test_families import generator
from tests.tolerances import NETWORK

every = pytest.mark.parametrize("case", briefly(CASES))
KEY = jax.random.key(4)


def codes(case):
    both = generator(case).sample(KEY, 2)
    return both[0], both[1]


@every
def test_an_edit_of_no_strength_returns_the_code_to_the_bit(case):
    g, (a, b) = generator(case), codes(case)
    still = g.to(a, wide(g))
    for edit in (editing.morph(b, 0.0), editing.transfer(a, b, 0.0), editing.transfer(b, b, 2.0)):
        found = edit(g, a)
        assert found.space == wide(g)
        np.testing.assert_array_equal(rows(found.value), rows(still.value))


@every
def test_all_layers_of_another_generator_are_the_other_generator(case):
    g = generator(case)
    other = jax.tree.map(lambda x: x + 1 if jnp.issubdtype(x.dtype, jnp.floating) else x, g)
    whole = editing.swap(g, other, layers_of(g))
    assert all(jax.tree.leaves(jax.tree.map(lambda x, y: bool(np.array_equal(x, y)), whole, other)))


@pytest.mark.slow
@every
def test_a_blend_ends_at_the_drawings_of_its_codes(case, close):
    g, (a, b) = generator(case), codes(case)
    for t, code in ((0.0, a), (1.0, b)):
        close(editing.blend(t)(g, a, b), g(code), NETWORK, f"mask {t}")


@pytest.mark.slow
@every
def test_a_wider_canvas_is_drawn_or_the_family_says_that_it_cannot(case):
    g, (a, b) = generator(case), codes(case)
    side = g.resolution
    for drawing, shape, given in (
        (editing.widen(2, at=4), (1, side, 2 * side), a),
        (editing.panorama(), (1, side, 2 * side), jax.tree.map(lambda *x: jnp.concatenate(x), a, b)),
    ):
        try:
            assert drawing(g, given).shape[:3] == shape
        except ValueError as error:
            assert g.arch.name in str(error) and "\n" not in str(error)
