"""Directions that differ from point to point: how they start, and the straight ones that come nearest."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from jaxgan.core.directions import Directions
from jaxgan.core.generator import Generator
from jaxgan.core.moments import Moments
from jaxgan.core.network import Network, initialise
from jaxgan.directions.calibrate import calibrated
from jaxgan.latents import stats
from jaxgan.latents.spaces import rows
from jaxgan.nn import fields

SEEN = 1000  # codes over which a field is averaged


def started(g: Generator, key, space: str, population: Moments, kind: str, axes: int, **more) -> Network:
    """Draw a field of directions for a space whose population is known."""
    wide = stats.width(g, space)
    config: dict[str, Any] = dict(kind=kind, axes=axes, width=wide, space=space, **more)
    module = fields.field(**config)
    blank = [jnp.zeros(shape) for shape in module.inputs()]
    drawn = initialise(module, key, *blank, name=f"{fields.NAME}.field", config=tuple(sorted(config.items())))
    return drawn.replace(buffers={"centre": population.mean, "sigma": stats.spread(population) / jnp.sqrt(wide)})


def straightened(g: Generator, key, field: Network, population: Moments, method: str, **meta) -> Directions:
    """Return the mean direction of each axis of a field over the population.

    Meta "straight" holds its length: 1 where the field is the same everywhere, near 0 where no one direction is right.
    """
    draw, calibration = jax.random.split(key)
    space, axes = field.module.space, field.module.axes
    x = rows(stats.draw(g, draw, SEEN, space).value)
    means = jnp.stack([field(x, i).mean(0) for i in range(axes)])  # [K, D]
    meta["straight"] = tuple(map(float, jnp.linalg.norm(means, axis=1)))
    oriented = not isinstance(field.module, fields.Constant)
    return calibrated(g, calibration, means, space, method, population=population, oriented=oriented, **meta)
