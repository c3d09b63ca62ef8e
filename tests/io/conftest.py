"""TensorFlow pickles of the tests' own making."""

import pickle
import sys
import types

import numpy as np
import pytest


@pytest.fixture
def network(monkeypatch):
    """The class that the pickles name: a bag of attributes."""
    for name in ("dnnlib", "dnnlib.tflib", "dnnlib.tflib.network"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    kind = type("Network", (), {"__module__": "dnnlib.tflib.network"})
    monkeypatch.setattr(sys.modules["dnnlib.tflib.network"], "Network", kind, raising=False)

    def made(arrays, parts=(), function="training.networks_stylegan2.G_main", version=4, **arguments):
        one = kind()
        state = {
            "version": version,
            "name": "G",
            "static_kwargs": arguments,
            "components": dict(parts),
            "build_module_src": "raise SystemExit('this must not run')",
            "build_func_name": function,
            "variables": [(name, np.asarray(a, np.float32)[()]) for name, a in arrays.items()],
        }
        vars(one).update(state)
        return one

    return made


@pytest.fixture
def written(tmp_path):
    """Write one network, or all three, as a file."""

    def write(first, *others):
        path = tmp_path / "network.pkl"
        path.write_bytes(pickle.dumps((first, *others) if others else first, 4))
        return path

    return write
