"""From the StyleGAN2 checkpoints of rosinality/stylegan2-pytorch to this library's, and the names of both.

A file is {g, d, g_ema, ...} of state dicts, or {g_ema, latent_avg}. Sizes are those of its arrays; what its arrays do
not show is fixed in that code: skip generator, residual discriminator, leaky ReLU, mapping rate 0.01, groups of 4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from jaxgan.core import Generator, Network
from jaxgan.io import from_nvidia, names
from jaxgan.io.names import Table
from jaxgan.io.records import UnreadableFile
from jaxgan.models import stylegan2
from jaxgan.nn.growing import resolutions
from jaxgan.ops.resample import FILTER

TITLE = "rosinality's StyleGAN2 .pt"
# The last is the generator inside encoder checkpoints of the same code (pSp, e4e, ReStyle); their encoder is not read.
PARTS = {"g_ema": "G_ema", "g": "G", "d": "D", "decoder": "G_ema"}
MEAN_OF = 4096  # codes that their scripts take the mean of w from, where a file has none
_DERIVED = r"(.*\.)?kernel"  # follows from the taps


def log2(r: str | int) -> int:
    return int(r).bit_length() - 1


def layer(r: str, kind: str) -> str:
    """Name a layer of the generator by our block and kind."""
    if r == "4":
        return "to_rgb1" if kind == "torgb" else "conv1"
    if kind == "torgb":
        return f"to_rgbs.{log2(r) - 3}"
    return f"convs.{2 * log2(r) - (6 if kind == 'conv0' else 5)}"


def noise(r: str, kind: str) -> int:
    return 0 if r == "4" else 2 * log2(r) - (5 if kind == "conv0" else 4)


def bias(r: str, kind: str) -> str:
    return f"{layer(r, kind)}{'' if kind == 'torgb' else '.activate'}.bias"


GENERATOR_NAMES: Table = (
    (r"params/mapping/fc(\d+)/(weight|bias)", lambda m: f"style.{int(m[1]) + 1}.{m[2]}"),
    (r"buffers/spread/w_mean", "latent_avg"),
    (r"params/style/b(\d+)_(\w+)/(weight|bias)", lambda m: f"{layer(m[1], m[2])}.conv.modulation.{m[3]}"),
    (r"params/synthesis/b4/const", "input.input"),
    (r"params/synthesis/b(\d+)/(\w+)/weight", lambda m: f"{layer(m[1], m[2])}.conv.weight"),
    (r"params/synthesis/b(\d+)/(\w+)/bias", lambda m: bias(m[1], m[2])),
    (r"params/synthesis/b(\d+)/(\w+)/noise_strength", lambda m: f"{layer(m[1], m[2])}.noise.weight"),
    (r"buffers/synthesis/b(\d+)/(\w+)/noise", lambda m: f"noises.noise_{noise(m[1], m[2])}"),
)


def discriminator_names(resolution: int) -> Table:
    """Return the table of a discriminator, whose blocks are counted from the image."""
    block = lambda r: f"convs.{log2(resolution) - log2(r) + 1}"
    return (
        (r"params/b4/conv/weight", "final_conv.0.weight"),
        (r"params/b4/conv/bias", "final_conv.1.bias"),
        (r"params/b4/fc/(weight|bias)", r"final_linear.0.\1"),
        (r"params/b4/out/(weight|bias)", r"final_linear.1.\1"),
        (r"params/b\d+/fromrgb/weight", "convs.0.0.weight"),
        (r"params/b\d+/fromrgb/bias", "convs.0.1.bias"),
        (r"params/b(\d+)/conv0/weight", lambda m: f"{block(m[1])}.conv1.0.weight"),
        (r"params/b(\d+)/conv0/bias", lambda m: f"{block(m[1])}.conv1.1.bias"),
        (r"params/b(\d+)/conv1/weight", lambda m: f"{block(m[1])}.conv2.1.weight"),
        (r"params/b(\d+)/conv1/bias", lambda m: f"{block(m[1])}.conv2.2.bias"),
        (r"params/b(\d+)/skip/weight", lambda m: f"{block(m[1])}.skip.1.weight"),
    )


def recognise(value: Any) -> bool:
    """Tell whether a value is a state dict with these names, or a dict of such."""
    return bool(_held(value))


def read(value: Any, part: str | None) -> Generator | Network:
    """Read "G_ema" (if None), "G" or "D".

    A file without `latent_avg` gets the mean of w as their scripts take it, from 4096 draws, here of a fixed key.

    Raises:
        UnreadableFile: the part is not there, or its arrays fit no StyleGAN2.
    """
    arrays = names.chosen(_held(value), part, ("G_ema", "G", "D"))
    if "final_linear.1.weight" in arrays:
        return discriminator(arrays)
    return generator(arrays, value.get("latent_avg") if isinstance(value, Mapping) else None)


def to_ours(path: str, array: np.ndarray) -> np.ndarray:
    """Turn one of rosinality's arrays into the layout of our leaf: theirs carry axes of length 1 for broadcasting."""
    match path.rsplit("/", 1)[-1], array.ndim:
        case ("weight", 5) | ("const", 4):
            array = array[0] if len(array) == 1 else array
        case ("noise", 4):
            array = array[0, 0] if array.shape[:2] == (1, 1) else array
        case ("bias", 4):
            array = array.reshape(-1)
        case ("noise_strength", 1) if array.size == 1:
            array = array[0]
        case ("w_mean", 2) if len(array) and (array == array[0]).all():  # repeated for every layer
            array = array[0]
    return from_nvidia.to_ours(path, array)


def to_theirs(path: str, array: np.ndarray) -> np.ndarray:
    """Undo `to_ours`."""
    kind, own = path.rsplit("/", 1)[-1], from_nvidia.to_theirs(path, array)
    if not path.startswith(("params/synthesis/", "buffers/synthesis/")):
        return own
    if kind == "bias":
        return own.reshape(1, -1, 1, 1) if path.endswith("/torgb/bias") else own
    return own[None, None] if kind == "noise" else own[None]


def generator(arrays: Mapping[str, np.ndarray], w_mean: Any = None) -> Generator:
    """Build the generator that a state dict describes."""
    blocks = sum(bool(re.fullmatch(r"to_rgbs\.\d+\.bias", name)) for name in arrays)
    if not 0 < blocks < 20:
        raise UnreadableFile(f"has {blocks} layers to_rgbs: no StyleGAN2 generator")
    resolution = 4 << blocks
    widths = {r: _shape(arrays, f"{layer(str(r), 'conv1')}.conv.weight", 5)[1] for r in resolutions(resolution)}
    base, limit = names.widths_rule(widths, [(32768, 512), (16384, 512)])
    layers = sum(bool(re.fullmatch(r"style\.\d+\.weight", name)) for name in arrays)
    w_dim = _shape(arrays, "conv1.conv.modulation.weight", 2)[1]
    hidden, z_dim = _shape(arrays, "style.1.weight", 2) if layers else (w_dim, w_dim)
    arch = stylegan2.arch(
        resolution=resolution,
        channels=_shape(arrays, "to_rgb1.conv.weight", 5)[1],
        z_dim=z_dim,
        w_dim=w_dim,
        channel_base=base,
        channel_max=limit,
        mapping_layers=layers,
        mapping_hidden=hidden if layers > 1 and hidden != w_dim else None,
        resample_filter=_taps(arrays.get("to_rgbs.0.upsample.kernel")),
    )
    given = {"latent_avg": w_mean} if isinstance(w_mean, np.ndarray) else {}
    # Files from before the noise was stored lack it.
    absent = ("latent_avg", *(f"noises.noise_{i}" for i in range(2 * blocks + 1)))
    how: dict[str, Any] = {"ignored": _DERIVED, "absent": absent}
    g = names.generator(arch, {**arrays, **given}, GENERATOR_NAMES, to_ours, **how)
    return g if given else g.replace(buffers={**g.buffers, "spread": {"w_mean": _mean(g)}})


def discriminator(arrays: Mapping[str, np.ndarray]) -> Network:
    """Build the discriminator that a state dict describes."""
    blocks = sum(bool(re.fullmatch(r"convs\.\d+\.skip\.1\.weight", name)) for name in arrays)
    if not 0 < blocks < 20:
        raise UnreadableFile(f"has {blocks} residual blocks: no StyleGAN2 discriminator")
    resolution = 4 << blocks
    widths = {resolution >> i: _shape(arrays, f"convs.{i + 1}.conv1.0.weight", 4)[0] for i in range(blocks)} | {
        4: _shape(arrays, "final_conv.0.weight", 4)[0]
    }
    base, limit = names.widths_rule(widths, [(32768, 512), (16384, 512)])
    last = f"convs.{blocks}.skip.1.weight"
    config = dict[str, Any](
        resolution=resolution,
        channels=_shape(arrays, "convs.0.0.weight", 4)[1],
        channel_base=base,
        channel_max=limit,
        mbstd_features=_shape(arrays, "final_conv.0.weight", 4)[1] - _shape(arrays, last, 4)[0],
        resample_filter=_taps(arrays.get("convs.1.skip.0.kernel")),
    )
    module = stylegan2.discriminator(**config)
    name, table = f"{stylegan2.NAME}.discriminator", discriminator_names(resolution)
    return names.network(module, name, config, arrays, table, to_ours, ignored=_DERIVED)


def _held(value: Any) -> dict[str, dict[str, np.ndarray]]:
    found = names.parts(value, (*PARTS, "encoder"))
    signs = ("conv1.conv.modulation.weight", "convs.1.conv2.1.weight")
    return {PARTS.get(name, name): arrays for name, arrays in found.items() if any(sign in arrays for sign in signs)}


def _shape(arrays: Mapping[str, np.ndarray], name: str, axes: int) -> tuple[int, ...]:
    if name not in arrays or arrays[name].ndim != axes:
        raise UnreadableFile(f"has no array '{name}' of {axes} axes: no StyleGAN2 network")
    return arrays[name].shape


def _mean(g: Generator) -> jax.Array:
    return g.to(g.sample(jax.random.key(0), MEAN_OF), "w").value.mean(0)


def _taps(kernel: Any) -> tuple[float, ...]:
    """Read the FIR taps back from their outer product, whose sum is 1 or, where it doubles, 4."""
    if not isinstance(kernel, np.ndarray) or kernel.ndim != 2:
        return FILTER
    held = np.asarray(kernel, np.float64)
    if not np.isfinite(held).all() or abs(held.sum()) < 1e-6:
        raise UnreadableFile("has a blur kernel that is no filter")
    held /= held.sum()
    taps = held.sum(0)
    if np.abs(np.outer(taps, taps) - held).max() > 1e-6:
        raise UnreadableFile("has a blur kernel that is not separable")
    standard = np.asarray(FILTER) / sum(FILTER)
    same = len(taps) == len(FILTER) and np.abs(taps - standard).max() < 1e-6
    return FILTER if same else tuple(float(tap) for tap in taps)
