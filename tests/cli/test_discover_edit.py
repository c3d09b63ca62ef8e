"""jaxgan discover and edit: what is found moves what is drawn."""

import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.io.images import to_uint8
from jaxgan.latents.walks import seeded
from tests.cli.conftest import pixels
from tests.tolerances import OP


@pytest.fixture
def found(command, models, tmp_path):
    words = ["--k", 3, "--samples", 500, "--by", "-2:2:3", "--out", tmp_path / "pca.safetensors"]
    answer = command("discover", models / "tiny.safetensors", *words)
    assert answer.code == 0, answer.err
    return tmp_path / "pca.safetensors"


def test_directions_are_those_of_the_python_call(found, models):
    import jax

    g, directions = jg.load(models / "tiny.safetensors"), jg.load(found)
    same = jg.discover(g, jg.directions.pca(samples=500), jax.random.key(0), 3)
    np.testing.assert_allclose(directions.vectors, same.vectors, atol=OP)
    assert directions.names == ("pca0", "pca1", "pca2")


def test_picture_has_a_row_for_each_direction(found):
    assert pixels(found.with_suffix(".png")).shape == (3 * 8, 3 * 8, 3)


@pytest.mark.parametrize(
    ("method", "more"),
    [
        ("sefa", ["--layers", "0-1"]),
        ("jacobian", ["--samples", 2, "--space", "z", "--tap", "b4"]),
        ("resefa", ["--samples", 2, "--tap", "b4", "--box", "0,0,1,0.5"]),
        ("local", []),
    ],
)
def test_methods_take_their_options(command, models, tmp_path, method, more):
    answer = command("discover", models / "tiny.safetensors", "--method", method, "--k", 2, "--by", "0,1", *more)
    assert answer.code == 0, answer.err
    assert len(jg.load(tmp_path / f"{method}.safetensors")) == 2


@pytest.mark.parametrize(("method", "finder"), [("hessian", "hessian"), ("latentclr", "latentclr")])
def test_learned_finders_are_told_their_steps(command, models, monkeypatch, method, finder):
    seen = {}
    monkeypatch.setattr(jg.directions, finder, lambda **told: seen.update(told) or jg.directions.sefa(samples=10))
    words = ["--method", method, "--steps", 7, "--tap", "b4", "--k", 1, "--by", "0,1"]
    assert command("discover", models / "tiny.safetensors", *words).code == 0
    assert seen == {"steps": 7, "tap": "b4"}


def test_strip_has_a_row_for_each_code_and_a_column_for_each_strength(command, found, models, tmp_path):
    words = [
        "--seeds",
        "4,9",
        "--directions",
        found,
        "--name",
        "pca1",
        "--by",
        "-1,0,2",
        "--layers",
        "1-2",
        "--separate",
    ]
    answer = command("edit", models / "tiny.safetensors", *words)
    assert answer.code == 0, answer.err
    g, direction = jg.load(models / "tiny.safetensors"), jg.load(found)["pca1"]
    code = seeded(g, [4, 9])
    strip = pixels(tmp_path / "edited" / "strip.png").astype(int)
    kept = jg.load(tmp_path / "edited" / "codes.safetensors")
    for column, by in enumerate((-1.0, 0.0, 2.0)):
        moved = jg.edit(g, code, jg.editing.move(direction, by, layers=(1, 2)))
        images = to_uint8(jg.generate(g, moved)).astype(int)
        for row in range(2):
            cell = strip[8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
            assert np.abs(cell - images[row]).max() <= 1
            assert jnp.abs(kept.value[3 * row + column] - moved.value[row]).max() < 10 * OP
    assert (tmp_path / "edited" / "code001_by+2.png").exists()


def test_unknown_direction_is_answered_with_the_nearest(command, found, models):
    answer = command("edit", models / "tiny.safetensors", "--seeds", 0, "--directions", found, "--name", "pac1")
    assert answer.code == 2 and "did you mean 'pca1'" in answer.err


def test_directions_of_another_generator_are_told(command, found, models):
    answer = command("edit", models / "cond.safetensors", "--seeds", 0, "--directions", found, "--by", "1")
    assert answer.code == 0 and "another generator" in answer.err


def test_a_model_is_no_file_of_directions(command, models):
    model = models / "tiny.safetensors"
    answer = command("edit", model, "--seeds", 0, "--directions", model)
    assert answer.code == 2 and "holds a Generator, needed are directions" in answer.err


def test_codes_of_photographs_that_leave_the_population_are_told(command, found, models, tmp_path):
    model, code = models / "tiny.safetensors", tmp_path / "inverted.safetensors"
    g = jg.load(model)
    jg.io.save_codes(g.to(seeded(g, [3]), "w+"), code, g)
    far = command("edit", model, "--codes", code, "--directions", found, "--by", "0,40", "--out", tmp_path / "far")
    assert far.code == 0 and "1 of 2 edited codes lie outside the population" in far.err
    near = command("edit", model, "--codes", code, "--directions", found, "--by", "0,0.1", "--out", tmp_path / "near")
    assert near.code == 0 and "population" not in near.err
