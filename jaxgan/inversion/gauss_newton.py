"""Second-order refinement: Levenberg-Marquardt on the generalised Gauss-Newton matrix, batched over images."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxgan.core.code import Code
from jaxgan.inversion.base import choose
from jaxgan.inversion.search import Each, Settings, Shared, code_at, judged, variables
from jaxgan.latents.spaces import rows, unrows

WIDEST = 2048
COLUMNS = 8
DAMPING, SHRINK, GROW = 1e-2, 0.2, 4.0


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
    shape = jax.tree.map(lambda v: v.shape[1:], like)
    return code_at(settings, shared, each.start, {"code": unrows(u, shape)})


def step(settings: Settings, shared: Shared, each: Each, state: State, i) -> tuple[State, tuple]:
    """Take a damped Gauss-Newton step; one that does not lower an image's loss is taken back and damped more.

        M = J^T H J + H_code,   J = d images / d u,   H = d2 loss / d images2
        u <- u - V (V^T g / (|lambda| + mu mean|lambda|)),   M = V diag(lambda) V^T

    For the pixel loss M is the J^T J of the normal equations. J comes column by column from jvp, H J from products of
    the loss's Hessian with vectors; J is stored: as many images per image as the code has coordinates, so take large
    batches in chunks. Absolute eigenvalues keep every step downhill where a perceptual loss is not convex.

    Returns:
        The new state, and the total [N] and the terms {name: [N]} before the move.

    Source: Levenberg (1944), Marquardt (1963); Schraudolph, "Fast Curvature Matrix-Vector Products" (2002) for M.
    """
    u, total, terms, damping = state
    at = lambda u: place(settings, shared, each, u)
    judge = lambda drawn, code: shared.objective(drawn, each.target, code, shared.generator)[0]
    slope = jax.grad(lambda drawn, u: judge(drawn, at(u)).sum(), argnums=(0, 1))
    drawn, push = jax.linearize(lambda u: shared.generator(at(u)), u)
    pull = jax.linear_transpose(push, u)
    (by_images, by_code), curve = jax.linearize(slope, drawn, u)
    gradient = pull(by_images)[0] + by_code
    same = lambda unit: jnp.broadcast_to(unit, u.shape)
    units = jnp.eye(u.shape[1])
    jacobian = jax.lax.map(lambda e: push(same(e)), units, batch_size=COLUMNS)  # [D, N, H, W, C]

    def column(pair):
        unit, tangent = pair
        bent, direct = curve(tangent, same(unit))
        return jnp.einsum("dnhwc,nhwc->nd", jacobian, bent, precision=jax.lax.Precision.HIGHEST) + direct

    matrix = jax.lax.map(column, (units, jacobian), batch_size=COLUMNS).swapaxes(0, 1)  # [N, D, D]
    matrix = jnp.where(jnp.isfinite(matrix), (matrix + matrix.swapaxes(1, 2)) / 2, 0.0)
    curvature, axes = jnp.linalg.eigh(matrix)
    curvature = jnp.abs(curvature)
    floor = damping[:, None] * jnp.maximum(curvature.mean(1, keepdims=True), 1e-30)
    along = jnp.einsum("nij,ni->nj", axes, gradient) / (curvature + floor)
    trial = u - jnp.einsum("nij,nj->ni", axes, along)
    new, parts, _ = judged(shared, each.target, at(trial))
    lower = new < total
    damping = jnp.clip(jnp.where(lower, damping * SHRINK, damping * GROW), 1e-9, 1e9)
    u, lowest, kept = choose(lower, (trial, new, parts), (u, total, terms))
    return State(u, lowest, kept, damping), (total, terms)


def end(settings: Settings, shared: Shared, each: Each, state: State) -> tuple[Any, Code]:
    """Return the total and the code, the lowest so far by construction."""
    return state.total, place(settings, shared, each, state.u)
