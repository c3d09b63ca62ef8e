"""What pSp, e4e and ReStyle have in common: a residual trunk and one small network of convolutions for each style."""

from __future__ import annotations

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.encoders.sizes import reduced
from jaxgan.nn.equalized import Dense
from jaxgan.nn.irse import IRSE
from jaxgan.nn.plain import Conv
from jaxgan.nn.resnet import ResNet

TRUNKS, RESNETS = ("irse", "ir", "resnet34"), ("resnet34", "resnet50")
COARSE, MIDDLE = 3, 7  # styles that read the coarsest map, and those up to which the middle one is read
SLOPE = 0.01


class Map2Style(nn.Module):
    """Halve a map by 3x3 convolutions down to one pixel, which a linear layer turns into a style [N, w_dim]."""

    w_dim: int

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"]) -> Float[Array, "n d"]:
        for i in range(max(1, math.ceil(math.log2(x.shape[1])))):
            x = jax.nn.leaky_relu(Conv(self.w_dim, resample="down", name=f"conv{i}")(x), SLOPE)
        return Dense(self.w_dim, name="linear")(x[:, 0, 0])


class StyleEncoder(nn.Module):
    """Map images to w+ codes [N, rows, w_dim]: `w_mean` plus what the heads of all rows say.

    With `deltas` the first head says what all rows share, the others by how much theirs differs from it; the buffer
    `stage` says up to which row these differences count, all at first. The buffer `w_mean` [rows, w_dim] is the
    generator's. The fields are those of `psp.encoder`; `guesses` is how many
    images are looked at together, along the channels.
    """

    resolution: int
    channels: int
    rows: int
    w_dim: int
    widths: tuple[int, ...]
    units: tuple[int, ...]
    trunk: str = "irse"
    pyramid: bool = True
    deltas: bool = False
    guesses: int = 1

    def inputs(self) -> list[tuple[int, ...]]:
        """Shapes of the arguments for a batch of one."""
        return [(1, self.resolution, self.resolution, self.channels)] * self.guesses

    def setup(self):
        match self.trunk:
            case "resnet34":
                # Not pooled behind the way in, so that its maps have the sizes of the other trunk's.
                self.body = ResNet(self.widths, self.units, bottleneck=False, pool=False, prelu=True)
            case _:
                self.body = IRSE(self.widths, self.units, attention=self.trunk == "irse")
        self.style = [Map2Style(self.w_dim) for _ in range(self.rows)]
        if self.pyramid:
            self.lateral1 = Conv(self.widths[-1], 1)
            self.lateral2 = Conv(self.widths[-1], 1)
        self.w_mean = self.variable("buffers", "w_mean", jnp.zeros, (self.rows, self.w_dim))
        if self.deltas:
            self.stage = self.variable("buffers", "stage", lambda: jnp.float32(self.rows - 1))

    def __call__(
        self, images: Float[Array, "n h w c"], *others: Float[Array, "n h w c"], train: bool = False
    ) -> Float[Array, "n l d"]:
        """Return the codes.

        Args:
            images: In [-1, 1]; larger ones are halved to `resolution` by averages.
            *others: As many more as `guesses` says.
            train: Normalise by the batch.
        """
        return self.w_mean.value + self.residual(images, *others, train=train)

    def residual(self, images, *others, train: bool = False) -> Float[Array, "n l d"]:
        """Return the codes without `w_mean`."""
        if len(others) != self.guesses - 1:
            raise ValueError(
                f"This encoder looks at {self.guesses} images at once, got {1 + len(others)}: use "
                "inversion.restyle for 2, inversion.encode for 1."
            )
        x = jnp.concatenate([reduced(i, self.resolution) for i in (images, *others)], axis=-1)
        maps = self.features(x, train)
        shared, *styles = (head(maps[row]) for row, head in enumerate(self.style))
        if self.deltas:
            # An average of stages may fall short of a whole number.
            counts = lambda row: row < self.stage.value + 0.5
            styles = [shared + jnp.where(counts(row), delta, 0.0) for row, delta in enumerate(styles, 1)]
        return jnp.stack([shared, *styles], 1)  # [N, L, D]

    def features(self, x, train: bool) -> list[Float[Array, "n h w c"]]:
        """Return the map that each row's head reads."""
        maps = self.body(x, train)
        if not self.pyramid:
            return [maps[-1]] * self.rows
        coarse = maps[-1]
        middle = enlarged(coarse, maps[-2]) + self.lateral1(maps[-2])
        fine = enlarged(middle, maps[-3]) + self.lateral2(maps[-3])
        return [coarse if row < COARSE else middle if row < MIDDLE else fine for row in range(self.rows)]


def enlarged(x: Float[Array, "n h w c"], like: Float[Array, "n h2 w2 d"]) -> Float[Array, "n h2 w2 c"]:
    """Resize maps to the size of others, linearly, with the corners' centres in the corners."""
    for axis in (1, 2):
        x = jnp.moveaxis(jnp.tensordot(corners(x.shape[axis], like.shape[axis]), x, ((1,), (axis,))), 0, axis)
    return x


def corners(size: int, to: int) -> Float[Array, "to size"]:
    """Return the matrix that interpolates `to` points from `size` points, first and last staying where they are."""
    at = jnp.linspace(0.0, size - 1.0, to) if to > 1 else jnp.zeros(1)
    return jnp.maximum(0.0, 1.0 - jnp.abs(at[:, None] - jnp.arange(size)))


def checked(resolution: int, widths, units, rows: int, w_dim: int, trunk: str, stages: int = 3, trunks=TRUNKS) -> None:
    """Raise ValueError unless the sizes make a trunk whose last map has a pixel."""
    if len(widths) != len(units) or len(widths) < stages:
        raise ValueError(f"widths {widths} and units {units} name different stages, or fewer than {stages}.")
    if min(*widths, *units, rows, w_dim) < 1:
        raise ValueError(f"widths {widths}, units {units}, rows {rows} and w_dim {w_dim} must be at least 1.")
    if resolution < 1 or resolution % 2 ** len(widths):
        raise ValueError(f"A map of {resolution} pixels a side does not divide by two in each of {len(widths)} stages.")
    if trunk not in trunks:
        raise ValueError(f"There is no trunk {trunk!r}; allowed: {', '.join(map(repr, trunks))}.")
