"""Measure how well the directions of each finder match the known factors of scenes, and print a table.

A probe reads the factors of pictures at both ends of a direction: two standard deviations to either side, ten for
single channels of style. For each finder and factor the table shows the direction that moves the factor most and
little else: how far, in standard deviations of the factor over all scenes, and in brackets its share of all squared
changes. It is chosen on some codes and measured on others. Supervised finders follow a probe of their own, which has
learned from other scenes than the one that judges.

python benchmarks/directions.py scenes64
"""

from __future__ import annotations

import argparse
import json
import time

import jax
import jax.numpy as jnp
import numpy as np

import jaxgan as jg
from jaxgan.core.directions import Directions
from jaxgan.data.scenes import FACTOR_NAMES
from jaxgan.demo import judge
from jaxgan.demo.stages import ranges
from jaxgan.directions.observe import observe
from jaxgan.features.attributes import Labels
from jaxgan.features.factors import factor_probe
from jaxgan.nn.resnet import ResNet
from jaxgan.training.cache import cache_compilations

CHUNK = 64
MIDDLE = (0.25, 0.25, 0.75, 0.75)  # where solids are: top, left, bottom and right, in parts of the side
SMALL = ResNet(widths=(32, 64, 128, 256), units=(1, 1, 1, 1), bottleneck=False)


def reader(g, probe):
    """Return the judge's reader: codes to factors, a fixed number at a time."""

    def read(code):
        n, blocks = len(code), []
        for start in range(0, n, CHUNK):
            some = code[jnp.minimum(jnp.arange(start, start + CHUNK), n - 1)]
            blocks.append({k: np.asarray(v) for k, v in probe(jg.generate(g, some)).items()})
        return {name: np.concatenate([b[name] for b in blocks])[:n] for name in blocks[0]}

    return read


def channels(labels: Labels, codes, each: int):
    """Return a finder of the best channels of style for every score."""

    def finder(g, key, k):
        found = [jg.directions.stylespace(labels, name, codes=codes)(g, key, each) for name in labels.names]
        named = [d.named([f"{name}:{c}" for c in d.names]) for name, d in zip(labels.names, found, strict=True)]
        return Directions.join(*named)

    return finder


def conditioned(labels: Labels, codes):
    """Return a finder of boundaries, each without its part along those of all other factors."""

    def finder(g, key, k):
        found = jg.directions.boundary(labels, codes=codes)(g, key, k)
        factor = [name.rstrip("0123456789") for name in found.names]
        others = [[j for j, other in enumerate(factor) if other != one] for one in factor]
        return Directions.join(*(found[i].project_out(found[some]) for i, some in enumerate(others)))

    return finder


def leading(finder, axes: int):
    """Return a finder that searches for more axes than it keeps: few alone would shrink to what changes nothing."""
    return lambda g, key, k: finder(g, key, axes)[:k]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="scenes64", help="a generator of scenes, with w+ (scenes64)")
    parser.add_argument("--k", type=int, default=10, help="directions of each unsupervised finder (10)")
    parser.add_argument("--samples", type=int, default=5000, help="codes that are scored for supervised finders (5000)")
    parser.add_argument("--codes", type=int, default=32, help="codes that each direction is judged on (32)")
    parser.add_argument("--examples", type=int, default=4000, help="scenes behind each probe (4000)")
    parser.add_argument("--seed", type=int, default=0, help="fixes every draw (0)")
    parser.add_argument("--finders", nargs="*", help="only these")
    args = parser.parse_args()
    cache_compilations()
    g = jg.load(args.model)
    probe = factor_probe(g.resolution, args.examples, seed=0)
    draw, judged, search = jax.random.split(jax.random.key(args.seed), 3)
    few, fresh = (g.to(g.sample(k, args.codes), "w+") for k in jax.random.split(judged))
    blocks = [t for t in g.arch.taps if not t.startswith("rgb") and "_" not in t]
    middle = blocks[len(blocks) // 2]
    finders = {
        "pca": jg.directions.pca(),
        "sefa": jg.directions.sefa(),
        "hessian": leading(jg.directions.hessian(100, space="w", tap=middle, batch=4, lr=0.3), 80),
        "jacobian": jg.directions.jacobian(),
        "resefa": jg.directions.jacobian(region=jg.editing.box(g.resolution, *MIDDLE), method="rayleigh"),
        "latentclr": jg.directions.latentclr(200, tap=middle, batch=4, lr=0.03),
        "reconstruct": jg.directions.reconstruct(200, trunk=SMALL, batch=8, lr=1e-3),
        "warped": jg.directions.warped(200, trunk=SMALL, batch=8, lr=1e-3, reach=(0.5, 2.0)),
    }
    if args.finders is None or set(args.finders) - set(finders):
        codes, scorer = g.sample(draw, args.samples), factor_probe(g.resolution, args.examples, seed=1)
        seen = observe(g, draw, scorer, "w", args.samples, codes=codes)
        labels = Labels(seen.scores, seen.names)
        finders |= {
            "boundary": jg.directions.boundary(labels, codes=codes),
            "boundary, given": conditioned(labels, codes),
            "boundary, ridge": jg.directions.boundary(labels, codes=codes, loss="ridge"),
            "boundary, mean": jg.directions.boundary(labels, codes=codes, loss="mean"),
            "stylespace": channels(labels, codes, 3),
        }
    read, spreads = reader(g, probe), dict(probe.spreads)
    print("finder".ljust(16) + "".join(name.rjust(16) for name in FACTOR_NAMES) + "       mean share")
    for name in args.finders or finders:
        start = time.perf_counter()
        found = jg.discover(g, finders[name], search, k=100 if "boundary" in name else args.k)
        spent = time.perf_counter() - start
        by, tried = (10.0, (None,)) if found.space == "s" else (2.0, ranges(g))
        scores = judge.rescore(g, few, found, read, spreads, by, tried)
        chosen = judge.best(scores, FACTOR_NAMES)
        best = {
            f: judge.rescore(g, fresh, found[s.index], read, spreads, by, (s.layers,))[0] for f, s in chosen.items()
        }
        cells = [f"{s.changes[f]:.2f} ({s.share(f):.2f})".rjust(16) for f, s in best.items()]
        share = float(np.mean([s.share(f) for f, s in best.items()]))
        print(name.ljust(16) + "".join(cells) + f"{share:17.3f}", flush=True)
        rows = {
            f: {
                "direction": found.names[chosen[f].index],
                "layers": s.layers,
                "change": round(s.changes[f], 3),
                "share": round(s.share(f), 3),
            }
            for f, s in best.items()
        }
        named = sorted({s.name for s in scores} - {judge.MIXED})
        line = {"finder": name, "directions": len(found), "seconds": round(spent, 1), "named": named, "factors": rows}
        accuracy = dict(found.meta).get("accuracy", ())
        if len(accuracy) == len(found):  # of boundaries; learned finders tell the first and the last of their own
            line["accuracy"] = dict(zip(found.names, accuracy, strict=True))
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
