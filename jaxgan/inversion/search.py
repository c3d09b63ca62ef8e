"""What a search for codes knows: which variables move, from where, in which units, and what a guess is worth."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jax.sharding import Mesh

from jaxgan.core.code import Code
from jaxgan.core.generator import Generator
from jaxgan.core.objective import Objective, Target
from jaxgan.latents.spaces import unrows

MOVABLE = ("code", "noise", "features")


class Settings(NamedTuple):
    """What the compiled steps of a search depend on besides arrays.

    Args:
        optimizer: Any optax transformation.
        schedule: Name of the factor of its step size.
        layers: Rows (or layers of "s") of the code that move; None for all, () for none.
        noise: Whether the noise maps move.
        taps: Taps whose features move.
        mesh: Devices that share the batch, or None.
    """

    optimizer: optax.GradientTransformation
    schedule: str
    layers: tuple[int, ...] | None
    noise: bool
    taps: tuple[str, ...]
    mesh: Mesh | None


@struct.dataclass
class Shared:
    """What all images use.

    Args:
        objective: What is minimised.
        generator: What draws.
        scale: Length of a unit step: one number, or one for each array of the code.
        axes: Axes of the search [R, D], each of unit step's length, or None for the coordinates of the space.
        reach: Length of a unit step of each tap's feature.
        rates: Factors of the step sizes of the code, the noise maps and the features.
        shake: Strength of the noise on codes, relative to the spread.
        steps: How many there are.
        key: Random key of that noise.
    """

    objective: Objective
    generator: Generator
    scale: Any
    axes: Any
    reach: Any
    rates: Any
    shake: Any
    steps: Any
    key: Any


class Each(NamedTuple):
    """What every image has of its own: the prepared target, and the code to start from."""

    target: Target
    start: Code


def free(value: Any, layers: tuple[int, ...] | None) -> Any:
    """Take the rows (or arrays) of a code's value that move."""
    if layers is None:
        return value
    return tuple(value[i] for i in layers) if isinstance(value, tuple) else value[:, jnp.array(layers, int)]


def placed(value: Any, layers: tuple[int, ...] | None, new: Any) -> Any:
    """Put rows (or arrays) that moved where they belong: the inverse of `free`; the others keep their bits."""
    if layers is None:
        return new
    if isinstance(value, tuple):
        return tuple(new[layers.index(i)] if i in layers else v for i, v in enumerate(value))
    return value.at[:, jnp.array(layers, int)].set(new)


def offset(shared: Shared, u: Any, like: Any) -> Any:
    """Return how far coordinates u of the search lie from the start, in the form of `like`."""
    if shared.axes is None:
        return jax.tree.map(lambda s, x: s * x, scale_like(shared.scale, u), u)
    if isinstance(like, tuple):
        return unrows(u @ shared.axes, tuple(v.shape[1:] for v in like))
    return u @ shared.axes


def origin(shared: Shared, like: Any) -> Any:
    """Return the coordinates of the start, which are zero."""
    if shared.axes is None:
        return jax.tree.map(jnp.zeros_like, like)
    rank = shared.axes.shape[0]
    n = jax.tree.leaves(like)[0].shape[0]
    return jnp.zeros((n, rank) if isinstance(like, tuple) else (*like.shape[:-1], rank))


def variables(settings: Settings, shared: Shared, start: Code) -> dict[str, Any]:
    """Return what moves, by kind, at the start."""
    params: dict[str, Any] = {}
    if settings.layers != ():
        params["code"] = origin(shared, free(start.value, settings.layers))
    if settings.noise:
        params["noise"] = start.noise
    if settings.taps:
        params["features"] = {tap: jnp.zeros_like(start.features[tap]) for tap in settings.taps}
    return params


def code_at(settings: Settings, shared: Shared, start: Code, params: dict[str, Any]) -> Code:
    """Return the code that variables stand for; what does not move keeps its bits."""
    changes: dict[str, Any] = {}
    if "code" in params:
        here = free(start.value, settings.layers)
        new = jax.tree.map(jnp.add, here, offset(shared, params["code"], here))
        changes["value"] = placed(start.value, settings.layers, new)
    if "noise" in params:
        changes["noise"] = params["noise"]
    if "features" in params:
        grow = lambda tap, u: start.features[tap] + shared.reach[tap] * u
        changes["features"] = {**start.features, **{tap: grow(tap, u) for tap, u in params["features"].items()}}
    return start.replace(**changes)


def judged(shared: Shared, target: Target, code: Code):
    """Draw a code; return its total [N], terms {name: [N]} and images."""
    drawn = shared.generator(code)
    return (*shared.objective(drawn, target, code, shared.generator), drawn)


def scale_like(scale: Any, value: Any) -> Any:
    """Repeat a scale of one number for a code of several arrays."""
    return scale if jax.tree.structure(scale) == jax.tree.structure(value) else jax.tree.map(lambda _: scale, value)
