"""Inversion in W: NVIDIA's projector, and pivotal tuning, which starts from it."""

from __future__ import annotations

from collections.abc import Callable

import optax
from jaxtyping import Array, Float

from jaxgan.core.objective import Objective
from jaxgan.inversion.base import Found, Inverter, chain
from jaxgan.inversion.papers.parts import judged, noisy
from jaxgan.inversion.refine import refine
from jaxgan.inversion.tune import tune


def projector(
    objective: Objective | None = None,
    steps: int = 1000,
    *,
    noise: bool | None = None,
    chunk: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Inverter:
    """Project into W, where the picture stays one that the generator could have drawn.

    Args:
        objective: Compares images; the paper's is `losses.lpips(vgg)` alone. `perceptual() + pixel()` when None.
        steps: Iterations.
        noise: Optimise the noise maps too, as the paper does; where the generator has any when None.
        chunk, progress: As for `refine`.

    Source: Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (2020), appendix D: step size 0.1,
    1000 steps, noise regulariser 1e5. Figures that HyperStyle's authors report for projection in W+ on CelebA-HQ
    faces: LPIPS 0.09, MSE 0.020, 228 s an image. Different: see `refine`; the noise found is part of the result.
    """
    objective, optimizer = judged(objective), optax.adam(0.1)

    def inverter(found: Found, images: Float[Array, "n h w c"], key) -> tuple[Found, dict]:
        how = refine(
            objective,
            optimizer,
            steps,
            "w",
            start="mean",
            noise=noisy(found.generator, noise),
            chunk=chunk,
            progress=progress,
        )
        return how(found, images, key)

    return inverter


def pti(
    objective: Objective | None = None,
    steps: int = 450,
    tune_steps: int = 350,
    *,
    each: bool = True,
    locality: float = 0.1,
    until: float | None = None,
    chunk: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Inverter:
    """Find a pivot in W, then tune the generator until it draws the image there.

    Args:
        objective: Compares images, in both parts; the paper's is `losses.lpips(n) + losses.pixel()`.
        steps: Iterations for the pivot.
        tune_steps: Iterations of tuning.
        each: A generator for each image, as in the paper; otherwise one for the batch.
        locality: Weight of `objective` between what the old and the new generator draw near the pivot; 0 lets it go.
        until: Stop tuning at this total (the paper: LPIPS 0.06).
        chunk, progress: As for `refine` and `tune`.

    Source: Roich et al., "Pivotal Tuning for Latent-based Editing of Real Images" (2022): Adam 3e-4, at most 350
    steps. Published for CelebA-HQ: LPIPS 0.09, MSE 0.015, identity 0.85, 55.7 s an image. Different: the pivot is
    searched with the projector's step size instead of 0.01 and without noise maps, which the published code throws
    away; locality is on by default; see `tune`.
    """
    objective = judged(objective)
    near = locality * objective if locality else None
    return chain(
        projector(objective, steps, noise=False, chunk=chunk, progress=progress),
        tune(objective, steps=tune_steps, each=each, locality=near, until=until, progress=progress),
    )
