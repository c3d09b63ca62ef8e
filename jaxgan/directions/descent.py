"""What learned finders share: a loop of one compiled step down the gradient of a loss that draws anew each time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import optax

TOLD = 10  # parts of the way, each with its mean figures


def descend(
    loss: Callable,
    settings: Any,
    optimizer: optax.GradientTransformation,
    fixed: Any,
    params: Any,
    key,
    steps: int,
    progress: Callable[[int, float], None] | None = None,
) -> tuple[Any, list[dict[str, float]]]:
    """Minimise the expectation of a loss.

    The loop is one of Python: XLA's CPU backend runs convolutions inside of compiled loops slowly.

    Args:
        loss: `loss(settings, fixed, params, key) -> (scalar, {name: scalar})`, a function of a module: a closure would
            be compiled at each call.
        settings: What it depends on besides arrays; hashable.
        optimizer: Made once for all calls, for the same reason.
        fixed: Arrays that do not learn, such as the generator.
        params: Arrays that do.
        key: Random key; step i draws from `fold_in(key, i)`.
        steps: How many.
        progress: Called with (steps done, mean loss since the last call), ten times.

    Returns:
        The parameters, and of each tenth of the way the means of what the loss tells, with the loss as "loss".
    """
    state, part, history, here = (params, optimizer.init(params)), -(-steps // TOLD), [], []
    for i in range(steps):
        state, told = _step(loss, settings, optimizer, fixed, state, jax.random.fold_in(key, i))
        here.append(told)
        if len(here) == part or i == steps - 1:
            values = jax.device_get(here)
            history.append({name: float(sum(v[name] for v in values) / len(values)) for name in values[0]})
            here = []
            if progress is not None:
                progress(i + 1, history[-1]["loss"])
    return state[0], history


@partial(jax.jit, static_argnums=(0, 1, 2))
def _step(loss, settings, optimizer, fixed, state, key):
    params, memory = state
    (value, told), gradient = jax.value_and_grad(lambda p: loss(settings, fixed, p, key), has_aux=True)(params)
    updates, memory = optimizer.update(gradient, memory, params)
    return (optax.apply_updates(params, updates), memory), {**told, "loss": value}
