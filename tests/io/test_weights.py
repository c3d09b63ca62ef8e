"""The library's own file keeps every bit, is written whole or not at all, and says why when it cannot be read."""

import json

import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy

from jaxgan.io.pickles import UnreadableFile
from jaxgan.io.weights import load_arrays, read_header, save_arrays

HEADER = {"kind": "generator", "config": {"resolution": 32, "filter": [1, 3, 3, 1], "clamp": None}, "meta": {"é": 0.1}}


def arrays():
    random = np.random.default_rng(0)
    bits = random.integers(0, 2**32, 64, dtype=np.uint32)  # NaN, infinities and denormals among them
    return {
        "f32": bits.view(np.float32).reshape(4, 16),
        "f16": bits.view(np.float16),
        "bf16": bits.view(ml_dtypes.bfloat16).reshape(2, 8, 8),
        "f64": bits.view(np.float64),
        "i64": bits.view(np.int64),
        "u8": bits.view(np.uint8),
        "bool": bits > 2**31,
        "transposed": np.arange(6.0).reshape(2, 3).T,
        "scalar": np.float32(3.5),
        "empty": np.zeros((0, 3), np.int32),
        "complex": bits.view(np.complex64),
    }


def test_every_bit_and_type_survives(tmp_path):
    path = tmp_path / "deep" / "folder" / "x.safetensors"
    before = arrays()
    save_arrays(path, before, HEADER)
    after = load_arrays(path)
    assert set(after) == set(before)
    for name, array in before.items():
        array = np.asarray(array)
        assert after[name].dtype == array.dtype and after[name].shape == array.shape
        assert after[name].tobytes() == array.tobytes(), name
    assert read_header(path) == HEADER
    assert [p.name for p in path.parent.iterdir()] == ["x.safetensors"]


def test_arrays_of_a_device_are_taken(tmp_path):
    save_arrays(tmp_path / "x.safetensors", {"a": jnp.arange(3, dtype=jnp.bfloat16)}, {})
    assert load_arrays(tmp_path / "x.safetensors")["a"].dtype == ml_dtypes.bfloat16


def test_files_are_plain_safetensors(tmp_path):
    path = tmp_path / "x.safetensors"
    save_arrays(path, {"a": np.arange(3.0)}, HEADER)
    np.testing.assert_array_equal(safetensors.numpy.load_file(path)["a"], np.arange(3.0))
    start = path.read_bytes()
    described = json.loads(start[8 : 8 + int.from_bytes(start[:8], "little")])
    assert json.loads(described["__metadata__"]["header"]) == HEADER


def test_the_same_arrays_make_the_same_file(tmp_path):
    save_arrays(tmp_path / "a.safetensors", arrays(), HEADER)
    save_arrays(tmp_path / "b.safetensors", dict(reversed(arrays().items())), HEADER)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.safetensors"
    save_arrays(path, {"a": np.ones(3)}, HEADER)

    def full_disk(*_arguments, **_keywords):
        raise OSError("no space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="no space"):
        save_arrays(path, {"a": np.zeros(3)}, HEADER)
    np.testing.assert_array_equal(load_arrays(path)["a"], np.ones(3))
    assert [p.name for p in tmp_path.iterdir()] == ["x.safetensors"]


def test_what_a_file_cannot_hold_is_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    with pytest.raises(TypeError, match="'a' is object"):
        save_arrays(path, {"a": np.array([None])}, {})
    with pytest.raises(TypeError, match="not JSON"):
        save_arrays(path, {}, {"f": print})
    with pytest.raises(TypeError, match="not JSON"):
        save_arrays(path, {}, {"f": float("nan")})
    assert not path.exists()


def test_damaged_and_foreign_files_are_named(tmp_path):
    path = tmp_path / "x.safetensors"
    save_arrays(path, {"a": np.arange(100.0)}, HEADER)
    data = path.read_bytes()
    for cut in (0, 1, 7, 8, 9, 50, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:cut])
        for read in (read_header, load_arrays):
            with pytest.raises(UnreadableFile, match=r"x\.safetensors: is not a complete") as caught:
                read(path)
            assert "\n" not in str(caught.value)
    safetensors.numpy.save_file({"a": np.ones(1)}, path)
    with pytest.raises(UnreadableFile, match="not one that jaxgan wrote"):
        read_header(path)
    safetensors.numpy.save_file({"a": np.ones(1)}, path, {"format": "jaxgan", "version": "99", "header": "{}"})
    with pytest.raises(UnreadableFile, match=r"version 99.*newer"):
        read_header(path)
    for header in ("{", "[]", "[" * 100_000):
        safetensors.numpy.save_file({"a": np.ones(1)}, path, {"format": "jaxgan", "version": "1", "header": header})
        with pytest.raises(UnreadableFile, match="header"):
            read_header(path)
    with pytest.raises(UnreadableFile, match="folder"):
        load_arrays(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such file"):
        load_arrays(tmp_path / "none")
