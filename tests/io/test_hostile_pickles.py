"""Hostile, broken and foreign files are refused in one line, quickly, and nothing of them runs."""

import io
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest

from jaxgan.io.pickles import UnreadableFile, names, read
from tests.io.opcodes import (
    MAGIC,
    blob,
    call,
    legacy_file,
    named,
    number,
    numbers,
    storage_id,
    tensor,
    text,
    whole,
    zip_file,
)

# Files that are something else


@pytest.mark.parametrize(
    "data, word",
    [
        (b"", "empty"),
        (b"Hello, this is a text file.\n" * 20, "text file"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "LFS"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "neither"),
        (b"\x93NUMPY\x01\x00", "neither"),
        (bytes(1000), "neither"),
        (b"PK\x03\x04" + bytes(50), "truncated"),
        (b"\x10\x00\x00\x00\x00\x00\x00\x00{}              ", "safetensors"),
        (b"\x80", "truncated"),
        (b"\x80\x09N.", "protocol"),
    ],
)
def test_other_files_are_named_for_what_they_are(refused, data, word):
    refused(data, "model.pkl", word)


def test_folders_and_missing_files_are_told_apart(tmp_path, refused):
    refused(tmp_path, "folder")
    with pytest.raises(FileNotFoundError, match="no such file"):
        read(tmp_path / "none.pkl")


def test_a_zip_that_is_not_torchs_is_refused(tmp_path, refused):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("hello.txt", "hello")
    refused(path, "data.pkl")


def test_a_program_archive_is_refused(tmp_path, refused):
    refused(zip_file(tmp_path / "m.pt", b"}", {}, [("archive/constants.pkl", b"")]), "TorchScript")


@pytest.mark.parametrize("name", ["stylegan2_cond32.pkl", "stylegan3t_32.pkl", "eigengan_32.pth", "clip_tiny.pth"])
def test_every_truncation_is_refused(golden, refused, name):
    data = golden(name).read_bytes()
    cuts = {int(len(data) * part) for part in np.linspace(0, 1, 50, endpoint=False)} | {1, 2, 3, 11, len(data) - 1}
    for cut in sorted(cuts):
        refused(data[:cut])


def test_every_truncation_of_the_older_layout_is_refused(refused, shared_data):
    data = shared_data("weights/lpips/v0.1/alex.pth").read_bytes()
    for cut in np.linspace(0, len(data) - 1, 60).astype(int):
        refused(data[:cut])


def test_flipped_bytes_never_do_more_than_change_numbers(golden, file):
    data = golden("stylegan3t_32.pkl").read_bytes()
    random = np.random.default_rng(0)
    outcomes = {"read": 0, "refused": 0}
    for _ in range(60):
        broken = bytearray(data)
        for place in random.integers(0, len(data), 20):
            broken[place] = random.integers(0, 256)
        try:
            names(read(file(bytes(broken))).value)
            outcomes["read"] += 1
        except UnreadableFile:
            outcomes["refused"] += 1
    assert outcomes["refused"] > 0


# Files that want something run


@pytest.mark.parametrize(
    "module, name",
    [
        ("os", "system"),
        ("posix", "system"),
        ("nt", "system"),
        ("builtins", "eval"),
        ("__builtin__", "eval"),
        ("builtins", "exec"),
        ("builtins", "getattr"),
        ("builtins", "__import__"),
        ("subprocess", "Popen"),
        ("torch", "load"),
        ("torch.hub", "load"),
        ("torch._utils", "_rebuild_tensor_v2.__globals__"),
        ("torch._utils._rebuild_tensor_v2", "__globals__"),
        ("collections.OrderedDict", "__class__"),
        ("collections", "OrderedDict.fromkeys"),
        ("numpy", "load"),
        ("numpy.core.multiarray", "_reconstruct.__class__"),
        ("numpy.f2py.crackfortran", "getlincoef"),
        ("torch.nn.modules.module", "Module.__init__"),
        ("torch.nn.modules.linear", "os"),
        ("operator", "attrgetter"),
        ("pickle", "loads"),
        ("jaxgan.io.pickles", "read"),
        ("", ""),
    ],
)
@pytest.mark.parametrize("by_stack", [False, True])
def test_a_foreign_name_is_refused_by_name(refused, tmp_path, monkeypatch, module, name, by_stack):
    monkeypatch.chdir(tmp_path)
    function = text(module) + text(name) + b"\x93" if by_stack else named(module, name)
    label = f"{module}.{name}".replace("__builtin__", "builtins")
    refused(whole(call(function, text("touch ran"))), label, "nothing was run")
    assert not (tmp_path / "ran").exists()


class Runs:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_command_in_a_pickle_is_refused_and_not_run(refused, tmp_path, protocol):
    trap = tmp_path / "ran"
    value = {"G_ema": Runs(f"touch {trap}")}
    assert "system" in refused(pickle.dumps(value, protocol), "nothing was run")
    assert not trap.exists()


def test_a_command_inside_a_storage_is_refused_and_not_run(refused, tmp_path):
    trap = tmp_path / "ran"
    inner = pickle.dumps(Runs(f"touch {trap}"), 2)
    load = named("torch.storage", "_load_from_bytes")
    refused(whole(call(load, blob(inner))), "system")
    refused(whole(call(load, blob(MAGIC + pickle.dumps(1001, 2) + inner))), "system")
    refused(legacy_file(inner[2:-1], {}), "system")
    assert not trap.exists()


def test_storages_inside_storages_are_refused(refused):
    data = pickle.dumps(0)
    for _ in range(200):
        data = whole(call(named("torch.storage", "_load_from_bytes"), blob(data)))
    refused(data, "storage")


def test_a_command_in_a_zip_is_refused_and_not_run(refused, tmp_path):
    trap = tmp_path / "ran"
    body = pickle.dumps(Runs(f"touch {trap}"), 2)[2:-1]
    refused(zip_file(tmp_path / "m.pt", body, {}), "system")
    assert not trap.exists()


@pytest.mark.parametrize(
    "body, word",
    [
        (b"(idontknow\nname\n", "INST"),
        (b"(cos\nsystem\no", "os.system"),
        (b"\x82\x01", "EXT1"),
        (b"P0\n", "PERSID"),
        (b"NQ", "persistent"),
        (b"\x97", "NEXT_BUFFER"),
        (text("a") + b")R", "did not name"),
        (call(named("numpy", "ndarray")), "only be named"),
        (call(named("torch", "FloatStorage")), "only be named"),
        (text("a") + text("b") + b"b", "no container"),
        (named("collections", "OrderedDict") + b"}b", "no container"),
        (b"}(NNNu", "without a value"),
        (b"]]a0" + b"s", "takes more"),
        (b"t", "no mark"),
        (b"h\x05", "never stored"),
        (b"\x94", "does not have"),
        (b"NN", "leaves values"),
        (b"\xff", "no pickle opcode"),
        (b"}](" + b"NN" + b"u", "no container"),
    ],
)
def test_malformed_programs_are_refused(refused, body, word):
    refused(whole(body), word)


# Files that want memory or time


def test_a_tower_of_doubled_lists_costs_nothing(file, refused):
    # Each level holds the one below twice: 2^90 values in 400 bytes.
    tower = b"]q\x00" + b"".join(b"0]q%c(h%ch%ce" % (i + 1, i, i) for i in range(90))
    assert len(read(file(whole(tower))).value) == 2
    refused(whole(tower), "without end")


def test_a_tower_of_doubled_tuples_is_no_dictionary_key(refused):
    # Hashing it would visit 2^90 leaves.
    tower = b")q\x00" + b"".join(b"h%ch%c\x86q%c" % (i, i, i + 1) for i in range(90))
    refused(whole(tower + b"0}h\x5aNs"), "not plain")
    refused(whole(tower + b"0\x8f(h\x5a\x90"), "not plain")
    refused(whole(tower + b"0(h\x5a\x91"), "not plain")


def test_a_tower_of_doubled_tuples_is_never_printed(refused):
    tower = b")q\x00" + b"".join(b"h%ch%c\x86q%c" % (i, i, i + 1) for i in range(90)) + b"0"
    top = b"h\x5a"
    meta = b"}(" + text("type") + text("class") + text("class_name") + text("G") + text("version") + top + b"u"
    refused(whole(tower + call(named("torch_utils.persistence", "_reconstruct_persistent_obj"), meta)))
    refused(whole(tower + call(named("numpy", "dtype"), top)))
    storage = storage_id("Float", "0", 4, legacy=True)
    hostile = call(named("torch._utils", "_rebuild_tensor"), storage, number(0), b"(" + top + b"t", numbers((1,)))
    refused(legacy_file(tower + hostile, {"0": np.zeros(4, np.float32)}))
    identity = b"(" + text("storage") + named("torch", "FloatStorage") + top + text("cpu") + number(1) + b"NtQ"
    refused(legacy_file(tower + identity, {}))


@pytest.mark.parametrize(
    "body",
    [
        b"B" + struct.pack("<I", 2**32 - 1),
        b"\x8e" + struct.pack("<Q", 2**63),
        b"\x8d" + struct.pack("<Q", 2**64 - 1),
        b"\x96" + struct.pack("<Q", 2**40),
        b"\x8b" + struct.pack("<i", 2**31 - 1),
        b"\x8b" + struct.pack("<i", -1),
        b"X" + struct.pack("<I", 2**31),
        b"T" + struct.pack("<i", -5),
        b"I" + b"9" * 100_000 + b"\n",
        b"L" + b"9" * 100_000 + b"L\n",
        b"c" + b"a" * 100_000,
    ],
)
def test_declared_lengths_beyond_the_file_reserve_nothing(refused, body):
    refused(whole(body))


def test_a_memo_index_of_four_billion_reserves_nothing(file):
    assert read(file(whole(b"Nr\xff\xff\xff\xff"))).value is None


def test_endless_opcodes_are_refused(refused):
    refused(whole(b"N0" * 1_100_000 + b"N"), "opcodes")


def test_copying_one_long_list_again_and_again_is_refused(refused):
    long = b"]q\x00(" + b"N" * 50_000 + b"e"
    twin = named("collections", "OrderedDict") + b"q\x010(" + b"(" + b"NN\x86" * 20_000 + b"lq\x02"
    refused(whole(long + b"0" + twin + b"h\x01h\x02\x85R" * 20_000 + b"t"), "unfolds")


def test_deep_nesting_is_read_without_recursion(file, refused):
    deep = whole(b"]" * 200_000 + b"a" * 199_999)
    assert isinstance(read(file(deep)).value, list)
    refused(deep, "without end")


def test_a_record_that_contains_itself_is_refused(refused):
    state = b"}(" + text("_modules") + b"}(" + text("me") + b"h\x00uub"
    refused(whole(named("torch.nn.modules.linear", "Linear") + b")\x81q\x00" + state), "without end")


@pytest.mark.parametrize(
    "offset, size, stride",
    [
        (0, (5,), (1,)),
        (4, (1,), (1,)),
        (0, (2, 2), (3, 1)),
        (0, (2,), (2**40,)),
        (2**47, (1,), (1,)),
        (-1, (2,), (1,)),
        (0, (2,), (-1,)),
        (0, (-2,), (1,)),
        (0, (2,), (1, 1)),
        (0, (2**40, 2**40), (0, 0)),
        (0, (2**31,), (0,)),
        (0, (1,) * 100, (1,) * 100),
    ],
)
def test_a_tensor_that_leaves_its_storage_is_refused(refused, tmp_path, offset, size, stride):
    array = np.arange(4, dtype=np.float32)
    refused(legacy_file(tensor(storage_id("Float", "0", 4, True), offset, size, stride), {"0": array}))
    body = tensor(storage_id("Float", "0", 4, False), offset, size, stride)
    refused(zip_file(tmp_path / "m.pt", body, {"0": array}))


@pytest.mark.parametrize("numel", [3, 5, 2**40, -1])
def test_a_storage_of_another_length_than_declared_is_refused(refused, tmp_path, numel):
    array = np.arange(4, dtype=np.float32)
    refused(legacy_file(tensor(storage_id("Float", "0", numel, True), 0, (1,), (1,)), {"0": array}))
    refused(zip_file(tmp_path / "m.pt", tensor(storage_id("Float", "0", numel, False), 0, (1,), (1,)), {"0": array}))


def test_storages_and_their_list_must_agree(refused):
    array = np.arange(4, dtype=np.float32)
    one = tensor(storage_id("Float", "0", 4, True), 0, (4,), (1,))
    refused(legacy_file(one, {}), "does not match")
    refused(legacy_file(one, {"1": array}), "does not match")
    other = tensor(storage_id("Double", "0", 4, True), 0, (4,), (1,))
    refused(legacy_file(b"(" + one + other + b"t", {"0": array}), "declared twice")


def test_zip_entries_that_point_outside_are_refused_and_nothing_is_written(refused, tmp_path):
    body = tensor(storage_id("Float", "0", 1, False), 0, (1,), (1,))
    for name in ("../evil", "/etc/evil", "archive/../../evil", "..\\evil"):
        path = zip_file(tmp_path / "m.pt", body, {"0": np.zeros(1, np.float32)}, [(name, b"x")])
        refused(path, "outside")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.pt"]
    path = zip_file(tmp_path / "m.pt", tensor(storage_id("Float", "../x", 1, False), 0, (1,), (1,)), {})
    refused(path, "no plain name")
    refused(zip_file(tmp_path / "m.pt", body, {}), "no entry")


def test_a_zip_bomb_is_refused_before_it_unpacks(refused, tmp_path):
    path = tmp_path / "m.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", whole(b"}"))
        with archive.open("archive/data/0", "w") as entry:
            for _ in range(200):
                entry.write(bytes(2**20))
    refused(path, "unpacks")


def test_a_zip_entry_that_lies_about_its_length_is_refused(refused, tmp_path):
    body = tensor(storage_id("Float", "0", 4, False), 0, (4,), (1,))
    path = zip_file(tmp_path / "m.pt", body, {"0": np.zeros(4, np.float32)}, compression=zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    place = data.rindex(b"archive/data/0") - 46 + 24  # the uncompressed size in the central directory
    data[place : place + 4] = struct.pack("<I", 12)
    path.write_bytes(data)
    refused(path)


def test_numpy_states_that_lie_are_refused(refused):
    def array(shape, code, raw):
        begun = call(
            named("numpy.core.multiarray", "_reconstruct"), named("numpy", "ndarray"), numbers((0,)), blob(b"b")
        )
        dtype = call(named("numpy", "dtype"), text(code), b"\x89", b"\x88")
        return begun + b"(" + number(1) + shape + dtype + b"\x89" + raw + b"tb"

    refused(whole(array(numbers((5,)), "f4", blob(bytes(16)))), "bytes")
    refused(whole(array(numbers((-1,)), "f4", blob(bytes(16)))), "size")
    refused(whole(array(numbers((2,)), "O8", blob(bytes(16)))), "objects")
    refused(whole(array(numbers((2**40,)), "O8", b"]")), "objects")
    refused(whole(array(numbers((2,)), "V8", blob(bytes(16)))), "type")
    refused(whole(array(numbers((4,)), "f4", text("aaaaaaaaaaaaaaaa"))), "no bytes")
    twice = array(numbers((4,)), "f4", blob(bytes(16)))
    refused(whole(twice + twice[twice.index(b"(" + number(1)) :]), "has one")
    scalar = call(named("numpy.core.multiarray", "scalar"), call(named("numpy", "dtype"), text("O8")), blob(bytes(8)))
    refused(whole(scalar), "plain type")


def test_a_text_stream_object_is_not_mistaken_for_a_path():
    with pytest.raises(TypeError):
        read(io.BytesIO(b""))
