"""Name directions by a classifier that was trained here, and edit inverted photographs with several methods.

Directions are found without labels (pca, sefa), across boundaries of classes, of colours and of brightness, and as
single channels of style; all are scored again on drawn codes, which names the unsupervised ones and orders the others.
Then photographs are inverted, an encoder's answer refined, and edited: one row for each, the reconstruction first. For
every edit: how far its score goes, in the score's standard deviations over the population, and how far the picture
goes, by LPIPS, on drawn codes. No original is written.

python benchmarks/edits.py runs/clothing64/latest.safetensors --classifier runs/classifier_clothing64/best.safetensors
    --encoder runs/e4e_clothing64/encoder.safetensors --data clothing64.zip:validation --photos 85 260 145
    --weights squeezenet_v1.1_dequantised.npz --heads squeeze.pth --out clothing_edits.png
"""

from __future__ import annotations

import argparse
import json
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

import jaxgan as jg
from jaxgan.features import lpips
from jaxgan.features.attributes import Scorer, brightness, colour, join
from jaxgan.training.cache import cache_compilations

# Kinds of clothing that a picture of 64 pixels tells apart, of the classes that the photographs are sorted into.
KINDS = {
    "top": ("longsleeve", "outwear", "shirt", "t-shirt"),
    "trousers": ("pants", "shorts"),
    "dress": ("dress", "skirt"),
    "shoes": ("shoes",),
    "hat": ("hat",),
}
BATCH = 32


def kinds(network) -> Scorer:
    """Return the log odds of each kind, log sum_in exp - log sum_out exp over the classes' logits."""
    inside = {kind: np.isin(network.names, classes) for kind, classes in KINDS.items()}

    def score(images):
        logits = network(images)
        odds = lambda some: jax.nn.logsumexp(logits[:, some], 1) - jax.nn.logsumexp(logits[:, ~some], 1)
        return jnp.stack([odds(some) for some in inside.values()], axis=1)

    return Scorer(score, tuple(KINDS))


def ranked(title: str, g, directions, scorer, key, by: float, samples: int):
    """Print the directions by how much the score rises that follows them most; return their effects."""
    seen = jg.directions.rescore(g, directions, scorer, key, by=by, samples=samples, batch=BATCH)
    print(f"\n{title}, moved by {by:g} standard deviations: rise of the score that follows most")
    for name, score, rise in seen.ranking():
        print(f"  {name:<16}{score:<12}{rise:6.2f}")
    return seen


def leader(seen, score: str) -> tuple[int, float]:
    """Return the direction that changes a score much and others little, and the side on which the score rises.

    The largest c^2 / |changes of all scores|, which is the change c times its share.
    """
    change = seen.change / np.maximum(seen.spread, 1e-12)  # [K, S]
    own = change[:, seen.scores.index(score)]
    index = int((np.square(own) / np.maximum(np.linalg.norm(change, axis=1), 1e-12)).argmax())
    return index, float(np.sign(own[index]))


def measured(g, edit, scorer, score: str, codes, spread, distance) -> tuple[float, float]:
    """Return the mean change of a score in its standard deviations, and the mean LPIPS, over drawn codes."""
    gains, drift = [], []
    for start in range(0, len(codes), BATCH):
        code = codes[start : start + BATCH]
        before, after = (jnp.clip(g(c), -1, 1) for c in (code, jg.edit(g, code, edit)))
        at = scorer.names.index(score)
        gains.append((scorer(after) - scorer(before))[:, at] / spread[at])
        drift.append(distance(before, after))
    return float(jnp.concatenate(gains).mean()), float(jnp.concatenate(drift).mean())


def inverted(g, photos, encoder, perceptual, steps: int, lr: float, key):
    """Invert photographs: the encoder's codes, refined in w+."""
    objective = jg.losses.lpips(perceptual) + jg.losses.pixel()
    refine = jg.inversion.refine(objective, optax.adam(lr), steps=steps, space="w+", start="given")
    found, _ = jg.invert(g, photos, jg.inversion.chain(jg.inversion.encode(encoder), refine), key)
    assert found.code is not None
    return found.code


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="generator")
    parser.add_argument("--classifier", required=True, help="of `jaxgan train configs/classifier_clothing64.py`")
    parser.add_argument("--encoder", required=True, help="of `jaxgan train configs/e4e_clothing64.py`")
    parser.add_argument("--data", required=True, help="photographs that nothing was trained on")
    parser.add_argument("--photos", type=int, nargs="+", required=True, help="numbers of the photographs to edit")
    parser.add_argument("--weights", required=True, help="SqueezeNet, the trunk of LPIPS")
    parser.add_argument("--heads", required=True, help="its heads")
    parser.add_argument("--samples", type=int, default=3000, help="codes that are scored for boundaries (3000)")
    parser.add_argument("--rescored", type=int, default=64, help="codes that are scored again (64)")
    parser.add_argument("--codes", type=int, default=64, help="codes that each edit is measured on (64)")
    parser.add_argument("--steps", type=int, default=50, help="of refinement (50)")
    parser.add_argument("--lr", type=float, default=0.05, help="of refinement (0.05)")
    parser.add_argument("--seed", type=int, default=0, help="fixes every draw (0)")
    parser.add_argument("--out", default="clothing_edits.png", help="picture")
    args = parser.parse_args()
    cache_compilations()
    g, network, encoder = (jg.load(path) for path in (args.model, args.classifier, args.encoder))
    perceptual = jg.io.load_lpips("squeeze", weights=args.weights, heads=args.heads)
    distance = partial(lpips.distance, perceptual)
    scorer = join(kinds(network), brightness(), colour())
    search, again, draw, invert = jax.random.split(jax.random.key(args.seed), 4)
    how = dict(samples=args.samples, extremes=0.05, batch=BATCH)

    free = {name: getattr(jg.directions, name)() for name in ("pca", "sefa")}
    found = {name: jg.discover(g, finder, search, k=20) for name, finder in free.items()}
    found["boundary"] = jg.discover(g, jg.directions.boundary(scorer, **how), search, k=len(scorer.names))
    channels = {
        score: jg.discover(g, jg.directions.stylespace(scorer, score, **how), search, k=6)
        for score in ("trousers", "brightness", "red")
    }
    found["stylespace"] = jg.Directions.join(
        *(d.named([f"{score} {n}" for n in d.names]) for score, d in channels.items())
    )
    strength = {"pca": 2.0, "sefa": 2.0, "boundary": 2.0, "stylespace": 10.0}
    seen = {
        name: ranked(name, g, directions, scorer, again, strength[name], args.rescored)
        for name, directions in found.items()
    }

    photos = source_images(args.data, args.photos, g.resolution)
    codes = inverted(g, photos, encoder, perceptual, args.steps, args.lr, invert)
    print(f"\nreconstructions: LPIPS {np.round(np.asarray(distance(jnp.clip(g(codes), -1, 1), photos)), 3).tolist()}")

    def along(name: str, score: str, by: float, direction=None):
        """Return an edit by name, its score, its direction, and how far it goes towards a higher score."""
        if direction is not None:
            return f"{name} {score}", score, direction, by
        index, side = leader(seen[name], score)
        direction = found[name][index]
        return f"{name} {direction.names[0]}", score, direction, side * by

    held = found["boundary"]
    greys = held[[held.names.index(name) for name in ("brightness", "red")]]
    edits = [
        along("pca", "trousers", 2.5),
        along("sefa", "blue", 2.5),
        along("boundary", "trousers", 2.5, held["trousers"].project_out(greys)),
        along("boundary", "red", 2.5, held["red"]),
        along("stylespace", "green", 15.0),
    ]
    population = g.to(g.sample(draw, args.codes), "w+")
    spread = seen["boundary"].spread
    print(
        f"\nedits, on {args.codes} drawn codes: change of the score in standard deviations, LPIPS to the picture before"
    )
    for name, score, direction, by in edits:
        edit = jg.editing.move(direction, by=by)
        gain, drift = measured(g, edit, scorer, score, population, spread, distance)
        print(json.dumps({"edit": name, "score": score, "change": round(gain, 3), "lpips": round(drift, 3)}))

    odds = scorer(jnp.clip(g(codes), -1, 1))
    # What is of the kind already leaves it.
    side = lambda score: jnp.where((odds[:, scorer.names.index(score)] > 0) & (score in KINDS), -1.0, 1.0)
    columns = [g(codes)]
    for _, score, direction, by in edits:
        columns.append(g(jg.edit(g, codes, jg.editing.move(direction, by=by * side(score)))))
    other = codes[jnp.roll(jnp.arange(len(codes)), -1)]
    columns.append(g(jg.edit(g, codes, jg.editing.mix(other, range(4, g.arch.shape("w+")[0])))))
    chest = jg.editing.box(g.resolution, 0.2, 0.25, 0.65, 0.75, soft=0.1)
    columns.append(jg.editing.attribute(chest, share=range(4))(g, codes, other))
    grid = jnp.clip(jnp.stack(columns, 1), -1, 1).reshape(-1, *columns[0].shape[1:])
    large = jnp.repeat(jnp.repeat(grid, 2, 1), 2, 2)
    jg.io.save_grid(args.out, np.asarray(large), len(columns))


def source_images(word: str, chosen, resolution: int):
    """Return the photographs with the given numbers, [N, H, W, 3]."""
    data = jg.data.source(word, labels="none", channels=3)
    return jnp.asarray(jg.data.to_float(np.stack([jg.data.fit(data[i]["image"], resolution) for i in chosen])))


if __name__ == "__main__":
    main()
