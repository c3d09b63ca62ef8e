"""`jaxgan demo` hands its words to the tour, and answers mistakes in one line."""

import pytest

from jaxgan import demo
from jaxgan.demo import Plan


def test_words_reach_the_tour(command, models, monkeypatch):
    asked = {}

    def tour(g, out, **rest):
        asked.update(rest, out=out, resolution=g.resolution)
        with rest["stage"]("Look") as note:
            note("3 pictures")
        return out / "index.html"

    monkeypatch.setattr(demo, "tour", tour)
    answer = command("demo", "--model", models / "tiny.safetensors", "--steps", 7, "--k", 2, "--out", "there")
    assert answer.code == 0, answer.err
    assert "Look" in answer.out and "3 pictures" in answer.out
    assert answer.out.splitlines()[-1].startswith("The page is file://")
    assert answer.out.splitlines()[-1].endswith("/there/index.html")
    assert asked["plan"] == Plan(steps=7, k=2) and asked["images"] is None and asked["resolution"] == 8


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--images", "nowhere"), "there is no such folder"),
        (("--images", "empty"), "no image"),
        (("--steps", "0"), "at least 1"),
        (("--out", "file"), "is a file"),
        (("--image", "x"), "did you mean '--images'"),
    ],
)
def test_mistakes_are_answered_in_one_line(command, models, tmp_path, words, said):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    answer = command("demo", "--model", models / "tiny.safetensors", *words)
    assert answer.code == 2 and said in answer.err and len(answer.err.splitlines()) == 1
    assert not (tmp_path / "demo").exists()
