"""Many steps of one function: a compiled loop where loops are fast, a compiled step in a loop of Python elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer


def march(
    step: Callable,
    settings: Any,
    fixed: Any,
    carry: Any,
    steps: int,
    *,
    stop: Callable[[Any], bool] | None = None,
    progress: Callable[[int, int], None] | None = None,
    scan: bool | None = None,
    whole: bool = True,
) -> tuple[Any, Any]:
    """Take steps, one after the other.

        carry, out_i = step(settings, fixed, carry, i),    i = 0 ... steps - 1

    XLA's CPU backend runs convolutions in the body of a loop several times slower than outside of one, and takes
    minutes to compile deep networks there. So the loop is one of Python on the CPU, a scan where what is given is
    traced or another device computes. The numbers are the same.

    Args:
        step: A function of a module: a closure would be compiled at each call.
        settings: What the compiled step depends on besides arrays; hashable.
        fixed: Arrays that the steps share.
        carry: Where it starts.
        steps: How many.
        stop: Whether a carry needs no more steps; only a loop of Python can leave early, so that `step` must not
            change anything either then. The outputs of steps left out are those of the last one.
        progress: Called with the steps done and their number, where the loop is one of Python.
        scan: Says which loop; None chooses.
        whole: Whether a step is compiled as one program; otherwise it is one of Python that calls compiled parts.

    Returns:
        The last carry, and the outputs of the steps, stacked.
    """
    if scan is None:
        traced = any(isinstance(x, Tracer) for x in jax.tree.leaves((fixed, carry)))
        scan = traced or jax.default_backend() != "cpu"
    if scan:
        return _all(step, settings, fixed, carry, steps)
    carry, outs = jax.tree.map(jnp.copy, carry), []  # a step takes the arrays of the one before; these are not ours
    for i in range(steps):
        carry, out = (_one if whole else _parts)(step, settings, fixed, carry, i)
        outs.append(out)
        if progress is not None:
            progress(i + 1, steps)
        if stop is not None and stop(carry):
            break
    outs = jax.device_get(outs)
    outs += outs[-1:] * (steps - len(outs))
    return carry, jax.tree.map(lambda *parts: jnp.asarray(np.stack(parts)), *outs)


@partial(jax.jit, static_argnums=(0, 1, 4))
def _all(step, settings, fixed, carry, steps):
    return jax.lax.scan(lambda c, i: step(settings, fixed, c, i), carry, jnp.arange(steps))


@partial(jax.jit, static_argnums=(0, 1), donate_argnums=3)
def _one(step, settings, fixed, carry, i):
    return step(settings, fixed, carry, i)


def _parts(step, settings, fixed, carry, i):
    return step(settings, fixed, carry, i)


def traced(tree: Any) -> bool:
    """Whether any of a tree's arrays is one that a transformation of JAX is tracing."""
    return any(isinstance(x, Tracer) for x in jax.tree.leaves(tree))
