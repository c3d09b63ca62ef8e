"""StyleGAN2's losses and their gradients equal the reference's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.core import Code
from jaxgan.io import load
from jaxgan.losses.adversarial import nonsaturating_d, nonsaturating_g
from jaxgan.losses.penalties import path_lengths, r1
from tests.tolerances import NETWORK


@pytest.fixture(scope="module")
def case(golden):
    read = lambda name: {
        k: v.transpose(0, 2, 3, 1) if v.ndim == 4 and v.shape[1] == 3 and v.shape[2] == 32 else v
        for k, v in np.load(golden(name)).items()
    }
    path = golden("stylegan2_cond32.pkl")
    return load(path), load(path, part="D"), read("stylegan2_cond32.npz"), read("stylegan2_cond32_losses.npz")


def hwio(weight):
    return weight.transpose(2, 3, 1, 0)


def test_path_length_penalty_with_its_gradients_is_the_references(case, close):
    g, _, arrays, losses = case
    # The reference scaled its noise already; `path_lengths` scales standard normal noise itself.
    noise = losses["pl_noise"] * (32.0 if np.abs(losses["pl_noise"]).max() < 1 else 1.0)
    draw = lambda params, ws: g.replace(params=params)(Code(ws, "w+"))

    def penalty(params):
        lengths = path_lengths(lambda ws: draw(params, ws), arrays["ws"], noise)
        return jnp.mean(jnp.square(lengths - 0.7)), lengths

    (value, lengths), gradient = jax.jit(jax.value_and_grad(penalty, has_aux=True))(g.params)
    close(lengths, losses["pl_lengths"], NETWORK, "lengths")
    close(value, losses["pl_penalty_mean0.7"], NETWORK, "penalty")
    weight = gradient["synthesis"]["b8"]["conv0"]["weight"]
    close(weight, hwio(losses["pl_dweight_b8conv0"]), NETWORK, "d penalty / d weight")
    close(gradient["style"]["b8_conv0"]["weight"], losses["pl_daffine_b8conv0"].T, NETWORK, "d penalty / d affine")


def test_path_gradient_is_the_references(case, close):
    g, _, arrays, losses = case
    noise = losses["pl_noise"] / (1.0 if np.abs(losses["pl_noise"]).max() < 1 else 32.0)
    gradient = jax.jit(jax.grad(lambda ws: jnp.sum(g(Code(ws, "w+")) * noise)))(jnp.asarray(arrays["ws"]))
    close(gradient, losses["pl_grads"], NETWORK)


def test_r1_with_its_gradient_is_the_references(case, close):
    _, d, arrays, losses = case
    score = lambda params: lambda x: d.replace(params=params)(x, arrays["c"])
    penalties = lambda params: r1(score(params), jnp.asarray(arrays["image_in"]))
    values, gradient = jax.jit(lambda p: (penalties(p), jax.grad(lambda p: penalties(p).mean())(p)))(d.params)
    close(values, losses["r1"], NETWORK, "r1")
    close(gradient["b8"]["conv0"]["weight"], hwio(losses["r1_dweight_b8conv0"]), NETWORK, "d r1 / d weight")


def test_adversarial_losses_with_the_generators_gradient_are_the_references(case, close):
    g, d, arrays, losses = case

    def generator_loss(params):
        fake = d(g.replace(params=params)(Code(arrays["ws"], "w+")), arrays["c"])
        return nonsaturating_g(fake).mean(), fake

    (_, fake), gradient = jax.jit(jax.value_and_grad(generator_loss, has_aux=True))(g.params)
    close(fake, losses["fake_logits"], NETWORK, "fake logits")
    close(nonsaturating_g(fake), losses["g_loss"][:, 0], NETWORK, "generator loss")
    real = jnp.asarray(arrays["logits"])
    expected = losses["d_loss_fake"][:, 0] + losses["d_loss_real"][:, 0]
    close(nonsaturating_d(real, fake), expected, NETWORK, "discriminator loss")
    close(
        gradient["synthesis"]["b4"]["conv1"]["weight"], hwio(losses["g_dweight_b4conv1"]), NETWORK, "d loss / d weight"
    )
