"""A code: the point of a latent space from which a generator draws images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
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
        features: Activations by tap, each [N or 1, h, w, c], that stand in for the generator's own when it draws the
            code, or None: a coarse part of the picture that no code needs to explain. What the rest of the code says
            is drawn on them. Only the named activation is replaced: an image that a family sums up along the way
            (StyleGAN2's "rgb8", ...) keeps its coarse part from the styles. To start that image anew as well, name it
            too: `features={"b16": f, "rgb8": zeros}`.

    Source: features: the base code of Kang et al., "GAN Inversion for Out-of-Range Images with Geometric
    Transformations" (2021), section 3, which drops the coarse image; the activation tensors of Abdal et al.,
    "Image2StyleGAN++" (2020), section 5.
    """

    value: Any
    space: str = struct.field(pytree_node=False)
    cond: Any = None
    noise: Any = None
    features: Any = None

    if TYPE_CHECKING:  # struct.dataclass adds it

        def replace(self, **changes: Any) -> Code: ...

    def __len__(self) -> int:
        return jax.tree.leaves(self.value)[0].shape[0]

    def __getitem__(self, index) -> Code:
        """Take members of the batch. An integer keeps the batch axis, so the result is again a Code.

        Noise maps and features with batch size 1 are shared by every member and stay as they are.
        """
        n = len(self)
        if isinstance(index, int):
            if not -n <= index < n:
                raise IndexError(f"Code has {n} members, got index {index}.")
            index = slice(index % n, index % n + 1)
        take = lambda x: x[index]
        value, cond = jax.tree.map(take, (self.value, self.cond))
        noise, features = jax.tree.map(lambda x: x[index] if x.shape[0] == n else x, (self.noise, self.features))
        return self.replace(value=value, cond=cond, noise=noise, features=features)

    def separate(self) -> Code:
        """Give every member of the batch noise maps and features of its own, where they share them."""
        n = len(self)
        own = lambda x: jnp.broadcast_to(x, (n, *x.shape[1:]))
        return self.replace(noise=jax.tree.map(own, self.noise), features=jax.tree.map(own, self.features))
