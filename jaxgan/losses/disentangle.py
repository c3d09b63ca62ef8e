"""How much the axes of a space interact in a generator's output, measured by random probes of its derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
    return jax.tree.map(lambda y: y[0], curvatures(fn, z, v[None], mode, eps))


def curvatures(fn: Callable, z: Float[Array, "n d"], v: Float[Array, "k n d"], mode: str, eps: float, chunk=None):
    """Return the curvatures along K probes, each output with a leading axis [K]; `chunk` probes at a time."""
    if mode == "exact":

        def second(v):
            slope = lambda x: jax.jvp(fn, (x,), (v,))[1]
            return jax.jvp(slope, (z,), (v,))[1]

        return each(second, v, chunk)
    # Second differences cancel most digits: nothing below float32 will do.
    z, step = z.astype(jnp.float32), eps * v.astype(jnp.float32)
    points = jnp.concatenate([z[None], z + step, z - step])  # the middle is common to all probes
    k = len(v)
    return jax.tree.map(lambda y: (y[1 : k + 1] - 2 * y[:1] + y[k + 1 :]) / eps**2, each(wide(fn), points, chunk))


def slopes(fn: Callable, z: Float[Array, "n d"], v: Float[Array, "k n d"], mode: str, eps: float, chunk=None):
    """Return the first derivatives J v along K probes, each output with a leading axis [K]; `chunk` at a time."""
    if mode == "exact":
        return each(lambda v: jax.jvp(fn, (z,), (v,))[1], v, chunk)
    z = z.astype(jnp.float32)
    points = jnp.concatenate([z[None], z + eps * v.astype(jnp.float32)])
    return jax.tree.map(lambda y: (y[1:] - y[:1]) / eps, each(wide(fn), points, chunk))


def each(fn: Callable, rows, chunk: int | None):
    """Map over the leading axis, all at once or so many at a time."""
    return jax.vmap(fn)(rows) if chunk is None else jax.lax.map(fn, rows, batch_size=chunk)


def wide(fn: Callable) -> Callable:
    """Return a function whose outputs are float32."""
    return lambda z: jax.tree.map(lambda y: y.astype(jnp.float32), fn(z))


def hessian_penalty(
    fn: Callable,
    z: Float[Array, "*n d"],
    key,
    probes: int = 2,
    mode: str = "exact",
    eps: float = 0.1,
    *,
    reduce: str = "mean",
    separate: bool = False,
    chunk: int | None = None,
) -> Any:
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
        separate: Return the penalties of a pytree's outputs apart, as such a pytree.
        chunk: Probes at a time, for many probes of a large network; all at once if None.

    Returns:
        The penalty of each code, [N].

    Source: Peebles et al., "The Hessian Penalty" (2020), eq. 4 to 6 and algorithm 1. Different: the mean over outputs
    by default (there: max in the portable code, mean for direction discovery), and the exact mode.
    """
    known(reduce, tuple(REDUCE), "reduction")
    spread = lambda y: jax.vmap(REDUCE[reduce])(variance(y))  # [K, N, ...] to [N]
    return probed(curvatures, spread, fn, z, key, probes, mode, eps, separate, chunk)


def orojar(
    fn: Callable,
    z: Float[Array, "*n d"],
    key,
    probes: int = 2,
    mode: str = "exact",
    eps: float = 0.1,
    *,
    separate: bool = False,
    chunk: int | None = None,
) -> Any:
    """Measure how far the columns of a function's Jacobian are from orthogonal, by one jvp a probe.

        E = 2 sum_{i != j} (J^T J)_ij^2 = Var_v[|J v|^2],   v Rademacher, by the unbiased variance over probes

    Kinks do it no harm: first derivatives exist beside them. |J v|^2 is a sum over all numbers of an output, so that
    the penalty grows with the square of their count.

    Args:
        fn, z, key, probes, separate, chunk: As for `hessian_penalty`.
        mode: "exact" (jvp) or "fd" (the published forward difference).
        eps: Step of the finite difference.

    Returns:
        The penalty of each code, [N].

    Source: Wei et al., "Orthogonal Jacobian Regularization for Unsupervised Disentanglement in Image Generation"
    (2021), equation 3. Different: the exact mode, and its being the default.
    """
    length = lambda y: jnp.square(y.astype(jnp.float32)).reshape(*y.shape[:2], -1).sum(2)  # [K, N]
    spread = lambda y: variance(length(y))
    return probed(slopes, spread, fn, z, key, probes, mode, eps, separate, chunk)


def variance(y):
    """Unbiased variance over probes, in float32: [K, ...] to [...]."""
    return jnp.var(y.astype(jnp.float32), axis=0, ddof=1)


def probed(derivatives, spread, fn, z, key, probes, mode, eps, separate, chunk):
    """Draw the probes, take derivatives along them and their spread over them."""
    known(mode, MODES, "mode")
    if probes < 2:
        raise ValueError(f"A variance needs at least 2 probes, got {probes}.")
    z = jnp.asarray(z)
    if z.ndim == 1:
        single = lambda x: jax.tree.map(lambda y: y[None], fn(x[0]))
        found = probed(derivatives, spread, single, z[None], key, probes, mode, eps, separate, chunk)
        return jax.tree.map(lambda y: y[0], found)
    v = jax.random.rademacher(key, (probes, *z.shape), z.dtype)
    found = jax.tree.map(spread, derivatives(fn, z, v, mode, eps, chunk))
    return found if separate else jnp.stack(jax.tree.leaves(found)).sum(0)
