"""What single coordinates of the codes do: how much each changes the images, and whether it acts by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxgan.core.generator import known
from jaxgan.losses.disentangle import MODES


def activeness(
    fn: Callable, z: Float[Array, "n d"], extent: float = 2.0, *, batch: int = 32
) -> Float[np.ndarray, " d"]:
    """Return how much the outputs change as each coordinate alone goes through three values.

        a_i = mean over codes and outputs of  Var_t[fn(z with z_i = t)],   t in {-extent, 0, extent}, unbiased

    Args:
        fn: Codes [N, D] to outputs [N, ...], one member at a time, such as `lambda z: g(Code(z, "z"))`.
        z: Codes; 300 are usual.
        extent: The outer values.
        batch: Codes at a time.

    Returns:
        [D]; a coordinate with nearly 0 is not used.

    Source: Peebles et al., "The Hessian Penalty" (2020), section 5.2, and the published code.
    """
    z = jnp.asarray(z, jnp.float32)

    @jax.jit
    def one(z, i):
        moved = jnp.stack([z.at[:, i].set(t) for t in (-extent, 0.0, extent)])
        outputs = jax.vmap(fn)(moved)
        return jnp.var(outputs, axis=0, ddof=1).reshape(len(z), -1).mean(1)

    parts = [[one(rows, jnp.int32(i)) for i in range(z.shape[1])] for rows in chunks(z, batch)]
    return np.concatenate([np.asarray(p, np.float64) for p in parts], axis=1).mean(1)


class Diagonality(NamedTuple):
    """How diagonal the Hessians of the single outputs are.

    Args:
        share: Share of outputs whose Hessian has its largest entry, by size, on the diagonal.
        ratio: Mean over outputs of (mean size on the diagonal) / (mean size off it).
    """

    share: float
    ratio: float


def diagonality(
    fn: Callable, z: Float[Array, "n d"], mode: str = "fd", eps: float = 0.1, *, batch: int = 8
) -> Diagonality:
    """Return how diagonal the Hessian of each output is, by forming it.

        fd: H_ij = (f(z + e_i + e_j) - f(z + e_i - e_j) - f(z - e_i + e_j) + f(z - e_i - e_j)) / (4 eps^2),
            e_i of length eps

    Args:
        fn: Codes [N, D] to outputs [N, ...], one member at a time.
        z: Codes.
        mode: "fd", as published, or "exact", which does not see kinks.
        eps: Step of the finite difference.
        batch: Codes at a time; the Hessians of so many are held at once.

    Source: Peebles et al., "The Hessian Penalty" (2020), table 2, and the published code.
    """
    known(mode, MODES, "mode")
    z = jnp.asarray(z, jnp.float32)
    if z.shape[1] < 2:
        raise ValueError("A Hessian of one coordinate has nothing off its diagonal; give codes of at least 2.")

    @jax.jit
    def entry(z, i, j):
        a, b = (jnp.broadcast_to(jax.nn.one_hot(k, z.shape[1]), z.shape) for k in (i, j))
        if mode == "exact":
            slope = lambda x: jax.jvp(fn, (x,), (a,))[1]
            return jax.jvp(slope, (z,), (b,))[1]
        f = jax.vmap(fn)(jnp.stack([z + eps * (s * a + t * b) for s in (1, -1) for t in (1, -1)]))
        return (f[0] - f[1] - f[2] + f[3]) / (4 * eps**2)

    on_diagonal, ratios = [], []
    for rows in chunks(z, batch):
        sizes = np.zeros((z.shape[1], z.shape[1], int(np.prod(jax.eval_shape(fn, rows).shape))), np.float32)
        for i in range(z.shape[1]):
            for j in range(i + 1):
                sizes[i, j] = sizes[j, i] = np.abs(np.asarray(entry(rows, jnp.int32(i), jnp.int32(j)))).ravel()
        diagonal = np.einsum("iin->in", sizes)
        largest = sizes.max((0, 1))
        off = (sizes.sum((0, 1)) - diagonal.sum(0)) / (z.shape[1] * (z.shape[1] - 1))
        on_diagonal.append(diagonal.max(0) == largest)
        ratios.append(diagonal.mean(0) / (off + 1e-8))
    return Diagonality(float(np.concatenate(on_diagonal).mean()), float(np.concatenate(ratios).mean()))


def chunks(z: Float[Array, "n d"], batch: int):
    """Cut codes into parts of so many, the last one perhaps smaller."""
    return [z[start : start + batch] for start in range(0, len(z), batch)]
