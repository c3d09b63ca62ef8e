"""Compare an encoder and a short search with a long search from the mean, on images that neither has seen.

python benchmarks/encoders.py runs/psp_scenes64/latest.safetensors scenes64 scenes:64:heldout
python benchmarks/encoders.py encoder.safetensors generator.safetensors photos.zip:validation --lpips TRUNK HEADS

Searches are in w+, by `losses.perceptual() + losses.pixel()`; without --lpips there is no LPIPS. Times are of the
second call, whose programs are compiled, and divided by the images.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from _timing import machine

import jaxgan as jg
from jaxgan.features import lpips
from jaxgan.training.cache import cache_compilations


def held_out(word: str, n: int, resolution: int, channels: int):
    """Return n images of a data set."""
    source = jg.data.source(word, labels="none", channels=channels)
    return jnp.asarray(next(jg.data.batches(source, min(n, len(source)), 0, resolution=resolution))["image"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("encoder", nargs="?", help="a file")
    parser.add_argument("model", nargs="?", default="scenes64", help="its generator: a file, or a bundled one's name")
    parser.add_argument("data", nargs="?", default="scenes:64:heldout", help="images that the encoder has not seen")
    parser.add_argument("--images", type=int, default=32, help="how many (32)")
    parser.add_argument("--short", type=int, nargs="+", default=[0, 50], help="steps behind the encoder")
    parser.add_argument("--long", type=int, nargs="+", default=[50, 200], help="steps from the mean")
    parser.add_argument("--lr", type=float, nargs="+", default=[0.1], help="step sizes of all searches")
    parser.add_argument("--lpips", nargs=2, metavar="FILE", help="SqueezeNet and the heads of its LPIPS")
    parser.add_argument("--grid", metavar="FILE", type=Path, help="picture: originals, encoder, short, long")
    args = parser.parse_args()
    if args.encoder is None:
        parser.error("ENCODER is missing: the file of an encoder")
    cache_compilations()
    g = jg.load(args.model)
    network = jg.load(args.encoder, part="E")
    images = held_out(args.data, args.images, g.resolution, g.arch.channels)
    judge = None
    if args.lpips:
        judge = jg.io.load_lpips("squeeze", weights=args.lpips[0], heads=args.lpips[1])
    inv, objective = jg.inversion, jg.losses.perceptual() + jg.losses.pixel()
    first = (inv.restyle if network.name.startswith("restyle") else inv.encode)(network)
    ways = {"encode": first}
    for lr in args.lr:
        rule = optax.adam(lr)
        search = lambda steps, rule=rule: inv.refine(objective, rule, steps, "w+")
        ways |= {f"encode + refine({n}), lr {lr:g}": inv.chain(first, search(n)) for n in args.short if n}
        ways |= {f"refine({n}), lr {lr:g}": search(n) for n in args.long}
    drawn, seen = {}, {}
    for name, how in ways.items():
        for _ in range(2):
            began = time.perf_counter()
            found, _ = jg.invert(g, images, how, jax.random.key(0))
            made = jax.block_until_ready(jnp.clip(found.images(), -1, 1))
            seconds = time.perf_counter() - began
        figures = {"mse": jg.metrics.mse(made, images), "ssim": jg.metrics.ssim(made, images)}
        if judge is not None:
            figures["lpips"] = lpips.distance(judge, made, images)
        means = {key: round(float(value.mean()), 4) for key, value in figures.items()}
        errors = {f"{key} se": round(float(value.std() / len(images) ** 0.5), 4) for key, value in figures.items()}
        line = {"benchmark": "encoders", "way": name, "images": len(images), **means, **errors}
        print(json.dumps(line | {"seconds_per_image": round(seconds / len(images), 4)}), flush=True)
        drawn[name], seen[name] = np.asarray(made), figures
    for one in ways:
        for other in ways:
            if one.startswith("encode +") and other.startswith(f"refine({max(args.long)})"):
                line = {"benchmark": "encoders", "way": f"{one}, less {other}"}
                for key in seen[one]:
                    less = np.asarray(seen[one][key] - seen[other][key])  # image by image
                    line |= {
                        key: round(float(less.mean()), 4),
                        f"{key} se": round(float(less.std() / len(less) ** 0.5), 4),
                    }
                print(json.dumps(line), flush=True)
    print(json.dumps({"benchmark": "encoders", **machine()}), flush=True)
    if args.grid:
        shown = [np.asarray(images), *drawn.values()]
        jg.io.save_grid(args.grid, np.concatenate([some[:8] for some in shown]), 8)


if __name__ == "__main__":
    main()
