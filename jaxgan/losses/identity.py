"""The objective of embeddings: are the images of the same person, or of the same thing?"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxgan.core.network import Network
from jaxgan.core.objective import Objective, term


def identity(embed: Network) -> Objective:
    """Compare embeddings: 1 - cos(e(x), e(y)) of each image; named "identity".

    Args:
        embed: Images [N, H, W, C] in [-1, 1] to vectors [N, D] of any length, such as that of `io.load_arcface` for
            faces, of `io.load_moco` for anything else, or a classifier of your own. It sees to its own size and crop.

    The target's embedding is computed once; no gradient goes to it.

    Source: Richardson et al., "Encoding in Style" (2021), equation 3; Tov et al. (2021), section 4.3, for MoCo.
    """
    return term("identity", _compare, embed, prepare=_prepare)


def _compare(embed, images, target, code, generator, prepared):
    return 1 - jnp.sum(_unit(embed(images)) * prepared, axis=1)


def _prepare(embed, target):
    return jax.lax.stop_gradient(_unit(embed(target)))


def _unit(vectors):
    return vectors * jax.lax.rsqrt(jnp.maximum(jnp.square(vectors).sum(1, keepdims=True), 1e-12))
