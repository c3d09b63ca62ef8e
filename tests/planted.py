"""Generators whose answers are known: a linear one, and a small random StyleGAN2."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp

import jaxgan as jg
from jaxgan.core import Affine, Arch, Generator, Stage


class Linear(nn.Module):
    """x = z @ matrix + quadratic * (z @ matrix)^2, reshaped to an image."""

    dims: int
    side: int
    quadratic: float = 0.0

    @nn.compact
    def __call__(self, z, context):
        matrix = self.param("matrix", nn.initializers.normal(1.0), (self.dims, self.side**2))
        x = z @ matrix
        return (x + self.quadratic * x**2).reshape(z.shape[0], self.side, self.side, 1)


def arch(dims: int = 6, side: int = 4, quadratic: float = 0.0) -> Arch:
    return Arch(
        name="planted",
        config=(("dims", dims), ("quadratic", quadratic), ("side", side)),
        stages=(Stage("z", "x", Linear(dims, side, quadratic, name="draw")),),
        shapes=(("z", (dims,)),),
        resolution=side,
        channels=1,
        affines=(Affine("draw", 0, ("draw", "matrix")),),
    )


def linear(matrix, quadratic: float = 0.0) -> Generator:
    """Make the generator x = z @ matrix (+ quadratic * x^2) with matrix [D, side^2]."""
    dims, pixels = matrix.shape
    side = int(pixels**0.5)
    return Generator({"draw": {"matrix": jnp.asarray(matrix, jnp.float32)}}, {"draw": {}}, arch(dims, side, quadratic))


def orthogonal(key, n: int):
    """Draw an orthogonal matrix [n, n]."""
    return jnp.linalg.qr(jax.random.normal(key, (n, n)))[0]


def style(seed: int = 0, resolution: int = 16, **config) -> Generator:
    """Make a small random StyleGAN2 whose noise layers are on and whose w_mean is right."""
    sizes = {
        "channel_base": 256,
        "channel_max": 16,
        "z_dim": 16,
        "w_dim": 16,
        "mapping_layers": 2,
        "mapping_lr_mul": 1.0,
    }
    g = jg.models.stylegan2.arch(resolution=resolution, **{**sizes, **config}).init(jax.random.key(seed))
    quiet = lambda path, x: x + 0.05 if path[-1].key == "noise_strength" else x
    params = jax.tree_util.tree_map_with_path(quiet, g.params)
    w = g.to(g.sample(jax.random.key(seed + 1000), 1000), "w").value
    buffers = {**g.buffers, "spread": {"w_mean": w.mean(0)}}
    return g.replace(params=params, buffers=buffers)
