"""Layers of another generator: none changes nothing, all make the other one."""

import jax
import numpy as np
import pytest

from jaxgan import editing as e
from jaxgan.editing.swap import layers_of
from tests import planted

KEY = jax.random.key(12)


@pytest.fixture(scope="module")
def pair():
    return planted.style(), planted.style(seed=1)


def same(a, b):
    return all(jax.tree.leaves(jax.tree.map(lambda x, y: bool(np.array_equal(x, y)), a, b)))


def test_no_layers_or_no_strength_is_the_generator_and_all_layers_the_other(pair):
    g, other = pair
    assert same(e.swap(g, other, []), g) and same(e.swap(g, other, ["b4", "b16"], by=0.0), g)
    whole = e.swap(g, other, ["mapping", "spread", "style", "synthesis"])
    assert same(whole, other)


def test_a_block_comes_with_its_affines_and_its_noise_and_nothing_else(pair):
    g, other = pair
    mixed = e.swap(g, other, ["b8"])
    assert same(mixed.params["synthesis"]["b8"], other.params["synthesis"]["b8"])
    assert same(mixed.buffers["synthesis"]["b8"], other.buffers["synthesis"]["b8"])
    assert same(mixed.params["style"]["b8_conv0"], other.params["style"]["b8_conv0"])
    for name in ("b4", "b16"):
        assert same(mixed.params["synthesis"][name], g.params["synthesis"][name])
    assert same(mixed.params["mapping"], g.params["mapping"])
    one = e.swap(g, other, ["b8_conv1"])
    assert same(one.params["synthesis"]["b8"]["conv1"], other.params["synthesis"]["b8"]["conv1"])
    assert same(one.params["synthesis"]["b8"]["conv0"], g.params["synthesis"]["b8"]["conv0"])


def test_exchanged_back_it_is_the_generator_again(pair):
    g, other = pair
    assert same(e.swap(e.swap(g, other, ["b8", "b16_torgb"]), g, ["b8", "b16_torgb"]), g)


def test_names_are_listed_from_coarse_to_fine(pair):
    blocks = [name for name in layers_of(pair[0]) if name[0] == "b" and "_" not in name]
    assert blocks == ["b4", "b8", "b16"]


def test_what_cannot_be_exchanged_is_said(pair):
    g, other = pair
    with pytest.raises(ValueError, match="stylegan2 has no layer 'b9'"):
        e.swap(g, other, ["b9"])
    with pytest.raises(ValueError, match="between equal architectures"):
        e.swap(g, planted.style(resolution=8), ["b8"])
