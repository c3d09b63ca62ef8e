"""Wavelet filters as matrices: what they undo, what they sum to, and what padding they stand for."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.ops import wavelets
from tests import tolerances


@pytest.mark.parametrize("taps", [wavelets.SYM2, wavelets.SYM6])
def test_symlets_are_orthonormal_to_their_even_shifts(taps):
    taps = np.array(taps)
    correlation = np.correlate(taps, taps, "full")[len(taps) - 1 :: 2]
    np.testing.assert_allclose(correlation, np.eye(1, len(correlation))[0], atol=1e-9)


def explicit(signal, before, after):
    """Pad, insert zeros, convolve with sym6: the doubled axis, from the first padded pixel on."""
    padded = np.pad(signal, (before, after), "reflect")
    spread = np.zeros(2 * len(padded))
    spread[::2] = padded
    return np.convolve(spread, 2 * wavelets.lowpass())[5 : 5 + len(spread)]


@pytest.mark.parametrize(("before", "after"), [(0, 0), (3, 1), (7, 7), (0, 7), (6, 2)])
def test_doubling_is_reflect_padding_zero_insertion_and_convolution(before, after, close):
    size = 8
    signal = np.random.default_rng(0).standard_normal(size)
    doubled = wavelets.doubling(size, jnp.array([before]), jnp.array([after]))[0] @ signal
    expected = np.zeros(6 * size - 2)
    start = 2 * (size - 1) + 1 - 2 * before
    values = explicit(signal, before, after)
    expected[start : start + len(values)] = values
    close(doubled, expected, tolerances.OP)


def test_halving_undoes_doubling(close):
    size, reach = 16, wavelets.REACH
    margin = 2 * reach
    doubled = wavelets.doubling(size, jnp.array([margin]), jnp.array([margin]))[0]
    start = 2 * (size - 1) + 1 - 2 * reach
    round_trip = wavelets.halving(size) @ np.asarray(doubled)[start : start + 2 * (size + 2 * reach)]
    close(round_trip, np.eye(size), tolerances.OP)


def test_bands_sum_to_the_identity(close):
    bank = wavelets.bands()
    assert bank.shape == (4, 43)
    close(bank.sum(0), np.eye(1, 43, 21)[0], tolerances.OP)
    close(wavelets.reflected_bands(16).sum(0), np.eye(16), tolerances.OP)


def test_bands_pass_their_own_octave_most(close):
    """A wave in the middle of octave b (from π/2^(4-b), the lowest one from 0) is loudest in band b."""
    frequency = np.array([np.pi / 16, *(1.5 * np.pi / 2 ** (4 - band) for band in (1, 2, 3))])
    waves = np.exp(1j * frequency[:, None] * np.arange(43))
    response = np.abs(waves @ wavelets.bands().T)  # [wave, band]
    np.testing.assert_array_equal(response.argmax(1), range(4))


@pytest.mark.parametrize("size", [8, 64])
def test_equalizer_filters_the_reflect_padded_axis(size, close):
    signal = np.random.default_rng(1).standard_normal(size)
    gains = np.array([[0.5, 1.0, 2.0, 1.5], [1.0, 1.0, 1.0, 1.0]])
    padded = np.pad(signal, 21, "reflect")
    expected = np.correlate(padded, gains[0] @ wavelets.bands(), "valid")
    matrices = wavelets.equalizer(jnp.asarray(gains, jnp.float32), size)
    close(matrices[0] @ signal, expected, tolerances.OP)
    close(matrices[1] @ signal, signal, tolerances.OP)
