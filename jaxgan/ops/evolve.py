"""Search without gradients: CMA-ES, as a start, a question and an answer."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.ops.resample import HIGHEST


class Search(NamedTuple):
    """Where a search stands: a normal distribution, and the paths that its mean has taken.

    Args:
        mean: [D].
        sigma: Step size.
        basis: Eigenvectors of the covariance as columns [D, D].
        spread: Roots of its eigenvalues [D].
        covariance: [D, D]; samples have sigma^2 times it.
        path, straight: Evolution paths of the covariance and of the step size [D].
        count: Answers so far.
    """

    mean: Float[Array, " d"]
    sigma: Float[Array, ""]
    basis: Float[Array, "d d"]
    spread: Float[Array, " d"]
    covariance: Float[Array, "d d"]
    path: Float[Array, " d"]
    straight: Float[Array, " d"]
    count: Float[Array, ""]


def begin(mean: Float[Array, " d"], sigma: float) -> Search:
    """Begin with equal steps in all directions."""
    d = mean.shape[0]
    eye, zero = jnp.eye(d), jnp.zeros(d)
    return Search(mean, jnp.float32(sigma), eye, jnp.ones(d), eye, zero, zero, jnp.float32(0))


def ask(search: Search, key, population: int) -> Float[Array, "p d"]:
    """Draw points to be judged."""
    z = jax.random.normal(key, (population, search.mean.shape[0]))
    return search.mean + search.sigma * jnp.matmul(z * search.spread, search.basis.T, precision=HIGHEST)


def tell(search: Search, points: Float[Array, "p d"], values: Float[Array, " p"]) -> Search:
    """Learn from the values of the points that `ask` drew; smaller is better, and NaN worst of all.

        mean <- sum_i w_i x_i over the better half;   covariance and step size by the paths of the mean

    Source: Hansen, "The CMA Evolution Strategy: A Tutorial" (2016), section A with default parameters, without negative
    weights.
    """
    count, d = points.shape
    half = count // 2
    raw = [math.log(half + 0.5) - math.log(i) for i in range(1, half + 1)]
    weights = [w / sum(raw) for w in raw]
    mass = 1 / sum(w * w for w in weights)
    c_step = (mass + 2) / (d + mass + 5)
    damping = 1 + 2 * max(0.0, math.sqrt((mass - 1) / (d + 1)) - 1) + c_step
    c_path = (4 + mass / d) / (d + 4 + 2 * mass / d)
    c_one = 2 / ((d + 1.3) ** 2 + mass)
    c_many = min(1 - c_one, 2 * (mass - 2 + 1 / mass) / ((d + 2) ** 2 + mass))
    typical = math.sqrt(d) * (1 - 1 / (4 * d) + 1 / (21 * d * d))
    best = jnp.argsort(jnp.where(jnp.isnan(values), jnp.inf, values))[:half]
    steps, w = (points[best] - search.mean) / search.sigma, jnp.array(weights)
    move = w @ steps
    times = lambda a, b: jnp.matmul(a, b, precision=HIGHEST)
    whitened = times(search.basis, times(search.basis.T, move) / search.spread)
    straight = (1 - c_step) * search.straight + math.sqrt(c_step * (2 - c_step) * mass) * whitened
    length = jnp.linalg.norm(straight)
    fair = length / jnp.sqrt(1 - (1 - c_step) ** (2 * (search.count + 1))) < (1.4 + 2 / (d + 1)) * typical
    path = (1 - c_path) * search.path + fair * math.sqrt(c_path * (2 - c_path) * mass) * move
    lost = (1 - fair) * c_path * (2 - c_path)
    covariance = (1 - c_one - c_many + c_one * lost) * search.covariance
    covariance += c_one * jnp.outer(path, path) + c_many * times(steps.T * w, steps)
    covariance = (covariance + covariance.T) / 2
    values, basis = jnp.linalg.eigh(covariance)
    sigma = search.sigma * jnp.exp(jnp.minimum(1.0, c_step / damping * (length / typical - 1)))
    spread = jnp.sqrt(jnp.maximum(values, 1e-12))
    mean = search.mean + search.sigma * move
    return Search(mean, sigma, basis, spread, covariance, path, straight, search.count + 1)
