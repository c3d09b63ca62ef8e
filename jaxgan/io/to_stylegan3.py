"""Describe StyleGAN3 generators as NVIDIA's stylegan3 pickles them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from jaxgan.core import Generator
from jaxgan.io.from_nvidia import to_theirs
from jaxgan.io.from_stylegan3 import GENERATOR_NAMES
from jaxgan.io.names import below, renamed
from jaxgan.io.nvidia_objects import STYLEGAN3, Arrays, dense, described
from jaxgan.io.pickle_writer import Call
from jaxgan.nn.alias_free import Layer

MAGNITUDE_BETA = 0.999  # their code's own; it counts in batches, whose size a generator does not know
affine, module = partial(dense, source=STYLEGAN3), partial(described, source=STYLEGAN3)


def generator(g: Generator) -> Call:
    """Describe a generator with all its parts."""
    config: dict[str, Any] = dict(g.arch.config)
    arrays = renamed({"params": g.params, "buffers": g.buffers}, GENERATOR_NAMES, to_theirs)
    rows = g.arch.shape("w+")[0]
    own = {
        "z_dim": config["z_dim"],
        "c_dim": config["classes"],
        "w_dim": config["w_dim"],
        "img_resolution": config["resolution"],
        "img_channels": config["channels"],
    }
    layers = {"num_layers": config["mapping_layers"], "lr_multiplier": config["mapping_lr_mul"]}
    modules = {
        "synthesis": _synthesis(below(arrays, "synthesis"), g, rows),
        "mapping": _mapping(below(arrays, "mapping"), config, rows),
    }
    arguments = {**own, "mapping_kwargs": layers, **_synthesis_arguments(config)}
    return module("Generator", {**own, "num_ws": rows}, {}, {}, modules, arguments)


def _mapping(arrays: Arrays, config: Mapping[str, Any], rows: int) -> Call:
    own = {"z_dim": config["z_dim"], "c_dim": config["classes"], "w_dim": config["w_dim"], "num_ws": rows}
    tracked = {"num_layers": config["mapping_layers"], "w_avg_beta": 0.998}
    modules = {"embed": affine(below(arrays, "embed"))} if config["classes"] else {}
    for index in range(config["mapping_layers"]):
        modules[f"fc{index}"] = affine(below(arrays, f"fc{index}"), "lrelu", config["mapping_lr_mul"])
    arguments = {**own, **tracked, "lr_multiplier": config["mapping_lr_mul"]}
    missing = {} if config["classes"] else {"embed": None}
    return module("MappingNetwork", {**own, **tracked, **missing}, {}, {"w_avg": arrays["w_avg"]}, modules, arguments)


def _shared(config: Mapping[str, Any]) -> dict[str, Any]:
    return {"filter_size": config["filter_size"], "lrelu_upsampling": config["supersampling"]}


def _synthesis_arguments(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "channel_base": config["channel_base"],
        "channel_max": config["channel_max"],
        "num_layers": config["layers"],
        "num_critical": config["critical"],
        "first_cutoff": config["first_cutoff"],
        "first_stopband": config["first_stopband"],
        "last_stopband_rel": config["last_stopband"],
        "margin_size": config["margin"],
        "output_scale": config["output_scale"],
        "num_fp16_res": 0,
        "conv_clamp": config["conv_clamp"],
        "conv_kernel": config["kernel"],
        "use_radial_filters": config["radial"],
        **_shared(config),
    }


def _synthesis(arrays: Arrays, g: Generator, rows: int) -> Call:
    config: dict[str, Any] = dict(g.arch.config)
    layers: tuple[Layer, ...] = g.arch.stages[-1].module.layers  # pyright: ignore[reportAttributeAccessIssue]
    own = {"w_dim": config["w_dim"], "img_resolution": config["resolution"], "img_channels": config["channels"]}
    attributes = {
        **own,
        "num_ws": rows,
        "num_layers": config["layers"],
        "num_critical": config["critical"],
        "margin_size": config["margin"],
        "output_scale": config["output_scale"],
        "num_fp16_res": 0,
        "layer_names": [layer.name for layer in layers],
    }
    modules = {"input": _input(below(arrays, "input"), config["w_dim"], layers[0])}
    modules |= {layer.name: _layer(below(arrays, layer.name), config, layer) for layer in layers}
    return module("SynthesisNetwork", attributes, {}, {}, modules, {**own, **_synthesis_arguments(config)})


def _input(arrays: Arrays, w_dim: int, first: Layer) -> Call:
    own = {
        "w_dim": w_dim,
        "channels": first.channels[0],
        "sampling_rate": first.rate[0],
        "bandwidth": first.cutoff[0],
    }
    buffers = {name: arrays[name] for name in ("transform", "freqs", "phases")}
    modules = {"affine": affine(below(arrays, "affine"))}
    attributes, arguments = {**own, "size": [first.size[0]] * 2}, {**own, "size": first.size[0]}
    return module("SynthesisInput", attributes, {"weight": arrays["weight"]}, buffers, modules, arguments)


def _layer(arrays: Arrays, config: Mapping[str, Any], layer: Layer) -> Call:
    how = layer.resampling()
    own = {
        "w_dim": config["w_dim"],
        "is_torgb": layer.rgb,
        "is_critically_sampled": layer.critical,
        "use_fp16": False,
        "in_channels": layer.channels[0],
        "out_channels": layer.channels[1],
        "in_sampling_rate": layer.rate[0],
        "out_sampling_rate": layer.rate[1],
        "in_cutoff": layer.cutoff[0],
        "out_cutoff": layer.cutoff[1],
        "in_half_width": layer.half_width[0],
        "out_half_width": layer.half_width[1],
        "conv_clamp": config["conv_clamp"],
        "magnitude_ema_beta": MAGNITUDE_BETA,
    }
    attributes = {
        **own,
        "in_size": [layer.size[0]] * 2,
        "out_size": [layer.size[1]] * 2,
        "conv_kernel": layer.kernel,
        "tmp_sampling_rate": max(layer.rate) * (1 if layer.rgb else layer.supersampling),
        "up_factor": how.up,
        "up_taps": 1 if how.up_filter is None else len(how.up_filter),
        "down_factor": how.down,
        "down_taps": 1 if how.down_filter is None else len(how.down_filter),
        "down_radial": layer.radial and not layer.critical,
        "padding": [how.before, how.after] * 2,
    }
    arguments = {
        **own,
        "in_size": layer.size[0],
        "out_size": layer.size[1],
        "conv_kernel": config["kernel"],
        "use_radial_filters": config["radial"],
        **_shared(config),
    }
    filters = {"up_filter": how.up_filter, "down_filter": how.down_filter}
    buffers = {name: None if f is None else np.asarray(f, np.float32) for name, f in filters.items()}
    buffers = {"magnitude_ema": arrays["magnitude_ema"], **buffers}
    parameters = {name: arrays[name] for name in ("weight", "bias")}
    modules = {"affine": affine(below(arrays, "affine"))}
    return module("SynthesisLayer", attributes, parameters, buffers, modules, arguments)
