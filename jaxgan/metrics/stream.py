"""What a feature network sees in many images: moments as they pass, on all devices, and the vectors if wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from jax.tree_util import Partial
from jaxtyping import ArrayLike, Float

from jaxgan.core import moments
from jaxgan.core.moments import Moments
from jaxgan.core.network import Network

Features = Callable[..., Any]  # images [N, H, W, C] to vectors [N, D]


class Seen(NamedTuple):
    """What is known of a set of images.

    Args:
        moments: Moments of its features.
        vectors: Its features [N, D] in order, or None where they were not kept.
        labels: Its labels [N, c], or None.
    """

    moments: Moments
    vectors: np.ndarray | None = None
    labels: np.ndarray | None = None


def observe(
    images: Iterable[Float[ArrayLike, "n h w c"]],
    features: Features,
    *,
    keep: bool = True,
    devices: Sequence[Any] | None = None,
    tick: Callable[[int], None] | None = None,
) -> Seen:
    """Stream batches of images through a feature network.

    Batches are padded to the size of the first, and to a multiple of the number of devices, so that one program is
    compiled.

    Args:
        images: Batches [N, H, W, C] in [-1, 1].
        features: Network (or function) from a batch to vectors [N, D].
        keep: Keep the vectors, N * D floats on the host, besides their moments.
        devices: Devices of this process to divide each batch among; the default one if None.
        tick: Called with the number of images after each batch.

    Raises:
        ValueError: If there are no images, or the features are no vectors.
    """
    whole, share = placements(devices)
    # A plain function is no pytree; Partial makes it a static part of one.
    plug = jax.device_put(features if isinstance(features, Network) else Partial(features), whole)
    total, size = None, 0
    kept: list[np.ndarray] = []
    waiting: list[tuple[jax.Array, int]] = []
    for given in images:
        batch = jnp.asarray(given, jnp.float32)
        n = len(batch)
        size = size or -(-n // whole.mesh.size) * whole.mesh.size
        rows = -(-max(n, size) // size) * size
        mask = np.zeros(rows, np.float32)
        mask[:n] = 1
        padded = jax.device_put(jnp.pad(batch, ((0, rows - n), (0, 0), (0, 0), (0, 0))), share)
        if total is None:
            total = jax.device_put(moments.empty(width(plug, padded)), whole)
        total, vectors = step(plug, padded, jax.device_put(mask, share), total)
        if keep:
            # One batch behind, so that the host does not wait for the device.
            kept += [np.asarray(v)[:m] for v, m in waiting]
            waiting = [(vectors, n)]
        if tick:
            tick(n)
    if total is None:
        raise ValueError("Got no images to take the moments of.")
    kept += [np.asarray(v)[:m] for v, m in waiting]
    return Seen(jax.device_get(total), np.concatenate(kept) if keep else None)


@jax.jit
def step(features: Features, batch, mask, total: Moments) -> tuple[Moments, jax.Array]:
    vectors = features(batch)
    return moments.merge(total, moments.of(vectors, mask)), vectors


def width(features: Features, batch) -> int:
    """Return the width of the vectors, or raise ValueError where the features are something else."""
    out = jax.eval_shape(features, batch)
    shape = getattr(out, "shape", None)
    if shape is None or len(shape) != 2 or shape[0] != len(batch):
        raise ValueError(
            f"Features of {len(batch)} images are {shape or type(out).__name__}; needed is one vector each."
        )
    return shape[1]


def placements(devices: Sequence[Any] | None) -> tuple[NamedSharding, NamedSharding]:
    """Return where things go that every device holds, and things that are divided along their first axis."""
    devices = jax.local_devices()[:1] if devices is None else list(devices)
    mesh = jax.make_mesh((len(devices),), ("data",), axis_types=(AxisType.Auto,), devices=devices)
    return NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec("data"))
