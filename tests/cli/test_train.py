"""jaxgan train: the config's recipe, changed by options, run in a folder."""

import json
from pathlib import Path

import pytest

import jaxgan as jg
from jaxgan.cli import train

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "stylegan2_scenes64.py"


@pytest.fixture
def asked(monkeypatch):
    """What the command asks of `jg.train`, without training."""
    seen = {}

    class Outcome:
        finished, folder = True, "x"

    def pretend(recipe, folder, **more):
        seen.update(recipe=recipe, folder=Path(folder), **more)
        return Outcome

    from jaxgan import api

    monkeypatch.setattr(api, "train", pretend)
    return seen


def test_options_change_the_recipe_and_the_run(command, asked):
    words = ["--batch", "32", "--adam.lr", "1e-3", "--data", "scenes:32", "--folder", "runs/x", "--resume", "w.pkl"]
    answer = command("train", CONFIG, *words, "--model.r1.gamma=0.5", "--devices", "2")
    assert answer.code == 0, answer.err
    recipe = asked["recipe"]
    assert (recipe.batch, recipe.adam.lr, recipe.data, recipe.model.r1.gamma) == (32, 1e-3, "scenes:32", 0.5)
    assert recipe.ada is None  # --adam.lr is no word about augmentation
    assert recipe.model.w_dim == jg.training.load_recipe(CONFIG).model.w_dim
    assert asked["folder"] == Path("runs/x") and asked["resume"] == Path("w.pkl") and len(asked["devices"]) == 2


def test_without_options_the_config_stands_and_names_the_folder(command, asked):
    assert command("train", CONFIG).code == 0
    assert asked["recipe"] == jg.training.load_recipe(CONFIG)
    assert asked["folder"] == Path("runs/stylegan2_scenes64") and asked["devices"] is None


def test_a_word_about_augmentation_turns_it_on(command, asked):
    assert command("train", CONFIG, "--ada.target", "0.5").code == 0
    assert asked["recipe"].ada.target == 0.5
    assert command("train", CONFIG, "--ada").code == 0
    assert asked["recipe"].ada is not None
    assert command("train", CONFIG, "--no-ada").code == 0
    assert asked["recipe"].ada is None


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--adam.lrr", "1"], "did you mean '--adam.lr'"),
        (["--lr", "1"], "did you mean '--adam.lr'"),
        (["--foldr", "x"], "did you mean '--folder'"),
        (["--batch", "many"], "--batch takes a whole number, got 'many'"),
        (["--batch", "0"], "batch is 0, it must be greater than 0"),
        (["--model.architecture", "new"], "--model.architecture takes one of resnet, skip, orig, got 'new'"),
        (["--devices", "99"], "--devices is 99, there are"),
    ],
)
def test_wrong_field_is_one_line(command, asked, words, expected):
    answer = command("train", CONFIG, *words)
    assert answer.code == 2 and expected in answer.err and answer.err.count("\n") == 1
    assert not asked


def test_help_of_a_config_lists_its_fields_with_their_values(command):
    answer = command("train", CONFIG, "--help")
    assert answer.code == 0 and "--adam.lr FLOAT" in answer.out and "--model.resolution INT" in answer.out


def test_a_run_is_its_own_config(command, asked, tmp_path):
    recipe = jg.training.load_recipe(CONFIG)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "recipe.json").write_text(json.dumps(jg.training.to_json(recipe)))
    assert command("train", tmp_path / "run", "--kimg", "2000").code == 0
    assert asked["folder"] == tmp_path / "run" and asked["recipe"].kimg == 2000


def test_own_words_are_parted_from_fields():
    own, rest = train.split(["c.py", "--smoke", "--batch", "3", "--folder=x", "--adam.lr=1"])
    assert own == ["c.py", "--smoke", "--folder=x"] and rest == ["--batch", "3", "--adam.lr=1"]
