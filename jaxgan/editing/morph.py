"""Morphing, and carrying the difference of two codes over to a third."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from jaxgan.core.code import Code
from jaxgan.core.generator import Generator, base, known
from jaxgan.editing.base import Edit
from jaxgan.editing.masks import over
from jaxgan.latents.spaces import first, noise_maps, styled
from jaxgan.latents.walks import arc


def morph(other: Code, t: Any, space: str | None = None) -> Edit:
    """Go from a code towards another one.

        straight:                  (1 - t) a + t b
        arc, in the first space:   (sin((1 - t) omega) a + sin(t omega) b) / sin(omega)

    Condition and noise maps go straight. The ends are met to the bit.

    Args:
        other: Where t = 1 leads: as many codes as are edited, or one for all.
        t: How far to go, a leaf: a number or [N].
        space: Where the way lies: "w+" (straight), "z" (an arc: the codes on it are as likely as its ends), "p+"
            (straight under the Gaussianised prior; whitening is linear, so the way in P_N is the same) or any other of
            the generator's spaces. When None, the one that layers read row by row.

    Returns:
        An edit to the space, or to the one that it is a chart of.

    Source: Abdal et al., "Image2StyleGAN" (2019), section 5.1; Zhu et al., "Improved StyleGAN Embedding" (2020).
    """

    def edit(g: Generator, code: Code) -> Code:
        way = space or wide(g)
        ground, there = base(g.arch, way), alike(g, way, code, other)
        a, b = there
        amount = jnp.broadcast_to(jnp.asarray(t, jnp.float32), (len(a),))
        shaped = lambda x: amount.reshape(-1, *[1] * (x.ndim - 1))
        straight = lambda x, y: over(x, y, shaped(x))
        bent = (lambda x, y: arc(x, y, amount)) if way == first(g) != "image" else straight
        found = g.to(a.replace(value=jax.tree.map(bent, a.value, b.value)), ground)
        ends = (g.to(a, ground), g.to(b, ground)) if way == ground else alike(g, ground, code, other)
        exact = lambda x, lo, hi: jnp.where(shaped(x) == 0, lo, jnp.where(shaped(x) == 1, hi, x))
        value = jax.tree.map(exact, found.value, ends[0].value, ends[1].value)
        rest = {name: jax.tree.map(straight, getattr(a, name), getattr(b, name)) for name in others(a)}
        return found.replace(value=value, **rest)

    return edit


def transfer(source: Code, target: Code, by: Any = 1.0, space: str | None = None) -> Edit:
    """Add the difference of two codes: what makes `source` into `target` is done to the edited code.

        w + by (target - source)

    With the neutral and the expressive picture of one person it transfers the expression to another one.

    Args:
        source, target: The two codes: as many as are edited, or one for all.
        by: Strength, a leaf: a number or [N].
        space: Where the difference is taken; when None, the one that layers read row by row.

    Returns:
        An edit to the space.

    Source: Abdal et al., "Image2StyleGAN" (2019), section 5.3.
    """

    def edit(g: Generator, code: Code) -> Code:
        way = space or wide(g)
        code, a, b = alike(g, way, code, source, target)
        strength = jnp.broadcast_to(jnp.asarray(by, jnp.float32), (len(code),))
        shaped = lambda x: strength.reshape(-1, *[1] * (x.ndim - 1))
        value = jax.tree.map(lambda x, y, z: x + shaped(x) * (z - y), code.value, a.value, b.value)
        return code.replace(value=value)

    return edit


def wide(g: Generator) -> str:
    """Name of the space of codes by rows, "w+" where there is one, else of the space that is styled."""
    return f"{styled(g)}+" if f"{styled(g)}+" in g.spaces else styled(g)


def others(code: Code) -> tuple[str, ...]:
    """Names of what a code holds besides its value."""
    return tuple(name for name in code.__dataclass_fields__ if name not in ("value", "space"))


def alike(g: Generator, space: str, *codes: Code) -> tuple[Code, ...]:
    """Bring codes to one space, one batch size and one set of noise maps.

    Raises:
        ValueError: The generator lacks the space, the batch sizes differ (1 fits all), or only some have a condition.
    """
    known(space, g.spaces, "space")
    sizes = {len(code) for code in codes} - {1}
    if len(sizes) > 1:
        raise ValueError(
            f"The codes are {' and '.join(str(len(c)) for c in codes)} in number; needed are as many, or 1."
        )
    n = max(sizes, default=1)
    codes = tuple(g.to(code, space) for code in codes)
    if any(code.noise is not None for code in codes):
        codes = tuple(code.replace(noise={**noise_maps(g), **(code.noise or {})}) for code in codes)
    grown = tuple(jax.tree.map(lambda x: jnp.broadcast_to(x, (n, *x.shape[1:])), code) for code in codes)
    if len({jax.tree.structure(code) for code in grown}) > 1:
        raise ValueError("Only some of the codes hold a condition or features of layers; needed are all or none.")
    return grown
