"""jaxgan restore reads damaged pictures as they are, or damages good ones first and compares."""

import json

import numpy as np
import pytest

import jaxgan as jg
from tests.cli.conftest import pixels


def test_a_hole_is_filled_and_what_was_seen_can_be_put_back(command, models, pictures, tmp_path):
    words = [models / "tiny.safetensors", pictures, "--task", "inpaint", "--steps", 30, "--batch", 2, "--prior", 0]
    mask = np.full((8, 8, 1), 1.0)
    mask[2:5, 2:6] = -1
    jg.io.save_image(tmp_path / "mask.png", mask)
    answer = command("restore", *words, "--mask", tmp_path / "mask.png", "--degrade", "--paste", "--out", "r")
    assert answer.code == 0, answer.err
    assert "broken.png: unreadable" in answer.err
    figures = json.loads((tmp_path / "r" / "figures.json").read_text())
    assert figures["task"] == "inpaint" and len(figures["left_out"]) == 1
    for row in figures["images"]:
        truth, made = pixels(pictures / row["image"]).astype(int), pixels(tmp_path / "r" / row["file"]).astype(int)
        seen = mask[..., 0] > 0
        assert np.abs(made - truth)[seen].max() <= 1 and np.abs(made - truth)[~seen].max() > 1
        assert row["seen_mse"] < 1e-8 and row["psnr"] > row["psnr_before"]
        error = np.square((made - truth) / 127.5).mean()
        assert row["psnr"] == pytest.approx(10 * np.log10(4 / error), abs=0.2)
    sheet = pixels(tmp_path / "r" / "side_by_side.png")
    assert sheet.shape == (3 * 8, 3 * 8, 3)
    np.testing.assert_array_equal(sheet[16:24, :8], pixels(pictures / "p0.png"))
    again = command("restore", *words, "--mask", "2,2,3,4", "--out", "r")
    assert again.code == 2 and "exists already" in again.err


def test_a_small_picture_is_read_at_its_size_and_enlarged_by_many_codes(command, models, tmp_path):
    small = np.linspace(-0.5, 0.5, 4 * 4 * 3).reshape(4, 4, 3)
    jg.io.save_image(tmp_path / "small.png", small)
    words = ["--task", "superres", "--factor", 2, "--codes", 2, "--steps", 8, "--paste", "--out", "r"]
    answer = command("restore", models / "tiny.safetensors", tmp_path / "small.png", *words)
    assert answer.code == 0, answer.err
    made = pixels(tmp_path / "r" / "small.png").astype(float)
    assert made.shape == (8, 8, 3)
    reduced = made.reshape(4, 2, 4, 2, 3).mean((1, 3))
    assert np.abs(reduced - pixels(tmp_path / "small.png")).max() <= 1
    (row,) = json.loads((tmp_path / "r" / "figures.json").read_text())["images"]
    assert set(row) == {"image", "file", "seen_mse", "seconds"}


@pytest.mark.parametrize(
    "words,said",
    [
        ("--task inpaint", "needs --mask"),
        ("--task denoise --mask 1,1,2,2", "has no use for --mask"),
        ("--task inpaint --mask 1,1,2", "TOP,LEFT,HEIGHT,WIDTH"),
        ("--task inpaint --mask 1,1,9,2", "does not lie within 8x8"),
        ("--task inpaint --mask p0.png", "no such file"),
        ("--task superres --factor 3", "does not divide"),
        ("--task superres --factor 1", "at least 2"),
        ("--task denoise --paste", "noise back"),
        ("--task colorize --tap b4", "--codes"),
        ("--task colorize --codes 2 --prior 1", "--codes"),
        ("--task colorize --codes 2 --tap b7", "no tap"),
        ("--task colorize --lpips vgg", "go together"),
        ("--task colourise", "colorize"),
    ],
)
def test_what_cannot_be_meant_is_said_in_one_line(command, models, pictures, words, said):
    answer = command("restore", models / "tiny.safetensors", pictures, *words.split())
    assert answer.code == 2 and said.lower() in answer.err.lower()
    assert sum(line.startswith("jaxgan: error") for line in answer.err.splitlines()) == 1
