import subprocess
import sys
from pathlib import Path

import jax

from jaxgan.training.cache import cache_compilations, user_cache

MINIMA = ("persistent_cache_min_compile_time_secs", "persistent_cache_min_entry_size_bytes")
TWICE = """
import sys, jax, jax.numpy as jnp
from jaxgan.training.cache import cache_compilations
cache_compilations(sys.argv[1])
hits = []
jax.monitoring.register_event_listener(lambda name, **_: hits.append(name))
print(jax.jit(lambda x: jnp.linalg.qr(jnp.sin(x) @ x)[1].sum())(jnp.ones((64, 64))))
print(hits.count("/jax/compilation_cache/cache_hits"))
"""


def test_the_users_cache_folder_is_the_systems(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert user_cache() == Path("/somewhere/jaxgan")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert user_cache() == Path.home() / ".cache" / "jaxgan"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert user_cache() == Path.home() / "Library" / "Caches" / "jaxgan"


def test_a_second_process_finds_what_the_first_compiled(tmp_path):
    counts = []
    for _ in range(2):
        command = [sys.executable, "-c", TWICE, str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        counts.append(int(done.stdout.split()[-1]))
    assert counts[0] == 0 and counts[1] >= 1
    assert list(tmp_path.iterdir())


def test_a_chosen_folder_is_used():
    names = [f"jax_{name}" for name in ("compilation_cache_dir", *MINIMA)]
    before = [getattr(jax.config, name) for name in names]
    try:
        assert cache_compilations("elsewhere") == Path("elsewhere")
        assert jax.config.jax_compilation_cache_dir == "elsewhere"
    finally:
        for name, value in zip(names, before):
            jax.config.update(name, value)
