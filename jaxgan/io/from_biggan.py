"""From BigGAN-PyTorch's state dicts, and from those of pytorch-pretrained-BigGAN, by name and shape alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from jaxgan.core import Generator, Network
from jaxgan.io import names
from jaxgan.io.names import Table
from jaxgan.io.records import UnreadableFile
from jaxgan.models import biggan

TITLE = "BigGAN-PyTorch's .pth, pytorch-pretrained-BigGAN's .bin"
KNOWN = ("G_ema", "G", "D")
MORE_VECTORS = r".*\.(u|sv)[1-9]\d*|.*\.num_batches_tracked"  # computed there and not used
DEPTHS = (2, 1, 3, 4)  # blocks a stage of the deep networks, the published number first
TABLE_EPS = 1e-4  # of pytorch-pretrained-BigGAN's batch norms; the state dict does not say it


class Held(NamedTuple):
    """A network of the file: "G", "D" or "hub" (a generator of pytorch-pretrained-BigGAN), and its arrays."""

    kind: str
    arrays: Mapping[str, np.ndarray]


def recognise(value: Any) -> bool:
    """Tell whether a value holds state dicts with the names of either code."""
    return bool(held(value))


def read(value: Any, part: str | None) -> Generator | Network:
    """Read a part of a file: "G_ema", "G" or "D"; if None the averaged generator, or what comes nearest to it.

    Raises:
        UnreadableFile: The part is not there, or its arrays do not fit together.
    """
    kind, arrays = names.chosen(held(value), part)
    try:
        return {"G": generator, "D": discriminator, "hub": hub_generator}[kind](arrays)
    except UnreadableFile:
        raise
    except (KeyError, IndexError, ValueError, ZeroDivisionError) as error:
        reason = " ".join(str(error).split())[:160]
        raise UnreadableFile(f"its BigGAN network lacks arrays or has them in other shapes ({reason})") from error


def held(value: Any) -> dict[str, Held]:
    """Find the networks of a file by part: under the prefixes G., G_ema. and D., or bare."""
    found = {}
    for name, arrays in names.parts(value, KNOWN).items():
        kind = recognised(arrays)
        if kind is not None and (name == "" or (name == "D") == (kind == "D")):
            found[name or ("D" if kind == "D" else "G")] = Held(kind, arrays)
    return found


def recognised(arrays: Mapping[str, np.ndarray]) -> str | None:
    """Tell the kind of a state dict by its names, None if they are not BigGAN's."""
    if "generator.gen_z.weight_orig" in arrays:
        return "hub"
    if "blocks.0.0.conv1.weight" not in arrays or "linear.weight" not in arrays:
        return None
    return "G" if "output_layer.2.weight" in arrays else "D"


# Names

LEAVES = {"u": "u0", "sigma": "sv0", "mean": "stored_mean", "var": "stored_var"}
OF_VECTORS = {"u": "weight_u", "v": "weight_v", "weight": "weight_orig"}
OF_TABLES = {"mean": "running_means", "var": "running_vars"}
HUB_MAPS = {"gain": "scale", "bias": "offset"}
PLACE = r"(?:params|buffers)/synthesis/"
ANY = r"(\w+)"


def leaf(name: str) -> str:
    return LEAVES.get(name, name)


GENERATOR_NAMES: Table = (
    (r"params/latent/shared/weight", r"shared.weight"),
    (rf"{PLACE}linear/{ANY}", lambda m: f"linear.{leaf(m[1])}"),
    (rf"{PLACE}block(\d+)/{ANY}/{ANY}", lambda m: f"blocks.{m[1]}.0.{m[2]}.{leaf(m[3])}"),
    (rf"{PLACE}block(\d+)/(bn\d)/(gain|bias)/{ANY}", lambda m: f"blocks.{m[1]}.0.{m[2]}.{m[3]}.{leaf(m[4])}"),
    (rf"{PLACE}attention(\d+)/gamma", r"blocks.\1.1.gamma"),
    (rf"{PLACE}attention(\d+)/{ANY}/{ANY}", lambda m: f"blocks.{m[1]}.1.{m[2]}.{leaf(m[3])}"),
    (r"params/synthesis/bn/weight", r"output_layer.0.gain"),
    (rf"{PLACE}bn/{ANY}", lambda m: f"output_layer.0.{leaf(m[1])}"),
    (rf"{PLACE}rgb/{ANY}", lambda m: f"output_layer.2.{leaf(m[1])}"),
)


def discriminator_names(depth: int) -> Table:
    """Name a discriminator's leaves: its blocks stand in lists of `depth`, with the attention behind them."""
    place = r"(?:params|buffers)/"
    at = lambda m: f"blocks.{int(m[1]) // depth}"
    return (
        (rf"{place}stem/{ANY}", lambda m: f"input_conv.{leaf(m[1])}"),
        (rf"{place}(linear|embed)/{ANY}", lambda m: f"{m[1]}.{leaf(m[2])}"),
        (rf"{place}block(\d+)/{ANY}/{ANY}", lambda m: f"{at(m)}.{int(m[1]) % depth}.{m[2]}.{leaf(m[3])}"),
        (rf"{place}attention(\d+)/gamma", lambda m: f"{at(m)}.{depth}.gamma"),
        (rf"{place}attention(\d+)/{ANY}/{ANY}", lambda m: f"{at(m)}.{depth}.{m[2]}.{leaf(m[3])}"),
    )


def hub_names(attention: int | None) -> Table:
    """Name the leaves of pytorch-pretrained-BigGAN, whose one list of layers holds the attention too."""
    layer = lambda i: f"generator.layers.{int(i) + (attention is not None and int(i) >= attention)}"
    array = lambda name: OF_VECTORS.get(name, name)
    return (
        (r"params/latent/shared/weight", r"embeddings.weight"),
        (rf"{PLACE}linear/{ANY}", lambda m: f"generator.gen_z.{array(m[1])}"),
        (rf"{PLACE}block(\d+)/conv(\d)/{ANY}", lambda m: f"{layer(m[1])}.conv_{int(m[2]) - 1}.{array(m[3])}"),
        (rf"{PLACE}block(\d+)/bn(\d)/(mean|var)", lambda m: f"{layer(m[1])}.bn_{int(m[2]) - 1}.{OF_TABLES[m[3]]}"),
        (
            rf"{PLACE}block(\d+)/bn(\d)/(gain|bias)/{ANY}",
            lambda m: f"{layer(m[1])}.bn_{int(m[2]) - 1}.{HUB_MAPS[m[3]]}.{array(m[4])}",
        ),
        (rf"{PLACE}attention\d+/gamma", rf"generator.layers.{attention}.gamma"),
        (
            rf"{PLACE}attention\d+/{ANY}/{ANY}",
            lambda m: f"generator.layers.{attention}.snconv1x1_{'o_conv' if m[1] == 'o' else m[1]}.{array(m[2])}",
        ),
        (rf"{PLACE}bn/{ANY}", lambda m: f"generator.bn.{OF_TABLES.get(m[1], m[1])}"),
        (rf"{PLACE}rgb/{ANY}", lambda m: f"generator.conv_to_rgb.{array(m[1])}"),
    )


# Layouts. Vectors of spectral norm belong to the rows (u) and columns (v) of torch's matrices [O, I h w].


def to_ours(path: str, array: np.ndarray) -> np.ndarray:
    """Turn an array of BigGAN-PyTorch into the layout of our leaf.

    The first layer's outputs are 4x4 features, channels first there and last here; tables of classes, which torch
    keeps by rows, stay as they are.
    """
    if re.fullmatch(r".*/(u|sigma|gamma)", path):
        array = array.reshape(-1 if path.endswith("/u") else ())
    if path.endswith(("/synthesis/linear/weight", "/synthesis/linear/bias", "/synthesis/linear/u")):
        array = array.reshape(-1, 4, 4, *array.shape[1:])
        array = np.moveaxis(array, 0, 2).reshape(-1, *array.shape[3:])
    if path.endswith(("/shared/weight", "/embed/weight")):
        return array
    return names.from_torch(path, array)


def to_theirs(path: str, array: np.ndarray) -> np.ndarray:
    """Undo `to_ours`."""
    if path.endswith(("/shared/weight", "/embed/weight")):
        return array
    array = names.to_torch(path, array)
    if path.endswith(("/synthesis/linear/weight", "/synthesis/linear/bias", "/synthesis/linear/u")):
        array = array.reshape(4, 4, -1, *array.shape[1:])
        array = np.moveaxis(array, 2, 0).reshape(-1, *array.shape[3:])
    if path.endswith("/u"):
        return array.reshape(1, -1)
    return array.reshape(1) if path.endswith("/sigma") else array


def tables_as_they_are(layout):
    """Let gains and biases that are tables of the classes keep torch's order."""
    return lambda path, array: array if re.fullmatch(r".*/bn\d/(gain|bias)/weight", path) else layout(path, array)


def hub_layouts(z_dim: int):
    """Return the two layouts of pytorch-pretrained-BigGAN, to ours and back.

    Its first layer's outputs are channels last, as here; what conditions a layer is z and the class, here in the other
    order; v runs over [I, h, w], here over [h, w, I].
    """
    conditioned = re.compile(r".*/(linear|gain|bias)/(weight|v)")

    def ours(path: str, array: np.ndarray) -> np.ndarray:
        if path.endswith("/gamma"):
            return array.reshape(())
        if conditioned.fullmatch(path):
            array = np.concatenate([array[..., z_dim:], array[..., :z_dim]], axis=-1)
        elif path.endswith("/v"):
            return np.moveaxis(array.reshape(-1, *kernel(path)), 0, -1).reshape(-1)
        return array if path.endswith(("/mean", "/var")) else names.from_torch(path, array)

    def theirs(path: str, array: np.ndarray) -> np.ndarray:
        if path.endswith("/gamma"):
            return array.reshape(1)
        if path.endswith("/v") and not conditioned.fullmatch(path):
            return np.moveaxis(array.reshape(*kernel(path), -1), -1, 0).reshape(-1)
        array = array if path.endswith(("/mean", "/var")) else names.to_torch(path, array)
        if conditioned.fullmatch(path):
            array = np.concatenate([array[..., -z_dim:], array[..., :-z_dim]], axis=-1)
        return array

    return ours, theirs


def kernel(path: str) -> tuple[int, int]:
    """Size of the kernel that a deep generator's vector v belongs to."""
    return (3, 3) if re.fullmatch(r".*/(conv2|conv3|rgb)/v", path) else (1, 1)


# Networks, from what their arrays show


def generator(arrays: Mapping[str, np.ndarray]) -> Generator:
    """Read a generator of BigGAN-PyTorch."""
    arrays = with_plain_statistics(arrays)
    shape = lambda name: arrays[name].shape
    count = counted(arrays, r"blocks\.(\d+)\..*")
    deep = "blocks.0.0.conv3.weight" in arrays
    last = "conv4" if deep else "conv2"
    widths = [
        (shape(f"blocks.{i}.0.bn1.stored_mean")[0], shape(f"blocks.{i}.0.{last}.weight")[0]) for i in range(count)
    ]
    shared = "shared.weight" in arrays
    gain, first = shape("blocks.0.0.bn1.gain.weight"), shape("linear.weight")
    classes, embed = shape("shared.weight") if shared else (gain[0], 0)
    chunk = gain[1] - embed if shared else 0
    config = dict[str, Any](
        **sized(biggan.GENERATOR, biggan.generator_blocks, widths, deep, with_attention(arrays, "1")),
        channels=shape("output_layer.2.weight")[0],
        classes=classes,
        z_dim=chunk if deep else chunk * (count + 1) or first[1],
        hierarchical=chunk > 0,
        shared_dim=embed,
        spectral="linear.u0" in arrays,
    )
    layout = to_ours if shared else tables_as_they_are(to_ours)
    return names.generator(described(biggan.arch, config), arrays, GENERATOR_NAMES, layout, ignored=MORE_VECTORS)


def discriminator(arrays: Mapping[str, np.ndarray]) -> Network:
    """Read a discriminator of BigGAN-PyTorch."""
    shape = lambda name: arrays[name].shape
    lists = counted(arrays, r"blocks\.(\d+)\..*")
    deep = "input_conv.weight" in arrays
    depth = sum(f"blocks.0.{j}.conv1.weight" in arrays for j in range(max(DEPTHS) + 1))
    last, inputs = ("conv4", "conv1") if deep else ("conv2", "conv1")
    every = [f"blocks.{i}.{j}" for i in range(lists) for j in range(depth)]
    widths = [(shape(f"{b}.{inputs}.weight")[1], shape(f"{b}.{last}.weight")[0]) for b in every]
    follows = tuple(i * depth + depth - 1 for i in with_attention(arrays, str(depth)))
    channels = shape("input_conv.weight" if deep else "blocks.0.0.conv1.weight")[1]
    blocks = lambda r, w, deep, depth: biggan.discriminator_blocks(r, w, channels, deep, depth)
    config = dict[str, Any](
        **sized(biggan.DISCRIMINATOR, blocks, widths, deep, follows),
        channels=channels,
        classes=shape("embed.weight")[0] if "embed.weight" in arrays else 0,
        wide=deep or shape("blocks.0.0.conv1.weight")[0] == widths[0][1],
    )
    module = described(biggan.discriminator, config)
    return names.network(
        module, "biggan.discriminator", config, arrays, discriminator_names(depth), to_ours, ignored=MORE_VECTORS
    )


def hub_generator(arrays: Mapping[str, np.ndarray]) -> Generator:
    """Read a generator of pytorch-pretrained-BigGAN; its statistics are those of truncations, 1 to begin with.

    `models.biggan.truncated` chooses another, and between the rows with `swapped` as that library does.
    """
    shape = lambda name: arrays[name].shape
    listed = counted(arrays, r"generator\.layers\.(\d+)\..*")
    follows = [i for i in range(listed) if f"generator.layers.{i}.gamma" in arrays]
    attention = follows[0] if follows else None
    layers = [f"generator.layers.{i}" for i in range(listed) if i not in follows]
    widths = [(shape(f"{b}.conv_0.weight_orig")[1], shape(f"{b}.conv_3.weight_orig")[0]) for b in layers]
    embed, classes = shape("embeddings.weight")
    z_dim = shape("generator.gen_z.weight_orig")[1] - embed
    outputs = shape("generator.conv_to_rgb.weight_orig")[0]
    behind = tuple(i - 1 for i in follows)
    try:
        sizes = sized(biggan.GENERATOR, biggan.generator_blocks, widths, True, behind)
    except UnreadableFile:
        sizes = sized_freely(widths, behind)
    config = dict[str, Any](
        **sizes,
        channels=min(outputs, 3),
        rgb_width=outputs,
        classes=classes,
        z_dim=z_dim,
        shared_dim=embed,
        statistics=shape("generator.bn.running_means")[0],
        stored=True,
        bn_eps=TABLE_EPS,
        sn_eps=TABLE_EPS,
    )
    return names.generator(described(biggan.arch, config), arrays, hub_names(attention), hub_layouts(z_dim)[0])


def written(thing: Generator | Network) -> dict[str, np.ndarray]:
    """Return the state dict that a BigGAN was, or could have been, read from.

    A generator with statistics for truncations is pytorch-pretrained-BigGAN's, every other network BigGAN-PyTorch's.

    Raises:
        ValueError: It is not a BigGAN, or of a kind that neither code has.
    """
    tree = {"params": thing.params, "buffers": thing.buffers}
    if isinstance(thing, Network):
        if thing.name != "biggan.discriminator":
            raise ValueError(f"a network named '{thing.name}' is no BigGAN discriminator")
        config = dict(thing.config)
        return names.renamed(tree, discriminator_names(config.get("depth", 2) if config.get("deep") else 1), to_theirs)
    if thing.arch.name != biggan.NAME:
        raise ValueError(f"a generator of the family '{thing.arch.name}' is no BigGAN")
    config = dict(thing.arch.config)
    if not config["classes"]:
        raise ValueError("neither code has BigGANs without classes")
    if config["statistics"] > 1:
        follows = [int(p.removeprefix("attention")) for p in thing.params["synthesis"] if p.startswith("attention")]
        z_dim = thing.arch.shape("z")[0]
        return names.renamed(tree, hub_names(follows[0] + 1 if follows else None), hub_layouts(z_dim)[1])
    return names.renamed(tree, GENERATOR_NAMES, to_theirs if config["shared_dim"] else tables_as_they_are(to_theirs))


# What shapes tell


def counted(arrays: Mapping[str, Any], pattern: str) -> int:
    """Length of a list of modules by the largest number in it."""
    return 1 + max(int(m[1]) for m in (re.fullmatch(pattern, name) for name in arrays) if m)


def with_attention(arrays: Mapping[str, Any], place: str) -> tuple[int, ...]:
    """Numbers of the lists of blocks that have attention at a place."""
    found = (re.fullmatch(rf"blocks\.(\d+)\.{place}\.gamma", name) for name in arrays)
    return tuple(sorted(int(m[1]) for m in found if m))


def sized(table: Mapping[int, Any], blocks: Any, widths: list, deep: bool, follows: tuple[int, ...]) -> dict[str, Any]:
    """Find resolution, width, depth and attention that give blocks of these channels, attention behind these."""
    for depth in DEPTHS if deep else (2,):
        for resolution, multiples in table.items():
            width = widths[-1][1] // multiples[-1]
            fitting = blocks(resolution, width, deep, depth)
            if [(b.inputs, b.outputs) for b in fitting] != widths:
                continue
            attention = tuple(sorted({b.resolution for b in fitting if b.index in follows}))
            if biggan.attended(fitting, attention) != follows:
                raise UnreadableFile(f"has attention behind the blocks {follows}, which no choice of resolutions gives")
            return dict(resolution=resolution, width=width, deep=deep, depth=depth, attention=attention)
    raise UnreadableFile(f"has blocks with the channels {widths[:8]}, which are of no published BigGAN")


def sized_freely(widths: list, follows: tuple[int, ...]) -> dict[str, Any]:
    """As `sized`, for a deep generator with stages of two blocks and any channels."""
    stages = [widths[0][0], *(b for _, b in widths[1::2])]
    width, resolution = stages[-1], 2 << len(stages)
    exact = all(s % width == 0 for s in stages)
    config = dict[str, Any](
        width=width if exact else 1, multiples=tuple(s // width if exact else s for s in stages), depth=2
    )
    if resolution not in biggan.GENERATOR:
        raise UnreadableFile(f"has {len(widths)} blocks, two a stage lead to {resolution} pixels")
    blocks = biggan.generator_blocks(resolution, deep=True, **config)
    attention = tuple(sorted({b.resolution for b in blocks if b.index in follows}))
    same = [(b.inputs, b.outputs) for b in blocks] == widths
    if not same or biggan.attended(blocks, attention) != follows:
        raise UnreadableFile(
            f"has blocks with the channels {widths[:8]} and attention behind {follows}: no two a stage"
        )
    return dict(resolution=resolution, deep=True, attention=attention, **config)


def described(make: Any, config: Mapping[str, Any]) -> Any:
    try:
        return make(**config)
    except ValueError as error:
        raise UnreadableFile(f"has arrays that make no BigGAN: {error}") from error


def with_plain_statistics(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Give the statistics of the code's other batch norms the names of the usual one; divide sums by their count."""
    found = {}
    for name, array in arrays.items():
        stem, inner, end = name.rpartition(".bn.")
        if not inner:
            found[name] = array
        elif end in ("stored_mean", "stored_var", "running_mean", "running_var"):
            passes = float(np.sum(arrays.get(f"{stem}.bn.accumulation_counter", 0)))
            found[f"{stem}.{end.replace('running', 'stored')}"] = array / passes if passes > 0 else array
        elif end != "accumulation_counter":
            found[name] = array
    return found
