"""StyleCLIP's mapper: a network from codes of w+ to the change that one text asks of them, level by level."""

from __future__ import annotations

from itertools import pairwise

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.nn.equalized import Dense
from jaxgan.ops.normalize import normalise_2nd_moment

NAME = "mapper"
DEPTH = 4
LR_MUL = 0.01


class Mapper(nn.Module):
    """Map rows of w+ [N, rows, w_dim] to changes of them; rows of a level that is left out do not change.

    Every level has a perceptron of its own, which all its rows pass: normalised, then four layers. The fields are
    those of `mapper`.
    """

    rows: int
    w_dim: int
    levels: tuple[int, ...]
    active: tuple[bool, ...]

    def inputs(self) -> list[tuple[int, ...]]:
        """Shapes of the arguments for a batch of one."""
        return [(1, self.rows, self.w_dim)]

    @nn.compact
    def __call__(self, codes: Float[Array, "n l d"]) -> Float[Array, "n l d"]:
        ends, parts = (0, *self.levels, self.rows), []
        for i, active in enumerate(self.active):
            x = codes[:, ends[i] : ends[i + 1]]
            if not active:
                parts.append(jnp.zeros_like(x))
                continue
            x = normalise_2nd_moment(x)
            for j in range(DEPTH):
                x = Dense(self.w_dim, "lrelu", LR_MUL, name=f"level{i}_fc{j}")(x)
            parts.append(x)
        return jnp.concatenate(parts, axis=1)


def mapper(
    rows: int = 18,
    *,
    w_dim: int = 512,
    levels: tuple[int, ...] = (4, 8),
    active: tuple[bool, ...] = (True, True, True),
) -> Mapper:
    """Describe a mapper.

    Args:
        rows, w_dim: Of the generator's w+; see `encoders.sizes`.
        levels: Rows at which the next level begins: coarse before 4, medium before 8, fine from there on.
        active: Whether each level changes; leave the fine one out to keep colours, for example.

    Source: Patashnik et al., "StyleCLIP" (2021), section 5, and its code.
    """
    steps = (0, *levels, rows)
    if any(a >= b for a, b in pairwise(steps)) or len(active) != len(levels) + 1 or not any(active):
        raise ValueError(
            f"Levels begin at rising rows below {rows}, got {levels}; of {len(levels) + 1} at least one is active, got "
            f"{active}."
        )
    return Mapper(rows, w_dim, tuple(levels), tuple(active))
