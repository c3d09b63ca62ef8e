"""EigenGAN: a chain of stages, each with a linear subspace whose coordinates are part of the code.

The space "z" is the noise and, behind it, the coordinates of every stage: z = [eps (z_dim), z_1 (basis), ..., z_L].
A coordinate is an axis of z, so an edit of one is a move along a unit vector; `directions.native` lists them.

Source: He et al., "EigenGAN: Layer-Wise Eigen-Learning for GANs" (2021), section 3. Layers are those of the PyTorch
port by bryandlee: one more convolution of the subspace with each feature convolution, and no upsampling but by
transposed convolutions.
"""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan.core.generator import Affine, Arch, Axis, Context, Stage
from jaxgan.nn.plain import ACTIVATIONS, Conv, Dense
from jaxgan.nn.taps import tap

NAME = "eigengan"


def widths(resolution: int, base: int, limit: int) -> tuple[int, ...]:
    """Channels at 4x4 and behind each stage: `base` at the full resolution, doubled for each coarser one."""
    levels = resolution.bit_length() - 3  # stages that double 4x4 to the resolution
    return tuple(min(base << (levels - i), limit) for i in range(levels + 1))


class Subspace(nn.Module):
    """Place a point of a stage's subspace among its features, phi = U diag(L) z + mu.

    `basis` [K, H W C] starts with orthonormal rows, `length` [K] with 3K, 3(K-1), ..., 3, `mean` [H W C] with 0.
    """

    shape: tuple[int, int, int]

    @nn.compact
    def __call__(self, z):
        count = z.shape[-1]
        size = self.shape[0] * self.shape[1] * self.shape[2]
        basis = self.param("basis", nn.initializers.orthogonal(), (count, size))
        length = self.param("length", lambda key, shape: 3.0 * jnp.arange(count, 0, -1), (count,))
        mean = self.param("mean", nn.initializers.zeros, (size,))
        return ((length * z) @ basis + mean).reshape(-1, *self.shape)


class Block(nn.Module):
    """Add a point of the subspace to the features and double the resolution."""

    features: int

    @nn.compact
    def __call__(self, x, z):
        act = ACTIVATIONS["lrelu"]
        phi = Subspace(x.shape[1:], name="subspace")(z)
        x = x + Conv(x.shape[-1], 1, name="subspace_conv1")(phi)
        x = Conv(self.features, 3, "up", name="feature_conv1")(act(x))
        x = x + Conv(self.features, 3, "up", name="subspace_conv2")(phi)
        return Conv(self.features, 3, name="feature_conv2")(act(x))


class Draw(nn.Module):
    """Draw images [N, H, W, channels] from noise and coordinates."""

    channels: int
    z_dim: int
    basis: int
    widths: tuple[int, ...]

    @nn.compact
    def __call__(self, z, context: Context):
        noise, coordinates = z[:, : self.z_dim], z[:, self.z_dim :]
        x = Dense(4 * 4 * self.widths[0], name="fc")(noise).reshape(-1, 4, 4, self.widths[0])
        x = tap(self, context, "b4", x)
        for i, features in enumerate(self.widths[1:]):
            own = coordinates[:, i * self.basis : (i + 1) * self.basis]
            x = Block(features, name=f"b{8 << i}_block")(x, own)
            x = tap(self, context, f"b{8 << i}", x)
        return jnp.tanh(Conv(self.channels, 7, name="image")(ACTIVATIONS["lrelu"](x)))


def arch(
    resolution: int = 256,
    *,
    channels: int = 3,
    z_dim: int = 512,
    basis: int = 6,
    channel_base: int = 16,
    channel_max: int = 512,
) -> Arch:
    """Describe an EigenGAN generator.

    Args:
        resolution: Side of the images, a power of two of at least 8.
        channels: Image channels.
        z_dim: Width of the noise; codes have `basis` further coordinates for each of the stages behind it.
        basis: Dimensions of each stage's subspace.
        channel_base: Channels at the full resolution, doubled for each coarser one.
        channel_max: Most channels.
    """
    check(resolution)
    config = dict(
        resolution=resolution,
        channels=channels,
        z_dim=z_dim,
        basis=basis,
        channel_base=channel_base,
        channel_max=channel_max,
    )
    sizes = widths(resolution, channel_base, channel_max)
    stages = len(sizes) - 1
    axes = tuple(Axis(f"b{4 << i}_{k}", "z", z_dim + i * basis + k) for i in range(stages) for k in range(basis))
    return Arch(
        name=NAME,
        config=tuple(sorted(config.items())),
        stages=(Stage("z", "x", Draw(channels, z_dim, basis, sizes, name="draw")),),
        shapes=(("z", (z_dim + stages * basis,)),),
        resolution=resolution,
        channels=channels,
        affines=(Affine("fc", 0, ("draw", "fc", "weight"), reads=(0, 0, z_dim)),),
        taps=tuple(f"b{4 << i}" for i in range(stages + 1)),
        axes=axes,
    )


def check(resolution: int) -> None:
    if resolution < 8 or resolution & (resolution - 1):
        raise ValueError(f"Resolution {resolution} is not a power of two of at least 8.")


class Discriminator(nn.Module):
    """Score images [N, H, W, channels] in [-1, 1]; returns logits [N, 1]. The fields are those of `discriminator`."""

    resolution: int
    channels: int
    channel_base: int
    channel_max: int
    classes: int = 0

    @nn.compact
    def __call__(self, images, cond=None):
        act, sizes = ACTIVATIONS["lrelu"], widths(self.resolution, self.channel_base, self.channel_max)[::-1]
        convolution = lambda features, name, resample="": Conv(features, 3, resample, penalised=True, name=name)
        x = act(Conv(sizes[0], 7, name="image")(images))
        for i, features in enumerate(sizes[1:]):
            r = self.resolution >> i
            x = act(convolution(x.shape[-1], f"b{r}_conv0")(x))
            x = act(convolution(features, f"b{r}_conv1", "down")(x))
        x = act(convolution(x.shape[-1], "b4_conv")(x)).reshape(x.shape[0], -1)
        return Dense(1, name="out")(act(Dense(sizes[-1], name="fc")(x)))


def discriminator(
    resolution: int = 256, *, channels: int = 3, channel_base: int = 16, channel_max: int = 512
) -> Discriminator:
    """Describe an EigenGAN discriminator: convolutions with stride 2 down to 4x4, and two dense layers.

    Args:
        resolution, channels, channel_base, channel_max: As for `arch`.
    """
    check(resolution)
    return Discriminator(resolution, channels, channel_base, channel_max)


def orthogonality(params, mean: bool = False) -> jax.Array:
    """Measure how far the bases of a generator's subspaces are from orthonormal.

        sum_i || U_i U_i^T - I ||^2 / 2,     or the mean of all squared entries when `mean`

    Source: He et al. (2021), equation 9 with weight 1; the PyTorch port takes means, with weight 100.
    """
    bases = [branch["subspace"]["basis"] for branch in params["draw"].values() if "subspace" in branch]
    squares = [jnp.square(u @ u.T - jnp.eye(len(u))) for u in bases]
    each = jnp.stack([s.mean() if mean else s.sum() / 2 for s in squares])
    return each.mean() if mean else each.sum()


# The sizes of the authors' CelebA and of the port's FFHQ generators.
PRESETS = {"celeba256": {"arch": dict(resolution=256), "discriminator": dict(resolution=256)}}
