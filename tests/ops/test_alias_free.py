"""The filtered leaky ReLU against scipy's filters, a direct evaluation, and the laws of sampling."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import signal, special

from jaxgan.ops import alias_free
from jaxgan.ops.alias_free import Resampling, filtered_lrelu, lowpass, padding, radial_lowpass
from tests.tolerances import OP

UP, DOWN = lowpass(12, 5.0, 10.0, 64.0), lowpass(12, 8.0, 20.0, 64.0)
RADIAL = radial_lowpass(12, 8.0, 20.0, 64.0)
CASES = {
    "same rate": Resampling(2, 2, UP, DOWN, 9, 8),
    "cropped, rate doubled": Resampling(4, 2, lowpass(24, 5.0, 10.0, 64.0), DOWN, -6, -9),
    "radial": Resampling(2, 2, UP, RADIAL, 11, 10),
    "odd sizes": Resampling(3, 2, lowpass(17, 5.0, 10.0, 64.0), lowpass(11, 8.0, 20.0, 64.0), 3, 4),
    "padded only": Resampling(1, 1, None, None, 2, -1),
    "nothing": Resampling(),
}
every = pytest.mark.parametrize("how", CASES.values(), ids=CASES)


def direct(x, bias, how: Resampling, slope, gain, clamp):
    """The definition, one channel at a time, in float64."""

    def filtered(image, f):
        f = np.ones((1, 1)) if f is None else np.outer(f, f) if f.ndim == 1 else f
        return signal.convolve2d(image, f, "valid")

    images = []
    for image in np.asarray(x, np.float64) + bias:
        channels = []
        for c in range(image.shape[-1]):
            h, w = image.shape[:2]
            z = np.zeros((h * how.up, w * how.up))
            z[:: how.up, :: how.up] = image[..., c] * how.up**2
            z = np.pad(z, [(max(how.before, 0), max(how.after, 0))] * 2)
            z = z[max(-how.before, 0) :, max(-how.before, 0) :]
            z = z[: len(z) - max(-how.after, 0), : len(z.T) - max(-how.after, 0)]
            y = filtered(z, how.up_filter)
            y = np.clip(np.where(y > 0, y, slope * y) * gain, -clamp, clamp)
            channels.append(filtered(y, how.down_filter)[:: how.down, :: how.down])
        images.append(np.stack(channels, -1))
    return np.stack(images)


@pytest.mark.parametrize(("taps", "cutoff", "width", "rate"), [(12, 2, 12, 32), (24, 3.2, 9, 64), (13, 9.5, 13, 64)])
def test_filters_are_those_of_kaisers_formulas(taps, cutoff, width, rate, close):
    f = signal.firwin(taps, cutoff, width=width, fs=rate)
    close(lowpass(taps, cutoff, width, rate), f, 1e-12)
    x = (np.arange(taps) - (taps - 1) / 2) / rate
    r = np.hypot(*np.meshgrid(x, x)) + 1e-13
    window = np.kaiser(taps, signal.kaiser_beta(signal.kaiser_atten(taps, width / (rate / 2))))
    jinc = special.j1(2 * cutoff * np.pi * r) / (np.pi * r) * np.outer(window, window)
    close(radial_lowpass(taps, cutoff, width, rate), jinc / jinc.sum(), 1e-9)


def test_a_filter_passes_its_band_and_stops_what_lies_behind_the_transition():
    gain = lambda f, frequency: abs(np.sum(f * np.exp(-2j * np.pi * frequency / 64 * np.arange(len(f)))))
    f = lowpass(48, 8.0, 8.0, 64.0)
    assert abs(gain(f, 3.0) - 1) < 0.01 and gain(f, 13.0) < 0.01 and abs(gain(f, 8.0) - 0.5) < 0.01


def test_a_radial_filter_does_not_prefer_a_direction():
    f = radial_lowpass(25, 8.0, 8.0, 64.0)
    grid = np.stack(np.mgrid[:25, :25] - 12, -1) / 64
    gains = [np.sum(f * np.cos(2 * np.pi * 8.0 * grid @ [np.cos(a), np.sin(a)])) for a in np.linspace(0, np.pi, 13)]
    separable = np.outer(lowpass(25, 8.0, 8.0, 64.0), lowpass(25, 8.0, 8.0, 64.0))
    others = [
        np.sum(separable * np.cos(2 * np.pi * 8.0 * grid @ [np.cos(a), np.sin(a)])) for a in np.linspace(0, np.pi, 13)
    ]
    assert np.ptp(gains) < 0.02 < 0.1 < np.ptp(others)


def test_a_radial_filter_is_the_sum_of_a_few_separable_ones(close):
    terms = alias_free.factors(RADIAL)
    assert len(terms) <= 4
    close(sum(np.outer(a, b) for a, b in terms), RADIAL, 1e-7)


@every
@pytest.mark.parametrize("matrices", [True, False])
def test_filtered_lrelu_is_its_definition(how, matrices, close):
    x, bias = jax.random.normal(jax.random.key(0), (2, 14, 17, 3)), jnp.array([0.1, -0.2, 0.3])
    expected = direct(x, bias, how, 0.2, 1.5, 0.9)
    got = filtered_lrelu(x, bias, how, gain=1.5, clamp=0.9, matrices=matrices)
    assert got.shape[1:3] == (how.size(14), how.size(17))
    close(got, expected, OP)


@pytest.mark.parametrize("name", ["cropped, rate doubled", "radial"])
def test_both_forms_have_one_gradient(name, close):
    x = jax.random.normal(jax.random.key(0), (1, 14, 14, 2))
    loss = lambda x, form: jnp.sum(jnp.square(filtered_lrelu(x, None, CASES[name], matrices=form)))
    gradient = jax.jit(jax.grad(loss), static_argnums=1)
    close(gradient(x, True), gradient(x, False), 10 * OP)


def test_the_gradient_keeps_no_float_of_the_supersampled_size():
    how = CASES["same rate"]
    x = jnp.ones((1, 36, 36, 2))
    _, back = jax.vjp(jax.jit(lambda x: filtered_lrelu(x, None, how, clamp=256.0, matrices=True)), x)
    side = how.supersampled(36)
    kept = [leaf for leaf in jax.tree.leaves(back) if leaf.ndim == 4 and leaf.shape[1] == side]
    # A constant zero is part of the program, not of its memory.
    assert kept and all(leaf.dtype == jnp.bool or not leaf.any() for leaf in kept)


@pytest.mark.parametrize("way", [(36, 38, 36, 2, 2, 12, 12, (9, 8)), (36, 38, 52, 4, 2, 24, 12, (-6, -9))])
def test_padding_is_that_of_the_published_layers(way):
    _, padded, out, up, down, up_taps, down_taps, expected = way
    assert padding(padded, out, up, down, up_taps, down_taps) == expected


def test_a_linear_layer_keeps_a_signal_of_its_band_in_place():
    # A slow wave, sampled at two rates about one centre, must be the same wave.
    wave = lambda size, rate: np.cos(2 * np.pi * 1.0 * (np.arange(size) - (size - 1) / 2) / rate + 0.7)
    up, down = lowpass(24, 4.0, 8.0, 64.0), lowpass(12, 4.0, 8.0, 64.0)
    how = Resampling(4, 2, up, down, *padding(36, 52, 4, 2, 24, 12))
    x = np.broadcast_to(wave(36, 16)[None, :, None, None], (1, 36, 36, 1)).astype(np.float32)
    y = filtered_lrelu(jnp.asarray(x), None, how, slope=1.0, gain=1.0)
    assert y.shape == (1, 52, 52, 1)
    middle = slice(12, -12)
    drawn, there = np.asarray(y[0, middle, 26, 0]), wave(52, 32)[middle]
    gain = drawn @ there / (there @ there)
    assert 0.9 < gain < 1.1 and np.abs(drawn - gain * there).max() < 2e-3
