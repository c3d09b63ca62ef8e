"""What every foreign format keeps to, whoever wrote it: the protocol, and one line for whatever does not fit."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from jaxgan.core import Generator, Network
from jaxgan.io import UnreadableFile, files, load, load_parts, pickles
from jaxgan.io.names import foreign_name, parts, placed, tensors
from jaxgan.io.records import Record

GOLDEN = {
    "biggan_32.pth": {"G", "D"},
    "biggan_deep_32.pth": {"G", "D"},
    "eigengan_32.pth": {"G"},
    "pggan_32.pth": {"G", "D"},
    "stylegan2_cond32.pkl": {"G_ema", "G", "D"},
    "stylegan3r_32.pkl": {"G_ema", "G"},
    "stylegan_32.pth": {"G", "D"},
}
ODD = (
    None,
    "text",
    5,
    -1,
    2**40,
    float("nan"),
    True,
    [],
    {},
    (1, 2),
    np.zeros(()),
    np.zeros((0, 3)),
    np.zeros((2, 2), np.float32),
    np.zeros((1, 2, 3, 4, 5), np.float32),
    np.array(["a"]),
    np.array([{}], object),
    np.full(3, np.nan),
    np.complex64(1),
)


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_files_give_their_parts(golden, name):
    found = load_parts(golden(name))
    assert set(found) == GOLDEN[name]
    for part, network in found.items():
        assert isinstance(network, Network if part == "D" else Generator)
    with pytest.raises(UnreadableFile, match="has no part 'Q'; it has"):
        load(golden(name), part="Q")


def test_every_format_says_what_it_is_and_knows_what_it_is_not():
    junk = (None, 3, "text", [], {}, (), np.zeros(3), {"a": 1}, {"weight": np.zeros(3)}, Record("Linear"), {1: 2})
    titles = [format.TITLE for format in files.FORMATS]
    assert len(set(titles)) == len(titles)
    for format in files.FORMATS:
        assert not any(format.recognise(value) for value in junk), format.TITLE


def copied(value):
    match value:
        case Record():
            own = (copied(part) for part in (value.parameters, value.buffers, value.modules, value.state))
            return Record(value.class_name, value.init_args, copied(value.init_kwargs), *own)
        case dict():
            return {key: copied(item) for key, item in value.items()}
        case list() | tuple():
            return type(value)(copied(item) for item in value)
    return value


def places(value):
    """Every dict of a value with each of its keys."""
    if isinstance(value, Record):
        inner = (value.parameters, value.buffers, value.modules, value.state, value.init_kwargs)
    elif isinstance(value, dict):
        yield from ((value, key) for key in value)
        inner = value.values()
    else:
        inner = value if isinstance(value, (list, tuple)) else ()
    for item in inner:
        yield from places(item)


@pytest.mark.parametrize("name", GOLDEN)
def test_whatever_is_done_to_a_files_values_it_is_read_or_refused_in_one_line(golden, name):
    random, original = np.random.default_rng(0), pickles.read(golden(name)).value
    outcomes = {"read": 0, "refused": 0}
    for _ in range(25):
        value = copied(original)
        found = list(places(value))
        where, key = found[random.integers(len(found))]
        match random.integers(4):
            case 0:
                del where[key]
            case 1:
                where[f"{key}x"] = where.pop(key)
            case 2 if isinstance(where[key], np.ndarray):
                where[key] = (where[key].T, where[key][None], where[key].reshape(-1))[random.integers(3)]
            case _:
                where[key] = ODD[random.integers(len(ODD))]
        try:
            files._foreign(value, (None, "G", "D")[random.integers(3)], Path("changed"))
            outcomes["read"] += 1
        except UnreadableFile as error:
            assert "\n" not in str(error) and str(error).startswith("changed: ")
            outcomes["refused"] += 1
    assert outcomes["refused"] > 0


def test_a_reader_that_runs_into_an_odd_shape_is_answered_for(monkeypatch):
    def read(value, part):
        return np.zeros((2, 2))[5]

    format = SimpleNamespace(TITLE="a test's own", recognise=lambda value: True, read=read)
    monkeypatch.setattr(files, "FORMATS", (format,))
    with pytest.raises(UnreadableFile, match=r"looks like a test's own, but does not fit together \(IndexError"):
        files._foreign({}, None, Path("file"))


def test_state_dicts_are_found_under_the_usual_wrappers():
    arrays = {"a.weight": np.ones(2), "b": np.float32(1)}
    assert set(tensors(arrays)) == set(tensors({"state_dict": arrays, "epoch": 3})) == {"a.weight", "b"}
    assert set(tensors({f"module.{name}": array for name, array in arrays.items()})) == {"a.weight", "b"}
    assert tensors({"a": np.ones(2), "b": "text"}) == tensors(3) == tensors({}) == tensors({1: np.ones(2)}) == {}
    nested = parts({"G": arrays, "D": {"state_dict": arrays}, "optimizer": {"lr": 1}, "args": None})
    flat = parts({f"{part}.{name}": array for part in "GD" for name, array in arrays.items()})
    assert {part: set(held) for part, held in nested.items()} == {part: set(held) for part, held in flat.items()}
    assert set(nested) == {"G", "D"} and list(parts(arrays)) == [""]


def test_every_name_that_does_not_fit_is_reported_by_kind():
    zeros = lambda *shape: np.zeros(shape, np.float32)
    template = {"params": {"a": zeros(2, 3), "b": zeros(4), "c": zeros(5)}}
    arrays = {"A": np.ones((2, 3)), "C": np.ones(5), "E": np.ones(1), "F.kernel": np.ones(1)}
    table = ((r"params/(\w)", lambda m: m[1].upper()),)
    with pytest.raises(UnreadableFile) as caught:
        placed(template, arrays, table, what="net", ignored=r".*\.kernel")
    assert str(caught.value) == (
        "its net does not match its configuration; missing: B; unknown: E; of another shape: A (3, 2) instead of (2, 3)"
    )
    good = placed(template, {**arrays, "A": np.ones((3, 2))} | {"E": None}, table, ignored=r"E|.*kernel", absent=("B",))
    assert good["params"]["a"].shape == (2, 3) and not good["params"]["b"].any()
    with pytest.raises(KeyError, match="has no counterpart"):
        foreign_name(table, "params/long")
