"""Judge generators of digits by a LeNet: how evenly the labels are spread, and how clearly each digit is one.

python benchmarks/digits.py runs/gan_mnist/generator.safetensors --lenet lenet_classifier.pth
python benchmarks/digits.py G.safetensors --lenet lenet_classifier.pth --data mnist-t10k-images-idx3-ubyte.gz
"""

from __future__ import annotations

import argparse
import json
from itertools import islice

import jax
import numpy as np

import jaxgan as jg
from jaxgan.training.cache import cache_compilations

BATCH = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", help="generators of digits")
    parser.add_argument("--lenet", required=True, metavar="FILE", help="weights of the classifier")
    parser.add_argument("--data", metavar="DATA", help="real digits, to be judged too")
    parser.add_argument("--images", type=int, default=2000, help="of each (2000)")
    args = parser.parse_args()
    cache_compilations()
    lenet, count = jg.io.load_lenet(args.lenet), -(-args.images // BATCH)
    said = lambda name, logits: print(
        json.dumps({"model": name, "images": count * BATCH, **jg.metrics.label_figures(np.concatenate(logits))})
    )
    for path in args.models:
        g = jg.load(path)
        codes = (g.sample(jax.random.key(i), BATCH) for i in range(count))
        logits, agree = [], []
        for code in codes:
            logits.append(np.asarray(lenet(jg.generate(g, code))))
            if code.cond is not None:
                agree.append(float((logits[-1].argmax(1) == np.asarray(code.cond).argmax(1)).mean()))
        said(path, logits)
        if agree:
            print(json.dumps({"model": path, "label_agreement": round(float(np.mean(agree)), 4)}))
    if args.data:
        source = jg.data.source(args.data, labels="none")
        stream = jg.data.batches(source, BATCH, 0, resolution=source.resolution)
        said(source.name, [np.asarray(lenet(b["image"])) for b in islice(stream, count)])


if __name__ == "__main__":
    main()
