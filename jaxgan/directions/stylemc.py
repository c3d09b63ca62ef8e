"""StyleMC: one shift of s, shared by all images, down the gradient of any objective."""

from __future__ import annotations

from collections.abc import Iterable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.core.code import Code
from jaxgan.core.directions import Directions
from jaxgan.core.generator import Generator
from jaxgan.core.objective import Objective
from jaxgan.directions.stylespace import eligible, flat
from jaxgan.directions.text import check, directed, within
from jaxgan.latents import stats
from jaxgan.latents.spaces import rows, unrows

STEADY = 0.5


def stylemc(
    objective: Objective,
    name: str = "stylemc",
    *,
    layers: Iterable[int] | None = None,
    images: int = 128,
    batch: int = 4,
    every: int = 2,
    lr: float = 5.0,
    psi: float = 0.7,
    steady: float = STEADY,
    samples: int = stats.SAMPLES,
):
    """Find one direction of s that lowers an objective for every image: seconds, without measuring channels before.

        u <- u - lr mean_batches d/du mean_n objective(G(s_n + sigma u), G(s_n)),     from u = 0, every few batches
        u_c = 0 where the batches' gradients do not agree:  |mean_b sign(du_c)| < steady

    An edit of strength 1 moves the channel that moved most by one of its standard deviations.

    Args:
        objective: Compares an edited image with the image it was: `losses.text(clip, "a smiling face") +
            0.5 * losses.identity(arcface)` is the paper's.
        name: Of the direction.
        layers: Layers of s that move; all but toRGB's when None. The paper's are the convolutions of 8 to 64 pixels: 2,
            3, 5, 6, 8, 9, 11 and 12 of StyleGAN2's.
        images: Codes in all.
        batch: Codes at a time.
        every: Batches to one step.
        lr: Step size.
        psi: Truncation of the codes, where the generator has it.
        steady: Share of agreement that a channel needs, 0 to 1: 0.5 is three of four batches.
        samples: Codes behind the deviations.

    Returns:
        A finder `(g, key, k) -> Directions` in "s", of one direction. Meta "loss" holds the objective of each batch.

    Source: Kocasarı et al., "StyleMC: Multi-Channel Based Fast Text-Guided Image Generation and Manipulation" (2022),
    and its code. Different: steps are in standard deviations of each channel, and images are drawn whole.
    """
    if images < batch or batch < 1 or every < 1 or not 0 <= steady <= 1:
        raise ValueError(f"images {images} must hold a batch of {batch}, every is {every}, steady {steady} in [0, 1].")
    chosen = None if layers is None else tuple(layers)

    def finder(g: Generator, key, k: int) -> Directions:
        check(g)
        draws, calibration = jax.random.split(key)
        sigma = jnp.asarray(flat(stats.channels(g, calibration, "s", samples)[1]), jnp.float32)
        allowed = jnp.asarray(eligible(g, torgb=False) if chosen is None else within(g, chosen))
        u, waiting, signs, losses = jnp.zeros_like(sigma), jnp.zeros_like(sigma), jnp.zeros_like(sigma), []
        count = images // batch
        for i in range(count):
            code = g.to(g.sample(jax.random.fold_in(draws, i), batch), "s", psi=psi if g.arch.truncates else None)
            loss, slope = slopes(objective, g, rows(code.value), sigma, u)
            slope = jnp.where(allowed, slope, 0.0)
            losses.append(float(loss))
            signs, waiting = signs + jnp.sign(slope), waiting + slope
            if (i + 1) % every == 0:
                u, waiting = u - lr * waiting / every, jnp.zeros_like(waiting)
        kept = jnp.where(jnp.abs(signs) / count >= steady, u, 0.0)
        most = jnp.abs(kept).max()
        step = kept / jnp.where(most > 0, most, 1.0) * sigma
        meta = {"images": count * batch, "loss": tuple(losses), "channels": int((step != 0).sum())}
        return directed(g, step[None], (name,), "stylemc", **meta)

    return finder


@jax.jit
def slopes(objective: Objective, g: Generator, x, sigma, u) -> tuple[Float[Array, ""], Float[Array, " c"]]:
    """Return the mean objective of a batch and its gradient by the shared shift."""
    at = lambda x: Code(unrows(x, g.arch.shape("s")), "s")
    before = jnp.clip(g(at(x)), -1, 1)
    target = objective.prepare(before)

    def loss(u):
        code = at(x + sigma * u)
        return objective(g(code), target, code, g)[0].mean()

    return jax.value_and_grad(loss)(u)
