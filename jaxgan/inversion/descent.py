"""First-order refinement: any optax optimizer, one state per image."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from jaxgan.core.code import Code
from jaxgan.inversion.base import choose, finite
from jaxgan.inversion.search import Each, Settings, Shared, code_at, judged, variables

RAMP_UP, RAMP_DOWN, FADE = 0.05, 0.25, 0.75


def nvidia(t: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """Return the projector's step size at a fraction t in [0, 1) of the steps.

    (1/2 - 1/2 cos(pi min(1, (1 - t) / 0.25))) min(1, t / 0.05)
    """
    down = 0.5 - 0.5 * jnp.cos(jnp.pi * jnp.minimum(1.0, (1 - t) / RAMP_DOWN))
    return down * jnp.minimum(1.0, t / RAMP_UP)


SCHEDULES = {"nvidia": nvidia, "constant": jnp.ones_like}


class State(NamedTuple):
    """Where a descent stands.

    Args:
        params: What moves, by kind ("code" in units from the start, "noise", "features"), batch first.
        optimizer: The optimizer's state, one per image.
        best: ([N] lowest total so far, the code it is of).
    """

    params: dict[str, Any]
    optimizer: Any
    best: tuple[Any, Code]


def begin(settings: Settings, shared: Shared, each: Each) -> State:
    """Start at a code."""
    params = variables(settings, shared, each.start)
    lowest = jnp.full(len(each.start), jnp.inf)
    return State(params, jax.vmap(settings.optimizer.init)(params), (lowest, each.start))


def step(settings: Settings, shared: Shared, each: Each, state: State, i) -> tuple[State, tuple]:
    """Evaluate, remember the best, and move once.

    Returns:
        The new state, and the total [N] and the terms {name: [N]} before the move.
    """
    t = i / shared.steps
    strength = shared.shake * jnp.square(jnp.maximum(0.0, 1 - t / FADE))
    wandering = tremble(jax.random.fold_in(shared.key, i), state.params.get("code"), strength)

    def loss(params):
        shaken = {**params, "code": jax.tree.map(jnp.add, params["code"], wandering)} if "code" in params else params
        code = code_at(settings, shared, each.start, shaken)
        total, terms, _ = judged(shared, each.target, code)
        return total.sum(), (total, terms, code)

    (_, (total, terms, code)), gradient = jax.value_and_grad(loss, has_aux=True)(state.params)
    best = choose(total < state.best[0], (total, code), state.best)
    updates: Any
    updates, optimizer = jax.vmap(settings.optimizer.update)(gradient, state.optimizer, state.params)
    pace = SCHEDULES[settings.schedule](jnp.asarray(t, jnp.float32))
    slowed = {kind: scaled(pace * shared.rates[kind], update) for kind, update in updates.items()}
    params: Any = optax.apply_updates(state.params, slowed)
    if settings.noise:
        params = {**params, "noise": jax.tree.map(normalise, params["noise"])}
    # An image whose loss or gradient is not finite stays where it was.
    well = finite((total, gradient, params))
    params, optimizer = choose(well, (params, optimizer), (state.params, state.optimizer))
    return State(params, optimizer, best), (total, terms)


def end(settings: Settings, shared: Shared, each: Each, state: State) -> tuple[Any, Code]:
    """Return the lowest total and its code: one more step than moves has looked at the last of them."""
    return state.best


def normalise(noise: Float[Array, "n h w 1"]) -> Float[Array, "n h w 1"]:
    """Give each noise map mean 0 and rms 1."""
    noise = noise - noise.mean((1, 2, 3), keepdims=True)
    return noise * jax.lax.rsqrt(jnp.square(noise).mean((1, 2, 3), keepdims=True))


def scaled(factor, tree):
    return jax.tree.map(lambda x: factor * x, tree)


def tremble(key, u, strength):
    """Draw noise on coordinates of codes, strength times the spread, which is sqrt(D); the same for every image."""
    leaves, tree = jax.tree.flatten(u)
    draw = lambda i, v: jax.random.normal(jax.random.fold_in(key, i), (1, *v.shape[1:]))
    return tree.unflatten(strength * v.shape[-1] ** 0.5 * draw(i, v) for i, v in enumerate(leaves))
