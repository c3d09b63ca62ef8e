"""Gradient penalties."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def r1(score: Callable, images: Float[Array, "n h w c"]) -> Float[Array, " n"]:
    """Return the squared gradient norm of a discriminator at given images.

        r1_n = || d sum(score(images)) / d images_n ||^2

    Args:
        score: images -> logits; put augmentations inside, so that the gradient is that of the images before them.
        images: Where to differentiate.

    Source: Mescheder et al. (2018), equation 9. The weight gamma / 2 and the mean over the batch are the caller's.
    """
    gradient = jax.grad(lambda x: score(x).sum())(images)
    return jnp.sum(jnp.square(gradient), axis=(1, 2, 3))


def path_lengths(draw: Callable, ws: Float[Array, "n l d"], noise: Float[Array, "n h w c"]) -> Float[Array, " n"]:
    """Return the length of the generator's Jacobian in a random image direction.

        J_n = d sum(draw(ws) noise / sqrt(H W)) / d ws_n,     length_n = sqrt(mean_l sum_d J_nld^2)

    Args:
        draw: w+ codes [N, L, D] -> images [N, H, W, C].
        ws: Codes.
        noise: Standard normal images [N, H, W, C].

    Source: StyleGAN2, equation 4; the mean over layers is that of the published code.
    """
    noise = noise / jnp.sqrt(noise.shape[1] * noise.shape[2])
    gradient = jax.grad(lambda w: jnp.sum(draw(w) * noise))(ws)
    return jnp.sqrt(jnp.mean(jnp.sum(jnp.square(gradient), axis=2), axis=1))
