"""Examples in docstrings run and give what they show."""

import doctest
import importlib
import pkgutil

import jax
import numpy as np
import pytest

import jaxgan as jg
from tests.planted import style

EXAMPLES = [
    example
    for info in pkgutil.walk_packages(jg.__path__, "jaxgan.")
    for example in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(info.name), info.name)
    if example.examples
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_example_gives_what_it_shows(example):
    if any("scenes64" in part.source for part in example.examples) and "scenes64" not in jg.io.bundled():
        pytest.skip("scenes64 is not bundled with this build")
    g = style(0, resolution=8, channel_base=64, channel_max=8)
    photos = [np.asarray(jg.generate(g, 8, key=jax.random.key(1)))]
    example.globs = {"jg": jg, "jax": jax, "g": g, "key": jax.random.key(0), "photos": photos}
    said: list[str] = []
    failed, tried = doctest.DocTestRunner().run(example, out=said.append, clear_globs=False)
    assert tried and not failed, "".join(said)
