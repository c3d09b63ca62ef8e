import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.core.moments import covariance
from jaxgan.latents import stats
from jaxgan.latents.spaces import rows, unrows
from tests import planted, tolerances

KEY = jax.random.key(2)


@pytest.fixture(scope="module")
def g():
    return planted.style()


def whole(g, space, samples, batch):
    """The same population, all at once."""
    count = -(-samples // batch)
    parts = [rows(stats.draw(g, jax.random.fold_in(KEY, i), batch, space).value) for i in range(count)]
    return np.asarray(jnp.concatenate(parts)[:samples], np.float64)


@pytest.mark.parametrize("space", ["z", "w", "p", "s"])
def test_streaming_equals_all_at_once_with_a_ragged_last_batch(g, space, close):
    x = whole(g, space, 250, 64)
    m = stats.moments(g, KEY, space, 250, batch=64)
    close(m.mean, x.mean(0), tolerances.OP)
    close(covariance(m), np.cov(x.T), tolerances.OP)
    close(stats.spread(m), np.sqrt(((x - x.mean(0)) ** 2).sum(1).mean()), tolerances.OP)
    close(stats.std(m), x.std(0, ddof=1), tolerances.OP)


def test_channels_have_the_form_of_a_code(g, close):
    mean, std = stats.channels(g, KEY, "s", 250, batch=64)
    assert tuple(m.shape for m in mean) == g.arch.shape("s")
    x = whole(g, "s", 250, 64)
    close(jnp.concatenate(mean), x.mean(0), tolerances.OP)
    close(jnp.concatenate(std), x.std(0, ddof=1), tolerances.OP)


def test_population_is_whitened(g):
    chart = stats.population(g, KEY, 4000)
    q = chart.forward(stats.draw(g, jax.random.key(9), 4000, "p").value)
    assert jnp.abs(q.mean(0)).max() < 0.15
    assert jnp.abs(jnp.cov(q.T) - jnp.eye(16)).max() < 0.2


def test_rows_and_back(g):
    code = g.to(g.sample(KEY, 3), "s")
    back = unrows(rows(code.value), g.arch.shape("s"))
    for a, b in zip(back, code.value, strict=True):
        np.testing.assert_array_equal(a, b)


def test_condition_moves_the_population():
    g = planted.style(classes=2)
    means = [stats.moments(g, KEY, "w", 500, cond=jnp.eye(2)[c]).mean for c in (0, 1)]
    assert jnp.abs(means[0] - means[1]).max() > 0.05


def test_an_unknown_space_is_named(g):
    with pytest.raises(ValueError, match="'q'"):
        stats.moments(g, KEY, "q")


def test_the_typical_distance_is_how_far_codes_lie_from_their_mean(g):
    w = g.to(g.sample(jax.random.key(8), 2000), "w").value
    measured = float(jnp.sqrt(jnp.square(w - w.mean(0)).sum(1).mean()))
    assert float(stats.typical_distance(g, KEY, "w", 2000)) == pytest.approx(measured, rel=0.05)
    assert float(stats.typical_distance(g, KEY, "w+", 2000)) == pytest.approx(6**0.5 * measured, rel=0.05)
    assert float(stats.typical_distance(g, KEY, "z")) == 4.0
