"""Time the start of a process: imports, and first calls with an empty and with a warm cache of compiled programs.

Every timing is a process of its own. What stays with a warm cache is tracing and reading the programs back.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile

CHILD = """
import json, sys, time
marks = [("start", time.perf_counter(), time.process_time())]
mark = lambda name: marks.append((name, time.perf_counter(), time.process_time()))
import jax
mark("import jax")
import jaxgan as jg
mark("import jaxgan besides jax")
folder, resolution, base, width = sys.argv[1], *map(int, sys.argv[2:])
from jaxgan.training.cache import cache_compilations
cache_compilations(folder)
arch = jg.models.stylegan2.arch(resolution, channel_base=base, z_dim=width, w_dim=width, mapping_layers=2)
g = jax.block_until_ready(arch.init(jax.random.key(0)))
mark("first generator")
jax.block_until_ready(g(g.sample(jax.random.key(1), 1)))
mark("first image")
from jaxgan.training.ema import Ema
from jaxgan.training.settings import Adam
from jaxgan.training.stylegan2 import StyleGAN2
model = StyleGAN2(resolution=resolution, z_dim=width, w_dim=width, mapping_layers=2, channel_base=base)
trainer = model.trainer(batch=4, adam=Adam(), ema=Ema(kimg=10))
state = jax.jit(trainer.init)(jax.random.key(0))
images = jax.numpy.zeros((4, resolution, resolution, 3))
step = jax.jit(trainer.step, static_argnames="active")
jax.block_until_ready(step(state, {"image": images}, active=("G", "D")))
mark("first training step")
pairs = zip(marks, marks[1:])
print(json.dumps({b[0]: [1e3 * (b[1] - a[1]), 1e3 * (b[2] - a[2])] for a, b in pairs}))
"""


def start(folder: str, sizes: tuple[int, ...]) -> dict[str, tuple[float, float]]:
    """Start a process that computes with this cache; return the times of its parts."""
    command = [sys.executable, "-c", CHILD, folder, *map(str, sizes)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return {name: tuple(times) for name, times in json.loads(done.stdout.splitlines()[-1]).items()}


def main() -> None:
    from _timing import arguments, report

    args = arguments(__doc__, 1)
    sizes = (16, 128, 16) if args.quick else (64, 2048, 128)
    empty, warm = [], []
    for _ in range(args.rounds):
        with tempfile.TemporaryDirectory() as folder:
            empty.append(start(folder, sizes))
            warm.append(start(folder, sizes))
    case = f"{sizes[0]} px, channel base {sizes[1]}, batch 1, training 4"
    for name in warm[0]:
        of = lambda runs, name=name: [run[name] for run in runs]
        if name.startswith("import"):
            report("cold_start", name, {"process": of(empty + warm)})
        else:
            report("cold_start", f"{name}, {case}", {"warm cache": of(warm), "empty cache": of(empty)})


if __name__ == "__main__":
    main()
