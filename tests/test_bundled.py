"""The generator that ships with the package is what it is said to be."""

from importlib import resources

import jax
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.data.scenes import FACTOR_NAMES
from jaxgan.features.random import random_features
from jaxgan.io import bundled, describe

LIMIT = 8 * 2**20


@pytest.fixture(scope="module")
def g():
    return jg.load("scenes64")


def test_bundled_files_are_small_and_say_where_they_come_from():
    assert "scenes64" in bundled()
    for name in bundled():
        path = resources.files("jaxgan") / "bundled" / f"{name}.safetensors"
        assert len(path.read_bytes()) <= LIMIT
        assert describe(name)["meta"]["recipe"]


def test_its_images_are_scenes_and_are_not_one_scene(g):
    images = jg.generate(g, 256, key=jax.random.key(0))
    scenes = jg.data.Scenes(64, split="heldout")
    real, other = (np.stack([scenes[i]["image"] for i in range(at, at + 256)]) / 127.5 - 1 for at in (0, 256))
    features = random_features()
    distance = lambda a: jg.metrics.frechet([np.float32(real)], [np.asarray(a, np.float32)], features)
    grey = np.broadcast_to(real.mean(axis=0), real.shape) + 0.02 * np.random.default_rng(0).standard_normal(real.shape)
    shuffled = images[:, :, ::-1][:, ::-1]  # the same pixels upside down
    assert distance(images) < 3 * distance(other)
    assert distance(images) < 0.5 * min(distance(grey), distance(shuffled))


def test_its_scenes_cover_every_hue_of_object_and_floor(g):
    images = jg.generate(g, 256, key=jax.random.key(1))
    read = jg.features.factor_probe(examples=1500, judged=100)(images)
    for name in ("hue", "floor_hue"):
        assert name in FACTOR_NAMES
        direction = np.asarray(read[name])[:, :2]
        angle = np.arctan2(direction[:, 1], direction[:, 0])
        counts = np.histogram(angle, bins=6, range=(-np.pi, np.pi))[0]
        assert counts.min() >= 8, (name, counts)
