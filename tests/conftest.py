"""Shared fixtures: eight fake CPU devices, a persistent compilation cache, and the shared golden files and data."""

import os
from pathlib import Path

# OpenBLAS's threads stall one another when the cores are busy, as under pytest-xdist; numpy reads this when imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Tests compile some thousand tiny programs and run each a few times: half of the compiler's work would be lost on them.
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0".strip()

import jax
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("JAXGAN_SHARED", ROOT.parent / "shared"))

jax.config.update("jax_num_cpu_devices", 8)
jax.config.update("jax_compilation_cache_dir", str(ROOT / ".cache" / "jax"))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def found(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"{path.name} is not here: set JAXGAN_SHARED to the folder with golden/ and data/")
    return path


@pytest.fixture(scope="session")
def golden():
    """Path of a golden file by name, or a skip that says so."""
    return lambda name: found(SHARED / "golden" / name)


@pytest.fixture(scope="session")
def shared_data():
    """Path of a file of the shared real data, or a skip that says so."""
    return lambda relative: found(SHARED / "data" / relative)


@pytest.fixture(scope="session")
def close():
    """Assert max|a - b| <= tolerance * max(1, max|b|), and say where the largest error is."""

    def check(a, b, tolerance, name=""):
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        assert a.shape == b.shape, f"{name}: shape {a.shape} against {b.shape}"
        assert np.all(np.isfinite(a)), f"{name}: not finite"
        if a.size == 0:
            return
        error, bound = np.abs(a - b).max(), tolerance * max(1.0, np.abs(b).max())
        where = np.unravel_index(np.abs(a - b).argmax(), a.shape)
        assert error <= bound, f"{name}: largest error {error:.3g} > {bound:.3g} at {where}"

    return check


@pytest.fixture(scope="module", autouse=True)
def forget_programs():
    """Drop a module's compiled programs when it is done: a worker that keeps them all grows past 5 GiB."""
    yield
    jax.clear_caches()


@pytest.fixture(autouse=True)
def room_for_programs():
    """Drop all compiled programs before the process has as many memory mappings as Linux allows.

    XLA's CPU backend maps several pieces of memory a program and dies at the limit (65,530 by default).
    """
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and maps.read_bytes().count(b"\n") > 40_000:
        jax.clear_caches()
