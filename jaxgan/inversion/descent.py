"""First-order refinement: any optax optimizer, one state per image, under one scan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from jaxgan.inversion.base import choose, finite

RAMP_UP, RAMP_DOWN, FADE = 0.05, 0.25, 0.75


def nvidia(t: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """Return the projector's step size at a fraction t in [0, 1) of the steps.

    (1/2 - 1/2 cos(pi min(1, (1 - t) / 0.25))) min(1, t / 0.05)
    """
    down = 0.5 - 0.5 * jnp.cos(jnp.pi * jnp.minimum(1.0, (1 - t) / RAMP_DOWN))
    return down * jnp.minimum(1.0, t / RAMP_UP)


SCHEDULES = {"nvidia": nvidia, "constant": jnp.ones_like}


class State(NamedTuple):
    """Where a refinement stands.

    Args:
        params: (u, noise maps), batch first; the code is start + scale * u.
        optimizer: The optimizer's state, one per image.
        best: ([N] lowest loss so far, its value, its noise maps).
    """

    params: tuple
    optimizer: Any
    best: tuple


def init(value, noise, optimizer) -> State:
    """Start at a code."""
    params = (jax.tree.map(jnp.zeros_like, value), noise)
    n = jax.tree.leaves(value)[0].shape[0]
    return State(params, jax.vmap(optimizer.init)(params), (jnp.full(n, jnp.inf), value, noise))


def step(state: State, t, evaluate: Callable, place: Callable, optimizer, schedule: Callable):
    """Evaluate, remember the best, and move once.

    Args:
        state: Where it stands.
        t: Fraction of the steps done, in [0, 1).
        evaluate: (value, noise) -> (total [N], {term: [N]}, images).
        place: u -> value.
        optimizer: The optax transformation.
        schedule: t -> factor of the step size.

    Returns:
        The new state, and the total and the terms before the move.
    """

    def loss(params):
        value = place(params[0])
        total, parts, _ = evaluate(value, params[1])
        return total.sum(), (total, parts, value)

    (_, (total, parts, value)), gradient = jax.value_and_grad(loss, has_aux=True)(state.params)
    best = choose(total < state.best[0], (total, value, state.params[1]), state.best)
    updates, optimizer_state = jax.vmap(optimizer.update)(gradient, state.optimizer, state.params)
    stepped: Any = optax.apply_updates(state.params, jax.tree.map(lambda x: schedule(t) * x, updates))
    u, noise = stepped
    params = (u, jax.tree.map(normalise, noise))
    # An image whose loss or gradient is not finite stays where it was.
    well = finite((total, gradient, params))
    params, optimizer_state = choose(well, (params, optimizer_state), (state.params, state.optimizer))
    return State(params, optimizer_state, best), (total, parts)


def normalise(noise: Float[Array, "n h w 1"]) -> Float[Array, "n h w 1"]:
    """Give each noise map mean 0 and rms 1."""
    noise = noise - noise.mean((1, 2, 3), keepdims=True)
    return noise * jax.lax.rsqrt(jnp.square(noise).mean((1, 2, 3), keepdims=True))


def descend(evaluate, judge, value, noise, scale, shake, key, settings):
    """Run all steps under one scan; return the best values and noise maps, and (loss, terms, final), batch first."""
    schedule = SCHEDULES[settings.schedule]
    grow = lambda s, x: s * x
    offset = lambda u: jax.tree.map(grow, spread_like(scale, u), u)

    def body(state, i):
        t = i / settings.steps
        strength = shake * jnp.square(jnp.maximum(0.0, 1 - t / FADE))
        wandering = tremble(jax.random.fold_in(key, i), value, scale, strength)
        place = lambda u: jax.tree.map(lambda a, b, c: a + b + c, value, offset(u), wandering)
        return step(state, t, evaluate, place, settings.optimizer, schedule)

    state, (loss, terms) = jax.lax.scan(body, init(value, noise, settings.optimizer), jnp.arange(settings.steps))
    last = jax.tree.map(jnp.add, value, offset(state.params[0]))
    total = evaluate(last, state.params[1])[0]
    final, value, noise = choose(total < state.best[0], (total, last, state.params[1]), state.best)
    return value, noise, (loss.T, {k: v.T for k, v in terms.items()}, final)


def spread_like(scale, value):
    """Repeat a scale of one number for a code of several arrays."""
    return scale if jax.tree.structure(scale) == jax.tree.structure(value) else jax.tree.map(lambda _: scale, value)


def tremble(key, value, scale, strength):
    """Draw noise on codes, strength times the spread sqrt(D) * scale; the same for every image."""
    leaves, tree = jax.tree.flatten(value)
    scales = jax.tree.leaves(spread_like(scale, value))
    draw = lambda i, v: jax.random.normal(jax.random.fold_in(key, i), (1, *v.shape[1:]))
    return tree.unflatten(
        strength * s * jnp.sqrt(v.shape[-1]) * draw(i, v) for i, (v, s) in enumerate(zip(leaves, scales, strict=True))
    )
