"""Directions are named by what they change: planted factors are found, mixtures and idle ones are not named."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.core import Code, Directions
from jaxgan.demo.judge import MIXED, Score, best, named, rescore
from tests.planted import style

SPREADS = {"a": 1.0, "b": 2.0}


@pytest.fixture(scope="module")
def g():
    return style()


def read(code: Code):
    """A judge that reads coordinates of w: a is the first of all rows, b the second and third of the last row."""
    value = np.asarray(code.value)
    return {"a": value[:, :, 0].mean(1, keepdims=True), "b": value[:, -1, 1:3]}


def axes(*rows):
    vectors = jnp.zeros((len(rows), 16))
    for i, row in enumerate(rows):
        vectors = vectors.at[i, jnp.array(row)].set(1.0)
    return Directions(vectors, jnp.ones(len(rows)), "w", meta=(("method", "test"),))


def test_planted_directions_are_named_and_measured(g, close):
    code = g.to(g.sample(jax.random.key(0), 5), "w+")
    scores = rescore(g, code, axes([0], [1], [0, 1], [7]), read, SPREADS, by=2.0)
    assert [s.name for s in scores] == ["a", "b", "a", MIXED]
    close([s.changes["a"] for s in scores], [4, 0, 4, 0], 1e-5)
    close([s.changes["b"] for s in scores], [0, 2, 2, 0], 1e-5)
    close(scores[2].share("a"), 0.8, 1e-5)
    assert scores[0].signed == pytest.approx({"a": 4.0})
    assert scores[3].share("a") == 0


def test_layers_are_chosen_that_name_the_direction_best(g):
    code, last = g.to(g.sample(jax.random.key(0), 3), "w+"), g.arch.shape("w+")[0] - 1
    score = rescore(g, code, axes([0, 1]), read, SPREADS, ranges=(None, tuple(range(last)), (last,)))[0]
    assert score.layers == tuple(range(last))
    assert score.name == "a" and score.share("a") == 1


def score(**changes):
    return Score("m", 0, None, changes, {})


def test_name_needs_a_change_that_is_large_and_dominates():
    assert score(a=1.5, b=1.0).name == "a"
    assert score(a=1.4, b=1.0).name == MIXED
    assert score(a=0.3, b=0.0).name == MIXED
    assert score(a=0.0, b=0.5).name == "b"


def test_best_prefers_what_is_named_so_and_changes_little_else():
    pure, large, other = score(a=1.2, b=0.1), score(a=1.5, b=0.9), score(a=2.9, b=3.0)
    assert best([pure, large, other], ["a", "b"]) == {"a": pure, "b": other}
    assert best([large], ["b"]) == {"b": large}


def test_directions_carry_their_names(g):
    code = g.to(g.sample(jax.random.key(0), 2), "w+")
    some = axes([0], [7])
    assert named(some, rescore(g, code, some, read, SPREADS)).names == ("test0-a", "test1-mixed")
