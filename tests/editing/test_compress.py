import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.editing import compress
from jaxgan.latents.stats import population
from tests import planted, tolerances

KEY = jax.random.key(1)


@pytest.fixture(scope="module")
def g():
    return planted.layered()


@pytest.fixture(scope="module")
def chart(g):
    return population(g, KEY, 2000)


def test_what_is_typical_stays_and_what_is_far_comes_nearer_in_order(g, chart, close):
    code = g.to(g.sample(KEY, 20), "p")
    before, after = (np.asarray(chart.forward(c.value)) for c in (code, compress(chart, 1.0)(g, code)))
    typical = np.abs(before) <= 1
    assert typical.any() and not typical.all()
    close(after[typical], before[typical], tolerances.NETWORK)
    expected = np.sign(before) * (1 + np.log(np.abs(before)))
    close(after[~typical], expected[~typical], tolerances.NETWORK)
    order = np.argsort(before, axis=0)
    assert np.all(np.diff(np.take_along_axis(after, order, 0), axis=0) > -1e-5)


def test_a_wide_limit_or_no_axis_changes_nothing_and_rows_are_treated_alike(g, chart, close):
    code = g.to(g.sample(KEY, 4), "w")
    for edit in (compress(chart, 100.0), compress(chart, 0.5, leading=0)):
        close(g(edit(g, code)), g(code), tolerances.NETWORK)
    wide = compress(chart, 0.5, leading=3)(g, g.to(code, "w+"))
    plain = compress(chart, 0.5, leading=3)(g, code)
    assert wide.space == "p+" and plain.space == "p"
    close(wide.value[:, 1], plain.value, tolerances.NETWORK)
    moved = np.abs(np.asarray(chart.forward(plain.value) - chart.forward(g.to(code, "p").value))).max(0)
    assert (moved > 1e-3).sum() <= 3 and np.argmax(chart.std) in np.flatnonzero(moved > 1e-3)


def test_families_without_the_chart_are_told(chart):
    other = planted.linear(jnp.ones((3, 4)))
    with pytest.raises(ValueError, match="acts in 'p'"):
        compress(chart)(other, other.sample(KEY, 1))
