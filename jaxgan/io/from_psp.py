"""From the checkpoints of pSp, e4e and ReStyle to this library's encoders and generators, and the names of both.

A file is {state_dict: encoder.* and decoder.*, latent_avg, opts}. The decoder is rosinality's StyleGAN2. Sizes are
those of the arrays; which of two encoders with equal arrays it is, the options say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import groupby
from typing import Any

import numpy as np

from jaxgan.core import Generator, Network
from jaxgan.encoders import ENCODERS
from jaxgan.io import from_rosinality, names
from jaxgan.io.embedders import COUNTED, IRSE_NAMES, norm
from jaxgan.io.names import MissingPart, Table
from jaxgan.io.records import UnreadableFile

TITLE = "a pSp, e4e or ReStyle .pt"
RESOLUTION = 256  # side of the images that all of them look at

# Their classes: the trunk, whether there is a pyramid, whether rows are differences from the first.
TYPES = {
    "GradualStyleEncoder": ("irse", True, False),
    "Encoder4Editing": ("irse", True, True),
    "BackboneEncoder": ("irse", False, False),
    "ProgressiveBackboneEncoder": ("irse", False, True),
    "ResNetGradualStyleEncoder": ("resnet34", True, False),
    "ResNetBackboneEncoder": ("resnet34", False, False),
    "ResNetProgressiveBackboneEncoder": ("resnet34", False, True),
}

HEAD_NAMES: Table = (
    (r"params/style_(\d+)/conv(\d+)/(weight|bias)", lambda m: f"styles.{m[1]}.convs.{2 * int(m[2])}.{m[3]}"),
    (r"params/style_(\d+)/linear/(weight|bias)", r"styles.\1.linear.\2"),
    (r"params/lateral(\d)/(weight|bias)", r"latlayer\1.\2"),
    (r"buffers/w_mean", "latent_avg"),
    (r"buffers/stage", "stage"),
)


def table(trunk: str, units: tuple[int, ...]) -> Table:
    """Return the names of an encoder; a ResNet's units are counted through there, not stage by stage."""
    if trunk != "resnet34":
        return (*IRSE_NAMES, *HEAD_NAMES)
    unit = lambda m: f"body.{sum(units[: int(m[1]) - 1]) + int(m[2])}"
    return (
        (r"params/body/conv1/weight", "conv1.weight"),
        (r"\w+/body/bn1/(\w+)", lambda m: norm("bn1", m[1])),
        (r"params/body/relu/weight", "relu.weight"),
        (r"params/body/layer(\d+)_(\d+)/(conv\d)/weight", lambda m: f"{unit(m)}.{m[3]}.weight"),
        (r"\w+/body/layer(\d+)_(\d+)/(bn\d)/(\w+)", lambda m: norm(f"{unit(m)}.{m[3]}", m[4])),
        (r"params/body/layer(\d+)_(\d+)/downsample_0/weight", lambda m: f"{unit(m)}.downsample.0.weight"),
        (r"\w+/body/layer(\d+)_(\d+)/downsample_1/(\w+)", lambda m: norm(f"{unit(m)}.downsample.1", m[3])),
        *HEAD_NAMES,
    )


def recognise(value: Any) -> bool:
    """Tell whether a value holds an encoder of these."""
    held = names.parts(value, ("encoder", "decoder"))
    return "styles.0.linear.weight" in held.get("encoder", {}) or "encoder_type" in options(value)


def read(value: Any, part: str | None) -> Generator | Network:
    """Read the encoder, "E", or the generator inside the file, "G" or "G_ema" (if None).

    Raises:
        UnreadableFile: The part is not there, or the encoder is of a kind that is not read.
    """
    if part in (None, "G", "G_ema"):
        return from_rosinality.read(value, "G_ema")
    held = names.parts(value, ("encoder", "decoder"))
    if part != "E" or "encoder" not in held:
        raise MissingPart(f"has no part '{part}'; it has E, G")
    return encoder(held["encoder"], value.get("latent_avg"), options(value))


def options(value: Any) -> Mapping[str, Any]:
    """Return the options of a training run that a file names."""
    found = value.get("opts") if isinstance(value, Mapping) else None
    found = getattr(found, "state", found)  # an argparse.Namespace
    return found if isinstance(found, Mapping) else {}


def encoder(arrays: Mapping[str, np.ndarray], w_mean: Any, opts: Mapping[str, Any]) -> Network:
    """Build the encoder that a state dict describes."""
    said = opts.get("encoder_type")
    if said not in TYPES:
        kinds = ", ".join(TYPES)
        raise UnreadableFile(f"has an encoder of the type {str(said)[:60]!r} in its options; read are {kinds}")
    trunk, pyramid, deltas = TYPES[said]
    first, each = ("input_layer.0", "res_layer.1") if trunk == "irse" else ("conv1", "conv1")
    indices = [re.fullmatch(rf"body\.(\d+)\.{re.escape(each)}\.weight", name) for name in arrays]
    count = 1 + max((int(m[1]) for m in indices if m), default=-1)
    if not 0 < count <= 200:
        raise UnreadableFile(f"has a trunk of {count} units")
    unit_widths = [_shape(arrays, f"body.{i}.{each}.weight", 4)[0] for i in range(count)]
    stages = [(width, len(list(group))) for width, group in groupby(unit_widths)]
    rows = sum(bool(re.fullmatch(r"styles\.\d+\.linear\.weight", name)) for name in arrays)
    inputs = _shape(arrays, f"{first}.weight", 4)[1]
    # Only ReStyle looks at two images; its way in has twice the channels.
    twice = not pyramid or "n_iters_per_batch" in opts
    kind = "restyle" if twice else "e4e" if deltas else "psp"
    config: dict[str, Any] = dict(
        resolution=RESOLUTION,
        channels=inputs // (2 if twice else 1),
        rows=rows,
        w_dim=_shape(arrays, "styles.0.linear.weight", 2)[0],
        widths=tuple(width for width, _ in stages),
        units=tuple(units for _, units in stages),
        trunk=trunk,
        pyramid=pyramid,
    )
    if kind == "restyle":
        config["deltas"] = deltas
    more = {"latent_avg": _mean(w_mean, opts, twice, (rows, config["w_dim"]))}
    more |= {"stage": np.float32(rows - 1)} if deltas else {}
    module = ENCODERS[kind].encoder(**config)
    own = table(trunk, config["units"])
    return names.network(module, f"{kind}.encoder", config, {**arrays, **more}, own, layout, ignored=COUNTED)


def layout(path: str, array: np.ndarray) -> np.ndarray:
    """Turn torch's layout into ours; the mean is no matrix of a layer."""
    return array if path == "buffers/w_mean" else names.from_torch(path, array)


def state_dict(network: Network) -> dict[str, np.ndarray]:
    """Return an encoder's arrays by the names of these files, without the prefix "encoder."; undoes `encoder`."""
    config = dict(network.config)
    own = table(config["trunk"], config["units"])
    arrays = names.renamed({"params": network.params, "buffers": network.buffers}, own)
    return {name: array for name, array in arrays.items() if name not in ("latent_avg", "stage")}


def encoder_type(network: Network) -> str:
    """Name the class that an encoder is one of there.

    Raises:
        ValueError: It is none of them.
    """
    module = network.module
    looks = tuple(getattr(module, name, None) for name in ("trunk", "pyramid", "deltas"))
    found = [name for name, facts in TYPES.items() if facts == looks]
    if not found or getattr(module, "resolution", None) != RESOLUTION:
        raise ValueError(f"a network named '{network.name}' with this configuration has no place in a pSp file")
    return found[0]


def _mean(w_mean: Any, opts: Mapping[str, Any], always: bool, shape: tuple[int, int]) -> np.ndarray:
    """Return the mean that is added to each answer, for every row; zeros where the program adds none."""
    if not (always or opts.get("start_from_latent_avg")):
        return np.zeros(shape, np.float32)
    if not isinstance(w_mean, np.ndarray):
        raise UnreadableFile("has no latent_avg, from which its codes start")
    if w_mean.shape not in (shape, (1, shape[1]), (shape[1],)):
        raise UnreadableFile(f"has a latent_avg of shape {w_mean.shape}, its codes are {shape}")
    return np.broadcast_to(np.asarray(w_mean, np.float32), shape)


def _shape(arrays: Mapping[str, np.ndarray], name: str, axes: int) -> tuple[int, ...]:
    if name not in arrays or arrays[name].ndim != axes:
        raise UnreadableFile(f"has no array 'encoder.{name}' of {axes} axes")
    return arrays[name].shape
