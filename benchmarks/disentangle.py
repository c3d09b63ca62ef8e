"""Compare generators of the sprites by what single latent axes do: active axes, diagonal Hessians, MIG, SAP, DCI, PPL.

python benchmarks/disentangle.py plain/generator.safetensors penalised/generator.safetensors --data lpc_sprites64.npz
    --lpips squeezenet_v1.1.npz --heads squeeze.pth --picture traversals.png

A reader of factors is fitted on three quarters of the sprites (ridge regression of every factor's classes on pixels),
judged by the others, and reads the factors of what the generators draw.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxgan as jg
from jaxgan.core import Code
from jaxgan.features.random import random_features
from jaxgan.io.images import grid
from jaxgan.metrics.activeness import activeness, diagonality
from jaxgan.training.cache import cache_compilations

BATCH = 100
RIDGE = 10.0
ACTIVE = 0.05  # an axis is active from this share of the most active one's variance


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", help="generators, with axes in z")
    parser.add_argument("--data", required=True, help="images with factors")
    parser.add_argument("--codes", type=int, default=10_000, help="whose factors are read (10000)")
    parser.add_argument("--lpips", metavar="FILE", help="SqueezeNet's trunk for the path length")
    parser.add_argument("--heads", metavar="FILE", help="LPIPS' heads for it")
    parser.add_argument("--picture", metavar="PNG", help="draw the traversals of each generator's most active axes")
    parser.add_argument("--rows", type=int, default=6, help="axes in the picture (6)")
    args = parser.parse_args()
    cache_compilations()
    networks = [jg.load(path) for path in args.models]
    images, factors = everything(args.data, networks[0].resolution)
    read, scores = reader(images, factors)
    print(json.dumps({"reader": dict(zip(("accuracy", "by_factor"), scores, strict=True))}))
    distance = jg.metrics.perceptual(
        jg.io.load_lpips("squeeze", weights=args.lpips, heads=args.heads) if args.lpips else random_features()
    )
    features = random_features()
    real = jg.metrics.collect((images[i : i + BATCH] for i in range(0, len(images) - BATCH + 1, BATCH)), features)
    pictures = []
    for path, g in zip(args.models, networks, strict=True):
        active, figures = measured(g, read, args.codes, distance)
        fakes = (drawn(g, z) for z in codes(g, 5, len(images)))
        figures["frechet_random"] = jg.metrics.frechet(real, fakes, features)
        print(json.dumps({"model": path, **rounded(figures)}), flush=True)
        pictures.append(traversals(g, np.argsort(-active)[: args.rows]))
    if args.picture:
        gap = np.ones((pictures[0].shape[0], 12, pictures[0].shape[2]), np.float32)
        beside = [p for picture in pictures for p in (picture, gap)][:-1]
        whole = np.concatenate(beside, axis=1)
        jg.io.save_image(args.picture, np.repeat(np.repeat(whole, 2, 0), 2, 1))


def everything(data: str, resolution: int) -> tuple[np.ndarray, np.ndarray]:
    """Read all images with their factors, in random order."""
    source = jg.data.source(data)
    batch = next(jg.data.batches(source, len(source), 0, resolution=resolution))
    return batch["image"], batch["label"].astype(int)


def reader(images: np.ndarray, factors: np.ndarray) -> tuple[Any, tuple[float, list[float]]]:
    """Fit a reader of factors: images [N, H, W, C] to integers [N, F]; return it and its accuracy on a quarter."""
    sizes = factors.max(0) + 1
    ends = np.cumsum(sizes)
    wanted = np.concatenate([np.eye(k)[f] for k, f in zip(sizes, factors.T, strict=True)], axis=1)
    learn, mean = len(images) * 3 // 4, images.mean(0)
    rows = lambda x: np.asarray(x - mean, np.float64).reshape(len(x), -1)
    x, y = rows(images[:learn]), wanted[:learn]
    weights = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ (y - y.mean(0)))
    blocks = list(zip(ends - sizes, ends, strict=True))

    def read(images):
        found = rows(images) @ weights + y.mean(0)
        return np.stack([found[:, a:b].argmax(1) for a, b in blocks], 1)

    right = (read(images[learn:]) == factors[learn:]).mean(0)
    return read, (round(float(right.mean()), 4), right.round(3).tolist())


def codes(g, seed: int, n: int):
    """Codes [BATCH, D], so many times that they are about n."""
    return (g.sample(jax.random.fold_in(jax.random.key(seed), i), BATCH).value for i in range(n // BATCH))


def drawn(g, z):
    return np.asarray(g(Code(z, "z"), noise="const"))


def measured(g, read, n: int, distance) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the activeness of each axis, and all figures."""
    fn, key = lambda z: g(Code(z, "z"), noise="const"), jax.random.key(1)
    some = g.sample(key, 300).value
    active = activeness(fn, some, batch=BATCH)
    share = active / active.sum()
    z = np.concatenate(list(codes(g, 2, n)))
    seen = np.concatenate([read(drawn(g, rows)) for rows in codes(g, 2, n)])
    varying = seen[:, [len(np.unique(f)) > 1 for f in seen.T]]
    dci = jg.metrics.dci(z, varying)
    diagonal = diagonality(fn, some[:64], batch=16)
    penalty = jg.directions.hessian_penalty(fn, some[:BATCH], jax.random.key(3), 16, "fd", chunk=4).mean()
    lengths = jg.metrics.path_length(g, distance, jax.random.key(4), 2000, space="z", where="full", batch=BATCH)
    return active, {
        "activeness": active.tolist(),
        "active_axes": int((active > ACTIVE * active.max()).sum()),
        "effective_axes": float(1 / np.square(share).sum()),
        "diagonal_share": diagonal.share,
        "diagonal_ratio": diagonal.ratio,
        "image_penalty": float(penalty),
        "mig": jg.metrics.mig(z, varying),
        "sap": jg.metrics.sap(z, varying),
        "factor_vae": jg.metrics.factor_vae_score(z, varying, 0),
        "dci": [dci.disentanglement, dci.completeness, dci.informativeness],
        "ppl": jg.metrics.trimmed_mean(lengths),
        "factors_seen": [len(np.unique(f)) for f in seen.T],
    }


def traversals(g, axes: np.ndarray) -> np.ndarray:
    """Draw two codes going through -2 ... 2 along each axis: a row for an axis, seven columns a code."""
    start, steps = g.sample(jax.random.key(11), 2).value, jnp.linspace(-2, 2, 7)
    rows = [start[code].at[axis].set(t) for axis in axes for code in range(2) for t in steps]
    return grid(np.clip(drawn(g, jnp.stack(rows)), -1, 1), 2 * len(steps))


def rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(v) for v in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


if __name__ == "__main__":
    main()
