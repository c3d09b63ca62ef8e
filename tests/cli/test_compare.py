"""jaxgan compare writes a page and figures of several inverters."""

import json

import numpy as np


def test_the_page_and_its_figures_hold_every_inverter(command, models, pictures, tmp_path):
    words = ["compare", models / "tiny.safetensors", pictures, "--steps", 12, "--out", "c", "--how"]
    answer = command(*words, "w", "w+", "prior=w+:prior=0.5,steps=6")
    assert answer.code == 0, answer.err
    assert "broken.png: unreadable" in answer.err and "The page is file://" in answer.out
    said = json.loads((tmp_path / "c" / "figures.json").read_text())
    assert list(said["inverters"]) == ["w", "w+", "prior"] and said["images"] == ["p0.png", "p1.png", "p2.png"]
    for found in said["inverters"].values():
        each = found["each"]
        for name in ("loss", "perceptual", "psnr", "mahalanobis_p", "mahalanobis_w", "rows_apart", "drift"):
            assert len(each[name]) == 3 and np.all(np.isfinite(each[name]))
            assert abs(found["mean"][name] - np.mean(each[name])) < 1e-4
        assert np.isfinite(found["mean"]["kernel"])
    assert said["inverters"]["w"]["mean"]["rows_apart"] == 0 < said["inverters"]["w+"]["mean"]["rows_apart"]
    page = (tmp_path / "c" / "index.html").read_text()
    assert page.count("<img ") == 2 * 3 * 4 and "prior" in page
    again = command(*words, "w")
    assert again.code == 2 and "--overwrite" in again.err


def test_a_mistake_in_any_inverter_is_told_before_one_runs(command, models, pictures, tmp_path):
    answer = command("compare", models / "tiny.safetensors", pictures, "--how", "w", "ptj")
    assert answer.code == 2 and "did you mean 'pti'" in answer.err and not (tmp_path / "compared").exists()
    answer = command("compare", models / "tiny.safetensors", "--how", "w")
    assert answer.code == 2 and "IMAGE is missing" in answer.err
