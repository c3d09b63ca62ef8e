import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.ops.strided import conv_double, conv_enlarged, conv_half
from tests.tolerances import OP

KERNELS = [(3, 1), (4, 1)]


def arrays(k, out, size=7):
    x, w = jax.random.key(0), jax.random.key(1)
    return jax.random.normal(x, (2, size, size + 1, 3)), jax.random.normal(w, (k, k, 3, out))


@pytest.mark.parametrize("k, pad", KERNELS)
def test_strided_convolution_is_the_same_gathered_and_by_the_library(k, pad, close):
    x, w = arrays(k, 5)
    close(conv_half(x, w, pad, True), conv_half(x, w, pad, False), OP)


@pytest.mark.parametrize("out", [2, 16])
@pytest.mark.parametrize("k, pad", KERNELS)
def test_transposed_convolution_is_the_same_in_phases_and_by_the_library(k, pad, out, close):
    x, w = arrays(k, out)
    close(conv_double(x, w, pad, True), conv_double(x, w, pad, False), OP)


@pytest.mark.parametrize("phases", [True, False])
@pytest.mark.parametrize("k, pad", KERNELS)
def test_doubling_is_the_transpose_of_halving(k, pad, phases, close):
    """<y, half(x)> = <double(y), x> with the kernel's channels swapped."""
    x = jax.random.normal(jax.random.key(0), (2, 8, 8, 3))
    w = jax.random.normal(jax.random.key(1), (k, k, 3, 5))
    halved = conv_half(x, w, pad)
    y = jax.random.normal(jax.random.key(2), halved.shape)
    doubled = conv_double(y, w.transpose(0, 1, 3, 2), pad, phases)
    close(jnp.vdot(doubled, x), jnp.vdot(y, halved), 10 * OP)


def test_each_input_pixel_paints_its_kernel():
    """y[2i + a - 1] += x[i] w[a], written as a loop."""
    x, w = np.random.default_rng(0).normal(size=(1, 3, 3, 2)), np.random.default_rng(1).normal(size=(4, 4, 2, 3))
    y = np.zeros((8, 8, 3))
    for i in range(3):
        for j in range(3):
            for a in range(4):
                for b in range(4):
                    y[2 * i + a, 2 * j + b] += x[0, i, j] @ w[a, b]
    np.testing.assert_allclose(conv_double(jnp.float32(x), jnp.float32(w))[0], y[1:7, 1:7], atol=OP)


@pytest.mark.parametrize("out", [2, 16])
def test_convolving_repeated_pixels_is_the_same_in_phases(out, close):
    x, w = arrays(3, out)
    close(conv_enlarged(x, w, True), conv_enlarged(x, w, False), OP)
