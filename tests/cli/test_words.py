"""Ranges, strengths and options as people write them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import pytest
from tyro.conf import Positional, arg

from jaxgan.cli.words import Mistake, numbers, options, read, steps, unwritten


@dataclass(frozen=True)
class Inner:
    lr: float = 1e-3
    on: bool = True


@dataclass(frozen=True)
class Outer:
    file: Annotated[Path, Positional]
    inner: Inner = field(default_factory=Inner)
    two_words: int = 1
    kind: Annotated[Literal["a", "b"] | None, arg(name="class")] = None
    flag: bool = False


@pytest.mark.parametrize(
    ("words", "expected"),
    [("3", [3]), ("0-3", [0, 1, 2, 3]), ("0-2,7", [0, 1, 2, 7]), ("5, 1", [5, 1]), ("4-4", [4])],
)
def test_numbers_are_ranges_and_lists(words, expected):
    assert numbers(words) == expected


@pytest.mark.parametrize("words", ["", "a", "3-", "-3", "2-1", "1,,2", "1.5", "0-999999999"])
def test_what_is_no_list_of_numbers_is_refused(words):
    with pytest.raises(Mistake, match=r"write them as|more than ten million"):
        numbers(words)


@pytest.mark.parametrize(
    ("words", "expected"),
    [("-3:3:7", [-3, -2, -1, 0, 1, 2, 3]), ("-2,0,2", [-2, 0, 2]), ("1.5", [1.5]), ("0:1:3", [0, 0.5, 1])],
)
def test_strengths_are_ranges_and_lists(words, expected):
    assert steps(words) == expected


@pytest.mark.parametrize("words", ["", "a", "1:2", "1:2:1", "1:2:3:4", "1:2:x"])
def test_what_is_no_strength_is_refused(words):
    with pytest.raises(Mistake, match="from:to:count"):
        steps(words)


def test_options_are_the_fields_and_their_fields():
    assert list(options(Outer)) == ["--inner.lr", "--inner.no-on", "--two-words", "--class", "--flag"]


def test_words_become_the_dataclass():
    words = ["x.txt", "--inner.lr", "2e-3", "--inner.no-on", "--two_words=5", "--class", "b", "--flag"]
    assert read(Outer, words, "p", "") == Outer(Path("x.txt"), Inner(2e-3, False), 5, "b", True)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["x", "--lr", "1"], "no option --lr; did you mean '--inner.lr'"),
        (["x", "--inner.lrr", "1"], "did you mean '--inner.lr'"),
        (["x", "--inner.lr", "fast"], "--inner.lr takes a number, got 'fast'"),
        (["x", "--two-wrods", "1"], "did you mean '--two-words'"),
        (["x", "--class", "c"], "--class takes one of a, b, got 'c'"),
    ],
)
def test_wrong_option_is_answered_with_the_nearest(words, expected):
    with pytest.raises(Mistake) as caught:
        read(Outer, words, "p", "")
    assert expected in str(caught.value)


def test_existing_files_are_named_before_anything_is_computed(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(Mistake, match="a exists already"):
        unwritten([tmp_path / "a", tmp_path / "b"], overwrite=False)
    unwritten([tmp_path / "a", tmp_path / "b"], overwrite=True)
    unwritten([tmp_path / "b"], overwrite=False)
