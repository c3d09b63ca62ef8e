"""e4e: one code for all layers and small differences from it, so that the code stays where edits work."""

from __future__ import annotations

import flax.linen as nn
from jaxtyping import Array, Float

from jaxgan.encoders.styles import StyleEncoder, checked
from jaxgan.nn.plain import ACTIVATIONS, Dense

NAME = "e4e"


def encoder(
    resolution: int = 256,
    *,
    channels: int = 3,
    rows: int = 18,
    w_dim: int = 512,
    widths: tuple[int, ...] = (64, 128, 256, 512),
    units: tuple[int, ...] = (3, 4, 14, 3),
    trunk: str = "irse",
    pyramid: bool = True,
) -> StyleEncoder:
    """Describe encoder4editing's encoder, images -> w+: the network of `psp`, whose later rows are differences.

    The buffer `stage` says up to which row differences count: at 0 all rows are equal.

    Args:
        resolution, channels, rows, w_dim, widths, units, trunk, pyramid: As for `psp.encoder`.

    Source: Tov et al., "Designing an Encoder for StyleGAN Image Manipulation" (2021), section 4. Different: any number
    of rows, where the published code has 18.
    """
    config = dict(locals())
    checked(resolution, widths, units, rows, w_dim, trunk, 3 if pyramid else 1)
    return StyleEncoder(**config, deltas=True)


class Discriminator(nn.Module):
    """Score codes of w [N, w_dim]; returns logits [N, 1]. The fields are those of `discriminator`."""

    w_dim: int
    layers: int

    def inputs(self) -> list[tuple[int, ...]]:
        """Shapes of the arguments for a batch of one."""
        return [(1, self.w_dim)]

    @nn.compact
    def __call__(self, w: Float[Array, "n d"], train: bool = False) -> Float[Array, "n 1"]:
        for i in range(self.layers - 1):
            w = ACTIVATIONS["lrelu"](Dense(self.w_dim, name=f"fc{i}")(w))
        return Dense(1, name="out")(w)


def discriminator(w_dim: int = 512, *, layers: int = 4) -> Discriminator:
    """Describe the judge of single rows of a code: does it come from the mapping network, or from the encoder?

    Args:
        w_dim: Width of w.
        layers: Depth.

    Source: Tov et al. (2021), section 4.2, after Nitzan et al. (2020); sizes of the published code.
    """
    return Discriminator(w_dim, layers)
