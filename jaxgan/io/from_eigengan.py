"""From the PyTorch EigenGAN by bryandlee, and the names of its layers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxgan.core import Generator, Network
from jaxgan.io.names import Table, chosen, from_torch, generator, network, parts
from jaxgan.io.records import UnreadableFile
from jaxgan.models import eigengan

TITLE = "EigenGAN of eigengan-pytorch"
PARTS = {"g_ema": "G_ema", "g": "G", "d": "D"}  # as the training script names them
FIRST = "blocks.0.projection.U"


def recognise(value: Any) -> bool:
    """Tell whether a file holds an EigenGAN generator, alone or with its discriminator."""
    return any(FIRST in arrays for arrays in held(value).values())


def read(value: Any, part: str | None) -> Generator | Network:
    """Read "G_ema" (if None and there is one), "G" or "D".

    Raises:
        UnreadableFile: The part is not there, or its arrays do not make an EigenGAN.
    """
    arrays = chosen(held(value), part)
    return generator_of(arrays) if FIRST in arrays else discriminator_of(arrays)


def held(value: Any) -> dict[str, dict[str, np.ndarray]]:
    """Return the state dicts of a file by our names of its parts."""
    found = parts(value, ("G", "D", "G_ema", *PARTS))
    return {PARTS.get(name, name): arrays for name, arrays in found.items()}


def generator_of(arrays: Mapping[str, np.ndarray]) -> Generator:
    """Fill the generator whose sizes the arrays show."""
    stages = 1 + max(int(m[1]) for name in arrays if (m := re.match(r"blocks\.(\d{1,2})\.", name)))
    channels, base = shape(arrays, "to_rgb.0.1.weight", 4)[:2]
    wide, z_dim = shape(arrays, "fc.weight", 2)
    config = dict(channels=channels, z_dim=z_dim, channel_base=base, channel_max=wide // 16)
    arch = eigengan.arch(4 << stages, basis=shape(arrays, FIRST, 2)[0], **config)
    at = lambda m: str(int(m[1]).bit_length() - 4)  # b8_block is the first
    table: Table = (
        (r"params/draw/fc/(weight|bias)", r"fc.\1"),
        (r"params/draw/image/(weight|bias)", r"to_rgb.0.1.\1"),
        (r"params/draw/b(\d+)_block/subspace/(basis|length|mean)", lambda m: f"blocks.{at(m)}.projection.{OF[m[2]]}"),
        (r"params/draw/b(\d+)_block/(subspace_conv\d)/(weight|bias)", lambda m: f"blocks.{at(m)}.{m[2]}.0.{m[3]}"),
        (r"params/draw/b(\d+)_block/(feature_conv\d)/(weight|bias)", lambda m: f"blocks.{at(m)}.{m[2]}.1.{m[3]}"),
    )
    return generator(arch, arrays, table, laid_out)


OF = {"basis": "U", "length": "L", "mean": "mu"}


def laid_out(path: str, array: np.ndarray) -> np.ndarray:
    """Bring an array to our layout: every convolution but the last is transposed in torch, [I, O, k, k].

    One of stride 1 is an ordinary convolution with the kernel turned around. What is flattened is channels first.
    """
    if array.ndim == 4 and "/image/" not in path:
        stretched = re.search(r"(feature_conv1|subspace_conv2)/weight", path)
        array = array.transpose(2, 3, 0, 1)
        return array if stretched else array[::-1, ::-1]
    inside = re.search(r"b(\d+)_block/subspace/(basis|mean)", path)
    if inside:
        return unflattened(array, int(inside[1]) // 2)
    if "/fc/" in path:
        return unflattened(array.T, 4)
    return from_torch(path, array)


def unflattened(array: np.ndarray, side: int) -> np.ndarray:
    """Reorder the last axis from [C, side, side] to [side, side, C]."""
    split = array.reshape(*array.shape[:-1], -1, side, side)
    return np.moveaxis(split, -3, -1).reshape(array.shape)


def discriminator_of(arrays: Mapping[str, np.ndarray]) -> Network:
    """Fill the discriminator whose sizes the arrays show."""
    last = max((int(m[1]) for name in arrays if (m := re.match(r"blocks\.(\d{1,2})\.", name))), default=0)
    base, channels = shape(arrays, "blocks.0.0.weight", 4)[:2]
    config = dict(
        resolution=4 << (last - 1) // 2,
        channels=channels,
        channel_base=base,
        channel_max=shape(arrays, "classifier.0.weight", 2)[0],
    )
    at = lambda m: 1 + 2 * (config["resolution"] // int(m[1])).bit_length() - 2 + int(m[2])
    table: Table = (
        (r"params/image/(weight|bias)", r"blocks.0.0.\1"),
        (r"params/b(\d+)_conv(\d)/(weight|bias)", lambda m: f"blocks.{at(m)}.0.{m[3]}"),
        (r"params/b4_conv/(weight|bias)", rf"blocks.{last}.0.\1"),
        (r"params/fc/(weight|bias)", r"classifier.0.\1"),
        (r"params/out/(weight|bias)", r"classifier.2.\1"),
    )
    layout = lambda path, array: unflattened(array, 4).T if path == "params/fc/weight" else from_torch(path, array)
    return network(eigengan.discriminator(**config), "eigengan.discriminator", config, arrays, table, layout)


def shape(arrays: Mapping[str, np.ndarray], name: str, rank: int) -> tuple[int, ...]:
    """Return the shape of an array that must be there."""
    if name not in arrays or arrays[name].ndim != rank:
        raise UnreadableFile(f"its EigenGAN does not match its configuration; missing: {name}")
    return tuple(int(n) for n in arrays[name].shape)
