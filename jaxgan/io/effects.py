"""What channels of s do to an embedding, as a file: it is costly to measure and serves any number of texts."""

from __future__ import annotations

from pathlib import Path

import jax.numpy as jnp

from jaxgan.directions import ChannelEffects
from jaxgan.io.records import UnreadableFile
from jaxgan.io.weights import load_arrays, read_header, save_arrays

KIND = "channel effects"


def save_effects(effects: ChannelEffects, path: str | Path) -> None:
    """Save what `directions.channel_effects` measured as `.safetensors`."""
    header = {"kind": KIND, "origin": [list(pair) for pair in effects.meta]}
    save_arrays(path, {"vectors": effects.vectors, "sigma": effects.sigma}, header)


def load_effects(path: str | Path) -> ChannelEffects:
    """Load what `save_effects` wrote, for `directions.text(..., effects=)`.

    Raises:
        FileNotFoundError: There is no such file.
        UnreadableFile: It holds something else.
    """
    header, arrays = read_header(path), load_arrays(path)
    vectors, sigma = arrays.get("vectors"), arrays.get("sigma")
    if header.get("kind") != KIND or vectors is None or sigma is None or vectors.shape[:1] != sigma.shape:
        raise UnreadableFile(f"{path}: holds a {header.get('kind')!r}, no channel effects")
    meta = tuple((str(name), value) for name, value in header.get("origin", ()))
    return ChannelEffects(jnp.asarray(vectors), jnp.asarray(sigma), meta)
