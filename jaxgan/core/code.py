"""A code: the point of a latent space from which a generator draws images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
from flax import struct


@struct.dataclass
class Code:
    """Hold a batch of latent points together with the name of the space they live in.

    Args:
        value: Array or tuple of arrays, batch first. z, w, p: [N, D]; z+, w+, p+: [N, L, D]; s: tuple of [N, C_l];
            image: [N, H, W, C] in [-1, 1].
        space: Name of the space (static): "z", "z+", "w", "w+", "s", "p", "p+" or "image".
        cond: Class condition [N, c] (one-hot or continuous), or None. A leaf, so that it can be optimised too.
        noise: Noise maps by layer name, each [N or 1, H, W, 1], or None for the mode asked for when rendering.
    """

    value: Any
    space: str = struct.field(pytree_node=False)
    cond: Any = None
    noise: Any = None

    if TYPE_CHECKING:  # struct.dataclass adds it

        def replace(self, **changes: Any) -> Code: ...

    def __len__(self) -> int:
        return jax.tree.leaves(self.value)[0].shape[0]

    def __getitem__(self, index) -> Code:
        """Take members of the batch. An integer keeps the batch axis, so the result is again a Code.

        Noise maps with batch size 1 are shared by every member and stay as they are.
        """
        n = len(self)
        if isinstance(index, int):
            if not -n <= index < n:
                raise IndexError(f"Code has {n} members, got index {index}.")
            index = slice(index % n, index % n + 1)
        take = lambda x: x[index]
        noise = jax.tree.map(lambda x: x[index] if x.shape[0] == n else x, self.noise)
        return self.replace(value=jax.tree.map(take, self.value), cond=jax.tree.map(take, self.cond), noise=noise)
