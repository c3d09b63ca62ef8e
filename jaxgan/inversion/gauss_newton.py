"""Second-order refinement: Levenberg-Marquardt on the generalised Gauss-Newton matrix, batched over images.

    M = J^T H J + H_code,   J = d images / d u,   H = d2 loss / d images2
    u <- u - (M + mu c)^-1 g,   c = mean |eigenvalue of M|

A step that does not lower an image's loss is taken back, and the next one damped more. For the pixel loss M is the
J^T J of the normal equations. Here M is computed and taken apart; `krylov` only multiplies with it.

Source: Levenberg (1944), Marquardt (1963); Schraudolph, "Fast Curvature Matrix-Vector Products" (2002) for M.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxgan.core.code import Code
from jaxgan.inversion.base import choose
from jaxgan.inversion.march import traced
from jaxgan.inversion.search import Each, Settings, Shared, code_at, judged, variables
from jaxgan.latents.spaces import rows, unrows

WIDEST = 2048
COLUMNS = 8
DAMPING, SHRINK, GROW = 1e-2, 0.2, 4.0
CALMEST, HARDEST = 1e-9, 1e9


class State(NamedTuple):
    """Where a damped search stands: coordinates [N, D], total [N], terms and damping [N] there."""

    u: Any
    total: Any
    terms: dict[str, Any]
    damping: Any


def begin(settings: Settings, shared: Shared, each: Each) -> State:
    """Start at a code."""
    total, terms, _ = judged(shared, each.target, each.start)
    u = rows(variables(settings, shared, each.start)["code"])
    return State(u, total, terms, jnp.full(len(u), DAMPING))


def place(settings: Settings, shared: Shared, each: Each, u) -> Code:
    """Return the code at coordinates [N, D]."""
    like = variables(settings, shared, each.start)["code"]
    return code_at(settings, shared, each.start, {"code": unrows(u, jax.tree.map(lambda v: v.shape[1:], like))})


def draws(settings: Settings, shared: Shared, each: Each) -> Callable:
    """Return what draws images from coordinates."""
    return lambda u: shared.generator(place(settings, shared, each, u))


def slope(settings: Settings, shared: Shared, each: Each) -> Callable:
    """Return the gradient of the loss by images and by coordinates, as a function of both."""

    def total(drawn, u):
        code = place(settings, shared, each, u)
        return shared.objective(drawn, each.target, code, shared.generator)[0].sum()

    return jax.grad(total, argnums=(0, 1))


def step(settings: Settings, shared: Shared, each: Each, state: State, i) -> tuple[State, tuple]:
    """Take a damped Gauss-Newton step along the eigenvectors of M = V diag(lambda) V^T.

        u <- u - V (V^T g / (|lambda| + mu mean|lambda|))

    J comes by blocks of columns from jvp, H J from products of the loss's Hessian with vectors; J is stored: as many
    images per image as the code has coordinates, so take large batches in chunks. Absolute eigenvalues keep every step
    downhill where a perceptual loss is not convex.

    Returns:
        The new state, and the total [N] and the terms {name: [N]} before the move.
    """
    problem = (settings, shared, each)
    units = jnp.eye(state.u.shape[1])
    loop = traced(state)
    jacobian = in_blocks(partial(_columns, *problem, state.u), units, loop)  # [D, N, H, W, C]
    drawn, gradient = _gradient(*problem, state.u)
    matrix = in_blocks(partial(_products, *problem, state.u, drawn, jacobian), (units, jacobian), loop)  # [D, N, D]
    return _advance(*problem, state, gradient, matrix), (state.total, state.terms)


def end(settings: Settings, shared: Shared, each: Each, state: State) -> tuple[Any, Code]:
    """Return the total and the code, the lowest so far by construction."""
    return state.total, place(settings, shared, each, state.u)


def in_blocks(fn: Callable, xs: Any, loop: bool) -> Any:
    """Apply `fn` to `COLUMNS` members of `xs` at a time, in a compiled loop or one of Python."""
    n = len(jax.tree.leaves(xs)[0])
    size = min(COLUMNS, n)
    count = -(-n // size)
    take = jnp.arange(count * size).reshape(count, size) % n
    some = lambda i: jax.tree.map(lambda x: x[i], xs)
    if loop:
        done = jax.lax.map(lambda i: fn(some(i)), take)
        return done.reshape(count * size, *done.shape[2:])[:n]
    return jnp.concatenate([fn(some(i)) for i in take])[:n]


@partial(jax.jit, static_argnums=0)
def _columns(settings, shared, each, u, units):
    """Return columns of the Jacobian [B, N, H, W, C], for the unit vectors [B, D]."""
    draw = draws(settings, shared, each)
    return jax.vmap(lambda e: jax.jvp(draw, (u,), (jnp.broadcast_to(e, u.shape),))[1])(units)


@partial(jax.jit, static_argnums=0)
def _gradient(settings, shared, each, u):
    """Return the images, and the gradient of the loss by coordinates [N, D]."""
    drawn, pull = jax.vjp(draws(settings, shared, each), u)
    by_images, by_code = slope(settings, shared, each)(drawn, u)
    return drawn, pull(by_images)[0] + by_code


@partial(jax.jit, static_argnums=0)
def _products(settings, shared, each, u, drawn, jacobian, pair):
    """Return columns of M [B, N, D], for unit vectors and the Jacobian's columns."""
    curve = slope(settings, shared, each)

    def column(unit, tangent):
        bent, direct = jax.jvp(curve, (drawn, u), (tangent, jnp.broadcast_to(unit, u.shape)))[1]
        return jnp.einsum("dnhwc,nhwc->nd", jacobian, bent, precision=jax.lax.Precision.HIGHEST) + direct

    return jax.vmap(column)(*pair)


@partial(jax.jit, static_argnums=0)
def _advance(settings, shared, each, state: State, gradient, matrix) -> State:
    matrix = matrix.swapaxes(0, 1)
    matrix = jnp.where(jnp.isfinite(matrix), (matrix + matrix.swapaxes(1, 2)) / 2, 0.0)
    curvature, axes = jnp.linalg.eigh(matrix)
    curvature = jnp.abs(curvature)
    floor = state.damping[:, None] * jnp.maximum(curvature.mean(1, keepdims=True), 1e-30)
    along = jnp.einsum("nij,ni->nj", axes, gradient) / (curvature + floor)
    return tried(settings, shared, each, state, -jnp.einsum("nij,nj->ni", axes, along))


def tried(settings: Settings, shared: Shared, each: Each, state: State, move) -> State:
    """Keep a move where it lowers the loss, and damp the next one less; take it back elsewhere, and damp more."""
    u, total, terms, damping = state
    trial = u + move
    new, parts, _ = judged(shared, each.target, place(settings, shared, each, trial))
    lower = new < total
    damping = jnp.clip(jnp.where(lower, damping * SHRINK, damping * GROW), CALMEST, HARDEST)
    u, lowest, kept = choose(lower, (trial, new, parts), (u, total, terms))
    return State(u, lowest, kept, damping)
