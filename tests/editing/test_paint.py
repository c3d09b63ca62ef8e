"""Brushes scale by the right style at every place; painting obeys inside the mask and keeps what is outside."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.core import Code
from jaxgan.core.objective import term
from jaxgan.editing.brush import feathered
from jaxgan.features.embedder import Pair
from jaxgan.ops.modconv import modulated_conv
from tests.planted import layered, linear, style
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


def test_the_found_code_draws_the_picture_with_the_brush(done, close):
    code, _, painted, _ = done
    assert painted.code.space == "w+" and len(painted.code) == 2
    close(painted.drawing(G, G.to(code, "w+"), painted.code), painted.images, OP)
    close(jg.editing.brush(MASK)(G, code, painted.code), painted.images, OP)


def test_a_mask_of_zeros_changes_nothing_and_one_of_ones_draws_the_other_code(close):
    # Styles of other signs have the same demodulation.
    code = G.to(G.sample(KEY, 2), "s")
    draw = np.random.default_rng(0)
    other = Code(tuple(s * draw.choice([-1.0, 1.0], s.shape[1]) for s in code.value), "s")
    assert np.abs(G(other) - G(code)).max() > 0.1
    close(jg.editing.brush(jnp.zeros((8, 8)))(G, code, other), G(code), OP)
    close(jg.editing.brush(jnp.ones((8, 8)))(G, code, other), G(other), OP)
    close(jg.editing.brush(1.0)(G, code, other), G(other), OP)
    last = jg.editing.brush(1.0, layers=(3, 4))(G, code, other)
    mixed = Code((*code.value[:3], *other.value[3:]), "s")
    close(last, G(mixed), OP, "some layers")


def test_a_layer_is_scaled_place_by_place_and_demodulated_by_its_own_style(close):
    keys = jax.random.split(KEY, 4)
    x, weight = jax.random.normal(keys[0], (2, 6, 6, 5)), jax.random.normal(keys[1], (3, 3, 5, 4))
    own, other = jax.random.normal(keys[2], (2, 5)), jax.random.normal(keys[3], (2, 5))
    area = jnp.zeros((6, 6, 1)).at[:, 3:].set(1.0)
    scale = own[:, None, None] * (1 - area) + other[:, None, None] * area
    found = modulated_conv(x, weight, own, scale=scale)
    # A convolution is linear: inside and outside by themselves, brought to the own style's demodulation.
    plain = lambda x, s: modulated_conv(x, weight, s, demodulate=False)
    energy = jnp.einsum("ni,kli,klio->no", own**2, jnp.ones((3, 3, 5)), weight**2)
    expected = (plain(x * (1 - area), own) + plain(x * area, other)) / jnp.sqrt(energy + 1e-8)[:, None, None]
    close(found, expected, OP)


@pytest.mark.slow
def test_activations_are_blended_where_it_is_asked(close):
    g = layered()
    painter = jg.editing.paint(jg.losses.pixel(), MASK, blended="activations", generations=0, steps=0, samples=50)
    painted = painter(g, g.sample(KEY, 1), KEY)
    close(painted.images, g(g.sample(KEY, 1)), 1e-4)
    close(painted.drawing(g, g.sample(KEY, 1), painted.code), painted.images, OP)


def test_a_family_whose_styles_have_no_places_says_what_serves_it():
    g = linear(jnp.eye(4))
    with pytest.raises(ValueError, match=r"planted has no styles by place; use jg\.editing\.blend"):
        jg.editing.brush(MASK)(g, g.sample(KEY, 1), g.sample(KEY, 1))
    with pytest.raises(ValueError, match="no blend 'colours'"):
        jg.editing.paint(jg.losses.pixel(), MASK, blended="colours")


def test_without_search_and_steps_nothing_changes(close):
    painter = jg.editing.paint(jg.losses.pixel(), MASK, generations=0, steps=0, samples=50)
    code = G.sample(KEY, 1)
    close(painter(G, code, KEY).images, G(code), 1e-4)
    with pytest.raises(ValueError, match=r"A mask is \[H, W\]"):
        jg.editing.paint(jg.losses.pixel(), MASK[None])


def test_masks_are_sharp_up_to_16_cells_and_blurred_beyond():
    mask = jnp.zeros((32, 32)).at[:, 16:].set(1.0)
    assert set(np.unique(feathered(mask, 16, 16))) == {0.0, 1.0}
    middle = feathered(mask, 32, 32)[4, 13:19, 0]
    assert np.all(np.diff(middle) > 0) and abs(float(middle.mean()) - 0.5) < 1e-3


def test_a_term_on_the_code_sees_the_one_that_draws_inside():
    distance = lambda images, target, code, generator, prepared: jnp.square(code.value - 0.1).sum((1, 2))
    painter = jg.editing.paint(term("code", distance), MASK, generations=0, steps=30, lr=0.2, samples=200)
    code = G.to(G.sample(KEY, 1), "w+")
    painted = painter(G, code, KEY)
    assert np.square(painted.code.value - 0.1).sum() < 0.7 * np.square(code.value - 0.1).sum()
