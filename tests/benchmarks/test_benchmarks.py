"""The benchmark scripts: their command lines, their timing, and one of them from end to end at toy size."""

import json
import logging
import runpy
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
SCRIPTS = sorted(FOLDER.glob("[a-z]*.py"))


@pytest.fixture
def run(monkeypatch):
    """Run a script as the command line would, in this process."""
    monkeypatch.syspath_prepend(FOLDER)

    def run(script: Path, *words: str):
        monkeypatch.setattr(sys, "argv", [str(script), *words])
        return runpy.run_path(str(script), run_name="__main__")

    yield run
    for name in ("_timing", "_peer", "_steps"):
        sys.modules.pop(name, None)
    logging.getLogger("jaxgan").setLevel(logging.NOTSET)  # a script may have silenced it


def test_there_is_a_script_for_each_claim():
    claims = {"synthesis", "phases", "resampling", "inversion", "cold_start"}
    assert claims <= {script.stem for script in SCRIPTS}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_every_script_explains_itself(script, run, capsys):
    with pytest.raises(SystemExit) as stop:
        run(script, "--help")
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith("usage: ")


def test_a_line_holds_every_timing_and_where_it_was_made(run, capsys):
    run(FOLDER / "loading.py", "--quick", "--rounds", "3")
    (line,) = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    low, median, high = line["decoded"]["ms"]
    assert 0 < low <= median <= high
    assert line["decoded"]["ratio"][1] > 1, "decoding was not slower than reading what is kept"
    assert {"device", "cores", "load", "versions", "commit", "date"} <= line.keys()


def test_ways_take_turns_and_the_first_round_does_not_count(run):
    timing = runpy.run_path(str(FOLDER / "_timing.py"))
    calls = []
    way = lambda name: lambda: calls.append(name) or (float(len(calls)), 0.0)
    times = timing["interleave"]({"a": way("a"), "b": way("b")}, 3)
    assert "".join(calls) == "abbaabba"
    assert [wall for wall, _ in times["a"]] == [4.0, 5.0, 8.0]


def test_ratios_compare_within_a_round(capsys):
    timing = runpy.run_path(str(FOLDER / "_timing.py"))
    timing["report"](
        "x", "y", {"a": [(1.0, 1.0), (10.0, 1.0), (100.0, 1.0)], "b": [(2.0, 3.0), (20.0, 3.0), (200.0, 3.0)]}
    )
    line = json.loads(capsys.readouterr().out)
    assert line["b"]["ratio"] == [2.0, 2.0, 2.0]
    assert line["b"]["cpu_ratio"] == [3.0, 3.0, 3.0]
    assert line["a"]["ms"] == [5.5, 10.0, 55.0]
