"""Products with a generator's Jacobian, which is never held for more than one code: J^T J exactly and at low rank."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.core.code import Code
from jaxgan.core.generator import Generator
from jaxgan.directions.calibrate import descending, outputs
from jaxgan.latents.spaces import rows
from jaxgan.ops.linalg import orthonormal

COLUMNS = 16  # derivatives taken at a time
OVERSAMPLE, POWER = 10, 2
HIGHEST = jax.lax.Precision.HIGHEST


def gram(
    g: Generator, code: Code, tap: str = "image", weights: Float[Array, "n r h w"] | None = None
) -> Float[Array, "r d d"]:
    """Return the codes' mean of J^T diag(weights_r) J for R weightings of the outputs, in forward mode.

    As many passes as the code has coordinates, whatever the number of outputs and of weightings.

    Args:
        g: Generator.
        code: Codes [N].
        tap: Output, "image" for the images.
        weights: Of every pixel of the output; None: one weighting, of ones.
    """
    wide, total = rows(code.value).shape[1], jnp.zeros(())
    axes = jnp.eye(wide)
    for i in range(len(code)):
        columns = pushed(g, code[i], tap, axes)
        total = total + products(columns, columns, None if weights is None else weights[i])
    return total / len(code)


def sketch(
    g: Generator, code: Code, tap: str, key, rank: int, weights: Float[Array, "n r h w"] | None = None
) -> Float[Array, "r d d"]:
    """Return the best approximations of `gram` with a rank, by random probes in forward and reverse mode.

        Q <- orthonormal rows of M Q, 3 times from random ones;   M ~ Q^T (Q M Q^T) Q,   the `rank` largest values of it

    Products M Q are J^T (weights J Q), a forward and a reverse pass for each row of Q: (rank + 10) * 7 passes a code in
    all. It pays where codes have many more coordinates than that.

    Args:
        g, code, tap, weights: As for `gram`.
        key: Random key of the probes.
        rank: Rank of the approximations.

    Source: Halko, Martinsson and Tropp, "Finding Structure with Randomness" (2011), algorithms 4.4 and 5.3.
    """
    wide, kinds = rows(code.value).shape[1], 1 if weights is None else weights.shape[1]
    found = []
    for r in range(kinds):
        one = lambda i, r=r: None if weights is None else weights[i, r : r + 1]
        basis = orthonormal(jax.random.normal(jax.random.fold_in(key, r), (min(rank + OVERSAMPLE, wide), wide)))
        for _ in range(POWER + 1):
            parts = [multiplied(g, code[i], tap, basis, one(i)) for i in range(len(code))]
            basis = orthonormal(jnp.stack(parts).sum(0))
        inside = jnp.zeros(())
        for i in range(len(code)):
            columns = pushed(g, code[i], tap, basis)
            inside = inside + products(columns, columns, one(i))[0] / len(code)
        values, coordinates = descending(inside, min(rank, len(basis)))
        vectors = jnp.matmul(coordinates, basis, precision=HIGHEST)
        found.append(jnp.matmul(vectors.T * jnp.maximum(values, 0.0), vectors, precision=HIGHEST))
    return jnp.stack(found)


def multiplied(g: Generator, code: Code, tap: str, basis, weights) -> Float[Array, "b d"]:
    """Return the rows of basis J^T diag(weights) J for one code."""
    parts = []
    for some in chunks(basis):
        columns = _pushed(g, code, tap, some)
        if weights is not None:
            columns = columns * weights[0][None, :, :, None]
        parts.append(_pulled(g, code, tap, columns))
    return jnp.concatenate(parts)[: len(basis)]


def pushed(g: Generator, code: Code, tap: str, basis: Float[Array, "b d"]) -> Float[Array, "b ..."]:
    """Return the derivatives of one code's output along the rows of a basis.

    XLA's CPU backend runs convolutions in loops slowly, so that the loop over blocks of rows is one of Python.
    """
    return jnp.concatenate([_pushed(g, code, tap, some) for some in chunks(basis)])[: len(basis)]


def chunks(basis: Float[Array, "b d"]) -> list[Float[Array, "c d"]]:
    """Cut rows into blocks of one size; the last one is filled up with zeros."""
    size = min(COLUMNS, len(basis))
    padded = jnp.pad(basis, ((0, -len(basis) % size), (0, 0)))
    return [padded[i : i + size] for i in range(0, len(padded), size)]


@partial(jax.jit, static_argnames="tap")
def _pushed(g: Generator, code: Code, tap: str, basis):
    draw, at = outputs(g, code, tap), rows(code.value)
    return jax.vmap(lambda v: jax.jvp(draw, (at,), (v[None],))[1][0])(basis)


@partial(jax.jit, static_argnames="tap")
def _pulled(g: Generator, code: Code, tap: str, cotangents):
    pull = jax.vjp(outputs(g, code, tap), rows(code.value))[1]
    return jax.vmap(lambda c: pull(c[None])[0][0])(cotangents)


@jax.jit
def products(a: Float[Array, "a ..."], b: Float[Array, "b ..."], weights=None) -> Float[Array, "r a b"]:
    """Return a diag(weights_r) b^T for every weighting [R, H, W]; one of ones if there is none."""
    other = b.reshape(len(b), -1).T
    if weights is None:
        return jnp.matmul(a.reshape(len(a), -1), other, precision=HIGHEST)[None]
    one = lambda w: jnp.matmul((a * w[None, :, :, None]).reshape(len(a), -1), other, precision=HIGHEST)
    return jax.lax.map(one, weights)


def parted(
    g: Generator, code: Code, tap: str, region: Callable[[Any], Any] | Float[Array, ...]
) -> Float[Array, "n 2 h w"]:
    """Return the weights of a region's pixels and of all others; each adds to 1 over the outputs of a code.

    Args:
        g, code, tap: The output, which must be a map.
        region: Mask [H, W] or [N, H, W] in [0, 1], or a function from images to masks [N, H, W].

    Raises:
        ValueError: The output is no map, the mask has another shape, or the region is empty or everything.
    """
    shape = jax.eval_shape(outputs(g, code, tap), rows(code.value)).shape
    if len(shape) != 4:
        raise ValueError(f"A region is one of pixels; {tap!r} of {g.arch.name} has shape {list(shape)}.")
    mask = jnp.asarray(region(jnp.clip(g(code), -1, 1)) if callable(region) else region, jnp.float32)
    mask = mask[None] if mask.ndim == 2 else mask
    if mask.ndim != 3 or len(mask) not in (1, len(code)):
        raise ValueError(f"The region has shape {list(mask.shape)}, needed is [H, W] or [{len(code)}, H, W].")
    if mask.shape[1:] != shape[1:3]:
        mask = jax.image.resize(mask, (len(mask), *shape[1:3]), "linear")
    mask = jnp.broadcast_to(jnp.clip(mask, 0, 1), shape[:3])
    parts = jnp.stack([mask, 1 - mask], axis=1)  # [N, 2, H, W]
    area = parts.sum((2, 3), keepdims=True)
    if not bool((area.sum(0) > 0).all()):
        raise ValueError("The region is empty, or it is the whole picture; nothing lies on its other side.")
    return parts / jnp.maximum(area * shape[3], 1e-6)
