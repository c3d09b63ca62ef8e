"""Directions that a family has learned in training, as EigenGAN's subspaces: nothing is left to find."""

from __future__ import annotations

import jax.numpy as jnp

from jaxgan.core.directions import Directions
from jaxgan.core.generator import Generator
from jaxgan.directions.calibrate import calibrated, count
from jaxgan.latents.stats import SAMPLES, width


def native(*, samples: int = SAMPLES):
    """Return the axes of the latent space that the generator's family declares as directions, coarse to fine.

    Args:
        samples: Codes behind the scales; the directions themselves need none.

    Returns:
        A finder `(g, key, k) -> Directions` with the family's names for the axes, such as "b4_0": the first k.

    Raises:
        ValueError: When called on a generator that declares none.
    """

    def finder(g: Generator, key, k: int) -> Directions:
        axes = g.arch.axes
        if not axes:
            raise ValueError(
                f"native lists the directions that a family learns itself, {g.arch.name} declares none. Use pca, "
                f"hessian or jacobian in {', '.join(map(repr, g.spaces))}."
            )
        count(k, len(axes), f"{g.arch.name}")
        space = axes[0].space
        vectors = jnp.zeros((k, width(g, space))).at[jnp.arange(k), jnp.array([a.index for a in axes[:k]])].set(1.0)
        found = calibrated(g, key, vectors, space, "native", measured=samples)
        return found.named([a.name for a in axes[:k]])

    return finder
