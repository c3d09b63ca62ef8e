"""Mapping network: from z and a class to w."""

from __future__ import annotations

import flax.linen as nn
import jax.numpy as jnp

from jaxgan.core.generator import Context
from jaxgan.nn.equalized import Dense
from jaxgan.ops.normalize import normalise_2nd_moment


class Mapping(nn.Module):
    """MLP from z [N, z_dim] and a condition [N, c] to w [N, w_dim].

        x = concat(normalise(z), normalise(embed(c)))        fc0 ... fc{layers-1}, activated, lr_mul

    With `z_dim = 0` it maps the condition alone (the discriminator's).
    """

    z_dim: int
    w_dim: int
    classes: int = 0
    layers: int = 8
    embed: int | None = None
    hidden: int | None = None
    activation: str = "lrelu"
    lr_mul: float = 0.01

    @nn.compact
    def __call__(self, z, context: Context):
        parts = [normalise_2nd_moment(z.astype(jnp.float32))] if self.z_dim else []
        if self.classes:
            features = self.w_dim if self.embed is None else self.embed
            parts.append(normalise_2nd_moment(Dense(features, name="embed")(context.cond.astype(jnp.float32))))
        x = jnp.concatenate(parts, axis=-1)
        for i in range(self.layers):
            last = i == self.layers - 1
            features = self.w_dim if last or self.hidden is None else self.hidden
            x = Dense(features, self.activation, self.lr_mul, name=f"fc{i}")(x)
        return x


class Spread(nn.Module):
    """Broadcast w [N, D] to w+ [N, L, D], truncating towards the mean of w in the first `cutoff` layers.

    w+_l = w_mean + psi (w - w_mean)   for l < cutoff,    w otherwise
    """

    layers: int
    w_dim: int

    @nn.compact
    def __call__(self, w, context: Context):
        w_mean = self.variable("buffers", "w_mean", jnp.zeros, (self.w_dim,)).value
        wp = jnp.broadcast_to(w[:, None, :], (w.shape[0], self.layers, w.shape[-1]))
        if context.psi is None:
            return wp
        truncated = w_mean + context.psi * (wp - w_mean)
        if context.cutoff is None:
            return truncated
        rows = jnp.arange(self.layers)[None, :, None] < context.cutoff
        return jnp.where(rows, truncated, wp)
