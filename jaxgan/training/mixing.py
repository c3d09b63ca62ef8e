"""Style mixing: codes of which some layers follow one latent, the rest another; and the running mean of w."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxgan.core import Code, Generator


def mixed_styles(g: Generator, n: int, cond, key, mixing: float, w_mean_decay: float) -> tuple:
    """Draw n codes in w+ as a training step does.

        w+_l = w_1 for l < cut, else w_2         cut ~ U{1 .. L-1} with probability `mixing`, else L, one for the batch

    Args:
        g: A generator with the spaces z, w and w+ and the mean of w in its buffers.
        n: Codes.
        cond: Conditions [n, c] or None.
        key: Random key.
        mixing: Probability of a second latent.
        w_mean_decay: Decay of the running mean of w.

    Returns:
        w+ codes [n, L, D], and the generator's buffers with the mean of w moved.

    Source: StyleGAN, sections 3.1 and appendix B.
    """
    rows, w_dim = g.arch.shape("w+")
    keys = jax.random.split(key, 3)
    z = jax.random.normal(keys[0], (2, n, *g.arch.shape("z")))
    w = g.to(Code(z[0], "z", cond), "w").value
    ws = jnp.broadcast_to(w[:, None], (n, rows, w_dim))
    if mixing:
        other = g.to(Code(z[1], "z", cond), "w").value
        cut = jax.random.randint(keys[1], (), 1, rows)
        cut = jnp.where(jax.random.uniform(keys[2]) < mixing, cut, rows)
        ws = jnp.where(jnp.arange(rows)[None, :, None] < cut, ws, other[:, None])
    mean = g.buffers["spread"]["w_mean"]
    mean = mean + (1 - w_mean_decay) * (jax.lax.stop_gradient(w).mean(0) - mean)
    return ws, {**g.buffers, "spread": {"w_mean": mean}}
