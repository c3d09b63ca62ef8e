"""Inversion, directions and edits work on every family without knowing its name; what cannot apply says what can."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.latents.spaces import first, rows, styled
from tests.conformance.families import CASES, briefly, singly
from tests.conformance.test_families import generator
from tests.tolerances import OP

every = pytest.mark.parametrize("case", briefly(CASES))
one = pytest.mark.parametrize("case", singly(CASES))
KEY = jax.random.key(3)
K = 2
PIXELS = jg.losses.pixel()  # one object: another one would compile anew


@cache
def found(case, name):
    g = generator(case)
    finder = {
        "pca": jg.directions.pca(samples=64),
        "sefa": jg.directions.sefa(include_torgb="all"),
        # Of an early activation, whose gradient compiles sooner than that of the images.
        "hessian": jg.directions.hessian(steps=2, batch=2, tap="image" if str(case) == "gan" else g.arch.taps[0]),
    }[name]
    return jg.discover(g, finder, KEY, k=K)


def moves_images(g, directions):
    code = g.to(g.sample(KEY, 2), directions.space)
    moved = jg.edit(g, code, jg.editing.move(directions[0], by=2.0))
    assert moved.space in (code.space, code.space + "+")
    drawn = g(moved)
    assert np.all(np.isfinite(drawn)) and np.abs(drawn - g(code)).max() > 1e-4


def is_a_basis(g, directions, space):
    assert directions.space == space and len(directions) == K
    assert jax.tree.map(lambda v: v.shape[1:], directions.vectors) == g.arch.shape(space)
    np.testing.assert_allclose(directions.flat() @ directions.flat().T, np.eye(K), atol=1e-4)
    assert np.all(directions.scales > 0) and np.all(np.isfinite(directions.scales))


@every
def test_principal_components_are_a_basis_in_order_and_move_images(case):
    g, directions = generator(case), found(case, "pca")
    is_a_basis(g, directions, styled(g))
    explained = dict(directions.meta)["explained"]
    assert 1 >= explained[0] >= explained[1] > 0
    moves_images(g, directions)


@every
def test_sefa_finds_a_basis_where_affines_are_named_and_elsewhere_says_what_is_offered(case):
    g = generator(case)
    if g.arch.affines:
        is_a_basis(g, found(case, "sefa"), styled(g))
        moves_images(g, found(case, "sefa"))
        return
    with pytest.raises(ValueError) as error:
        found(case, "sefa")
    said = str(error.value)
    assert g.arch.name in said and "pca" in said and "hessian" in said and "\n" not in said
    assert all(repr(space) in said for space in g.spaces)


@every
def test_the_hessian_basis_is_orthonormal_and_moves_images(case):
    g, directions = generator(case), found(case, "hessian")
    is_a_basis(g, directions, styled(g))
    assert np.all(np.isfinite(dict(directions.meta)["penalty"]))
    moves_images(g, directions)


@one
def test_principal_components_of_a_tap_are_directions_of_the_first_space(case):
    g = generator(case)
    finder = jg.directions.pca(samples=32, tap=g.arch.taps[0], batch=16)
    directions = jg.discover(g, finder, KEY, k=K)
    assert directions.space == first(g) and np.all(np.isfinite(directions.flat()))
    moves_images(g, directions)


@every
def test_a_space_that_is_not_there_is_answered_with_those_that_are(case):
    g = generator(case)
    for finder in (jg.directions.pca(space="q"), jg.directions.hessian(steps=1, space="q")):
        with pytest.raises(ValueError, match="There is no space 'q'") as error:
            jg.discover(g, finder, KEY, k=1)
        assert all(repr(space) in str(error.value) for space in g.spaces)
    with pytest.raises(ValueError, match="There is no space 'q'"):
        jg.invert(g, jnp.zeros((1, g.resolution, g.resolution, g.arch.channels)), refine(space="q"), KEY)


def refine(**more):
    return jg.inversion.refine(PIXELS, **{"steps": 20, "samples": 64, **more})


def comes_nearer(case, space, close):
    g = generator(case)
    code = g.sample(jax.random.key(4), 2)
    images = g(code)
    if np.abs(images).max() > jg.api.SLACK:
        images = images / np.abs(images).max()
    start = g.to(code, space)
    away = jax.tree.map(lambda v: v + 0.3 * jax.random.normal(KEY, v.shape), start.value)
    answer, info = jg.invert(g, images, refine(space=space), KEY, start=start.replace(value=away))
    assert answer.code.space == space and answer.generator is g
    assert info["loss"].shape == (20, 2) and np.all(np.isfinite(info["loss"]))
    assert np.all(info["final"] < info["loss"][0])
    drawn = PIXELS(g(answer.code), images, answer.code, g)[0]
    close(drawn, info["final"], OP, "the figure is that of the code that is returned")


@every
def test_refinement_comes_nearer_to_images_that_the_generator_drew(case, close):
    comes_nearer(case, styled(generator(case)), close)


@one
def test_refinement_in_the_first_space_comes_nearer_too(case, close):
    comes_nearer(case, first(generator(case)), close)


@every
def test_refinement_from_nothing_needs_no_code_and_no_condition(case):
    g = generator(case)
    images = jnp.clip(g(g.sample(jax.random.key(4), 2)), -1, 1)
    answer, info = jg.invert(g, images, refine(space=styled(g)), KEY)
    assert len(answer.code) == 2 and np.all(np.isfinite(info["final"]))
    assert rows(answer.code.value).shape[0] == 2
    assert (answer.code.cond is None) or answer.code.cond.shape == (2, case.classes)
