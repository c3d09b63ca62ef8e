"""Batch normalisation: what it does to a batch, and what it keeps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.core.network import initialise
from jaxgan.nn.normalize import BatchNorm
from tests.tolerances import OP

X = 3 + 2 * jax.random.normal(jax.random.key(0), (8, 4, 4, 5))


def network(**config):
    return initialise(BatchNorm(**config), jax.random.key(1), X)


def test_a_training_batch_gets_mean_0_and_variance_1(close):
    y, _ = network().in_training(X)
    close(y.mean((0, 1, 2)), np.zeros(5), OP)
    close(y.var((0, 1, 2)), np.ones(5), 5 * OP)  # eps in the denominator


def test_running_statistics_move_by_the_momentum_to_the_unbiased_ones(close):
    bn = network(momentum=0.25)
    _, buffers = bn.in_training(X)
    flat = np.asarray(X).reshape(-1, 5)
    close(buffers["mean"], 0.25 * flat.mean(0), OP)
    close(buffers["var"], 0.75 + 0.25 * flat.var(0, ddof=1), OP)
    _, last = network(momentum=1.0).in_training(X)
    close(last["var"], flat.var(0, ddof=1), OP)


def test_evaluation_uses_the_buffers_and_not_the_batch(close):
    bn = network().replace(buffers={"mean": jnp.arange(5.0), "var": 1 + jnp.arange(5.0)})
    expected = (X - jnp.arange(5.0)) / jnp.sqrt(1 + jnp.arange(5.0) + 1e-5)
    close(bn(X), expected, OP)
    close(bn(X[:1]), expected[:1], OP)


def test_groups_normalise_their_parts_alone_and_share_the_running_statistics(close):
    x = X.at[4:].multiply(10.0)
    halves = network(groups=2)
    y, buffers = halves.in_training(x)
    alone = [network().in_training(part) for part in (x[:4], x[4:])]
    close(y, jnp.concatenate([a[0] for a in alone]), OP)
    for name in ("mean", "var"):
        close(buffers[name], (alone[0][1][name] + alone[1][1][name]) / 2, OP, name)
    with pytest.raises(ValueError, match="8 is not divisible by 3"):
        network(groups=3).in_training(X)


def test_weights_start_around_1_and_the_affine_part_can_be_left_out(close):
    wide = initialise(BatchNorm(weight_std=0.02), jax.random.key(1), jnp.zeros((1, 4096)))
    close(np.std(wide.params["weight"]), 0.02, 1e-3)
    close(np.mean(wide.params["weight"]), 1.0, 1e-3)
    assert not network(affine=False).params


def test_vectors_are_normalised_too(close):
    y, _ = initialise(BatchNorm(), jax.random.key(1), X[:, 0, 0]).in_training(X[:, 0, 0])
    close(y.mean(0), np.zeros(5), OP)
