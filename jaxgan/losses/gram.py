"""Texture: feature maps compared by which features come together, wherever they are."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.core.network import Network
from jaxgan.core.objective import Objective, term


def gram(network: Network) -> Objective:
    """Compare textures: the Gram matrices of feature maps; named "gram".

        sum_l mean_ij (A_l - B_l)_ij^2,   A_l = F_l^T F_l / (H_l W_l),   F_l [H_l W_l, C_l] the map of layer l

    Local style transfer is `observed(gram(network), hole(mask))`.

    Args:
        network: Images to a tuple of maps [N, H, W, C]: a trunk of `features.trunks`, or LPIPS, whose trunk is taken.

    Source: Gatys et al., "Image Style Transfer Using Convolutional Neural Networks" (2016), eq. 3 and 4, with means for
    sums; Abdal et al., "Image2StyleGAN++" (2020), eq. 3, with one layer, conv3_3 of VGG16.
    """
    return term("gram", _compare, trunk(network), prepare=_prepare)


def trunk(network: Network) -> Network:
    """Return the trunk of an LPIPS network, whose own maps have length one everywhere; another network as it is."""
    inner = getattr(network.module, "trunk", None)
    return network if inner is None else Network(network.params["trunk"], {}, inner)


def matrices(maps: tuple[Float[Array, "n h w c"], ...]) -> tuple[Float[Array, "n c c"], ...]:
    """Return the Gram matrix of each map."""
    product = lambda y: jnp.einsum("nhwc,nhwd->ncd", y, y, precision=jax.lax.Precision.HIGHEST)
    return tuple(product(y) / (y.shape[1] * y.shape[2]) for y in maps)


def _prepare(network, target):
    return matrices(network(target))


def _compare(network, images, target, code, generator, prepared) -> Float[Array, " n"]:
    costs = [jnp.square(a - b).mean((1, 2)) for a, b in zip(matrices(network(images)), prepared, strict=True)]
    return jnp.stack(costs).sum(0)
