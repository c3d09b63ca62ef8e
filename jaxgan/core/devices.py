"""Devices in a line: how a batch is shared among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import jax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

AXIS = "data"
Devices: TypeAlias = "Sequence[Any] | Mesh | None"


def mesh_of(devices: Devices = None) -> Mesh:
    """Line devices up along the axis "data".

    Args:
        devices: Devices, a mesh with the axis "data" (returned as it is), or None for all devices of all processes.
    """
    if isinstance(devices, Mesh):
        if devices.axis_names != (AXIS,):
            raise ValueError(f"The mesh has axes {devices.axis_names}, needed is the one axis ('{AXIS}',).")
        return devices
    devices = jax.devices() if devices is None else list(devices)
    if not devices:
        raise ValueError("Got no devices, need at least one.")
    # Auto: the compiler places the operations; under make_mesh's default, Explicit, each would have to say where.
    return jax.make_mesh((len(devices),), (AXIS,), axis_types=(AxisType.Auto,), devices=devices)


def replicated(mesh: Mesh) -> NamedSharding:
    """Every device holds the whole array."""
    return NamedSharding(mesh, PartitionSpec())


def divided(mesh: Mesh) -> NamedSharding:
    """Every device holds its share of the first axis."""
    return NamedSharding(mesh, PartitionSpec(AXIS))
