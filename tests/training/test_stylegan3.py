"""StyleGAN3's game: the blur, its fade, and what moves when."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import convolve1d

from jaxgan.training.ema import Ema
from jaxgan.training.settings import R1, Adam
from jaxgan.training.stylegan3 import Blur, StyleGAN3, blurred
from tests.tolerances import OP

GAME = StyleGAN3(blur=Blur(4.0, 0.064), variant="r", r1=R1(1.0, 2)).smoke()


def made(game=GAME):
    return game.trainer(batch=8, adam=Adam(lr=0.01), ema=Ema(kimg=0.1))


@pytest.mark.parametrize("sigma", [0.4, 1.0, 2.7])
def test_blur_is_a_convolution_with_its_kernel(sigma, close):
    images = np.asarray(jax.random.normal(jax.random.key(0), (2, 12, 15, 3)))
    reach = int(3 * sigma)
    kernel = 2.0 ** -np.square(np.arange(-reach, reach + 1) / sigma)
    kernel /= kernel.sum()
    expected = convolve1d(convolve1d(images, kernel, 1, mode="constant"), kernel, 2, mode="constant")
    close(blurred(jnp.asarray(images), jnp.float32(sigma), 3.0), expected, OP)


@pytest.mark.parametrize("sigma", [0.0, 0.3])
def test_no_blur_leaves_images_and_their_gradients_alone(sigma):
    images = jax.random.normal(jax.random.key(0), (2, 9, 9, 3))
    loss = lambda x: jnp.sum(jnp.square(blurred(x, jnp.float32(sigma), 10.0)))
    assert np.array_equal(blurred(images, jnp.float32(sigma), 10.0), images)
    assert np.array_equal(jax.grad(loss)(images), 2 * images)


def test_blur_fades_linearly_in_images_and_stays_away():
    t = made()
    state, batch, seen = jax.jit(t.init)(jax.random.key(0)), {"image": jnp.zeros((8, 16, 16, 3))}, []
    step = jax.jit(lambda s: t.step(s, batch, active=())[0])  # no move: what ends a step is left
    for _ in range(10):
        seen.append(float(state.stats["blur"]))
        state = step(state)
    assert seen == pytest.approx([4.0, 3.5, 3.0, 2.5, 2.0, 1.5, 1.0, 0.5, 0.0, 0.0])


def test_the_fade_is_that_of_the_published_code_when_not_said():
    t = made(StyleGAN3(blur=Blur()).smoke())
    state = jax.eval_shape(t.init, jax.random.key(0))
    zeros = jax.tree.map(
        lambda x: x if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else jnp.zeros(x.shape, x.dtype), state
    )
    zeros = zeros.replace(key=jax.random.key(0), step=jnp.int32(3124), images=jnp.int32(0))
    # 200 kimg for a batch of 32: 50 for one of 8, half of which are 3125 steps.
    after = t.step(zeros, {"image": jnp.zeros((8, 16, 16, 3))}, active=())[0]
    assert float(after.stats["blur"]) == pytest.approx(5.0)


def test_magnitudes_and_the_mean_of_w_move_with_the_discriminator_only():
    t = made()
    state = jax.jit(t.init)(jax.random.key(0))
    batch = {"image": jax.random.normal(jax.random.key(1), (8, 16, 16, 3))}
    step = jax.jit(t.step, static_argnames="active")
    buffers = lambda s: jax.tree.leaves(s.stats["buffers"]["G"])
    same = lambda a, b: [np.array_equal(x, y) for x, y in zip(buffers(a), buffers(b), strict=True)]
    assert all(same(state, step(state, batch, active=("G",))[0]))
    after, metrics = step(state, batch, active=("D",))
    before, moved = (s.stats["buffers"]["G"] for s in (state, after))
    for name, layer in moved["synthesis"].items():
        if name == "input":
            assert all(np.array_equal(layer[k], before["synthesis"]["input"][k]) for k in layer)
        else:
            assert float(layer["magnitude_ema"]) != 1.0
    assert np.abs(moved["spread"]["w_mean"]).max() > 0
    assert float(metrics["D/blur"]) == 4.0


def test_r_has_twice_the_generators_channels_and_the_discriminator_its_own():
    t, r = (StyleGAN3(resolution=16, channel_base=64, variant=v) for v in ("t", "r"))
    narrow, wide = dict(t.arch().config), dict(r.arch().config)
    assert [2 * narrow[k] for k in ("channel_base", "channel_max")] == [
        wide[k] for k in ("channel_base", "channel_max")
    ]
    judges = [jax.eval_shape(model.discriminator, jax.random.key(0)) for model in (t, r)]
    assert judges[0].config == judges[1].config
    assert wide["kernel"] == 1 and wide["radial"] and wide["conv_clamp"] == 256.0
