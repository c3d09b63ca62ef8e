"""Self-attention over the positions of a feature map."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan.nn.spectral import Conv


class Attention(nn.Module):
    """Let every position read from all others, starting as the identity.

        y = x + gamma o(softmax(theta(x) phi(x)^T) g(x)),   gamma = 0 at first

    theta, phi (C/8 channels), g (C/2) and o are 1x1 convolutions without bias; phi and g are reduced to half the
    resolution by the maximum over 2x2 cells. There is no division by the square root of the width.

    Source: Zhang et al., "Self-Attention Generative Adversarial Networks" (2019), in the form of BigGAN.
    """

    normalise: bool = True
    stored: bool = False
    eps: float = 1e-6
    initial: str = "ortho"

    @nn.compact
    def __call__(self, x, train: bool = False):
        n, h, w, c = x.shape
        how = (1, False, self.normalise, self.stored, self.eps, self.initial)
        theta = Conv(c // 8, *how, name="theta")(x, train).reshape(n, h * w, -1)
        phi = largest(Conv(c // 8, *how, name="phi")(x, train)).reshape(n, h * w // 4, -1)
        g = largest(Conv(c // 2, *how, name="g")(x, train)).reshape(n, h * w // 4, -1)
        weights = jax.nn.softmax(jnp.einsum("nqc,nkc->nqk", theta, phi), axis=-1)  # [N, H W, H W / 4]
        read = jnp.einsum("nqk,nkc->nqc", weights, g).reshape(n, h, w, -1)
        gamma = self.param("gamma", nn.initializers.zeros, ())
        return x + gamma.astype(x.dtype) * Conv(c, *how, name="o")(read, train)


def largest(x):
    """Return the maximum of each 2x2 cell; a slice and a maximum have far cheaper gradients than a window."""
    rows = jnp.maximum(x[:, ::2], x[:, 1::2])
    return jnp.maximum(rows[:, :, ::2], rows[:, :, 1::2])
