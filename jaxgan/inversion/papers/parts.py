"""What several papers share: a judge that needs no weights, and noise only where there is some."""

from __future__ import annotations

from jaxgan.core.generator import Generator
from jaxgan.core.objective import Objective
from jaxgan.latents.spaces import noise_maps
from jaxgan.losses.reconstruct import perceptual, pixel


def judged(objective: Objective | None) -> Objective:
    """Return the objective, or `perceptual() + pixel()`, which stands in for LPIPS where no weights are given."""
    return perceptual() + pixel() if objective is None else objective


def noisy(g: Generator, noise: bool | None) -> bool:
    """Whether noise maps take part: as asked, or where the generator has any."""
    return bool(noise_maps(g)) if noise is None else noise
