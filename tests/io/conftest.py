"""Files of the tests' own making: of chosen bytes, and TensorFlow pickles."""

import os
import pickle
import sys
import time
import types

import numpy as np
import pytest

from jaxgan.io.pickles import UnreadableFile, names, read


@pytest.fixture
def network(monkeypatch):
    """The class that the pickles name: a bag of attributes."""
    for name in ("dnnlib", "dnnlib.tflib", "dnnlib.tflib.network", "tfutil"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
        kind = type("Network", (), {"__module__": name})
        monkeypatch.setattr(sys.modules[name], "Network", kind, raising=False)

    def made(arrays, parts=(), function="training.networks_stylegan2.G_main", version=4, **arguments):
        one = sys.modules["dnnlib.tflib.network" if version > 2 else "tfutil"].Network()
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


@pytest.fixture
def file(tmp_path):
    def written(data: bytes, name: str = "model.pkl"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return written


@pytest.fixture
def refused(file):
    """Read bytes that must be refused: quickly, in one line that names the file, with nothing run."""

    def check(data, *words: str) -> str:
        path = data if isinstance(data, os.PathLike) else file(data)
        start = time.perf_counter()
        with pytest.raises(UnreadableFile) as caught:
            names(read(path).value)
        assert time.perf_counter() - start < 20
        message = str(caught.value)
        assert "\n" not in message and len(message) < 500
        assert all(word in message for word in words), message
        return message

    return check
