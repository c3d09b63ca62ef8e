"""Directions of a linear generator are judged as what they are, and the page holds every number."""

import json
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

import jaxgan as jg
from jaxgan.core import Directions
from jaxgan.demo import again
from jaxgan.demo.report import written
from jaxgan.demo.study import BINS, Judges, Plan, classes, study
from jaxgan.features.attributes import Scorer
from jaxgan.metrics import mse
from tests import planted

KEY = jax.random.key(4)
D, PIXELS = 6, 16
PLAN = Plan(by=(-2.0, -1.0, 0.0, 1.0, 2.0), codes=16, population=640, replicates=8, most=640, paths=32, shown=2)


@pytest.fixture(scope="module")
def g():
    """x = z R / 30: a score that undoes it reads one coordinate of the code."""
    return planted.linear(planted.orthogonal(jax.random.key(1), PIXELS)[:D] / 30)


@pytest.fixture(scope="module")
def judges(g):
    back = 30.0**2 * g.params["draw"]["matrix"].T
    scorer = Scorer(lambda images: (images.reshape(len(images), -1) @ back)[:, :3], ("a", "b", "c"))
    flat = lambda images: images.reshape(len(images), -1)
    factors = (("a", 0, 1, "number"), ("b", 1, 1, "number"), ("c", 2, 1, "number"))
    return Judges(scorer, ("mse", jax.jit(mse)), flat, ("mse", jax.jit(mse)), embed=Partial(flat), factors=factors)


@pytest.fixture(scope="module")
def sets(g, judges):
    names = ("c", "a", "b")
    axes = Directions(jnp.eye(D)[jnp.array([2, 0, 1])], jnp.ones(3), "z", names=names)
    turn = np.eye(D, dtype=np.float32)
    turn[:2, :2] = [[np.cos(0.4), np.sin(0.4)], [-np.sin(0.4), np.cos(0.4)]]
    turned = Directions(jnp.asarray(turn)[:3], jnp.ones(3), "z", names=("turned0", "turned1", "turned2"))
    found = jg.discover(g, jg.directions.boundary(judges.scorer, samples=640, extremes=0.2), KEY, 3)
    return {"axes": axes, "turned": turned, "boundary": found}


@pytest.fixture(scope="module")
def found(g, sets, judges):
    return study(g, sets, judges, jax.random.key(5), PLAN)


def test_an_axis_changes_its_own_score_by_its_way_and_nothing_else(found):
    axes = found.sets["axes"]
    np.testing.assert_array_equal(axes.target, [2, 0, 1])
    np.testing.assert_allclose(np.abs(axes.rescored) > 1e-3, np.eye(3)[[2, 0, 1]])
    np.testing.assert_allclose(axes.rescored[[0, 1, 2], axes.target], 4.0, rtol=0.1)  # in the population's spread
    np.testing.assert_allclose(axes.figures["dependency"], 0, atol=1e-3)
    turned = found.sets["turned"].figures["dependency"]  # tan(0.4) of one other score of two
    np.testing.assert_allclose(turned, [np.tan(0.4) / 2, np.tan(0.4) / 2, 0], atol=0.03)


def test_images_of_a_linear_generator_move_straight_and_at_one_pace(found):
    step = 1 / 30**2 / PIXELS
    for judged in found.sets.values():
        np.testing.assert_allclose(judged.figures["linearity"], 1.0, atol=1e-5)
        np.testing.assert_allclose(judged.figures["drift"], 4 * step, rtol=0.1)
        np.testing.assert_allclose(judged.figures["path_length"], step, rtol=0.1)
        assert np.all((judged.figures["identity"] > 0.3) & (judged.figures["identity"] < 0.95))
        assert judged.strips.shape == (3, 2, 5, 4, 4, 1)
        np.testing.assert_allclose(np.diff(judged.strips, 2, axis=2), 0, atol=1e-5)


def test_pure_axes_are_more_disentangled_than_turned_ones(found):
    pure, turned = (found.sets[name].disentangled for name in ("axes", "turned"))
    for figure in ("disentanglement", "completeness", "mig", "sap"):
        assert pure[figure] > turned[figure] + 0.05, figure
    assert pure["factor_vae"] == 1.0 and pure["disentanglement"] > 0.9


def test_angles_between_sets_are_those_of_their_spans(found):
    np.testing.assert_allclose(found.angles["axes", "turned"], 0, atol=1e-2)
    index, degrees = found.nearest["axes", "turned"]
    np.testing.assert_array_equal(index, [2, 0, 1])
    np.testing.assert_allclose(degrees, np.degrees([0, 0.4, 0.4]), atol=0.1)


def test_boundaries_carry_angles_that_hold_the_truth_and_given_axes_none(found):
    judged = found.sets["boundary"]
    missed = np.degrees(np.arccos(np.diag(np.asarray(judged.directions.flat()))))
    assert np.all(judged.figures["bootstrap"] > 0.5 * missed) and judged.figures["bootstrap"].max() < 40
    assert np.all((judged.figures["seeds"] > 0) & (judged.figures["seeds"] < 40))
    for figure in ("bootstrap", "seeds"):
        assert np.isnan(found.sets["axes"].figures[figure]).all()


def test_components_are_found_again_where_variances_differ_and_closed_forms_are_themselves(g):
    wide = g.replace(params={"draw": {"matrix": g.params["draw"]["matrix"]}})
    sample = np.asarray(jax.random.normal(KEY, (4000, D))) * np.arange(D, 0, -1)
    np.testing.assert_allclose(np.abs(again.axes(sample, [0, 2, 1])), np.eye(D)[[0, 2, 1]], atol=0.1)
    closed = jg.discover(wide, jg.directions.sefa(include_torgb="all", samples=64), KEY, 2)
    same = again.elsewhere(wide, closed, lambda x: x, (), KEY, 100)
    assert same is not None and same[0] is closed
    tapped = closed.replace(meta=(("method", "pca"), ("tap", "b4")))
    assert again.elsewhere(wide, tapped, lambda x: x, (), KEY, 100) is None


def test_factors_become_classes_of_equal_size():
    angle = np.linspace(-3, 3, 50)
    table = np.stack([np.eye(2)[np.arange(50) % 2][:, 0], np.arange(50) % 2, np.cos(angle), np.sin(angle)], 1)
    seen = classes(table, [("shape", 0, 2, "class"), ("hue", 2, 2, "turn")])
    np.testing.assert_array_equal(seen[:, 0], np.arange(50) % 2)
    np.testing.assert_array_equal(np.bincount(seen[:, 1]), [50 // BINS] * BINS)
    assert np.all(np.diff(seen[:, 1]) >= 0)


def test_the_page_stands_alone_and_shows_every_direction(found):
    page = written(found, "a <model>")
    assert "a &lt;model&gt;" in page and "<a <model>" not in page
    assert page.count("data:image/webp") == 9 * PLAN.shown and "http" not in page.replace("http-equiv", "")
    for part in ("Traversals", "Re-scoring", "Factors", "Between methods", "bootstrap angle", "turned1"):
        assert part in page
    rows = [len(re.findall("<tr", table)) for table in re.findall("<table.*?</table>", page, re.S)]
    assert rows[:4] == [10, 10, 10, 4]
    json.dumps([float(v) for v in found.sets["axes"].figures["drift"]])


@pytest.mark.parametrize("by", [(-1.0, 0.0, 2.0), (-1.0, 1.0), (0.0, 1.0, 2.0)])
def test_strengths_that_reach_farther_to_one_side_are_refused(by):
    with pytest.raises(ValueError, match="as far to both sides"):
        Plan(by=by)


def test_nothing_to_judge_is_refused(g, judges):
    with pytest.raises(ValueError, match="at least one set"):
        study(g, {}, judges, KEY, PLAN)
