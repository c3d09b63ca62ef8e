import jax
import numpy as np
import pytest

from jaxgan.metrics import identity, mse, psnr, ssim
from tests import tolerances


def images(key, n=3, side=16):
    return jax.random.uniform(jax.random.key(key), (n, side, side, 3), minval=-1, maxval=1)


def test_psnr_is_that_of_eight_bit_images():
    a, b = images(0), images(1)
    pixels = [(np.asarray(x, np.float64) + 1) * 127.5 for x in (a, b)]
    expected = 10 * np.log10(255**2 / np.square(pixels[0] - pixels[1]).mean((1, 2, 3)))
    np.testing.assert_allclose(psnr(a, b), expected, rtol=tolerances.OP)


def test_black_against_white_has_psnr_zero_and_mse_four():
    black, white = -np.ones((1, 12, 12, 3), np.float32), np.ones((1, 12, 12, 3), np.float32)
    np.testing.assert_allclose(psnr(black, white), 0, atol=tolerances.OP)
    np.testing.assert_allclose(mse(black, white), 4)


def test_equal_images_are_perfect():
    x = images(0)
    assert np.array_equal(mse(x, x), np.zeros(3)) and np.all(np.isposinf(psnr(x, x)))
    np.testing.assert_allclose(ssim(x, x), 1, atol=tolerances.OP)


@pytest.mark.parametrize("figure", [mse, psnr, ssim])
def test_each_pair_is_measured_alone(figure):
    a, b = images(0), images(1)
    np.testing.assert_allclose(figure(a, b)[1:2], figure(a[1:2], b[1:2]), rtol=tolerances.OP)


def test_ssim_prefers_less_contrast_to_noise_of_equal_energy():
    x = 0.8 * jax.image.resize(images(0, 1, 4), (1, 32, 32, 3), "cubic")
    flatter = 0.8 * x
    noise = jax.random.normal(jax.random.key(2), x.shape)
    noise = noise * jax.numpy.sqrt(mse(x, flatter)[0] / jax.numpy.square(noise).mean())
    np.testing.assert_allclose(mse(x, flatter), mse(x, x + noise), rtol=tolerances.OP)
    assert ssim(x, flatter)[0] > 0.05 + ssim(x, x + noise)[0]


def test_identity_is_the_cosine_of_embeddings():
    embed = jax.tree_util.Partial(lambda x: x.reshape(len(x), -1)[:, :5])
    a, b = images(0), images(1)
    x, y = (np.asarray(v).reshape(3, -1)[:, :5] for v in (a, b))
    expected = (x * y).sum(1) / np.linalg.norm(x, axis=1) / np.linalg.norm(y, axis=1)
    np.testing.assert_allclose(identity(embed, a, b), expected, rtol=tolerances.OP)
    np.testing.assert_allclose(identity(embed, a, 0.5 * a), 1, rtol=tolerances.OP)
