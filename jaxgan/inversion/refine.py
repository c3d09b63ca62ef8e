"""Iterative inversion: move codes until the generator draws the images; a whole batch is one compiled program."""

from __future__ import annotations

import math
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from jaxgan.core.code import Code
from jaxgan.core.generator import Generator, known
from jaxgan.core.objective import Objective
from jaxgan.inversion.base import Found, Inverter, in_chunks, untuned
from jaxgan.inversion.descent import SCHEDULES, descend
from jaxgan.inversion.gauss_newton import WIDEST, damped
from jaxgan.latents.spaces import first, noise_maps, plain
from jaxgan.latents.stats import SAMPLES, channels
from jaxgan.losses.latent import noise_regularisation

NOISE_WEIGHT = 1e5
WANDER = 0.05
SOLVERS = ("adam", "lm")


class Settings(NamedTuple):
    """What a compiled refinement depends on besides arrays."""

    optimizer: optax.GradientTransformation
    steps: int
    space: str
    noise: bool
    schedule: str
    solver: str
    chunk: int | None


def refine(
    objective: Objective,
    optimizer: optax.GradientTransformation | None = None,
    steps: int = 1000,
    space: str = "w",
    *,
    start: str | None = None,
    noise: bool | float = False,
    schedule: str = "nvidia",
    wander: float | None = None,
    unit: float | None = None,
    solver: str = "adam",
    chunk: int | None = None,
    samples: int = SAMPLES,
) -> Inverter:
    """Invert by optimisation in a latent space.

        minimise_n  objective(G(code_n), image_n),      code = start + unit * u

    Every image has its own optimizer state, its own best code and the same random numbers as every other: its
    result does not depend on its neighbours, nor on a NaN among them.

    Args:
        objective: What to minimise.
        optimizer: Any optax transformation; its learning rate counts in units of the population's spread in one
            coordinate of the space (see `unit`). `optax.adam(0.1)` when None. Unused by solver "lm".
        steps: Iterations; 0 returns the start.
        space: Space to search: "z", "w", "w+", "s", "p", "p+" as the generator has them.
        start: "mean" (of the population; in the first space a random draw, since G is often singular at 0) or
            "given" (the code that is there, carried to the space); when None "given" if there is one.
        noise: Also optimise the noise maps, with the weight of their regulariser (True: 1e5). Maps that are optimised
            can memorise any image: judge a code without them, and do not edit with them.
        schedule: "nvidia" (ramp-up over 5 % of the steps, cosine ramp-down over 25 %) or "constant".
        wander: Strength of the noise on codes that fades over the first 75 % of the steps, relative to the spread
            sqrt(mean ||w - mean||^2); when None 0.05 from the mean, 0 from a given code.
        unit: Length of a unit step in the space's own coordinates; 1.0 makes learning rates absolute. When None
            the root mean square of the standard deviation over coordinates.
        solver: "adam" (first order, any optimizer) or "lm" (Levenberg-Marquardt, for narrow spaces such as "w"; it
            lives on curvature, which terms of absolute values such as `losses.laplacian` lack: give it squared ones).
        chunk: Images at a time, to bound memory and to fit caches; all at once when None.
        samples: Size of the sample behind mean and spread.

    Returns:
        An inverter. `info`: "loss" [steps, N] the total before each step, "terms" {name: [steps, N]}, "final" [N] the
        total of the code that is returned, the best one seen.

    Source: schedule, wandering and noise regulariser: Karras et al., "Analyzing and Improving the Image Quality of
    StyleGAN" (2020), appendix D, and its code. Different: steps scale with the population's spread, a batch of any
    size, the best code rather than the last one, and the optimised noise is part of the result.
    """
    known(solver, SOLVERS, "solver")
    known(schedule, tuple(SCHEDULES), "schedule")
    known(start or "given", ("mean", "given"), "start")
    if steps < 0 or (chunk is not None and chunk < 1):
        raise ValueError(f"steps must be at least 0 and chunk at least 1, got {steps} and {chunk}.")
    if solver == "lm" and noise:
        raise ValueError("solver='lm' does not optimise noise maps. Chain a refine(..., noise=True) behind it.")
    if noise:
        objective = objective + (NOISE_WEIGHT if noise is True else noise) * noise_regularisation()
    settings = Settings(optimizer or adam(), steps, space, bool(noise), schedule, solver, chunk)

    def inverter(found: Found, images: Float[Array, "n h w c"], key) -> tuple[Found, dict]:
        untuned(found, "refine")
        g, n = found.generator, len(images)
        known(space, g.spaces, "space")
        keys = jax.random.split(key, 4)
        begin = start or ("mean" if found.code is None else "given")
        if begin == "given" and found.code is None:
            raise ValueError("start='given' needs a code: put an encoder before it or pass invert(..., start=code).")
        if steps == 0 and begin == "given":
            loss = jnp.zeros((0, n))
            return found, {"loss": loss, "terms": dict.fromkeys(objective.names, loss)}
        mean, scale = centre(g, keys[0], space, samples)
        given = found.code if begin == "given" else None
        code = g.to(given, space) if given is not None else repeat(g, keys[1], mean, space, n, found.code)
        scale = scale if unit is None else jax.tree.map(lambda _: jnp.float32(unit), scale)
        if solver == "lm" and (wide := unknowns(g, space)) > WIDEST:
            raise ValueError(
                f"solver='lm' solves systems of at most {WIDEST} unknowns, {space!r} has {wide}. Use 'adam'."
            )
        if settings.noise:
            code = code.replace(noise=start_maps(g, keys[2], code, n))
        shake = WANDER * (begin == "mean") if wander is None else wander
        value, maps, info = run(objective, g, images, code, scale, jnp.float32(shake), keys[3], settings)
        return Found(g, code.replace(value=value, noise=maps if settings.noise else code.noise)), info

    return inverter


@cache  # one object: another one would compile anew
def adam() -> optax.GradientTransformation:
    return optax.adam(0.1)


@partial(jax.jit, static_argnames="settings")
def run(objective, g, images, code: Code, scale, shake, key, settings: Settings):
    """Refine a batch in chunks; return values, noise maps and the info."""
    solve = damped if settings.solver == "lm" else descend
    noise = jax.tree.map(lambda x: jnp.broadcast_to(x, (len(images), *x.shape[1:])), code.noise)

    def part(images, value, cond, noise):
        target = objective.prepare(images)
        at = lambda value, maps: Code(value, settings.space, cond, maps if settings.noise else noise)

        def evaluate(value, maps):
            drawn = g(at(value, maps))
            return (*objective(drawn, target, at(value, maps), g), drawn)

        def judge(drawn, value):
            return objective(drawn, target, at(value, {}), g)[0]

        return solve(evaluate, judge, value, noise if settings.noise else {}, scale, shake, key, settings)

    value, maps, info = in_chunks(part, settings.chunk, images, code.value, code.cond, noise)
    loss, terms, final = info
    return value, maps, {"loss": loss.T, "terms": {k: v.T for k, v in terms.items()}, "final": final}


def centre(g: Generator, key, space: str, samples: int) -> tuple[Any, Any]:
    """Return the population's mean and, for each of its arrays, the rms standard deviation over coordinates.

    Rows of "w+" and "p+" are those of "w" and "p"; the first space is unit normal in every family, its mean None.
    """
    if plain(space) == first(g):
        return None, jnp.ones(())
    mean, std = channels(g, key, space if space == "s" else plain(space), samples)
    return mean, jax.tree.map(lambda s: jnp.sqrt(jnp.mean(s**2)), std)


def repeat(g: Generator, key, mean, space: str, n: int, given: Code | None) -> Code:
    """Return n codes at the mean, or at one draw of the prior where the space has no useful mean."""
    cond = None if given is None else given.cond
    if mean is None:
        code = g.to(g.sample(key, 1, None if cond is None else cond[:1]), space)
        cond = jnp.repeat(code.cond, n, 0) if cond is None and code.cond is not None else cond
        return Code(jax.tree.map(lambda v: jnp.repeat(v, n, 0), code.value), space, cond)
    shape = g.arch.shape(space)
    grow = lambda m, s: jnp.broadcast_to(m, (n, *s))
    return Code(tuple(map(grow, mean, shape)) if isinstance(mean, tuple) else grow(mean, shape), space, cond)


def start_maps(g: Generator, key, code: Code, n: int) -> dict:
    """Return noise maps to start from: the code's own, or white noise, the same for every image."""
    const = noise_maps(g)
    if not const:
        raise ValueError(f"noise=True needs noise maps, {g.arch.name} with this configuration has none.")
    draw = {k: jax.random.normal(jax.random.fold_in(key, i), v.shape) for i, (k, v) in enumerate(const.items())}
    return {k: jnp.broadcast_to(v, (n, *v.shape[1:])) for k, v in {**draw, **(code.noise or {})}.items()}


def unknowns(g: Generator, space: str) -> int:
    """Number of coordinates of one code of the space."""
    shape = g.arch.shape(space)
    return sum(map(math.prod, shape)) if space == "s" else math.prod(shape)
