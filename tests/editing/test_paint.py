"""Painting obeys inside the mask, keeps what is outside, and gives back a code that goes on being one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.core.objective import term
from jaxgan.editing.paint import feathered
from jaxgan.features.embedder import Pair
from tests.planted import style
from tests.tolerances import OP

KEY = jax.random.key(0)
G = style(resolution=8, channel_base=64, channel_max=8, use_noise=False)
MASK = jnp.zeros((8, 8)).at[:, 4:].set(1.0)


def bright(images):
    """The mean brightness, and a coordinate that is always there."""
    return jnp.stack([images.mean((1, 2, 3)), jnp.full(len(images), 0.3)], axis=1)


EMBEDDER = Pair(bright, lambda texts: jnp.array([[1.0, 0.0]] * len(texts)))


@pytest.fixture(scope="module")
def done():
    code = G.sample(KEY, 2)
    told = []
    objective = jg.losses.painted(EMBEDDER, "bright", MASK, KEY, crops=2, inside=1.0, keep=2.0)
    how = dict(generations=4, population=8, steps=8, lr=0.05, samples=200)
    painter = jg.editing.paint(objective, MASK, progress=lambda done, of: told.append((done, of)), **how)
    return code, objective, painter(G, code, KEY), told


def test_inside_the_mask_the_text_is_obeyed_and_outside_things_stay(done):
    code, objective, painted, _ = done
    before, after = G(code), painted.images
    assert np.all(objective(after, before)[0] < objective(before, before)[0])
    inside = (after - before)[:, :, 6:].mean((1, 2, 3))
    outside = jnp.abs(after - before)[:, :, :2].mean((1, 2, 3))
    assert np.all(inside > 0.05) and np.all(outside < 0.5 * inside)


def test_the_best_so_far_is_what_is_returned_and_progress_is_told(done, close):
    code, objective, painted, told = done
    assert painted.loss.shape == (12, 2) and np.all(np.diff(painted.loss, axis=0) <= OP)
    close(objective(painted.images, G(code))[0], painted.loss[-1], 1e-4)
    assert told[-1] == (24, 24) and len(told) == 24


def test_the_found_code_draws_the_picture_with_the_masks(done, close):
    code, _, painted, _ = done
    assert painted.code.space == "w+" and len(painted.code) == 2
    drawn = jg.editing.blend(painted.masks)(G, G.to(code, "w+"), painted.code)
    close(drawn, painted.images, OP)


def test_without_search_and_steps_nothing_changes(close):
    painter = jg.editing.paint(jg.losses.pixel(), MASK, generations=0, steps=0, samples=50)
    code = G.sample(KEY, 1)
    close(painter(G, code, KEY).images, G(code), 1e-4)
    with pytest.raises(ValueError, match=r"A mask is \[H, W\]"):
        jg.editing.paint(jg.losses.pixel(), MASK[None])


def test_masks_are_sharp_up_to_16_cells_and_blurred_beyond():
    arch = jg.models.stylegan2.arch(32, channel_base=64, channel_max=8)
    g = jax.eval_shape(arch.init, KEY)
    masks = feathered(g, g.sample(KEY, 1), jnp.zeros((32, 32)).at[:, 16:].set(1.0))
    assert set(np.unique(masks["b16"])) == {0.0, 1.0}
    middle = masks["b32"][4, 13:19]
    assert np.all(np.diff(middle) > 0) and abs(float(middle.mean()) - 0.5) < 1e-3


def test_a_term_on_the_code_sees_the_one_that_draws_inside():
    distance = lambda images, target, code, generator, prepared: jnp.square(code.value - 0.1).sum((1, 2))
    painter = jg.editing.paint(term("code", distance), MASK, generations=0, steps=30, lr=0.2, samples=200)
    code = G.to(G.sample(KEY, 1), "w+")
    painted = painter(G, code, KEY)
    assert np.square(painted.code.value - 0.1).sum() < 0.7 * np.square(code.value - 0.1).sum()
