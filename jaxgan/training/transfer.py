"""Start a run from weights of another: transfer learning."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from jaxgan.training.checkpoint import Checkpoints, dotted, paths
from jaxgan.training.game import State

Arrays = Mapping[str, Any]


def read_weights(path: str | Path, load: Callable, averaged: str = "G") -> dict[str, Arrays]:
    """Read the weights that a run can start from.

    Args:
        path: Another run's folder, or a file that `load` understands.
        load: `load(path, part=...)` with part "G", "D", "E" or "G_ema": a Generator or Network, or ValueError/KeyError
            where the file does not hold that part.
        averaged: Network that the run is about, "G" or "E", which a file must hold.

    Returns:
        {"params": {path: array}, "ema": ..., "buffers": ...}, each array by its dotted path, first the network's name.

    Raises:
        FileNotFoundError: There is nothing at the path, or no checkpoint in the folder.
    """
    path = Path(path)
    if path.is_dir():
        folder = path / "checkpoints" if (path / "checkpoints").is_dir() else path
        with Checkpoints(folder, read_only=True) as kept:
            if kept.latest is None:
                raise FileNotFoundError(
                    f"There is no checkpoint in {folder}; give a run's folder or a file of weights."
                )
            stats = kept.arrays("stats")
            buffers = {name.removeprefix("buffers."): a for name, a in stats.items() if name.startswith("buffers.")}
            return {"params": kept.arrays("params"), "ema": kept.arrays("ema"), "buffers": buffers}
    found: dict[str, dict[str, Any]] = {"params": {}, "ema": {}, "buffers": {}}
    wanted = "G_ema" if averaged == "G" else averaged
    for part in (wanted, *(p for p in ("G", "D") if p != wanted)):
        try:
            model = load(path, part=part)
        except FileNotFoundError:
            raise
        except (ValueError, KeyError):
            if part == wanted:  # a file without what the run is about is the user's mistake
                raise
            continue
        name = averaged if part == wanted else part
        under = "ema" if part == wanted else "params"
        found[under] |= {f"{name}.{p}": a for p, a in paths(model.params).items()}
        found["buffers"] |= {f"{name}.{p}": a for p, a in paths(model.buffers).items()}
    for p, array in found["ema"].items():
        found["params"].setdefault(p, array)
    return dict(found)


def transfer(state: State, weights: Mapping[str, Mapping[str, Any]]) -> tuple[State, tuple[str, ...], int]:
    """Replace a fresh state's weights, averages and buffers by those that have the same path and shape.

    Optimizers, statistics other than buffers, and counters stay fresh: the run starts at step 0.

    Args:
        state: From `trainer.init`.
        weights: From `read_weights`.

    Returns:
        The state, the paths of what stayed fresh with the reason, and the number of arrays that were taken over.
    """
    fresh, taken = [], 0

    def merged(tree, field):
        found = weights.get(field, {})

        def leaf(path, own):
            nonlocal taken
            name = dotted(path)
            other = found.get(name)
            if other is None:
                fresh.append(f"{field}.{name} (not there)")
            elif tuple(other.shape) != tuple(own.shape):
                fresh.append(f"{field}.{name} ({list(other.shape)} there, {list(own.shape)} here)")
            else:
                taken += 1
                return jnp.array(other, own.dtype)
            return own

        return jax.tree_util.tree_map_with_path(leaf, tree)

    state = dataclasses.replace(
        state,
        params=merged(state.params, "params"),
        ema=merged(state.ema, "ema"),
        stats={**state.stats, "buffers": merged(state.stats["buffers"], "buffers")},
    )
    return state, tuple(fresh), taken
