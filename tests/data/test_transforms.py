from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from jaxgan.data.transforms import BACKGROUND, fit, mirrored, pixels, recolor, to_float, to_uint8

RAMP = np.arange(256, dtype=np.uint8)


def reopened(image, name, **options):
    file = BytesIO()
    image.save(file, Image.registered_extensions()[name[1:]], **options)
    return Image.open(file)


def test_to_uint8_inverts_to_float():
    assert to_float(RAMP).dtype == np.float32
    assert to_float(RAMP)[0] == -1 and to_float(RAMP)[-1] == 1
    assert np.array_equal(to_uint8(to_float(RAMP)), RAMP)


def test_to_uint8_clips():
    assert to_uint8(np.array([-7.0, 7.0, 0.0])).tolist() == [0, 255, 128]


def test_sixteen_bit_png_keeps_its_whole_range():
    grey = (RAMP.astype(np.uint16) * 257).reshape(16, 16)
    found = pixels(reopened(Image.fromarray(grey), "a.png"), 1)
    assert np.array_equal(found[..., 0], RAMP.reshape(16, 16))


def test_sixteen_and_thirty_two_bit_tiff_are_scaled():
    sixteen = reopened(Image.fromarray((RAMP.astype(np.uint16) * 257).reshape(16, 16)), "a.tif")
    assert np.array_equal(pixels(sixteen, 1)[..., 0], RAMP.reshape(16, 16))
    unit = reopened(Image.fromarray((RAMP / 255).astype(np.float32).reshape(16, 16)), "b.tif")
    assert np.array_equal(pixels(unit, 1)[..., 0], RAMP.reshape(16, 16))


def test_cmyk_jpeg_becomes_rgb():
    image = Image.new("RGB", (16, 16), (200, 40, 90)).convert("CMYK")
    found = pixels(reopened(image, "a.jpg", quality=95))
    assert found.shape == (16, 16, 3)
    assert np.abs(found.astype(int) - (200, 40, 90)).max() <= 6


def test_exif_rotation_is_applied():
    image = np.zeros((8, 16, 3), np.uint8)
    image[:, :8] = 255  # left half white
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    found = pixels(reopened(Image.fromarray(image), "a.jpg", exif=exif, quality=95))
    assert found.shape == (16, 8, 3)
    assert found[:7].min() > 240 and found[9:].max() < 15


@pytest.mark.parametrize("name", ["a.png", "a.gif"])
def test_transparent_palette_shows_the_background(name):
    image = Image.new("P", (4, 4), 0)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.paste(1, (0, 0, 2, 4))
    found = pixels(reopened(image, name, transparency=0))
    assert (found[:, :2] == (0, 0, 255)).all() and (found[:, 2:] == BACKGROUND).all()


def test_palette_with_partial_alpha_is_composited():
    image = Image.new("P", (4, 4), 0)
    image.putpalette([255, 0, 0])
    found = pixels(reopened(image, "a.png", transparency=bytes([51])))  # a fifth red on white
    assert (found == (255, 204, 204)).all()


def test_rgba_and_grey_alpha_are_composited():
    rgba = Image.new("RGBA", (2, 2), (0, 0, 0, 51))
    assert (pixels(rgba) == 204).all()
    assert (pixels(Image.new("LA", (2, 2), (0, 51)), 1) == 204).all()


def test_one_bit_and_lab_pictures_decode():
    assert (pixels(Image.new("1", (3, 3), 1), 1) == 255).all()
    assert pixels(Image.new("HSV", (3, 3), (0, 255, 255))).reshape(-1, 3)[0].tolist() == [255, 0, 0]


def test_colour_as_grey_is_its_luma():
    assert pixels(Image.new("RGB", (1, 1), (255, 0, 0)), 1).tolist() == [[[76]]]


def test_fit_leaves_the_right_size_alone():
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    assert fit(image, 16) is image


@pytest.mark.parametrize("shape", [(40, 20, 3), (20, 40, 3), (41, 20, 1)])
def test_fit_takes_the_centre_square(shape):
    image = np.zeros(shape, np.uint8)
    top, left = (shape[0] - 20) // 2, (shape[1] - 20) // 2
    image[top : top + 20, left : left + 20] = 200
    assert (fit(image, 20) == 200).all()
    assert (fit(image, 10) == 200).all()
    assert fit(image, 32).shape == (32, 32, shape[2])


def test_shrinking_is_antialiased():
    stripes = np.zeros((64, 64, 1), np.uint8)
    stripes[:, ::2] = 255
    inner = fit(stripes, 16)[:, 2:-2]
    assert np.abs(inner.astype(int) - 127).max() <= 3


def test_recolor_goes_between_grey_and_rgb():
    grey = np.full((2, 2, 1), 90, np.uint8)
    assert (recolor(grey, 3) == 90).all() and recolor(grey, 3).shape == (2, 2, 3)
    assert recolor(grey, 1) is grey
    assert recolor(np.dstack([grey] * 3), 1).shape == (2, 2, 1)
    assert (recolor(np.full((2, 2, 4), 0, np.uint8), 3) == BACKGROUND).all()


def test_mirrored_twice_is_the_image():
    image = np.random.default_rng(0).integers(0, 256, (5, 6, 3), np.uint8)
    assert np.array_equal(mirrored(mirrored(image)), image)
    assert np.array_equal(mirrored(image)[:, 0], image[:, -1])
