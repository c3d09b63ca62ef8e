"""Codes by seed, and walks from code to code: what pictures and films are made of."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxgan.core.code import Code
from jaxgan.core.generator import Generator
from jaxgan.latents.spaces import first


def seeded(g: Generator, seeds: Sequence[int], cond: Float[ArrayLike, " c"] | None = None) -> Code:
    """Draw one code for each seed, the same one whatever the other seeds are.

    Args:
        g: Generator.
        seeds: Whole numbers [N]; code i is `g.sample(jax.random.key(seeds[i]), 1, cond)`.
        cond: Condition of all codes [c]; drawn uniformly over the classes, by seed, when None.
    """
    if not len(seeds):
        raise ValueError("Got no seeds; give at least one.")
    return joined([g.sample(jax.random.key(seed), 1, cond) for seed in seeds])


def joined(codes: Sequence[Code]) -> Code:
    """Put batches of codes of one space together, in order.

    Raises:
        ValueError: The codes are of several spaces, or only some hold a condition, noise maps or features.
    """
    spaces = {code.space for code in codes}
    if len(spaces) != 1:
        raise ValueError(f"Codes live in {', '.join(sorted(spaces)) or 'no space'}; bring them to one space first.")
    if len({jax.tree.structure(code) for code in codes}) != 1:
        raise ValueError("Codes differ in what they hold besides their value (cond, noise, features); make them alike.")
    return jax.tree.map(lambda *parts: jnp.concatenate(parts), *(code.separate() for code in codes))


def walk(g: Generator, code: Code, frames: int) -> Code:
    """Walk through codes and back to the first one, at even pace.

    In the first space, which is normal, the way is an arc, so that codes on it are as likely as their ends; elsewhere
    it is straight. The condition and the features change evenly.

        arc(a, b, t) = (sin((1 - t) omega) a + sin(t omega) b) / sin(omega),    cos(omega) = a.b / (|a| |b|)

    Args:
        g: Generator that the codes belong to.
        code: Two or more codes without noise maps of their own.
        frames: Codes from each one to the next.

    Returns:
        N * frames codes; every `frames`-th is one of the given.

    Source: Shoemake, "Animating Rotation with Quaternion Curves", 1985; White, "Sampling Generative Networks", 2016,
    section 2.
    """
    n = len(code)
    if n < 2 or frames < 1:
        raise ValueError(f"A walk needs at least 2 codes and 1 frame between them, got {n} and {frames}.")
    if code.noise is not None:
        raise ValueError("A walk is of codes without noise maps: code.replace(noise=None).")
    start = jnp.repeat(jnp.arange(n), frames)
    t = jnp.tile(jnp.arange(frames) / frames, n)
    held = (code.value, code.cond, code.separate().features)
    ends = jax.tree.map(lambda x: (x[start], x[(start + 1) % n]), held)
    straight = lambda a, b: a + (b - a) * t.reshape(-1, *[1] * (a.ndim - 1))
    way = (lambda a, b: arc(a, b, t)) if code.space == first(g) != "image" else straight
    pair = lambda x: isinstance(x, tuple) and len(x) == 2 and all(hasattr(y, "shape") for y in x)
    value, cond, features = ends
    between = lambda tree: jax.tree.map(lambda p: straight(*p), tree, is_leaf=pair)
    moved = jax.tree.map(lambda p: way(*p), value, is_leaf=pair)
    return code.replace(value=moved, cond=between(cond), features=between(features))


def arc(a: Float[Array, "n ..."], b: Float[Array, "n ..."], t: Float[Array, " n"]) -> Float[Array, "n ..."]:
    """Return the point at t on the arc from a to b; on the chord where they point the same way or opposite ways."""
    flat = lambda x: x.reshape(len(x), -1)
    dot = jnp.sum(flat(a) * flat(b), 1) / (jnp.linalg.norm(flat(a), axis=1) * jnp.linalg.norm(flat(b), axis=1))
    omega = jnp.arccos(jnp.clip(dot, -1.0, 1.0))
    sine = jnp.sin(omega)
    narrow = sine < 1e-4
    safe = jnp.where(narrow, 1.0, sine)
    at_a = jnp.where(narrow, 1 - t, jnp.sin((1 - t) * omega) / safe)
    at_b = jnp.where(narrow, t, jnp.sin(t * omega) / safe)
    grow = lambda x: x.reshape(-1, *[1] * (a.ndim - 1))
    return grow(at_a) * a + grow(at_b) * b
