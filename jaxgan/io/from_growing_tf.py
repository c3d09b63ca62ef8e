"""From the variables of NVIDIA's TensorFlow networks that grow, PGGAN and the first StyleGAN, to this library's.

Convolutions stand there as [h, w, I, O] and matrices as [I, O], as here. StyleGAN enlarges and then convolves below 128
pixels, and from 128 on convolves transposed, with the same array turned by half a turn in effect. PGGAN does the one
or the other everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxgan.core import Generator, Network
from jaxgan.io import names
from jaxgan.io.names import Table
from jaxgan.io.records import UnreadableFile
from jaxgan.io.tf_records import number, shape, width_guesses
from jaxgan.models import pggan, stylegan1
from jaxgan.nn.growing import resolutions

Arrays = Mapping[str, np.ndarray]
FUSED = 128  # resolutions from which enlarging and convolving are one operation there
# Arguments that change what is computed, with the values that are read.
SHARED: dict[str, tuple] = {"use_wscale": (True,), "normalize_latents": (True,), "fmap_decay": (1, 1.0)}
PGGAN = {**SHARED, "use_pixelnorm": (True,), "pixelnorm_epsilon": (1e-8,), "use_leakyrelu": (True,)}
STYLEGAN: dict[str, tuple] = {
    **SHARED,
    "use_styles": (True,),
    "const_input_layer": (True,),
    "use_noise": (True,),
    "use_pixel_norm": (False,),
    "use_instance_norm": (True,),
    "nonlinearity": ("lrelu",),
    "mapping_nonlinearity": ("lrelu",),
    "blur_filter": ([1, 2, 1], (1, 2, 1)),
    "fused_scale": ("auto",),
}


def level(resolution: str | int) -> int:
    """Number of a resolution: 0 for 4, 1 for 8."""
    return int(resolution).bit_length() - 3


def layer(r: str, i: str) -> str:
    """Name a layer of the generator by our block and number."""
    return f"synthesis/{r}x{r}/{('Const', 'Conv')[int(i)] if r == '4' else ('Conv0_up', 'Conv1')[int(i)]}"


def pggan_names(resolution: int, fused: bool) -> Table:
    """Return the table of a PGGAN generator."""
    convs = ("Conv0_up" if fused else "Conv0", "Conv1")
    return (
        (r"buffers/synthesis/fade", "lod"),
        (r"params/synthesis/b4/dense/(weight|bias)", r"4x4/Dense/\1"),
        (r"params/synthesis/b4/conv1/(weight|bias)", r"4x4/Conv/\1"),
        (r"params/synthesis/torgb/r(\d+)/(weight|bias)", lambda m: _of_image("ToRGB", m, resolution)),
        (r"params/synthesis/b(\d+)/conv(\d)/(weight|bias)", lambda m: f"{m[1]}x{m[1]}/{convs[int(m[2])]}/{m[3]}"),
    )


def stylegan_names(resolution: int) -> Table:
    """Return the table of a StyleGAN generator, whose images are counted from its resolution down."""
    return (
        (r"params/mapping/fc(\d+)/(weight|bias)", r"mapping/Dense\1/\2"),
        (r"params/mapping/embed", "mapping/LabelConcat/weight"),
        (r"buffers/spread/w_mean", "dlatent_avg"),
        (r"buffers/synthesis/fade", "lod"),
        (r"params/style/b(\d+)_conv(\d)/(weight|bias)", lambda m: f"{layer(m[1], m[2])}/StyleMod/{m[3]}"),
        (r"params/synthesis/torgb/r(\d+)/(weight|bias)", lambda m: _of_image("synthesis/ToRGB", m, resolution)),
        (r"params/synthesis/b(\d+)/conv(\d)/noise_strength", lambda m: f"{layer(m[1], m[2])}/Noise/weight"),
        (r"params/synthesis/b(\d+)/conv(\d)/(const|weight|bias)", lambda m: f"{layer(m[1], m[2])}/{m[3]}"),
        (r"buffers/synthesis/b(\d+)/conv(\d)/noise", lambda m: f"synthesis/noise{2 * level(m[1]) + int(m[2])}"),
    )


def discriminator_names(resolution: int, fused: bool) -> Table:
    """Return the table of a discriminator of either family."""
    down = ("Conv0", "Conv1_down" if fused else "Conv1")
    return (
        (r"buffers/judge/fade", "lod"),
        (r"params/judge/fromrgb(\d+)/(weight|bias)", lambda m: _of_image("FromRGB", m, resolution)),
        (r"params/judge/b(\d+)/conv(\d)/(weight|bias)", lambda m: f"{m[1]}x{m[1]}/{down[int(m[2])]}/{m[3]}"),
        (r"params/judge/b4/conv/(weight|bias)", r"4x4/Conv/\1"),
        (r"params/judge/b4/fc/(weight|bias)", r"4x4/Dense0/\1"),
        (r"params/judge/b4/out/(weight|bias)", r"4x4/Dense1/\1"),
    )


def to_ours(path: str, array: np.ndarray) -> np.ndarray:
    """Turn one of the arrays into the layout of our leaf."""
    if path.endswith("/fade"):
        return array - np.floor(array)
    if path.endswith("/const"):
        return array[0].transpose(1, 2, 0) if array.ndim == 4 else array
    if path.endswith("/noise"):
        return array[0, 0] if array.ndim == 4 else array
    if path.endswith("/b4/fc/weight") and array.ndim == 2 and len(array) % 16 == 0:
        return array.reshape(-1, 4, 4, array.shape[1]).transpose(1, 2, 0, 3).reshape(array.shape)
    upward = re.fullmatch(r"params/synthesis/b(\d+)/conv0/weight", path)
    return array[::-1, ::-1] if upward and int(upward[1]) < FUSED else array


def to_ours_pggan(fused: bool):
    """Lay out a PGGAN generator: its upward convolutions are all ordinary, or all transposed, [h, w, O, I]."""

    def layout(path: str, array: np.ndarray) -> np.ndarray:
        if path.endswith("/dense/weight"):
            return array.reshape(len(array), -1, 4, 4).transpose(0, 2, 3, 1)
        if re.fullmatch(r"params/synthesis/b\d+/conv0/weight", path):
            return array.transpose(0, 1, 3, 2) if fused else array[::-1, ::-1]
        return to_ours(path, array)

    return layout


def pggan_generator(arrays: Arrays, given: Mapping[str, Any]) -> Generator:
    """Build a PGGAN generator of a network's variables and arguments."""
    _check(given, PGGAN)
    if number(given, "label_size", 0):
        raise UnreadableFile("holds a conditional PGGAN, which normalises z together with the label: that is not read")
    resolution = _resolution(arrays, "ToRGB")
    widths = {r: shape(arrays, f"{r}x{r}/Conv{'' if r == 4 else '1'}/weight", 4)[3] for r in resolutions(resolution)}
    base, limit = names.widths_rule(widths, width_guesses(given, 8192))
    arch = pggan.arch(
        resolution,
        channels=shape(arrays, "ToRGB_lod0/weight", 4)[3],
        z_dim=shape(arrays, "4x4/Dense/weight", 2)[0],
        channel_base=base,
        channel_max=limit,
        lod=_lod(arrays, resolution),
    )
    fused = "8x8/Conv0_up/weight" in arrays
    table, layout = pggan_names(resolution, fused), to_ours_pggan(fused)
    return names.generator(arch, arrays, table, layout, absent=("lod",))


def stylegan_generator(arrays: Arrays, given: Mapping[str, Any]) -> Generator:
    """Build a StyleGAN generator of a network's variables and arguments."""
    _check(given, STYLEGAN)
    resolution = _resolution(arrays, "synthesis/ToRGB")
    widths = {r: shape(arrays, f"{layer(str(r), '1')}/weight", 4)[3] for r in resolutions(resolution)}
    base, limit = names.widths_rule(widths, width_guesses(given, 8192))
    layers = sum(bool(re.fullmatch(r"mapping/Dense\d+/weight", name)) for name in arrays)
    z_dim, hidden = shape(arrays, "mapping/Dense0/weight", 2)
    w_dim, classes = shape(arrays, "synthesis/4x4/Const/StyleMod/weight", 2)[0], 0
    if "mapping/LabelConcat/weight" in arrays:
        classes, z_dim = shape(arrays, "mapping/LabelConcat/weight", 2)
    arch = stylegan1.arch(
        resolution,
        channels=shape(arrays, "synthesis/ToRGB_lod0/weight", 4)[3],
        z_dim=z_dim,
        w_dim=w_dim,
        classes=classes,
        channel_base=base,
        channel_max=limit,
        mapping_layers=layers,
        mapping_hidden=hidden if layers > 1 else w_dim,
        mapping_lr_mul=number(given, "mapping_lrmul", 0.01),
        lod=_lod(arrays, resolution),
    )
    absent = ("lod", "dlatent_avg")
    return names.generator(arch, arrays, stylegan_names(resolution), to_ours, ignored="synthesis/lod", absent=absent)


def discriminator(arrays: Arrays, given: Mapping[str, Any], stylish: bool) -> Network:
    """Build the discriminator of a network's variables and arguments, StyleGAN's if `stylish`, else PGGAN's."""
    _check(given, STYLEGAN if stylish else SHARED)
    resolution = _resolution(arrays, "FromRGB")
    ways = [(r, f"FromRGB_lod{level(resolution) - level(r)}/weight") for r in resolutions(resolution)]
    widths = {r: shape(arrays, name, 4)[3] for r, name in ways} | {2: shape(arrays, "4x4/Dense0/weight", 2)[1]}
    base, limit = names.widths_rule(widths, width_guesses(given, 8192))
    labels, scores = number(given, "label_size", 0) or 0, shape(arrays, "4x4/Dense1/weight", 2)[1]
    classes = scores - 1 if not stylish else scores if labels or scores > 1 else 0
    group = number(given, "mbstd_group_size", 4) or 1
    fused = stylish or "8x8/Conv1_down/weight" in arrays
    config = dict[str, Any](
        resolution=resolution,
        channels=shape(arrays, "FromRGB_lod0/weight", 4)[2],
        classes=classes,
        channel_base=base,
        channel_max=limit,
        mbstd_group=max(int(group), 1),
        mbstd_features=shape(arrays, "4x4/Conv/weight", 4)[2] - widths[4],
        lod=_lod(arrays, resolution),
        **({} if stylish else {"fused": fused}),
    )
    family = stylegan1 if stylish else pggan
    module, table = family.discriminator(**config), discriminator_names(resolution, fused)
    return names.network(module, f"{family.NAME}.discriminator", config, arrays, table, to_ours, absent=("lod",))


def _of_image(stem: str, match: re.Match, resolution: int) -> str:
    return f"{stem}_lod{level(resolution) - level(match[1])}/{match[2]}"


def _check(given: Mapping[str, Any], fixed: Mapping[str, tuple]) -> None:
    for name, allowed in fixed.items():
        if name in given and not any(type(given[name]) is type(a) and given[name] == a for a in allowed):
            raise UnreadableFile(f"holds a network with another {name} than {allowed[0]!r}, which is not read")


def _resolution(arrays: Arrays, stem: str) -> int:
    """Read the resolution off the number of ways in or out, one for each resolution from 4x4 on."""
    count = sum(bool(re.fullmatch(rf"{stem}_lod\d+/weight", name)) for name in arrays)
    if not 1 <= count <= 12:
        raise UnreadableFile(f"has {count} layers {stem}_lod: no network that grows")
    return 4 << (count - 1)


def _lod(arrays: Arrays, resolution: int) -> int:
    value = float(np.asarray(arrays.get("lod", 0.0)).reshape(-1)[0])
    if not 0 <= value <= level(resolution):
        raise UnreadableFile(f"its lod is {value:g}; at {resolution} pixels it is 0 to {level(resolution)}")
    return int(value)
