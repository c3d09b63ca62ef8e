"""How close reconstructions are to their originals, image by image."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.core.network import Network
from jaxgan.ops.similarity import structural_similarity


@jax.jit
def mse(a: Float[Array, "n h w c"], b: Float[Array, "n h w c"]) -> Float[Array, " n"]:
    """Return the mean squared difference of each pair of images in [-1, 1]; 4 is the largest possible."""
    return jnp.square(a - b).mean((1, 2, 3))


@jax.jit
def psnr(a: Float[Array, "n h w c"], b: Float[Array, "n h w c"]) -> Float[Array, " n"]:
    """Return the peak signal-to-noise ratio of each pair of images in [-1, 1], in dB; infinite for equal images.

    10 log10(2^2 / mse)
    """
    return 10 * jnp.log10(4 / mse(a, b))


@jax.jit
def ssim(a: Float[Array, "n h w c"], b: Float[Array, "n h w c"]) -> Float[Array, " n"]:
    """Return the structural similarity of each pair of images in [-1, 1]; 1 for equal images.

    Source: Wang et al. 2004, with the usual 11-pixel Gaussian window of deviation 1.5, windows inside the image only,
    averaged over colour channels. Images under 11 pixels get a smaller window.
    """
    return structural_similarity(a, b)[0]


@jax.jit
def identity(embed: Network, a: Float[Array, "n h w c"], b: Float[Array, "n h w c"]) -> Float[Array, " n"]:
    """Return the cosine between the embeddings of each pair of images: 1 for the same person, or the same thing.

    Args:
        embed: Images to vectors [N, D], such as `features.arcface` for faces or a classifier of your own.
        a, b: Images in [-1, 1].
    """
    x, y = embed(a), embed(b)
    length = jnp.linalg.norm(x, axis=1) * jnp.linalg.norm(y, axis=1)
    return (x * y).sum(1) / jnp.maximum(length, 1e-12)
