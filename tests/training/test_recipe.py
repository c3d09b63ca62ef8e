import dataclasses
import json
from operator import attrgetter
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import tyro

from jaxgan.models import FAMILIES
from jaxgan.models.stylegan2 import PRESETS, auto
from jaxgan.training.ada import Ada
from jaxgan.training.classifier import Classifier
from jaxgan.training.recipe import (
    FREE,
    Model,
    Recipe,
    differences,
    from_json,
    load_recipe,
    published,
    smoke,
    to_json,
)
from jaxgan.training.settings import R1, Adam
from jaxgan.training.stylegan2 import StyleGAN2

ROOT = Path(__file__).resolve().parents[2]
FULL = Recipe(
    data="scenes:32",
    model=StyleGAN2(resolution=32, d_channel_base=512, architecture="orig", r1=R1(gamma=0.3)),
    batch=8,
    kimg=12.5,
    adam=Adam(lr=1e-3),
    ada=Ada(pipe="bg", target=None, initial=0.2),
    mirror=True,
)


@pytest.mark.parametrize("recipe", [FULL, Recipe("photos.zip")], ids=["full", "plain"])
def test_json_gives_the_recipe_back(recipe):
    again = from_json(json.loads(json.dumps(to_json(recipe))))
    assert again == recipe and hash(again) == hash(recipe)


MODELS = get_args(Model)


@pytest.mark.parametrize("kind", MODELS, ids=lambda kind: kind.__name__)
def test_a_recipe_of_any_family_survives_json_shrinks_and_makes_its_game(kind):
    recipe = Recipe("scenes", kind())
    said = json.loads(json.dumps(to_json(recipe)))
    assert said["model"]["kind"] == kind.__name__ and from_json(said) == recipe
    small = smoke(recipe)
    assert type(small.model) is kind and from_json(to_json(small)) == small
    if kind is Classifier:
        with pytest.raises(ValueError, match="learns from labels"):
            small.trainer()
        return
    if getattr(recipe.model, "frozen", None):  # a game about a generator that stays as it is
        assert small.model.resolution == recipe.model.resolution
        with pytest.raises(ValueError, match=r"This game needs.* G"):
            small.trainer()
        return
    assert small.model.resolution == 16
    assert small.trainer().parts["G"].arch.resolution == 16


@pytest.mark.parametrize("kind", MODELS, ids=lambda kind: kind.__name__)
def test_tyro_reads_the_fields_of_the_family_that_a_recipe_has(kind):
    recipe = Recipe("scenes", kind())
    words = ["--model.resolution", "128", "--model.channels", "1", "--adam.lr", "1e-2", "--batch", "16"]
    changed = tyro.cli(Recipe, default=recipe, args=words, config=(tyro.conf.AvoidSubcommands,))
    assert type(changed.model) is kind
    changes = {"model.resolution": 128, "model.channels": 1, "adam.lr": 1e-2, "batch": 16}
    expected = {name for name, value in changes.items() if value != attrgetter(name)(recipe)}
    assert differences(recipe, changed).keys() == expected


def test_every_family_has_one_game_and_every_game_says_what_it_has():
    assert len({kind.__name__ for kind in MODELS}) == len(MODELS)
    # The others play about a generator, or about none.
    families = [kind for kind in MODELS if not hasattr(kind, "frozen") and kind is not Classifier]
    assert len(families) == len(FAMILIES)
    for kind in MODELS:
        assert {f.name for f in dataclasses.fields(kind)} >= {"resolution", "channels"}
        assert all(f.name in (kind.__doc__ or "") for f in dataclasses.fields(kind))


def test_a_family_that_is_none_is_answered_with_those_that_are():
    with pytest.raises(ValueError, match=r"^recipe\.model is a 'StyleGAN4', allowed are StyleGAN2, GAN, "):
        from_json({"data": "scenes", "model": {"kind": "StyleGAN4"}})


def test_fields_that_an_older_file_lacks_get_their_defaults():
    assert from_json({"data": "scenes", "batch": 4}) == Recipe("scenes", batch=4)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"bach": 3}, r"^recipe has no field 'bach'\. Did you mean 'batch'\?$"),
        ({"batch": "3"}, r"^recipe\.batch is '3', needed is int\.$"),
        ({"batch": True}, r"^recipe\.batch is True, needed is int\.$"),
        ({"batch": 0}, r"^batch is 0, it must be greater than 0\.$"),
        ({"adam": {"kind": "Sgd"}}, r"^recipe\.adam is a 'Sgd', needed is Adam\.$"),
        ({"adam": {"lr": "x"}}, r"^recipe\.adam\.lr is 'x', needed is float\.$"),
        (
            {"model": {"kind": "StyleGAN2", "architecture": "dense"}},
            r"^recipe\.model\.architecture is 'dense', allowed are 'resnet'",
        ),
        ({"ada": 5}, r"^recipe\.ada is 5"),
        ({"model": 5}, r"^recipe\.model is 5, which is none of StyleGAN2, GAN, "),
        ({"model": {"resolution": 64}}, r"^recipe\.model does not say its kind, allowed are StyleGAN2, GAN, "),
        ({"model": {"kind": "StyleGAN2", "conv_clamp": "no"}}, r"^recipe\.model\.conv_clamp is 'no'"),
    ],
)
def test_a_wrong_file_is_told_in_one_line(change, said):
    with pytest.raises(ValueError, match=said):
        from_json({"data": "scenes", **change})


def test_a_file_without_data_is_told_so():
    with pytest.raises(ValueError, match="missing 1 required positional argument: 'data'"):
        from_json({"batch": 3})


def test_whole_numbers_are_read_as_the_floats_they_stand_for():
    read = from_json({"data": "scenes", "kimg": 5, "model": {"kind": "StyleGAN2", "conv_clamp": 256}})
    assert read.kimg == 5.0 and type(read.kimg) is float and read.model.conv_clamp == 256.0


def test_differences_are_named_by_path():
    other = dataclasses.replace(FULL, batch=16, adam=Adam(lr=2e-3), ada=None)
    found = differences(FULL, other)
    assert found["batch"] == (8, 16) and found["adam.lr"] == (1e-3, 2e-3) and found["ada"] == ("Ada", None)
    assert differences(FULL, FULL) == {}


def test_free_fields_exist():
    assert set(FREE) <= {f.name for f in dataclasses.fields(Recipe)}


def test_a_config_is_executed_and_a_json_is_not(tmp_path):
    config = tmp_path / "mine.py"
    config.write_text("from jaxgan.training import Recipe\nrecipe = Recipe('scenes', batch=2 + 2)\n")
    assert load_recipe(config) == Recipe("scenes", batch=4)
    (tmp_path / "recipe.json").write_text(json.dumps(to_json(FULL)))
    assert load_recipe(tmp_path) == load_recipe(tmp_path / "recipe.json") == FULL


def test_what_is_no_recipe_is_told_in_one_line(tmp_path):
    (tmp_path / "empty.py").write_text("x = 1\n")
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "text.txt").write_text("")
    with pytest.raises(ValueError, match=r"sets no `recipe"):
        load_recipe(tmp_path / "empty.py")
    with pytest.raises(ValueError, match="is not JSON"):
        load_recipe(tmp_path / "broken.json")
    with pytest.raises(ValueError, match="neither a config"):
        load_recipe(tmp_path / "text.txt")
    with pytest.raises(FileNotFoundError, match=r"Did you mean empty\.py\?"):
        load_recipe(tmp_path / "emty.py")


def test_tyro_reads_every_field_as_an_option():
    words = ["--batch", "64", "--adam.lr", "1e-2", "--model.r1.gamma", "3", "--no-mirror", "--ada.target", "0.5"]
    changed = tyro.cli(Recipe, default=FULL, args=words, config=(tyro.conf.AvoidSubcommands,))
    assert differences(FULL, changed).keys() == {"batch", "adam.lr", "model.r1.gamma", "mirror", "ada.target"}
    assert changed.adam.lr == 1e-2 and changed.ada.target == 0.5 and changed.mirror is False


def test_batches_go_on_where_they_are_asked_to():
    recipe = smoke(Recipe("scenes"))
    run = recipe.batches()
    first = [next(run) for _ in range(3)]
    again = next(recipe.batches(start=2))
    assert first[2]["image"].shape == (8, 16, 16, 3)
    np.testing.assert_array_equal(first[2]["image"], again["image"])
    assert "label" not in first[0]


def test_labels_make_the_game_conditional():
    recipe = dataclasses.replace(smoke(Recipe("scenes")), labels=True)
    trainer = recipe.trainer()
    width = recipe.source().label_size
    assert trainer.parts["G"].arch.classes == width
    assert next(recipe.batches())["label"].shape == (8, width)


def test_steps_cover_the_length():
    assert Recipe("scenes", batch=32, kimg=1.0).steps == 32


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.py")), ids=lambda p: p.stem)
def test_every_config_is_a_recipe_that_survives_json(path):
    recipe = load_recipe(path)
    assert from_json(json.loads(json.dumps(to_json(recipe)))) == recipe
    if getattr(recipe.model, "frozen", None):  # a game about networks that are not here
        with pytest.raises(ValueError, match=r"This game needs.* G"):
            recipe.trainer()
        return
    # Without its data: how many classes there are does not matter here.
    shared = dict(batch=recipe.batch, adam=recipe.adam, ema=recipe.ema, ada=recipe.ada)
    trainer = recipe.model.trainer(**shared, classes=10 if recipe.labels else 0)
    part = trainer.parts[trainer.result]
    assert getattr(part, "arch", getattr(part, "module", None)).resolution == recipe.model.resolution


@pytest.mark.parametrize("name", ["auto", *PRESETS])
def test_a_published_recipe_carries_its_row_of_the_table(name):
    recipe, row = published(name, "images", 256), auto(256) if name == "auto" else PRESETS[name]
    assert (recipe.batch, recipe.kimg, recipe.adam.lr, recipe.model.r1.gamma) == (
        row.batch,
        row.kimg,
        row.lr,
        row.gamma,
    )
    assert (recipe.model.mbstd, recipe.model.channel_base, recipe.ema.kimg) == (
        row.mbstd,
        row.channel_base,
        row.ema_kimg,
    )
    assert recipe.ada is not None and recipe.model.path_length.weight == (0 if name == "cifar" else 2)
    assert from_json(to_json(recipe)) == recipe


def test_an_unknown_preset_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match=r"no preset 'paper266'.*Did you mean 'paper256'"):
        published("paper266", "images", 256)
