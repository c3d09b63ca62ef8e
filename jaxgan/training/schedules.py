"""Values that change with the number of images seen."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp


def cosine(first: float, last: float, kimg: float) -> Callable:
    """Go from one value to another along half a cosine, and stay there.

        value(images) = last + (first - last) (1 + cos(pi min(images / (1000 kimg), 1))) / 2

    Args:
        first: At the start.
        last: From `kimg` on.
        kimg: Length, thousands of images.

    Returns:
        Function of the number of images seen.

    Source: Loshchilov and Hutter, "SGDR" (2017), equation 5, without restarts.
    """

    def value(images):
        share = jnp.minimum(images / (1000.0 * kimg), 1.0)
        return last + (first - last) * (1 + jnp.cos(jnp.pi * share)) / 2

    return value
