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


GROWING = Path(__file__).resolve().parents[2] / "configs" / "alae_scenes32.py"
PLAIN = GROWING.with_name("gan_mnist.py")


def test_options_of_another_family_are_its_own(command, asked):
    assert command("train", GROWING, "--model.gamma", "3", "--model.growth.first", "8", "--batch", "16").code == 0
    model = asked["recipe"].model
    assert type(model).__name__ == "ALAE" and (model.gamma, model.growth.first, model.w_dim) == (3.0, 8, 64)
    assert command("train", PLAIN, "--model.hidden", "5", "6", "--model.output=sigmoid").code == 0
    assert asked["recipe"].model.hidden == (5, 6) and asked["recipe"].model.output == "sigmoid"
    assert command("train", PLAIN, "--smoke", "--diffaugment", "color,cutout").code == 0
    assert asked["recipe"].model.resolution == 16 and asked["recipe"].diffaugment == "color,cutout"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--model.architecture", "skip"], "there is no option --model.architecture"),
        (["--model.loss", "hinged"], "--model.loss takes one of"),
        (["--diffaugment", "colour"], "no augmentation 'colour'"),
        (["--diffaugment", "color", "--ada.target", "0.6"], "a run has one augmentation"),
    ],
)
def test_wrong_field_of_another_family_is_one_line(command, asked, words, expected):
    answer = command("train", PLAIN, *words)
    assert answer.code == 2 and expected in answer.err and answer.err.count("\n") == 1
    assert not asked


def test_help_lists_the_fields_of_the_configs_own_family(command):
    answer = command("train", GROWING, "--help")
    assert answer.code == 0 and "--model.growth.first INT" in answer.out and "--model.reciprocity" in answer.out
    assert "--model.architecture" not in answer.out
