"""jaxgan invert writes codes, pictures and figures, batch by batch."""

import json

import jax
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.cli import judges
from jaxgan.io.images import to_uint8
from tests.cli.conftest import pixels, tiny


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


def test_the_file_says_whose_the_codes_are_and_how_the_images_were_prepared(command, models, pictures, tmp_path):
    from PIL import Image

    folder = tmp_path / "more"
    folder.mkdir()
    Image.open(pictures / "p0.png").convert("L").resize((20, 12)).save(folder / "wide.png")
    words = [models / "tiny.safetensors", pictures, folder, "--steps", 40, "--how", "w:lr=0.2", "--out", "inv"]
    answer = command("invert", *words)
    assert answer.code == 0, answer.err
    assert (
        "wide.png cropped from 20x12 to its centre, resized from 12 to 8 pixels, converted from L to RGB" in answer.err
    )
    found = jg.io.load_codes(tmp_path / "inv" / "codes.safetensors", jg.load(models / "tiny.safetensors"))
    assert [image["image"] for image in found.images] == ["p0.png", "p1.png", "p2.png", "wide.png"]
    assert found.images[3]["size"] == [20, 12] and found.images[3]["box"] == [4, 0, 16, 12]
    assert found.loss.shape == (40, 4) and np.all(np.isfinite(found.loss))
    assert found.meta["settings"]["how"] == "w:lr=0.2" and found.render == {"psi": None, "noise": "const"}
    figures = json.loads((tmp_path / "inv" / "figures.json").read_text())
    for row in figures["images"]:
        assert row["mahalanobis_p"] > 0 and row["mahalanobis_w"] > 0 and row["drift"] > 0 and row["perceptual"] >= 0


def test_codes_are_drawn_again_and_refused_by_another_generator(inverted, command, models, tmp_path):
    assert inverted().code == 0
    codes = tmp_path / "inv" / "codes.safetensors"
    assert command("generate", models / "tiny.safetensors", "--codes", codes, "--out", "again").code == 0
    for name in ("p0.png", "p1.png", "p2.png"):
        apart = pixels(tmp_path / "again" / name).astype(int) - pixels(tmp_path / "inv" / name)
        assert np.abs(apart).max() <= 1
    jg.save(tiny(5), tmp_path / "other.safetensors")
    answer = command("generate", "other.safetensors", "--codes", codes, "--out", "wrong")
    assert answer.code == 2 and "found with another generator" in answer.err and "--any-generator" in answer.err
    assert command("generate", "other.safetensors", "--codes", codes, "--out", "wrong", "--any-generator").code == 0
    command("discover", models / "tiny.safetensors", "--method", "sefa", "--k", 1, "--out", "d.safetensors")
    words = ["edit", "other.safetensors", "--codes", codes, "--directions", "d.safetensors", "--out", "e"]
    answer = command(*words)
    assert answer.code == 2 and "found with another generator" in answer.err


def test_strict_stops_at_an_unreadable_file_and_at_another_size(inverted, command, models, tmp_path):
    answer = inverted("--strict")
    assert answer.code == 2 and "broken.png: unreadable" in answer.err
    jg.io.save_image(tmp_path / "big.png", np.zeros((16, 16, 3)))
    answer = command("invert", models / "tiny.safetensors", "big.png", "--strict")
    assert answer.code == 2 and "is 16x16 RGB, needed is 8x8 RGB" in answer.err


def test_finished_images_outlive_an_interruption_and_the_same_command_goes_on(inverted, tmp_path, monkeypatch):
    whole = judges.figures

    def interrupted(*args):
        if (tmp_path / "inv" / "figures.json").exists():
            raise KeyboardInterrupt
        return whole(*args)

    monkeypatch.setattr(judges, "figures", interrupted)
    assert inverted().code == 130
    figures = json.loads((tmp_path / "inv" / "figures.json").read_text())
    assert [row["image"] for row in figures["images"]] == ["p0.png", "p1.png"]
    before = jg.load(tmp_path / "inv" / "codes.safetensors")
    assert len(before) == 2
    assert (tmp_path / "inv" / "p1.png").exists() and not (tmp_path / "inv" / "p2.png").exists()
    monkeypatch.setattr(judges, "figures", whole)
    answer = inverted("--seed", 1)
    assert answer.code == 2 and "with seed 0 instead of 1" in answer.err
    answer = inverted()
    assert answer.code == 0 and "2 of 3 images are finished" in answer.err
    after = jg.io.load_codes(tmp_path / "inv" / "codes.safetensors")
    assert [image["image"] for image in after.images] == ["p0.png", "p1.png", "p2.png"]
    np.testing.assert_array_equal(after.code.value[:2], before.value)
    assert after.loss.shape == (40, 3)
    assert inverted().out.startswith("3 images")


def test_a_loss_that_is_no_number_leaves_the_best_code(inverted, tmp_path):
    answer = inverted("--how", "w:lr=1e30", "--consistency")
    assert answer.code == 0, answer.err
    assert "p0.png: the loss was not a number in" in answer.err
    assert np.all(np.isfinite(jg.load(tmp_path / "inv" / "codes.safetensors").value))
    row = json.loads((tmp_path / "inv" / "figures.json").read_text())["images"][0]
    assert np.isfinite(row["mse"]) and row["consistency"] >= 0


def test_an_inverter_that_is_not_there_is_answered_with_the_nearest(command, models, pictures):
    words = ["invert", models / "tiny.safetensors", pictures / "p0.png", "--out", "no"]
    for word, said in (
        ("ptj", "did you mean 'pti'"),
        ("pti:stepps=3", "did you mean 'steps'"),
        ("pti:3", "write settings as"),
        ("encode", "needs --encoder FILE"),
    ):
        answer = command(*words, "--how", word)
        assert answer.code == 2 and said in answer.err


@pytest.mark.slow
def test_a_generator_for_each_image_is_written_with_its_code(command, models, pictures, tmp_path):
    words = ["invert", models / "tiny.safetensors", pictures / "p0.png", pictures / "p1.png"]
    answer = command(*words, "--how", "pti:tune_steps=3", "--steps", 4)
    assert answer.code == 0, answer.err
    for name in ("p0", "p1"):
        g = jg.load(tmp_path / "inverted" / f"{name}.generator.safetensors")
        code = jg.io.load_codes(tmp_path / "inverted" / f"{name}.codes.safetensors", g).code
        drawn = to_uint8(jg.generate(g, code)[0])
        assert np.abs(pixels(tmp_path / "inverted" / f"{name}.png").astype(int) - drawn).max() <= 1


@pytest.mark.slow
def test_tuning_writes_the_generator_that_draws_the_result(inverted, tmp_path):
    answer = inverted("--tune", "5")
    assert answer.code == 0, answer.err
    tuned, code = jg.load(tmp_path / "inv" / "generator.safetensors"), jg.load(tmp_path / "inv" / "codes.safetensors")
    drawn = to_uint8(jg.generate(tuned, code)[0])
    assert np.abs(pixels(tmp_path / "inv" / "p0.png").astype(int) - drawn).max() <= 1
