"""From NVIDIA's TensorFlow pickles of PGGAN, StyleGAN, StyleGAN2 and StyleGAN2-ADA: (G, D, Gs), arrays by name.

What is here reads StyleGAN2. Convolutions stand there as [h, w, I, O] and matrices as [I, O], as here. Three things
differ: kernels of layers that double the resolution are flipped, biases of styles count from 1, and the discriminator
flattens channels first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxgan.core import Generator, Network
from jaxgan.io import from_growing_tf, names
from jaxgan.io.names import Table
from jaxgan.io.records import Record, UnreadableFile
from jaxgan.io.tf_records import CLASSES, arguments, number, shape, variables, width_guesses
from jaxgan.models import stylegan2
from jaxgan.nn.growing import resolutions
from jaxgan.ops.activations import ACTIVATIONS
from jaxgan.ops.resample import FILTER

TITLE = "NVIDIA's TensorFlow .pkl (PGGAN, StyleGAN, StyleGAN2)"
PARTS = ("G", "D", "G_ema")  # the order in the file
_LAYERS = {"conv0": "Conv0_up", "conv1": "Conv1", "torgb": "ToRGB", "skip": "Skip", "fromrgb": "FromRGB"}
_OF_D = {**_LAYERS, "conv0": "Conv0", "conv1": "Conv1_down"}


def _layer(r: str, kind: str) -> str:
    return f"{r}x{r}/{'Conv' if (r, kind) == ('4', 'conv1') else _LAYERS[kind]}"


def _noise(r: str, kind: str) -> int:
    return 0 if r == "4" else 2 * int(r).bit_length() - 2 - (5 if kind == "conv0" else 4)


GENERATOR_NAMES: Table = (
    (r"params/mapping/fc(\d+)/(weight|bias)", r"mapping/Dense\1/\2"),
    (r"params/mapping/embed/(weight|bias)", r"mapping/LabelEmbed/\1"),
    (r"buffers/spread/w_mean", r"dlatent_avg"),
    (r"params/style/b(\d+)_(\w+)/(weight|bias)", lambda m: f"synthesis/{_layer(m[1], m[2])}/mod_{m[3]}"),
    (r"params/synthesis/b4/const", r"synthesis/4x4/Const/const"),
    (
        r"params/synthesis/b(\d+)/(\w+)/(weight|bias|noise_strength)",
        lambda m: f"synthesis/{_layer(m[1], m[2])}/{m[3]}",
    ),
    (r"buffers/synthesis/b(\d+)/(\w+)/noise", lambda m: f"synthesis/noise{_noise(m[1], m[2])}"),
)
DISCRIMINATOR_NAMES: Table = (
    (r"params/mapping/embed/(weight|bias)", r"LabelEmbed/\1"),
    (r"params/mapping/fc(\d+)/(weight|bias)", r"Mapping\1/\2"),
    (r"params/b4/conv/(weight|bias)", r"4x4/Conv/\1"),
    (r"params/b4/fc/(weight|bias)", r"4x4/Dense0/\1"),
    (r"params/b4/out/(weight|bias)", r"Output/\1"),
    (r"params/b(\d+)/(\w+)/(weight|bias)", lambda m: f"{m[1]}x{m[1]}/{_OF_D[m[2]]}/{m[3]}"),
)


def recognise(value: Any) -> bool:
    """Tell whether a pickle holds TensorFlow networks: (G, D, Gs), or one of them."""
    return bool(_held(value))


def read(value: Any, part: str | None) -> Generator | Network:
    """Read "G_ema" (if None), "G" or "D", computing in float32.

    Source: NVIDIA's own converter to torch, with these differences: the 2019 discriminator keeps its groups of 4 in
    the minibatch statistics, and what the file's arrays show is taken from them, not from defaults.

    Raises:
        UnreadableFile: the part is not there, is of another family, or does not fit its configuration.
    """
    record = names.chosen(_held(value), part, ("G_ema", "G", "D"))
    return network(record) if part == "D" or _judges(record) else generator(record)


def to_ours(path: str, array: np.ndarray) -> np.ndarray:
    """Turn one of the TensorFlow arrays into the layout of our leaf."""
    if path.endswith("/const"):
        return array[0].transpose(1, 2, 0) if array.ndim == 4 else array
    if path.endswith("/noise"):
        return array[0, 0] if array.ndim == 4 else array
    if path.startswith("params/style/") and path.endswith("/bias"):
        return array + array.dtype.type(1)
    if path.startswith("params/synthesis/") and path.endswith(("/conv0/weight", "/skip/weight")):
        return array[::-1, ::-1]
    if path == "params/b4/fc/weight" and array.ndim == 2 and len(array) % 16 == 0:
        return array.reshape(-1, 4, 4, array.shape[1]).transpose(1, 2, 0, 3).reshape(array.shape)
    return array


def generator(record: Record) -> Generator:
    """Build the generator that a record of a TensorFlow network describes."""
    arrays, given = variables(record), arguments(record)
    if "synthesis/4x4/Const/StyleMod/weight" in arrays:
        return from_growing_tf.stylegan_generator(arrays, given)
    if "4x4/Dense/weight" in arrays:
        return from_growing_tf.pggan_generator(arrays, given)
    if "mapping/LabelConcat/weight" in arrays:
        raise UnreadableFile("holds a conditional generator of 2019, whose labels are not read")
    if given.get("normalize_latents", True) is not True:
        raise UnreadableFile("holds a generator that does not normalise z, which is not read")
    # In networks that grew during training the image comes from the last of many ToRGB; the others are unused now.
    grown = "synthesis/ToRGB_lod0/weight" in arrays
    arrays = {re.sub(r"^synthesis/(ToRGB)_lod0/", r"synthesis/TOP/\1/", name): array for name, array in arrays.items()}
    found = [int(m[1]) for m in (re.fullmatch(r"synthesis/(\d{1,5})x\1/Conv1/weight", name) for name in arrays) if m]
    resolution = _resolution(found)
    arrays = {name.replace("/TOP/", f"/{resolution}x{resolution}/"): array for name, array in arrays.items()}
    widths = {r: shape(arrays, f"synthesis/{_layer(str(r), 'conv1')}/weight", 4)[3] for r in resolutions(resolution)}
    base, limit = names.widths_rule(widths, width_guesses(given, 16384))
    top = f"synthesis/{resolution}x{resolution}"
    w_dim = shape(arrays, f"{top}/Conv1/mod_weight", 2)[0]
    skips = "synthesis/4x4/ToRGB/weight" in arrays and not grown
    layers = sum(bool(re.fullmatch(r"mapping/Dense\d+/weight", name)) for name in arrays)
    classes, embed = shape(arrays, "mapping/LabelEmbed/weight", 2) if "mapping/LabelEmbed/weight" in arrays else (0, 0)
    first = shape(arrays, "mapping/Dense0/weight", 2) if layers else (w_dim, w_dim)
    arch = stylegan2.arch(
        resolution=resolution,
        channels=shape(arrays, f"{top}/ToRGB/weight", 4)[3],
        z_dim=first[0] - embed,
        w_dim=w_dim,
        classes=classes,
        channel_base=base,
        channel_max=limit,
        mapping_layers=layers,
        mapping_lr_mul=number(given, "mapping_lrmul", 0.01),
        mapping_embed=embed if classes and embed != w_dim else None,
        mapping_hidden=first[1] if layers > 1 and first[1] != w_dim else None,
        mapping_activation=_activation(given, "mapping_nonlinearity"),
        architecture="skip" if skips else "resnet" if f"{top}/Skip/weight" in arrays else "orig",
        use_noise="synthesis/noise0" in arrays,
        activation=_activation(given, "nonlinearity"),
        conv_clamp=number(given, "conv_clamp", None),
        resample_filter=_taps(given),
    )
    how: dict[str, Any] = {"ignored": r"(synthesis/)?(lod|ToRGB_lod\d+/\w+)", "absent": ("dlatent_avg",)}
    return names.generator(arch, arrays, GENERATOR_NAMES, to_ours, **how)


def network(record: Record) -> Network:
    """Build the discriminator that a record of a TensorFlow network describes."""
    arrays, given = variables(record), arguments(record)
    if "4x4/Dense1/weight" in arrays:
        stylish = record.class_name == CLASSES[0]  # both families' are laid out alike; StyleGAN's code came with dnnlib
        return from_growing_tf.discriminator(arrays, given, stylish)
    arrays = {re.sub(r"^(FromRGB)_lod0/", r"TOP/\1/", name): array for name, array in arrays.items()}
    found = [int(m[1]) for m in (re.fullmatch(r"(\d{1,5})x\1/Conv0/weight", name) for name in arrays) if m]
    resolution = _resolution(found)
    arrays = {re.sub("^TOP/", f"{resolution}x{resolution}/", name): array for name, array in arrays.items()}
    out = shape(arrays, "Output/weight", 2)[1]
    conditional = "LabelEmbed/weight" in arrays
    if not conditional and out != 1:
        raise UnreadableFile("holds a conditional discriminator of 2019, whose labels are not read")
    widths = {r: shape(arrays, f"{r}x{r}/Conv0/weight", 4)[3] for r in found}
    widths[4] = shape(arrays, "4x4/Conv/weight", 4)[3]
    base, limit = names.widths_rule(widths, width_guesses(given, 16384))
    # StyleGAN2-ADA's function is called D_main; its statistics are over the whole batch unless the file says more.
    whole = str(record.state.get("build_func_name")).endswith("D_main")
    group = number(given, "mbstd_group_size", None if whole else 4)
    features = shape(arrays, "4x4/Conv/weight", 4)[2] - shape(arrays, "8x8/Conv1_down/weight", 4)[3]
    top = f"{resolution}x{resolution}"
    residual, skipping = f"{top}/Skip/weight" in arrays, "4x4/FromRGB/weight" in arrays
    architecture = "resnet" if residual else "skip" if skipping else "orig"
    config = dict[str, Any](
        resolution=resolution,
        channels=shape(arrays, f"{top}/FromRGB/weight", 4)[2],
        classes=0,
        channel_base=base,
        channel_max=limit,
        architecture=architecture,
        mbstd_group=None if group is None else max(int(group), 1),
        mbstd_features=features,
        activation=_activation(given, "nonlinearity"),
        epilogue_activation=_activation(given, "nonlinearity"),
        conv_clamp=number(given, "conv_clamp", None),
        resample_filter=_taps(given),
    )
    if conditional:
        classes, embed = shape(arrays, "LabelEmbed/weight", 2)
        config |= dict(
            classes=classes,
            cmap_dim=out if out != widths[4] else None,
            mapping_layers=sum(bool(re.fullmatch(r"Mapping\d+/weight", name)) for name in arrays),
            mapping_embed=embed if embed != out else None,
            mapping_lr_mul=number(given, "mapping_lrmul", 0.1),
            mapping_activation=_activation(given, "nonlinearity"),
        )
    module = stylegan2.discriminator(**config)
    name, ignored = f"{stylegan2.NAME}.discriminator", r"lod|FromRGB_lod\d+/\w+"
    return names.network(module, name, config, arrays, DISCRIMINATOR_NAMES, to_ours, ignored=ignored)


def _held(value: Any) -> dict[str, Record]:
    if isinstance(value, (tuple, list)) and len(value) == 3:
        held = dict(zip(PARTS, value, strict=True))
    else:
        held = {"D" if _judges(value) else "G_ema": value}
    return {name: one for name, one in held.items() if isinstance(one, Record) and one.class_name in CLASSES}


def _judges(value: Any) -> bool:
    held = value.state.get("variables") if isinstance(value, Record) else None
    return isinstance(held, list) and any(isinstance(v, tuple) and v and "FromRGB" in str(v[0])[:40] for v in held)


def _resolution(found: list[int]) -> int:
    resolution = max(found, default=4)
    if resolution < 8 or sorted(found) != list(resolutions(resolution)[1:]):
        raise UnreadableFile(f"has layers of the resolutions {sorted(found)[:12]}: no StyleGAN2 network")
    return resolution


def _activation(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name, "lrelu")
    if not isinstance(value, str) or value not in ACTIVATIONS:
        raise UnreadableFile(f"its argument '{name}' is unknown; known are {', '.join(ACTIVATIONS)}")
    return value


def _taps(given: Mapping[str, Any]) -> tuple[float, ...]:
    value = given.get("resample_kernel", FILTER)
    value = (1, 1) if value is None else value  # None stands for the mean of neighbours
    if not isinstance(value, (list, tuple)) or not 0 < len(value) <= 64:
        raise UnreadableFile("its argument 'resample_kernel' is no list of taps")
    return tuple(number({"resample_kernel": tap}, "resample_kernel", None) for tap in value)
