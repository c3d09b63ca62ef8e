"""Embeddings for identity: their pooling, and that all images end in vectors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.core.network import initialise
from jaxgan.features.embed import ArcFace, MoCo, averaged, cells
from jaxgan.io import frozen
from jaxgan.ops.similarity import halve
from tests.tolerances import OP


def test_cells_are_means_over_the_pixels_that_they_touch(close):
    x = jax.random.normal(jax.random.key(0), (2, 8, 8, 3))
    close(averaged(x, 4), halve(x), OP, "a whole number of pixels a cell")
    close(averaged(x, 16)[:, ::2, 1::2], x, OP, "more cells than pixels")
    # 188 to 112, as ArcFace's crop: cell 3 covers pixels 5.03 to 6.71, so it touches 5 and 6.
    assert np.flatnonzero(cells(188, 112)[3]).tolist() == [5, 6]
    close(cells(188, 112).sum(1), np.ones(112), OP)


@pytest.mark.parametrize(
    "module",
    [
        ArcFace(widths=(2, 2, 2, 2), units=(1, 1, 1, 1), side=16, features=4),
        MoCo(widths=(2, 3), units=(1, 1), side=16),
    ],
    ids=["arcface", "moco"],
)
def test_images_of_any_size_and_grey_ones_are_embedded(module):
    embed = jax.jit(lambda key: initialise(module, key, jnp.zeros((1, 32, 32, 3))))(jax.random.key(0))
    shapes = [jax.eval_shape(embed, jnp.zeros(shape)).shape for shape in ((2, 64, 64, 3), (2, 256, 256, 1))]
    assert shapes[0] == shapes[1] and shapes[0][0] == 2
    vectors = embed(jax.random.normal(jax.random.key(1), (3, 64, 64, 3)))
    assert np.all(np.isfinite(vectors)) and np.abs(vectors[0] - vectors[1]).max() > 0


@pytest.mark.parametrize("word", ["lpips:squeeze", "arcface:", "moco:a:b"])
def test_a_word_for_a_judge_that_lacks_a_part_is_answered_with_its_form(word):
    with pytest.raises(ValueError, match=f"lacks a part.*write {word.split(':')[0]}:"):
        frozen(word)
