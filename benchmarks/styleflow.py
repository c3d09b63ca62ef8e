"""Measure how well a flow's edits move the known factors of scenes, and print a row of the directions' table.

For each factor codes are edited to two ends: a standard deviation to either side of where they are; for a hue a quarter
of the circle to either side; for the shape the one that they show and the next. A probe that has learned from other
scenes than the flow's scorer reads the pictures at both ends. The row has what benchmarks/directions.py has: the change
of the factor in its own standard deviations, and in brackets its share of all squared changes. Which rows of w+ an edit
keeps is chosen on some codes and measured on others.

python benchmarks/styleflow.py runs/styleflow_scenes64/flow.safetensors scenes64
"""

from __future__ import annotations

import argparse
import json
import time

import jax
import jax.numpy as jnp
import numpy as np
from directions import reader

import jaxgan as jg
from jaxgan.data.scenes import FACTOR_NAMES
from jaxgan.demo import judge
from jaxgan.demo.stages import ranges
from jaxgan.features.attributes import scores
from jaxgan.features.factors import CIRCULAR, factor_probe
from jaxgan.training.cache import cache_compilations


def ends(factor: str, read, names, unit, by: float):
    """Return the two ends {attribute: values [N]} to which codes with given scores are edited."""
    columns = [i for i, name in enumerate(names) if name.rstrip("0123456789") == factor]
    here = read[:, jnp.array(columns)]
    if factor in CIRCULAR:
        turn = lambda a: jnp.stack(
            [here[:, 0] * jnp.cos(a) - here[:, 1] * jnp.sin(a), here[:, 0] * jnp.sin(a) + here[:, 1] * jnp.cos(a)],
            axis=1,
        )
        both = turn(by * np.pi / 2), turn(-by * np.pi / 2)
    elif len(columns) > 1:
        shown = jnp.argmax(here, axis=1)
        both = jax.nn.one_hot((shown + 1) % len(columns), len(columns)), jax.nn.one_hot(shown, len(columns))
    else:
        step = by * unit[columns[0]]
        both = here + step, here - step
    return [{names[i]: end[:, j] for j, i in enumerate(columns)} for end in both]


def measured(g, network, code, known, factor, layers, read, spreads, by: float):
    """Return what editing one factor changes, as `demo.judge` has it."""
    both = ends(factor, known, network.module.names, network.buffers["unit"], by)
    edits = [jg.editing.flow(network, end, known, layers, relative=False) for end in both]
    a, b = (read(jg.edit(g, code, edit)) for edit in edits)
    changes = {name: float(judge.size(a[name] - b[name]).mean() / spreads[name]) for name in a}
    signed = {name: float((a[name] - b[name]).mean() / spreads[name]) for name in a if a[name].shape[1] == 1}
    return judge.Score("styleflow", 0, layers, changes, signed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("flow", help="a trained flow, scored by factors")
    parser.add_argument("model", nargs="?", default="scenes64", help="its generator (scenes64)")
    parser.add_argument("--codes", type=int, default=32, help="codes that edits are measured on (32)")
    parser.add_argument("--by", type=float, default=1.0, help="standard deviations to either side (1)")
    parser.add_argument("--seed", type=int, default=0, help="fixes the codes (0)")
    parser.add_argument("--picture", help="write a picture: a row a code, before and edited")
    args = parser.parse_args()
    cache_compilations()
    g, network = jg.load(args.model), jg.load(args.flow)
    scorer, probe = (factor_probe(g.resolution, seed=seed) for seed in (0, 1))
    read, spreads = reader(g, probe), dict(probe.spreads)
    few, fresh = (g.to(g.sample(k, args.codes), "w+") for k in jax.random.split(jax.random.key(args.seed)))
    of_few, of_fresh = (scores(scorer, jg.generate(g, code)) for code in (few, fresh))
    row, share, start = [], [], time.perf_counter()
    for factor in FACTOR_NAMES:
        tried = [measured(g, network, few, of_few, factor, r, read, spreads, args.by) for r in ranges(g)]
        layers = max(tried, key=lambda score: score.merit(factor)).layers
        for kept in dict.fromkeys([None, layers]):
            score = measured(g, network, fresh, of_fresh, factor, kept, read, spreads, args.by)
            line = {"factor": factor, "layers": kept, "change": round(score.changes[factor], 3)}
            line |= {"share": round(score.share(factor), 3), "signed": round(score.signed.get(factor, 0.0), 3)}
            line |= {"changes": {name: round(change, 3) for name, change in score.changes.items()}}
            print(json.dumps(line), flush=True)
        row.append(f"{score.changes[factor]:.2f} ({score.share(factor):.2f})")
        share.append(score.share(factor))
    print("| StyleFlow | " + " | ".join(row) + f" | {np.mean(share):.3f} |")
    print(json.dumps({"seconds": round(time.perf_counter() - start, 1), "device": jax.devices()[0].device_kind}))
    if args.picture:
        shown, known = fresh[:6], of_fresh[:6]
        images = [np.asarray(jg.generate(g, shown))]
        for factor in FACTOR_NAMES:
            both = ends(factor, known, network.module.names, network.buffers["unit"], 1.5 * args.by)
            edited = jg.edit(g, shown, jg.editing.flow(network, both[0], known, relative=False))
            images.append(np.asarray(jg.generate(g, edited)))
        jg.io.save_grid(args.picture, np.stack(images, axis=1).reshape(-1, *images[0].shape[1:]), len(images))


if __name__ == "__main__":
    main()
