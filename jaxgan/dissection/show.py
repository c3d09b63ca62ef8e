"""Pictures of units: where they are active in the images that they are strongest in."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from jaxgan.core.generator import Generator
from jaxgan.dissection.report import Report
from jaxgan.dissection.units import resized

DIM = 0.25  # brightness of what a unit leaves dark


def strongest(
    g: Generator, report: Report, key, units: list[int], *, images: int = 5, psi=None, batch: int = 16
) -> tuple[Float[np.ndarray, "u n h w c"], Bool[np.ndarray, "u n h w"]]:
    """Return the images in which units are strongest, and where each is active there.

        mask_un = map_nu > t_u,   t_u the report's threshold, the map resized (bilinear) to the image

    Args:
        g: Generator that was dissected.
        report: Of `iou`; its tap, thresholds and number of images.
        key, psi, batch: As `iou` got them: the same images are drawn again.
        units: Numbers of U units.
        images: How many for each unit.

    Returns:
        Images [U, N, H, W, C] in [-1, 1], the strongest first, and masks [U, N, H, W].

    Raises:
        ValueError: If there is no such unit, or not as many images.
    """
    samples, chosen = int(dict(report.meta)["samples"]), np.asarray(units, int)
    if not len(chosen) or chosen.min() < 0 or chosen.max() >= len(report.thresholds):
        raise ValueError(f"There are units 0 to {len(report.thresholds) - 1}, got {list(units)}.")
    if not 1 <= images <= samples:
        raise ValueError(f"Asked for {images} images of {samples} that were looked at.")
    size = min(batch, samples)
    best: list[list[tuple[float, int, Any, Any]]] = [[] for _ in chosen]
    for i in range(-(-samples // size)):
        seen = g.read(g.sample(jax.random.fold_in(key, i), size), [report.tap, "image"], psi=psi)
        maps, drawn = seen[report.tap][..., chosen].astype(jnp.float32), np.asarray(jnp.clip(seen["image"], -1, 1))
        peaks, maps = np.asarray(maps.max((1, 2))), np.asarray(maps)
        for n in range(min(size, samples - i * size)):
            for u in range(len(chosen)):
                if len(best[u]) < images or peaks[n, u] > best[u][-1][0]:
                    best[u].append((float(peaks[n, u]), i * size + n, drawn[n], maps[n, ..., u]))
                    best[u].sort(key=lambda entry: (-entry[0], entry[1]))
                    del best[u][images:]
    pictures = np.stack([[entry[2] for entry in some] for some in best])
    maps = np.stack([[entry[3] for entry in some] for some in best])
    flat = jnp.asarray(maps.reshape(-1, *maps.shape[2:], 1))
    large = np.asarray(resized(flat, pictures.shape[2:4])).reshape(pictures.shape[:4])
    return pictures, large > report.thresholds[chosen][:, None, None, None]


def lit(
    images: Float[np.ndarray, "*n h w c"], masks: Bool[np.ndarray, "*n h w"], dim: float = DIM
) -> Float[np.ndarray, "*n h w c"]:
    """Leave images as they are inside masks, and dark outside.

    Args:
        images: [..., H, W, C] in [-1, 1].
        masks: [..., H, W].
        dim: Brightness outside; 1 leaves it.
    """
    return np.where(masks[..., None], images, (np.asarray(images) + 1) * dim - 1).astype(np.float32)
