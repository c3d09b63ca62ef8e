"""Transformers: residual blocks of attention and of a two-layer perceptron, normalised on their way in."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.nn.plain import Dense
from jaxgan.ops.resample import HIGHEST

GELUS = {
    "quick": lambda x: x * jax.nn.sigmoid(1.702 * x),
    "exact": lambda x: jax.nn.gelu(x, approximate=False),
}


class LayerNorm(nn.Module):
    """Normalise over channels, y = (x - mean) / sqrt(var + 1e-5) * weight + bias.

    Source: Ba et al., "Layer Normalization" (2016).
    """

    @nn.compact
    def __call__(self, x: Float[Array, "*b c"]) -> Float[Array, "*b c"]:
        weight = self.param("weight", nn.initializers.ones, (x.shape[-1],))
        bias = self.param("bias", nn.initializers.zeros, (x.shape[-1],))
        x = x - x.mean(-1, keepdims=True)
        return x * jax.lax.rsqrt(jnp.square(x).mean(-1, keepdims=True) + 1e-5) * weight + bias


class MultiHead(nn.Module):
    """Let each query read the values of all places, as many times as there are heads.

        y = o(concat_h softmax(q_h k_h^T / sqrt(d)) v_h),   d = width / heads

    Args:
        heads: How many.
        features: Width of y; that of x when None.

    Source: Vaswani et al., "Attention Is All You Need" (2017), section 3.2.2.
    """

    heads: int
    features: int | None = None

    @nn.compact
    def __call__(
        self, x: Float[Array, "n q c"], places: Float[Array, "n k c"] | None = None, causal: bool = False
    ) -> Float[Array, "n q e"]:
        """Args: x: What asks. places: What is read; x when None. causal: No place reads those behind it."""
        width, read = x.shape[-1], x if places is None else places
        split = lambda y: y.reshape(*y.shape[:2], self.heads, -1)
        q, k, v = (split(Dense(width, name=name)(y)) for name, y in (("q", x), ("k", read), ("v", read)))
        logits = jnp.einsum("nqhd,nkhd->nhqk", q, k, precision=HIGHEST) * (width // self.heads) ** -0.5
        if causal:
            seen = jnp.tril(jnp.ones(logits.shape[-2:], bool))
            logits = jnp.where(seen, logits, -jnp.inf)
        y = jnp.einsum("nhqk,nkhd->nqhd", jax.nn.softmax(logits, axis=-1), v, precision=HIGHEST)
        return Dense(self.features or width, name="out")(y.reshape(*x.shape[:2], width))


class Block(nn.Module):
    """x + attention(norm(x)), then x + perceptron(norm(x)) of four times the width.

    Args:
        heads: Of the attention.
        activation: "quick", x sigmoid(1.702 x), or "exact" GELU.
    """

    heads: int
    activation: str = "quick"

    @nn.compact
    def __call__(self, x: Float[Array, "n l c"], causal: bool = False) -> Float[Array, "n l c"]:
        x = x + MultiHead(self.heads, name="attention")(LayerNorm(name="norm1")(x), causal=causal)
        y = GELUS[self.activation](Dense(4 * x.shape[-1], name="fc1")(LayerNorm(name="norm2")(x)))
        return x + Dense(x.shape[-1], name="fc2")(y)
