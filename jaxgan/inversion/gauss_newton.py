"""Second-order refinement: Levenberg-Marquardt on the generalised Gauss-Newton matrix, batched over images."""

from __future__ import annotations

from itertools import accumulate

import jax
import jax.numpy as jnp

from jaxgan.inversion.base import choose
from jaxgan.inversion.descent import spread_like

WIDEST = 2048
COLUMNS = 8
DAMPING, SHRINK, GROW = 1e-2, 0.2, 4.0


def damped(evaluate, judge, value, noise, scale, shake, key, settings):
    """Take damped Gauss-Newton steps; a step that does not lower an image's loss is taken back and damped more.

        M = J^T H J + H_code,   J = d images / d u,   H = d2 loss / d images2
        u <- u - V (V^T g / (|lambda| + mu mean|lambda|)),   M = V diag(lambda) V^T

    For the pixel loss M is the J^T J of the normal equations. J comes column by column from jvp, H J from products of
    the loss's Hessian with vectors; J is stored: as many images per image as the code has coordinates, so take large
    batches in chunks. Absolute eigenvalues keep every step downhill where a perceptual loss is not convex.

    Returns:
        As `descent.descend`: values, noise maps, (loss [N, steps], terms, final [N]).

    Source: Levenberg (1944), Marquardt (1963); Schraudolph, "Fast Curvature Matrix-Vector Products" (2002) for M.
    """
    leaves, tree = jax.tree.flatten(value)
    n, sizes = leaves[0].shape[0], [v[0].size for v in leaves]
    scales = jax.tree.leaves(spread_like(scale, value))
    ends = list(accumulate(sizes))[:-1]
    wide = sum(sizes)

    def place(u):
        parts = jnp.split(u, ends, axis=1)
        return tree.unflatten(v + s * p.reshape(v.shape) for v, s, p in zip(leaves, scales, parts, strict=True))

    draw = lambda u: evaluate(place(u), noise)[2]
    slope = jax.grad(lambda drawn, u: judge(drawn, place(u)).sum(), argnums=(0, 1))

    def body(state, _):
        u, total, terms, damping = state
        drawn, push = jax.linearize(draw, u)
        pull = jax.linear_transpose(push, u)
        (by_images, by_code), curve = jax.linearize(slope, drawn, u)
        gradient = pull(by_images)[0] + by_code
        same = lambda unit: jnp.broadcast_to(unit, u.shape)
        units = jnp.eye(wide)
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
        new, parts, _ = evaluate(place(trial), noise)
        lower = new < total
        damping = jnp.clip(jnp.where(lower, damping * SHRINK, damping * GROW), 1e-9, 1e9)
        moved = choose(lower, (trial, new, parts), (u, total, terms))
        return (*moved, damping), (total, terms)

    u = jnp.zeros((n, wide))
    total, terms, _ = evaluate(place(u), noise)
    start = (u, total, terms, jnp.full(n, DAMPING))
    (u, final, _, _), (loss, history) = jax.lax.scan(body, start, None, length=settings.steps)
    return place(u), noise, (loss.T, {k: v.T for k, v in history.items()}, final)
