"""ACE: how strongly each unit must be moved for a concept to go where it is, and to come where it is not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from jaxgan.core.generator import Generator, known
from jaxgan.dissection.intervene import blend
from jaxgan.dissection.report import Report

CELLS = 8


class Strengths(NamedTuple):
    """What ACE found.

    Args:
        strengths: a [U] in [0, 1].
        loss: Loss of each step [steps].
    """

    strengths: Float[np.ndarray, " u"]
    loss: Float[np.ndarray, " steps"]

    def units(self, most: int = 20) -> list[int]:
        """Return the strongest units, the strongest first."""
        order = np.argsort(-self.strengths, kind="stable")
        return [int(u) for u in order if self.strengths[u] > 0][:most]


def ace(
    g: Generator,
    segmenter: Callable[[Any], Any],
    report: Report,
    concept: str | int,
    key,
    *,
    steps: int = 500,
    batch: int = 8,
    lr: float = 0.01,
    penalty: float = 0.005,
    psi=None,
) -> Strengths:
    """Optimise the average causal effect of a set of units, each with its own strength.

        minimise over a in [0, 1]^U   E p(ablated at i)_i - E p(inserted at j)_j + penalty |a|^2

    p is the segmenter's probability of the concept; i is a place where the concept is seen, j one where it is not.
    Places are cells of an 8 x 8 grid (of the tap's own grid where that is coarser).

    Args:
        g: Generator.
        segmenter: Images to probabilities [N, h, w, concepts], differentiable; a `Segmenter`'s `score` is taken.
        report: Of `dissection.iou`, for the tap, the values to insert, and the IoU that a starts from.
        concept: Name or number.
        key: Random key.
        steps: Steps of Adam.
        batch: Images a step.
        lr: Step size.
        penalty: Weight of |a|^2.
        psi: Truncation of the codes.

    Returns:
        Strengths with `strengths` [U] and `units(most)`.

    Source: Bau et al., "GAN Dissection" (2019), section 3.2. Different from the published code, which reads the
    effect of the insertion at the place of the ablation: here each effect is read where it was made.
    """
    column = report.column(concept)
    known(report.tap, g.arch.taps, "tap")
    soft = getattr(segmenter, "score", segmenter)
    probability = lambda images: soft(jnp.clip(images, -1, 1))[..., column]
    seen = np.maximum(report.iou[:, column], 0)
    start = jnp.asarray(seen / max(seen.max(), 1e-8), jnp.float32)
    values = jnp.asarray(report.presence[column])
    optimizer = optax.adam(lr)
    settings = (report.tap, probability, optimizer, batch, penalty)
    state, losses = (start, optimizer.init(start)), []
    for i in range(steps):
        state, loss = step(g, state, values, psi, jax.random.fold_in(key, i), settings)
        losses.append(loss)
    return Strengths(np.asarray(state[0]), np.asarray(jnp.stack(losses)))


@partial(jax.jit, static_argnames="settings")
def step(g: Generator, state, values, psi, key, settings):
    """Take one step; return the state and the loss."""
    tap, probability, optimizer, batch, penalty = settings
    strengths, moments = state
    codes, off, on = jax.random.split(key, 3)
    code = g.sample(codes, batch)
    read = g.read(code, [tap, "image"], psi=psi)
    side = min(CELLS, read[tap].shape[1])
    here = cells(probability(read["image"]), side)  # [N, side, side]
    gone, come = chosen(off, here), chosen(on, 1 - here)
    shown = (here.max((1, 2)) > 0.5).astype(jnp.float32)

    def loss(a):
        without = probability(g(code, psi=psi, patches={tap: blend(a, 0.0, spread(gone, read[tap].shape[1]))}))
        added = probability(g(code, psi=psi, patches={tap: blend(a, values, spread(come, read[tap].shape[1]))}))
        left = ((cells(without, side) * gone).sum((1, 2)) * shown).sum() / jnp.maximum(shown.sum(), 1)
        return left - (cells(added, side) * come).sum((1, 2)).mean() + penalty * jnp.square(a).sum()

    value, gradient = jax.value_and_grad(loss)(strengths)
    updates, moments = optimizer.update(gradient, moments)
    moved: Any = optax.apply_updates(strengths, updates)
    return (jnp.clip(moved, 0, 1), moments), value


def chosen(key, weight: Float[Array, "n s s"]) -> Float[Array, "n s s"]:
    """Draw one cell of each image by weight; return it as a mask."""
    flat = weight.reshape(len(weight), -1)
    at = jax.random.categorical(key, jnp.log(jnp.maximum(flat, 1e-6)))
    return jax.nn.one_hot(at, flat.shape[1]).reshape(weight.shape)


def cells(pixels: Float[Array, "n h w"], side: int) -> Float[Array, "n s s"]:
    """Average probabilities over the cells of a grid."""
    n, h, w = pixels.shape
    if h % side or w % side:
        return jax.image.resize(pixels, (n, side, side), "linear")
    return pixels.reshape(n, side, h // side, side, w // side).mean((2, 4))


def spread(mask: Float[Array, "n s s"], size: int) -> Float[Array, "n h h"]:
    """Repeat cells up to the size of an activation."""
    return jax.image.resize(mask, (len(mask), size, size), "nearest")
