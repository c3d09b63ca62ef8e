"""jaxgan combine: the pictures are those of the Python calls, and what cannot be combined is said."""

import jax
import numpy as np
import pytest

import jaxgan as jg
from jaxgan import editing as e
from jaxgan.io.images import to_uint8
from jaxgan.latents.walks import seeded
from tests.cli.conftest import pixels


@pytest.fixture(scope="module")
def g(models):
    return jg.load(models / "tiny.safetensors")


def shows(path, images):
    """Whether a picture of one row shows the images."""
    row = np.concatenate(list(to_uint8(np.asarray(images))), axis=1).astype(int)
    return np.abs(pixels(path).astype(int) - row).max() <= 1


def test_morph_has_a_row_for_each_pair_and_keeps_its_codes(command, models, g, tmp_path):
    words = ["3,4,5", "--by", "0,0.5,1", "--video", "film.gif", "--frames", 2]
    answer = command("combine", "morph", models / "tiny.safetensors", *words)
    assert answer.code == 0, answer.err
    strip, kept = pixels(tmp_path / "combined" / "morph.png"), jg.load(tmp_path / "combined" / "codes.safetensors")
    assert strip.shape == (2 * 8, 3 * 8, 3) and kept.value.shape == (6, 4, 16)
    ends = g.to(seeded(g, [3, 4, 5]), "w+").value
    for row, (a, b) in enumerate(((0, 1), (1, 2))):
        np.testing.assert_allclose(kept.value[3 * row], ends[a], atol=1e-5)
        np.testing.assert_allclose(kept.value[3 * row + 1], (ends[a] + ends[b]) / 2, atol=1e-5)
        np.testing.assert_allclose(kept.value[3 * row + 2], ends[b], atol=1e-5)
    assert (tmp_path / "film.gif").exists()
    again = command("combine", "morph", models / "tiny.safetensors", "3,4")
    assert again.code == 2 and "exists already" in again.err


def test_codes_of_a_file_are_chosen_by_number_and_stand_beside_seeds(command, models, g, tmp_path):
    code = g.to(seeded(g, [0, 1, 2]), "w")
    jg.save(jax.tree.map(np.asarray, code), tmp_path / "codes.safetensors")
    words = ["codes.safetensors#2", 7, "--box", "0,0,1,0.5"]
    answer = command("combine", "blend", models / "tiny.safetensors", *words)
    assert answer.code == 0, answer.err
    a, b = code[2], seeded(g, [7])
    blended = e.blend(e.box(8, 0, 0, 1, 0.5))(g, a, b)
    assert shows(tmp_path / "combined" / "blend.png", np.concatenate([g(a), g(b), blended]))
    assert not (tmp_path / "combined" / "codes.safetensors").exists()


@pytest.mark.slow
def test_pictures_are_inverted_and_crossed_over(command, models, pictures, tmp_path):
    words = [pictures / "p0.png", pictures / "p1.png", "--box", "0,0,1,0.5", "--steps", 2]
    answer = command("combine", "crossover", models / "tiny.safetensors", *words)
    assert answer.code == 0, answer.err
    assert "inverting 2 pictures" in answer.err
    assert pixels(tmp_path / "combined" / "crossover.png").shape == (8, 24, 3)
    assert len(jg.load(tmp_path / "combined" / "codes.safetensors")) == 1


@pytest.mark.parametrize(
    ("words", "shape"),
    [
        (["style", "1", "2", "--layers", "2-3"], (8, 24, 3)),
        (["expression", "1", "2", "3", "--by", "0,1"], (8, 32, 3)),
        (["widen", "1,2", "--at", "4"], (16, 16, 3)),
        (["shift", "1,2", "--right", "0.5", "--at", "4"], (16, 16, 3)),
        (["panorama", "0-2", "--smooth", "0.7", "--psi", "0.8"], (8, 24, 3)),
        (["attribute", "1", "2", "--box", "0,0,0.5,1", "--soft", "0.5", "--until", "4", "--share", "0"], (8, 24, 3)),
    ],
)
def test_every_task_makes_its_picture(command, models, tmp_path, words, shape):
    task, *rest = words
    answer = command("combine", task, models / "tiny.safetensors", *rest)
    assert answer.code == 0, answer.err
    assert pixels(tmp_path / "combined" / f"{task}.png").shape == shape


def test_swapped_layers_draw_between_two_generators(command, models, tmp_path):
    from tests.cli.conftest import tiny

    jg.save(tiny(5), tmp_path / "other.safetensors")
    swap = ["combine", "swap", models / "tiny.safetensors", "1,2", "--other", "other.safetensors"]
    answer = command(*swap, "--layers", "b8", "--out", "layers")
    assert answer.code == 0, answer.err
    rows = pixels(tmp_path / "layers" / "swap.png")
    g, other = jg.load(models / "tiny.safetensors"), tiny(5)
    code = g.to(seeded(g, [1, 2]), "s")
    assert rows.shape == (24, 16, 3)
    own, mixed, theirs = (
        np.concatenate(list(to_uint8(np.asarray(x(code)))), 1) for x in (g, e.swap(g, other, ["b8"]), other)
    )
    assert np.abs(rows.astype(int) - np.concatenate([own, mixed, theirs])).max() <= 1
    answer = command(*swap, "--by", "0,1")
    assert answer.code == 0, answer.err
    ends = pixels(tmp_path / "combined" / "swap.png").astype(int)
    assert np.abs(ends - np.concatenate([own, theirs])).max() <= 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["morf", "tiny", "1", "2"], "there is no task 'morf'; did you mean 'morph'?"),
        (["morph", "tiny"], "morph takes codes"),
        (["morph", "tiny", "1", "--box", "0,0,1,1"], "--box is not for morph; it is for crossover"),
        (["attribute", "tiny", "1", "2"], "attribute needs --box"),
        (["swap", "tiny", "1", "--other", "x"], "either --layers or --by"),
        (["morph", "tiny", "1"], "morph takes at least 2 codes, got 1"),
        (["blend", "tiny", "1,2,3"], "blend takes 2 codes, got 3"),
        (["blend", "tiny", "1,2", "--box", "a"], "--box is 'a'; write top,left,bottom,right"),
        (["blend", "tiny", "1,2", "--until", "2"], "--until is 2; stylegan2 begins at 4"),
        (["widen", "tiny", "1", "--width", "1.1"], "does not grow"),
        (["widen", "tiny", "nothing.png"], "there is no such file"),
    ],
)
def test_mistakes_are_answered_in_one_line(command, models, words, said):
    words = [str(models / "tiny.safetensors") if word == "tiny" else word for word in words]
    answer = command("combine", *words)
    assert answer.code == 2 and said in answer.err and answer.err.count("\n") == 1
