"""Honest files that carry a pickle are read, whatever wrote them."""

import argparse
import collections
import datetime
import pathlib
import pickle
import zipfile

import ml_dtypes
import numpy as np
import pytest

from jaxgan.io.pickles import Record, names, read
from tests.io.opcodes import call, legacy_file, named, number, numbers, storage_id, tensor, text, whole, zip_file


def test_legacy_storage_is_read_through_strides(file):
    array = np.arange(12, dtype=np.float32)
    storage = storage_id("Float", "7", 12, legacy=True)
    body = b"(" + tensor(storage, 0, (3, 4), (4, 1)) + tensor(storage, 1, (4, 2), (1, 4)) + b"l"
    plain, transposed = read(file(legacy_file(body, {"7": array}))).value
    np.testing.assert_array_equal(plain, array.reshape(3, 4))
    np.testing.assert_array_equal(transposed, array.reshape(3, 4)[:2].T + 1)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zip_storages_are_shared_and_may_be_packed(tmp_path, compression):
    array = np.arange(6, dtype=np.int64)
    storage = storage_id("Long", "0", 6, legacy=False)
    body = (
        b"(" + tensor(storage, 0, (6,), (1,)) + tensor(storage, 5, (), ()) + tensor(storage, 0, (0, 3), (3, 1)) + b"l"
    )
    path = zip_file(tmp_path / "m.pt", body, {"0": array}, [("archive/byteorder", "little")], compression)
    contents = read(path)
    assert contents.kind == "torch zip"
    np.testing.assert_array_equal(contents.value[0], array)
    assert contents.value[1] == 5 and contents.value[2].shape == (0, 3)


def test_bfloat16_keeps_its_type_and_bits(tmp_path):
    bits = np.array([0x3F80, 0x4049, 0xFF80], np.uint16)
    body = tensor(storage_id("BFloat16", "0", 3, legacy=False), 0, (3,), (1,))
    array = read(zip_file(tmp_path / "m.pt", body, {"0": bits})).value
    assert array.dtype.name == "bfloat16"
    np.testing.assert_array_equal(array.view(np.uint16), bits)


@pytest.mark.parametrize("protocol", [1, 2, 3, 4, 5])
def test_numpy_arrays_and_scalars_survive_every_protocol(file, protocol):
    value = {
        "c": np.arange(6.0).reshape(2, 3),
        "f": np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3)),
        "scalar": np.float32(2.5),
        "flag": np.array([True, False]),
        "text": np.array(["a", "bc"]),
        "objects": np.array([{"a": 1}, None], object),
        "empty": np.zeros((0, 4), np.float32),
        "plain": [1, -1, 2**40, -(2**40), 2**70, 1.5, True, None, b"ab", "e\u0301", (), (1,), (1, 2, 3, 4), {1, 2}],
    }
    data = pickle.dumps(value, protocol)
    if protocol < 2:
        data = b"\x80\x01" + data
    found = read(file(data)).value
    for name, expected in value.items():
        if isinstance(expected, np.ndarray):
            assert found[name].dtype == expected.dtype.newbyteorder("=")  # numpy itself turns them native
            np.testing.assert_array_equal(found[name], expected)
        else:
            assert found[name] == expected


def test_a_value_that_refers_to_an_array_twice_gets_one_array(file):
    array = np.arange(3)
    first, second = read(file(pickle.dumps([array, array], 4))).value
    assert first is second
    np.testing.assert_array_equal(first, array)


def test_persistent_object_becomes_a_record_and_its_source_is_dropped(file, tmp_path):
    trap = tmp_path / "ran"
    source = f"open({str(trap)!r}, 'w')"
    meta = {"type": "class", "version": 6, "module_src": source, "class_name": "Generator"}
    state = {
        "_init_args": (3,),
        "_init_kwargs": {"z_dim": 8},
        "_parameters": {},
        "_buffers": {},
        "_modules": {},
        "w": 1,
    }
    raw = pickle.dumps({**meta, "state": state}, 4)
    body = named("torch_utils.persistence", "_reconstruct_persistent_obj") + raw[raw.index(b"}") : -1] + b"\x85R"
    record = read(file(whole(body))).value
    assert record == Record("Generator", (3,), {"z_dim": 8}, state={"w": 1})
    assert not trap.exists()


def test_golden_pickles_name_every_array_of_the_networks(golden):
    value = read(golden("stylegan2_cond32.pkl")).value
    found = names(value["G_ema"])
    assert found["synthesis.b4.const"].shape == (48, 4, 4)
    assert found["synthesis.b32.conv0.noise_const"].shape == (32, 32)
    assert found["synthesis.b8.conv0.noise_strength"].shape == ()
    assert found["mapping.w_avg"].shape == (64,)
    assert value["D"].init_kwargs["architecture"] == "resnet"
    assert set(names(value)) >= {"G.mapping.fc0.weight", "D.b4.out.weight", "G_ema.mapping.embed.bias"}


def test_every_golden_and_published_file_is_read(golden, shared_data):
    folders = [golden("README.md").parent, shared_data("README.md").parent]
    files = [f for d in folders for f in sorted(d.rglob("*")) if f.suffix in (".pkl", ".pth", ".pt", ".ckpt")]
    assert len(files) > 20
    for file in files:
        arrays = names(read(file).value)
        assert arrays, file.name
        assert all(np.isfinite(a).all() for a in arrays.values() if a.dtype.kind == "f"), file.name


def test_published_pose_direction_is_the_one_known_by_its_norm(shared_data):
    # age.pt and smile.pt are SVM normals: unit vectors, which a wrong offset or type would not give.
    for name in ("age", "smile"):
        array = read(shared_data(f"directions/e4e/interfacegan_directions/{name}.pt")).value
        assert array.shape == (1, 512) and array.dtype == np.float32
        assert abs(np.linalg.norm(array) - 1) < 1e-5


@pytest.mark.parametrize(
    "name, kind, shapes",
    [
        ("csinva_mnist/mlp_G--300.ckpt", "torch legacy", {"0.weight": (256, 64), "4.bias": (784,)}),
        ("csinva_mnist/mlp_D--300.ckpt", "torch legacy", {"0.weight": (256, 784), "4.weight": (1, 256)}),
        ("csinva_mnist/vae_epoch_25.pth", "torch legacy", {"fc1.weight": (400, 784), "fc4.weight": (784, 400)}),
        ("csinva_mnist/lenet_classifier.pth", "torch legacy", {"convnet.c1.weight": (6, 1, 5, 5)}),
        ("csinva_mnist/dcgan_netD_epoch_99.pth", "torch legacy", {"main.3.num_batches_tracked": ()}),
        ("hongo_cwgangp/generator.pth", "torch zip", {"label_emb.weight": (10, 10), "l1.0.weight": (6272, 20)}),
    ],
)
def test_published_networks_are_read_old_and_new(shared_data, name, kind, shapes):
    contents = read(shared_data(f"weights/{name}"))
    assert contents.kind == kind
    for key, shape in shapes.items():
        assert contents.value[key].shape == shape, key


def test_floats_of_one_byte_are_read(tmp_path):
    values = np.array([1.5, -2.0, 0.25], ml_dtypes.float8_e4m3fn)
    storage = storage_id("Untyped", "0", 3, legacy=False).replace(b"ctorch\n", b"ctorch.storage\n")
    rest = b"\x89" + call(named("collections", "OrderedDict")) + named("torch", "float8_e4m3fn")
    body = call(named("torch._utils", "_rebuild_tensor_v3"), storage, number(0), numbers((3,)), numbers((1,)), rest)
    found = read(zip_file(tmp_path / "m.pt", body, {"0": values})).value
    assert found.dtype == values.dtype
    np.testing.assert_array_equal(found.astype(np.float32), [1.5, -2.0, 0.25])


@pytest.mark.parametrize("protocol", [2, 4])
def test_what_trainers_put_beside_the_arrays_is_plain(file, protocol):
    value = {
        "milestones": collections.Counter([3, 3, 5]),
        "args": argparse.Namespace(out=pathlib.PurePosixPath("runs/a"), lr=0.1),
        "default": collections.defaultdict(list, {"a": [1]}),
        "when": datetime.datetime(2020, 1, 2),
    }
    found = read(file(pickle.dumps(value, protocol))).value
    assert found["milestones"] == {3: 2, 5: 1} and found["default"] == {"a": [1]}
    assert found["args"] == Record("argparse.Namespace", state={"out": "runs/a", "lr": 0.1})
    assert found["when"] == Record("datetime.datetime")


@pytest.mark.parametrize("module, name", [("dnnlib.util", "EasyDict"), ("easydict", "EasyDict"), ("munch", "Munch")])
def test_configurations_of_other_packages_are_dictionaries(file, module, name):
    body = named(module, name) + b")\x81}(" + text("a") + number(1) + b"u"
    assert read(file(whole(named(module, name) + b")\x81(" + text("a") + number(1) + b"u"))).value == {"a": 1}
    assert read(file(whole(body + b"b"))).value == {}
