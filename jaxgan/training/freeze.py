"""Parameters that stay as they were learned, in transfer learning: stages of G, the highest resolutions of D."""

from __future__ import annotations

import re
from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

SIDE = re.compile(r"(?:b|fromrgb)(\d+)")  # how the blocks of discriminators are named, in every family that has them


def freeze(optimizer: optax.GradientTransformation, resolution: int, blocks: int) -> optax.GradientTransformation:
    """Keep the parameters of a discriminator's highest-resolution blocks, and of the ways in there, as they are.

    Args:
        optimizer: Of the player that owns the discriminator.
        resolution: Full side of its images.
        blocks: How many: 1 freezes the block at the full resolution, 2 that at half of it too; 0 none. Blocks are
            known by their names, b{side} and fromrgb{side}.

    Returns:
        An optimizer with the same state, so that a run can be continued with another number.

    Raises:
        ValueError: The discriminator has fewer blocks above 4x4.

    Source: Mo et al., "Freeze the Discriminator" (2020), section 3.2; StyleGAN2-ADA, appendix C. Different: counted in
    blocks, where StyleGAN2-ADA's option counts layers, four of the first block and three of each further one.
    """
    most = (resolution // 4).bit_length() - 1
    if not 0 <= blocks <= most:
        raise ValueError(f"freeze_d is {blocks}; at {resolution} pixels it is 0 to {most}.")
    if not blocks:
        return optimizer

    def still(path) -> bool:
        sides = [SIDE.fullmatch(str(getattr(p, "key", p))) for p in path]
        return any(int(side[1]) > resolution >> blocks for side in sides if side)

    return keep(optimizer, still)


def hold(optimizer: optax.GradientTransformation, stages: tuple[str, ...]) -> optax.GradientTransformation:
    """Keep stages of a generator as they are.

    With ("mapping", "style") a StyleGAN2 shares z, w and style space with the generator that the run starts from: one
    code draws the same thing in the looks of both, and layers can be exchanged (`editing.swap`, `editing.blend`).

    Args:
        optimizer: Of the player that owns the generator.
        stages: Names of the stages' modules.

    Returns:
        An optimizer with the same state.

    Source: Chong et al., "StyleGAN of All Trades" (2021), section 4.4.
    """
    return keep(optimizer, lambda path: path[1].key in stages) if stages else optimizer  # path[0] is the network's name


def keep(optimizer: optax.GradientTransformation, still: Callable) -> optax.GradientTransformation:
    """Return an optimizer, with the same state, that does not move the parameters at paths where `still(path)`."""

    def masked(tree):
        return jax.tree_util.tree_map_with_path(lambda path, x: jnp.zeros_like(x) if still(path) else x, tree)

    def update(updates, state, params=None):
        # Without gradients the compiler drops their computation; a state from before may still have momentum.
        updates, state = optimizer.update(masked(updates), state, params)
        return masked(updates), state

    return optax.GradientTransformation(optimizer.init, update)
