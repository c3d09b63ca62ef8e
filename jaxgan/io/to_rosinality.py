"""Write StyleGAN2 networks as rosinality/stylegan2-pytorch reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from jaxgan.core import Generator, Network
from jaxgan.io.from_rosinality import GENERATOR_NAMES, discriminator_names, layer, to_theirs
from jaxgan.io.names import renamed
from jaxgan.io.torch_writer import save_torch
from jaxgan.models import stylegan2
from jaxgan.nn.growing import resolutions

# What the layout has no place for; conv_clamp and bf16_resolutions only bound and round what half precision computes.
GENERATOR_FIXED = {
    "classes": 0,
    "channels": 3,
    "architecture": "skip",
    "use_noise": True,
    "activation": "lrelu",
    "mapping_activation": "lrelu",
    "mapping_lr_mul": 0.01,
}
DISCRIMINATOR_FIXED = {
    "classes": 0,
    "channels": 3,
    "architecture": "resnet",
    "activation": "lrelu",
    "epilogue_activation": "lrelu",
    "mbstd_group": 4,
    "mbstd_features": 1,
}


def to_rosinality(
    generator: Generator, discriminator: Network | None, path: str | Path, trained: Generator | None = None
) -> None:
    """Write a StyleGAN2 generator, and its discriminator, as a rosinality `.pt`.

    The file holds `g_ema`, `latent_avg`, `g` and, if there is one, `d`; optimizers are not part of it. A clamp, which
    only half precision needs, is left out: the layout has none.

    Args:
        generator: The averaged generator, "g_ema".
        discriminator: Its discriminator; training goes on only with one.
        path: File to write, whole or not at all.
        trained: The generator without averaging, "g"; the averaged one if None.

    Raises:
        ValueError: A network is not StyleGAN2's, or of a configuration that the layout has no place for.
    """
    averaged = _generator(generator)
    contents: dict[str, Any] = {"g": averaged if trained is None else _generator(trained)}
    if discriminator is not None:
        contents["d"] = _discriminator(discriminator)
    contents |= {"g_ema": averaged, "latent_avg": np.asarray(generator.buffers["spread"]["w_mean"], np.float32)}
    save_torch(path, contents)


def _generator(g: Generator) -> dict[str, np.ndarray]:
    if g.arch.name != stylegan2.NAME:
        raise ValueError(f"a {g.arch.name} generator has no place in rosinality's StyleGAN2 file")
    config = dict(g.arch.config)
    _fits(config, {**GENERATOR_FIXED, "mapping_hidden": None}, "generator")
    if config["z_dim"] != config["w_dim"]:
        raise ValueError(f"rosinality's z and w are of one width; these are {config['z_dim']} and {config['w_dim']}")
    arrays = renamed({"params": g.params, "buffers": g.buffers}, GENERATOR_NAMES, to_theirs)
    arrays.pop("latent_avg")
    kernel = 4 * _kernel(config["resample_filter"])
    for r in resolutions(config["resolution"])[1:]:
        arrays[f"{layer(str(r), 'conv0')}.conv.blur.kernel"] = kernel
        arrays[f"{layer(str(r), 'torgb')}.upsample.kernel"] = kernel
    return arrays


def _discriminator(network: Network) -> dict[str, np.ndarray]:
    d = network.module
    if not isinstance(d, stylegan2.Discriminator):
        raise ValueError(f"a network named '{network.name}' is no StyleGAN2 discriminator")
    _fits({name: getattr(d, name) for name in DISCRIMINATOR_FIXED}, DISCRIMINATOR_FIXED, "discriminator")
    arrays = renamed({"params": network.params}, discriminator_names(d.resolution), to_theirs)
    for i in range(1, len(resolutions(d.resolution))):
        arrays[f"convs.{i}.conv2.0.kernel"] = arrays[f"convs.{i}.skip.0.kernel"] = _kernel(d.resample_filter)
    return arrays


def _fits(config: dict[str, Any], fixed: dict[str, Any], what: str) -> None:
    for name, value in fixed.items():
        if config[name] != value:
            raise ValueError(f"rosinality's {what} has {name} = {value!r}; this one has {config[name]!r}")


def _kernel(taps: tuple[float, ...]) -> np.ndarray:
    held = np.asarray(taps, np.float32)
    kernel = np.outer(held, held)
    return kernel / kernel.sum()
