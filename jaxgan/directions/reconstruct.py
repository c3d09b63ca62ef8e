"""Directions that can be told apart: a network sees two images and says which way was gone, and how far."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from jaxgan.core.generator import Generator, known
from jaxgan.core.network import initialise
from jaxgan.directions.calibrate import count, outputs
from jaxgan.directions.descent import descend
from jaxgan.directions.field import started, straightened
from jaxgan.latents import stats
from jaxgan.latents.spaces import rows, styled
from jaxgan.nn.fields import BASES
from jaxgan.nn.reconstructor import RESNET18, Reconstructor

Progress = Callable[[int, float], None]


class Settings(NamedTuple):
    """What a compiled step depends on; the fields are those of `reconstruct`."""

    field: nn.Module
    judge: nn.Module
    space: str
    batch: int
    reach: tuple[float, float]
    weight: float


def reconstruct(
    steps: int = 1000,
    *,
    space: str | None = None,
    basis: str = "orthonormal",
    trunk: nn.Module = RESNET18,
    batch: int = 8,
    reach: tuple[float, float] = (0.5, 6.0),
    weight: float = 0.25,
    lr: float = 1e-4,
    progress: Progress | None = None,
):
    """Learn K directions together with a network R that reconstructs from two images which one was gone, and how far.

        minimise over v and R   E  CE(k, R_k(G(x), G(x + eps sigma v_k))) + weight |eps - R_eps(...)|

    with x of the population, k uniform, and |eps| uniform in `reach` with a random sign.

    Args:
        steps: Steps of Adam; 100,000 are published.
        space: Space to search; "w" where there is one, else the first.
        basis: The v_k are "orthonormal" or "unit".
        trunk: Body of R, from two images one over the other and `train` to maps; ResNet-18 as published.
        batch: Pairs a step; 32 are published.
        reach: Least and largest |eps|, in units of the population's spread in one coordinate.
        weight: Of the distance.
        lr: Step size of both.
        progress: Called with (steps done, mean loss since the last call), ten times.

    Returns:
        A finder `(g, key, k) -> Directions`. Meta "loss", "accuracy" (how often R names the direction) and "missed"
        (mean |eps - R_eps|) are those of the first and last tenth.

    Source: Voynov and Babenko, "Unsupervised Discovery of Interpretable Directions in the GAN Latent Space" (2020),
    section 3. Different: orthonormal rows by QR instead of the exponential of a skew matrix; small |eps| are not drawn,
    where there they are set to 0.5; distances in units of the population.
    """
    known(basis, BASES, "basis")
    learner = learned("constant", {"basis": basis}, "reconstruct", steps, space, trunk, batch, reach, weight, lr)
    return lambda g, key, k: learner(g, key, k, progress, True)


def learned(
    kind: str, config: dict, method: str, steps: int, space: str | None, trunk, batch: int, reach, weight, lr: float
):
    """Return what learns a field of a kind by reconstruction; the arguments are those of `reconstruct`."""
    if steps < 1 or batch < 1 or not 0 <= reach[0] <= reach[1]:
        raise ValueError(f"{method} takes at least 1 step of 1 pair and a reach of (least, largest), got {reach}.")
    optimizer = optax.adam(lr)

    def learner(g: Generator, key, k: int, progress: Progress | None, straight: bool):
        where = space or styled(g)
        known(where, g.spaces, "space")
        if config.get("basis") == "orthonormal":
            count(k, stats.width(g, where), f"{g.arch.name} in {where!r}")
        counted, begin, other, learn, end = jax.random.split(key, 5)
        population = stats.moments(g, counted, where)
        field = started(g, begin, where, population, kind, k, **config)
        image = jnp.zeros((2, g.resolution, g.resolution, g.arch.channels))
        judge = initialise(Reconstructor(k, trunk), other, image, image)
        settings = Settings(field.module, judge.module, where, batch, tuple(reach), weight)
        params = {"field": field.params, "judge": judge.params}
        fixed = (g, field.buffers, judge.buffers)
        params, told = descend(guess, settings, optimizer, fixed, params, learn, steps, progress)
        field = field.replace(params=params["field"])
        if not straight:
            return field
        meta = {name: (told[0][name], told[-1][name]) for name in ("loss", "accuracy", "missed")}
        return straightened(g, end, field, population, method, steps=steps, **meta)

    return learner


def guess(settings: Settings, fixed, params, key):
    """Return the loss of a batch of pairs, the share of axes named rightly and how far distances were missed."""
    (g, buffers, statistics), n = fixed, settings.batch
    keys = jax.random.split(key, 4)
    code = stats.draw(g, keys[0], n, settings.space)
    x, draw = rows(code.value), outputs(g, code, "image")
    axis = jax.random.randint(keys[1], (n,), 0, settings.field.axes)
    far = jax.random.uniform(keys[2], (n,), minval=settings.reach[0], maxval=settings.reach[1])
    far = far * jax.random.rademacher(keys[3], (n,), far.dtype)
    ways = jax.vmap(lambda x, a: settings.field.apply({"params": params["field"], "buffers": buffers}, x, a))(x, axis)
    before, after = jax.vmap(draw)(jnp.stack([x, x + far[:, None] * buffers["sigma"] * ways]))
    # The network's own running statistics are never used: it is given up after learning.
    variables = {"params": params["judge"], "buffers": statistics}
    (which, reached), _ = settings.judge.apply(variables, before, after, True, mutable=["buffers"])
    named = optax.softmax_cross_entropy_with_integer_labels(which, axis).mean()
    missed = jnp.abs(reached - far).mean()
    return named + settings.weight * missed, {"accuracy": (which.argmax(1) == axis).mean(), "missed": missed}
