"""Recover known codes: images drawn from random w are inverted in W, and figures say how near the answers came.

    python benchmarks/recover.py                      # 64 codes of the bundled generator
    python benchmarks/recover.py runs/x/latest.safetensors --codes 16

A first guess from the population, Adam, and Levenberg-Marquardt as polish; images that end in a wrong valley get
another attempt. Then W+ against W at equal steps: the loss, and how far the codes lie from the population.
"""

from __future__ import annotations

import json
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
from _timing import arguments, machine

import jaxgan as jg
from jaxgan.inversion import Found, chain, refine
from jaxgan.inversion.again import again
from jaxgan.inversion.nearest import nearest
from jaxgan.latents.stats import population

GOAL = 40.0  # dB


def psnr(loss):
    return 10 * np.log10(4 / np.maximum(np.asarray(loss), 1e-12))


def rounded(values):
    return [round(float(v), 1) for v in np.quantile(values, [0, 0.1, 0.25, 0.5, 0.75, 1])]


def main() -> None:
    flags = (
        ("--generator", dict(default="scenes64", help="bundled name or file (scenes64)")),
        ("--codes", dict(type=int, default=64, help="how many (64)")),
        ("--steps", dict(type=int, default=200, help="of Adam (200)")),
        ("--polish", dict(type=int, default=4, help="steps of Levenberg-Marquardt (4)")),
        ("--tries", dict(type=int, default=3, help="attempts an image (3)")),
        ("--compare", dict(type=int, default=16, help="images of the comparison of W with W+ (16)")),
        ("--chunk", dict(type=int, default=8, help="images at a time (8)")),
    )
    args = arguments(__doc__, 1, *flags)
    if args.quick:
        args.codes, args.steps, args.polish, args.compare, args.tries = 2, 10, 1, 2, 1
    g, px = jg.load(args.generator), jg.losses.pixel()
    truth = g.to(g.sample(jax.random.key(1), args.codes), "w")
    images = g(truth)

    search = refine(px, optax.adam(0.05), steps=args.steps, space="w", chunk=args.chunk)
    polish = refine(px, steps=args.polish, space="w", solver="lm", chunk=args.chunk)
    once = chain(nearest(200 if args.quick else 2000), search, polish)
    start = time.perf_counter()
    found, info = again(once, args.tries, until=4 / 10 ** (GOAL / 10))(Found(g), images, jax.random.key(0))
    quality, spread = psnr(info["final"]), jnp.std(truth.value, axis=0).mean()
    line = {
        "benchmark": "recover",
        "case": f"{args.codes} known codes of {args.generator} in W",
        "psnr_db": rounded(quality),
        "after_search_db": rounded(psnr(info["parts"][1]["final"])),
        "share_of_40_db": round(float((quality >= GOAL).mean()), 3),
        "first_try": round(float((psnr(info["parts"][2]["final"]) >= GOAL).mean()), 3),
        "tries": np.bincount(np.asarray(info["tries"]))[1:].tolist(),
        "code_error": rounded(jnp.abs(found.code.value - truth.value).mean(1) / spread),
        "seconds": round(time.perf_counter() - start, 1),
    }
    print(json.dumps(line | machine()), flush=True)

    some = images[: args.compare]
    chart = population(g, jax.random.key(2), 2_000 if args.quick else 20_000)
    for space in ("w", "w+"):
        how = refine(px, optax.adam(0.1), steps=args.steps, space=space, chunk=args.chunk)
        found, info = how(Found(g), some, jax.random.key(0))
        p = g.to(found.code, "p" if space == "w" else "p+").value
        distance = jnp.sqrt(jnp.square(chart.forward(p)).reshape(len(some), -1).mean(1))
        line = {
            "benchmark": "recover",
            "case": f"{space} from the mean, {args.steps} steps of Adam, {args.compare} images",
            "loss": float(jnp.median(info["final"])),
            "psnr_db": rounded(psnr(info["final"])),
            "mahalanobis": round(float(distance.mean()), 3),
        }
        print(json.dumps(line | machine()), flush=True)


if __name__ == "__main__":
    main()
