"""The game of a classifier: what its labels cost, that it learns them, and the run that keeps it."""

import io
import json
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.io import load, save, save_grid
from jaxgan.training import Adam, Classifier, Ema, Files, Recipe, run
from jaxgan.training.classifier import loss
from jaxgan.training.recipe import part_of
from tests.tolerances import OP

SIZES = (2, 0, 1)
MODEL = Classifier(resolution=8, sizes=SIZES, widths=(8,), units=(1,), held_out=":heldout", smoothing=0.0, mixup=0.0)


@pytest.fixture(scope="module")
def sprites(tmp_path_factory):
    """Pictures whose left half is dark or light (a class), whose right half has a hue and whose middle a level."""
    draw, n = np.random.default_rng(0), 400
    kind, turn, level = draw.integers(0, 2, n), draw.uniform(0, 1, n), draw.uniform(-3, 5, n)
    images = np.zeros((n, 8, 8, 3))
    images[:, :4] = np.where(kind, 0.9, -0.9)[:, None, None, None]
    angles = 2 * np.pi * (turn[:, None] + np.arange(3) / 3)
    images[:, 4:, :4] = 0.8 * np.cos(angles)[:, None, None, :]
    images[:, 4:, 4:] = ((level - 1) / 4)[:, None, None, None]
    path = tmp_path_factory.mktemp("data") / "sprites.npz"
    factors = np.stack([kind, turn, level], 1).astype(np.float32)
    names = np.array(["kind", "hue", "level"])
    np.savez(path, images=np.uint8(images * 127.5 + 127.5), factors=factors, factor_names=names)
    return path


def test_labels_cost_what_the_formula_says(close):
    scores, labels = jnp.array([[2.0, 0.0, 0.0, 3.0, 1.5]]), jnp.array([[0.0, 0.0, 5.0]])
    made = loss(
        scores,
        labels,
        sizes=SIZES,
        one_hot=False,
        mean=jnp.array([0.0, 0, 3]),
        std=jnp.array([1.0, 1, 2]),
        smoothing=0.1,
    )
    likely = np.log(np.exp([2.0, 0.0]) / np.exp([2.0, 0.0]).sum())
    classes = -(0.95 * likely[0] + 0.05 * likely[1])  # smoothed
    close(made, [(classes + (1 - 0.0) / 2 + (1.5 - 1.0) ** 2 / 2) / 3], OP)  # the angle is a quarter turn off
    alone = loss(scores[:, :2], jnp.array([[1.0, 0.0]]), sizes=(2,), one_hot=True, mean=0, std=1, smoothing=0.1)
    close(alone, [classes], OP)


def test_a_run_learns_classes_angles_and_numbers_and_keeps_the_classifier(sprites, tmp_path):
    recipe = Recipe(
        f"{sprites}:train",
        MODEL,
        batch=32,
        kimg=2.56,
        labels=True,
        adam=Adam(0.02, 0.9, 0.999),
        ema=Ema(kimg=0.1),
        tick_kimg=1.28,
        checkpoint_kimg=1.28,
    )
    files, stream = Files(save, load, save_grid), io.StringIO()
    options = dict(devices=jax.devices()[:1], samples=4, stream=stream)
    half = run(replace(recipe, kimg=1.28), tmp_path, files, **options)
    outcome = run(recipe, tmp_path, files, **options)
    assert (half.step, outcome.step, outcome.finished) == (40, 80, True)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    judged = [line for line in lines if "error" in line]
    assert [line["step"] for line in judged] == [40, 80]
    last = judged[-1]
    assert last["kind"] > 0.95 and last["hue"] > 0.6 and last["level"] > 0.9
    assert abs(last["error"] - (1 - (last["kind"] + last["hue"] + last["level"]) / 3)) < 1e-6
    assert "kind" in stream.getvalue() and "error" in stream.getvalue()
    kept = load(tmp_path / "classifier.safetensors")
    assert kept.names == ("kind0", "kind1", "hue_cos", "hue_sin", "level")
    assert load(tmp_path / "best.safetensors").name == kept.name
    source = jg.data.source(f"{sprites}:heldout")
    right = [
        int(kept(jg.data.to_float(source[i]["image"])[None])[0, :2].argmax()) == source[i]["label"][0] for i in range(8)
    ]
    assert all(right)


def test_labels_that_do_not_fit_are_named(sprites):
    with pytest.raises(ValueError, match="set labels=True"):
        Recipe(str(sprites), MODEL).trainer()
    plain = Recipe(str(sprites), MODEL, labels=True)
    with pytest.raises(ValueError, match="are no classes but numbers"):
        replace(plain, model=replace(MODEL, sizes=())).trainer()
    with pytest.raises(ValueError, match=r"Label hue of sprites.npz goes from .* whole number from 0 to 2"):
        replace(plain, model=replace(MODEL, sizes=(2, 3, 1))).trainer()
    with pytest.raises(ValueError, match=r"has 3 labels, model.sizes has 1"):
        replace(plain, model=replace(MODEL, sizes=(2,))).trainer()


def test_a_part_of_the_same_data_is_named_by_itself():
    assert part_of("a.zip:train", ":validation") == "a.zip:validation"
    assert part_of("scenes:64", ":heldout") == "scenes:64:heldout"
    assert part_of("scenes:64:train", ":heldout") == "scenes:64:heldout"
    assert part_of("a.npz:train", "b.npz") == "b.npz" and part_of("a", ":test") == "a:test"
