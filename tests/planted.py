"""Generators whose answers are known: a linear one, and a small random StyleGAN2."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp

import jaxgan as jg
from jaxgan.core import Affine, Arch, Chart, Generator, Stage
from jaxgan.latents.charts import from_p, to_p
from jaxgan.models.stylegan2 import Layer, Styles
from jaxgan.nn.mapping import Mapping, Spread
from jaxgan.nn.taps import tap
from jaxgan.ops.resample import enlarge


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


class Painting(nn.Module):
    """Styles to images of 8x8 pixels as StyleGAN2 does it, with products in place of convolutions."""

    channels: int

    @nn.compact
    def __call__(self, styles, context):
        first, second, last = styles
        c, normal = self.channels, nn.initializers.normal(1.0)
        x = jnp.einsum("nc,chwd->nhwd", first, self.param("const", normal, (c, 4, 4, c))) / c**0.5
        x = tap(self, context, "b4", nn.leaky_relu(x))
        image = tap(self, context, "rgb4", x @ self.param("rgb4", normal, (c, 3)) / c**0.5)
        stored = self.variable("buffers", "b8", lambda: {"noise": jax.random.normal(jax.random.key(0), (8, 8))}).value
        noise = (context.noise or {}).get("b8", stored["noise"][None, :, :, None])
        weight = self.param("b8_weight", normal, (c, c)) / c**0.5
        x = tap(self, context, "b8", nn.leaky_relu(enlarge(x) * second[:, None, None] @ weight + 0.5 * noise))
        return enlarge(image) + x * last[:, None, None] @ self.param("rgb8", normal, (c, 3)) / c**0.5


def layered(seed: int = 0, width: int = 12) -> Generator:
    """Make a generator with every space, taps, noise maps and a summed image, whose programs compile at once."""
    layers = tuple(Layer(name, row, width) for row, name in enumerate(("b4", "b8", "rgb8")))
    stages = (
        Stage("z", "w", Mapping(width, width, layers=1, lr_mul=1.0, name="mapping")),
        Stage("w", "w+", Spread(3, width, name="spread")),
        Stage("w+", "s", Styles(layers, name="style")),
        Stage("s", "x", Painting(width, name="synthesis")),
    )
    arch = Arch(
        name="layered",
        config=(("width", width),),
        stages=stages,
        shapes=(("z", (width,)), ("w", (width,)), ("w+", (3, width)), ("s", ((width,),) * 3)),
        resolution=8,
        charts=(Chart("w", "p", to_p, from_p), Chart("w+", "p+", to_p, from_p)),
        taps=("b4", "rgb4", "b8"),
        truncates="w",
    )
    g = arch.init(jax.random.key(seed))
    w = g.to(g.sample(jax.random.key(seed + 1000), 1000), "w").value
    return g.replace(buffers={**g.buffers, "spread": {"w_mean": w.mean(0)}})
