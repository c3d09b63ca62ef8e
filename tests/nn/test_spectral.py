"""Spectral normalisation: the estimate, its state, its gradient; attention and conditional norms that rest on it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.core.network import initialise
from jaxgan.nn.attention import Attention
from jaxgan.nn.conditional import ConditionalBatchNorm
from jaxgan.nn.normalize import BatchNorm, Levels
from jaxgan.nn.spectral import Conv, Dense, Embedding
from tests.tolerances import OP

X = jax.random.normal(jax.random.key(0), (4, 6))
MAPS = jax.random.normal(jax.random.key(1), (2, 4, 4, 8))


def dense(**config):
    return initialise(Dense(5, bias=False, initial="normal", **config), jax.random.key(2), X)


def settled(network, *inputs, steps=200):
    for _ in range(steps):
        network = network.replace(buffers=network.in_training(*inputs)[1])
    return network


def test_training_passes_lead_to_the_largest_singular_value(close):
    network = settled(dense(), X)
    sigma = np.linalg.norm(network.params["weight"], 2)
    close(network.buffers["sigma"], sigma, OP)
    close(network(X), X @ (network.params["weight"] / sigma), OP)


def test_one_pass_is_one_step_of_the_power_iteration(close):
    network = dense()
    weight, u = np.asarray(network.params["weight"], np.float64), np.asarray(network.buffers["u"], np.float64)
    v = weight @ u / np.linalg.norm(weight @ u)
    new = weight.T @ v / np.linalg.norm(weight.T @ v)
    y, buffers = network.in_training(X)
    close(buffers["u"], new, OP)
    close(buffers["sigma"], v @ weight @ new, OP)
    close(y, np.asarray(X) @ weight / (v @ weight @ new), OP)
    close(network(X), y, OP)  # the same estimate, and nothing is kept


def test_the_gradient_does_not_go_through_the_vectors(close):
    network = dense()
    weight, u = network.params["weight"], network.buffers["u"]
    v = weight @ u / jnp.linalg.norm(weight @ u)
    new = weight.T @ v / jnp.linalg.norm(weight.T @ v)
    fixed = lambda w: jnp.sum(jnp.square(X @ w / (v @ w @ new)))
    ours = lambda p: jnp.sum(jnp.square(network.replace(params=p)(X)))
    close(jax.grad(ours)(network.params)["weight"], jax.grad(fixed)(weight), 10 * OP)


def test_stored_vectors_are_used_as_they_are_and_replaced_in_training(close):
    network = dense(stored=True)
    odd = {"u": jnp.arange(5.0), "v": jnp.ones(6)}
    weight = network.params["weight"]
    close(network.replace(buffers=odd)(X), X @ weight / (odd["v"] @ weight @ odd["u"]), OP)
    moved = settled(network, X).buffers
    close(moved["v"] @ weight @ moved["u"], np.linalg.norm(weight, 2), OP)


def test_convolutions_are_normalised_as_matrices_of_all_their_inputs(close):
    network = settled(initialise(Conv(3, initial="normal"), jax.random.key(3), MAPS), MAPS)
    matrix = np.asarray(network.params["weight"]).reshape(-1, 3)
    close(network.buffers["sigma"], np.linalg.norm(matrix, 2), OP)


def test_an_embeddings_state_belongs_to_the_classes():
    network = initialise(Embedding(5), jax.random.key(4), jnp.eye(3))
    assert network.buffers["u"].shape == (3,) and network(jnp.eye(3)).shape == (3, 5)


def test_attention_starts_as_the_identity_and_reads_from_every_position(close):
    network = initialise(Attention(), jax.random.key(5), MAPS)
    assert np.array_equal(network(MAPS), MAPS)
    on = network.replace(params={**network.params, "gamma": jnp.ones(())})
    here = lambda x: on(x)[0, 0, 0].sum()
    seen = jnp.abs(jax.grad(here)(MAPS)).sum(-1)
    assert seen[0].max() > 0 and seen[1].max() == 0 and (seen[0, 2:, 2:] > 0).any()


def test_attention_is_a_softmax_over_the_maxima_of_cells(close):
    network = initialise(Attention(normalise=False), jax.random.key(6), MAPS)
    w = {name: np.asarray(network.params[name]["weight"], np.float64)[0, 0] for name in ("theta", "phi", "g", "o")}
    x = np.asarray(MAPS, np.float64)
    cells = lambda y: y.reshape(2, 2, 2, 2, 2, -1).max((2, 4)).reshape(2, 4, -1)
    scores = (x @ w["theta"]).reshape(2, 16, -1) @ cells(x @ w["phi"]).transpose(0, 2, 1)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    read = (weights / weights.sum(-1, keepdims=True)) @ cells(x @ w["g"])
    on = network.replace(params={**network.params, "gamma": jnp.float32(0.5)})
    close(on(MAPS), x + 0.5 * read.reshape(2, 4, 4, -1) @ w["o"], OP)


def test_a_condition_scales_and_shifts_what_is_normalised(close):
    cond = jax.random.normal(jax.random.key(7), (2, 3))
    network = initialise(ConditionalBatchNorm(normalise=False), jax.random.key(8), MAPS, cond)
    gain, bias = (cond @ network.params[name]["weight"] for name in ("gain", "bias"))
    y, buffers = network.in_training(MAPS, cond)
    plain = (MAPS - MAPS.mean((0, 1, 2))) / jnp.sqrt(MAPS.var((0, 1, 2)) + 1e-5)
    close(y, plain * (1 + gain)[:, None, None] + bias[:, None, None], 2 * OP)
    assert set(buffers) == {"mean", "var"}


@pytest.mark.parametrize("swapped", (False, True))
def test_statistics_for_truncations_are_linear_between_their_rows(swapped, close):
    table = jnp.array([[0.0], [1.0], [10.0]])
    read = lambda t, swap=swapped: float(Levels(3, t, swap).read(table)[0])
    close(read(0.5), 1.0, OP)
    close(read(1.0), 10.0, OP)
    close(read(0.6), 0.2 * 1 + 0.8 * 10 if swapped else 0.8 * 1 + 0.2 * 10, OP)


def test_statistics_for_truncations_do_not_move():
    network = initialise(BatchNorm(levels=Levels(3, 0.5)), jax.random.key(9), MAPS)
    assert network.buffers["mean"].shape == (3, 8)
    assert np.array_equal(network.in_training(MAPS)[1]["mean"], network.buffers["mean"])
