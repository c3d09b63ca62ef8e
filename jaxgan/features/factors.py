"""A judge that reads the factors of a scene from its picture, so that edits can be measured instead of looked at."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Float, UInt8

from jaxgan.data.scenes import FACTOR_NAMES, HELD_OUT, SHAPES, factors_at, render
from jaxgan.data.transforms import to_float

CIRCULAR = ("hue", "floor_hue")  # 0 and 1 are the same colour: read as cosine and sine
WIDTH = 0.5  # the kernel falls to exp(-1) at a squared distance of 2 mean squared norms, about that of two pictures
RIDGE = 1e-2
CHUNK = 64  # pictures compared at a time, so that one compiled program serves every number of them
RENDERED = 128  # scenes a thread renders at a time


@struct.dataclass
class FactorProbe:
    """Read factors from images by kernel ridge regression; every factor is a block of numbers.

        reading(x) = mean + sum_m k(phi(x), phi_m) weights_m,   k(a, b) = exp(-WIDTH |a - b|^2 / norm)

    A hue is read as (cos, sin), the shape as one number for each solid (about 1 for the solid that it is), everything
    else as itself. So a change is a distance between blocks, whatever the factor is.

    Args:
        examples: phi of the rendered examples, centred [M, D].
        weights: [M, C].
        centre: Mean of phi [D].
        mean: Mean reading [C].
        norm: Mean squared length of the examples.
        blocks: (factor, number of columns) in order (static).
        spreads: (factor, root mean square distance of its block from the mean over the population of scenes) (static).
        scores: (factor, held-out R^2) (static).
        accuracy: Share of held-out scenes whose shape is read rightly (static).
    """

    examples: Float[Array, "m d"]
    weights: Float[Array, "m c"]
    centre: Float[Array, " d"]
    mean: Float[Array, " c"]
    norm: Float[Array, ""]
    blocks: tuple[tuple[str, int], ...] = struct.field(pytree_node=False)
    spreads: tuple[tuple[str, float], ...] = struct.field(pytree_node=False, default=())
    scores: tuple[tuple[str, float], ...] = struct.field(pytree_node=False, default=())
    accuracy: float = struct.field(pytree_node=False, default=float("nan"))

    def __call__(self, images: Float[Array, "n h w c"]) -> dict[str, Float[Array, "n b"]]:
        """Read the factors of images [N, H, W, 3] in [-1, 1] as blocks {factor: [N, B]}."""
        return split(columns(self, jnp.asarray(images)), self.blocks)


def factor_probe(resolution: int = 64, examples: int = 4000, judged: int = 500, seed: int = 0) -> FactorProbe:
    """Fit a probe on rendered scenes and measure it on scenes that it has not seen.

    Args:
        resolution: Side of the images that it will read, a multiple of 4.
        examples: Rendered scenes to learn from, the first ones of the training split.
        judged: Held-out scenes behind `scores`.
        seed: Seed of the world of scenes.

    Returns:
        The probe. With 4000 examples at 64 pixels every R^2 is above 0.85 and the shape is nearly always right.
    """
    if resolution < 8 or resolution % 4:
        raise ValueError(f"resolution is {resolution}; the probe reads images of 8 pixels and more, multiples of 4")
    if min(examples, judged) < 16:
        raise ValueError(f"got {examples} examples and {judged} to judge by; give at least 16 of each")
    # The held-out scenes begin behind those that demonstrations show.
    seen, unseen = np.arange(examples), HELD_OUT + 1000 + np.arange(judged)
    known, asked = factors_at(seen, seed), factors_at(unseen, seed)
    targets = encode(known)
    rows = np.concatenate([targets[name] for name in FACTOR_NAMES], axis=1)
    probe = fit(jnp.asarray(to_float(rendered(known, resolution))), jnp.asarray(rows, jnp.float32))
    spreads = {name: np.sqrt(np.square(v - v.mean(0)).sum(1).mean()) for name, v in targets.items()}
    probe = probe.replace(spreads=tuple((name, float(s)) for name, s in spreads.items()))
    read = probe(jnp.asarray(to_float(rendered(asked, resolution))))
    truth = encode(asked)
    return probe.replace(
        scores=tuple((name, explained(truth[name], np.asarray(read[name]))) for name in FACTOR_NAMES),
        accuracy=float((decode(read)["shape"] == asked[:, 0]).mean()),
    )


def encode(factors: Float[np.ndarray, "n f"]) -> dict[str, Float[np.ndarray, "n b"]]:
    """Turn factors, in the order of `FACTOR_NAMES`, into blocks {factor: [N, B]}."""
    blocks = {}
    for name, column in zip(FACTOR_NAMES, np.asarray(factors, np.float32).T, strict=True):
        if name == "shape":
            blocks[name] = np.eye(len(SHAPES), dtype=np.float32)[column.astype(int)]
        elif name in CIRCULAR:
            blocks[name] = np.stack([np.cos(2 * np.pi * column), np.sin(2 * np.pi * column)], axis=1)
        else:
            blocks[name] = column[:, None]
    return blocks


def decode(blocks: Mapping[str, Float[Array, "n b"]]) -> dict[str, Float[np.ndarray, " n"]]:
    """Turn blocks into factors in their own units {factor: [N]}: the nearest shape, hues in [0, 1)."""
    factors = {}
    for name, block in blocks.items():
        block = np.asarray(block)
        if name == "shape":
            factors[name] = block.argmax(1).astype(np.float32)
        elif name in CIRCULAR:
            factors[name] = (np.arctan2(block[:, 1], block[:, 0]) / (2 * np.pi)).astype(np.float32) % 1
        else:
            factors[name] = block[:, 0]
    return factors


def explained(truth: Float[np.ndarray, "n b"], read: Float[np.ndarray, "n b"]) -> float:
    """Return R^2, the share of a block's variance that readings explain: 1 - sum |y - p|^2 / sum |y - mean|^2."""
    return float(1 - np.square(truth - read).sum() / np.square(truth - truth.mean(0)).sum())


def rendered(factors: Float[np.ndarray, "n f"], resolution: int) -> UInt8[np.ndarray, "n h w 3"]:
    """Render scenes in several threads; NumPy leaves the interpreter's lock while it computes."""
    parts = [factors[i : i + RENDERED] for i in range(0, len(factors), RENDERED)]
    with ThreadPoolExecutor(min(len(parts), os.cpu_count() or 1)) as pool:
        return np.concatenate(list(pool.map(lambda part: render(part, resolution), parts)))


def split(rows: Float[Array, "n c"], blocks: tuple[tuple[str, int], ...]) -> dict[str, Float[Array, "n b"]]:
    """Cut columns [N, C] into blocks by name."""
    ends = np.cumsum([width for _, width in blocks])
    return {name: rows[:, end - width : end] for (name, width), end in zip(blocks, ends, strict=True)}


def phi(images: Float[Array, "n h w 3"]) -> Float[Array, "n d"]:
    """Return what is compared: colours and saturation at half the resolution, edge strength at a quarter."""
    grey = images.mean(-1, keepdims=True)
    edges = [jnp.abs(grey - jnp.roll(grey, 1, axis)) for axis in (1, 2)]
    saturation = images.max(-1, keepdims=True) - images.min(-1, keepdims=True)
    half = pooled(jnp.concatenate([images, saturation], -1), 2)
    quarter = pooled(jnp.concatenate(edges, -1), 4)
    flat = lambda x: x.reshape(len(x), -1)
    return jnp.concatenate([flat(half), 2 * flat(quarter)], axis=1)


def pooled(x: Float[Array, "n h w c"], size: int) -> Float[Array, "n h2 w2 c"]:
    n, height, width, channels = x.shape
    return x.reshape(n, height // size, size, width // size, size, channels).mean((2, 4))


def kernel(a: Float[Array, "n d"], b: Float[Array, "m d"], norm) -> Float[Array, "n m"]:
    squares = jnp.square(a).sum(1)[:, None] + jnp.square(b).sum(1) - 2 * jnp.matmul(a, b.T)
    return jnp.exp(-WIDTH * squares / norm)


@jax.jit
def fit(images: Float[Array, "m h w 3"], rows: Float[Array, "m c"]) -> FactorProbe:
    """Solve (K + RIDGE I) weights = rows - mean."""
    features = jax.lax.map(lambda x: phi(x[None])[0], images, batch_size=CHUNK)
    centre, mean = features.mean(0), rows.mean(0)
    features = features - centre
    norm = jnp.square(features).sum(1).mean()
    gram = kernel(features, features, norm) + RIDGE * jnp.eye(len(rows))
    weights = jax.scipy.linalg.cho_solve(jax.scipy.linalg.cho_factor(gram), rows - mean)
    widths = tuple((n, len(SHAPES) if n == "shape" else 2 if n in CIRCULAR else 1) for n in FACTOR_NAMES)
    return FactorProbe(features, weights, centre, mean, norm, widths)


def columns(probe: FactorProbe, images: Float[Array, "n h w 3"]) -> Float[Array, "n c"]:
    """Read images chunk by chunk; the last chunk is filled up."""
    n = len(images)
    size = min(CHUNK, n) if n else 1
    rows = np.minimum(np.arange(-(-n // size) * size), max(n - 1, 0)).reshape(-1, size)
    return jnp.concatenate([_read(probe, images[some]) for some in rows])[:n]


@partial(jax.jit)
def _read(probe: FactorProbe, images):
    return probe.mean + kernel(phi(images) - probe.centre, probe.examples, probe.norm) @ probe.weights
