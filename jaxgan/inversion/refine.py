"""Iterative inversion: move codes until the generator draws the images; a whole batch is one compiled program."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.sharding import PartitionSpec
from jaxtyping import Array, Float

from jaxgan.core.code import Code
from jaxgan.core.devices import AXIS, Devices, divided, mesh_of, replicated
from jaxgan.core.generator import Generator, known
from jaxgan.core.objective import Objective
from jaxgan.inversion import descent, gauss_newton, krylov
from jaxgan.inversion.base import Found, Inverter, in_chunks, untuned
from jaxgan.inversion.gauss_newton import WIDEST
from jaxgan.inversion.march import march, traced
from jaxgan.inversion.search import MOVABLE, Each, Settings, Shared
from jaxgan.latents.spaces import check_layers, first, is_tuple, noise_maps, plain
from jaxgan.latents.stats import SAMPLES, channels, population
from jaxgan.losses.latent import noise_regularisation

NOISE_WEIGHT = 1e5
WANDER = 0.05
FEATURE_SAMPLES = 32
CPU_CHUNK = 4  # images whose activations still fit a core's caches: fewer waste matrix products, more memory traffic


class Solver(NamedTuple):
    """How a search moves: `begin`, `step`, `end`, and how many steps more than moves it takes to see the last one."""

    begin: Callable
    step: Callable
    end: Callable
    looks: int


SOLVERS = {
    "adam": Solver(descent.begin, descent.step, descent.end, 1),
    "lm": Solver(gauss_newton.begin, gauss_newton.step, gauss_newton.end, 0),
    "lm-cg": Solver(gauss_newton.begin, krylov.step, gauss_newton.end, 0),
}


class Plan(NamedTuple):
    """What one compiled step is: a solver and its settings."""

    solver: str
    settings: Settings


def refine(
    objective: Objective,
    optimizer: optax.GradientTransformation | None = None,
    steps: int = 1000,
    space: str = "w",
    *,
    start: str | None = None,
    layers: Iterable[int] | None = None,
    noise: bool | float = False,
    features: Iterable[str] = (),
    rates: Mapping[str, float] | None = None,
    schedule: str = "nvidia",
    wander: float | None = None,
    unit: float | None = None,
    rank: int | None = None,
    solver: str = "adam",
    chunk: int | None = None,
    devices: Devices = None,
    samples: int = SAMPLES,
    progress: Callable[[int, int], None] | None = None,
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
        layers: Rows of w+ (or layers of s) that move, the others keep their bits; all when None. With () the whole
            code is held, in the space that it is given in, while noise maps or features move.
        noise: Also optimise the noise maps, with the weight of their regulariser (True: 1e5). Maps that are optimised
            can memorise any image: judge a code without them, and do not edit with them.
        features: Taps whose activations are optimised too, and become part of the code (`Code.features`). They start
            as the given code's, or else as what the generator has there at the starting code.
        rates: Factors of the step sizes of "code", "noise" and "features", such as {"noise": 5.0}; 1 where not named.
            A unit step of a noise map is 1, its standard deviation; one of a feature is the spread of its tap.
        schedule: "nvidia" (ramp-up over 5 % of the steps, cosine ramp-down over 25 %) or "constant".
        wander: Strength of the noise on codes that fades over the first 75 % of the steps, relative to the spread
            sqrt(mean ||w - mean||^2); when None 0.05 from the mean, 0 from a given code.
        unit: Length of a unit step in the space's own coordinates; 1.0 makes learning rates absolute. When None
            the root mean square of the standard deviation over coordinates.
        rank: Move along so many principal axes of the population only, each row of w+ along them by itself; a unit
            step is the standard deviation along its axis (or `unit`). So the code stays where the population is.
        solver: "adam" (first order, any optimizer), or Levenberg-Marquardt: "lm" (exact up to 2048 unknowns, "lm-cg"
            beyond) or "lm-cg" (by conjugate gradients, in coordinates in which the population is white). It lives on
            curvature, which terms of absolute values such as `losses.laplacian` lack: give it squared ones.
        chunk: Images at a time, on each device, to bound memory and to fit caches. When None 4 on a CPU and all at
            once elsewhere.
        devices: Devices of this process to divide the images among; each computes for itself, and the codes are the
            same. The default device when None.
        samples: Size of the sample behind mean and spread.
        progress: Called with the steps done and their number over all chunks.

    Returns:
        An inverter. `info`: "loss" [steps, N] the total before each step, "terms" {name: [steps, N]}, "final" [N] the
        total of the code that is returned, the best one seen.

    Raises:
        ValueError: When called, if the generator lacks the space, the layers, taps or noise maps.

    Source: schedule, wandering and noise regulariser: Karras et al., "Analyzing and Improving the Image Quality of
    StyleGAN" (2020), appendix D, and its code. Different: steps scale with the population's spread, a batch of any
    size, the best code rather than the last one, and the optimised noise is part of the result.
    """
    known(solver, tuple(SOLVERS), "solver")
    known(schedule, tuple(descent.SCHEDULES), "schedule")
    known(start or "given", ("mean", "given"), "start")
    layers = None if layers is None else tuple(layers)
    taps, rates = tuple(features), dict(rates or {})
    for kind in rates:
        known(kind, MOVABLE, "variable")
    if steps < 0 or (chunk is not None and chunk < 1) or (rank is not None and rank < 1):
        raise ValueError(f"steps must be at least 0, chunk and rank at least 1, got {steps}, {chunk} and {rank}.")
    if solver != "adam" and (noise or taps or layers == ()):
        raise ValueError(
            f"solver={solver!r} moves codes, no noise, no features. Chain a refine(..., noise=True) behind."
        )
    if layers == () and not (noise or taps):
        raise ValueError("layers=() holds the code: nothing moves without noise=True or features=(...).")
    if noise:
        objective = objective + (NOISE_WEIGHT if noise is True else noise) * noise_regularisation()
    mesh = None if devices is None else mesh_of(devices)
    settings = Settings(optimizer or adam(), schedule, layers, bool(noise), taps, mesh)
    paces = {kind: jnp.float32(rates.get(kind, 1.0)) for kind in MOVABLE}

    def inverter(found: Found, images: Float[Array, "n h w c"], key) -> tuple[Found, dict]:
        untuned(found, "refine")
        g, n = found.generator, len(images)
        if objective.couples and ((chunk or n) < n or mesh is not None or solver != "adam"):
            raise ValueError("The objective couples the images: it takes them all at once, on one device, with 'adam'.")
        known(space, g.spaces, "space")
        for tap in taps:
            known(tap, g.arch.taps, "tap")
        keys = jax.random.split(key, 6)
        begin = start or ("mean" if found.code is None else "given")
        if begin == "given" and found.code is None:
            raise ValueError("start='given' needs a code: put an encoder before it or pass invert(..., start=code).")
        if steps == 0 and begin == "given":
            loss = jnp.zeros((0, n))
            return found, {"loss": loss, "terms": dict.fromkeys(objective.names, loss)}
        given = found.code if begin == "given" else None
        at = given.space if given is not None and layers == () else space
        if layers:
            check_layers(g, at, layers)
        mean, scale = centre(g, keys[0], at, samples)
        code = g.to(given, at) if given is not None else repeat(g, keys[1], mean, at, n, found.code)
        scale = scale if unit is None else jax.tree.map(lambda _: jnp.float32(unit), scale)
        axes = None if rank is None else principal(g, keys[4], at, rank, unit, samples)
        wide, ordered = unknowns(g, at, layers, rank), has_axes(g, at)
        chosen = "lm-cg" if solver == "lm" and wide > WIDEST else solver
        if chosen == "lm-cg" and rank is None and unit is None and ordered:
            axes = principal(g, keys[4], at, g.arch.shape(at)[-1], unit, samples)
        if settings.noise:
            code = code.replace(noise=start_maps(g, keys[2], code, n))
        reach = reaches(g, keys[5], taps, unit, min(samples, FEATURE_SAMPLES))
        shake = WANDER * (begin == "mean") if wander is None else wander
        shared = Shared(
            objective, g, scale, axes, reach, paces, jnp.float32(shake), jnp.float32(max(steps, 1)), keys[3]
        )
        best, info = run(
            Plan(solver, settings), shared, images, code, steps, n if objective.couples else chunk, progress
        )
        moved = {"value": best.value} if layers != () else {}
        moved |= {"noise": best.noise} if settings.noise else {}
        moved |= {"features": best.features} if taps else {}
        return Found(g, code.replace(**moved)), info

    return inverter


@cache  # one object: another one would compile anew
def adam() -> optax.GradientTransformation:
    return optax.adam(0.1)


def run(plan: Plan, shared: Shared, images, code: Code, steps: int, chunk: int | None, progress) -> tuple[Code, dict]:
    """Refine a batch in chunks of one shape; return the best codes and the info."""
    n, mesh = len(images), plan.settings.mesh
    solver, many = SOLVERS[plan.solver], 1 if mesh is None else mesh.size
    size = many * (chunk or (CPU_CHUNK if jax.default_backend() == "cpu" else -(-n // many)))
    size = min(size, many * -(-n // many))
    if mesh is not None:
        shared = jax.device_put(shared, replicated(mesh))
    chunks, done = -(-n // size), 0
    # A scan tells nothing before its end, so to be heard of takes a loop of Python, on any device.
    scan = False if progress is not None and not traced((shared, images, code)) else None
    whole = plan.solver == "adam" or mesh is not None

    def tick(step: int, _: int) -> None:
        if progress is not None and step <= steps:
            progress(done * steps + step, chunks * steps)

    def part(*batched):
        nonlocal done
        if mesh is not None:
            batched = jax.device_put(batched, divided(mesh))
        each, carry = _begin(plan, shared, *batched)
        count = steps + solver.looks
        carry, (loss, terms) = march(_step, plan, (shared, each), carry, count, progress=tick, scan=scan, whole=whole)
        final, best = _end(plan, shared, each, carry)
        done += 1
        past = lambda x: x[:steps].T
        return best, past(loss), jax.tree.map(past, terms), final

    best, loss, terms, final = in_chunks(part, size, jnp.asarray(images), code.separate())
    return best, {"loss": loss.T, "terms": {k: v.T for k, v in terms.items()}, "final": final}


def spread_out(plan: Plan, fn: Callable, *args):
    """Call `fn(shared, *batched)` on every device's share of the batch; shares do not meet."""
    mesh = plan.settings.mesh
    if mesh is None:
        return fn(*args)
    share = PartitionSpec(AXIS)
    specs = (PartitionSpec(), *[share] * (len(args) - 1))
    return jax.shard_map(fn, mesh=mesh, in_specs=specs, out_specs=share, check_vma=False)(*args)


@partial(jax.jit, static_argnums=0)
def _begin(plan: Plan, shared: Shared, images, code: Code):
    """Prepare the targets, read the features that move where the code holds none, and start the solver."""
    settings, g = plan.settings, shared.generator

    def begin(shared, images, code):
        held = code.features or {}
        if missing := [tap for tap in settings.taps if tap not in held]:
            code = code.replace(features={**g.read(code, missing), **held})
        each = Each(shared.objective.prepare(images), code)
        return each, SOLVERS[plan.solver].begin(settings, shared, each)

    return spread_out(plan, begin, shared, images, code)


def _step(plan: Plan, fixed: tuple[Shared, Each], carry, i):
    """Take one step of the plan's solver."""
    shared, each = fixed
    step = lambda shared, each, carry: SOLVERS[plan.solver].step(plan.settings, shared[0], each, carry, shared[1])
    return spread_out(plan, step, (shared, i), each, carry)


@partial(jax.jit, static_argnums=0)
def _end(plan: Plan, shared: Shared, each: Each, carry):
    end = lambda shared, each, carry: SOLVERS[plan.solver].end(plan.settings, shared, each, carry)
    return spread_out(plan, end, shared, each, carry)


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


def reaches(g: Generator, key, taps: tuple[str, ...], unit: float | None, samples: int) -> dict:
    """Return for each tap the rms standard deviation of its activation over the population, or the unit."""
    if not taps or unit is not None:
        return {tap: jnp.float32(1.0 if unit is None else unit) for tap in taps}
    read = g.read(g.sample(key, samples), taps)
    return {tap: jnp.sqrt(jnp.var(x, axis=0).mean()) for tap, x in read.items()}


def has_axes(g: Generator, space: str) -> bool:
    """Whether the population has principal axes that matter, and few enough coordinates to find them."""
    return plain(space) != first(g) and not is_tuple(g.arch.shape(space))


def principal(g: Generator, key, space: str, rank: int, unit: float | None, samples: int) -> Array:
    """Return the population's principal axes [rank, D], longest first, each of its standard deviation or of `unit`."""
    if not has_axes(g, space):
        raise ValueError(f"rank= takes principal axes, which are those of 'w' and its charts, not of {space!r}.")
    wide = g.arch.shape(plain(space))[-1]
    if rank > wide:
        raise ValueError(f"Rows of {space!r} have {wide} coordinates, got rank={rank}.")
    chart = population(g, key, samples, space=plain(space))
    std = chart.std if unit is None else jnp.full(wide, unit)
    return (chart.basis * std).T[::-1][:rank]


def unknowns(g: Generator, space: str, layers: tuple[int, ...] | None, rank: int | None) -> int:
    """Number of coordinates that move of one code of the space."""
    shape = g.arch.shape(space)
    if is_tuple(shape):
        return sum(math.prod(s) for i, s in enumerate(shape) if layers is None or i in layers)
    count = 1 if len(shape) == 1 else shape[0] if layers is None else len(layers)
    return count * (rank or shape[-1])
