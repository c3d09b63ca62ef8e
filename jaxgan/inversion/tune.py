"""Pivotal tuning: keep the codes, move the generator until it draws the images at them."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from jaxgan.core.generator import Generator
from jaxgan.core.objective import Objective
from jaxgan.inversion.base import Found, Inverter, ones, untuned


class Settings(NamedTuple):
    """What a compiled tuning depends on besides arrays."""

    optimizer: optax.GradientTransformation
    steps: int
    freeze: tuple[str, ...]


def tune(
    objective: Objective,
    optimizer: optax.GradientTransformation | None = None,
    steps: int = 350,
    *,
    each: bool = False,
    freeze: tuple[str, ...] = ("mapping",),
) -> Inverter:
    """Move the generator's parameters so that the given codes (the pivots) draw the images better.

        minimise over theta  mean_n objective(G_theta(pivot_n), image_n)

    The result is the best generator seen: by the mean over the batch, or image by image with `each`. A step whose
    loss or gradient is not finite is not taken.

    Args:
        objective: What to minimise.
        optimizer: Any optax transformation; `optax.adam(3e-4)` when None.
        steps: Iterations; 0 returns the guess as it is.
        each: Give every image a generator of its own (memory: one set of parameters and of optimizer state per
            image); `Found.images()` and `found[i]` know about it. Otherwise one generator serves the whole batch.
        freeze: Names of stage modules that do not move.

    Returns:
        An inverter. `info["loss"]` [steps, N] is each image's total before each step, "final" [N] that of the result.

    Source: Roich et al., "Pivotal Tuning for Latent-based Editing of Real Images" (2022), section 3.2. Different: no
    locality regulariser and no early stop (choose `steps`), and the best generator is kept.
    """
    if steps < 0:
        raise ValueError(f"steps must be at least 0, got {steps}.")
    settings = Settings(optimizer or optax.adam(3e-4), steps, tuple(freeze))

    def inverter(found: Found, images: Float[Array, "n h w c"], key) -> tuple[Found, dict]:
        untuned(found, "tune")
        if found.code is None:
            raise ValueError("tune moves the generator around given codes: put an encoder or refine(...) before it.")
        if steps == 0:
            return found, {"loss": jnp.zeros((0, len(images)))}
        images = jnp.asarray(images)
        if not each:
            generator, info = together(objective, found.generator, found.code, images, settings)
            return Found(generator, found.code), info
        generator, info = apart(objective, found.generator, ones(found.code), images[:, None], settings)
        loss = info["loss"][..., 0].T
        return Found(generator, found.code, stacked=True), {"loss": loss, "final": info["final"][:, 0]}

    return inverter


@partial(jax.jit, static_argnames="settings")
def together(objective, g: Generator, code, images, settings: Settings):
    return solve(objective, g, code, images, settings)


@partial(jax.jit, static_argnames="settings")
def apart(objective, g: Generator, codes, images, settings: Settings):
    return jax.vmap(lambda code, image: solve(objective, g, code, image, settings))(codes, images)


def solve(objective, g: Generator, code, images, settings: Settings):
    """Tune one generator for a batch; return it and the info."""
    target, optimizer = objective.prepare(images), settings.optimizer
    held = {k: v for k, v in g.params.items() if k in settings.freeze}
    moving = {k: v for k, v in g.params.items() if k not in settings.freeze}
    tuned = lambda params: g.replace(params={**held, **params})

    def loss(params):
        generator = tuned(params)
        total, _ = objective(generator(code), target, code, generator)
        return total.mean(), total

    def step(carry, _):
        params, state, best = carry
        (mean, total), gradient = jax.value_and_grad(loss, has_aux=True)(params)
        best = pick(mean < best[0], (mean, params), best)
        updates, new_state = optimizer.update(gradient, state, params)
        new = optax.apply_updates(params, updates)
        well = jnp.stack([jnp.isfinite(x).all() for x in jax.tree.leaves((mean, gradient, new))]).all()
        params, state = pick(well, (new, new_state), (params, state))
        return (params, state, best), total

    start = (moving, optimizer.init(moving), (jnp.float32(jnp.inf), moving))
    (params, _, best), history = jax.lax.scan(step, start, None, length=settings.steps)
    params = pick(loss(params)[0] < best[0], params, best[1])
    return tuned(params), {"loss": history, "final": loss(params)[1]}


def pick(keep, a, b):
    """Take tree `a` where the scalar `keep` is true, else `b`."""
    return jax.tree.map(lambda x, y: jnp.where(keep, x, y), a, b)
