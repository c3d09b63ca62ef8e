"""Directions: what a finder finds and an edit moves along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

DEPENDENT = 1e-5  # length of what is left of a unit vector, at float32's precision, when it lies in a span


@struct.dataclass
class Directions:
    """Hold K unit directions of one latent space with the standard deviation of the population along each.

    Args:
        vectors: [K, ...] with the shape of a code of the space after K (for "s", a tuple of [K, C_l]). For "w+"-like
            edits of a "w" direction the vector stays [K, D] and `layers` says which rows move.
        scales: [K], standard deviation of the codes along the axis; an edit of strength 1 moves by it.
        space: Space that the directions live in (static).
        layers: Rows of w+ (or layers of s) that an edit moves by default; None means all (static).
        names: One name per direction (static).
        meta: Provenance as sorted pairs of strings and numbers: method, seed, generator fingerprint (static).
    """

    vectors: Any
    scales: Any
    space: str = struct.field(pytree_node=False)
    layers: tuple[int, ...] | None = struct.field(pytree_node=False, default=None)
    names: tuple[str, ...] = struct.field(pytree_node=False, default=())
    meta: tuple = struct.field(pytree_node=False, default=())

    if TYPE_CHECKING:  # struct.dataclass adds it

        def replace(self, **changes: Any) -> Directions: ...

    def __len__(self) -> int:
        return jax.tree.leaves(self.vectors)[0].shape[0]

    def __getitem__(self, index: int | str | slice | Sequence[int]) -> Directions:
        """Take directions by number, slice, list of numbers or name. The result keeps the axis K."""
        if isinstance(index, str):
            if index not in self.names:
                raise KeyError(f"No direction is named {index!r}; the names are {', '.join(self.names) or 'not set'}.")
            index = self.names.index(index)
        k = len(self)
        if isinstance(index, int) and not -k <= index < k:
            raise IndexError(f"There are {k} directions, got index {index}.")
        chosen = (
            [range(k)[index]]
            if isinstance(index, int)
            else list(range(k)[index])
            if isinstance(index, slice)
            else list(index)
        )
        rows = jnp.asarray(chosen, jnp.int32)
        names = tuple(self.names[i] for i in chosen) if self.names else ()
        return self.replace(
            vectors=jax.tree.map(lambda v: v[rows], self.vectors), scales=self.scales[rows], names=names
        )

    def named(self, names: Sequence[str]) -> Directions:
        """Name the directions."""
        if len(names) != len(self):
            raise ValueError(f"Got {len(names)} names for {len(self)} directions.")
        return self.replace(names=tuple(names))

    def flat(self) -> jax.Array:
        """Return the vectors as rows of a matrix [K, D]."""
        return jnp.concatenate([v.reshape(len(self), -1) for v in jax.tree.leaves(self.vectors)], axis=1)

    def project_out(self, other: Directions) -> Directions:
        """Remove from each direction its components along other directions (InterFaceGAN's conditional boundary).

            n' = normalise(n - Q Q^T n),   Q an orthonormal basis of the others (by QR)

        The scale shrinks with the length that is left: a step of one unit is the same step less what was removed.

        Raises:
            ValueError: If the spaces differ or nothing is left of a direction.
        """
        if other.space != self.space:
            raise ValueError(f"Directions live in {self.space!r} and {other.space!r}. Both must be of one space.")
        # On the host in float64: what is left of a direction may be small, and must still be orthogonal to the others.
        given = np.asarray(other.flat(), np.float64)
        given = given / np.linalg.norm(given, axis=1, keepdims=True)
        basis, triangle = np.linalg.qr(given.T)
        if len(given) > given.shape[1] or np.abs(np.diag(triangle)).min() < DEPENDENT:
            raise ValueError("The directions to project out depend on each other. Drop one of them.")
        rows = np.asarray(self.flat(), np.float64)
        rest = rows - (rows @ basis) @ basis.T
        rest -= (rest @ basis) @ basis.T
        length = np.linalg.norm(rest, axis=1, keepdims=True)
        if length.min() < DEPENDENT:
            raise ValueError("A direction lies in the span of those to project out; nothing of it is left.")
        rest, length = jnp.asarray(rest / length, jnp.float32), jnp.asarray(length[:, 0], jnp.float32)
        leaves, tree = jax.tree.flatten(self.vectors)
        parts = jnp.split(rest, np.cumsum([v[0].size for v in leaves])[:-1].tolist(), axis=1)
        vectors = tree.unflatten([p.reshape(v.shape) for p, v in zip(parts, leaves)])
        return self.replace(vectors=vectors, scales=self.scales * length)

    @staticmethod
    def join(*parts: Directions) -> Directions:
        """Stack directions of one space and one layer range."""
        first = parts[0]
        for p in parts[1:]:
            if (p.space, p.layers) != (first.space, first.layers):
                raise ValueError(
                    f"Cannot join directions of {p.space!r}, layers {p.layers}, with those of {first.space!r}, "
                    f"layers {first.layers}."
                )
        names = tuple(
            n for p in parts for n in (p.names or tuple(f"{dict(p.meta).get('method', '')}{i}" for i in range(len(p))))
        )
        stack = lambda *v: jnp.concatenate(v)
        return first.replace(
            vectors=jax.tree.map(stack, *(p.vectors for p in parts)),
            scales=stack(*(p.scales for p in parts)),
            names=names,
        )
