"""From NVIDIA's StyleGAN3 objects to this library's. The discriminator beside them is StyleGAN2's."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxgan.core import Generator, Network
from jaxgan.io import from_nvidia
from jaxgan.io import names as placing
from jaxgan.io.names import Table
from jaxgan.io.records import Record, UnreadableFile, names
from jaxgan.models import stylegan3

TITLE = "NVIDIA's .pkl (StyleGAN3)"
# Where each of our leaves stands in NVIDIA's object: the one table, read in both directions.
GENERATOR_NAMES: Table = (
    (r"params/mapping/(\w+)/(weight|bias)", r"mapping.\1.\2"),
    (r"buffers/spread/w_mean", r"mapping.w_avg"),
    (r"params/style/(\w+)/(weight|bias)", r"synthesis.\1.affine.\2"),
    (r"params/synthesis/(\w+)/(weight|bias)", r"synthesis.\1.\2"),
    (r"buffers/synthesis/(\w+)/(freqs|phases|transform|magnitude_ema)", r"synthesis.\1.\2"),
)
_DERIVED = r"synthesis\.L\d+_\d+_\d+\.(up|down)_filter"  # follows from the configuration, and is compared with it
_LAYER = re.compile(r"L(\d{1,4})_(\d{1,6})_(\d{1,6})")
# What the factory and NVIDIA's classes call the same number, and its value where a file does not say.
_ARGUMENTS = {
    "critical": ("num_critical", 2),
    "first_cutoff": ("first_cutoff", 2),
    "first_stopband": ("first_stopband", 2**2.1),
    "last_stopband": ("last_stopband_rel", 2**0.3),
    "margin": ("margin_size", 10),
    "filter_size": ("filter_size", 6),
    "supersampling": ("lrelu_upsampling", 2),
    "output_scale": ("output_scale", 0.25),
}
_WHOLE = ("critical", "margin", "filter_size", "supersampling")


def recognise(value: Any) -> bool:
    """Tell whether a pickle holds a StyleGAN3 generator, alone or in a dict of NVIDIA's networks."""
    return any(_is_ours(record) for record in _parts(value).values())


def read(value: Any, part: str | None) -> Generator | Network:
    """Read a part of NVIDIA's pickle: "G_ema" (if None), "G" or "D".

    Computation is in float32 whatever the file's `num_fp16_res` says, as NVIDIA's own code does on a CPU.

    Raises:
        UnreadableFile: the part is not there, or its arrays and its configuration disagree.
    """
    record = placing.chosen(_parts(value), part, from_nvidia.PARTS)
    return generator(record) if _is_ours(record) else from_nvidia.read(value, part)


def generator(record: Record) -> Generator:
    """Build the generator that a record of NVIDIA's class `Generator` describes.

    Raises:
        UnreadableFile: its arrays and its configuration disagree.
    """
    arrays, synthesis = names(record), record.modules["synthesis"]
    layers = _layers(synthesis)
    first, last = synthesis.modules[layers[0]], synthesis.modules[layers[-1]]
    config = {**_mapping(record, arrays), **_numbers(record, first), "layers": len(layers) - 1}
    config["resolution"], config["channels"] = (int(n) for n in _LAYER.fullmatch(layers[-1]).group(2, 3))  # pyright: ignore[reportOptionalMemberAccess]
    config["kernel"] = _array(arrays, f"synthesis.{layers[0]}.weight", 4).shape[-1]
    held = {name: layer.buffers.get("down_filter") for name, layer in synthesis.modules.items()}
    config["radial"] = any(isinstance(f, np.ndarray) and f.ndim == 2 for f in held.values())
    config["conv_clamp"] = _clamp(last)
    config |= _widths(record, [int(name.rpartition("_")[2]) for name in layers], config)
    try:
        arch = stylegan3.arch(**config)
    except (ValueError, OverflowError, ZeroDivisionError) as error:
        raise UnreadableFile(f"its generator has a configuration that is not valid: {error}") from error
    named = {layer.name: layer for layer in arch.stages[-1].module.layers}  # pyright: ignore[reportAttributeAccessIssue]
    if list(named) != layers:
        raise UnreadableFile(f"its layers are {placing.few(layers)}; its configuration gives {placing.few(named)}")
    for name, layer in named.items():
        how = layer.resampling()
        _compare(name, "up_filter", synthesis.modules[name], how.up_filter)
        _compare(name, "down_filter", synthesis.modules[name], how.down_filter)
    absent = ("mapping.w_avg",)  # of a network trained without tracking it
    return placing.generator(arch, arrays, GENERATOR_NAMES, from_nvidia.to_ours, ignored=_DERIVED, absent=absent)


def _parts(value: Any) -> dict[str, Record]:
    parts = {"": value} if isinstance(value, Record) else value if isinstance(value, dict) else {}
    return {name: parts[name] for name in ("", *from_nvidia.PARTS) if isinstance(parts.get(name), Record)}


def _is_ours(record: Record) -> bool:
    synthesis = record.modules.get("synthesis")
    return isinstance(synthesis, Record) and isinstance(synthesis.modules.get("input"), Record)


def _layers(synthesis: Record) -> list[str]:
    """Names of the layers, first to last."""
    found = [m for m in map(_LAYER.fullmatch, synthesis.modules) if m and isinstance(synthesis.modules[m[0]], Record)]
    found.sort(key=lambda m: int(m[1]))
    if len(found) < 2 or [int(m[1]) for m in found] != list(range(len(found))):
        raise UnreadableFile(f"its synthesis network has the layers {placing.few(list(synthesis.modules)) or 'none'}")
    return [m[0] for m in found]


def _array(arrays: Mapping[str, np.ndarray], name: str, axes: int) -> np.ndarray:
    array = arrays.get(name)
    if array is None or array.ndim != axes:
        raise UnreadableFile(f"its generator has no array '{name}' of {axes} axes")
    return array


def _mapping(record: Record, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Sizes of the mapping network, all from its arrays."""
    mapping = record.modules.get("mapping")
    if not isinstance(mapping, Record):
        raise UnreadableFile("its generator has no mapping network")
    layers = [name for name in mapping.modules if re.fullmatch(r"fc\d{1,4}", name)]
    w_dim, inputs = _array(arrays, "mapping.fc0.weight", 2).shape
    classes = _array(arrays, "mapping.embed.weight", 2).shape[1] if "mapping.embed.weight" in arrays else 0
    lr_mul = mapping.modules["fc0"].state.get("bias_gain", 0.01)
    if not _number(lr_mul) or lr_mul <= 0:
        raise UnreadableFile("its mapping network has a learning rate multiplier that is no number")
    sizes = {"z_dim": inputs - (w_dim if classes else 0), "w_dim": w_dim, "classes": classes}
    return {**sizes, "mapping_layers": len(layers), "mapping_lr_mul": float(lr_mul)}


def _numbers(record: Record, first: Record) -> dict[str, Any]:
    """What the arrays do not show: from the objects' state, else from the arguments that made them."""
    synthesis = record.modules["synthesis"]
    given = {**_said(record), **synthesis.init_kwargs, **first.init_kwargs, **synthesis.state}
    found = {}
    for ours, (theirs, default) in _ARGUMENTS.items():
        value = given.get(theirs, default)
        if not _number(value) or not 0 <= value < 2**20:
            raise UnreadableFile(f"its synthesis network has a '{theirs}' that is no number")
        found[ours] = int(value) if ours in _WHOLE else float(value)
    return found


def _said(record: Record) -> dict[str, Any]:
    nested = record.init_kwargs.get("synthesis_kwargs")
    return {**record.init_kwargs, **(nested if isinstance(nested, dict) else {})}


def _number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return False
    return math.isfinite(value)


def _clamp(layer: Record) -> float | None:
    value = layer.state.get("conv_clamp", layer.init_kwargs.get("conv_clamp", 256))
    if value is not None and not _number(value):
        raise UnreadableFile("its layers have a clamp that is no number")
    return None if value is None else float(value)


def _widths(record: Record, widths: list[int], config: Mapping[str, Any]) -> dict[str, int]:
    """Find channel_base and channel_max: the file's own if they give these widths, else any that do."""
    said = _said(record)
    layers, critical, low = config["layers"], config["critical"], config["first_cutoff"]
    last = config["resolution"] / 2
    if not (critical < layers and 0 < low < last):
        raise UnreadableFile(f"its {layers} layers, of them {critical} critical, go from cutoff {low} to {last}")
    cutoffs = low * (last / low) ** np.minimum(np.arange(layers) / (layers - critical), 1)
    given = said.get("channel_base", 32768), said.get("channel_max", 512)
    most = max(widths)
    bounded = [(2 * c * (w - 0.5), 2 * c * (w + 0.5)) for c, w in zip(cutoffs, widths, strict=False) if w < most]
    # Any base between the bounds of all layers that are narrower than the widest; without such, one that is large.
    guess = sum((max(b[0] for b in bounded), min(b[1] for b in bounded))) / 2 if bounded else 4 * last * most
    for base, limit in (given, (round(guess), most), (math.ceil(guess), most), (math.floor(guess), most)):
        if _number(base) and _number(limit):
            fitting = np.rint(np.minimum(base / 2 / cutoffs, limit)).astype(int).tolist()
            if fitting == widths[:-1]:
                return {"channel_base": int(base), "channel_max": int(limit)}
    raise UnreadableFile(f"its layers have the widths {widths}, which no channel_base and channel_max give")


def _compare(name: str, kind: str, layer: Record, design: np.ndarray | None) -> None:
    held = layer.buffers.get(kind)
    if held is None and design is None:
        return
    alike = isinstance(held, np.ndarray) and design is not None and held.shape == design.shape
    if not (alike and np.allclose(held, design, rtol=0, atol=1e-5)):  # pyright: ignore[reportArgumentType]
        raise UnreadableFile(f"its layer {name} has a {kind} other than its configuration gives")
