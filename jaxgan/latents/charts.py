"""Charts: other coordinates of the latent spaces, and the way back."""

from __future__ import annotations

import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float

SLOPE = 0.2


def to_p(w: Float[Array, ...]) -> Float[Array, ...]:
    """Undo the mapping network's last leaky ReLU: p = w where w >= 0, w / 0.2 elsewhere.

    W is close to a Gaussian in these coordinates. The activation's gain sqrt(2) only rescales p and is left in.

    Source: Wulff & Torralba (2020); Zhu et al., "Improved StyleGAN Embedding" (2020), section 3.2.
    """
    return jnp.where(w >= 0, w, w / SLOPE)


def from_p(p: Float[Array, ...]) -> Float[Array, ...]:
    """Return from p to w, the inverse of `to_p`."""
    return jnp.where(p >= 0, p, p * SLOPE)


@struct.dataclass
class Whitening:
    """Coordinates in which the population of p is standard normal: p_n = (p - mean) basis / std.

    Args:
        mean: [D].
        basis: Principal axes in columns [D, D].
        std: Standard deviation along each axis [D], floored.
    """

    mean: Float[Array, d]
    basis: Float[Array, "d d"]
    std: Float[Array, d]

    def forward(self, p: Float[Array, "*b d"]) -> Float[Array, "*b d"]:
        """Whiten: p [..., D] to p_n [..., D]. Also for p+, row by row."""
        return (p - self.mean) @ self.basis / self.std

    def inverse(self, p_n: Float[Array, "*b d"]) -> Float[Array, "*b d"]:
        """Return from p_n to p."""
        return (p_n * self.std) @ self.basis.T + self.mean

    def mahalanobis(self, p: Float[Array, "*b d"]) -> Float[Array, "*b"]:
        """Return sqrt(mean(p_n^2)): 1 for a typical member of the population."""
        return jnp.sqrt(jnp.mean(jnp.square(self.forward(p)), axis=-1))


def whitening(mean: Float[Array, d], covariance: Float[Array, "d d"], floor: float = 1e-3) -> Whitening:
    """Make the chart p_n from the population's mean and covariance.

    Args:
        mean: Mean of p [D].
        covariance: Covariance of p [D, D].
        floor: Smallest standard deviation, as a fraction of the largest: directions in which the population hardly
            varies would otherwise dominate every distance.

    Source: Zhu et al. (2020), equation 4. Different: symmetric eigendecomposition, and the floor.
    """
    variance, basis = jnp.linalg.eigh(covariance)
    std = jnp.sqrt(jnp.maximum(variance, 0.0))
    return Whitening(mean, basis, jnp.maximum(std, floor * std.max()))
