"""Normalisations without parameters."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float


def normalise_2nd_moment(x: Float[Array, "*n d"], eps: float = 1e-8) -> Float[Array, "*n d"]:
    """Scale each row, or each pixel, to unit mean square: x / sqrt(mean(x^2) + eps).

    Source: PGGAN, section 4.2, "pixelwise feature vector normalization".
    """
    return x * (jnp.mean(x * x, axis=-1, keepdims=True) + eps) ** -0.5


def minibatch_stddev(x: Float[Array, "n h w c"], group: int | None, features: int = 1) -> Float[Array, "n h w c2"]:
    """Append the standard deviation over groups of the batch as constant channels.

        s[m, f] = mean_{h,w,c in f} sqrt(var_g x[g, m, h, w, c] + 1e-8)

    Members of one group are strided: the batch is read as [group, N / group]. A batch smaller than the group is one
    group.

    Args:
        x: Activations [N, H, W, C].
        group: Members per group; None takes the whole batch.
        features: Channels to append; C is split into as many parts.

    Returns:
        [N, H, W, C + features].

    Raises:
        ValueError: If the group does not divide the batch.

    Source: PGGAN section 3, in the grouping of StyleGAN2.
    """
    n, h, w, c = x.shape
    group = n if group is None else min(group, n)
    if n % group:
        raise ValueError(f"Batch {n} is not divisible by the minibatch-stddev group {group}. Change one of the two.")
    y = x.reshape(group, n // group, h, w, features, c // features)
    y = y - y.mean(axis=0)
    y = jnp.sqrt(jnp.mean(y * y, axis=0) + 1e-8).mean(axis=(1, 2, 4))  # [N / group, features]
    y = jnp.broadcast_to(y[None, :, None, None, :], (group, n // group, h, w, features))
    return jnp.concatenate([x, y.reshape(n, h, w, features)], axis=-1)
