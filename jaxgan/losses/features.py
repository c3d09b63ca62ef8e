"""The objective of feature maps: any network that looks at images can judge how alike they are."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatch
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.core.network import Network
from jaxgan.core.objective import Objective, term
from jaxgan.features.lpips import unit

BRIEFLY = 12  # names that a message lists


def features(network: Network, layers: Iterable[str] | None = None, *, cond: Any = None) -> Objective:
    """Compare images by what a network sees in them; named "features".

        1/L sum_l mean_hw |u_l(x) - u_l(y)|^2,   u = F_l / |F_l| at each pixel

    A generator's own discriminator is always at hand and knows the domain: where no weights of LPIPS are, its maps
    stand in for them. A segmenter compares where things are, a classifier's layers what they are.

    Args:
        network: Images to anything. Its outputs are taken if they are maps [N, H, W, C], else the maps of its layers.
        layers: Names of layers whose outputs are taken, by pattern: "b32" or "b*/conv1"; when None the output, or
            else all direct parts of the network that give maps. Maps behind a minibatch statistic would couple the
            images.
        cond: Condition [c] for a conditional network.

    Raises:
        ValueError: When called: no layer of that name gives a map.

    Source: the normalisation is that of Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual
    Metric" (2018), without learned weights; discriminator features as a reconstruction loss: Larsen et al.,
    "Autoencoding beyond Pixels using a Learned Similarity Metric" (2016), there of one layer, not normalised.
    """
    compare, prepare = _features(None if layers is None else tuple(layers))
    return term("features", compare, network, None if cond is None else jnp.asarray(cond), prepare=prepare)


@cache  # one function for each choice of layers: a new one would compile anew
def _features(layers: tuple[str, ...] | None):
    def prepare(network, cond, target):
        return maps(network, target, layers, cond)

    def compare(network, cond, images, target, code, generator, prepared) -> Float[Array, " n"]:
        seen = maps(network, images, layers, cond)
        return jnp.stack([jnp.square(a - b).sum((1, 2, 3)) for a, b in zip(seen, prepared, strict=True)]).mean(0)

    return compare, prepare


def maps(network: Network, images, layers: tuple[str, ...] | None = None, cond=None) -> tuple[Any, ...]:
    """Return a network's maps of images, each pixel of length one, divided by the root of their number."""
    more = () if cond is None else (jnp.broadcast_to(cond, (len(images), *cond.shape[-1:])),)
    found = [x for x in jax.tree.leaves(network(images, *more)) if jnp.ndim(x) == 4] if layers is None else []
    if not found:
        seen = inside(network, (images, *more))
        wanted = lambda name: "/" not in name if layers is None else any(fnmatch(name, p) for p in layers)
        found = [x for name, x in seen.items() if wanted(name)]
        if not found:
            names = ", ".join(list(seen)[:BRIEFLY]) or "none"
            raise ValueError(
                f"No layer {layers or ''} of {network.name or 'the network'} gives a map; there are {names}."
            )
    size = lambda x: x.shape[1] * x.shape[2]
    return tuple(unit(x.astype(jnp.float32)) / jnp.sqrt(size(x)) for x in found)


@jax.jit
def inside(network: Network, args: tuple) -> dict[str, Any]:
    """Return the maps [N, H, W, C] that a network's parts give, by path such as "b32/conv1"."""
    variables = {"params": network.params, "buffers": network.buffers}
    named = lambda module, method: method == "__call__"
    _, state = network.module.apply(variables, *args, capture_intermediates=named, mutable=["intermediates"])
    found = {}

    def walk(tree, path: tuple[str, ...]) -> None:
        for name, value in tree.items():
            if name != "__call__":
                walk(value, (*path, name))
            elif path:
                first = [x for x in jax.tree.leaves(value) if jnp.ndim(x) == 4][:1]
                found.update({"/".join(path): x for x in first})

    walk(state["intermediates"], ())
    return found
