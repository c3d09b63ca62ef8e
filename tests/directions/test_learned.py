"""Finders that learn: what a linear generator shows is planted in two of six directions."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.directions import latentclr, reconstruct, warped
from jaxgan.metrics import principal_angles
from tests import planted

KEY = jax.random.key(5)


class Look(nn.Module):
    """A trunk of one rectified layer over all pixels, that sees badly: what hardly shows, it cannot tell apart."""

    @nn.compact
    def __call__(self, images, train):
        seen = images + jax.random.normal(jax.random.key(0), images.shape)
        return [nn.relu(nn.Dense(16)(seen.reshape(len(images), 1, 1, -1)))]


SETTINGS = dict(trunk=Look(), batch=64, lr=0.03, reach=(0.5, 2.0))


@pytest.fixture(scope="module")
def seen():
    """A generator that shows two of its six directions, and those two."""
    turn = planted.orthogonal(jax.random.key(1), 6)
    return turn[:, :2].T, planted.linear(turn[:, :2] @ jax.random.normal(jax.random.key(2), (2, 16)))


def test_directions_that_can_be_told_apart_are_those_that_show(seen):
    shown, g = seen
    said = []
    finder = reconstruct(200, progress=lambda n, loss: said.append((n, loss)), **SETTINGS)
    found = finder(g, KEY, 2)
    first, last = dict(found.meta)["accuracy"]
    assert found.space == "z" and last > 0.95 > first and principal_angles(found, shown).max() < 5
    np.testing.assert_allclose(found.vectors @ found.vectors.T, jnp.eye(2), atol=1e-4)
    assert [n for n, _ in said] == list(range(20, 201, 20)) and said[-1][1] < 0.5 * said[0][1]


def test_contrast_finds_changes_that_are_unlike_each_other(seen):
    _, g = seen
    finder = latentclr(100, lr=0.03)
    found = finder(g, KEY, 2)
    changes = np.array(found.vectors @ g.params["draw"]["matrix"])
    changes /= np.linalg.norm(changes, axis=1, keepdims=True)
    assert abs(changes[0] @ changes[1]) < 0.05
    meta = dict(found.meta)
    assert meta["loss"][1] < meta["loss"][0] and meta["accuracy"][1] == 1
    np.testing.assert_allclose(meta["straight"], 1.0, atol=1e-4)


def test_paths_are_learned_that_show_and_can_be_followed(seen):
    shown, g = seen
    field = warped(150, straight=False, dipoles=4, **SETTINGS)(g, KEY, 2)
    code = g.sample(KEY, 64)
    ways = jnp.stack([field(code.value, i) for i in range(2)])
    np.testing.assert_allclose(jnp.linalg.norm(ways, axis=-1), 1.0, rtol=1e-4)
    assert np.linalg.norm(ways @ shown.T, axis=-1).mean() > 0.85, "most of a step is seen"
    moved = jg.editing.follow(field, 1, by=1.5)(g, code)
    assert moved.space == "z" and np.abs(g(moved) - g(code)).max() > 0.1


def test_contrast_learns_directions_that_depend_on_the_code(seen):
    _, g = seen
    field = latentclr(2, model="mlp", batch=2, straight=False)(g, KEY, 2)
    code = g.sample(KEY, 2)
    ways = field(code.value, 0)
    np.testing.assert_allclose(jnp.linalg.norm(ways, axis=-1), 1.0, rtol=1e-3)
    assert np.abs(ways[0] - ways[1]).max() > 1e-2
    once = jg.editing.follow(field, 0, by=2.0, steps=1)(g, code)
    np.testing.assert_allclose(once.value, code.value + 2 * field.buffers["sigma"] * ways, atol=1e-5)


@pytest.mark.parametrize(
    "finder,word",
    [
        (lambda: latentclr(model="wild"), "model"),
        (lambda: latentclr(batch=1), "2 codes"),
        (lambda: reconstruct(basis="none"), "basis"),
        (lambda: reconstruct(reach=(2.0, 1.0)), "reach"),
        (lambda: warped(0), "1 step"),
    ],
)
def test_what_cannot_be_is_refused(finder, word):
    with pytest.raises(ValueError, match=word):
        finder()


def test_a_single_direction_has_nothing_to_be_contrasted_with(seen):
    with pytest.raises(ValueError, match="at least 2"):
        latentclr(1)(seen[1], KEY, 1)
