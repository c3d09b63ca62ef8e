"""What the README shows runs: its Python as one program, and every command's words are known."""

import re
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import jaxgan as jg
from jaxgan.cli import (
    combine,
    compare,
    convert,
    discover,
    dissect,
    edit,
    evaluate,
    generate,
    info,
    invert,
    report,
    restore,
    train,
    words,
)
from jaxgan.io import load
from jaxgan.latents.walks import seeded
from tests.planted import style

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
VERBS = {
    "combine": combine,
    "compare": compare,
    "convert": convert,
    "discover": discover,
    "dissect": dissect,
    "edit": edit,
    "evaluate": evaluate,
    "generate": generate,
    "info": info,
    "invert": invert,
    "report": report,
    "restore": restore,
}

SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.S)
COMMANDS = re.findall(r"^\s*(jaxgan .*?)\s*(?:#.*)?$", README, re.M)
COMMANDS += [line for module in (*VERBS.values(), train) for line in re.findall(r"^  (jaxgan .*)$", module.HELP, re.M)]

# A reader waits minutes for good pictures, a test seconds for any.
QUICKER = {r"steps=[\d_]+": "steps=2", r"samples=[\d_]+": "samples=200"}


def small(recipe):
    """A recipe of the same kind that compiles fast: one regularised move of each player, 8 pixels."""
    model = replace(jg.training.smoke(recipe).model, resolution=8, channel_base=64, channel_max=8, mbstd=2)
    return replace(jg.training.smoke(recipe), data="scenes:8", model=model, batch=8)


def test_python_of_the_readme_runs(monkeypatch, tmp_path):
    g = style(0, resolution=8, channel_base=64, channel_max=8)
    monkeypatch.setattr(jg, "load", lambda name: g if name == "scenes64" else load(name), raising=False)
    recipe_of = jg.training.load_recipe
    monkeypatch.setattr(jg.training, "load_recipe", lambda path: small(recipe_of(ROOT / path)))
    monkeypatch.chdir(tmp_path)
    for i, image in enumerate(np.asarray(jg.generate(g, seeded(g, [0, 1])))):
        jg.io.save_image(tmp_path / "photos" / f"{i}.png", image)
    program = "\n".join(SNIPPETS)
    for long, short in QUICKER.items():
        program = re.sub(long, short, program)
    names: dict = {}
    exec(compile(program, "README.md", "exec"), names)
    assert names["images"].shape == (16, 8, 8, 3)
    assert names["found"].code.space == "w+" and len(names["info"]["loss"]) == 4
    assert set(names["axes"]) == {"ganspace", "sefa", "hessian"}
    assert names["edited"].shape == (2, 8, 8, 3) and names["strip"].shape == (7, 16, 8, 8, 3)
    assert load("mine.safetensors").resolution == 8


@pytest.mark.parametrize("command", COMMANDS)
def test_words_of_every_shown_command_are_known(command):
    _, verb, *rest = shlex.split(command)
    if verb in ("VERB", "demo"):
        return
    if verb == "train":
        own, rest = train.split(rest)
        words.read(train.Options, own, "jaxgan train", "")
        recipe = jg.training.load_recipe(ROOT / "configs" / "stylegan2_scenes64.py")
        recipe, rest = train.with_ada(recipe, rest)
        words.read(jg.training.Recipe, rest, "jaxgan train", "", recipe)
    else:
        words.read(VERBS[verb].Options, rest, f"jaxgan {verb}", "")


def test_make_targets_of_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make ([a-z-]+)", README, re.M):
        assert re.search(rf"^{target}:", makefile, re.M), f"make {target}"
    assert "make test" in (ROOT / ".ci" / "run").read_text()


def test_linked_files_exist():
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "docs" / "architecture.md"):
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"
