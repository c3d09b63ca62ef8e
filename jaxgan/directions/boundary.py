"""InterFaceGAN: for each score the direction across the boundary between its highest and its lowest codes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxgan.core.code import Code
from jaxgan.core.directions import Directions
from jaxgan.core.generator import Generator, known
from jaxgan.directions.calibrate import calibrated
from jaxgan.directions.observe import Observed, ends, observe
from jaxgan.features.attributes import Labels
from jaxgan.latents.spaces import styled

LOSSES = ("logistic", "hinge2", "mean", "ridge")
TRAINED = 0.7  # share of the extremes that a boundary is fitted on; the others judge it
RIDGE = 1e-2
NEWTON, STEPS = 20, (1.0, 0.5, 0.25, 0.05, 0.0)


def boundary(
    scorer: Callable[[Any], Any] | Labels,
    *,
    space: str | None = None,
    samples: int = 10_000,
    loss: str = "logistic",
    extremes: float = 0.02,
    given: Directions | None = None,
    codes: Code | None = None,
    layers: Iterable[int] | None = None,
    cost: float = 1.0,
    batch: int = 64,
):
    """Find for each score the normal of the hyperplane between the codes that score highest and lowest.

        logistic  min_w,b  |w|^2 / 2 + cost sum_n log(1 + exp(-y_n (w x_n + b)))
        hinge2    min_w,b  |w|^2 / 2 + cost sum_n max(0, 1 - y_n (w x_n + b))^2
        mean      mean of the highest - mean of the lowest
        ridge     min_w  mean_n (score_n - w x_n)^2 + RIDGE |w|^2,   over all codes, scores standardised

    with x the codes, centred and divided by their spread in one coordinate, and y = 1 for the highest, -1 for the
    lowest. A direction points to higher scores.

    Args:
        scorer: Images [N, H, W, C] to scores [N, K]; or `Labels`, with `codes`.
        space: Space of the directions; "w" where there is one, else the first.
        samples: Codes that are drawn and scored.
        loss: "logistic", "hinge2", "mean" or "ridge".
        extremes: Share of the codes at each end, or from 1 on how many.
        given: Directions to hold still: they are projected out (a conditional boundary).
        codes: Codes to score instead of drawn ones, such as those whose images were labelled by hand.
        layers: Rows of w+ that an edit moves by default.
        cost: Weight of the codes against |w|^2.
        batch: Codes at a time.

    Returns:
        A finder `(g, key, k) -> Directions`: one direction for each score, the first k of them, with the scores'
        names. Meta "accuracy" holds the share of held-out extremes on their side of each boundary, "given" the names of
        the directions held still.

    Raises:
        ValueError: When called with scores that do not tell codes apart.

    Source: Shen et al., "InterFaceGAN: Interpreting the Disentangled Face Representation Learned by GANs" (2020),
    sections 3.2 and 3.3. Different: solvers of our own instead of a library's support vector machine, hinge2 being
    the nearest; scales by the population; any number of conditions.
    """
    known(loss, LOSSES, "loss")
    if not extremes > 0 or 0.5 < extremes < 1:
        raise ValueError(f"extremes is {extremes}; give a share of at most 0.5, or a number of codes.")
    rows = None if layers is None else tuple(layers)

    def finder(g: Generator, key, k: int) -> Directions:
        where = space or styled(g)
        draws, split, calibration = jax.random.split(key, 3)
        seen = observe(g, draws, scorer, where, samples, batch=batch, codes=codes)
        many = min(k, len(seen.names))
        parts = [fit(seen, i, loss, extremes, cost, jax.random.fold_in(split, i)) for i in range(many)]
        accuracy = tuple(round(float(right), 6) for _, right in parts)
        meta = {"loss": loss, "samples": len(seen.scores), "extremes": extremes, "accuracy": accuracy}
        vectors = jnp.stack([v for v, _ in parts])
        found = calibrated(g, calibration, vectors, where, "boundary", layers=rows, oriented=True, **meta)
        found = found.named(seen.names[:many])
        if given is None:
            return found
        held = ("given", given.names or len(given))
        return found.project_out(given).replace(meta=tuple(sorted((*found.meta, held))))

    return finder


def fit(seen: Observed, column: int, loss: str, extremes: float, cost: float, key):
    """Fit one score; return the direction [D] and the share of held-out extremes on the right side."""
    values, name = seen.scores[:, column], seen.names[column]
    high, low = ends(values, extremes, name)
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    high, low = rng.permutation(high), rng.permutation(low)
    kept = max(1, round(TRAINED * len(high)))
    judged = np.concatenate([high[kept:], low[kept:]])
    if loss == "ridge":
        learned = np.setdiff1d(np.flatnonzero(np.isfinite(values)), judged)
        targets = (values[learned] - values[learned].mean()) / values[learned].std()
    else:
        learned = np.concatenate([high[:kept], low[:kept]])
        targets = np.repeat([1.0, -1.0], kept)
    x = seen.rows(learned)
    centre = x.mean(0)
    spread = np.sqrt(np.square(x - centre).mean())
    vector, offset = solve((x - centre) / spread, jnp.asarray(targets, jnp.float32), cost, loss)
    vector = np.asarray(vector)
    length = np.linalg.norm(vector)
    if not np.isfinite(length) or length < 1e-12:
        raise ValueError(f"No direction of {name!r} was found: its codes are the same at both ends.")
    side = (seen.rows(judged) - centre) / spread @ vector + float(offset)
    right = (side > 0) == (np.arange(len(judged)) < len(judged) // 2)
    return jnp.asarray(vector / length), right.mean()


@partial(jax.jit, static_argnames="loss")
def solve(x: Float[Array, "n d"], y: Float[Array, " n"], cost, loss: str):
    """Return the normal [D] and the offset of the hyperplane between rows of targets above 0 and below."""
    up, down = y > 0, y < 0
    mean = lambda side: jnp.where(side[:, None], x, 0.0).sum(0) / side.sum()
    if loss == "mean":
        vector = mean(up) - mean(down)
    else:
        # The normal lies in the span of the codes: where they are fewer than coordinates, all is solved there.
        basis = jnp.linalg.qr(x.T)[0] if x.shape[0] < x.shape[1] else jnp.eye(x.shape[1])
        inside = jnp.matmul(x, basis, precision=jax.lax.Precision.HIGHEST)
        if loss == "ridge":
            gram = jnp.matmul(inside.T, inside, precision=jax.lax.Precision.HIGHEST) / len(x)
            vector = basis @ jnp.linalg.solve(gram + RIDGE * jnp.eye(len(gram)), inside.T @ y / len(x))
        else:
            answer = newton(jnp.concatenate([inside, jnp.ones((len(x), 1))], axis=1), y, cost, loss)
            return basis @ answer[:-1], answer[-1]
    return vector, -(mean(up) + mean(down)) @ vector / 2


def newton(x: Float[Array, "n d"], y: Float[Array, " n"], cost, loss: str) -> Float[Array, " d"]:
    """Minimise |w|^2 / 2 + cost sum loss(y x w) by Newton's method; the last coordinate, the offset, is free."""
    weight = jnp.ones(x.shape[1]).at[-1].set(1e-6)

    def value(w):
        margin = y * (x @ w)
        each = jax.nn.softplus(-margin) if loss == "logistic" else jnp.square(jax.nn.relu(1 - margin))
        return (weight * w**2).sum() / 2 + cost * each.sum()

    def step(_, w):
        margin = y * (x @ w)
        if loss == "logistic":
            likely = jax.nn.sigmoid(-margin)
            slope, bend = -likely, likely * (1 - likely)
        else:
            slope, bend = -2 * jax.nn.relu(1 - margin), 2.0 * (margin < 1)
        gradient = weight * w + cost * x.T @ (y * slope)
        curvature = jnp.diag(weight) + cost * jnp.matmul(x.T * bend, x, precision=jax.lax.Precision.HIGHEST)
        move = jnp.linalg.solve(curvature, gradient)
        tries = w - jnp.array(STEPS)[:, None] * move
        return tries[jnp.argmin(jax.vmap(value)(tries))]

    return jax.lax.fori_loop(0, NEWTON, step, jnp.zeros(x.shape[1]))
