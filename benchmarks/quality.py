"""Judge a generator against a data set by Fréchet distances, beside the distance between two parts of the data itself.

python benchmarks/quality.py scenes64 scenes
python benchmarks/quality.py model.safetensors photos.zip --squeezenet squeezenet.npz
"""

from __future__ import annotations

import argparse
import json
from itertools import islice

import jax
import jax.numpy as jnp

import jaxgan as jg
from jaxgan.features.random import random_features
from jaxgan.training.cache import cache_compilations

BATCH = 64


def colour(images):
    """Give grey images the three channels that feature networks take."""
    return jnp.broadcast_to(images, (*images.shape[:3], 3))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="scenes64", help="a file, or the name of a bundled generator")
    parser.add_argument("data", nargs="?", default="scenes", help="the data set it is judged by")
    parser.add_argument("--images", type=int, default=2048, help="of each kind (2048)")
    parser.add_argument("--squeezenet", metavar="FILE", help="weights of SqueezeNet: judge by its features too")
    parser.add_argument("--mirror", action="store_true", help="the data are doubled by their mirror images")
    args = parser.parse_args()
    cache_compilations()
    g, source = jg.load(args.model), jg.data.source(args.data, labels="none")
    count = -(-min(args.images, len(source) // 2) // BATCH)
    stream = jg.data.batches(source, BATCH, 0, resolution=g.resolution, mirror=args.mirror)
    real = [colour(b["image"]) for b in islice(stream, 2 * count)]
    drawn = [colour(jg.generate(g, BATCH, key=jax.random.key(i))) for i in range(count)]
    networks = [random_features()] + ([jg.io.load_squeezenet(args.squeezenet)] if args.squeezenet else [])
    figures = {}
    for features in networks:
        name = jg.metrics.figure_name(features)
        figures[name] = round(jg.metrics.frechet(real[:count], drawn, features), 3)
        figures[f"{name} of the data's other half"] = round(jg.metrics.frechet(real[:count], real[count:], features), 3)
    print(
        json.dumps({"model": args.model, "data": source.name, "images": count * BATCH, **figures}, ensure_ascii=False)
    )


if __name__ == "__main__":
    main()
