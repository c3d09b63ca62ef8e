"""Jacobian directions: the axes along which the output changes fastest, on average over the population."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from jaxgan.core.code import Code
from jaxgan.core.directions import Directions
from jaxgan.core.generator import Generator, known
from jaxgan.directions.calibrate import calibrated, count, descending, outputs
from jaxgan.latents import stats
from jaxgan.latents.spaces import rows, styled

COLUMNS = 16


def jacobian(space: str | None = None, *, tap: str = "image", samples: int = 16, at: Code | None = None):
    """Find the leading eigenvectors of the averaged J^T J; at one code: the right singular vectors of its Jacobian.

        M = mean_n J_n^T J_n,   J_n = d output / d code at code n

    Args:
        space: Space to search; "w" where there is one, else the first.
        tap: Output, "image" for the images.
        samples: Codes averaged over.
        at: Codes to use instead of a sample: one code gives its local basis.

    Returns:
        A finder `(g, key, k) -> Directions`; meta "eigenvalues" holds the mean squared gains.

    Source: Zhu et al., "Low-Rank Subspaces in GANs" (2021), without regions; Choi et al., "Do Not Escape From the
    Manifold" (2022) for one code. Different: forward mode, so that J has as many passes as the code has coordinates.
    """

    def finder(g: Generator, key, k: int) -> Directions:
        where = space or styled(g)
        known(where, g.spaces, "space")
        known(tap, (*g.arch.taps, "image"), "tap")
        draw, calibration = jax.random.split(key)
        code = g.to(at, where) if at is not None else stats.draw(g, draw, samples, where)
        matrix = gram(g, code, tap)
        count(k, len(matrix), f"{g.arch.name} in {where!r}")
        values, vectors = descending(matrix, k)
        meta = {"tap": tap, "samples": len(code), "eigenvalues": tuple(map(float, values))}
        return calibrated(g, calibration, vectors, where, "jacobian", **meta)

    return finder


@partial(jax.jit, static_argnames="tap")
def gram(g: Generator, code: Code, tap: str):
    """Return mean_n J_n^T J_n [D, D]; one Jacobian at a time is held."""
    wide = rows(code.value).shape[1]

    def one(code: Code):
        code = jax.tree.map(lambda x: x[None], code)
        at, draw = rows(code.value), outputs(g, code, tap)
        push = jax.linearize(draw, at)[1]
        columns = jax.lax.map(lambda e: push(e[None]).reshape(-1), jnp.eye(wide), batch_size=COLUMNS)  # [D, outputs]
        return jnp.matmul(columns, columns.T, precision=jax.lax.Precision.HIGHEST)

    return jax.lax.map(one, code).mean(0)
