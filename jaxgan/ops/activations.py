"""Activations with the gain that keeps the signal's magnitude."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

ROOT2 = math.sqrt(2.0)

# Name -> (function, default gain). Source: StyleGAN2, `bias_act`.
ACTIVATIONS = {
    "linear": (lambda x: x, 1.0),
    "relu": (lambda x: jnp.maximum(x, 0), ROOT2),
    "lrelu": (lambda x: jnp.where(x >= 0, x, 0.2 * x), ROOT2),
    "leaky": (lambda x: jnp.where(x >= 0, x, 0.2 * x), 1.0),  # lrelu where the weights carry the gain (PGGAN)
    "tanh": (jnp.tanh, 1.0),
    "sigmoid": (jax.nn.sigmoid, 1.0),
    "elu": (jax.nn.elu, 1.0),
    "selu": (jax.nn.selu, 1.0),
    "softplus": (jax.nn.softplus, 1.0),
    "swish": (lambda x: x * jax.nn.sigmoid(x), ROOT2),
}


def bias_act(x, bias=None, activation: str = "linear", gain: float = 1.0, clamp: float | None = None):
    """Add a bias over the last axis, activate, scale and clamp.

    y = clip(act(x + bias) * default_gain * gain, -clamp * gain, clamp * gain)
    """
    function, default = ACTIVATIONS[activation]
    if bias is not None:
        x = x + bias.astype(x.dtype)
    x = function(x)
    if default * gain != 1.0:
        x = x * (default * gain)
    return x if clamp is None else jnp.clip(x, -clamp * gain, clamp * gain)
