"""jaxgan invert writes codes, pictures and figures, batch by batch."""

import json

import jax
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.cli import invert
from jaxgan.io.images import to_uint8
from tests.cli.conftest import pixels


@pytest.fixture
def inverted(command, models, pictures):
    words = [models / "tiny.safetensors", pictures, "--steps", 40, "--space", "w", "--batch", 2, "--out", "inv"]
    return lambda *more: command("invert", *words, *more)


def test_results_belong_together(inverted, models, pictures, tmp_path):
    answer = inverted()
    assert answer.code == 0, answer.err
    assert "broken.png: unreadable" in answer.err
    figures = json.loads((tmp_path / "inv" / "figures.json").read_text())
    assert [row["image"] for row in figures["images"]] == ["p0.png", "p1.png", "p2.png"]
    assert len(figures["left_out"]) == 1
    code = jg.load(tmp_path / "inv" / "codes.safetensors")
    assert code.space == "w" and len(code) == 3
    g = jg.load(models / "tiny.safetensors")
    drawn = np.asarray(jg.generate(g, code))
    for i, row in enumerate(figures["images"]):
        kept = pixels(tmp_path / "inv" / row["file"])
        assert np.abs(kept.astype(int) - to_uint8(drawn[i])).max() <= 1
        target = pixels(pictures / row["image"]).astype(np.float32) / 127.5 - 1
        assert row["mse"] == pytest.approx(float(np.square(drawn[i] - target).mean()), rel=0.05, abs=1e-3)
        assert row["seconds"] >= 0 and row["psnr"] > 0 and -1 <= row["ssim"] <= 1
    assert pixels(tmp_path / "inv" / "side_by_side.png").shape == (2 * 8, 3 * 8, 3)
    mean = np.asarray(g(g.sample(jax.random.key(0), 1), psi=0.0))[0]
    errors = [np.square(mean - pixels(pictures / f"p{i}.png") / 127.5 + 1).mean() for i in range(3)]
    assert sum(row["mse"] for row in figures["images"]) < 0.3 * sum(errors)


def test_strict_stops_at_an_unreadable_file(inverted):
    answer = inverted("--strict")
    assert answer.code == 2 and "broken.png: unreadable" in answer.err


def test_finished_images_outlive_an_interruption(inverted, tmp_path, monkeypatch):
    whole = invert.errors

    def interrupted(drawn, images, judge):
        if (tmp_path / "inv" / "figures.json").exists():
            raise KeyboardInterrupt
        return whole(drawn, images, judge)

    monkeypatch.setattr(invert, "errors", interrupted)
    assert inverted().code == 130
    figures = json.loads((tmp_path / "inv" / "figures.json").read_text())
    assert [row["image"] for row in figures["images"]] == ["p0.png", "p1.png"]
    assert len(jg.load(tmp_path / "inv" / "codes.safetensors")) == 2
    assert (tmp_path / "inv" / "p1.png").exists() and not (tmp_path / "inv" / "p2.png").exists()


def test_tuning_writes_the_generator_that_draws_the_result(inverted, tmp_path):
    answer = inverted("--tune", "5")
    assert answer.code == 0, answer.err
    tuned, code = jg.load(tmp_path / "inv" / "generator.safetensors"), jg.load(tmp_path / "inv" / "codes.safetensors")
    drawn = to_uint8(jg.generate(tuned, code)[0])
    assert np.abs(pixels(tmp_path / "inv" / "p0.png").astype(int) - drawn).max() <= 1
