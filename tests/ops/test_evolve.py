"""Evolution finds the bottom of valleys that are narrow and lie askew, and ignores what is no number."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.ops import evolve
from tests.planted import orthogonal


def run(fn, mean, sigma, generations, population=16):
    @jax.jit
    def step(search, key):
        points = evolve.ask(search, key, population)
        return evolve.tell(search, points, fn(points))

    search = evolve.begin(mean, sigma)
    for key in jax.random.split(jax.random.key(0), generations):
        search = step(search, key)
    return search


def test_a_narrow_valley_askew_is_followed_to_its_bottom_and_its_shape_is_learned():
    turn, scale, bottom = orthogonal(jax.random.key(1), 5), jnp.array([1.0, 3, 10, 30, 100]), jnp.arange(5.0)
    valley = lambda x: jnp.square((x - bottom) @ turn * scale).sum(-1)
    search = run(valley, jnp.zeros(5), 1.0, 110)
    np.testing.assert_allclose(search.mean, bottom, atol=1e-3)
    assert search.sigma < 1e-2
    inverse = np.linalg.inv(np.asarray(search.covariance, np.float64))
    hessian = np.asarray(turn * scale**2 @ turn.T)
    alike = lambda m: m / np.linalg.norm(m)
    assert np.sum(alike(inverse) * alike(hessian)) > 0.95


def test_what_is_no_number_counts_as_worst():
    half = lambda x: jnp.where(x[:, 0] < 0, jnp.nan, jnp.square(x - 0.5).sum(-1))
    search = run(half, jnp.array([1.0, 1.0]), 0.5, 60)
    np.testing.assert_allclose(search.mean, [0.5, 0.5], atol=1e-2)
