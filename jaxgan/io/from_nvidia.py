"""From NVIDIA's StyleGAN2 objects (stylegan2-ada-pytorch and stylegan3) to this library's, and the names of both."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxgan.core import Generator, Network
from jaxgan.io import names as placing
from jaxgan.io.names import Table
from jaxgan.io.records import Record, UnreadableFile, names
from jaxgan.models import stylegan2
from jaxgan.nn.growing import resolutions
from jaxgan.ops.activations import ACTIVATIONS

# Where each of our leaves stands in NVIDIA's object: the one table, read in both directions.
GENERATOR_NAMES: Table = (
    (r"params/mapping/(\w+)/(weight|bias)", r"mapping.\1.\2"),
    (r"buffers/spread/w_mean", r"mapping.w_avg"),
    (r"params/style/(b\d+)_(\w+)/(weight|bias)", r"synthesis.\1.\2.affine.\3"),
    (r"params/synthesis/(b\d+)/const", r"synthesis.\1.const"),
    (r"params/synthesis/(b\d+)/(\w+)/(weight|bias|noise_strength)", r"synthesis.\1.\2.\3"),
    (r"buffers/synthesis/(b\d+)/(\w+)/noise", r"synthesis.\1.\2.noise_const"),
)
DISCRIMINATOR_NAMES: Table = ((r"params/(b\d+|mapping)/(\w+)/(weight|bias)", r"\1.\2.\3"),)
_DERIVED = r"(.*\.)?resample_filter"  # follows from the configuration


TITLE = "NVIDIA's .pkl (StyleGAN2)"
PARTS = ("G_ema", "G", "D")


def recognise(value: Any) -> bool:
    """Tell whether a pickle holds NVIDIA's network objects: one, or a dict of them."""
    return (isinstance(value, Record) and value.class_name in _READERS) or bool(_held(value))


def read(value: Any, part: str | None) -> Generator | Network:
    """Read a part of NVIDIA's pickle: "G_ema" (if None), "G" or "D".

    Raises:
        UnreadableFile: the part is not there, is of another class, or its arrays and its configuration disagree.
    """
    record = placing.chosen({part or "": value} if isinstance(value, Record) else _held(value), part, PARTS)
    expected = "Discriminator" if part == "D" else "Generator"
    if record.class_name != expected and (part is not None or record.class_name not in _READERS):
        raise UnreadableFile(f"its '{part or 'G_ema'}' is of class {record.class_name[:60]}, not NVIDIA's {expected}")
    return _READERS[record.class_name](record)


def _held(value: Any) -> dict[str, Record]:
    parts = value if isinstance(value, dict) else {}
    return {name: parts[name] for name in PARTS if isinstance(parts.get(name), Record)}


def to_ours(path: str, array: np.ndarray) -> np.ndarray:
    """Turn one of NVIDIA's arrays into the layout of our leaf.

    Convolutions go from [O, I, h, w] to [h, w, I, O], matrices from [O, I] to [I, O], the constant from [C, h, w] to
    [h, w, C]. The discriminator's last but one layer reads 4x4 features that are flattened channels first there and
    channels last here.
    """
    if array.ndim == 4:
        return array.transpose(2, 3, 1, 0)
    if array.ndim == 3:
        return array.transpose(1, 2, 0)
    if path == "params/b4/fc/weight":
        out = array.shape[0]
        return array.reshape(out, -1, 4, 4).transpose(2, 3, 1, 0).reshape(-1, out)
    return array.T if path.endswith("/weight") else array


def to_theirs(path: str, array: np.ndarray) -> np.ndarray:
    """Undo `to_ours`."""
    if array.ndim == 4:
        return array.transpose(3, 2, 0, 1)
    if array.ndim == 3:
        return array.transpose(2, 0, 1)
    if path == "params/b4/fc/weight":
        out = array.shape[1]
        return array.reshape(4, 4, -1, out).transpose(3, 2, 0, 1).reshape(out, -1)
    return array.T if path.endswith("/weight") else array


def generator(record: Record) -> Generator:
    """Build the generator that a record of NVIDIA's class `Generator` describes.

    Computation is in float32 whatever the file's `num_fp16_res` says, as NVIDIA's own code does on a CPU.

    Raises:
        UnreadableFile: the record is of another family, or its arrays and its configuration disagree.
    """
    synthesis, mapping = _module(record, "synthesis"), _module(record, "mapping")
    if "b4" not in synthesis.modules:
        kind = "a StyleGAN3" if "input" in synthesis.modules else "an unknown"
        raise UnreadableFile(f"holds {kind} generator; NVIDIA files with StyleGAN2 generators are read")
    resolution = _resolution(synthesis)
    blocks = {r: _module(synthesis, f"b{r}") for r in resolutions(resolution)}
    top = blocks[resolution]
    conv = _module(top, "conv1")
    widths = {r: _shape(block, "conv1", "weight")[0] for r, block in blocks.items()}
    base, limit = _channels(widths, {**record.init_kwargs, **_dict(record.init_kwargs, "synthesis_kwargs")})
    w_dim = _shape(_module(conv, "affine"), "", "weight")[1]
    classes, embed = _embedding(mapping)
    config = dict[str, Any](
        resolution=resolution,
        channels=_shape(top, "torgb", "weight")[0],
        z_dim=_integer(mapping, "z_dim"),
        w_dim=w_dim,
        classes=classes,
        channel_base=base,
        channel_max=limit,
        mapping_embed=embed if embed != w_dim else None,
        architecture=_word(top, "architecture", stylegan2.ARCHITECTURES),
        use_noise="noise_const" in conv.buffers,
        activation=_word(conv, "activation", ACTIVATIONS),
        conv_clamp=_clamp(conv),
        resample_filter=_taps(_module(top, "conv0")),
        **_mapping_config(mapping, w_dim),
    )
    arch = stylegan2.arch(**config)
    # A network trained without tracking the mean of w has none, and is not truncated either.
    how = {"ignored": _DERIVED, "absent": ("mapping.w_avg",)}
    return placing.generator(arch, names(record), GENERATOR_NAMES, to_ours, **how)


def discriminator(record: Record) -> Network:
    """Build the discriminator that a record of NVIDIA's class `Discriminator` describes, computing in float32.

    Raises:
        UnreadableFile: the record is of another family, or its arrays and its configuration disagree.
    """
    if "b4" not in record.modules:
        raise UnreadableFile("holds an unknown discriminator; NVIDIA files with StyleGAN2 discriminators are read")
    resolution = _resolution(record)
    blocks = {r: _module(record, f"b{r}") for r in resolutions(resolution)}
    top, epilogue = blocks[resolution], blocks[4]
    conv = _module(top, "conv0")
    widths = {r: _shape(block, "conv" if r == 4 else "conv0", "weight")[0] for r, block in blocks.items()}
    base, limit = _channels(widths, record.init_kwargs)
    statistics = epilogue.modules.get("mbstd")
    grouped = isinstance(statistics, Record)
    config = dict[str, Any](
        resolution=resolution,
        channels=_shape(top, "fromrgb", "weight")[1],
        classes=0,
        channel_base=base,
        channel_max=limit,
        architecture=_word(top, "architecture", stylegan2.ARCHITECTURES),
        mbstd_group=_group(statistics) if grouped else 4,
        mbstd_features=_integer(statistics, "num_channels") if grouped else 0,
        activation=_word(conv, "activation", ACTIVATIONS),
        epilogue_activation=_word(_module(epilogue, "conv"), "activation", ACTIVATIONS),
        conv_clamp=_clamp(conv),
        resample_filter=_taps(_module(top, "conv1")),
    )
    if "mapping" in record.modules:
        mapping = _module(record, "mapping")
        classes, embed = _embedding(mapping)
        cmap = _shape(epilogue, "out", "weight")[0]
        config |= dict(
            classes=classes,
            cmap_dim=cmap if cmap != widths[4] else None,
            mapping_embed=embed if embed != cmap else None,
            **_mapping_config(mapping, cmap),
        )
    module = stylegan2.discriminator(**config)
    name = f"{stylegan2.NAME}.discriminator"
    return placing.network(module, name, config, names(record), DISCRIMINATOR_NAMES, to_ours, ignored=_DERIVED)


_READERS = {"Generator": generator, "Discriminator": discriminator}


# Parts of the configuration, from what the objects hold rather than from defaults that differ between versions


def _module(record: Record, name: str) -> Record:
    module = record.modules.get(name)
    if not isinstance(module, Record):
        raise UnreadableFile(f"its {record.class_name[:40]} has no part '{name}': no StyleGAN2 network")
    return module


def _shape(record: Record, module: str, name: str) -> tuple[int, ...]:
    owner = _module(record, module) if module else record
    array = owner.parameters.get(name, owner.buffers.get(name))  # frozen layers keep their weights as buffers
    if not isinstance(array, np.ndarray) or array.ndim < 2:
        raise UnreadableFile(f"its {owner.class_name[:40]} has no array '{name}'")
    return array.shape


def _integer(record: Record, name: str) -> int:
    value = record.state.get(name, record.init_kwargs.get(name))
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not 0 <= value < 2**20:
        raise UnreadableFile(f"its {record.class_name[:40]} has no whole number '{name}'")
    return int(value)


def _word(record: Record, name: str, allowed: Any) -> str:
    value = record.state.get(name)
    if not isinstance(value, str) or value not in allowed:
        raise UnreadableFile(f"its {record.class_name[:40]} has an unknown '{name}'; known are {', '.join(allowed)}")
    return value


def _dict(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = values.get(name)
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _clamp(layer: Record) -> float | None:
    value = layer.state.get("conv_clamp")
    if value is not None and not _number(value):
        raise UnreadableFile(f"its {layer.class_name[:40]} has a clamp that is no number")
    return None if value is None else float(value)


def _group(statistics: Record) -> int | None:
    return None if statistics.state.get("group_size") is None else _integer(statistics, "group_size")


def _resolution(record: Record) -> int:
    blocks = [int(name[1:]) for name in record.modules if re.fullmatch(r"b[1-9]\d{0,5}", name)]
    resolution = max(blocks)
    if sorted(blocks) != list(resolutions(resolution)) or resolution < 8:
        raise UnreadableFile(f"its {record.class_name[:40]} has blocks of the odd resolutions {sorted(blocks)[:12]}")
    return resolution


def _channels(widths: Mapping[int, int], arguments: Mapping[str, Any]) -> tuple[int, int]:
    """Find channel_base and channel_max: the file's own if they give these widths, else any that do."""
    base, limit = arguments.get("channel_base", 32768), arguments.get("channel_max", 512)
    return placing.widths_rule(widths, [(int(base), int(limit))] if _number(base) and _number(limit) else [])


def _embedding(mapping: Record) -> tuple[int, int | None]:
    """Classes and the width of their embedding."""
    if "embed" not in mapping.modules:
        return 0, None
    out, classes = _shape(mapping, "embed", "weight")[:2]
    return classes, out


def _mapping_config(mapping: Record, out: int) -> dict[str, Any]:
    layers = [name for name in mapping.modules if re.fullmatch(r"fc\d+", name)]
    if not layers:
        return {"mapping_layers": 0}
    first = _module(mapping, "fc0")
    lr_mul = first.state.get("bias_gain", 1)
    if not _number(lr_mul) or not math.isfinite(lr_mul) or lr_mul <= 0:
        raise UnreadableFile("its mapping network has a learning rate multiplier that is no number")
    hidden = _shape(first, "", "weight")[0] if len(layers) > 1 else out
    return {
        "mapping_layers": len(layers),
        "mapping_lr_mul": float(lr_mul),
        "mapping_hidden": hidden if hidden != out else None,
        "mapping_activation": _word(first, "activation", ACTIVATIONS),
    }


def _taps(layer: Record) -> tuple[float, ...]:
    """Read the FIR taps back from the filter that a layer holds (their outer product, or themselves from 8 on)."""
    held = layer.buffers.get("resample_filter")
    if not isinstance(held, np.ndarray) or held.ndim not in (1, 2) or not np.isfinite(held).all():
        raise UnreadableFile(f"its {layer.class_name[:40]} has no resample_filter")
    taps = np.asarray(held, np.float64)
    taps = taps.sum(0) if held.ndim == 2 else taps
    if held.ndim == 2 and np.abs(np.outer(taps, taps) - held).max() > 1e-6:
        raise UnreadableFile(f"its {layer.class_name[:40]} has a resample_filter that is not separable")
    given = layer.init_kwargs.get("resample_filter", (1, 3, 3, 1))
    if isinstance(given, (list, tuple)) and len(given) == len(taps) and all(map(_number, given)) and sum(given):
        whole = np.asarray(given, np.float64)
        if np.abs(whole / whole.sum() - taps).max() < 1e-6:
            return tuple(float(tap) for tap in given)
    return tuple(float(tap) for tap in taps)
