"""Describe the module objects that NVIDIA's pickles are made of: class, arrays, attributes and arguments."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxgan.io.names import below
from jaxgan.io.pickle_writer import Call, Global, ordered, parameter, tensor
from jaxgan.ops.activations import ACTIVATIONS
from jaxgan.ops.resample import FILTER

# NVIDIA's loader runs the text that comes with each object to find its class. Ours leads to the reader's own checkout.
STYLEGAN2 = """try:
    from training.networks_stylegan2 import *
except ImportError:
    from training.networks import *
"""
STYLEGAN3 = "from training.networks_stylegan3 import *"
_HOOKS = ("_backward_hooks", "_forward_hooks", "_forward_pre_hooks", "_state_dict_hooks", "_load_state_dict_pre_hooks")
Arrays = Mapping[str, np.ndarray]  # by NVIDIA's names below the object in question, in NVIDIA's layout


def described(
    class_name: str,
    attributes: Mapping[str, Any],
    parameters: Arrays | None = None,
    buffers: Mapping[str, np.ndarray | None] | None = None,
    modules: Mapping[str, Any] | None = None,
    arguments: Mapping[str, Any] | None = None,
    source: str = STYLEGAN2,
) -> Call:
    """Describe one module object: its class, its `__dict__`, and the arguments that would make it again.

    Args:
        class_name: NVIDIA's.
        attributes: Plain values of the object's `__dict__`.
        parameters, buffers, modules: What torch keeps apart; a buffer may be None.
        arguments: Keyword arguments of the class.
        source: Text in whose names the class is found.
    """
    state = {
        "training": False,
        "_parameters": ordered({name: parameter(array) for name, array in (parameters or {}).items()}),
        "_buffers": ordered({k: None if array is None else tensor(array) for k, array in (buffers or {}).items()}),
        "_non_persistent_buffers_set": set(),
        **{name: ordered() for name in _HOOKS},
        "_modules": ordered(dict(modules or {})),
        **attributes,
        "_init_args": (),
        "_init_kwargs": dict(arguments or {}),
    }
    meta = {"type": "class", "version": 6, "module_src": source, "class_name": class_name, "state": state}
    return Call(Global("torch_utils.persistence", "_reconstruct_persistent_obj"), (meta,))


def fir(taps: tuple[float, ...]) -> np.ndarray:
    """Return the filter as NVIDIA's layers hold it: outer product below 8 taps, sum 1."""
    held = np.asarray(taps, np.float32)
    held = held if len(taps) >= 8 else np.outer(held, held)
    return held / held.sum()


def dense(arrays: Arrays, activation: str = "linear", lr_mul: float = 1.0, source: str = STYLEGAN2) -> Call:
    """Describe a fully connected layer."""
    out, inputs = arrays["weight"].shape
    attributes = {
        "in_features": inputs,
        "out_features": out,
        "activation": activation,
        "weight_gain": lr_mul / math.sqrt(inputs),
        "bias_gain": lr_mul,
    }
    arguments = {"in_features": inputs, "out_features": out, "activation": activation, "lr_multiplier": lr_mul}
    return described("FullyConnectedLayer", attributes, arrays, arguments=arguments, source=source)


def conv(arrays: Arrays, activation: str, clamp: float | None, taps=FILTER, up: int = 1, down: int = 1) -> Call:
    """Describe a convolution of StyleGAN2."""
    out, inputs, kernel, _ = arrays["weight"].shape
    shared = {
        "in_channels": inputs,
        "out_channels": out,
        "activation": activation,
        "up": up,
        "down": down,
        "conv_clamp": clamp,
    }
    attributes = {
        **shared,
        "padding": kernel // 2,
        "weight_gain": 1 / math.sqrt(inputs * kernel**2),
        "act_gain": float(ACTIVATIONS[activation][1]),
        **({} if "bias" in arrays else {"bias": None}),
    }
    arguments = {**shared, "kernel_size": kernel, "bias": "bias" in arrays, "resample_filter": list(taps)}
    return described("Conv2dLayer", attributes, arrays, {"resample_filter": fir(taps)}, arguments=arguments)


def mapping(arrays: Arrays, config: Mapping[str, Any], z_dim: int, w_dim: int, rows: int | None) -> Call:
    """Describe a mapping network of StyleGAN2; without rows of w+ it is a discriminator's."""
    own = {"z_dim": z_dim, "c_dim": config["classes"], "w_dim": w_dim, "num_ws": rows}
    tracked = {"num_layers": config["mapping_layers"], "w_avg_beta": None if rows is None else 0.998}
    modules = {"embed": dense(below(arrays, "embed"))} if config["classes"] else {}
    for index in range(config["mapping_layers"]):
        layer = below(arrays, f"fc{index}")
        modules[f"fc{index}"] = dense(layer, config["mapping_activation"], config["mapping_lr_mul"])
    buffers = {"w_avg": arrays["w_avg"]} if rows is not None else {}
    arguments = {**own, **tracked, **mapping_arguments(config)}
    return described("MappingNetwork", {**own, **tracked}, {}, buffers, modules, arguments)


def mapping_arguments(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what NVIDIA's class calls the configuration of a mapping network of StyleGAN2."""
    return {
        "num_layers": config["mapping_layers"],
        "embed_features": config["mapping_embed"],
        "layer_features": config["mapping_hidden"],
        "activation": config["mapping_activation"],
        "lr_multiplier": config["mapping_lr_mul"],
    }
