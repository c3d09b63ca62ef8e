"""Blending inside the generator: several codes drawn in lockstep, one laid over the other layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.tree_util import Partial
from jaxtyping import Array, ArrayLike, Float

from jaxgan.core.code import Code
from jaxgan.core.generator import NOISE_MODES, Generator, known
from jaxgan.editing.base import Drawing
from jaxgan.editing.masks import fitted, over
from jaxgan.editing.mix import mix
from jaxgan.editing.morph import alike

AXIS = "lockstep"
Mask = Float[ArrayLike, "..."] | Mapping[str, Any]


def lockstep(
    g: Generator | Sequence[Generator],
    codes: Sequence[Code],
    joints: Mapping[str, Callable],
    *,
    noise: str = "const",
    key=None,
) -> Float[Array, "k n h w c"]:
    """Draw K codes at the same time, joining their activations where asked.

    Every layer acts on the activation that the last joint left, each time with its own style. Blends, panoramas and
    layers of several generators on one canvas are joints.

    Args:
        g: One generator, or K of one architecture, one for each code.
        codes: K codes of as many images, or of one.
        joints: {tap: joint}: from the K activations there [K, N, H, W, C] to the one that all go on with
            [N, H', W', C]. A plain function, or a `jax.tree_util.Partial` with arrays that shall not be compiled in.
        noise, key: As in `Generator.__call__`. Everyone gets the same random noise.

    Returns:
        The K drawings, [K, N, H, W, C].

    Raises:
        ValueError: There is no such tap, the generators are not as many as the codes or of several architectures.
    """
    several = not isinstance(g, Generator)
    generators = list(g) if several else [g] * len(codes)
    if len(generators) != len(codes) or not generators:
        raise ValueError(f"There are {len(generators)} generators for {len(codes)} codes; needed are one, or as many.")
    if len({one.arch for one in generators}) > 1:
        raise ValueError("The generators differ in architecture; layers are joined between equal ones.")
    arch = generators[0].arch
    for name in joints:
        known(name, arch.taps, "tap")
    known(noise, NOISE_MODES, "noise mode")
    last = arch.stages[-1].source
    if several:
        codes = [one.to(code, last) for one, code in zip(generators, codes, strict=True)]
    codes = alike(generators[0], last, *codes)
    stack = lambda *x: jnp.stack(x)
    stacked = jax.tree.map(stack, *generators) if several else generators[0]
    whole = {tap: joint if isinstance(joint, Partial) else Partial(joint) for tap, joint in joints.items()}
    return _lockstep(stacked, jax.tree.map(stack, *codes), whole, key, several, noise)


@partial(jax.jit, static_argnames=("several", "noise"))
def _lockstep(g, code, joints, key, several: bool, noise: str):
    patches = {tap: Partial(joined, joint) for tap, joint in joints.items()}
    draw = lambda g, code: g(code, noise=noise, key=key, patches=patches)
    return jax.vmap(draw, (0 if several else None, 0), axis_name=AXIS)(g, code)


def joined(joint: Callable, x: Float[Array, "n h w c"]) -> Float[Array, "n i j c"]:
    """Let a joint see the activations of everyone."""
    return joint(jax.lax.all_gather(x, AXIS))


def blend(*masks: Mask, taps: Iterable[str] | None = None) -> Drawing:
    """Lay codes over one another inside the generator: what their layers draw is blended after every layer.

        f_k = layer(f, style_k),    f <- f_0,  f <- (1 - m_k) f + m_k f_k   for k = 1, ..., K-1

    Where the masks are 0 for good the first code draws, where one is 1 its code; in between the layers themselves
    mend the seam, because all of them act on the shared activation. Behind the last blended tap the first code goes on
    alone. Given K generators of one style space instead of one, the layers of several generators are blended.

    Args:
        *masks: One for each code behind the first: a number, [H, W] or [N, H, W] (of any size, usually the image's),
            or {tap: such a mask}, which blends at these taps only.
        taps: Where masks that name no taps act; all of the generator's taps when None.

    Returns:
        A drawing: `(g, code, *others, noise="const", key=None)` to images [N, H, W, C]; all codes are as many, or one.

    Source: Chong et al., "StyleGAN of All Trades" (2021), sections 3.2 and 4. Different: any number of codes and
    generators, and masks need not be ramps or boxes.
    """
    chosen = None if taps is None else tuple(taps)

    def draw(g, *codes: Code, noise: str = "const", key=None):
        if len(codes) != len(masks) + 1:
            raise ValueError(f"blend with {len(masks)} masks takes {len(masks) + 1} codes, got {len(codes)}.")
        names = (g if isinstance(g, Generator) else g[0]).arch.taps
        for name in (*(chosen or ()), *(name for mask in masks if isinstance(mask, Mapping) for name in mask)):
            known(name, names, "tap")
        everywhere = names if chosen is None else chosen
        at = lambda mask, tap: mask.get(tap) if isinstance(mask, Mapping) else mask if tap in everywhere else None
        joints = {}
        for tap in names:
            here = tuple(None if (m := at(mask, tap)) is None else jnp.asarray(m, jnp.float32) for mask in masks)
            if any(m is not None for m in here):
                joints[tap] = Partial(layered, here)
        return lockstep(g, codes, joints, noise=noise, key=key)[0]

    return draw


def layered(masks: tuple, x: Float[Array, "k n h w c"]) -> Float[Array, "n h w c"]:
    """Lay activations over the first one; a mask that is None leaves its activation out."""
    ground, *rest = x
    for one, mask in zip(rest, masks, strict=True):
        if mask is not None:
            ground = over(ground, one, fitted(mask, *ground.shape[1:3]))
    return ground


def attribute(
    mask: Mask, taps: Iterable[str] | None = None, *, share: Iterable[int] = (), by_rows: bool = True
) -> Drawing:
    """Transfer what another code draws inside a mask.

    Both codes draw in lockstep and are blended by the mask; the first rows of the other code are replaced by the edited
    code's, so that pose and layout are aligned before anything is taken over.

    Args:
        mask: Where the other code draws, such as `masks.box(..., soft=0.5)`.
        taps: Where it is blended; all taps when None. Leaving out the finest keeps the edited image's texture.
        share: Rows of w+ that the other code takes from the edited one, such as range(4).
        by_rows: False counts layers of s instead of rows of w+.

    Returns:
        A drawing: `(g, code, other, noise="const", key=None)` to images [N, H, W, C].

    Source: Chong et al. (2021), section 4.5. Different: the pose is aligned by sharing rows, which does what mask 0 in
    their layers does.
    """
    drawing, rows = blend(mask, taps=taps), tuple(share)

    def draw(g: Generator, code: Code, other: Code, **how):
        if rows:
            space = "w+" if by_rows else "s"
            code, other = alike(g, space, code, other)
            other = mix(code, rows)(g, other)
        return drawing(g, code, other, **how)

    return draw
