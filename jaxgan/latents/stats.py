"""Statistics of a generator's population in any of its spaces.

Samples are regenerated from keys, batch by batch, and never stored: the key is the data set. So any number of samples
costs the memory of one batch.
"""

from __future__ import annotations

import math
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.core import moments as streaming
from jaxgan.core.code import Code
from jaxgan.core.generator import Generator, known
from jaxgan.core.moments import Moments
from jaxgan.latents.charts import Whitening, whitening
from jaxgan.latents.spaces import first, plain, rows, unrows

SAMPLES = 10_000
BATCH = 1_000


def draw(g: Generator, key, n: int, space: str, cond=None) -> Code:
    """Draw n codes of the population and carry them to a space."""
    return g.to(g.sample(key, n, cond), space)


def moments(g: Generator, key, space: str = "w", samples: int = SAMPLES, *, cond=None, batch: int = BATCH) -> Moments:
    """Return the moments of the population in a space; codes of several arrays ("s") or rows are flattened to [D].

    Args:
        g: The generator.
        key: Random key; the same key gives the same population.
        space: Any of the generator's spaces.
        samples: How many codes.
        cond: Condition [c] of all samples; classes are drawn uniformly when None.
        batch: Codes at a time; another batch size draws other codes.

    Returns:
        Moments of vectors [D]; `.mean`, and `jaxgan.core.moments.covariance(...)`.
    """
    check(g, space, samples)
    return _moments(g, key, cond, space, samples, min(batch, samples))


def channels(g: Generator, key, space: str = "s", samples: int = SAMPLES, *, cond=None, batch: int = BATCH) -> tuple:
    """Return mean and standard deviation of every coordinate alone, each in the form of one code (a tuple for "s").

    Unlike `moments` it needs no [D, D] matrix, so it is the one for wide spaces.
    """
    check(g, space, samples)
    mean, std = _channels(g, key, cond, space, samples, min(batch, samples))
    shape = g.arch.shape(space)
    one = lambda x: jax.tree.map(lambda v: v[0], unrows(x[None], shape))
    return one(mean), one(std)


def spread(m: Moments) -> Float[Array, ""]:
    """Return the root-mean-square distance from the mean, sqrt(mean ||w - mean||^2): the projector's "w_std".

    Divide by sqrt(D) for the spread of one coordinate.
    """
    return jnp.sqrt(jnp.trace(m.m2 + m.m2_low) / jnp.maximum(m.count, 1))


def typical_distance(g: Generator, key, space: str, samples: int = SAMPLES) -> Float[Array, ""]:
    """Return the population's root-mean-square distance from its mean in a space, over all rows of a code.

    sqrt(mean ||c - mean||^2)
    """
    shape = g.arch.shape(space)
    if plain(space) == first(g):  # unit normal in every family
        return jnp.sqrt(jnp.float32(math.prod(shape)))
    _, deviations = channels(g, key, space if space == "s" else plain(space), samples)
    repeats = shape[0] if space.endswith("+") else 1
    return jnp.sqrt(repeats * jnp.square(rows(jax.tree.map(lambda d: d[None], deviations))).sum())


def std(m: Moments) -> Float[Array, " d"]:
    """Return the standard deviation of each coordinate [D]."""
    return jnp.sqrt(jnp.diag(streaming.covariance(m)))


def along(m: Moments, vectors: Float[Array, "k d"]) -> Float[Array, " k"]:
    """Return the population's standard deviation along unit vectors [K, D], sqrt(v^T C v)."""
    return jnp.sqrt(jnp.maximum(jnp.einsum("kd,de,ke->k", vectors, streaming.covariance(m), vectors), 0.0))


def deviations(
    g: Generator,
    key,
    vectors: Float[Array, "k d"],
    space: str = "w",
    samples: int = SAMPLES,
    *,
    cond=None,
    batch: int = BATCH,
) -> Float[Array, " k"]:
    """Return the population's standard deviation along unit vectors [K, D] of the flattened space.

    Unlike `along` it needs no [D, D] matrix, so it is the one for wide spaces.
    """
    check(g, space, samples)
    return _deviations(g, key, cond, jnp.asarray(vectors), space, samples, min(batch, samples))


def population(g: Generator, key, samples: int = 100_000, *, space: str = "p", cond=None) -> Whitening:
    """Return the chart in which the population of `space` is standard normal (P_N for "p")."""
    m = moments(g, key, space, samples, cond=cond)
    return whitening(m.mean, streaming.covariance(m))


def check(g: Generator, space: str, samples: int) -> None:
    known(space, g.spaces, "space")
    if samples < 2:
        raise ValueError(f"Statistics need at least 2 samples, got {samples}.")


def fold(g: Generator, key, cond, space: str, samples: int, batch: int, start, update):
    """Fold `update(state, rows [batch, D], mask [batch])` over a population regenerated from a key."""

    def step(state, i):
        x = rows(draw(g, jax.random.fold_in(key, i), batch, space, cond).value)
        mask = (i * batch + jnp.arange(batch) < samples).astype(jnp.float32)
        return update(state, x, mask), None

    return jax.lax.scan(step, start, jnp.arange(-(-samples // batch)))[0]


def width(g: Generator, space: str) -> int:
    """Number of coordinates of a code of the space."""
    value = jax.eval_shape(lambda k: rows(draw(g, k, 1, space).value), jax.random.key(0))
    return value.shape[1]


@partial(jax.jit, static_argnames=("space", "samples", "batch"))
def _moments(g, key, cond, space, samples, batch) -> Moments:
    return fold(g, key, cond, space, samples, batch, streaming.empty(width(g, space)), streaming.update)


@partial(jax.jit, static_argnames=("space", "samples", "batch"))
def _channels(g, key, cond, space, samples, batch):
    # One monoid per coordinate, each over vectors of one entry.
    update = jax.vmap(lambda m, x, mask: streaming.update(m, x[:, None], mask), in_axes=(0, 1, None))
    start = jax.vmap(lambda _: streaming.empty(1))(jnp.arange(width(g, space)))
    m = fold(g, key, cond, space, samples, batch, start, update)
    return m.mean[:, 0], jnp.sqrt(jax.vmap(streaming.covariance)(m)[:, 0, 0])


@partial(jax.jit, static_argnames=("space", "samples", "batch"))
def _deviations(g, key, cond, vectors, space, samples, batch):
    update = lambda m, x, mask: streaming.update(m, x @ vectors.T, mask)
    m = fold(g, key, cond, space, samples, batch, streaming.empty(len(vectors)), update)
    return jnp.sqrt(jnp.maximum(jnp.diag(streaming.covariance(m)), 0.0))
