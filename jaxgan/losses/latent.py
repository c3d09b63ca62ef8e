"""Objectives on codes: stay near the population, keep noise maps noise."""

from __future__ import annotations

from functools import cache

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.core.code import Code
from jaxgan.core.generator import Generator
from jaxgan.core.network import Network
from jaxgan.core.objective import Objective, term
from jaxgan.latents.spaces import rows, w_mean
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
    return mean_square((code.value - mean) / std)


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
    return term("mahalanobis", _mahalanobis(space), chart)


@cache  # one function for each space: a new one would compile anew
def _mahalanobis(space: str):
    def distance(chart, images, target, code, generator, prepared) -> Float[Array, " n"]:
        return mean_square(chart.forward(carried(code, generator, space, "mahalanobis").value))

    return distance


def gaussian(mean, std, space: str = "s", floor: float = 1e-2) -> Objective:
    """Pull codes to the population of a space, coordinate by coordinate; named "gaussian".

        mean_d ((c_d - mean_d) / std_d)^2

    A typical code has 1. The statistics are those of `latents.stats.channels(g, key, space)`, computed once.

    Args:
        mean: Mean of one code: an array, or a tuple of arrays for "s".
        std: Standard deviation in the same form.
        space: Space of the statistics; a code before it is carried there.
        floor: Smallest standard deviation, as a fraction of the root mean square over all coordinates: channels that
            the population hardly moves would otherwise outweigh all others.

    Source: Chong et al., "StyleGAN of All Trades" (2021), section 3.2, for style space: there a sum over 9088
    coordinates with weight 1e-3 and no floor.
    """
    squares = jnp.concatenate([jnp.square(jnp.ravel(s)) for s in jax.tree.leaves(std)])
    least = floor * jnp.sqrt(squares.mean())
    return term("gaussian", _gaussian(space), mean, jax.tree.map(lambda s: jnp.maximum(s, least), std))


@cache
def _gaussian(space: str):
    def distance(mean, std, images, target, code, generator, prepared) -> Float[Array, " n"]:
        value = carried(code, generator, space, "gaussian").value
        return mean_square(jax.tree.map(lambda c, m, s: (c - m) / s, value, mean, std))

    return distance


def domain(network: Network, space: str = "w") -> Objective:
    """Keep codes where the encoder would put them: in the domain that it has learnt; named "domain".

        mean_ld (c - E(G(c)))_ld^2

    0 where the code is a fixed point of E o G. A plain code and one of rows are compared row by row.

    Args:
        network: Encoder, images to a `Code` or to the value of one.
        space: Space of the encoder's codes, where it does not say ("w" stands for "w+" too).

    Source: Zhu et al., "In-Domain GAN Inversion for Real Image Editing" (2020), eq. 4; the published weight is 2.
    """
    return term("domain", _domain(space), network)


@cache
def _domain(space: str):
    def distance(network, images, target, code, generator, prepared) -> Float[Array, " n"]:
        there = network(images)
        where, there = (there.space, there.value) if isinstance(there, Code) else (space, there)
        here = carried(code, generator, where.removesuffix("+"), "domain").value
        widen = lambda a, b: a[:, None] if jnp.ndim(a) < jnp.ndim(b) else a
        return mean_square(jax.tree.map(lambda a, b: widen(a, b) - widen(b, a), here, there))

    return distance


def near_features(taps: tuple[str, ...], network: Network | None = None) -> Objective:
    """Hold a code's own activations near where they come from; named "features".

        sum_taps mean (F - F0)^2 / mean F0^2

    Args:
        taps: Which of `Code.features` are held.
        network: Base encoder, target images to F0: one map, or {tap: map}. When None F0 is what the generator has
            there for the code without features, so that the code explains as much of them as it can.

    Source: Kang et al., "GAN Inversion for Out-of-Range Images with Geometric Transformations" (2021), eq. 4, there
    with weight 10 on the mean square. Different: relative to the size of F0, which differs from tap to tap.
    """
    own, encoded, prepare = _near_features(tuple(taps))
    return term("features", own) if network is None else term("features", encoded, network, prepare=prepare)


@cache
def _near_features(taps: tuple[str, ...]):
    def distance(code, first) -> Float[Array, " n"]:
        held = {} if code is None or code.features is None else code.features
        if missing := [tap for tap in taps if tap not in held]:
            raise ValueError(
                f"near_features needs the feature {missing[0]!r} in the code: refine(..., features={taps})."
            )
        apart = [mean_square(held[tap] - first[tap]) / mean_square(first[tap]) for tap in taps]
        return jnp.stack(apart).sum(0)

    def own(images, target, code, generator, prepared) -> Float[Array, " n"]:
        bare = None if code is None else code.replace(features=None)
        return distance(code, {} if bare is None else generator.read(bare, taps))

    def encoded(network, images, target, code, generator, prepared) -> Float[Array, " n"]:
        return distance(code, prepared)

    def prepare(network, target):
        maps = network(target)
        return maps if isinstance(maps, dict) else {taps[0]: maps}

    return own, encoded, prepare


def temporal() -> Objective:
    """Keep the codes of neighbouring frames alike, where the batch is a film; named "temporal".

        1/2 mean (c_n - c_{n-1})^2 + 1/2 mean (c_{n+1} - c_n)^2

    The one term that couples members of a batch: their sum counts each step between frames once. So `refine`
    takes the whole film at once, and only with a first-order solver.
    """
    return term("temporal", _temporal, couples=True)


def _temporal(images, target, code, generator, prepared) -> Float[Array, " n"]:
    if code is None:
        raise ValueError("temporal needs the code: objective(images, target, code).")
    steps = mean_square(jax.tree.map(lambda v: v[1:] - v[:-1], code.value))  # [N - 1]
    return (jnp.pad(steps, (1, 0)) + jnp.pad(steps, (0, 1))) / 2


def mean_square(value) -> Float[Array, " n"]:
    """Return the mean square over all coordinates of each member of a batch."""
    return jnp.square(rows(value)).mean(1)


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
    rowed = code.space.endswith("+") and f"{space}+" in generator.spaces
    return generator.to(code, f"{space}+" if rowed else space)
