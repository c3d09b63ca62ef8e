"""Levenberg-Marquardt for wide codes: conjugate gradients that only multiply with the Gauss-Newton matrix."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxgan.inversion.base import choose
from jaxgan.inversion.gauss_newton import State, draws, slope, tried
from jaxgan.inversion.march import traced
from jaxgan.inversion.search import Each, Settings, Shared

INNER = 15  # iterations a step


class Inner(NamedTuple):
    """Where conjugate gradients stand, per image: the move, the residual, the direction, and whether it goes on."""

    move: Any
    residual: Any
    direction: Any
    going: Any


def step(settings: Settings, shared: Shared, each: Each, state: State, i) -> tuple[State, tuple]:
    """Take a damped Gauss-Newton step whose equations are solved by a few conjugate gradients.

        (M + mu c) move = -g,   c = v^T M v / D,   v = +-1 at random

    In coordinates in which the population is white (see `rank` of `refine`) this is preconditioned by its covariance.
    Iterations stop at a direction of no positive curvature, with what they have: the move then still goes downhill.

    Returns:
        The new state, and the total [N] and the terms {name: [N]} before the move.

    Source: Steihaug, "The Conjugate Gradient Method and Trust Regions in Large Scale Optimization" (1983), with
    damping in place of the radius.
    """
    problem = (settings, shared, each)
    inner, weight = _start(*problem, state, i)
    if traced((state, each)):
        inner = jax.lax.fori_loop(0, INNER, lambda _, inner: _iterate(*problem, state.u, weight, inner), inner)
    else:
        for _ in range(INNER):
            inner = _iterate(*problem, state.u, weight, inner)
    return _finish(*problem, state, inner.move), (state.total, state.terms)


def product(settings: Settings, shared: Shared, each: Each, u, v):
    """Return M v at u, and the gradient there [N, D]."""
    drawn, push = jax.linearize(draws(settings, shared, each), u)
    pull = jax.linear_transpose(push, u)
    (by_images, by_code), curve = jax.linearize(slope(settings, shared, each), drawn, u)
    bent, direct = curve(push(v), v)
    return pull(bent)[0] + direct, lambda: pull(by_images)[0] + by_code


@partial(jax.jit, static_argnums=0)
def _start(settings, shared, each, state: State, i):
    """Return where the iterations start, and the weight [N, 1] of the damping."""
    u = state.u
    probe = jax.random.rademacher(jax.random.fold_in(shared.key, i), (1, u.shape[1]), jnp.float32)
    bent, gradient = product(settings, shared, each, u, jnp.broadcast_to(probe, u.shape))
    mean = jnp.abs(jnp.mean(probe * bent, 1, keepdims=True))
    g = gradient()
    inner = Inner(jnp.zeros_like(g), -g, -g, jnp.isfinite(g).all(1))
    return inner, state.damping[:, None] * jnp.maximum(mean, 1e-30)


@partial(jax.jit, static_argnums=0)
def _iterate(settings, shared, each, u, weight, inner: Inner) -> Inner:
    """Take one iteration for the images that go on."""
    move, residual, direction, going = inner
    bent = product(settings, shared, each, u, direction)[0] + weight * direction
    dot = lambda a, b: jnp.sum(a * b, 1, keepdims=True)
    curvature, square = dot(direction, bent), dot(residual, residual)
    positive = (curvature > 0)[:, 0] & going & (square > 0)[:, 0]
    pace = square / jnp.where(curvature > 0, curvature, 1.0)
    left = residual - pace * bent
    ahead = left + dot(left, left) / jnp.maximum(square, 1e-30) * direction
    now, later = (move, residual, direction), (move + pace * direction, left, ahead)
    move, residual, direction = choose(positive, later, now)
    return Inner(move, residual, direction, positive)


@partial(jax.jit, static_argnums=0)
def _finish(settings, shared, each, state: State, move) -> State:
    return tried(settings, shared, each, state, move)
