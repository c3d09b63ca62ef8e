"""Objectives on codes: stay near the population, keep noise maps noise."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.core.code import Code
from jaxgan.core.generator import Generator
from jaxgan.core.objective import Objective, term
from jaxgan.latents.spaces import w_mean
from jaxgan.ops.similarity import halve


def near_mean_w(std: Float[Array, "*d"] | float | None = None) -> Objective:
    """Pull codes to the mean of w; named "near_mean_w".

        mean_ld ((w_ld - w_mean_d) / std_d)^2

    With the population's standard deviation, 1 is what a typical code has.

    Args:
        std: Standard deviation of w, one number or [D], the unit of the distance; 1 when None.

    The code may be in any space that leads to w or w+. The generator's own `w_mean` is the mean.
    """
    return term("near_mean_w", _near_mean_w, jnp.ones(()) if std is None else jnp.asarray(std))


def _near_mean_w(std, images, target, code, generator, prepared) -> Float[Array, " n"]:
    code = carried(code, generator, "w", "near_mean_w")
    mean = w_mean(generator)
    if mean is None:
        raise ValueError(f"{generator.arch.name} carries no w_mean; use mahalanobis(...) or leave near_mean_w out.")
    distance = jnp.square((code.value - mean) / std)
    return distance.reshape(len(code), -1).mean(1)


def mahalanobis(chart, space: str = "p") -> Objective:
    """Pull codes into the population, weighing each principal axis by its spread; named "mahalanobis".

        mean_ld p_n^2 = (p - mean)^T covariance^-1 (p - mean) / D,   averaged over layers

    Args:
        chart: What takes codes to whitened coordinates by `forward`, such as `latents.charts.whitening(...)`.
        space: Space whose population the chart describes, "p" or "w" (a code in a "+" space is taken row by row).

    Source: Wulff and Torralba, "Improving Inversion and Generation Diversity in StyleGAN using a Gaussianized Latent
    Space", 2020, eq. 4; Zhu et al., "Improved StyleGAN Embedding", 2020, eq. 6. Divided by D, so that a typical code
    has 1 in any width.
    """
    if space not in ("p", "w"):
        raise ValueError(f"mahalanobis is defined in 'p' and 'w', got {space!r}.")
    return term("mahalanobis", _in_p if space == "p" else _in_w, chart)


def _in_p(chart, images, target, code, generator, prepared) -> Float[Array, " n"]:
    value = chart.forward(carried(code, generator, "p", "mahalanobis").value)
    return jnp.square(value).reshape(len(code), -1).mean(1)


def _in_w(chart, images, target, code, generator, prepared) -> Float[Array, " n"]:
    value = chart.forward(carried(code, generator, "w", "mahalanobis").value)
    return jnp.square(value).reshape(len(code), -1).mean(1)


def noise_regularisation() -> Objective:
    """Keep optimised noise maps free of structure, so that the picture stays in the code; named "noise".

        sum_maps sum_levels mean(n * roll_x(n))^2 + mean(n * roll_y(n))^2

    where each level averages 2x2 cells of the one before, down to 8 pixels a side. Maps shared by the batch count for
    each of its members. The paper's weight is 1e5.

    Source: Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", 2020, appendix D.
    """
    return term("noise", _noise)


def _noise(images, target, code, generator, prepared) -> Float[Array, " n"]:
    maps = [] if code is None or code.noise is None else jax.tree.leaves(code.noise)
    if not maps:
        raise ValueError("noise_regularisation needs noise maps in the code: Code(..., noise={layer: [N, H, W, 1]}).")
    total = jnp.zeros(images.shape[0])
    for level in maps:
        while True:
            total += sum(jnp.square((level * jnp.roll(level, 1, axis)).mean((1, 2, 3))) for axis in (1, 2))
            if min(level.shape[1:3]) <= 8:
                break
            level = halve(level)
    return total


def carried(code: Code | None, generator: Generator | None, space: str, loss: str) -> Code:
    """Carry a code to `space`, or to its "+" form where the code is of one row per layer."""
    if code is None or generator is None:
        raise ValueError(f"{loss} needs the code and the generator: objective(images, target, code, generator).")
    return generator.to(code, space + "+" if code.space in ("w+", "p+") else space)
