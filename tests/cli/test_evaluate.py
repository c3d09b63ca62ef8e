"""jaxgan evaluate prints what the Python call finds, and adds it to a file."""

import json

import jax
import pytest

import jaxgan as jg


def test_figures_are_printed_and_added_to_a_file_line_by_line(command, models, tmp_path):
    words = ["evaluate", models / "cond.safetensors", "--data", "scenes:8", "--images", "8", "--metrics", "fid,kid"]
    words += ["--bootstrap", "2", "--cache", tmp_path / "kept", "--seed", "3", "--batch", "8"]
    for _ in range(2):
        answer = command(*words)
        assert answer.code == 0, answer.err
        assert "frechet_random" in answer.out and "kernel_random" in answer.out
    lines = [json.loads(line) for line in (tmp_path / "figures.jsonl").read_text().splitlines()]
    assert [line["figure"] for line in lines] == ["frechet_random", "kernel_random"] * 2
    g = jg.load(models / "cond.safetensors")
    key = jax.random.key(3)
    found = jg.evaluate(g, "scenes:8", key, metrics=["fid", "kid"], images=8, bootstrap=2, cache=False, batch=8)
    for line in lines:
        assert line["value"] == pytest.approx(found[line["figure"]].value, rel=1e-5, abs=1e-6)
        assert line["error"] > 0 and line["images"] == 8 and line["seed"] == 3
    assert len(list((tmp_path / "kept").glob("*.npz"))) == 1


WRONG = {
    "metric": (["--metrics", "fidd"], "no metric 'fidd'; did you mean 'fid'?"),
    "no data": ([], "give data"),
    "features": (["--data", "scenes:8", "--features", "randon"], "no features 'randon'; did you mean 'random'?"),
    "no file": (["--data", "scenes:8", "--features", "inception"], "inception:FILE"),
    "scores": (["--metrics", "inception_score"], "class scores, which random lacks"),
    "few": (["--data", "scenes:8", "--images", "3"], "needs 6 or more"),
    "heads": (["--metrics", "ppl", "--lpips", "x.pth"], "--lpips and --heads go together"),
    "truncation": (["--data", "scenes:8", "--bootstrap", "1"], "2 replicates or more"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_had_is_said_in_one_line(case, command, models):
    extra, expected = WRONG[case]
    answer = command("evaluate", models / "tiny.safetensors", *extra)
    assert answer.code == 2
    assert answer.err.startswith("jaxgan: error: ") and answer.err.count("\n") == 1
    assert expected in answer.err


def test_path_length_needs_no_data(command, models):
    answer = command("evaluate", models / "tiny.safetensors", "--metrics", "ppl", "--images", "4", "--bootstrap", "0")
    assert answer.code == 0, answer.err
    assert "ppl_w_end_random" in answer.out
