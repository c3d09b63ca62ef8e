"""The demonstration from end to end with a tiny generator: every stage is told, every file is there."""

import json
import re

import jax
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.data.scenes import FACTOR_NAMES
from jaxgan.demo import Plan, tour
from tests.planted import linear, style

PLAN = Plan(scenes=3, steps=3, k=2, pca=50, hessian=2, codes=3, examples=40, judged=20, samples=5, by=(-2.0, 0.0, 2.0))
FILES = {
    "index.html",
    "figures.json",
    "codes.safetensors",
    "pca.safetensors",
    "sefa.safetensors",
    "hessian.safetensors",
}


@pytest.fixture(scope="module")
def g():
    return style(resolution=8, channel_base=64, channel_max=8)


@pytest.fixture(scope="module")
def written(g, tmp_path_factory):
    out = tmp_path_factory.mktemp("demo")
    (out / "mine.txt").write_text("kept")
    (out / "index.html").write_text("an older page")
    page = tour(g, out, model="tiny <model>", plan=PLAN)
    return page


def test_files_of_the_demo_are_there_and_others_stay(written):
    assert {p.name for p in written.parent.iterdir()} == FILES | {"mine.txt"}
    assert (written.parent / "mine.txt").read_text() == "kept"


def test_page_holds_everything_and_needs_nothing_else(written):
    page = written.read_text(encoding="utf-8")
    assert "tiny &lt;model&gt;" in page and "<model>" not in page
    for word in ("Inverted", "Samples", "The judge", "Directions, named", "Edited", "Do the same", "Time"):
        assert f"<h2>{word}" in page
    links = re.findall(r"""(?:src|href|url\()=?["'(]?([^"')> ]+)""", page)
    assert links and all(link.startswith("data:image/webp;base64,") for link in links)
    assert "http" not in re.sub(r"base64,[^\"]+", "", page)
    assert page.count("<img") == 2 * 3 + 1 + 3 * 2 + len(FACTOR_NAMES)
    assert page.count("<svg") == len(FACTOR_NAMES)
    assert "prefers-color-scheme: dark" in page
    assert "nan" not in re.sub(r"base64,[^\"]+", "", page)


def test_figures_agree_with_the_files(written, g, close):
    figures = json.loads((written.parent / "figures.json").read_text())
    assert [row["image"] for row in figures["images"]] == ["scene 1", "scene 2", "scene 3"]
    assert set(figures["judge"]["r2"]) == set(FACTOR_NAMES)
    assert len(figures["directions"]) == 6 and len(figures["edits"]) == len(FACTOR_NAMES)
    for method in ("pca", "sefa", "hessian"):
        names = jg.load(written.parent / f"{method}.safetensors").names
        assert list(names) == [
            f"{d['method']}{d['index']}-{d['name']}" for d in figures["directions"] if d["method"] == method
        ]
    code = jg.load(written.parent / "codes.safetensors")
    scenes = jg.data.Scenes(8, 3, split="heldout")
    originals = jg.data.to_float(np.stack([scenes[i]["image"] for i in range(3)]))
    psnr = jg.metrics.psnr(jg.generate(g, code), jax.numpy.asarray(originals))
    close([row["psnr"] for row in figures["images"]], psnr, 1e-4)


def test_commands_on_the_page_name_files_that_are_there(written):
    page = written.read_text(encoding="utf-8")
    (file,) = set(re.findall(r"--directions (\S+)", page))
    assert len(jg.load(file)) == PLAN.k
    (code,) = re.findall(r"<pre>(import .*?)</pre>", page, re.S)
    compile(
        code.replace("&#x27;", "'").replace("&quot;", '"').replace("&lt;", "<").replace("&gt;", ">"), "page", "exec"
    )


def test_own_pictures_of_any_size_are_used_and_unreadable_ones_named(g, tmp_path):
    from PIL import Image

    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name, size in (("wide.png", (31, 9)), ("one<two.png", (1, 1))):
        Image.new("RGB", size, (200, 30, 90)).save(pictures / name)
    (pictures / "broken.jpg").write_bytes(b"no picture")
    page = tour(g, tmp_path / "out", images=pictures, plan=PLAN).read_text(encoding="utf-8")
    assert "broken.jpg: unreadable" in page and "wide.png" in page and "one&lt;two.png" in page
    figures = json.loads((tmp_path / "out" / "figures.json").read_text())
    assert [row["image"] for row in figures["images"]] == ["one<two.png", "wide.png"] and not figures["kept"]


def test_mistakes_are_told_before_anything_is_written(g, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no image"):
        tour(g, tmp_path / "out", images=tmp_path / "empty", plan=PLAN)
    with pytest.raises(ValueError, match="needs a generator of colour images"):
        tour(linear(jax.numpy.ones((2, 16))), tmp_path / "out", plan=PLAN)
    assert not (tmp_path / "out").exists()
