"""Small linear algebra: orthonormal rows."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float


def orthonormal(raw: Float[Array, "k d"]) -> Float[Array, "k d"]:
    """Orthonormalise rows (QR), keeping the first row's direction."""
    q, r = jnp.linalg.qr(raw.T)
    return (q * jnp.where(jnp.diag(r) < 0, -1.0, 1.0)).T
