"""Checkpoints on disk: saved in the background, whole or not at all, the last few kept.

This is the only place that knows Orbax. A checkpoint is a folder named by its step with one item per field of the
state (`params`, `ema`, `opt`, ...), each a flat dict of arrays by path, and `meta`, which is JSON. Flat names make the
files independent of the classes that the state is made of: nothing of them is stored, nothing is executed on reading.
"""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

FORMAT = 1
META = "meta"


class CheckpointError(ValueError):
    """Tell that a checkpoint is missing or does not fit what it shall be restored into."""


class Checkpoints:
    """The checkpoints of one folder. Use as a context manager, or `close` it: saves run in the background.

    Args:
        folder: Where they lie; made when the first one is saved.
        keep: How many of the newest stay; None for all.
        keep_best: How many with the lowest `figure` stay besides.
        read_only: Never write or delete; for reading another run's folder.
    """

    def __init__(self, folder: str | Path, keep: int | None = 3, keep_best: int = 0, read_only: bool = False):
        if keep is not None and keep < 1:
            raise ValueError(f"keep is {keep}; at least 1 checkpoint must stay, or None for all.")
        self.folder, self.keep, self.keep_best, self.read_only = Path(folder).absolute(), keep, keep_best, read_only
        self._open: Any = None

    def __enter__(self) -> Checkpoints:
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    @property
    def steps(self) -> tuple[int, ...]:
        """Steps with a finished checkpoint, in order."""
        if not self.folder.is_dir():
            return ()
        return tuple(sorted(self._orbax.all_steps()))

    @property
    def latest(self) -> int | None:
        """Step of the newest finished checkpoint, or None."""
        return max(self.steps, default=None)

    def save(self, step: int, state: Any, meta: Mapping[str, Any], figure: float | None = None) -> None:
        """Start to save; returns as soon as the arrays are copied, while the disk is written in the background.

        A process that is killed meanwhile leaves the older checkpoints as they were and no half one.

        Args:
            step: Number of the checkpoint. One that exists already is left alone.
            state: A dataclass or dict of trees of arrays; typed random keys among them.
            meta: What JSON can hold.
            figure: How bad it is (a Fréchet distance), for `keep_best`.
        """
        import orbax.checkpoint as ocp

        if self.read_only:
            raise CheckpointError(f"The checkpoints in {self.folder} were opened for reading only.")
        if step in self.steps:
            return
        items: dict[str, Any] = {n: ocp.args.StandardSave(_plain(tree)) for n, tree in _flat(state).items() if tree}
        items[META] = ocp.args.JsonSave({"format": FORMAT, "step": step, **meta})
        metrics = None if figure is None else {"figure": float(figure)}
        self._orbax.save(step, args=ocp.args.Composite(**items), metrics=metrics)

    def meta(self, step: int | None = None) -> dict[str, Any]:
        """Read the JSON of a checkpoint, of the newest one if step is None."""
        import orbax.checkpoint as ocp

        return self._orbax.restore(self._chosen(step), args=ocp.args.Composite(**{META: ocp.args.JsonRestore()}))[META]

    def restore(
        self, target: Any, step: int | None = None, only: Sequence[str] | None = None, sharding: Any = None
    ) -> Any:
        """Read the state of a checkpoint.

        Args:
            target: A state of arrays or of `jax.ShapeDtypeStruct`s (`jax.eval_shape(trainer.init, key)`): its
                structure, shapes and types are what must be found.
            step: Which checkpoint; the newest if None.
            only: Fields of the state to read; the others come back as they are in the target. All if None.
            sharding: Where the arrays shall live; one local device if None.

        Returns:
            The state.

        Raises:
            CheckpointError: There is no checkpoint, or it holds other arrays than the target: names the first ones.
        """
        import orbax.checkpoint as ocp

        step, flat = self._chosen(step), _flat(target)
        unknown = set(only or ()) - set(flat)
        if unknown:
            raise CheckpointError(f"A state has {', '.join(flat)}; there is no {', '.join(sorted(unknown))}.")
        asked = {name: tree for name, tree in flat.items() if tree and (only is None or name in only)}
        sharding = sharding or jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
        abstract = {
            name: {path: _abstract(leaf, sharding) for path, leaf in tree.items()} for name, tree in asked.items()
        }
        self._compare(step, abstract)
        restored = self._orbax.restore(
            step, args=ocp.args.Composite(**{name: ocp.args.StandardRestore(tree) for name, tree in abstract.items()})
        )
        return _rebuilt(target, {name: restored[name] for name in asked})

    def arrays(self, field: str, step: int | None = None) -> dict[str, np.ndarray]:
        """Read one field of the state as {path: host array}, whatever it holds; for transfer to another model."""
        import orbax.checkpoint as ocp

        step = self._chosen(step)
        contents = self._contents(step, field)
        if not contents:
            return {}
        sharding = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
        abstract = {
            path: jax.ShapeDtypeStruct(shape, dtype, sharding=sharding) for path, (shape, dtype) in contents.items()
        }
        restored = self._orbax.restore(step, args=ocp.args.Composite(**{field: ocp.args.StandardRestore(abstract)}))
        return {path: np.asarray(leaf) for path, leaf in restored[field].items()}

    def wait(self) -> None:
        """Return when everything that was saved is on the disk."""
        if self._open is not None:
            self._open.wait_until_finished()

    def close(self) -> None:
        """Finish what is being saved and let go of the folder."""
        if self._open is not None:
            self._open.wait_until_finished()
            self._open.close()
            self._open = None

    @property
    def _orbax(self) -> Any:
        if self._open is None:
            import orbax.checkpoint as ocp
            from orbax.checkpoint import checkpoint_managers as policies

            rules: list[Any] = [policies.LatestN(self.keep)]
            if self.keep_best:
                rank = lambda metrics: -metrics["figure"]  # the last ones of this order are kept
                rules.append(
                    policies.BestN(n=self.keep_best, get_metric_fn=rank, keep_checkpoints_without_metrics=False)
                )
            options = ocp.CheckpointManagerOptions(
                create=not self.read_only,
                # What a killed process has left half written.
                cleanup_tmp_directories=not self.read_only,
                preservation_policy=policies.AnyPreservationPolicy(rules),
            )
            self._open = ocp.CheckpointManager(self.folder, options=options)
        return self._open

    def _chosen(self, step: int | None) -> int:
        steps = self.steps
        if not steps:
            raise CheckpointError(f"There is no checkpoint in {self.folder}.")
        if step is None:
            return steps[-1]
        if step not in steps:
            raise CheckpointError(
                f"There is no checkpoint of step {step} in {self.folder}; there are {', '.join(map(str, steps))}."
            )
        return step

    def _contents(self, step: int, field: str) -> dict[str, tuple[tuple[int, ...], Any]]:
        """Shapes and types of a field's arrays by path."""
        import orbax.checkpoint as ocp

        if not (self.folder / str(step) / field).is_dir():
            return {}
        place: Any = self.folder / str(step) / field
        tree = ocp.StandardCheckpointHandler().metadata(place).tree
        return {path: (tuple(leaf.shape), np.dtype(leaf.dtype)) for path, leaf in tree.items()}

    def _compare(self, step: int, abstract: Mapping[str, Mapping[str, jax.ShapeDtypeStruct]]) -> None:
        wrong = []
        for field, tree in abstract.items():
            found = self._contents(step, field)
            for path, leaf in tree.items():
                name, got = f"{field}.{path}", found.get(path)
                if got is None:
                    wrong.append(f"{name} is missing")
                elif got != (leaf.shape, np.dtype(leaf.dtype)):
                    wrong.append(f"{name} is {got[1]}{list(got[0])}, needed {leaf.dtype}{list(leaf.shape)}")
            wrong += [f"{field}.{path} is not expected" for path in found if path not in tree]
        if wrong:
            more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
            raise CheckpointError(
                f"The checkpoint of step {step} in {self.folder} does not fit this model: "
                f"{'; '.join(wrong[:3])}{more}. Use the recipe that it was made with."
            )


def versions() -> dict[str, str]:
    """Versions of what computes: written into every checkpoint."""
    found = {"python": platform.python_version()}
    for package in ("jaxgan", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def paths(tree: Any) -> dict[str, Any]:
    """List the leaves of a tree by dotted path."""
    return {dotted(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}


def dotted(path: Sequence[Any]) -> str:
    """Write a path of the tree as names with dots."""
    return ".".join(str(getattr(p, "key", getattr(p, "name", getattr(p, "idx", p)))) for p in path) or "value"


def _fields(state: Any) -> dict[str, Any]:
    if isinstance(state, Mapping):
        return dict(state)
    return {f.name: getattr(state, f.name) for f in dataclasses.fields(state)}


def _flat(state: Any) -> dict[str, dict[str, Any]]:
    return {name: paths(tree) for name, tree in _fields(state).items()}


def _is_key(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _plain(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Arrays only: a typed key is stored as its data."""
    return {path: jax.random.key_data(leaf) if _is_key(leaf) else jnp.asarray(leaf) for path, leaf in tree.items()}


def _abstract(leaf: Any, sharding: Any) -> jax.ShapeDtypeStruct:
    if _is_key(leaf):
        leaf = jax.eval_shape(jax.random.key_data, leaf)
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding)


def _rebuilt(target: Any, found: Mapping[str, Mapping[str, Any]]) -> Any:
    def leaf(field, path, like):
        array = found[field][dotted(path)]
        return jax.random.wrap_key_data(array, impl=_impl(like)) if _is_key(like) else array

    new = {
        field: jax.tree_util.tree_map_with_path(lambda p, x, field=field: leaf(field, p, x), tree)
        if field in found
        else tree
        for field, tree in _fields(target).items()
    }
    return new if isinstance(target, Mapping) else dataclasses.replace(target, **new)


def _impl(like: Any) -> Any:
    found = []
    jax.eval_shape(lambda key: found.append(jax.random.key_impl(key)), like)  # only a traced key tells
    return found[0]
