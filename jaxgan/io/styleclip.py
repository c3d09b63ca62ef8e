"""StyleCLIP's published files: what the channels of a generator's style space do to CLIP's embedding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxgan.core.generator import Generator, fingerprint
from jaxgan.directions import ChannelEffects
from jaxgan.io import pickles
from jaxgan.io.records import UnreadableFile


def load_styleclip(effects: str | Path, statistics: str | Path, g: Generator) -> ChannelEffects:
    """Load the effects of channels that StyleCLIP publishes for a generator, for `directions.text(..., effects=)`.

    Args:
        effects: `fs3.npy`, [channels, E]: the channels of all layers but those of toRGB, in order, or of the first
            such layers.
        statistics: `S_mean_std`: means, then standard deviations, each a list of one array for each layer.
        g: The generator that they were measured on; the files do not tell, only their shapes are checked.

    Returns:
        ChannelEffects for all channels of s; channels that the file leaves out have no effect.

    Raises:
        FileNotFoundError: There is no such file.
        UnreadableFile: A file holds something else; nothing of it is run.
        ValueError: The files are of a generator with other channels.

    Source: Patashnik et al., "StyleCLIP: Text-Driven Manipulation of StyleGAN Imagery" (2021), its global directions.
    """
    if "s" not in g.spaces:
        raise ValueError(f"Effects of channels belong to 's', {g.arch.name} offers {', '.join(g.spaces)}.")
    widths = [s[0] for s in g.arch.shape("s")]
    colours = [affine.rgb for affine in g.arch.affines]
    held, value = pickles.read(effects).value, pickles.read(statistics).value
    sigma = layers_of(value, statistics)
    if [len(v) for v in sigma] != widths:
        raise ValueError(
            f"{statistics}: is of a generator with layers of {few([len(v) for v in sigma])} channels, this one has "
            f"{few(widths)}."
        )
    if not isinstance(held, np.ndarray) or held.ndim != 2 or held.dtype.kind != "f":
        raise UnreadableFile(f"{effects}: holds no array [channels, E]")
    rows, start = [], 0
    for width, colour in zip(widths, colours, strict=True):
        here = np.zeros((width, held.shape[1]), np.float32)
        if not colour and start < len(held):
            part = held[start : start + width]
            if len(part) < width:
                break
            here, start = np.asarray(part, np.float32), start + width
        rows.append(here)
    if start != len(held):
        most = sum(w for w, colour in zip(widths, colours, strict=True) if not colour)
        raise ValueError(f"{effects}: has {len(held)} channels, which are no first layers of this generator's {most}.")
    meta = {"family": g.arch.name, "generator": fingerprint(g), "file": Path(effects).name[:100]}
    return ChannelEffects(
        jnp.asarray(np.concatenate(rows)), jnp.asarray(np.concatenate(sigma)), tuple(sorted(meta.items()))
    )


def layers_of(value: Any, path: str | Path) -> list[np.ndarray]:
    """Return the standard deviations of each layer's channels."""
    pair = value if isinstance(value, (list, tuple)) and len(value) == 2 else ((), ())
    found = [
        np.asarray(v, np.float32).reshape(-1) for v in pair[1] if isinstance(v, np.ndarray) and v.dtype.kind == "f"
    ]
    if not found or len(found) != len(pair[0]):
        raise UnreadableFile(f"{path}: holds no pair of lists of arrays, means and standard deviations")
    return found


def few(numbers: list[int]) -> str:
    """List the first numbers."""
    return ", ".join(map(str, numbers[:6])) + (f" ... ({len(numbers)})" if len(numbers) > 6 else "")
