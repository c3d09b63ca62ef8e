"""Colour matrices do to luma and chroma what their names say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.ops import color
from tests import tolerances


@pytest.fixture(scope="module")
def images():
    return jax.random.uniform(jax.random.key(0), (3, 4, 5, 3), minval=-1)


def luma(images):
    return np.asarray(images).mean(-1)


def chroma(images):
    return np.asarray(images) - luma(images)[..., None]


NEUTRAL = {
    "translation": (color.translation, 0.0),
    "scaling": (color.scaling, 1.0),
    "luma_flip": (color.luma_flip, 0.0),
    "hue_rotation": (color.hue_rotation, 0.0),
    "saturation": (color.saturation, 1.0),
}


@pytest.mark.parametrize("name", NEUTRAL)
def test_neutral_strength_is_the_identity(name, close):
    matrix, neutral = NEUTRAL[name]
    close(matrix(jnp.full(2, neutral)), np.tile(np.eye(4), (2, 1, 1)), tolerances.OP)


def test_translation_and_scaling_shift_and_multiply_each_image_by_its_own_amount(images, close):
    by = jnp.array([0.3, -0.2, 0.0])
    close(color.recolor(images, color.translation(by)), images + by[:, None, None, None], tolerances.OP)
    close(color.recolor(images, color.scaling(by)), images * by[:, None, None, None], tolerances.OP)


def test_luma_flip_negates_luma_and_keeps_chroma(images, close):
    flipped = color.recolor(images, color.luma_flip(jnp.ones(3)))
    close(luma(flipped), -luma(images), tolerances.OP)
    close(chroma(flipped), chroma(images), tolerances.OP)


def test_saturation_scales_chroma_and_keeps_luma(images, close):
    vivid = color.recolor(images, color.saturation(jnp.full(3, 2.5)))
    close(luma(vivid), luma(images), tolerances.OP)
    close(chroma(vivid), 2.5 * chroma(images), tolerances.OP)


def test_hue_rotation_by_a_third_turn_permutes_the_channels(images, close):
    turned = color.recolor(images, color.hue_rotation(jnp.full(3, 2 * np.pi / 3)))
    close(turned, np.roll(images, 1, -1), tolerances.OP)


def test_hue_rotation_keeps_luma_and_the_length_of_chroma(images, close):
    turned = color.recolor(images, color.hue_rotation(jnp.array([0.4, -2.0, 3.0])))
    close(luma(turned), luma(images), tolerances.OP)
    close(np.linalg.norm(chroma(turned), axis=-1), np.linalg.norm(chroma(images), axis=-1), tolerances.OP)


def test_grey_images_get_the_mean_of_what_a_grey_rgb_image_gets(images, close):
    matrix = color.saturation(jnp.full(3, 0.3)) @ color.luma_flip(jnp.ones(3)) @ color.translation(jnp.full(3, 0.2))
    grey = images[..., :1]
    as_rgb = color.recolor(jnp.repeat(grey, 3, -1), matrix)
    close(color.recolor(grey, matrix)[..., 0], luma(as_rgb), tolerances.OP)


def test_two_channels_are_refused(images):
    with pytest.raises(ValueError, match="2 channels"):
        color.recolor(images[..., :2], color.scaling(jnp.ones(3)))
