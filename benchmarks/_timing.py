"""Time several ways of doing the same thing in one interleaved run, and print one line of JSON about it."""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

from jaxgan.training.cache import cache_compilations

Times = tuple[float, float]  # wall clock and CPU time of all threads, in ms


def arguments(doc: str, rounds: int, *more: tuple[str, dict]) -> argparse.Namespace:
    """Read the command line: `--rounds`, `--quick`, and what the script adds as (flag, keywords of add_argument)."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=rounds, help=f"timings of each way ({rounds})")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that the script works, nothing else")
    parser.add_argument(
        "--cache", metavar="DIR", help="keep compiled programs: compile_s is then the time of finding them"
    )
    for flag, keywords in more:
        parser.add_argument(flag, **keywords)
    args = parser.parse_args()
    if args.cache:
        cache_compilations(args.cache)
    return args


def once(run: Callable[[], Any]) -> Times:
    """Run to the end, once."""
    wall, cpu = time.perf_counter(), time.process_time()
    jax.block_until_ready(run())
    return 1e3 * (time.perf_counter() - wall), 1e3 * (time.process_time() - cpu)


def compiled(f: Callable, *args: Any, **options: Any) -> tuple[Callable, float]:
    """Compile for these arguments; return the program and the seconds that tracing and compiling took."""
    start = time.perf_counter()
    program = jax.jit(f, **options).lower(*args).compile()
    return program, time.perf_counter() - start


def interleave(ways: dict[str, Callable[[], Times]], rounds: int) -> dict[str, list[Times]]:
    """Time every way once a round, each round starting with another one. One round before is not counted."""
    names, times = list(ways), {name: [] for name in ways}
    for i in range(rounds + 1):
        turn = i % len(names)
        for name in names[turn:] + names[:turn]:
            spent = ways[name]()
            if i:
                times[name].append(spent)
    return times


def quartiles(values: list[float]) -> list[float]:
    """Return the lower quartile, the median and the upper quartile."""
    if len(values) == 1:
        return values * 3
    return statistics.quantiles(values, n=4, method="inclusive")


def report(benchmark: str, case: str, times: dict[str, list[Times]], **more: Any) -> None:
    """Print what was measured as one line of JSON.

    Each way has `ms` and `cpu_ms` as [lower quartile, median, upper quartile]. Each way but the first has `ratio`, the
    same three of its time over the first one's in the same round: above 1 the first way is faster. Rounds are compared
    one by one because the load of a shared machine changes more from round to round than within one.
    """
    first, line = next(iter(times)), {"benchmark": benchmark, "case": case}
    for name, spent in times.items():
        wall, cpu = zip(*spent, strict=True)
        line[name] = {"ms": rounded(quartiles(list(wall))), "cpu_ms": rounded(quartiles(list(cpu)))}
        if name != first:
            pairs = list(zip(spent, times[first], strict=True))
            line[name]["ratio"] = rounded(quartiles([a[0] / b[0] for a, b in pairs]))
            line[name]["cpu_ratio"] = rounded(quartiles([a[1] / max(b[1], 1e-6) for a, b in pairs]))
    print(json.dumps(line | more | machine()), flush=True)


def rounded(values: Any) -> Any:
    """Keep three figures."""
    return [rounded(v) for v in values] if isinstance(values, list) else float(f"{values:.3g}")


def machine() -> dict[str, Any]:
    """Say where and with what, and how busy the machine is with other work."""
    device = jax.devices()[0]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    packages = ("jax", "flax", "optax", "numpy")
    return {
        "device": f"{device.platform} {device.device_kind}",
        "cores": cores,
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "versions": {name: importlib.metadata.version(name) for name in packages},
        "commit": commit(),
        "date": datetime.date.today().isoformat(),
    }


def commit() -> str:
    """Name the commit, with a + if files of the package differ from it."""
    git = lambda *words: subprocess.run(
        ["git", "-C", str(Path(__file__).parent), *words], capture_output=True, text=True, check=True
    ).stdout.strip()
    try:
        return git("rev-parse", "--short", "HEAD") + "+" * bool(git("status", "--porcelain", "--", "../jaxgan"))
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
