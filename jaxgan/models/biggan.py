"""BigGAN and BigGAN-deep: z -> z+ -> x.

A code of z+ holds for the first layer and for each block what it may read: z, and behind it the embedding of the class.

Source: Brock, Donahue and Simonyan, "Large Scale GAN Training for High Fidelity Natural Image Synthesis" (2019),
appendix B; block `i` is the i-th of its tables. Different: biases start at 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan.core.generator import Affine, Arch, Context, Generator, Stage, known, normal
from jaxgan.nn.attention import Attention
from jaxgan.nn.normalize import BatchNorm, Levels
from jaxgan.nn.residual import Block, DiscriminatorBlock, GeneratorBlock, Norm
from jaxgan.nn.spectral import INITS, Conv, Dense, Embedding
from jaxgan.nn.taps import tap

NAME = "biggan"
# Channels between the stages, in multiples of `width`, from the first to the last. 8 and 16 pixels follow 32.
GENERATOR = {
    8: (4, 4),
    16: (4, 4, 4),
    32: (4, 4, 4, 4),
    64: (16, 16, 8, 4, 2),
    128: (16, 16, 8, 4, 2, 1),
    256: (16, 16, 8, 8, 4, 2, 1),
    512: (16, 16, 8, 8, 4, 2, 1, 1),
}
DISCRIMINATOR = {
    8: (4, 4),
    16: (4, 4, 4),
    32: (4, 4, 4, 4),
    64: (1, 2, 4, 8, 16),
    128: (1, 2, 4, 8, 16, 16),
    256: (1, 2, 4, 8, 8, 16, 16),
    512: (1, 1, 2, 4, 8, 8, 16, 16),
}


def generator_blocks(
    resolution: int, width: int, deep: bool = False, depth: int = 2, multiples: tuple[int, ...] | None = None
) -> tuple[Block, ...]:
    """List the generator's blocks. The deep one has `depth` a stage: the last changes width and resolution."""
    widths, blocks, r = [width * m for m in multiples or GENERATOR[resolution]], [], 4
    for a, b in pairwise(widths):
        for _ in range(depth - 1 if deep else 0):
            blocks.append(Block(len(blocks), a, a, False, r, False))
        r *= 2
        blocks.append(Block(len(blocks), a, b, True, r, True))
    return tuple(blocks)


def discriminator_blocks(
    resolution: int, width: int, channels: int = 3, deep: bool = False, depth: int = 2
) -> tuple[Block, ...]:
    """List the discriminator's blocks. The deep one has `depth` a stage: the first changes width and resolution.

    Halving ends at 4 pixels, that of the 32-pixel network at 8.
    """
    widths, blocks, r = [width * m for m in DISCRIMINATOR[resolution]], [], resolution
    widths = widths if deep else [channels, *widths]
    for a, b in pairwise(widths):
        resample = r > (8 if resolution == 32 else 4)
        r = r // 2 if resample else r
        for i in range(depth if deep else 1):
            first, last = i == 0, not deep or i == depth - 1
            blocks.append(Block(len(blocks), a if first else b, b, resample and first, r, last))
    return tuple(blocks)


def attended(blocks: tuple[Block, ...], attention: tuple[int, ...] | None) -> tuple[int, ...]:
    """Return the numbers of the blocks that attention follows: all that close one of its resolutions.

    None puts attention at 64 pixels, as published, where there are any.
    """
    there = {b.resolution for b in blocks if b.closes}
    wrong = sorted(set(attention or ()) - there)
    if wrong:
        raise ValueError(f"Attention is asked for at {wrong} pixels, there are stages of {sorted(there)}.")
    return tuple(b.index for b in blocks if b.closes and b.resolution in ((64,) if attention is None else attention))


class Latent(nn.Module):
    """Append the embedding of the class to z, and hand the whole to every layer: z [N, D] -> z+ [N, L, D + E].

    Truncation scales z in the first `cutoff` rows. Without a shared embedding the condition stands in its place.
    """

    rows: int
    classes: int
    shared_dim: int
    initial: str

    @nn.compact
    def __call__(self, z, context: Context):
        n, width = z.shape
        z = jnp.broadcast_to(z[:, None], (n, self.rows, width))
        if context.psi is not None:
            cutoff = self.rows if context.cutoff is None else context.cutoff
            z = jnp.where(jnp.arange(self.rows)[:, None] < cutoff, context.psi * z, z)
        if not self.classes:
            return z
        e = context.cond
        if self.shared_dim:
            e = Dense(self.shared_dim, bias=False, normalise=False, initial=self.initial, name="shared")(e)
        return jnp.concatenate([z, jnp.broadcast_to(e[:, None], (n, self.rows, e.shape[1]))], axis=-1)


class Synthesis(nn.Module):
    """Draw images [N, H, W, channels] from z+ [N, L, D + E]."""

    blocks: tuple[Block, ...]
    attention: tuple[int, ...]  # blocks that it follows
    reads: tuple[tuple[int, int], ...]  # for each row of z+ the coordinates of z
    z_dim: int
    deep: bool
    tables: bool
    channels: int
    rgb_width: int
    norm: Norm

    @nn.compact
    def __call__(self, zp, context: Context):
        train, n = context.train, zp.shape[0]
        z, e = zp[..., : self.z_dim], zp[..., self.z_dim :]
        read = lambda row: z[:, row, slice(*self.reads[row])]
        with_class = lambda row: jnp.concatenate([e[:, row], read(row)], axis=-1)
        features = self.blocks[0].inputs
        first = Dense(16 * features, name="linear", **self.norm.weights())
        x = first(with_class(0) if self.deep else read(0), train).reshape(n, 4, 4, features)
        x = tap(self, context, "h0", x)
        for b in self.blocks:
            layer = GeneratorBlock(b, self.deep, self.norm, self.tables, name=f"block{b.index}")
            x = tap(self, context, f"h{b.index + 1}", layer(x, with_class(b.index + 1), train))
            if b.index in self.attention:
                layer = Attention(**self.norm.weights(), name=f"attention{b.index}")
                x = tap(self, context, f"a{b.index + 1}", layer(x, train))
        x = nn.relu(BatchNorm(**self.norm.batch(), name="bn")(x, train))
        x = Conv(self.rgb_width, name="rgb", **self.norm.weights())(x, train)
        return jnp.tanh(x[..., : self.channels])


class Truncated(NamedTuple):
    """Prior `scale` times a standard normal whose values beyond the bound are drawn again."""

    bound: float
    scale: float = 1.0

    def __call__(self, key, shape):
        return self.scale * jax.random.truncated_normal(key, -self.bound, self.bound, shape)


def check(resolution: int, table: dict, initial: str, depth: int) -> None:
    if resolution not in table:
        raise ValueError(f"Resolution {resolution} is not one of {', '.join(map(str, table))}.")
    if depth < 1:
        raise ValueError(f"depth is {depth}, it must be at least 1.")
    known(initial, tuple(INITS), "initialisation")


def arch(
    resolution: int = 128,
    *,
    channels: int = 3,
    classes: int = 0,
    width: int = 96,
    multiples: tuple[int, ...] | None = None,
    deep: bool = False,
    depth: int = 2,
    z_dim: int | None = None,
    hierarchical: bool = True,
    shared_dim: int = 128,
    attention: tuple[int, ...] | None = None,
    truncation: float | None = None,
    statistics: int = 1,
    swapped: bool = False,
    bn_eps: float = 1e-5,
    bn_momentum: float = 0.1,
    bn_groups: int = 1,
    spectral: bool = True,
    stored: bool = False,
    sn_eps: float = 1e-6,
    rgb_width: int | None = None,
    initial: str = "ortho",
) -> Arch:
    """Describe a BigGAN generator.

    Args:
        resolution: Side of the images, a power of two from 8 to 512.
        channels: Image channels.
        classes: Width of the condition, 0 for none.
        width: Channels are multiples of it (`ch` in the paper).
        multiples: Of the width, between the stages from 4 pixels on; the published ones of the resolution when None.
        deep: Whether it is BigGAN-deep.
        depth: Blocks a stage of the deep one.
        z_dim: Width of z; None for 128 in the deep one, else for 20 (at 512 pixels 16) a layer that reads a part of it.
        hierarchical: Whether every block reads z: its own part of it, in the deep one all. Else z enters at 4x4 only.
        shared_dim: Width of the class embedding that the blocks share; 0 gives each gain and bias a table of its own.
        attention: Resolutions of self-attention; 64 pixels when None, if there are as many.
        truncation: The prior, see `truncated`; None is the standard normal one.
        statistics: Rows of running statistics, each for a truncation of i / (rows - 1); 1 is a batch norm as usual.
        swapped: Read between the rows as pytorch-pretrained-BigGAN does, with the two weights exchanged.
        bn_eps, bn_momentum: Of batch norm.
        bn_groups: Parts of the batch that are normalised alone in training, see `nn.normalize.BatchNorm`: 1 is the
            cross-replica form of the paper, the number of devices the per-device form of most published runs.
        spectral, stored, sn_eps: Spectral norm of all weights but the shared embedding, see `nn.spectral.spectral`.
        rgb_width: Outputs of the last convolution, of which the first are the image; `channels` when None.
        initial: Of the weights: "ortho", "normal" or "glorot".
    """
    config = dict(locals())
    multiples = None if multiples is None else tuple(multiples)
    check(resolution, GENERATOR, initial, depth)
    if multiples is not None and resolution != 2 << len(multiples):
        raise ValueError(f"{len(multiples)} multiples lead to {2 << len(multiples)} pixels, not to {resolution}.")
    blocks = generator_blocks(resolution, width, deep, depth, multiples)
    rows = len(blocks) + 1
    attention = None if attention is None else tuple(attention)
    follows = attended(blocks, attention)
    parts = hierarchical and not deep
    z = z_dim or ((16 if resolution == 512 else 20) * rows if parts else 128)
    if parts and z % rows:
        raise ValueError(f"z_dim {z} is not divisible by the {rows} layers that read it; {z - z % rows} is.")
    if not hierarchical and (deep or not classes):
        raise ValueError("Blocks that read neither z nor a class cannot be modulated; leave hierarchical on.")
    tables = bool(classes) and not shared_dim
    if tables and hierarchical:
        raise ValueError(
            "shared_dim 0 gives every block a table of the classes, which cannot read z; see hierarchical."
        )
    if statistics > 1 and not 0 <= (1.0 if truncation is None else truncation) <= 1:
        raise ValueError(f"truncation is {truncation}, the statistics are for 0 to 1.")
    if truncation is not None and truncation <= 0:
        raise ValueError(f"truncation is {truncation}, it must be greater than 0.")
    chunk = z // rows if parts else z
    if parts:
        reads = tuple((i * chunk, (i + 1) * chunk) for i in range(rows))
    else:
        reads = ((0, z),) + ((0, z if hierarchical else 0),) * len(blocks)
    embed = 0 if not classes else shared_dim or classes
    level = 1.0 if truncation is None else float(truncation)
    levels = Levels(statistics, level, swapped) if statistics > 1 else None
    norm = Norm(bn_eps, bn_momentum, bn_groups, levels, spectral, stored, sn_eps, initial)
    sizes = (blocks, follows, reads, z, deep, tables, channels, rgb_width or channels)
    prior = Truncated(2.0, level) if levels else normal if truncation is None else Truncated(level)
    return Arch(
        name=NAME,
        config=tuple(sorted({**config, "attention": attention, "multiples": multiples}.items())),
        stages=(
            Stage("z", "z+", Latent(rows, classes, shared_dim, initial, name="latent")),
            Stage("z+", "x", Synthesis(*sizes, norm, name="synthesis")),
        ),
        shapes=(("z", (z,)), ("z+", (rows, z + embed))),
        resolution=resolution,
        channels=channels,
        classes=classes,
        affines=affines(blocks, reads, embed, deep),
        taps=("h0", *(t for b in blocks for t in taps(b, follows))),
        truncates="" if levels else "z",
        prior=prior,
    )


def taps(block: Block, follows: tuple[int, ...]) -> tuple[str, ...]:
    """Names of the activations behind a block and its attention, by the row of z+ that the block reads."""
    row = block.index + 1
    return (f"h{row}", f"a{row}") if block.index in follows else (f"h{row}",)


def affines(blocks: tuple[Block, ...], reads, embed: int, deep: bool) -> tuple[Affine, ...]:
    """List the maps that read z: the first layer, and the gain and bias of every batch norm, behind the class."""
    into = lambda row, skip: (skip, reads[row][0], reads[row][1] - reads[row][0])
    found = [Affine("linear", 0, ("synthesis", "linear", "weight"), reads=into(0, embed if deep else 0))]
    for b in blocks:
        if reads[b.index + 1][1] == 0:
            continue
        for bn in ("bn1", "bn2", "bn3", "bn4")[: 4 if deep else 2]:
            for part in ("gain", "bias"):
                path = ("synthesis", f"block{b.index}", bn, part, "weight")
                found.append(Affine(f"block{b.index}_{bn}_{part}", b.index + 1, path, reads=into(b.index + 1, embed)))
    return tuple(found)


def truncated(g: Generator, truncation: float | None, *, swapped: bool = False) -> Generator:
    """Return the generator with another prior: codes drawn from it trade variety for quality.

    Of a generator with one row of statistics, the components of z beyond +-truncation are drawn again. Of one with
    rows of statistics for truncations, z is truncation * (a normal whose components beyond +-2 are drawn again) and
    the statistics are those of the truncation. None gives back the prior of training.

    Args:
        g: The generator.
        truncation: Bound of z, or level of the statistics in (0, 1].
        swapped: Read between two rows of statistics as pytorch-pretrained-BigGAN does, each with the other's weight;
            to get the images that it gives.

    Raises:
        ValueError: It is not positive, or beyond the statistics.

    Source: Brock et al. (2019), section 3.1; the second form is that of the published TensorFlow Hub modules.
    """
    return g.replace(arch=arch(**{**dict(g.arch.config), "truncation": truncation, "swapped": swapped}))


def standing(g: Generator, key, *, passes: int = 16, batch: int = 64) -> Generator:
    """Return the generator with standing statistics: batch statistics of whole passes, averaged with equal weights.

    Args:
        g: The generator; its own running statistics are forgotten.
        key: Random key of the codes and classes, which come from its prior.
        passes: How many passes.
        batch: Codes a pass.

    Raises:
        ValueError: The generator has rows of statistics for truncations, which belong to its file.

    Source: Brock et al. (2019), section 3 and appendix B.
    """
    config = dict(g.arch.config)
    if config["statistics"] > 1:
        raise ValueError(f"The generator has {config['statistics']} rows of statistics; one row can be averaged anew.")
    newest = g.replace(arch=arch(**{**config, "bn_momentum": 1.0}))
    total: Any = None
    for k in jax.random.split(key, passes):
        buffers = newest.in_training(newest.sample(k, batch))[1]
        total = buffers if total is None else jax.tree.map(jnp.add, total, buffers)
    of_batch = lambda path, old, new: new / passes if path[-1].key in ("mean", "var") else old
    return g.replace(buffers=jax.tree_util.tree_map_with_path(of_batch, g.buffers, total))


class Discriminator(nn.Module):
    """Score images [N, H, W, channels] in [-1, 1]; returns logits [N, 1]. The fields are those of `discriminator`."""

    resolution: int
    channels: int
    classes: int
    width: int
    deep: bool
    depth: int
    attention: tuple[int, ...] | None
    wide: bool
    sn_eps: float
    initial: str

    @nn.compact
    def __call__(self, images, cond=None, train: bool = False):
        if self.classes and cond is None:
            raise ValueError(f"This discriminator is conditional: give cond [N, {self.classes}].")
        blocks = discriminator_blocks(self.resolution, self.width, self.channels, self.deep, self.depth)
        follows = attended(blocks, self.attention)
        weights: dict[str, Any] = dict(eps=self.sn_eps, initial=self.initial)
        x = images
        if self.deep:
            x = Conv(blocks[0].inputs, name="stem", **weights)(x, train)
        for b in blocks:
            named = f"block{b.index}"
            x = DiscriminatorBlock(b, self.deep, self.wide, tuple(weights.items()), name=named)(x, train)
            if b.index in follows:
                x = Attention(name=f"attention{b.index}", **weights)(x, train)
        h = nn.relu(x).sum((1, 2))  # [N, C]
        logits = Dense(1, name="linear", **weights)(h, train)
        if self.classes:
            e = Embedding(h.shape[1], name="embed", **weights)(cond, train)
            logits = logits + jnp.sum(e * h, axis=1, keepdims=True)
        return logits


def discriminator(
    resolution: int = 128,
    *,
    channels: int = 3,
    classes: int = 0,
    width: int = 96,
    deep: bool = False,
    depth: int = 2,
    attention: tuple[int, ...] | None = None,
    wide: bool = True,
    sn_eps: float = 1e-6,
    initial: str = "ortho",
) -> Discriminator:
    """Describe a BigGAN discriminator; with classes it scores their agreement by a projection, sum(embed(c) h).

    Args:
        resolution, channels, classes, width, deep, depth, attention, sn_eps, initial: As for `arch`.
        wide: Whether a block's first convolution has its outputs' channels already; the deep one has a bottleneck.

    Source: Brock et al. (2019), appendix B; Miyato and Koyama, "cGANs with Projection Discriminator" (2018).
    """
    config = dict(locals())
    check(resolution, DISCRIMINATOR, initial, depth)
    attended(discriminator_blocks(resolution, width, channels, deep, depth), attention)
    return Discriminator(**{**config, "attention": None if attention is None else tuple(attention)})


@dataclass(frozen=True)
class Preset:
    """A published size: arguments of `arch` and, but for z_dim, of `discriminator`."""

    resolution: int
    width: int
    deep: bool = False
    z_dim: int | None = None


PRESETS = {
    "biggan64": Preset(64, 64, z_dim=100),
    "biggan128": Preset(128, 96, z_dim=120),
    "biggan256": Preset(256, 96, z_dim=140),
    "biggan512": Preset(512, 96, z_dim=128),
    "biggan_deep128": Preset(128, 128, True, 128),
    "biggan_deep256": Preset(256, 128, True, 128),
    "biggan_deep512": Preset(512, 128, True, 128),
    "cifar32": Preset(32, 64, z_dim=128),
}
