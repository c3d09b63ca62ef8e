"""Normalisations without parameters."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float


def normalise_2nd_moment(x: Float[Array, "*n d"], eps: float = 1e-8) -> Float[Array, "*n d"]:
    """Scale each row, or each pixel, to unit mean square: x / sqrt(mean(x^2) + eps).

    Source: PGGAN, section 4.2, "pixelwise feature vector normalization".
    """
    return x * (jnp.mean(x * x, axis=-1, keepdims=True) + eps) ** -0.5


def minibatch_stddev(
    x: Float[Array, "n h w c"], group: int | None, features: int = 1, parts: int = 1
) -> Float[Array, "n h w c2"]:
    """Append the standard deviation over groups of the batch as constant channels.

        s[m, f] = mean_{h,w,c in f} sqrt(var_g x[g, m, h, w, c] + 1e-8)

    Members of one group are strided: each part of the batch, of n = N / parts members, is read as [group, n / group]. A
    part smaller than the group is one group.

    Args:
        x: Activations [N, H, W, C].
        group: Members per group; None takes the whole part.
        features: Channels to append; C is split into as many sets.
        parts: Of the batch, each with groups of its own: 1 is the global batch, on however many devices; the number of
            devices keeps each group on one device.

    Returns:
        [N, H, W, C + features].

    Raises:
        ValueError: If the parts do not divide the batch, or the group a part.

    Source: PGGAN section 3, in the grouping of StyleGAN2.
    """
    n, h, w, c = x.shape
    if n % parts:
        raise ValueError(f"Batch {n} is not divisible by {parts} minibatch-stddev parts. Change one of the two.")
    group = n // parts if group is None else min(group, n // parts)
    if n // parts % group:
        raise ValueError(
            f"Batch {n // parts} is not divisible by the minibatch-stddev group {group}. Change one of the two."
        )
    y = x.reshape(parts, group, -1, h, w, features, c // features)
    y = y - y.mean(axis=1, keepdims=True)
    y = jnp.sqrt(jnp.mean(y * y, axis=1) + 1e-8).mean(axis=(2, 3, 5))  # [parts, n / group, features]
    y = jnp.broadcast_to(y[:, None, :, None, None], (parts, group, n // parts // group, h, w, features))
    return jnp.concatenate([x, y.reshape(n, h, w, features)], axis=-1)
