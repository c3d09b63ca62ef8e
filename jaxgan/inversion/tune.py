"""Pivotal tuning: keep the codes, move the generator until it draws the images at them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatch
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jaxtyping import Array, Float

from jaxgan.core.code import Code
from jaxgan.core.generator import Generator
from jaxgan.core.objective import Objective
from jaxgan.inversion.base import Found, Inverter, ones, untuned
from jaxgan.inversion.march import march
from jaxgan.latents.spaces import origin, rows
from jaxgan.latents.stats import typical_distance

PSI = 0.5
BRIEFLY = 8  # names that a message lists


class Settings(NamedTuple):
    """What a compiled tuning depends on besides arrays."""

    optimizer: optax.GradientTransformation
    rank: int | None
    until: tuple[tuple[str, float], ...]


@struct.dataclass
class Shared:
    """What all steps use: the objectives, the generator that is tuned, and how far its neighbourhood reaches."""

    objective: Objective
    locality: Objective | None
    generator: Generator
    reach: Any
    key: Any


class Carry(NamedTuple):
    """Where a tuning stands: what moves, the optimizer, the best so far with its loss, and whether it is done."""

    moving: Any
    optimizer: Any
    best: tuple
    done: Any


@struct.dataclass
class Factors:
    """A change of low rank: left [M, r] @ right [r, C] in the shape of the array that it is added to."""

    left: Any
    right: Any


def tune(
    objective: Objective,
    optimizer: optax.GradientTransformation | None = None,
    steps: int = 350,
    *,
    each: bool = False,
    trainable: tuple[str, ...] | None = None,
    freeze: tuple[str, ...] | None = None,
    rank: int | None = None,
    until: float | Mapping[str, float] | None = None,
    locality: Objective | None = None,
    alpha: float = 1.0,
    unit: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Inverter:
    """Move the generator's parameters so that the given codes (the pivots) draw the images better.

        minimise over theta  mean_n objective(G_theta(pivot_n), image_n) + locality(G_theta(near_n), G(near_n))
        near_n = pivot_n + alpha unit (other_n - pivot_n) / ||other_n - pivot_n||,    other_n = f(z_n; psi = 0.5)

    The result is the best generator seen: by the mean over the batch, or image by image with `each`. A step whose
    loss or gradient is not finite is not taken.

    Args:
        objective: What to minimise.
        optimizer: Any optax transformation; `optax.adam(3e-4)` when None.
        steps: Iterations; 0 returns the guess as it is.
        each: Give every image a generator of its own (memory: one set of parameters and of optimizer state per
            image); `Found.images()` and `found[i]` know about it. Otherwise one generator serves the whole batch.
        trainable: Which parameters move: parts of their paths such as "style" (a stage), "synthesis/b8" (a block) or
            "*/conv*/weight" (by pattern); all when None.
        freeze: Which of them do not move after all; when None "mapping" where there is such a stage.
        rank: Move kernels and matrices by changes of this rank instead of freely.
        until: Stop at a total that is no higher, or where each of the named terms is no higher than its bound: over
            the batch's mean, or image by image with `each`.
        locality: How much the generator may change what it draws near the pivots, such as 0.1 * (pixel() + lpips(n));
            new codes near them are drawn at every step. None lets it go.
        alpha: How far from a pivot those codes lie, in units of `unit`.
        unit: Distance in the code's own coordinates (over all rows); 1.0 makes `alpha` absolute. When None the
            population's spread, sqrt(mean ||code - mean||^2).
        progress: Called with the steps done and their number, where the steps are not one compiled loop.

    Returns:
        An inverter. `info["loss"]` [steps, N] is each image's total before each step, "locality" [steps, N] that of
        the neighbours if asked for, "final" [N] that of the result, "moved" [N] how many steps it took.

    Source: Roich et al., "Pivotal Tuning for Latent-based Editing of Real Images" (2022), sections 3.2 and 3.3, and
    its code, whose alpha of 30 is absolute over 18 rows of w+. Different: the distance counts in spreads of the
    population, neighbours are drawn with the generator's own noise instead of none, `until` may be any term, the best
    generator is kept, and parts or low ranks of it can be tuned.
    """
    if steps < 0 or (rank is not None and rank < 1):
        raise ValueError(f"steps must be at least 0 and rank at least 1, got {steps} and {rank}.")
    bounds = {"": float(until)} if isinstance(until, (int, float)) else dict(until or {})
    for name in bounds:
        if name and name not in objective.names:
            raise ValueError(f"until names {name!r}, the objective's terms are {', '.join(objective.names)}.")
    settings = Settings(optimizer or adam(), rank, tuple(sorted(bounds.items())))

    def inverter(found: Found, images: Float[Array, "n h w c"], key) -> tuple[Found, dict]:
        untuned(found, "tune")
        if found.code is None:
            raise ValueError("tune moves the generator around given codes: put an encoder or refine(...) before it.")
        if steps == 0:
            return found, {"loss": jnp.zeros((0, len(images)))}
        g, code, images = found.generator, found.code, jnp.asarray(images)
        names = chosen(g, trainable, freeze)
        keys = jax.random.split(key, 3)
        reach = (
            None if locality is None else alpha * (typical_distance(g, keys[0], code.space) if unit is None else unit)
        )
        shared = Shared(objective, locality, g, reach, keys[1])
        moving = free(g, names, rank, keys[2])
        best, loss, change, final, moved = solve(settings, shared, moving, code, images, steps, each, progress)
        generator = jax.vmap(partial(placed, g))(best) if each else placed(g, best)
        info = {"loss": loss, "final": final, "moved": moved}
        return Found(generator, code, stacked=each), info | ({} if locality is None else {"locality": change})

    return inverter


@cache  # one object: another one would compile anew
def adam() -> optax.GradientTransformation:
    return optax.adam(3e-4)


def solve(settings: Settings, shared: Shared, moving, code: Code, images, steps: int, each: bool, progress=None):
    """Tune, and return what moves, the history of losses and of the neighbours' [steps, N], the final loss, and the
    steps that were taken [N].
    """
    own = (ones(code), images[:, None]) if each else (code, images)
    own, carry = _begin(settings, each, shared, moving, own)
    fixed = (shared, own)
    stop = (lambda c: bool(jnp.all(c.done))) if settings.until else None
    carry, (loss, change, going) = march(
        apart if each else together, settings, fixed, carry, steps, stop=stop, progress=progress
    )
    best, final = _end(settings, each, fixed, carry)
    if each:
        loss, change, final = loss[..., 0], change[..., 0], final[:, 0]
    moved = going.sum(0, dtype=jnp.int32)
    return best, loss, change, final, moved if each else jnp.broadcast_to(moved, final.shape)


@partial(jax.jit, static_argnums=(0, 1))
def _begin(settings: Settings, each: bool, shared: Shared, moving, own):
    """Prepare the targets, and start the optimizer."""
    prepare = lambda own: (own[0], shared.objective.prepare(own[1]))
    start = lambda _: Carry(moving, settings.optimizer.init(moving), (jnp.float32(jnp.inf), moving), jnp.array(False))
    if not each:
        return prepare(own), start(own)
    return jax.vmap(prepare)(own), jax.vmap(start)(own)


@partial(jax.jit, static_argnums=(0, 1))
def _end(settings: Settings, each: bool, fixed, carry: Carry):
    """Return what moved in its best state, and the images' totals there."""
    shared, own = fixed

    def end(own, carry):
        code, target = own
        total = lambda moving: judged(shared, placed(shared.generator, moving), code, target)[0]
        better = total(carry.moving).mean() < carry.best[0]
        best = pick(better | carry.done, carry.moving, carry.best[1])
        return best, total(best)

    return jax.vmap(end)(own, carry) if each else end(own, carry)


def together(settings: Settings, fixed, carry: Carry, i):
    """Take step i with one generator for the batch; the outputs are the totals before it, and whether it was taken."""
    shared, (code, target) = fixed
    key = jax.random.fold_in(shared.key, i)

    def loss(moving):
        generator = placed(shared.generator, moving)
        total, terms = judged(shared, generator, code, target)
        change = jnp.zeros_like(total)
        if shared.locality is not None:
            near = neighbours(shared.generator, key, code, shared.reach)
            change, _ = shared.locality(generator(near), shared.generator(near), near, generator)
        return (total + change).mean(), (total, terms, change)

    (whole, (total, terms, change)), gradient = jax.value_and_grad(loss, has_aux=True)(carry.moving)
    mean = total.mean()
    done = carry.done
    if settings.until:
        reached = [(mean if name == "" else terms[name].mean()) <= bound for name, bound in settings.until]
        done = done | jnp.stack(reached).all()
    best = pick(done | (mean < carry.best[0]), (mean, carry.moving), carry.best)
    updates, optimizer = settings.optimizer.update(gradient, carry.optimizer, carry.moving)
    new = optax.apply_updates(carry.moving, updates)
    well = jnp.stack([jnp.isfinite(x).all() for x in jax.tree.leaves((whole, gradient, new))]).all() & ~done
    moving, optimizer = pick(well, (new, optimizer), (carry.moving, carry.optimizer))
    return Carry(moving, optimizer, best, done), (total, jnp.where(carry.done, 0.0, change), well)


def apart(settings: Settings, fixed, carry: Carry, i):
    """Take step i with a generator for each image."""
    shared, own = fixed
    return jax.vmap(lambda own, carry: together(settings, (shared, own), carry, i))(own, carry)


def judged(shared: Shared, generator: Generator, code: Code, target):
    return shared.objective(generator(code), target, code, generator)


def neighbours(g: Generator, key, pivot: Code, reach) -> Code:
    """Draw a code at distance `reach` of each pivot, in the direction of a member of the population."""
    other = g.sample(key, len(pivot), pivot.cond)
    if pivot.space == "s":
        other = g.to(other, "s", psi=PSI if g.arch.truncates else None).value
    else:
        middle = origin(g, pivot.space)
        other = middle + PSI * (g.to(other, pivot.space).value - middle)
    away = jax.tree.map(jnp.subtract, other, pivot.value)
    length = jnp.linalg.norm(rows(away), axis=1)
    step = reach / jnp.maximum(length, 1e-12)
    moved = jax.tree.map(lambda p, d: p + step.reshape(-1, *[1] * (d.ndim - 1)) * d, pivot.value, away)
    return Code(moved, pivot.space, pivot.cond)


def chosen(g: Generator, trainable: tuple[str, ...] | None, freeze: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the paths of the parameters that move, or raise ValueError."""
    paths = list(flat(g.params))
    freeze = tuple(f for f in ("mapping",) if f in g.params) if freeze is None else freeze
    for pattern in (*(trainable or ()), *freeze):
        if not any(matches(path, pattern) for path in paths):
            some = ", ".join(paths[:BRIEFLY])
            raise ValueError(f"No parameter of {g.arch.name} matches {pattern!r}; there are {some} and others.")
    moving = tuple(
        path
        for path in paths
        if (trainable is None or any(matches(path, p) for p in trainable)) and not any(matches(path, p) for p in freeze)
    )
    if not moving:
        raise ValueError(f"Nothing of {g.arch.name} is left to move: trainable={trainable}, freeze={freeze}.")
    return moving


def matches(path: str, pattern: str) -> bool:
    """Whether a path such as "synthesis/b8/conv0/weight" matches a pattern, or lies within what it names."""
    return fnmatch(path, pattern) or fnmatch(path, f"{pattern}/*")


def flat(params) -> dict[str, Any]:
    """Return the leaves of a tree of parameters by path."""
    return {"/".join(p.key for p in path): x for path, x in jax.tree_util.tree_leaves_with_path(params)}


def free(g: Generator, names: tuple[str, ...], rank: int | None, key) -> dict[str, Any]:
    """Return what moves, by path: the parameters themselves, or factors of a change of theirs, which is zero."""
    moving = {name: flat(g.params)[name] for name in names}
    if rank is None:
        return moving

    def factors(i: int, x):
        width, height = x.shape[-1], x.size // x.shape[-1]
        if x.ndim < 2 or rank >= min(width, height):
            return x
        left = jax.random.normal(jax.random.fold_in(key, i), (height, rank)) / jnp.sqrt(rank)
        return Factors(left, jnp.zeros((rank, width)))

    return {name: factors(i, x) for i, (name, x) in enumerate(moving.items())}


def placed(g: Generator, moving: dict[str, Any]) -> Generator:
    """Put what moves into its places."""

    def put(path, x):
        new = moving.get("/".join(p.key for p in path), x)
        return x + (new.left @ new.right).reshape(x.shape) if isinstance(new, Factors) else new

    return g.replace(params=jax.tree_util.tree_map_with_path(put, g.params))


def pick(keep, a, b):
    """Take tree `a` where the scalar `keep` is true, else `b`."""
    return jax.tree.map(lambda x, y: jnp.where(keep, x, y), a, b)
