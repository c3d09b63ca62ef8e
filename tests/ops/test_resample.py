"""Resampling by two: the fast forms against direct sums, against each other, and their cost."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.ops import resample
from tests.tolerances import OP

TAPS = [(1, 3, 3, 1), (1, 1), (1, 2, 1), (1, 2, 3, 4), (1, 5, 10, 10, 5, 1)]


def direct(x, taps, up=1, down=1, pad=(0, 0)):
    """Insert zeros, pad, convolve with the outer product of the taps, decimate: one definition, no cleverness."""
    n, h, w, c = x.shape
    z = np.zeros((n, h * up, w * up, c))
    z[:, ::up, ::up] = x
    z = np.pad(z, ((0, 0), pad, pad, (0, 0)))
    kernel = np.outer(taps, taps)[::-1, ::-1]
    size = len(taps)
    rows, columns = z.shape[1] - size + 1, z.shape[2] - size + 1
    out = sum(kernel[a, b] * z[:, a : a + rows, b : b + columns] for a in range(size) for b in range(size))
    return out[:, ::down, ::down]


@pytest.mark.parametrize("taps", TAPS)
def test_upsample2_is_zero_insertion_and_convolution(taps, close):
    x = np.random.default_rng(0).standard_normal((2, 5, 6, 3))
    t = np.array(taps) / sum(taps) * 2
    expected = direct(x, t, up=2, pad=((len(t) + 1) // 2, (len(t) - 2) // 2))
    close(resample.upsample2(jnp.float32(x), taps), expected, OP)


@pytest.mark.parametrize("taps", TAPS)
def test_downsample2_is_convolution_and_decimation(taps, close):
    x = np.random.default_rng(0).standard_normal((2, 6, 8, 3))
    t = np.array(taps) / sum(taps)
    expected = direct(x, t, down=2, pad=((len(t) - 1) // 2, (len(t) - 2) // 2))
    close(resample.downsample2(jnp.float32(x), taps), expected[:, :3, :4], OP)


@pytest.mark.parametrize("taps", TAPS)
@pytest.mark.parametrize("operation", [resample.conv_up2, resample.conv_down2])
def test_phases_equal_the_library_convolution_with_all_derivatives(operation, taps, close):
    keys = jax.random.split(jax.random.key(0), 2)
    x, w = jax.random.normal(keys[0], (2, 6, 8, 3)), jax.random.normal(keys[1], (3, 3, 3, 4)) / 5
    a, b = (lambda x, w, p=p: operation(x, w, taps, phases=p) for p in (True, False))
    close(a(x, w), b(x, w), OP, "value")
    loss = lambda f: lambda x, w: jnp.sum(jnp.sin(f(x, w)))
    first = lambda f: jax.grad(loss(f), argnums=(0, 1))(x, w)
    for one, two in zip(first(a), first(b), strict=True):
        close(one, two, 10 * OP, "gradient")
    second = lambda f: jax.grad(lambda w: jnp.sum(jax.grad(loss(f))(x, w) ** 2))(w)
    close(second(a), second(b), 10 * OP, "gradient of the gradient")


def test_conv_up2_is_a_transposed_convolution_followed_by_the_filter(close):
    rng = np.random.default_rng(1)
    x, w = rng.standard_normal((1, 4, 4, 2)), rng.standard_normal((3, 3, 2, 3))
    y = np.zeros((1, 9, 9, 3))
    for i in range(4):
        for j in range(4):
            for a in range(3):
                for b in range(3):
                    y[:, 2 * i + a, 2 * j + b] += x[:, i, j] @ w[a, b]
    close(resample.conv_up2(jnp.float32(x), jnp.float32(w)), direct(y, np.array([1, 3, 3, 1]) / 4, pad=(1, 1)), OP)


@pytest.mark.parametrize(("operation", "kernel"), [(resample.conv_up2, 1), (resample.conv_down2, 1)])
def test_pointwise_convolution_commutes_with_resampling(operation, kernel, close):
    keys = jax.random.split(jax.random.key(0), 2)
    x, w = jax.random.normal(keys[0], (2, 6, 6, 3)), jax.random.normal(keys[1], (kernel, kernel, 3, 4))
    resized = resample.upsample2 if operation is resample.conv_up2 else resample.downsample2
    close(operation(x, w), resized(resample.conv(x, w)), OP)
    close(operation(x, w), resample.conv(resized(x), w), OP)


def flops(f, *args):
    return jax.jit(f).lower(*args).compile().cost_analysis()["flops"]


@pytest.mark.parametrize("operation", [resample.conv, resample.conv_up2, resample.conv_down2])
def test_weight_gradient_costs_at_most_five_forward_passes(operation):
    """In operations counted by the compiler, and in the kinds of convolution that XLA's CPU backend is slow at."""
    x, w = jnp.ones((4, 16, 16, 32)), jnp.ones((3, 3, 32, 32))
    gradient = lambda x, w, dy: jax.vjp(lambda w: operation(x, w), w)[1](dy)[0]
    dy = operation(x, w)
    assert flops(gradient, x, w, dy) <= 5 * flops(operation, x, w)
    # A dilated or strided convolution, or an even kernel with implicit padding, has a gradient 50 to 120 times slower
    # than its operations say; what is left must be the 3x3 "SAME" kind or a matrix product.
    for line in str(jax.make_jaxpr(gradient)(x, w, dy)).splitlines():
        if "conv_general_dilated" in line or "lhs_dilation" in line or "rhs_dilation" in line:
            assert "dilation=(2" not in line and "window_strides=(2" not in line, line
