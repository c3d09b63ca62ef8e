"""jaxgan: train GANs, invert images into them, discover what their latent directions mean, and edit, in JAX.

Importing it touches no device and loads nothing: every name below is looked up when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxgan import (
        core,
        data,
        directions,
        dissection,
        editing,
        encoders,
        features,
        inversion,
        io,
        latents,
        losses,
        metrics,
        models,
        nn,
        ops,
        training,
    )
    from jaxgan.api import discover, dissect, edit, evaluate, generate, invert, train
    from jaxgan.core import Arch, Code, Directions, Generator, Network, Objective, fingerprint
    from jaxgan.io import load, save

MODULES = (
    "core",
    "data",
    "directions",
    "dissection",
    "editing",
    "encoders",
    "features",
    "inversion",
    "io",
    "latents",
    "losses",
    "metrics",
    "models",
    "nn",
    "ops",
    "training",
)
NAMES = {
    **dict.fromkeys(("discover", "dissect", "edit", "evaluate", "generate", "invert", "train"), "jaxgan.api"),
    **dict.fromkeys(("Arch", "Code", "Directions", "Generator", "Network", "Objective", "fingerprint"), "jaxgan.core"),
    **dict.fromkeys(("load", "save"), "jaxgan.io"),
}

__all__ = [
    "Arch",
    "Code",
    "Directions",
    "Generator",
    "Network",
    "Objective",
    "core",
    "data",
    "directions",
    "discover",
    "dissect",
    "dissection",
    "edit",
    "editing",
    "encoders",
    "evaluate",
    "features",
    "fingerprint",
    "generate",
    "inversion",
    "invert",
    "io",
    "latents",
    "load",
    "losses",
    "metrics",
    "models",
    "nn",
    "ops",
    "save",
    "train",
    "training",
]


def __getattr__(name: str) -> Any:
    if name in MODULES:
        return importlib.import_module(f"jaxgan.{name}")
    if name in NAMES:
        value = getattr(importlib.import_module(NAMES[name]), name)
        globals()[name] = value
        return value
    if name == "__version__":
        from importlib.metadata import version

        return version("jaxgan")
    raise AttributeError(f"jaxgan has no {name!r}; it has {', '.join(__all__)}.")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
