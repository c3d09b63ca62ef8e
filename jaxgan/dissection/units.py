"""GAN Dissection: how well each unit's strongest places agree with each concept of a segmenter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxgan.core.generator import Generator, fingerprint, known
from jaxgan.dissection.quantiles import BINS, histogram
from jaxgan.dissection.report import Report


def iou(
    g: Generator,
    segmenter: Callable[[Any], Any],
    key,
    *,
    tap: str,
    samples: int = 1_000,
    q: float = 0.005,
    psi=None,
    batch: int = 16,
) -> Report:
    """Measure for each unit of a tap and each concept the intersection over union of where they are.

        IoU_uc = sum_n |{map_nu > t_u} and S_nc| / sum_n |{map_nu > t_u} or S_nc|,   t_u: the (1 - q)-quantile of map_u

    over the pixels of all images, with the maps resized (bilinear) to the segmenter's masks. Images are regenerated
    from the key for each of three passes (ranges, quantiles, counts) and never stored.

    Args:
        g: Generator.
        segmenter: Images [N, H, W, C] to masks [N, h, w, concepts] of bool, or probabilities, of which those above
            0.5 count; its `names`, if any, name the concepts.
        key: Random key of the codes.
        tap: Activation whose channels are the units.
        samples: Images.
        q: Share of its pixels in which a unit counts as active.
        psi: Truncation of the codes.
        batch: Images at a time.

    Returns:
        Report with `iou` [units, concepts].

    Raises:
        ValueError: If there is no such tap, or the masks do not fit the images.

    Source: Bau et al., "GAN Dissection: Visualizing and Understanding Generative Adversarial Networks" (2019), eq. 3.
    Different: quantiles from histograms over each unit's exact range, right to 1/4096 of it.
    """
    known(tap, g.arch.taps, "tap")
    if not 0 < q < 1 or samples < 1:
        raise ValueError(f"q is {q} and samples {samples}; q is a share between 0 and 1, samples at least 1.")
    size = min(batch, samples)

    def population() -> Iterator[tuple[Any, Any, Any]]:
        for i in range(-(-samples // size)):
            code = g.sample(jax.random.fold_in(key, i), size)
            seen = g.read(code, [tap, "image"], psi=psi)
            counts = (i * size + jnp.arange(size) < samples).astype(jnp.float32)
            yield seen[tap].astype(jnp.float32), jnp.clip(seen["image"], -1, 1), counts

    low, high = np.array(np.inf), np.array(-np.inf)
    shape: tuple[int, int] = (0, 0)
    names: tuple[str, ...] = ()
    for maps, images, weight in population():
        if not names:
            found = masks_of(segmenter, images)
            shape, given = (found.shape[1], found.shape[2]), tuple(getattr(segmenter, "names", ()) or ())
            names = given or tuple(f"concept{i}" for i in range(found.shape[-1]))
            if len(names) != found.shape[-1]:
                raise ValueError(f"The segmenter names {len(names)} concepts and gives {found.shape[-1]} masks.")
        small, large = extent(maps, weight)
        low, high = np.minimum(low, small), np.maximum(high, large)
    counted = histogram(low, high, BINS)
    for maps, _, weight in population():
        rows = resized(maps, shape).reshape(-1, maps.shape[-1])
        counted = counted.update(rows, jnp.repeat(weight, shape[0] * shape[1]))
    limits = counted.quantile(1 - q)
    totals = []
    for maps, images, weight in population():
        here = counts(maps, masks_of(segmenter, images), limits, weight)
        totals.append([np.asarray(x, np.float64) for x in here])
    both, unit, concept, sums = (np.sum(some, axis=0) for some in zip(*totals))
    pixels = samples * shape[0] * shape[1]
    return Report(
        iou=(both / np.maximum(unit[:, None] + concept - both, 1)).astype(np.float32),
        thresholds=limits,
        presence=(sums / np.maximum(concept[:, None], 1)).astype(np.float32),
        active=(unit / pixels).astype(np.float32),
        covered=(concept / pixels).astype(np.float32),
        concepts=names,
        tap=tap,
        meta=(("family", g.arch.name), ("generator", fingerprint(g)), ("q", q), ("samples", samples)),
    )


def masks_of(segmenter: Callable[[Any], Any], images) -> Bool[Array, "n h w c"]:
    """Return a segmenter's masks as bool, or raise ValueError where they are no masks of the images."""
    masks = jnp.asarray(segmenter(images))
    if masks.ndim != 4 or len(masks) != len(images):
        raise ValueError(
            f"Masks have shape {masks.shape}; of {len(images)} images come [{len(images)}, h, w, concepts]."
        )
    return masks if masks.dtype == bool else masks > 0.5


def resized(maps: Float[Array, "n h w u"], shape: tuple[int, int]) -> Float[Array, "n h2 w2 u"]:
    """Resize maps bilinearly."""
    return maps if maps.shape[1:3] == shape else jax.image.resize(maps, (len(maps), *shape, maps.shape[-1]), "linear")


@jax.jit
def extent(maps, weight):
    """Return each unit's smallest and largest value [U]; resizing does not leave this range."""
    there = weight[:, None, None, None] > 0
    return jnp.where(there, maps, jnp.inf).min((0, 1, 2)), jnp.where(there, maps, -jnp.inf).max((0, 1, 2))


@jax.jit
def counts(maps, masks, limits, weight):
    """Count pixels: of unit and concept together [U, C], of units [U], of concepts [C]; sum maps in concepts [C, U]."""
    maps = resized(maps, masks.shape[1:3])
    weight = weight[:, None, None, None]
    active = (maps > limits).astype(jnp.float32) * weight
    masks = masks.astype(jnp.float32) * weight
    exact = jax.lax.Precision.HIGHEST
    both = jnp.einsum("nhwu,nhwc->uc", active, masks, precision=exact)
    sums = jnp.einsum("nhwc,nhwu->cu", masks, maps, precision=exact)
    return both, active.sum((0, 1, 2)), masks.sum((0, 1, 2)), sums
