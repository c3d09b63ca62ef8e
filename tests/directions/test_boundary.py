import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.core import Code, Directions
from jaxgan.directions.boundary import solve
from jaxgan.directions.observe import observe
from jaxgan.features import attributes
from jaxgan.latents import stats
from jaxgan.latents.spaces import rows
from tests import planted

KEY = jax.random.key(11)
D, PIXELS = 20, 36
SAMPLES = {"samples": 4000, "batch": 2000, "extremes": 0.1}


@pytest.fixture(scope="module")
def g():
    """x = z R with orthonormal columns in R: scores of the pixels are scores of the code."""
    return planted.linear(planted.orthogonal(jax.random.key(1), PIXELS)[:D])


@pytest.fixture(scope="module")
def truth():
    return planted.orthogonal(jax.random.key(2), D)[:3]


@pytest.fixture(scope="module")
def scorer(g, truth):
    """Three scores that are linear in the code, at scales and offsets of their own. Images are clipped at 1."""
    back = 30 * g.params["draw"]["matrix"].T @ truth.T * jnp.array([1.0, 50.0, 0.02]) + 0.0

    def score(images):
        return images.reshape(len(images), -1) @ back + jnp.array([0.0, 7.0, -3.0])

    return attributes.Scorer(score, ("a", "b", "c"))


@pytest.fixture(scope="module")
def small(g):
    """The same generator with images that stay within [-1, 1]."""
    return g.replace(params={"draw": {"matrix": g.params["draw"]["matrix"] / 30}})


@pytest.mark.parametrize("loss", ["logistic", "hinge2", "mean", "ridge"])
def test_planted_hyperplanes_are_found_with_their_side_and_their_name(small, scorer, truth, loss):
    found = jg.discover(small, jg.directions.boundary(scorer, loss=loss, **SAMPLES), KEY)
    cosines = (found.vectors * truth).sum(1)
    assert cosines.min() > 0.97, cosines
    assert found.names == ("a", "b", "c") and found.space == "z" and len(found) == 3
    np.testing.assert_allclose(jnp.linalg.norm(found.vectors, axis=1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(found.scales, 1.0, rtol=0.05)
    assert min(dict(found.meta)["accuracy"]) > 0.97
    assert len(jg.discover(small, jg.directions.boundary(scorer, loss=loss, **SAMPLES), KEY, k=2)) == 2


def test_neither_scale_nor_offset_of_the_scores_matters(small, scorer):
    other = attributes.Scorer(lambda images: 1000 * scorer(images) - 5, scorer.names)
    for loss in ("logistic", "ridge"):
        one, two = (jg.directions.boundary(s, loss=loss, **SAMPLES)(small, KEY, 3) for s in (scorer, other))
        np.testing.assert_allclose(one.vectors, two.vectors, atol=1e-4)


def test_a_conditional_boundary_is_orthogonal_to_any_number_of_conditions(small, scorer):
    given = Directions(jax.random.normal(KEY, (7, D)), jnp.ones(7), "z")
    found = jg.directions.boundary(scorer, given=given, **SAMPLES)(small, KEY, 3)
    unit = np.asarray(given.vectors, np.float64) / np.linalg.norm(given.vectors, axis=1, keepdims=True)
    assert np.abs(np.asarray(found.vectors, np.float64) @ unit.T).max() < 1e-6
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, rtol=1e-6)


def test_conditions_that_depend_on_each_other_or_leave_nothing_are_refused():
    rows = np.random.default_rng(0).normal(size=(3, D)).astype(np.float32)
    directions = lambda v: Directions(jnp.asarray(v), jnp.ones(len(v)), "w")
    three = directions(rows)
    with pytest.raises(ValueError, match="depend on each other"):
        directions(rows[:1]).project_out(directions(np.stack([rows[1], rows[2], rows[1] - 3 * rows[2]])))
    with pytest.raises(ValueError, match="depend on each other"):
        directions(rows[:1]).project_out(directions(np.random.default_rng(1).normal(size=(D + 1, D))))
    with pytest.raises(ValueError, match="nothing of it is left"):
        directions(rows[:1] + 2 * rows[1:2]).project_out(three[:2])
    with pytest.raises(ValueError, match="one space"):
        three.project_out(three[:1].replace(space="z"))


def test_what_is_left_of_a_direction_is_orthogonal_however_little_it_is():
    rng = np.random.default_rng(3)
    base = rng.normal(size=(2, 512))
    near = base.sum(0) + 1e-2 * rng.normal(size=512)
    directions = lambda v: Directions(jnp.asarray(v / np.linalg.norm(v, axis=1, keepdims=True)), jnp.ones(len(v)), "w")
    left, kept = directions(near[None]).project_out(directions(base)), directions(base)
    assert np.abs(np.asarray(left.vectors, np.float64) @ np.asarray(kept.vectors, np.float64).T).max() < 1e-6


@pytest.mark.slow
def test_directions_are_found_in_every_space_of_a_style_generator():
    g = planted.style(resolution=8, channel_base=64, channel_max=8)
    for space in g.spaces:
        finder = jg.directions.boundary(attributes.brightness(), space=space, samples=64, batch=64, extremes=0.25)
        found = jg.discover(g, finder, KEY)
        assert jax.tree.map(lambda v: v.shape[1:], found.vectors) == g.arch.shape(space) and found.space == space
        np.testing.assert_allclose(jnp.linalg.norm(rows(found.vectors), axis=1), 1.0, rtol=1e-5)
        w = rows(stats.draw(g, jax.random.key(3), 4000, space).value) @ rows(found.vectors).T
        np.testing.assert_allclose(found.scales, w.std(0), rtol=0.1)


def test_labels_by_hand_belong_to_given_codes(small, truth):
    codes = small.sample(KEY, 500)
    values = np.array(codes.value @ truth.T)
    values[::3] = np.nan
    found = jg.directions.boundary(attributes.Labels(values, ("a", "b", "c")), codes=codes, extremes=0.5, batch=64)
    assert (found(small, KEY, 3).vectors * truth).sum(1).min() > 0.93
    with pytest.raises(ValueError, match="give codes="):
        jg.directions.boundary(attributes.Labels(values, ("a", "b", "c")))(small, KEY, 1)
    with pytest.raises(ValueError, match="500 rows of labels for 20 codes"):
        jg.directions.boundary(attributes.Labels(values, ("a",)), codes=codes[:20])(small, KEY, 1)


def test_codes_come_back_by_number(small):
    seen = observe(small, KEY, lambda images: images.reshape(len(images), -1), "z", 70, batch=32)
    back = seen.rows(np.array([69, 3, 40, 3]))
    images = small(Code(jnp.asarray(back), "z"))
    np.testing.assert_allclose(images.reshape(4, -1), seen.scores[[69, 3, 40, 3]], atol=1e-6)


def test_fewer_codes_than_coordinates_give_the_same_answer_as_the_whole_space():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 50)).astype(np.float32), np.repeat([1.0, -1.0], 15).astype(np.float32)
    for loss in ("logistic", "hinge2"):
        few, _ = solve(x, y, 2.0, loss)
        whole, _ = solve(np.concatenate([x, x]), np.concatenate([y, y]), 1.0, loss)
        np.testing.assert_allclose(few, whole, atol=1e-4)


@pytest.mark.parametrize(
    "arguments,word",
    [
        ({"loss": "svm"}, "Did you mean|There is no loss"),
        ({"extremes": 0.7}, "at most 0.5"),
        ({"extremes": 0}, "share"),
    ],
)
def test_arguments_that_do_not_serve_are_refused_at_the_door(arguments, word):
    with pytest.raises(ValueError, match=word):
        jg.directions.boundary(attributes.brightness(), **arguments)


def test_scores_that_tell_nothing_apart_are_refused(small):
    with pytest.raises(ValueError, match="nothing tells them apart"):
        jg.directions.boundary(lambda images: jnp.ones((len(images), 1)), samples=64)(small, KEY, 1)
    with pytest.raises(ValueError, match="There is no space 'q'"):
        jg.directions.boundary(attributes.brightness(), space="q", samples=64)(small, KEY, 1)
