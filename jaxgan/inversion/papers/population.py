"""Inversion with a prior of the population: Gaussian in P/P+ (II2S), or in style space (StyleGAN of All Trades)."""

from __future__ import annotations

from collections.abc import Callable

import jax
import optax
from jaxtyping import Array, Float

from jaxgan.core.objective import Objective
from jaxgan.inversion.base import Found, Inverter
from jaxgan.inversion.papers.parts import judged
from jaxgan.inversion.refine import refine
from jaxgan.latents.charts import Whitening
from jaxgan.latents.stats import SAMPLES, channels, population
from jaxgan.losses.latent import gaussian, mahalanobis


def ii2s(
    objective: Objective | None = None,
    steps: int = 1300,
    *,
    weight: float = 1e-2,
    chart: Whitening | None = None,
    samples: int = 100_000,
    lr: float = 0.05,
    chunk: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Inverter:
    """Invert in P+, which is W+ made Gaussian, and stay within the population: codes that edits were made for.

        minimise over p+   objective(G(p+), image) + weight mean(p_n^2)

    Args:
        objective: Compares images; the paper's is `losses.pixel() + losses.lpips(vgg)`.
        steps: Iterations.
        weight: Weight of the prior. More of it: codes nearer to the population, pictures farther from the image.
        chart: The population's chart, from `latents.stats.population(g, key)`; computed from the key when None.
        samples: Size of the sample behind it.
        lr: Step size in standard deviations along each principal axis.
        chunk, progress: As for `refine`.

    Source: Zhu et al., "Improved StyleGAN Embedding: Where are the Good Latents?" (2020): weight 0.001, step size 0.01,
    1300 steps, a million samples. The prior is Wulff and Torralba's (2020). Different: the search is along the
    principal axes of P, from its mean, where the paper's is along the coordinates of W+ from the mean of w, which lies
    outside of the population: at equal loss codes come several times nearer to it. Eigenvalues are floored
    (`whitening`), any number of images at a time.
    """
    objective, optimizer = judged(objective), optax.adam(lr)
    more = {"start": "mean", "chunk": chunk, "progress": progress}

    def inverter(found: Found, images: Float[Array, "n h w c"], key) -> tuple[Found, dict]:
        if "p+" not in found.generator.spaces:
            raise ValueError(f"ii2s needs the space 'p+', {found.generator.arch.name} offers {found.generator.spaces}.")
        fit, search = jax.random.split(key)
        known = population(found.generator, fit, samples) if chart is None else chart
        width = found.generator.arch.shape("p")[-1]
        how = refine(objective + weight * mahalanobis(known), optimizer, steps, "p+", rank=width, **more)
        return how(found, images, search)

    return inverter


def soat(
    objective: Objective | None = None,
    steps: int = 3000,
    *,
    weight: float = 1e-2,
    samples: int = SAMPLES,
    lr: float = 0.1,
    chunk: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Inverter:
    """Invert in style space with a Gaussian prior on every channel.

        minimise  objective(G(s), image) + weight mean ((s - mean) / std)^2

    Args:
        objective: Compares images; the paper's is `20 * losses.lpips(vgg) + losses.pixel()`.
        steps: Iterations.
        weight: Weight of the prior. It is of a mean: the paper's 1e-3 of a sum over 9088 channels is 9 here, beside
            20 LPIPS, or about 0.4 beside one.
        samples: Size of the sample behind mean and deviation.
        lr: Step size in spreads of S.
        chunk, progress: As for `refine`.

    Source: Chong et al., "StyleGAN of All Trades: Image Manipulation with Only Pretrained StyleGAN" (2021), section
    3.2: step size 0.05, 3000 steps. Different: deviations are floored (`gaussian`), batches are right (there products
    of different images are averaged), and the schedule is applied.
    """
    objective, optimizer = judged(objective), optax.adam(lr)
    more = {"start": "mean", "chunk": chunk, "progress": progress}

    def inverter(found: Found, images: Float[Array, "n h w c"], key) -> tuple[Found, dict]:
        fit, search = jax.random.split(key)
        prior = gaussian(*channels(found.generator, fit, "s", samples))
        how = refine(objective + weight * prior, optimizer, steps, "s", **more)
        return how(found, images, search)

    return inverter
