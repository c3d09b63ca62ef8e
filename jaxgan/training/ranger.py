"""Ranger: rectified Adam on centred gradients, with a slow copy of the weights that looks ahead."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax


def ranger(lr: float, b1: float = 0.95, b2: float = 0.999, eps: float = 1e-5, every: int = 6, share: float = 0.5):
    """Return the optimizer that pSp, e4e and ReStyle are trained with.

    Args:
        lr, b1, b2, eps: As of Adam.
        every: Steps between two looks ahead.
        share: How far the slow weights follow.

    Source: Wright, "Ranger" (2019), as published with pSp: Liu et al. (2020) for rectified Adam, Yong et al. (2020)
    for centred gradients, Zhang et al. (2019) for lookahead.
    """
    return lookahead(optax.chain(centred(), optax.radam(lr, b1, b2, eps)), every, share)


def centred() -> optax.GradientTransformation:
    """Take from the gradient of each output's weights their mean; the last axis is that of the outputs.

    Source: Yong et al., "Gradient Centralization" (2020), equation 1.
    """

    def centre(gradient):
        if gradient.ndim < 2:
            return gradient
        return gradient - gradient.mean(tuple(range(gradient.ndim - 1)), keepdims=True)

    return optax.stateless(lambda gradients, params: jax.tree.map(centre, gradients))


class Slow(NamedTuple):
    """State of `lookahead`: steps done, the slow weights, the inner state."""

    count: Any
    weights: Any
    inner: Any


def lookahead(inner: optax.GradientTransformation, every: int = 6, share: float = 0.5) -> optax.GradientTransformation:
    """Let slow weights follow those of an optimizer every so many steps, and put these back there.

        every k-th step:   slow <- slow + share (weights - slow),   weights <- slow

    Unlike optax's own it leaves the parameters one tree, so that it can be any player's.

    Source: Zhang et al., "Lookahead Optimizer" (2019), algorithm 1.
    """

    def init(params):
        # A copy: donated buffers must not be shared.
        return Slow(jnp.int32(0), jax.tree.map(jnp.copy, params), inner.init(params))

    def update(updates, state, params=None):
        if params is None:
            raise ValueError("lookahead needs the parameters: update(updates, state, params).")
        steps, held = inner.update(updates, state.inner, params)
        count = state.count + 1
        now = count % every == 0
        slow = jax.tree.map(lambda s, p, u: jnp.where(now, s + share * (p + u - s), s), state.weights, params, steps)
        steps = jax.tree.map(lambda s, p, u: jnp.where(now, s - p, u), slow, params, steps)
        return steps, Slow(count, slow, held)

    return optax.GradientTransformation(init, update)
