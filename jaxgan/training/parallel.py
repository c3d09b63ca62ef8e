"""One training step on one device, on all of them, on many hosts: the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.core.devices import Devices, divided, mesh_of, replicated


def replicate(tree: Any, devices: Devices = None) -> Any:
    """Put a tree of arrays, the same in every process, whole on every device."""
    sharding = replicated(mesh_of(devices))

    def place(leaf):
        # Equivalent is not enough: an array without the mesh would compile the step a second time.
        if isinstance(leaf, jax.Array) and leaf.sharding == sharding:
            return leaf
        if jax.process_count() == 1:
            return jax.device_put(leaf, sharding)
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):  # host arrays hold no keys
            return jax.random.wrap_key_data(place(jax.random.key_data(leaf)), impl=jax.random.key_impl(leaf))
        return jax.make_array_from_process_local_data(sharding, np.asarray(leaf))

    return jax.tree.map(place, tree)


def divide(batch: Any, devices: Devices = None) -> Any:
    """Spread a batch over the devices along its first axis.

    Args:
        batch: Tree of host arrays [batch / processes, ...]: the rows that this process has loaded.
        devices: As in `mesh_of`.

    Returns:
        Global arrays [batch, ...].

    Raises:
        ValueError: The devices do not divide the batch.
    """
    mesh = mesh_of(devices)
    sharding, processes = divided(mesh), len({d.process_index for d in mesh.devices.flat})

    def place(leaf):
        if isinstance(leaf, jax.Array) and leaf.sharding == sharding:
            return leaf
        total = leaf.shape[0] * processes
        if total % mesh.size:
            near = total // mesh.size * mesh.size or mesh.size
            raise ValueError(f"A batch of {total} does not divide among {mesh.size} devices; take {near}.")
        if processes == 1:
            return jax.device_put(leaf, sharding)
        return jax.make_array_from_process_local_data(sharding, np.asarray(leaf))

    return jax.tree.map(place, batch)


def parallel(step: Callable, devices: Devices = None) -> Callable:
    """Compile a training step for data parallelism: parameters on every device, the batch divided among them.

    The step is written for one device and the whole batch, and means the same on N devices: losses, minibatch
    statistics and random draws are those of the global batch, and the compiler inserts the reductions of gradients.
    This is what replaces `jax.pmap`, where the step is written for one device's share, must name every reduction, and
    changes its meaning (local statistics, one random key for all shares) with the number of devices. JAX itself keeps
    `pmap` only for old code, implemented by the same machinery as here.

    The state is donated: the arrays passed in are gone after the call; keep only the state that comes back.

    Args:
        step: `step(state, batch, **static) -> (state, metrics)`, pure.
        devices: Devices, a mesh with the one axis "data", or None for all devices of all processes.

    Returns:
        `step(state, batch, **static) -> (state, metrics)`, compiled once for each set of static arguments. `state` may
        come from `init` or a checkpoint, from any placement; `batch` is a tree of host arrays [batch / processes, ...],
        this process's rows.

    Raises:
        ValueError: When called, if the devices do not divide the batch.
    """
    mesh = mesh_of(devices)
    whole, share = replicated(mesh), divided(mesh)

    @cache
    def compiled(static: tuple) -> Callable:
        chosen = partial(step, **dict(static))
        return jax.jit(chosen, in_shardings=(whole, share), out_shardings=(whole, whole), donate_argnums=0)

    def run(state: Any, batch: Any, **static: Any) -> tuple[Any, Any]:
        return compiled(tuple(sorted(static.items())))(replicate(state, mesh), divide(batch, mesh))

    return run
