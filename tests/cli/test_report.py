"""jaxgan report, dissect, and the methods of discover that need a scorer: from words to files."""

import json

import jax
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.cli import models as opened
from jaxgan.cli import scorers
from tests.cli.conftest import pixels
from tests.planted import layered


@pytest.fixture(scope="module")
def g():
    return layered()


@pytest.fixture
def command(command, g, monkeypatch):
    """The command, which finds one generator whatever the model's name is."""
    monkeypatch.setattr(opened, "generator", lambda model: g)
    return command


SMALL = ["--codes", 8, "--population", 128, "--bootstrap", 3, "--by", "-2:2:3"]
BOUNDARY = ["discover", "x", "--method", "boundary", "--samples", 128, "--extremes", 0.2, "--by", "0,1"]


@pytest.fixture
def found(command, tmp_path):
    answer = command(*BOUNDARY, "--scorer", "colour,edges", "--attribute", "red,edges", "--out", "b.safetensors")
    assert answer.code == 0, answer.err
    assert "of held-out extremes" in answer.out
    return tmp_path / "b.safetensors"


def test_boundaries_are_named_by_the_chosen_scores_and_may_hold_others_still(command, found, tmp_path):
    assert jg.load(found).names == ("red", "edges")
    words = ["--scorer", "brightness", "--given", f"{found}#edges", "--out", "held.safetensors"]
    assert command(*BOUNDARY, *words).code == 0
    held = jg.load(tmp_path / "held.safetensors")
    assert held.names == ("brightness",) and dict(held.meta)["given"] == ("edges",)
    assert abs(float((held.flat() @ jg.load(found)["edges"].flat().T)[0, 0])) < 1e-5
    wrong = command(*BOUNDARY, "--given", f"{found}#edgs", "--out", "c.safetensors")
    assert wrong.code == 2 and "did you mean 'edges'" in wrong.err


@pytest.mark.slow
def test_labels_of_a_table_belong_to_codes(command, g, tmp_path):
    code = g.sample(jax.random.key(0), 40)
    jg.io.save_codes(code, tmp_path / "codes.safetensors", g)
    values = np.asarray(code.value[:, 0])
    (tmp_path / "l.csv").write_text("first\n" + "\n".join(f"{v:.5f}" for v in values) + "\n")
    words = ["--scorer", "l.csv", "--codes", "codes.safetensors", "--space", "z", "--out", "l.safetensors"]
    answer = command("discover", "x", "--method", "boundary", "--extremes", "0.3", "--by", "0,1", *words)
    assert answer.code == 0, answer.err
    vector = np.asarray(jg.load(tmp_path / "l.safetensors").flat())[0]
    assert np.abs(vector).argmax() == 0 and vector[0] > 0


@pytest.mark.slow
def test_stylespace_finds_channels_of_an_attribute(command, tmp_path):
    words = ["--attribute", "red", "--samples", 128, "--extremes", 0.1, "--k", 2, "--by", "0,1"]
    answer = command("discover", "x", "--method", "stylespace", *words)
    assert answer.code == 0, answer.err
    assert jg.load(tmp_path / "stylespace.safetensors").space == "s" and "theta" in answer.out


@pytest.mark.slow
def test_a_text_finds_channels_by_an_embedder_and_keeps_their_effects(command, tmp_path, monkeypatch):
    from jaxgan.features.embedder import Pair

    asked = lambda phrases: np.stack([[1.0, float("red" in p), 0.0] for p in phrases])
    monkeypatch.setattr(jg.io, "load_clip", lambda *files: Pair(lambda images: images.mean((1, 2)), asked))
    (tmp_path / "clip.pt").touch()
    words = ["--clip", "clip.pt", "--text", "red", "--beta", "0", "--effects", "e.safetensors", "--by", "0,1"]
    answer = command("discover", "x", "--method", "text", *words, "--images", 2, "--samples", 64)
    assert answer.code == 0, answer.err
    assert jg.load(tmp_path / "text.safetensors").names == ("red",) and (tmp_path / "e.safetensors").exists()
    again = command("discover", "x", "--method", "text", *words, "--images", 2, "--overwrite")
    assert again.code == 2 and "measured already" in again.err
    assert command("discover", "x", "--method", "text", *words, "--overwrite").code == 0


def test_report_writes_a_page_its_numbers_pictures_and_films(command, found, tmp_path, monkeypatch):
    flat = lambda images: images.reshape(len(images), -1)
    monkeypatch.setattr(jg.losses, "perceptual", jg.losses.pixel)  # compiles at once; the real ones have a slow test
    monkeypatch.setattr("jaxgan.io.features.feature_network", lambda word: flat)
    more = ["--scorer", "colour,edges", "--pictures", "strips", "--film", "gif", "--out", "r.html"]
    answer = command("report", "x", found, found, *SMALL, *more)
    assert answer.code == 0, answer.err
    page, said = (tmp_path / "r.html").read_text(), json.loads((tmp_path / "r.json").read_text())
    assert list(said["sets"]) == ["b", "b-2"] and said["scores"] == ["red", "green", "blue", "edges"]
    assert "<table" in page and "<script>" in page and 'src="http' not in page
    for name in ("b", "b-2"):
        assert said["sets"][name]["names"] == ["red", "edges"]
        figures = said["sets"][name]["figures"]
        for figure in ("drift", "linearity", "path_length", "bootstrap", "seeds"):
            assert len(figures[figure]) == 2 and np.all(np.isfinite(figures[figure])), (name, figure)
    angles = said["principal_angles"][0]
    assert angles["sets"] == ["b", "b-2"] and max(angles["degrees"]) < 0.1
    assert np.isfinite(said["generator_path_length"])
    assert pixels(tmp_path / "strips" / "b_red.png").shape == (3 * 8, 3 * 8, 3)
    assert (tmp_path / "strips" / "b-2_edges.gif").exists()
    assert command("report", "x", found, *SMALL, "--out", "r.html").code == 2


@pytest.mark.slow
def test_images_are_judged_without_files(g):
    from jaxgan.cli.report import judging

    judge = judging(g, scorers.chosen("pixels", g), None)
    images = g(g.sample(jax.random.key(0), 3))
    for name, distance in (judge.distance, judge.speed):
        assert name and np.all(np.asarray(distance(images, images)) < 1e-6)
        assert np.all(np.asarray(distance(images, images[::-1]))[[0, 2]] > 1e-3)
    assert judge.features(images).shape[0] == 3


def test_discover_reports_its_directions_by_the_scorer_that_it_was_told(command, tmp_path, monkeypatch):
    from jaxgan.cli import report

    told = []
    monkeypatch.setattr(report, "write", lambda *args: told.append(args))
    answer = command(*BOUNDARY, "--scorer", "edges", "--report", "e.html")
    assert answer.code == 0, answer.err
    sets, page, chosen = told[0][1], told[0][2], told[0][5]
    assert list(sets) == ["boundary"] and page.name == "e.html" and chosen.scorer.names == ("edges",)


def test_dissect_writes_a_table_numbers_and_lit_pictures(command, tmp_path):
    answer = command("dissect", "x", "--samples", 32, "--min-iou", "0", "--top", 3, "--images", 2)
    assert answer.code == 0, answer.err
    report = jg.io.load_report(tmp_path / "dissected.json")
    assert "IoU" in answer.out and report.tap == "b4" and report.iou.shape == (12, 9)
    assert pixels(tmp_path / "dissected.png").shape == (3 * 8, 2 * 8, 3)
    wrong = command("dissect", "x", "--tap", "b5", "--out", "d.json")
    assert wrong.code == 2 and "no tap 'b5'; there are b4, rgb4, b8" in wrong.err


WRONG = {
    "scorer": (["--scorer", "edgse"], "no scorer 'edgse'; did you mean 'edges'?"),
    "missing file": (["--scorer", "smile.safetensors"], "no file smile.safetensors"),
    "table without codes": (["--scorer", "l.csv"], "give --codes FILE"),
    "score": (["--scorer", "colour", "--attribute", "rde"], "no score 'rde'; did you mean 'red'?"),
    "loss": (["--loss", "svm"], "--loss takes one of logistic, hinge2, mean, ridge, got 'svm'"),
    "report": (["--report", "r.pdf"], "reports end in .html"),
    "option of another": (["--beta", "1"], "--beta is not for --method boundary"),
}


@pytest.mark.parametrize("case", WRONG)
def test_mistakes_of_boundaries_are_told_in_one_line(case, command, tmp_path):
    (tmp_path / "l.csv").write_text("a\n1\n")
    words, expected = WRONG[case]
    answer = command("discover", "x", "--method", "boundary", *words)
    assert answer.code == 2 and answer.err.count("\n") == 1 and expected in answer.err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["discover", "x", "--method", "text", "--text", "a hat"], "--clip is missing"),
        (["discover", "x", "--method", "stylespace"], "needs --attribute"),
        (["discover", "x", "--method", "resefa"], "give --box"),
        (
            ["discover", "x", "--method", "stylespace", "--examples", "c", "--scorer", "edges"],
            "--examples stand instead",
        ),
        (["report", "x"], "FILE is missing"),
        (["report", "x", "d", "--by", "-1:3:5"], "as far to both sides"),
        (["report", "x", "d", "--film", "gif"], "give --pictures"),
        (["report", "x", "d", "--codes", 1], "--codes is 1"),
        (["report", "x", "d", "--lpips", "squeeze"], "--weights and --heads go together"),
        (["dissect", "x", "--out", "d.txt"], "written as .json or .npz"),
        (["dissect", "x", "--q", "2"], "a share between 0 and 1"),
        (["dissect", "x", "--concept", "gren"], "did you mean 'green'?"),
    ],
)
def test_mistakes_are_told_in_one_line(words, expected, command):
    answer = command(*words)
    assert answer.code == 2 and answer.err.count("\n") == 1 and expected in answer.err


def test_factors_are_read_off_a_classifier_of_several_labels():
    from jaxgan.features.classifier import NUMBER, TURN, columns

    class Module:
        sizes = (3, TURN, NUMBER)
        names = columns(["hair", "hue", "x"], sizes)

    kinds = [("hair", 0, 3, "class"), ("hue", 3, 2, "turn"), ("x", 5, 1, "number")]
    assert scorers.labelled(Module) == kinds
