"""Spectral normalisation with its state explicit, and the layers that have it."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from jaxgan.ops.resample import HIGHEST, conv
from jaxgan.ops.strided import conv_enlarged

INITS = {
    "ortho": nn.initializers.orthogonal(),
    "normal": nn.initializers.normal(0.02),
    "glorot": nn.initializers.xavier_uniform(),
}


def spectral(module: nn.Module, weight: Float[Array, "*i o"], train: bool, eps: float = 1e-6, stored: bool = False):
    """Return a weight divided by an estimate of its largest singular value, keeping the estimate's state.

        v = W u / |W u|,   u' = W^T v / |W^T v|,   sigma = v^T W u'          W: [inputs, O]

    The gradient goes through W only. In training u' replaces the buffer `u` [O], so that one step of the power
    iteration is made a call, and sigma is left in the buffer `sigma`; otherwise the same sigma is computed from `u`
    and nothing is kept.

    Args:
        module: Owner of the buffers.
        weight: Read as a matrix whose last axis are the outputs.
        train: Whether the buffers move.
        eps: Least length that is divided by.
        stored: Keep `v` [inputs] too, in place of `sigma`, and take both vectors as they are outside of training: the
            convention of PyTorch's own spectral norm.

    Source: Miyato et al., "Spectral Normalization for Generative Adversarial Networks" (2018), algorithm 1.
    """
    matrix = weight.reshape(-1, weight.shape[-1])
    unit = lambda x: x / jnp.maximum(jnp.linalg.norm(x), eps)
    times = lambda a, b: jnp.matmul(a, b, precision=HIGHEST)
    draw = lambda: unit(jax.random.normal(module.make_rng("params"), (matrix.shape[1],)))
    u = module.variable("buffers", "u", draw)
    other = module.variable("buffers", "v", lambda: unit(times(matrix, u.value))) if stored else None
    if other is not None and not train:
        left, right = other.value, u.value
    else:
        fixed = lax.stop_gradient(matrix)
        left = unit(times(fixed, u.value))
        right = unit(times(left, fixed))
    sigma = times(times(left, matrix), right)
    kept = None if stored else module.variable("buffers", "sigma", jnp.ones, ())
    if train and module.is_mutable_collection("buffers") and not module.is_initializing():
        u.value = right
        if other is not None:
            other.value = left
        if kept is not None:
            kept.value = lax.stop_gradient(sigma)
    return weight / sigma


class Dense(nn.Module):
    """Fully connected layer y = x W / sigma + b with `weight` [I, O]; b starts at 0.

    Args:
        features: Width of y.
        bias: Whether there is one.
        normalise: Whether W is divided by its norm.
        stored, eps: As for `spectral`.
        initial: Of the weight: "ortho", "normal" (standard deviation 0.02) or "glorot".
    """

    features: int
    bias: bool = True
    normalise: bool = True
    stored: bool = False
    eps: float = 1e-6
    initial: str = "ortho"

    @nn.compact
    def __call__(self, x, train: bool = False):
        weight = self.param("weight", INITS[self.initial], (x.shape[-1], self.features))
        if self.normalise:
            weight = spectral(self, weight, train, self.eps, self.stored)
        y = jnp.matmul(x, weight.astype(x.dtype), precision=HIGHEST)
        return y + self.param("bias", nn.initializers.zeros, (self.features,)).astype(y.dtype) if self.bias else y


class Embedding(nn.Module):
    """Rows of a table by class, y = c E / sigma with `weight` [classes, O] and c one-hot or any mixture.

    The state `u` belongs to the classes, as in the published discriminators.
    """

    features: int
    eps: float = 1e-6
    initial: str = "ortho"

    @nn.compact
    def __call__(self, cond, train: bool = False):
        weight = self.param("weight", INITS[self.initial], (cond.shape[-1], self.features))
        weight = spectral(self, weight.T, train, self.eps).T
        return jnp.matmul(cond, weight, precision=HIGHEST)


class Conv(nn.Module):
    """Convolution y = x * W / sigma + b, zero padded, with `weight` [k, k, I, O].

    Args:
        features, bias, normalise, stored, eps, initial: As for `Dense`.
        kernel: Side of the kernel k.
        enlarge: Repeat every pixel of x in both directions first.
    """

    features: int
    kernel: int = 3
    bias: bool = True
    normalise: bool = True
    stored: bool = False
    eps: float = 1e-6
    initial: str = "ortho"
    enlarge: bool = False

    @nn.compact
    def __call__(self, x, train: bool = False):
        shape = (self.kernel, self.kernel, x.shape[-1], self.features)
        weight = self.param("weight", INITS[self.initial], shape)
        if self.normalise:
            weight = spectral(self, weight, train, self.eps, self.stored)
        y = (conv_enlarged if self.enlarge else conv)(x, weight.astype(x.dtype))
        return y + self.param("bias", nn.initializers.zeros, (self.features,)).astype(y.dtype) if self.bias else y
