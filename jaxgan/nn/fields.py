"""Fields of directions: at every point of a latent space, K ways to go, each of unit length.

Points are centred by the buffer `centre` [D] and counted in `sigma`, the population's spread in one coordinate, so that
the same numbers suit any space.
"""

from __future__ import annotations

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.ops.linalg import orthonormal

NAME = "fields"
BASES = ("unit", "orthonormal")
HIGHEST = jax.lax.Precision.HIGHEST


def unit(x: Float[Array, "*n d"]) -> Float[Array, "*n d"]:
    """Return vectors of length 1; those of length 0 stay."""
    return x * jax.lax.rsqrt(jnp.square(x).sum(-1, keepdims=True) + 1e-12)


def normalised(module: nn.Module, x: Float[Array, "*n d"]) -> Float[Array, "*n d"]:
    """Return points with the mean and the spread of the population taken off."""
    centre = module.variable("buffers", "centre", jnp.zeros, (x.shape[-1],)).value
    sigma = module.variable("buffers", "sigma", jnp.ones, ()).value
    return (x - centre) / sigma


class Constant(nn.Module):
    """The same direction everywhere: row `axis` of `vectors` [K, D], made unit or orthonormal.

    The fields are those of `field`.
    """

    axes: int
    width: int
    space: str = "w"
    basis: str = "unit"

    def inputs(self) -> list[tuple[int, ...]]:
        """Shapes of the arguments for a batch of one."""
        return [(1, self.width), ()]

    @nn.compact
    def __call__(self, x: Float[Array, "*n d"], axis) -> Float[Array, "*n d"]:
        normalised(self, x)
        vectors = self.param("vectors", nn.initializers.normal(1.0), (self.axes, self.width))
        vectors = orthonormal(vectors) if self.basis == "orthonormal" else unit(vectors)
        return jnp.broadcast_to(vectors[jnp.asarray(axis, jnp.int32)], x.shape)


class Perceptron(nn.Module):
    """For each axis a perceptron of the point: `depth` layers, rectified between them. One layer is linear, no bias.

    Source: Yüksel et al., "LatentCLR" (2021), section 3.1. Different: no batch normalisation.
    """

    axes: int
    width: int
    space: str = "w"
    depth: int = 1

    def inputs(self) -> list[tuple[int, ...]]:
        """Shapes of the arguments for a batch of one."""
        return [(1, self.width), ()]

    @nn.compact
    def __call__(self, x: Float[Array, "*n d"], axis) -> Float[Array, "*n d"]:
        h, at = normalised(self, x), jnp.asarray(axis, jnp.int32)
        start = nn.initializers.normal(1 / math.sqrt(self.width))
        for i in range(self.depth):
            h = nn.relu(h) if i else h
            weight = self.param(f"weight{i}", start, (self.axes, self.width, self.width))
            h = jnp.matmul(h, weight[at], precision=HIGHEST)
            if self.depth > 1:
                h = h + self.param(f"bias{i}", nn.initializers.zeros, (self.axes, self.width))[at]
        return unit(h)


class Warped(nn.Module):
    """For each axis the gradient of a landscape that pairs of opposite supports warp, made unit.

        f(x) = sum_i alpha_i exp(-gamma |x - s_i|^2),    alpha = 1, -1, 1, -1, ...
        v = grad f / |grad f|,    grad f = -2 gamma sum_i alpha_i exp(-gamma |x - s_i|^2) (x - s_i)

    `supports` [K, 2 dipoles, D] start as antipodal pairs on spheres, those of the axes between 0.8 and 0.9 of the
    population's radius sqrt(D); gamma is 1 / D.

    Source: Tzelepis et al., "WarpedGANSpace: Finding Non-linear RBF Paths in GAN Latent Space" (2021), section 3.1, and
    its code, with alpha and gamma fixed.
    """

    axes: int
    width: int
    space: str = "w"
    dipoles: int = 32

    def inputs(self) -> list[tuple[int, ...]]:
        """Shapes of the arguments for a batch of one."""
        return [(1, self.width), ()]

    @nn.compact
    def __call__(self, x: Float[Array, "*n d"], axis) -> Float[Array, "*n d"]:
        x, gamma = normalised(self, x), 1 / self.width

        def antipodal(key, shape):
            ways = unit(jax.random.normal(key, (self.axes, self.dipoles, self.width)))
            radii = jnp.linspace(0.8, 0.9, self.axes)[:, None, None] * math.sqrt(self.width)
            return jnp.stack([radii * ways, -radii * ways], axis=2).reshape(shape)

        supports = self.param("supports", antipodal, (self.axes, 2 * self.dipoles, self.width))
        away = x[..., None, :] - supports[jnp.asarray(axis, jnp.int32)]  # [*n, 2 dipoles, D]
        pulls = jnp.tile(jnp.array([1.0, -1.0]), self.dipoles) * jnp.exp(-gamma * jnp.square(away).sum(-1))
        return unit(-2 * gamma * (pulls[..., None] * away).sum(-2))


def field(
    kind: str = "constant",
    *,
    axes: int,
    width: int,
    space: str = "w",
    basis: str = "unit",
    depth: int = 1,
    dipoles: int = 32,
) -> Constant | Perceptron | Warped:
    """Describe a field of directions.

    Args:
        kind: "constant", "perceptron" or "warped".
        axes: Number of directions K.
        width: Coordinates of the space D.
        space: Its name.
        basis: Of constant directions: "unit" or "orthonormal".
        depth: Layers of a perceptron.
        dipoles: Pairs of supports of a warped one.
    """
    if basis not in BASES or min(axes, width, depth, dipoles) < 1:
        raise ValueError(f"A field has a basis of {BASES}, axes, width, depth and dipoles of at least 1.")
    kinds = {
        "constant": lambda: Constant(axes, width, space, basis),
        "perceptron": lambda: Perceptron(axes, width, space, depth),
        "warped": lambda: Warped(axes, width, space, dipoles),
    }
    if kind not in kinds:
        raise ValueError(f"There is no field of the kind {kind!r}; allowed: {', '.join(kinds)}.")
    return kinds[kind]()
