"""Write StyleGAN2 and StyleGAN3 networks as NVIDIA's stylegan2-ada-pytorch and stylegan3 read them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxgan.core import Generator, Network
from jaxgan.io import to_stylegan3
from jaxgan.io.atomic import replaced
from jaxgan.io.from_nvidia import DISCRIMINATOR_NAMES, GENERATOR_NAMES, to_theirs
from jaxgan.io.names import below, renamed
from jaxgan.io.nvidia_objects import Arrays, conv, dense, described, fir, mapping_arguments
from jaxgan.io.nvidia_objects import mapping as mapping_network
from jaxgan.io.pickle_writer import Call, dumps
from jaxgan.models import stylegan2, stylegan3
from jaxgan.nn.growing import resolutions
from jaxgan.ops.activations import ACTIVATIONS
from jaxgan.ops.resample import FILTER


def to_nvidia(
    generator: Generator, discriminator: Network | None, path: str | Path, trained: Generator | None = None
) -> None:
    """Write a StyleGAN2 or StyleGAN3 generator, and its discriminator, as an NVIDIA `.pkl`.

    The objects carry no source text of NVIDIA's: where the file is loaded by their code, the classes come from the
    checkout that loads it. Networks compute in float32 there.

    Args:
        generator: the averaged generator, "G_ema".
        discriminator: its discriminator; NVIDIA's own scripts want one in the file, this library does not.
        path: file to write, whole or not at all.
        trained: the generator without averaging, "G"; the averaged one if None.

    Raises:
        ValueError: a network is neither StyleGAN2's nor StyleGAN3's.
    """
    averaged = _generator(generator)
    contents = {
        "G": averaged if trained is None else _generator(trained),
        "D": None if discriminator is None else _discriminator(discriminator),
        "G_ema": averaged,
        "augment_pipe": None,
        "training_set_kwargs": {},
    }
    data = dumps(contents)
    with replaced(path) as temporary:
        temporary.write_bytes(data)


# The generator


def _generator(generator: Generator) -> Call:
    if generator.arch.name == stylegan3.NAME:
        return to_stylegan3.generator(generator)
    if generator.arch.name != stylegan2.NAME:
        raise ValueError(f"a {generator.arch.name} generator has no place in NVIDIA's StyleGAN files")
    config = dict(generator.arch.config)
    tree = {"params": generator.params, "buffers": generator.buffers}
    arrays = renamed(tree, GENERATOR_NAMES, to_theirs)
    rows = generator.arch.shape("w+")[0]
    own = {
        "z_dim": config["z_dim"],
        "c_dim": config["classes"],
        "w_dim": config["w_dim"],
        "img_resolution": config["resolution"],
        "img_channels": config["channels"],
    }
    modules = {
        "synthesis": _synthesis(below(arrays, "synthesis"), config, rows),
        "mapping": mapping_network(below(arrays, "mapping"), config, config["z_dim"], config["w_dim"], rows),
    }
    arguments = {**own, "mapping_kwargs": mapping_arguments(config), **_synthesis_arguments(config)}
    return described("Generator", {**own, "num_ws": rows}, {}, {}, modules, arguments)


def _synthesis_arguments(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "channel_base": config["channel_base"],
        "channel_max": config["channel_max"],
        "num_fp16_res": 0,
        "conv_clamp": config["conv_clamp"],
        "architecture": config["architecture"],
        "resample_filter": list(config["resample_filter"]),
        "use_noise": config["use_noise"],
        "activation": config["activation"],
    }


def _synthesis(arrays: Arrays, config: Mapping[str, Any], rows: int) -> Call:
    sides = list(resolutions(config["resolution"]))
    own = {"w_dim": config["w_dim"], "img_resolution": config["resolution"], "img_channels": config["channels"]}
    attributes = {
        **own,
        "img_resolution_log2": len(sides) + 1,
        "num_fp16_res": 0,
        "block_resolutions": sides,
        "num_ws": rows,
    }
    modules = {f"b{r}": _synthesis_block(below(arrays, f"b{r}"), r, config) for r in sides}
    return described("SynthesisNetwork", attributes, {}, {}, modules, {**own, **_synthesis_arguments(config)})


def _synthesis_block(arrays: Arrays, r: int, config: Mapping[str, Any]) -> Call:
    first, last, taps, clamp = r == 4, r == config["resolution"], config["resample_filter"], config["conv_clamp"]
    inputs = 0 if first else arrays["conv0.weight"].shape[1]
    modules = {}
    if not first:
        modules["conv0"] = _styleconv(below(arrays, "conv0"), r, config, taps, up=2)
    modules["conv1"] = _styleconv(below(arrays, "conv1"), r, config, FILTER, up=1)
    rgb = below(arrays, "torgb")
    if rgb:
        modules["torgb"] = _to_rgb(rgb, config)
    if "skip.weight" in arrays:
        modules["skip"] = conv(below(arrays, "skip"), "linear", None, taps, up=2)
    attributes = {
        "in_channels": inputs,
        "w_dim": config["w_dim"],
        "resolution": r,
        "img_channels": config["channels"],
        "is_last": last,
        "architecture": config["architecture"],
    }
    more = {"use_fp16": False, "channels_last": False, "fused_modconv_default": True}
    counts = {"num_conv": 2 - first, "num_torgb": int(bool(rgb))}
    arguments = {**attributes, "resample_filter": list(taps), "conv_clamp": clamp, "use_noise": config["use_noise"]}
    parameters = {"const": arrays["const"]} if first else {}
    buffers = {"resample_filter": fir(taps)}
    return described("SynthesisBlock", {**attributes, **more, **counts}, parameters, buffers, modules, arguments)


def _styleconv(arrays: Arrays, r: int, config: Mapping[str, Any], taps: tuple[float, ...], up: int) -> Call:
    out, inputs, kernel, _ = arrays["weight"].shape
    attributes = {
        "in_channels": inputs,
        "out_channels": out,
        "w_dim": config["w_dim"],
        "resolution": r,
        "up": up,
        "use_noise": config["use_noise"],
        "activation": config["activation"],
        "conv_clamp": config["conv_clamp"],
    }
    derived = {"padding": kernel // 2, "act_gain": float(ACTIVATIONS[config["activation"]][1])}
    parameters = {name: arrays[name] for name in ("weight", "noise_strength", "bias") if name in arrays}
    buffers = {"resample_filter": fir(taps)}
    buffers |= {"noise_const": arrays["noise_const"]} if "noise_const" in arrays else {}
    modules = {"affine": dense(below(arrays, "affine"))}
    arguments = {**attributes, "kernel_size": kernel, "resample_filter": list(taps)}
    return described("SynthesisLayer", {**attributes, **derived}, parameters, buffers, modules, arguments)


def _to_rgb(arrays: Arrays, config: Mapping[str, Any]) -> Call:
    out, inputs, kernel, _ = arrays["weight"].shape
    own = {"in_channels": inputs, "out_channels": out, "w_dim": config["w_dim"], "conv_clamp": config["conv_clamp"]}
    attributes = {**own, "weight_gain": 1 / math.sqrt(inputs * kernel**2)}
    parameters = {name: arrays[name] for name in ("weight", "bias")}
    modules = {"affine": dense(below(arrays, "affine"))}
    return described("ToRGBLayer", attributes, parameters, {}, modules, {**own, "kernel_size": kernel})


# The discriminator


def _discriminator(network: Network) -> Call:
    d = network.module
    if not isinstance(d, stylegan2.Discriminator):
        raise ValueError(f"a network named '{network.name}' is no StyleGAN2 discriminator")
    arrays = renamed({"params": network.params}, DISCRIMINATOR_NAMES, to_theirs)
    sides = list(reversed(resolutions(d.resolution)[1:]))
    cmap = arrays["b4.out.weight"].shape[0] if d.classes else 0
    mapping = {
        "classes": d.classes,
        "mapping_layers": d.mapping_layers,
        "mapping_embed": d.mapping_embed,
        "mapping_hidden": d.mapping_hidden,
        "mapping_activation": d.mapping_activation,
        "mapping_lr_mul": d.mapping_lr_mul,
    }
    modules, layers = {}, 0
    for r in sides:
        modules[f"b{r}"], count = _discriminator_block(below(arrays, f"b{r}"), r, d, layers)
        layers += count
    if d.classes:
        modules["mapping"] = mapping_network(below(arrays, "mapping"), mapping, 0, cmap, None)
    modules["b4"] = _epilogue(below(arrays, "b4"), d, cmap)
    own = {"c_dim": d.classes, "img_resolution": d.resolution, "img_channels": d.channels}
    arguments = {
        **own,
        "architecture": d.architecture,
        "channel_base": d.channel_base,
        "channel_max": d.channel_max,
        "num_fp16_res": 0,
        "conv_clamp": d.conv_clamp,
        "cmap_dim": d.cmap_dim,
        "block_kwargs": {"activation": d.activation, "resample_filter": list(d.resample_filter)},
        "mapping_kwargs": mapping_arguments(mapping),
        "epilogue_kwargs": {
            "mbstd_group_size": d.mbstd_group,
            "mbstd_num_channels": d.mbstd_features,
            "activation": d.epilogue_activation,
        },
    }
    attributes = {**own, "img_resolution_log2": len(sides) + 2, "block_resolutions": sides}
    return described("Discriminator", attributes, {}, {}, modules, arguments)


def _discriminator_block(arrays: Arrays, r: int, d: stylegan2.Discriminator, layers: int) -> tuple[Call, int]:
    modules = {}
    if "fromrgb.weight" in arrays:
        modules["fromrgb"] = conv(below(arrays, "fromrgb"), d.activation, d.conv_clamp)
    modules["conv0"] = conv(below(arrays, "conv0"), d.activation, d.conv_clamp)
    modules["conv1"] = conv(below(arrays, "conv1"), d.activation, d.conv_clamp, d.resample_filter, down=2)
    if "skip.weight" in arrays:
        modules["skip"] = conv(below(arrays, "skip"), "linear", None, d.resample_filter, down=2)
    attributes = {
        "in_channels": 0 if r == d.resolution else arrays["conv0.weight"].shape[1],
        "resolution": r,
        "img_channels": d.channels,
        "first_layer_idx": layers,
        "architecture": d.architecture,
    }
    arguments = {
        **attributes,
        "tmp_channels": arrays["conv0.weight"].shape[0],
        "out_channels": arrays["conv1.weight"].shape[0],
        "activation": d.activation,
        "resample_filter": list(d.resample_filter),
        "conv_clamp": d.conv_clamp,
    }
    more = {"use_fp16": False, "channels_last": False, "num_layers": len(modules)}
    buffers = {"resample_filter": fir(d.resample_filter)}
    return described("DiscriminatorBlock", {**attributes, **more}, {}, buffers, modules, arguments), len(modules)


def _epilogue(arrays: Arrays, d: stylegan2.Discriminator, cmap: int) -> Call:
    inputs = arrays["fc.weight"].shape[0]
    attributes = {
        "in_channels": inputs,
        "cmap_dim": cmap,
        "resolution": 4,
        "img_channels": d.channels,
        "architecture": d.architecture,
    }
    modules = {}
    if "fromrgb.weight" in arrays:
        modules["fromrgb"] = conv(below(arrays, "fromrgb"), d.epilogue_activation, None)
    statistics = {"group_size": d.mbstd_group, "num_channels": d.mbstd_features}
    if d.mbstd_features:
        modules["mbstd"] = described("MinibatchStdLayer", statistics, arguments=statistics)
    modules["conv"] = conv(below(arrays, "conv"), d.epilogue_activation, d.conv_clamp)
    modules["fc"] = dense(below(arrays, "fc"), d.epilogue_activation)
    modules["out"] = dense(below(arrays, "out"))
    arguments = {
        **attributes,
        "mbstd_group_size": d.mbstd_group,
        "mbstd_num_channels": d.mbstd_features,
        "activation": d.epilogue_activation,
        "conv_clamp": d.conv_clamp,
    }
    missing = {} if d.mbstd_features else {"mbstd": None}
    return described("DiscriminatorEpilogue", {**attributes, **missing}, {}, {}, modules, arguments)
