"""Importing the package costs nothing and touches no device."""

import json
import subprocess
import sys

PROBE = """
import json, sys, time
start = time.perf_counter()
import jax
jax_seconds = time.perf_counter() - start
start = time.perf_counter()
import jaxgan
import_seconds = time.perf_counter() - start
start = time.perf_counter()
for name in jaxgan.__all__:
    getattr(jaxgan, name)
all_seconds = time.perf_counter() - start
from jax._src import xla_bridge
print(json.dumps({
    "import": import_seconds,
    "all": all_seconds,
    "backends": list(xla_bridge._backends),
    "heavy": [m for m in ("tensorflow", "torch", "orbax", "grain", "tensorflow_datasets", "tyro") if m in sys.modules],
}))
"""

HELP = """
import sys
from jaxgan.cli.main import VERBS, main
for verb in VERBS:
    assert main([verb, "--help"]) == 0
assert main(["--help"]) == 0
print("loaded", [m for m in ("jax", "flax", "numpy") if m in sys.modules], file=sys.stderr)
"""


def python(code: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)


def test_import_is_quick_and_touches_no_device():
    seen = json.loads(python(PROBE).stdout)
    assert seen["import"] < 2
    assert seen["backends"] == []  # even after every public name was looked up
    assert seen["heavy"] == []


def test_help_of_every_verb_loads_no_jax():
    done = python(HELP)
    assert "loaded []" in done.stderr
    assert "examples:" in done.stdout
