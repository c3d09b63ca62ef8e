"""DiffAugment: what each augmentation keeps, and how a recipe asks for it."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.training import Recipe, from_json, to_json
from jaxgan.training.ada import Ada
from jaxgan.training.augment import PIPES, augment
from jaxgan.training.diffaugment import DiffAugment, cut_out, fixed, policy, recolor, translate
from jaxgan.training.gan import GAN
from tests.tolerances import OP

KEY = jax.random.key(0)
IMAGES = jax.random.uniform(jax.random.key(1), (64, 16, 12, 3), minval=-1.0)
ALL = "color,translation,cutout"


def test_shifts_are_whole_pixels_of_up_to_an_eighth_with_grey_coming_in():
    moved, seen = np.asarray(translate(IMAGES, KEY)), set()
    padded = np.pad(IMAGES, ((0, 0), (2, 2), (1, 1), (0, 0)))
    for x, y in zip(padded, moved):
        found = [(i, j) for i in range(5) for j in range(3) if np.array_equal(x[i : i + 16, j : j + 12], y)]
        assert len(found) == 1
        seen.update(found)
    assert {i for i, _ in seen} == set(range(5)) and {j for _, j in seen} == set(range(3))


def test_a_box_of_half_the_side_is_cut_out_around_any_point():
    ones = jnp.ones((2000, 8, 8, 1))
    holes = 1 - np.asarray(cut_out(ones, KEY))[..., 0]
    rows, columns = holes.max(2).sum(1), holes.max(1).sum(1)
    np.testing.assert_array_equal(holes.sum((1, 2)), rows * columns)  # a rectangle
    assert set(rows) == {2, 3, 4} == set(columns)  # boxes of 4, clipped by the border
    covered = np.array([sum(centre - 2 <= at < centre + 2 for centre in range(9)) for at in range(8)]) / 9
    np.testing.assert_allclose(holes.mean(0), np.outer(covered, covered), atol=0.05)


def test_an_odd_box_keeps_its_centre_inside():
    holes = 1 - np.asarray(cut_out(jnp.ones((500, 6, 6, 1)), KEY))[..., 0]
    assert set(holes.max(2).sum(1)) == {2, 3}


def test_colours_change_by_one_affine_map_an_image():
    """Brightness moves the image's mean alone, contrast stretches about it, saturation leaves greys grey."""
    x, y = np.float64(IMAGES), np.float64(recolor(IMAGES, KEY))
    shift = (y - x).mean((1, 2, 3))
    assert np.abs(shift).max() <= 0.5 and np.abs(shift).max() > 0.4 and abs(shift.mean()) < 0.1
    luma = lambda v: v.mean(3) - v.mean((1, 2, 3), keepdims=True)[..., 0]
    contrast = (luma(x) * luma(y)).sum((1, 2)) / np.square(luma(x)).sum((1, 2))
    np.testing.assert_allclose(luma(y), contrast[:, None, None] * luma(x), atol=OP)
    assert 0.5 <= contrast.min() < 0.6 and 1.4 < contrast.max() <= 1.5
    chroma = lambda v: v - v.mean(3, keepdims=True)
    factor = (chroma(x) * chroma(y)).sum((1, 2, 3)) / np.square(chroma(x)).sum((1, 2, 3))
    np.testing.assert_allclose(chroma(y), factor[:, None, None, None] * chroma(x), atol=OP)
    saturation = factor / contrast
    assert 0 <= saturation.min() < 0.2 and 1.8 < saturation.max() <= 2


@pytest.mark.parametrize("name", ["color", "translation", "cutout", ALL])
def test_samples_do_not_see_each_other_and_gradients_pass(name):
    how, changed = DiffAugment(policy(name)), IMAGES.at[0].set(0.0)
    one, other = how(IMAGES, KEY), how(changed, KEY)
    np.testing.assert_array_equal(one[1:], other[1:])
    assert np.abs(one[1:] - IMAGES[1:]).max() > 0.1
    gradient = jax.grad(lambda x: jnp.square(how(x, KEY)).sum() / 2)(IMAGES)
    assert np.all(np.isfinite(gradient)) and np.abs(gradient).max() > 0.1
    step = lambda t: jnp.square(how(IMAGES + t * changed, KEY)).sum() / 2
    np.testing.assert_allclose(jax.jvp(step, (0.0,), (1.0,))[1], jnp.vdot(gradient, changed), rtol=1e-3)


def test_a_probability_leaves_the_others_alone():
    how = DiffAugment(("cutout",))
    assert np.array_equal(how(IMAGES, KEY, 0.0), IMAGES)
    kept = np.all(np.asarray(how(IMAGES, KEY, 0.5) == IMAGES), axis=(1, 2, 3)).mean()
    assert 0.3 < kept < 0.7


def test_a_policy_is_a_pipe_of_the_games_that_always_fires():
    ada = fixed("cutout, color")
    assert ada == Ada(pipe="diffaugment:color,cutout", target=None, initial=1.0)
    pipe = PIPES[ada.pipe]
    np.testing.assert_array_equal(augment(IMAGES, KEY, 1.0, pipe), DiffAugment(("color", "cutout"))(IMAGES, KEY))
    with pytest.raises(ValueError, match=r"no augmentation 'colour'.*Did you mean 'color'"):
        policy("colour")


@pytest.mark.slow
def test_a_recipe_asks_for_it_by_name_and_trains_with_it():
    recipe = Recipe("scenes:16", GAN().smoke(), batch=8, diffaugment=ALL)
    assert from_json(json.loads(json.dumps(to_json(recipe)))) == recipe
    plain = dataclasses.replace(recipe, diffaugment="")
    batch = {"image": 0.5 * jax.random.normal(KEY, (8, 16, 16, 1))}
    losses = {}
    for name, one in (("with", recipe), ("without", plain)):
        trainer = one.trainer()
        state, metrics = jax.jit(trainer.step)(trainer.init(KEY), batch)
        losses[name] = float(metrics["D/loss"])
        assert np.isfinite(losses[name])
        if name == "with":
            assert float(state.stats["ada"]["p"]) == 1.0
    assert losses["with"] != losses["without"]


def test_two_augmentations_or_an_unknown_one_are_refused():
    with pytest.raises(ValueError, match="a run has one augmentation"):
        Recipe("scenes", ada=Ada(), diffaugment="color")
    with pytest.raises(ValueError, match="no augmentation 'blur'; allowed: 'color', 'translation', 'cutout'"):
        Recipe("scenes", diffaugment="color,blur")
