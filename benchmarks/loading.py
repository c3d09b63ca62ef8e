"""Time the loading of batches: pictures in a folder while they are decoded and once they are kept, and the scenes."""

from __future__ import annotations

import logging
import tempfile
from itertools import islice
from pathlib import Path

import numpy as np
from _timing import arguments, interleave, once, report

from jaxgan import data

BATCH = 32


def photographs(folder: str, count: int, side: int) -> None:
    """Write pictures with as much detail as photographs have: smooth colours and a little noise, as PNG and JPEG."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for i in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).resize(
            (side, side), Image.Resampling.BICUBIC
        )
        noisy = np.asarray(coarse, np.float32) + rng.normal(0, 4, (side, side, 3))
        suffix = "png" if i % 2 else "jpg"
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(Path(folder) / f"{i:04}.{suffix}")


def main() -> None:
    args = arguments(__doc__, 3)
    count, side, resolution, number = (64, 32, 16, 2) if args.quick else (256, 256, 64, 40)
    with tempfile.TemporaryDirectory() as folder:
        photographs(folder, count, side)
        source, scenes = data.source(folder), data.source(f"scenes:{resolution}")
        kept = data.batches(source, BATCH, 0, resolution=resolution)
        list(islice(kept, 2 * count // BATCH))
        drawn = data.batches(scenes, BATCH, 0, resolution=resolution)
        fresh = lambda: data.batches(source, BATCH, 0, resolution=resolution, cache=False)
        take = lambda batches: lambda: once(lambda: sum(len(b["image"]) for b in islice(batches(), number)))
        ways = {"kept": take(lambda: kept), "decoded": take(fresh), "scenes": take(lambda: drawn)}
        times = interleave(ways, args.rounds)
        # Threads still read ahead while the folder goes, and would complain.
        logging.getLogger("jaxgan").setLevel(logging.ERROR)
    per = {name: [(wall / number, cpu / number) for wall, cpu in spent] for name, spent in times.items()}
    rate = {name: round(1e3 / float(np.median([wall for wall, _ in spent])), 1) for name, spent in per.items()}
    case = f"batch of {BATCH} at {resolution} px, files of {side} px, {number} batches a timing"
    report("loading", case, per, batches_per_second=rate)


if __name__ == "__main__":
    main()
