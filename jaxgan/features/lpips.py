"""LPIPS: the learned perceptual distance between images, as features whose squared differences add up to it."""

from collections.abc import Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from jaxgan.core.network import Network
from jaxgan.features.trunks import TRUNKS, trunk_params


class LPIPS(nn.Module):
    """Maps of a trunk, each pixel on the unit sphere, scaled so that squared differences sum to the distance.

        f_l = sqrt(lin_l / (H_l W_l)) * y_l / (|y_l| + 1e-10)

    Args:
        trunk: Module that returns a tuple of feature maps and knows their `channels`.
    """

    trunk: nn.Module

    def setup(self):
        widths = self.trunk.channels
        self.heads = [self.param(f"lin{i}", nn.initializers.ones, (c,)) for i, c in enumerate(widths)]

    def __call__(self, images: Float[Array, "n h w 3"]) -> tuple[Float[Array, "n hl wl c"], ...]:
        maps = self.trunk(images)
        return tuple(
            unit(y) * jnp.sqrt(head / (y.shape[1] * y.shape[2])) for y, head in zip(maps, self.heads, strict=True)
        )


def unit(y: Float[Array, "n h w c"]) -> Float[Array, "n h w c"]:
    """Scale every pixel's features to length one; pixels without any feature stay zero, with gradient zero."""
    square = (y * y).sum(-1, keepdims=True)
    alive = square > 0
    length = jnp.sqrt(jnp.where(alive, square, 1.0))
    return jnp.where(alive, y / (length + 1e-10), 0.0)


def lpips(
    trunk: str, weights: Mapping[str, ArrayLike], heads: Mapping[str, ArrayLike], *, caffe: bool = False
) -> Network:
    """Put together LPIPS from the weights of a trunk and of its linear heads.

    Args:
        trunk: "vgg", "alex" or "squeeze".
        weights: Arrays of the trunk by torchvision's names.
        heads: Weights by the authors' names `lin0.model.1.weight`, ..., or `lin0`, ...; of any shape with one number
            per channel.
        caffe: For "squeeze": the weights are those of the Caffe model.

    Returns:
        Network from images [N, H, W, 3] in [-1, 1] to a tuple of feature maps; see `distance`, `terms`, `flat`.

    Raises:
        ValueError: If the trunk is unknown, an array is absent, of another shape, or a head has negative weights.

    Source: Zhang et al. 2018, version 0.1. Pixels with zero features have gradient zero here (there: undefined).
    """
    if trunk not in TRUNKS:
        raise ValueError(f"There is no trunk {trunk!r}; allowed: {', '.join(map(repr, TRUNKS))}.")
    if caffe and trunk != "squeeze":
        raise ValueError(f"caffe=True goes with trunk 'squeeze', got {trunk!r}.")
    module = LPIPS(TRUNKS[trunk](caffe=True) if caffe else TRUNKS[trunk]())
    params: dict = {"trunk": trunk_params(module.trunk, weights)}
    for i, width in enumerate(module.trunk.channels):
        found = [k for k in (f"lin{i}.model.1.weight", f"lin{i}") if k in heads]
        if not found:
            raise ValueError(f"LPIPS heads lack 'lin{i}.model.1.weight'; got {', '.join(sorted(heads)) or 'nothing'}.")
        head = np.asarray(heads[found[0]], np.float32).reshape(-1)
        if head.shape != (width,):
            raise ValueError(f"Head {found[0]!r} has {head.size} weights, {trunk} has {width} channels there.")
        if head.min() < 0:
            raise ValueError(f"Head {found[0]!r} has negative weights ({head.min():.3g}); LPIPS heads are >= 0.")
        params[f"lin{i}"] = jnp.asarray(head)
    return Network(params, {}, module, "features.lpips", (("caffe", caffe), ("trunk", trunk)))


def checked(network: Network, images: Float[Array, "n h w 3"]) -> Float[Array, "n h w 3"]:
    """Raise ValueError unless the images are large enough and coloured; grey ones are repeated to three channels."""
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(f"Images have shape {images.shape}; LPIPS takes [N, H, W, 3] or [N, H, W, 1].")
    smallest = network.module.trunk.smallest
    if min(images.shape[1:3]) < smallest:
        raise ValueError(
            f"Images are {images.shape[1]}x{images.shape[2]}, {type(network.module.trunk).__name__} needs "
            f"{smallest} pixels a side. Enlarge them or use losses.perceptual()."
        )
    return jnp.broadcast_to(images, (*images.shape[:3], 3))


@jax.jit
def embed(network: Network, images: Float[Array, "n h w c"]) -> tuple[Float[Array, "n hl wl c"], ...]:
    """Return the feature maps of images; grey images count as coloured ones with equal channels."""
    return network(checked(network, images))


def between(
    a: tuple[Float[Array, "n hl wl c"], ...], b: tuple[Float[Array, "n hl wl c"], ...]
) -> tuple[Float[Array, " n"], ...]:
    """Return the squared differences of two stacks of feature maps, one [N] for each layer."""
    return tuple(((x - y) ** 2).sum((1, 2, 3)) for x, y in zip(a, b, strict=True))


@jax.jit
def terms(network: Network, a: Float[Array, "n h w c"], b: Float[Array, "n h w c"]) -> dict[str, Float[Array, " n"]]:
    """Return what each layer contributes to the distance, {"layer0": [N], ...}."""
    layers = between(embed(network, a), embed(network, b))
    return {f"layer{i}": value for i, value in enumerate(layers)}


@jax.jit
def distance(network: Network, a: Float[Array, "n h w c"], b: Float[Array, "n h w c"]) -> Float[Array, " n"]:
    """Return the LPIPS distance of each pair of images.

        d = sum_l mean_hw sum_c lin_lc (u_lhwc(a) - u_lhwc(b))^2,   u = y / (|y| + 1e-10)

    Args:
        network: What `lpips` made.
        a: Images [N, H, W, 3] in [-1, 1].
        b: Images [N, H, W, 3] in [-1, 1].

    Returns:
        Distances [N].
    """
    return jnp.stack(between(embed(network, a), embed(network, b))).sum(0)


@jax.jit
def flat(network: Network, images: Float[Array, "n h w c"]) -> Float[Array, "n f"]:
    """Return each image's features as one vector: LPIPS is the squared distance of two such vectors.

    It is the residual that least-squares solvers (Levenberg-Marquardt) ask for.
    """
    return jnp.concatenate([y.reshape(y.shape[0], -1) for y in embed(network, images)], axis=1)
