"""Interventions: patches that switch units off, or on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.tree_util import Partial
from jaxtyping import Array, Float


def ablate(units: Sequence[int], strength: Any = 1.0, mask: Any = None) -> Partial:
    """Return a patch that takes units away: x becomes (1 - strength mask) x in those channels.

    Args:
        units: Channels of the tap.
        strength: 1 takes them away, 0 leaves them; one number, or [K] one for each unit. A leaf.
        mask: Where, [h, w] or [N, h, w] in [0, 1], resized to the activation; everywhere when None. A leaf.

    Returns:
        A patch for `g(code, patches={tap: ...})`.

    Example:
        >>> import jax, jaxgan as jg
        >>> from jaxgan.dissection import ablate
        >>> patched = g(g.sample(key, 1), patches={"b4": ablate([0, 3])})
        >>> patched.shape
        (1, 8, 8, 3)
    """
    return insert(units, 0.0, mask, strength)


def insert(units: Sequence[int], values: Any, mask: Any = None, strength: Any = 1.0) -> Partial:
    """Return a patch that sets units: x becomes (1 - strength mask) x + strength mask values in those channels.

    Args:
        units: Channels of the tap.
        values: What to set them to: one number or [K], such as `report.values(concept, units)`. A leaf.
        mask: Where, as for `ablate`.
        strength: How far, as for `ablate`.

    Source: Bau et al., "GAN Dissection" (2019), section 3.2.
    """
    chosen = jnp.asarray(units, jnp.int32)
    if chosen.ndim != 1 or not len(chosen):
        raise ValueError("There is no unit to intervene on: give the numbers of one channel at least.")
    return Partial(_apply, chosen, jnp.asarray(values, jnp.float32), jnp.asarray(strength, jnp.float32), placed(mask))


def blend(strengths: Float[Array, " u"], values: Any, mask: Any = None) -> Partial:
    """Return a patch over all U channels at once: x becomes (1 - a mask) x + a mask values, a differentiable.

    Args:
        strengths: a [U].
        values: [U] or one number.
        mask: As for `ablate`.
    """
    return Partial(_apply, jnp.arange(len(strengths)), jnp.asarray(values, jnp.float32), strengths, placed(mask))


def placed(mask: Any):
    """Bring a mask to [N or 1, h, w, 1]; None stays."""
    if mask is None:
        return None
    mask = jnp.asarray(mask, jnp.float32)
    if mask.ndim not in (2, 3):
        raise ValueError(f"The mask has shape {mask.shape}; give [h, w] or [N, h, w].")
    return (mask[None] if mask.ndim == 2 else mask)[..., None]


def _apply(units, values, strength, mask, x):
    here = x[..., units].astype(jnp.float32)
    if mask is not None:
        fits = mask.shape[1:3] == x.shape[1:3]
        mask = mask if fits else jax.image.resize(mask, (len(mask), *x.shape[1:3], 1), "linear")
        strength = strength * mask
    return x.at[..., units].set((here * (1 - strength) + values * strength).astype(x.dtype))
