"""Paint by Word: inside a mask another code draws, which is searched for until an objective is content."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.tree_util import Partial
from jaxtyping import Array, ArrayLike, Float

from jaxgan.core.code import Code
from jaxgan.core.generator import Generator, known
from jaxgan.core.objective import Objective
from jaxgan.editing.blend import blend
from jaxgan.editing.brush import brush, feathered
from jaxgan.editing.morph import wide
from jaxgan.latents import stats
from jaxgan.latents.spaces import plain
from jaxgan.ops import evolve

BLENDED = ("styles", "activations")


class Painted(NamedTuple):
    """What a painter found.

    Args:
        code: The code that draws inside the mask.
        images: The pictures [N, H, W, C].
        drawing: Draws them, `drawing(g, ground, code)`, also from moved or mixed codes.
        loss: The objective after every generation and step [generations + steps, N], the best so far.
    """

    code: Code
    images: Float[Array, "n h w c"]
    drawing: Callable[..., Any]
    loss: Float[Array, "t n"]


def paint(
    objective: Objective,
    mask: Float[ArrayLike, "h w"],
    *,
    blended: str = "styles",
    generations: int = 20,
    population: int = 50,
    sigma: float = 0.5,
    steps: int = 100,
    lr: float = 0.01,
    samples: int = stats.SAMPLES,
    progress: Callable[[int, int], None] | None = None,
) -> Callable[[Generator, Code, Any], Painted]:
    """Search for what shall be drawn inside a mask, first by evolution, then by gradients.

        minimise_u  objective(brush(mask)(g, w, w + std u), G(w)),     u one vector for all layers

    The objective sees the picture, the image that it was, and the code that draws inside the mask; such as
    `losses.painted(clip, "a red roof", mask, key)`.

    Args:
        objective: What to minimise.
        mask: 1 where the picture is painted [H, W]; blurred at every layer beyond 16 pixels by a 16th of its side.
        blended: "styles" as `brush` does it, for families whose layers are modulated; or "activations" as `blend`,
            for every family.
        generations, population, sigma: Of CMA-ES; sigma in standard deviations of the codes. 0 generations begin with
            gradients at the code itself.
        steps, lr: Of Adam with one cycle of the step size, in standard deviations.
        samples: Codes behind the deviations.
        progress: Called with the generations and steps done and their number, over all images.

    Returns:
        A painter: `(g, code, key) -> Painted`; the images of a batch are painted one after the other.

    Source: Bau et al., "Paint by Word" (2021), sections 3 and 4, and its code. Different: the best point that evolution
    has seen goes on, and the best of all is returned.
    """
    known(blended, BLENDED, "blend")
    if generations < 0 or steps < 0 or population < 4:
        raise ValueError(
            f"generations and steps are at least 0, population at least 4; got {generations}, {steps}, {population}."
        )
    optimizer = optax.adam(optax.cosine_onecycle_schedule(max(steps, 1), lr))
    area = jnp.asarray(mask, jnp.float32)
    if area.ndim != 2:
        raise ValueError(f"A mask is [H, W], got {list(area.shape)}.")

    def painter(g: Generator, code: Code, key) -> Painted:
        where = wide(g)
        code = g.to(code, where)
        drawing, calibration = drawn_by(g, code, area, blended), jax.random.fold_in(key, len(code))
        std = jnp.asarray(stats.channels(g, calibration, plain(where), samples)[1], jnp.float32)
        whole, found, losses = len(code) * (generations + steps), [], []
        for i in range(len(code)):
            ground, told = code[i], partial(tell, progress, i * (generations + steps), whole)
            target = objective.prepare(g(ground))
            how = (objective, g, ground, target, drawing, std)
            u, best, seen = jnp.zeros(std.shape), judge(*how, jnp.zeros((1, *std.shape)))[0], []
            search = evolve.begin(u, sigma)
            for t in range(generations):
                points = evolve.ask(search, jax.random.fold_in(jax.random.fold_in(key, i), t), population)
                values = judge(*how, points)
                search, at = learn(search, points, values), jnp.nanargmin(values)
                u, best = jnp.where(values[at] < best, points[at], u), jnp.fmin(best, values[at])
                seen.append(best)
                told(t + 1)
            here, state = u, optimizer.init(u)
            for t in range(steps):
                here, state, value, before = descend(optimizer, *how, here, state)
                u, best = jnp.where(value < best, before, u), jnp.fmin(best, value)
                seen.append(best)
                told(generations + t + 1)
            if steps:
                value = judge(*how, here[None])[0]
                u, best = jnp.where(value < best, here, u), jnp.fmin(best, value)
                seen[-1] = best
            found.append(u)
            losses.append(jnp.stack(seen) if seen else jnp.zeros(0))
        other = code.replace(value=moved(code.value, std, jnp.stack(found)))
        return Painted(other, drawing(g, code, other), drawing, jnp.stack(losses, axis=1))

    return painter


def tell(progress, before: int, whole: int, done: int) -> None:
    if progress is not None:
        progress(before + done, whole)


learn = jax.jit(evolve.tell)


def moved(value: Float[Array, "*b d"], std, u: Float[Array, "n d"]) -> Float[Array, "n ..."]:
    """Return codes moved by one vector each, in all rows alike."""
    step = std * u
    return value + (step[:, None] if value.ndim == 3 and step.ndim == 2 else step)


@jax.jit
def judge(objective, g, ground, target, drawing, std, points) -> Float[Array, " p"]:
    """Return the objective of each of the points [P, D] for one image."""
    many = len(points)
    codes = jax.tree.map(lambda x: jnp.broadcast_to(x, (many, *x.shape[1:])), ground)
    other = codes.replace(value=moved(codes.value, std, points))
    repeated = jax.tree.map(lambda x: jnp.broadcast_to(x, (many, *x.shape[1:])), target)
    return objective(drawing(g, codes, other), repeated, other, g)[0]


@partial(jax.jit, static_argnums=0)
def descend(optimizer, objective, g, ground, target, drawing, std, u, state):
    """Take one step; return the point, the optimizer's state, and the value at the point before, with that point."""
    loss = lambda u: judge(objective, g, ground, target, drawing, std, u[None])[0]
    value, slope = jax.value_and_grad(loss)(u)
    update, state = optimizer.update(slope, state, u)
    return optax.apply_updates(u, update), state, value, u


def drawn_by(g: Generator, code: Code, mask: Float[Array, "h w"], blended: str) -> Partial:
    """Return the drawing `(g, ground, other)`, with its masks as leaves so that none is compiled in."""
    if blended == "styles":
        return Partial(by_styles, mask)
    sizes = jax.eval_shape(lambda g, code: g.read(code, g.arch.taps), g, code)
    return Partial(by_activations, {tap: feathered(mask, *sizes[tap].shape[1:3])[..., 0] for tap in g.arch.taps})


def by_styles(mask, g: Generator, ground: Code, other: Code):
    return brush(mask)(g, ground, other)


def by_activations(masks, g: Generator, ground: Code, other: Code):
    return blend(masks)(g, ground, other)
