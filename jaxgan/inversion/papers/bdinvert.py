"""Base code and detail code: activations at a tap hold where things are, w+ behind it how they look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from jaxgan.core.generator import Generator, known
from jaxgan.core.network import Network
from jaxgan.core.objective import Objective
from jaxgan.inversion.base import Found, Inverter, untuned
from jaxgan.inversion.papers.parts import judged
from jaxgan.inversion.refine import refine
from jaxgan.latents.charts import Whitening
from jaxgan.latents.stats import SAMPLES, population
from jaxgan.losses.latent import mahalanobis, near_features


def bdinvert(
    tap: str,
    objective: Objective | None = None,
    steps: int = 1200,
    *,
    first_steps: int = 100,
    weight: float = 0.1,
    prior: float = 1e-3,
    coarse: bool = False,
    network: Network | None = None,
    chart: Whitening | None = None,
    samples: int = SAMPLES,
    lr: float = 0.05,
    chunk: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Inverter:
    """Invert by a base code (the features at a tap) and a detail code (w+): also what is shifted or turned.

        minimise over F, w+    objective(G(F, w+), image) + weight |F - F0|^2 / |F0|^2 + prior mean(p_n(w+)^2)

    A generator that was trained on aligned pictures draws no others; features at 1/4 to 1/16 of the resolution can be
    moved anywhere. Edits act on w+ only.

    Args:
        tap: Where the base code lies, such as "b16" at 256 pixels.
        objective: Compares images; the paper's is `pixel() + 10 * lpips(vgg)`.
        steps: Iterations.
        first_steps: Iterations in w+ alone that find where to start; 0 starts from the mean.
        weight: Weight of the base code's regulariser (`near_features`).
        prior: Weight of the detail code's prior.
        coarse: Where a family sums up an image beside the features: False drops what lies before the tap, as the
            paper does; True makes it a variable too, so that the start draws exactly what its code draws.
        network: Base encoder, images to F0; when None F0 is what the detail code itself has at the tap.
        chart: The population's chart; computed from the key when None.
        samples: Size of the sample behind it.
        lr: Step size in spreads of W, and of the tap's activations.
        chunk, progress: As for `refine`.

    Source: Kang et al., "GAN Inversion for Out-of-Range Images with Geometric Transformations" (2021), eq. 3 to 5:
    Adam 0.01, 1200 steps, weights 10 and 0.01 beside 10 LPIPS. Different: the tap is a block's output, not that of its
    first convolution, unless it is named so; the base code starts from a search in w+ where there is no encoder; its
    regulariser is relative.
    """
    objective, optimizers = judged(objective), (optax.adam(lr), optax.adam(lr))

    def inverter(found: Found, images: Float[Array, "n h w c"], key) -> tuple[Found, dict]:
        untuned(found, "bdinvert")
        g = found.generator
        known(tap, g.arch.taps, "tap")
        fit, begin, search = jax.random.split(key, 3)
        close = mahalanobis(population(g, fit, samples) if chart is None else chart)
        more = {"chunk": chunk, "progress": progress}
        guess = refine(objective + prior * close, optimizers[0], first_steps, "w+", start="mean", **more)
        start, before = guess(found, images, begin)
        taps, features = (tap,), {}
        below = beside(g, tap)
        if below is not None and coarse:
            taps = (tap, below)
        elif below is not None:
            size = jax.eval_shape(lambda code: g.read(code, (below,)), start.code)[below].shape
            features[below] = jnp.zeros(size)
        if network is not None:
            given = network(images)
            features |= given if isinstance(given, dict) else {tap: given}
        whole = objective + weight * near_features((tap,), network) + prior * close
        how = refine(whole, optimizers[1], steps, "w+", start="given", features=taps, **more)
        code: Any = start.code
        code = code.replace(features=features or None)
        done, info = how(Found(g, code), images, search)
        return done, {**info, "parts": [before, info]}

    return inverter


def beside(g: Generator, tap: str) -> str | None:
    """Name the last tap before another one that holds an image which is summed up on the way, or None."""
    before = g.arch.taps[: g.arch.taps.index(tap)]
    maps = jax.eval_shape(lambda key: g.read(g.sample(key, 1), before), jax.random.key(0)) if before else {}
    images = [name for name in before if maps[name].shape[-1] == g.arch.channels]
    return images[-1] if images else None
