"""Probes of curvature: how much the axes of a space interact in a generator's output."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.core.generator import known

MODES = ("exact", "fd")
REDUCE = {"mean": jnp.mean, "max": jnp.max, "sum": jnp.sum}


def curvature(fn: Callable, z: Float[Array, "n d"], v: Float[Array, "n d"], mode: str = "exact", eps: float = 0.1):
    """Return the second derivative of `fn` at z along v, v^T H v for every output.

        exact: d2/dt2 fn(z + t v)        fd: (fn(z + eps v) - 2 fn(z) + fn(z - eps v)) / eps^2

    The second is the curvature of `fn` smoothed along v by a triangle of half-width eps: it sees the kinks of
    (leaky) ReLU networks, which the first does not.
    """
    if mode == "exact":
        slope = lambda x: jax.jvp(fn, (x,), (v,))[1]
        return jax.jvp(slope, (z,), (v,))[1]
    # Second differences cancel most digits: nothing below float32 will do.
    z, v = z.astype(jnp.float32), v.astype(jnp.float32)
    return jax.tree.map(lambda a, b, c: (a - 2 * b + c) / eps**2, fn(z + eps * v), fn(z), fn(z - eps * v))


def hessian_penalty(
    fn: Callable,
    z: Float[Array, "*n d"],
    key,
    probes: int = 2,
    mode: str = "exact",
    eps: float = 0.1,
    *,
    reduce: str = "mean",
) -> Float[Array, "*n"]:
    """Measure how far the Hessian of a function is from diagonal, without forming it.

        E = 2 sum_{i != j} H_ij^2 = Var_v[v^T H v],   v Rademacher, estimated by the unbiased variance over probes

    Args:
        fn: Codes [N, D] to outputs [N, ...] (or a pytree of such, whose penalties add up), one member at a time.
        z: Where to probe, [N, D]; or [D] for a function of one code, then the result is a scalar.
        key: Random key of the probes; each code has its own.
        probes: How many, at least 2.
        mode: "exact" (nested jvp) or "fd" (the published central difference). On piecewise linear networks the exact
            penalty is 0 wherever it exists: use "fd" there.
        eps: Step of the finite difference.
        reduce: How the outputs of a code become one number: "mean", "max" or "sum".

    Returns:
        The penalty of each code, [N].

    Source: Peebles et al., "The Hessian Penalty" (2020), eq. 4 to 6 and algorithm 1. Different: the mean over outputs
    by default (there: max in the portable code, mean for direction discovery), and the exact mode.
    """
    known(mode, MODES, "mode")
    known(reduce, tuple(REDUCE), "reduction")
    if probes < 2:
        raise ValueError(f"A variance needs at least 2 probes, got {probes}.")
    z = jnp.asarray(z)
    if z.ndim == 1:
        single = lambda x: jax.tree.map(lambda y: y[None], fn(x[0]))
        return hessian_penalty(single, z[None], key, probes, mode, eps, reduce=reduce)[0]
    v = jax.random.rademacher(key, (probes, *z.shape), z.dtype)
    second = jax.vmap(lambda v: curvature(fn, z, v, mode, eps))(v)
    spread = lambda x: jax.vmap(REDUCE[reduce])(
        jnp.var(x.astype(jnp.float32), axis=0, ddof=1)
    )  # [probes, N, ...] to [N]
    return jnp.stack([spread(x) for x in jax.tree.leaves(second)]).sum(0)
