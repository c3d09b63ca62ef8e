"""LatentCLR: directions that change every image alike, and each differently from the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from jaxgan.core.generator import Generator, known
from jaxgan.directions.calibrate import outputs
from jaxgan.directions.descent import descend
from jaxgan.directions.field import started, straightened
from jaxgan.latents import stats
from jaxgan.latents.spaces import rows, styled
from jaxgan.nn.fields import unit

# What the model of a direction is called in the paper: (kind of field, what it takes).
MODELS = {"global": ("constant", {}), "linear": ("perceptron", {"depth": 1}), "mlp": ("perceptron", {"depth": 3})}


class Settings(NamedTuple):
    """What a compiled step depends on; the fields are those of `latentclr`."""

    field: nn.Module
    space: str
    tap: str
    batch: int
    alpha: float
    temperature: float


def latentclr(
    steps: int = 1000,
    *,
    space: str | None = None,
    tap: str = "image",
    model: str = "global",
    batch: int = 8,
    alpha: float = 1.0,
    temperature: float = 0.5,
    lr: float = 1e-3,
    decay: float = 1e-3,
    straight: bool = True,
    progress: Callable[[int, float], None] | None = None,
):
    """Learn K directions by contrast: what each does to features is alike for all codes and unlike what others do.

        f_nk = unit(F(x_n + alpha sigma v_k(x_n)) - F(x_n)),    s(a, b) = exp(temperature |a . b|)
        minimise  - mean_nk log( mean_{m != n} s(f_nk, f_mk) / mean_{m, l != k} s(f_nk, f_ml) )

    Args:
        steps: Steps of Adam; 10,000 are published.
        space: Space to search; "w" where there is one, else the first.
        tap: Activation F, "image" for the images; published are early layers.
        model: What v_k is: "global" (one vector), "linear" or "mlp" (three layers) of the code.
        batch: Codes a step, at least 2; each is drawn with every direction. 32 are published.
        alpha: Length of the edits, in units of the population's spread in one coordinate.
        temperature: Factor of the similarities.
        lr, decay: Step size, and weight of the parameters' squares.
        straight: Return the mean direction of each axis; otherwise the field v itself, for `editing.follow`.
        progress: Called with (steps done, mean loss since the last call), ten times.

    Returns:
        A finder `(g, key, k) -> Directions`, or a learner of a `Network` that maps points and the number of an axis to
        unit directions. Meta "loss" and "accuracy" (how often one direction is more alike than the others) are those
        of the first and last tenth, "straight" the length of the mean direction.

    Source: Yüksel et al., "LatentCLR: A Contrastive Learning Approach for Unsupervised Discovery of Interpretable
    Directions" (2021), section 3, in the form of its code. Different: lengths in units of the population.
    """
    known(model, tuple(MODELS), "model")
    if steps < 1 or batch < 2:
        raise ValueError(f"latentclr contrasts codes of a batch: at least 1 step and 2 codes, got {steps} and {batch}.")
    optimizer = optax.chain(optax.add_decayed_weights(decay), optax.adam(lr))

    def finder(g: Generator, key, k: int):
        where = space or styled(g)
        known(where, g.spaces, "space")
        known(tap, (*g.arch.taps, "image"), "tap")
        if k < 2:
            raise ValueError(f"latentclr contrasts directions with each other: ask for at least 2, not {k}.")
        counted, begin, learn, end = jax.random.split(key, 4)
        population = stats.moments(g, counted, where)
        kind, config = MODELS[model]
        field = started(g, begin, where, population, kind, k, **config)
        settings = Settings(field.module, where, tap, batch, alpha, temperature)
        params, told = descend(contrast, settings, optimizer, (g, field.buffers), field.params, learn, steps, progress)
        field = field.replace(params=params)
        if not straight:
            return field
        meta = {name: (told[0][name], told[-1][name]) for name in ("loss", "accuracy")}
        return straightened(g, end, field, population, "latentclr", steps=steps, tap=tap, model=model, **meta)

    return finder


def contrast(settings: Settings, fixed, params, key):
    """Return the loss of a batch, and the share of edits that are more like those of their own direction."""
    (g, buffers), k = fixed, settings.field.axes
    code = stats.draw(g, key, settings.batch, settings.space)
    x, draw = rows(code.value), outputs(g, code, settings.tap)
    before, n = draw(x), settings.batch
    way = lambda axis: settings.field.apply({"params": params, "buffers": buffers}, x, axis)
    change = jax.vmap(lambda axis: draw(x + settings.alpha * buffers["sigma"] * way(axis)) - before)(jnp.arange(k))
    features = unit(change.reshape(k * n, -1))
    alike = jnp.exp(settings.temperature * jnp.abs(features @ features.T)).reshape(k, n, k, n)
    own = jnp.eye(k)[:, None, :, None]
    others = 1 - jnp.eye(n)[None, :, None, :]  # a change is not compared with itself
    positive = (alike * own * others).sum((2, 3)) / (n - 1)  # [K, N]
    negative = (alike * (1 - own)).sum((2, 3)) / ((k - 1) * n)
    return -jnp.log(positive / negative).mean(), {"accuracy": (positive > negative).mean()}
