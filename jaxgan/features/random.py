"""A feature network without training: fixed random convolutions, the same numbers on every machine."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxgan.core.network import Network

WIDTHS = (32, 64, 128, 128)


class RandomConvnet(nn.Module):
    """Rectified 3x3 convolutions with pooling between; the features are averages of every map.

    The last maps are averaged over a grid of cells, so that the features know roughly where things are.

    Args:
        widths: Channels of the levels.
        grid: Cells a side for the last level.
    """

    widths: tuple[int, ...] = WIDTHS
    grid: int = 2

    @nn.compact
    def __call__(self, images: Float[Array, "n h w 3"]) -> Float[Array, "n d"]:
        x = jnp.broadcast_to(images, (*images.shape[:3], 3))
        features = []
        for level, width in enumerate(self.widths):
            x = nn.relu(nn.Conv(width, (3, 3), padding=1, name=f"conv{level}")(x))
            if level < len(self.widths) - 1:
                features.append(x.mean((1, 2)))
                n, height, width, channels = x.shape
                x = x[:, : height // 2 * 2, : width // 2 * 2]
                x = x.reshape(n, height // 2, 2, width // 2, 2, channels).mean((2, 4))
        n, height, width, channels = x.shape
        grid = min(self.grid, height, width)
        x = x[:, : height // grid * grid, : width // grid * grid]
        cells = x.reshape(n, grid, height // grid, grid, width // grid, channels).mean((2, 4))
        return jnp.concatenate([*features, cells.reshape(n, -1)], axis=1)


def random_features() -> Network:
    """Return the convnet whose features `frechet_random` compares: images [N, H, W, C] to vectors [N, 736].

    Random convolutions see colours, edges, textures and layout, but no objects: the figure falls while a generator
    learns and needs no downloaded weights. It is no FID, and comparable at equal resolution and number of images only.

    Source: the idea of untrained embeddings is Naeem et al., "Reliable Fidelity and Diversity Metrics for Generative
    Models", 2020, section 4; this network is our own.
    """
    module = RandomConvnet()
    shapes = jax.eval_shape(module.init, jax.random.key(0), jnp.zeros((1, 16, 16, 3)))["params"]
    # The legacy generator, because its stream is promised never to change; the figure depends on these numbers.
    stream = np.random.RandomState(2019)
    params = {}
    for name in sorted(shapes):
        shape = shapes[name]["kernel"].shape
        kernel = stream.standard_normal(shape) * np.sqrt(2 / np.prod(shape[:3]))
        bias = stream.standard_normal(shape[-1]) * 0.1
        params[name] = {"kernel": jnp.asarray(kernel, jnp.float32), "bias": jnp.asarray(bias, jnp.float32)}
    return Network(params, {}, module, "features.random")
