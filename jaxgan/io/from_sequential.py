"""From the small networks of PyTorch's tutorials and their many copies: perceptron GANs, VAEs and DCGANs.

Their files are bare state dicts with numbered layers: no class and no configuration. Sizes follow from the arrays;
what the arrays do not show (activations, the last non-linearity) is that of the published scripts, said below.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from jaxgan.core import Generator, Network
from jaxgan.io.names import MissingPart, Table, from_torch, generator, network, tensors
from jaxgan.io.records import UnreadableFile
from jaxgan.models import dcgan, gan

TITLE = "state dicts of perceptron GANs, VAEs and DCGANs in PyTorch's usual layers"
NUMBERED = r"((?:[A-Za-z_]\w*\.)?)(\d+)\.(weight|bias|running_mean|running_var|num_batches_tracked)"
COUNTERS = r".*num_batches_tracked"
VAE_NAMES: Table = (
    (r"params/draw/fc0/(weight|bias)", r"fc3.\1"),
    (r"params/draw/out/(weight|bias)", r"fc4.\1"),
    (r"params/fc0/(weight|bias)", r"fc1.\1"),
    (r"params/mean/(weight|bias)", r"fc21.\1"),
    (r"params/log_variance/(weight|bias)", r"fc22.\1"),
)
RESIZED = {"label_emb.weight", "l1.0.weight", "l1.0.bias"}


def recognise(value: Any) -> bool:
    """Tell whether a file is a state dict of one of these networks."""
    return kind(tensors(value)) != ""


def read(value: Any, part: str | None) -> Generator | Network:
    """Read the network: a generator or a discriminator, of a VAE the decoder ("G", if None) or the encoder ("E").

    Raises:
        MissingPart: The file holds another network than the part that is asked for.
        UnreadableFile: Its arrays do not make such a network.
    """
    arrays = tensors(value)
    readers = {
        "perceptron G": perceptron_generator,
        "perceptron D": perceptron_discriminator,
        "dcgan G": dcgan_generator,
        "dcgan D": dcgan_discriminator,
        "resized G": resized_generator,
        "vae": partial(vae, part=part or "G"),
    }
    found = kind(arrays)
    held = {"vae": ("G", "G_ema", "E")}.get(found, ("G", "G_ema") if found.endswith("G") else ("D",))
    if part is not None and part not in held:
        raise MissingPart(f"has no part '{part}'; it has {held[0] if found != 'vae' else 'G, E'}")
    return readers[found](arrays)


def kind(arrays: Mapping[str, np.ndarray]) -> str:
    """Name what a state dict is, "" if it is none of these."""
    shape = lambda name: arrays[name].shape
    if {"fc1.weight", "fc21.weight", "fc22.weight", "fc3.weight", "fc4.weight"} <= set(arrays):
        return "vae"
    if RESIZED - {"label_emb.weight"} <= set(arrays) and "conv_blocks.0.weight" in arrays:
        return "resized G"
    matches = [re.fullmatch(NUMBERED, name) for name in arrays]
    if not matches or not all(matches) or len({m[1] for m in matches if m}) != 1:
        return ""
    weights = [name for name in arrays if name.endswith("weight") and arrays[name].ndim > 1]
    if len(weights) < 2:
        return ""
    first, last = shape(weights[0]), shape(weights[-1])
    if all(len(shape(name)) == 2 for name in weights):
        chained = all(shape(a)[0] == shape(b)[1] for a, b in pairwise(weights))
        return "" if not chained else "perceptron D" if last[0] == 1 else "perceptron G"
    biased = any(name.replace("weight", "bias") in arrays for name in weights)  # as PatchGANs are, which look alike
    if biased or not all(len(shape(name)) == 4 and shape(name)[2:] == (4, 4) for name in weights):
        return ""
    chained = lambda out, into: all(shape(a)[out] == shape(b)[into] for a, b in pairwise(weights))
    if chained(0, 1) and last[0] == 1 and first[1] in (1, 3):
        return "dcgan D"
    return "dcgan G" if chained(1, 0) and last[1] in (1, 3) else ""


def layers(arrays: Mapping[str, np.ndarray]) -> tuple[str, list[int], list[np.ndarray]]:
    """Return the common prefix, the numbers of the weighted layers in order, and their weights."""
    found = {}
    for name in arrays:
        match = re.fullmatch(NUMBERED, name)
        if match and match[3] == "weight" and arrays[name].ndim > 1:
            found[int(match[2])] = (match[1], arrays[name])
    order = sorted(found)
    return found[order[0]][0], order, [found[i][1] for i in order]


def square(pixels: int) -> tuple[int, int]:
    """Return side and channels of flattened images: grey if that makes a square, else colour."""
    for channels in (1, 3):
        side = math.isqrt(pixels // channels)
        if side * side * channels == pixels:
            return side, channels
    raise UnreadableFile(f"draws {pixels} numbers, which make no square image")


def flat(path: str, array: np.ndarray, *, side: int, channels: int, end: str) -> np.ndarray:
    """Lay out a matrix whose rows (end="out") or columns (end="fc0") are images, channels first in torch."""
    if f"/{end}/" not in path or channels == 1:
        return from_torch(path, array)
    if array.ndim == 1:
        return array.reshape(channels, side, side).transpose(1, 2, 0).reshape(-1)
    if end == "fc0":
        array = array.reshape(-1, channels, side, side).transpose(0, 2, 3, 1).reshape(len(array), -1)
        return array.T
    return array.reshape(channels, side, side, -1).transpose(1, 2, 0, 3).reshape(-1, array.shape[1]).T


def perceptron_table(prefix: str, order: list[int], stem: str) -> Table:
    """Our layers fc0, fc1, ..., out by the numbers that they have in the file."""
    named = [*(f"fc{i}" for i in range(len(order) - 1)), "out"]
    return tuple(
        (rf"params/{stem}{ours}/(weight|bias)", rf"{prefix}{number}.\1")
        for ours, number in zip(named, order, strict=True)
    )


def perceptron_generator(arrays: Mapping[str, np.ndarray]) -> Generator:
    """Read a generator: linear layers with ReLU between them and tanh behind, as in the MNIST GANs of the tutorials."""
    prefix, order, weights = layers(arrays)
    side, channels = square(weights[-1].shape[0])
    hidden = tuple(int(w.shape[0]) for w in weights[:-1])
    arch = gan.arch(side, channels=channels, z_dim=int(weights[0].shape[1]), hidden=hidden)
    layout = partial(flat, side=side, channels=channels, end="out")
    # An out layer's bias is an image too; that of a hidden layer is a vector.
    return generator(arch, arrays, perceptron_table(prefix, order, "draw/"), layout)


def perceptron_discriminator(arrays: Mapping[str, np.ndarray]) -> Network:
    """Read a discriminator: linear layers with leaky ReLU of 0.2 between; the sigmoid behind is left to the loss."""
    prefix, order, weights = layers(arrays)
    side, channels = square(weights[0].shape[1])
    config = dict(resolution=side, channels=channels, hidden=tuple(int(w.shape[0]) for w in weights[:-1]))
    module = gan.discriminator(**config)  # pyright: ignore[reportArgumentType]
    layout = lambda path, array: (
        flat(path, array, side=side, channels=channels, end="fc0") if array.ndim == 2 else array
    )
    return network(module, "gan.discriminator", config, arrays, perceptron_table(prefix, order, ""), layout)


def vae(arrays: Mapping[str, np.ndarray], part: str) -> Generator | Network:
    """Read the decoder, or the encoder, of PyTorch's example VAE: one hidden layer each, ReLU, and a sigmoid."""
    encoder = [name for name in arrays if re.match(r"fc(1|21|22)\.", name)]
    decoder = [name for name in arrays if re.match(r"fc[34]\.", name)]
    left = [name for name in arrays if name not in (*encoder, *decoder)]
    if left:
        raise UnreadableFile(f"its VAE does not match its configuration; unknown: {', '.join(left[:5])}")
    side, channels = square(arrays["fc4.weight"].shape[0])
    z_dim = int(arrays["fc3.weight"].shape[1])
    if part != "E":
        arch = gan.arch(
            side, channels=channels, z_dim=z_dim, hidden=(int(arrays["fc3.weight"].shape[0]),), output="sigmoid"
        )
        layout = partial(flat, side=side, channels=channels, end="out")
        return generator(arch, {n: arrays[n] for n in decoder}, VAE_NAMES, layout)
    config = dict(resolution=side, channels=channels, z_dim=z_dim, hidden=(int(arrays["fc1.weight"].shape[0]),))
    layout = lambda path, array: (
        flat(path, array, side=side, channels=channels, end="fc0") if array.ndim == 2 else array
    )
    return network(
        gan.encoder(**config),  # pyright: ignore[reportArgumentType]
        "gan.encoder",
        config,
        {n: arrays[n] for n in encoder},
        VAE_NAMES,
        layout,
    )


def norms(prefix: str, ours: str, theirs: str, stem: str = "") -> Table:
    """The rows of one batch normalisation."""
    return (
        (rf"params/{stem}{ours}/(weight|bias)", rf"{prefix}{theirs}.\1"),
        (rf"buffers/{stem}{ours}/(mean|var)", rf"{prefix}{theirs}.running_\1"),
    )


def dcgan_discriminator(arrays: Mapping[str, np.ndarray]) -> Network:
    """Read PyTorch's example discriminator: convolutions 4x4, batch normalisation behind all but the first and last.

    The number of layers says the size of the images, 4 2^n; but grey ones of three halvings count as MNIST's 28x28,
    whose last layer stands in a frame of zeros.
    """
    prefix, order, weights = layers(arrays)
    channels, levels = int(weights[0].shape[1]), len(weights) - 1
    side = 28 if channels == 1 and levels == 3 else 4 << levels
    config = dict(resolution=side, channels=channels, widths=tuple(int(w.shape[0]) for w in weights[:-1]))
    # Three downs of 28 leave 3x3: the published script reads them with stride 2 and a frame of one pixel.
    table: Table = ((r"params/head", rf"{prefix}{order[-1]}.weight"),)
    for i, number in enumerate(order[:-1]):
        table += ((rf"params/conv{i}/weight", rf"{prefix}{number}.weight"),)
        table += norms(prefix, f"norm{i}", str(number + 1)) if i else ()
    module = dcgan.discriminator(**config)  # pyright: ignore[reportArgumentType]
    return network(module, "dcgan.discriminator", config, arrays, table, ignored=COUNTERS)


def dcgan_generator(arrays: Mapping[str, np.ndarray]) -> Generator:
    """Read PyTorch's example generator: transposed convolutions 4x4 with batch normalisation and ReLU, and tanh."""
    prefix, order, weights = layers(arrays)
    widths = tuple(int(w.shape[1]) for w in weights[:-1])  # [I, O, 4, 4]
    arch = dcgan.arch(
        4 << len(widths), channels=int(weights[-1].shape[1]), z_dim=int(weights[0].shape[0]), widths=widths
    )
    table: Table = ((r"params/draw/image/weight", rf"{prefix}{order[-1]}.weight"),)
    for i, number in enumerate(order[:-1]):
        ours = "stem" if i == 0 else f"conv{4 << i}"
        table += ((rf"params/draw/{ours}/weight", rf"{prefix}{number}.weight"),)
        table += norms(prefix, f"norm{4 << i}", str(number + 1), "draw/")

    def layout(path, array):
        if path.endswith("stem/weight"):
            return array.transpose(0, 2, 3, 1).reshape(len(array), -1)
        return array.transpose(2, 3, 0, 1) if array.ndim == 4 else array

    return generator(arch, arrays, table, layout, ignored=COUNTERS)


def resized_generator(arrays: Mapping[str, np.ndarray]) -> Generator:
    """Read a generator that doubles pixels and convolves, with or without a label embedding, from PyTorch-GAN's copies.

    Those scripts say BatchNorm2d(channels, 0.8), which sets eps, for all but the first; so it is here.
    """
    convs = sorted(
        int(m[1]) for n in arrays if (m := re.fullmatch(r"conv_blocks\.(\d+)\.weight", n)) and arrays[n].ndim == 4
    )
    widths = (len(arrays["conv_blocks.0.weight"]), *(int(arrays[f"conv_blocks.{i}.weight"].shape[0]) for i in convs))
    channels, widths = widths[-1], tuple(widths[:-1])
    outputs, inputs = arrays["l1.0.weight"].shape
    start = math.isqrt(outputs // widths[0])
    classes, embed = arrays["label_emb.weight"].shape if "label_emb.weight" in arrays else (0, 0)
    arch = dcgan.arch(
        start << (len(widths) - 1),
        channels=channels,
        classes=int(classes),
        z_dim=int(inputs - embed),
        widths=widths,
        embed=int(embed) or None,
        kernel=int(arrays[f"conv_blocks.{convs[0]}.weight"].shape[2]),
        up="nearest",
        start=start,
        eps=0.8,
    )
    table: Table = (
        (r"params/draw/embed/weight", "label_emb.weight"),
        (r"params/draw/stem/(weight|bias)", r"l1.0.\1"),
        (r"params/draw/image/(weight|bias)", rf"conv_blocks.{convs[-1]}.\1"),
        *norms("conv_blocks.", f"norm{start}", "0", "draw/"),
    )
    for i, number in enumerate(convs[:-1], 1):
        table += ((rf"params/draw/conv{start << i}/(weight|bias)", rf"conv_blocks.{number}.\1"),)
        table += norms("conv_blocks.", f"norm{start << i}", str(number + 1), "draw/")

    def layout(path, array):
        if path.endswith("embed/weight"):
            return array
        if "/stem/" in path:
            rows = array.reshape(widths[0], start, start, -1).transpose(1, 2, 0, 3).reshape(outputs, -1)
            return rows.T if array.ndim == 2 else rows[:, 0]
        return from_torch(path, array)

    return generator(arch, arrays, table, layout, ignored=COUNTERS)
