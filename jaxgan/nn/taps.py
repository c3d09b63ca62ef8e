"""Taps: named activations that can be read and replaced on their way."""

from __future__ import annotations

from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from jaxgan.core.generator import Context


def tap(module: nn.Module, context: Context, name: str, x):
    """Offer the activation `x` under a name: put the code's feature of that name in its place, if there is one, apply
    the patch of that name, if any, and let it be read.

    Reading costs nothing unless asked for: `sow` stores only when the collection "taps" is mutable, and what comes
    after the last tap that is read is dropped by the compiler.
    """
    feature = (context.features or {}).get(name)
    if feature is not None:
        x = jnp.broadcast_to(feature, (x.shape[0], *feature.shape[1:])).astype(x.dtype)
    patch = (context.patches or {}).get(name)
    if patch is not None:
        patched: Any = patch(x) if callable(patch) else patch
        x = patched.astype(x.dtype)
    module.sow("taps", name, x, reduce_fn=lambda _, new: new, init_fn=lambda: None)
    return x
