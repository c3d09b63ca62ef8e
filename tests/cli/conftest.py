"""A small generator on the disk, and a way to run a command in this process."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

import jaxgan as jg
from jaxgan.cli.main import main
from jaxgan.latents.walks import seeded
from tests.planted import style


def tiny(seed: int = 0, **config):
    """Make a generator that compiles fast."""
    return style(seed, resolution=8, channel_base=64, channel_max=8, **config)


class Answer(NamedTuple):
    """What a command answered."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(capsys, monkeypatch, tmp_path):
    """Run `jaxgan` with words in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*words) -> Answer:
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return run


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Folder with tiny.safetensors and the conditional cond.safetensors, both 8x8."""
    folder = tmp_path_factory.mktemp("models")
    jg.save(tiny(), folder / "tiny.safetensors", {"from": "a test"})
    jg.save(tiny(1, classes=3), folder / "cond.safetensors")
    return folder


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """Folder with three pictures that the tiny generator can draw, and a broken one."""
    folder = tmp_path_factory.mktemp("pictures")
    g = tiny()
    for i, image in enumerate(np.asarray(jg.generate(g, seeded(g, [0, 1, 2])))):
        jg.io.save_image(folder / f"p{i}.png", image)
    (folder / "broken.png").write_text("no picture")
    return folder


def pixels(path) -> np.ndarray:
    """Read a picture as uint8 [H, W, C]."""
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image)
