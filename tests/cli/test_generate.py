"""jaxgan generate draws what the Python call draws."""

import jax
import numpy as np
import pytest
from PIL import Image

import jaxgan as jg
from jaxgan.io.images import to_uint8
from jaxgan.latents.walks import seeded
from tests.cli.conftest import pixels


def test_each_seed_gets_the_image_of_its_code(command, models, tmp_path):
    answer = command("generate", models / "tiny.safetensors", "--seeds", "3,5-6", "--psi", "0.7", "--batch", "2")
    assert answer.code == 0, answer.err
    g = jg.load(models / "tiny.safetensors")
    for seed in (3, 5, 6):
        expected = to_uint8(jg.generate(g, g.sample(jax.random.key(seed), 1), psi=0.7)[0])
        got = pixels(tmp_path / "generated" / f"seed{seed:04d}.png")
        assert np.abs(got.astype(int) - expected).max() <= 1  # a batch of two rounds otherwise than one


def test_grid_is_one_picture_and_class_is_that_of_all(command, models, tmp_path):
    answer = command("generate", models / "cond.safetensors", "--seeds", "0-4", "--class", "2", "--grid")
    assert answer.code == 0, answer.err
    g = jg.load(models / "cond.safetensors")
    images = jg.generate(g, seeded(g, range(5), np.eye(3)[2]))
    expected = to_uint8(jg.io.grid(images))
    assert np.abs(pixels(tmp_path / "generated" / "grid.png").astype(int) - expected).max() <= 1


def test_film_walks_from_seed_to_seed_and_back(command, models, tmp_path):
    answer = command("generate", models / "tiny.safetensors", "--seeds", "1-3", "--frames", "2", "--video", "walk.webp")
    assert answer.code == 0, answer.err
    with Image.open(tmp_path / "walk.webp") as film:
        assert film.n_frames == 6


def test_existing_pictures_are_kept_unless_told(command, models, tmp_path):
    words = ["generate", models / "tiny.safetensors", "--seeds", "0", "--out", tmp_path / "o"]
    assert command(*words).code == 0
    again = command(*words)
    assert again.code == 2 and "exists already" in again.err
    assert command(*words, "--overwrite").code == 0


@pytest.mark.parametrize(
    ("model", "number", "expected"),
    [("tiny", 0, "has no classes"), ("cond", 3, "--class is 3, this generator has 0 to 2")],
)
def test_impossible_class_is_refused(command, models, model, number, expected):
    answer = command("generate", models / f"{model}.safetensors", "--class", number)
    assert answer.code == 2 and expected in answer.err
