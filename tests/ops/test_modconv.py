"""Modulated convolution and normalisations against their definitions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.ops.activations import ACTIVATIONS, bias_act
from jaxgan.ops.modconv import modulated_conv
from jaxgan.ops.normalize import minibatch_stddev, normalise_2nd_moment
from jaxgan.ops.resample import conv, conv_up2
from tests.tolerances import OP


@pytest.mark.parametrize("demodulate", [True, False])
@pytest.mark.parametrize("up", [True, False])
def test_modulated_conv_matches_per_sample_loop(demodulate, up, close):
    keys = jax.random.split(jax.random.key(0), 3)
    x, w = jax.random.normal(keys[0], (3, 6, 6, 4)), jax.random.normal(keys[1], (3, 3, 4, 5))
    style = 1 + jax.random.normal(keys[2], (3, 4))
    expected = []
    for i in range(3):
        scaled = w * style[i][None, None, :, None]
        if demodulate:
            scaled = scaled / jnp.sqrt(jnp.sum(scaled**2, axis=(0, 1, 2)) + 1e-8)
        expected.append((conv_up2 if up else conv)(x[i : i + 1], scaled)[0])
    close(modulated_conv(x, w, style, demodulate=demodulate, up=up), jnp.stack(expected), OP)


def test_demodulation_cancels_the_scale_of_the_style(close):
    keys = jax.random.split(jax.random.key(0), 3)
    x, w = jax.random.normal(keys[0], (2, 4, 4, 3)), jax.random.normal(keys[1], (3, 3, 3, 5))
    style = jax.random.normal(keys[2], (2, 3))
    close(modulated_conv(x, w, 7 * style), modulated_conv(x, w, style), OP)


def test_minibatch_stddev_reads_the_batch_as_strided_groups(close):
    x = np.random.default_rng(0).standard_normal((6, 2, 2, 4))
    out = np.asarray(minibatch_stddev(jnp.float32(x), 3, 2))
    close(out[..., :4], x, OP)
    for m in range(2):
        members = x[m::2]  # samples m, m + 2, m + 4 are one group
        for f in range(2):
            part = members[..., 2 * f : 2 * f + 2]
            expected = np.sqrt(part.var(axis=0) + 1e-8).mean()
            close(out[m::2, ..., 4 + f], np.full((3, 2, 2), expected), OP)


def test_minibatch_stddev_refuses_a_group_that_does_not_divide_the_batch():
    with pytest.raises(ValueError, match="Batch 6 is not divisible by the minibatch-stddev group 4"):
        minibatch_stddev(jnp.ones((6, 4, 4, 2)), 4)


def test_minibatch_stddev_of_parts_is_that_of_each_part_by_itself():
    x = jax.random.normal(jax.random.key(0), (12, 4, 4, 2))
    by_parts = minibatch_stddev(x, 2, 1, parts=3)
    alone = jnp.concatenate([minibatch_stddev(x[i : i + 4], 2, 1) for i in (0, 4, 8)])
    np.testing.assert_array_equal(by_parts, alone)
    assert not np.array_equal(by_parts, minibatch_stddev(x, 2, 1))
    np.testing.assert_array_equal(minibatch_stddev(x, None, 1, parts=3), minibatch_stddev(x, 4, 1, parts=3))
    with pytest.raises(ValueError, match="Batch 12 is not divisible by 5 minibatch-stddev parts"):
        minibatch_stddev(x, 2, 1, parts=5)


def test_second_moment_becomes_one_and_direction_stays(close):
    x = jax.random.normal(jax.random.key(0), (4, 9)) * 5
    y = normalise_2nd_moment(x)
    close(jnp.mean(y**2, axis=1), jnp.ones(4), OP)
    close(y / jnp.linalg.norm(y, axis=1, keepdims=True), x / jnp.linalg.norm(x, axis=1, keepdims=True), OP)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_bias_act_adds_activates_scales_and_clamps_in_this_order(activation, close):
    x, b = jnp.linspace(-3, 3, 12).reshape(3, 4), jnp.arange(4.0)
    function, gain = ACTIVATIONS[activation]
    close(bias_act(x, b, activation, 0.5, 1.25), jnp.clip(function(x + b) * gain * 0.5, -0.625, 0.625), OP)
