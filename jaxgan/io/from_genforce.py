"""From genforce's state dicts (sefa, InterFaceGAN, GenForce) of PGGAN and StyleGAN, by name and shape alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from jaxgan.core import Generator, Network
from jaxgan.io import names
from jaxgan.io.names import Table
from jaxgan.io.records import UnreadableFile
from jaxgan.models import pggan, stylegan1
from jaxgan.nn.growing import resolutions, width

TITLE = "genforce's .pth (PGGAN, StyleGAN)"
PARTS = {"generator_smooth": "G_ema", "G_ema": "G_ema", "generator": "G", "G": "G", "discriminator": "D", "D": "D"}
DERIVED = r"(.*\.)?blur\.kernel"  # follows from the configuration
TRANSPOSED = 128  # from here on StyleGAN's upward convolutions are stored as transposed ones
Z_DIM = 512  # of a conditional PGGAN whose discriminator, which tells the number of classes, is not in the file


class Held(NamedTuple):
    """A network of the file: its family, whether it draws or judges, and its arrays."""

    family: str
    part: str
    arrays: Mapping[str, np.ndarray]


def recognise(value: Any) -> bool:
    """Tell whether a value holds state dicts with genforce's names."""
    return bool(held(value))


def read(value: Any, part: str | None) -> Generator | Network:
    """Read a part of a file: "G_ema", "G" or "D"; if None the averaged generator, or what comes nearest to it.

    Raises:
        UnreadableFile: The part is not there, or its arrays do not fit together.
    """
    there = held(value)
    one = names.chosen(there, part)
    try:
        if one.part == "D":
            return discriminator(one, there)
        return pggan_generator(one, there) if one.family == pggan.NAME else stylegan_generator(one)
    except UnreadableFile:
        raise
    except (IndexError, ValueError) as error:
        raise UnreadableFile(f"its '{one.part}' has arrays of other shapes than {one.family}'s") from error


def held(value: Any) -> dict[str, Held]:
    """Find the networks of a file by part: under genforce's own names, under the prefixes G. and D., or bare."""
    if isinstance(value, Mapping) and isinstance(value.get("models"), Mapping):  # a run's checkpoint
        value = value["models"]
    found = {}
    for name, arrays in names.parts(value, tuple(PARTS)).items():
        kind = recognised(arrays)
        if kind is not None and (name == "" or (PARTS[name] == "D") == (kind[1] == "D")):
            found[PARTS.get(name, kind[1])] = Held(*kind, arrays)
    return found


def recognised(arrays: Mapping[str, np.ndarray]) -> tuple[str, str] | None:
    """Tell family and part ("G" or "D") of a state dict by its names, None if they are not genforce's."""
    if "synthesis.layer0.apply_noise.weight" in arrays and "truncation.w_avg" in arrays:
        return stylegan1.NAME, "G"
    if "layer0.weight" in arrays and "output0.weight" in arrays:
        return pggan.NAME, "G"
    if "layer0.weight" in arrays and "input0.weight" in arrays:
        return stylegan1.NAME if any(name.endswith("blur.kernel") for name in arrays) else pggan.NAME, "D"
    return None


# Names. Layers are numbered from 4x4 on in generators, from the full resolution on in discriminators.


def level(resolution: str) -> int:
    """Number of a resolution: 0 for 4, 1 for 8."""
    return int(resolution).bit_length() - 3


def drawing(stem: str, *rows: tuple[str, str]) -> Table:
    """Complete a generator's table by rows whose pattern begins with a resolution and the number of a layer there."""
    return (
        (r"buffers/synthesis/fade", f"{stem}lod"),
        (r"params/synthesis/torgb/r(\d+)/(weight|bias)", lambda m: f"{stem}output{level(m[1])}.{m[2]}"),
        *((p, lambda m, end=end: f"{stem}layer{2 * level(m[1]) + int(m[2])}.{m.expand(end)}") for p, end in rows),
    )


PGGAN_NAMES: Table = (
    (r"params/synthesis/b4/dense/(weight|bias)", r"layer0.\1"),
    *drawing("", (r"params/synthesis/b(\d+)/conv(\d)/(weight|bias)", r"\3")),
)
STYLEGAN_NAMES: Table = (
    (r"params/mapping/fc(\d+)/(weight|bias)", r"mapping.dense\1.\2"),
    (r"params/mapping/embed", "mapping.label_weight"),
    (r"buffers/spread/w_mean", "truncation.w_avg"),
    *drawing(
        "synthesis.",
        (r"params/style/b(\d+)_conv(\d)/(weight|bias)", r"style.\3"),
        (r"params/synthesis/b(\d+)/conv(\d)/(const|weight|bias)", r"\3"),
        (r"params/synthesis/b(\d+)/conv(\d)/noise_strength", "apply_noise.weight"),
        (r"buffers/synthesis/b(\d+)/conv(\d)/noise", "apply_noise.noise"),
    ),
)


def judging(resolution: int) -> Table:
    """Name a discriminator's leaves, counted from its resolution down."""
    below = lambda r: level(str(resolution)) - level(r)
    last = 2 * below("4")
    return (
        (r"buffers/judge/fade", "lod"),
        (r"params/judge/fromrgb(\d+)/(weight|bias)", lambda m: f"input{below(m[1])}.{m[2]}"),
        (r"params/judge/b(\d+)/conv(\d)/(weight|bias)", lambda m: f"layer{2 * below(m[1]) + int(m[2])}.{m[3]}"),
        (r"params/judge/b4/conv/(weight|bias)", rf"layer{last}.\1"),
        (r"params/judge/b4/fc/(weight|bias)", rf"layer{last + 1}.\1"),
        (r"params/judge/b4/out/(weight|bias)", rf"layer{last + 2}.\1"),
    )


# Layouts


def to_ours(path: str, array: np.ndarray) -> np.ndarray:
    """Turn an array into the layout of our leaf.

    A transposed convolution is what our convolutions upwards are; an ordinary one behind an enlargement is the same
    with the kernel turned by half a turn. So is the convolution of a padded single pixel by which z becomes 4x4
    features. The discriminator's dense layer reads features that are flattened channels first there.
    """
    if path.endswith("/fade"):
        return array - np.floor(array)
    if path.endswith("/dense/weight"):
        return array.transpose(1, 2, 3, 0)[:, ::-1, ::-1]
    if path.endswith("/const"):
        return array[0].transpose(1, 2, 0)
    if path.endswith("/noise"):
        return array[0, 0]
    if path.endswith("/b4/fc/weight"):
        return array.reshape(len(array), -1, 4, 4).transpose(2, 3, 1, 0).reshape(-1, len(array))
    if path.endswith("/embed"):
        return array
    upward = re.fullmatch(r"params/synthesis/b(\d+)/conv0/weight", path)
    ours = names.from_torch(path, array)
    return ours[::-1, ::-1] if upward and int(upward[1]) < TRANSPOSED else ours


def to_ours_pggan(fused: bool):
    """Lay out a PGGAN generator: its upward convolutions are all ordinary, or all transposed, [I, O, k, k]."""

    def layout(path: str, array: np.ndarray) -> np.ndarray:
        if not re.fullmatch(r"params/synthesis/b\d+/conv0/weight", path):
            return to_ours(path, array)
        return array.transpose(2, 3, 0, 1) if fused else array.transpose(2, 3, 1, 0)[::-1, ::-1]

    return layout


# Sizes


def pggan_generator(one: Held, there: Mapping[str, Held]) -> Generator:
    """Build a PGGAN generator; how many inputs are classes is told by the discriminator beside it."""
    arrays = one.arrays
    resolution = _resolution(one, "output")
    widths = {r: _shape(one, f"layer{2 * level(str(r)) + 1}.weight")[0] for r in resolutions(resolution)}
    inputs, judge = _shape(one, "layer0.weight")[1], there.get("D")
    if judge is not None and judge.family == pggan.NAME:
        classes = _shape(judge, f"layer{2 * level(str(_resolution(judge, 'input'))) + 2}.weight")[0] - 1
    else:
        classes = max(inputs - Z_DIM, 0)
    base, limit = _channels(widths)
    arch = pggan.arch(
        resolution,
        channels=_shape(one, "output0.weight")[0],
        z_dim=inputs - classes,
        classes=classes,
        channel_base=base,
        channel_max=limit,
        lod=_lod(one, "lod", resolution),
    )
    ups = [(r, _shape(one, f"layer{2 * level(str(r))}.weight")[:2]) for r in resolutions(resolution)[1:]]
    fused = any(shape == (widths[r // 2], widths[r]) != (widths[r], widths[r // 2]) for r, shape in ups)
    return names.generator(arch, arrays, PGGAN_NAMES, to_ours_pggan(fused), absent=("lod",))


def stylegan_generator(one: Held) -> Generator:
    """Build a StyleGAN generator."""
    arrays = one.arrays
    if "synthesis.layer0.const" not in arrays:
        raise UnreadableFile("its StyleGAN has no constant input (const_input=False), which is not read")
    resolution = _resolution(one, "synthesis.output")
    sides = resolutions(resolution)
    widths = {r: len(arrays.get(f"synthesis.layer{2 * level(str(r)) + 1}.bias", ())) for r in sides}
    layers = [name for name in arrays if re.fullmatch(r"mapping\.dense\d+\.weight", name)]
    classes, z_dim = 0, _shape(one, "mapping.dense0.weight")[1]
    if "mapping.label_weight" in arrays:
        classes, z_dim = _shape(one, "mapping.label_weight")
    hidden = _shape(one, "mapping.dense0.weight")[0]
    w_dim = _shape(one, "synthesis.layer0.style.weight")[1]
    if arrays["truncation.w_avg"].shape != (w_dim,):
        raise UnreadableFile("its StyleGAN maps to every layer's w by itself (repeat_w=False), which is not read")
    base, limit = _channels(widths)
    arch = stylegan1.arch(
        resolution,
        channels=_shape(one, "synthesis.output0.weight")[0],
        z_dim=z_dim,
        w_dim=w_dim,
        classes=classes,
        channel_base=base,
        channel_max=limit,
        mapping_layers=len(layers),
        mapping_hidden=hidden if len(layers) > 1 else w_dim,
        lod=_lod(one, "synthesis.lod", resolution),
    )
    return names.generator(arch, arrays, STYLEGAN_NAMES, to_ours, ignored=DERIVED, absent=("synthesis.lod",))


def discriminator(one: Held, there: Mapping[str, Held]) -> Network:
    """Build a discriminator of either family."""
    resolution = _resolution(one, "input")
    sides, last = resolutions(resolution), 2 * level(str(resolution))
    below = lambda r: level(str(resolution)) - level(str(r))
    widths = {r: _shape(one, f"input{below(r)}.weight")[0] for r in sides}
    widths[2] = _shape(one, f"layer{last + 1}.weight")[0]
    base, limit = _channels(widths)
    scores, stylish = _shape(one, f"layer{last + 2}.weight")[0], one.family == stylegan1.NAME
    if not stylish:
        classes = scores - 1
    else:
        told = any("mapping.label_weight" in other.arrays for other in there.values())
        classes = scores if scores > 1 or told else 0
    config = dict[str, Any](
        resolution=resolution,
        channels=_shape(one, "input0.weight")[1],
        classes=classes,
        channel_base=base,
        channel_max=limit,
        mbstd_group=4 if stylish else 16,
        mbstd_features=_shape(one, f"layer{last}.weight")[1] - widths[4],
        lod=_lod(one, "lod", resolution),
    )
    family = stylegan1 if stylish else pggan
    module, name = family.discriminator(**config), f"{family.NAME}.discriminator"
    table = judging(resolution)
    return names.network(module, name, config, one.arrays, table, to_ours, ignored=DERIVED, absent=("lod",))


def _shape(one: Held, name: str) -> tuple[int, ...]:
    if name not in one.arrays or one.arrays[name].ndim < 2:
        raise UnreadableFile(f"its {one.family} '{one.part}' has no matrix '{name}'")
    return one.arrays[name].shape


def _resolution(one: Held, stem: str) -> int:
    """Read the resolution off the number of ways in or out."""
    count = sum(bool(re.fullmatch(rf"{re.escape(stem)}\d+\.weight", name)) for name in one.arrays)
    if not 1 <= count <= 12:
        raise UnreadableFile(f"its {one.family} '{one.part}' has {count} layers {stem}N; 1 to 12 are possible")
    return 4 << (count - 1)


def _lod(one: Held, name: str, resolution: int) -> int:
    value = float(np.asarray(one.arrays.get(name, 0.0)).reshape(-1)[0])
    if not 0 <= value <= level(str(resolution)):
        raise UnreadableFile(f"its {name} is {value:g}; at {resolution} pixels it is 0 to {level(str(resolution))}")
    return int(value)


def _channels(widths: Mapping[int, int]) -> tuple[int, int]:
    """Find a channel_base and channel_max that give these widths."""
    limit, base = max(widths.values()), max(r * channels for r, channels in widths.items())
    if not limit or any(width(r, base, limit) != channels for r, channels in widths.items()):
        raise UnreadableFile(f"its layers have the widths {dict(widths)}, which no channel_base and channel_max give")
    return base, limit
