import numpy as np
import pytest
from PIL import Image

from jaxgan.ops.resize import KINDS, matrix, resize
from tests import tolerances


def picture(height, width):
    return np.random.default_rng(height).uniform(0, 255, (1, height, width, 2)).astype(np.float32)


@pytest.mark.parametrize(("height", "width"), [(16, 24), (37, 37), (64, 31), (100, 299)])
@pytest.mark.parametrize("size", [299, 24])
def test_bicubic_equals_pillow(height, width, size, close):
    images = picture(height, width)
    channels = [
        np.asarray(Image.fromarray(images[0, :, :, c]).resize((size, size), Image.Resampling.BICUBIC)) for c in (0, 1)
    ]
    close(resize(images, size, "bicubic")[0], np.stack(channels, -1), tolerances.OP)


@pytest.mark.parametrize(("n", "size"), [(8, 299), (32, 299), (512, 299), (299, 299), (5, 3)])
def test_bilinear_kinds_are_their_formulas(n, size):
    line = np.random.default_rng(n).standard_normal(n)
    for kind, place in (("corners", lambda i: i * n / size), ("centres", lambda i: (i + 0.5) * n / size - 0.5)):
        expected = np.interp([place(i) for i in range(size)], np.arange(n), line)
        np.testing.assert_allclose(matrix(n, size, kind) @ line, expected, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_flat_picture_stays_flat_and_the_same_size_is_the_same_picture(kind, close):
    close(resize(np.full((1, 7, 9, 1), 0.3, np.float32), 20, kind), np.full((1, 20, 20, 1), 0.3), tolerances.OP)
    images = picture(12, 12)
    close(resize(images, 12, kind), images, tolerances.OP)


def test_only_bicubic_averages_where_a_picture_shrinks():
    stripes = np.tile(np.float32([0, 1]), 64)[None, None, :, None] * np.ones((1, 128, 1, 1), np.float32)
    assert np.ptp(resize(stripes, 37, "bicubic")[:, :, 4:-4]) < 0.05  # the border has fewer pixels to average
    assert np.ptp(resize(stripes, 37, "centres")) > 0.5


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="no resizing 'cubic'"):
        resize(picture(8, 8), 4, "cubic")
