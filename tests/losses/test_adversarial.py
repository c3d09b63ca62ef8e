"""Adversarial losses have the minima, symmetries and derivatives that their papers claim."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.losses import adversarial as a
from tests.tolerances import GRAD_X64, OP

KEY = jax.random.key(0)
REAL, FAKE = 2 * jax.random.normal(KEY, (2, 5, 1))
OF_FAKE = (a.minimax_g, a.nonsaturating_g, a.least_squares_g, a.wasserstein_g, a.hinge_g)
OF_BOTH = (a.nonsaturating_d, a.least_squares_d, a.wasserstein_d, a.hinge_d, a.relativistic_d, a.relativistic_g)
GAMES = {
    "minimax": (a.nonsaturating_d, lambda real, fake: a.minimax_g(fake)),
    "nonsaturating": (a.nonsaturating_d, lambda real, fake: a.nonsaturating_g(fake)),
    "least squares": (a.least_squares_d, lambda real, fake: a.least_squares_g(fake)),
    "wasserstein": (a.wasserstein_d, lambda real, fake: a.wasserstein_g(fake)),
    "hinge": (a.hinge_d, lambda real, fake: a.hinge_g(fake)),
    "relativistic": (a.relativistic_d, a.relativistic_g),
}


@pytest.mark.parametrize("loss", OF_FAKE + OF_BOTH, ids=lambda f: f.__name__)
def test_a_loss_is_one_number_a_sample_and_the_mean_over_a_map(loss):
    arguments = (FAKE,) if loss in OF_FAKE else (REAL, FAKE)
    values = loss(*arguments)
    assert values.shape == (5,)
    np.testing.assert_array_equal(values, loss(*(x[:, 0] for x in arguments)))
    maps = [jnp.concatenate([x, jnp.roll(x, 1, 0)], 1).reshape(5, 1, 2, 1) for x in arguments]
    other = loss(*(jnp.roll(x, 1, 0) for x in arguments))
    np.testing.assert_allclose(loss(*maps), (values + other) / 2, rtol=OP, atol=OP)
    alone = loss(*(x[2:3] for x in arguments))
    np.testing.assert_allclose(alone, values[2:3], rtol=OP)


@pytest.mark.parametrize("name", GAMES)
def test_derivatives_equal_finite_differences(name):
    with jax.enable_x64(True):
        real, fake = np.float64(REAL), np.float64(FAKE)
        for loss in GAMES[name]:
            total = lambda fake, loss=loss: loss(jnp.asarray(real), fake).sum()
            gradient = jax.grad(total)(jnp.asarray(fake))
            step = 1e-6 * np.eye(5).reshape(5, 5, 1)
            expected = [(total(jnp.asarray(fake + s)) - total(jnp.asarray(fake - s))) / 2e-6 for s in step]
            np.testing.assert_allclose(gradient[:, 0], expected, atol=GRAD_X64)


@pytest.mark.parametrize("name", GAMES)
def test_the_discriminator_pushes_fakes_down_and_reals_up_and_the_generator_fakes_up(name):
    d, g = GAMES[name]
    near = 0.1 * jnp.ones((3, 1))  # within the hinge's margin
    real, fake = jax.grad(lambda r, f: d(r, f).sum(), argnums=(0, 1))(near, near)
    assert np.all(real < 0) and np.all(fake > 0)
    assert np.all(jax.grad(lambda f: g(near, f).sum())(-near) < 0)


def test_nonsaturating_losses_are_cross_entropies():
    p = jax.nn.sigmoid
    np.testing.assert_allclose(a.nonsaturating_g(FAKE), -jnp.log(p(FAKE))[:, 0], rtol=OP)
    np.testing.assert_allclose(a.minimax_g(FAKE), jnp.log(1 - p(FAKE))[:, 0], rtol=OP)
    expected = -jnp.log(p(REAL)) - jnp.log(1 - p(FAKE))
    np.testing.assert_allclose(a.nonsaturating_d(REAL, FAKE), expected[:, 0], rtol=OP)


def test_the_minimax_loss_saturates_where_the_other_does_not():
    slope = lambda loss, at: float(jax.grad(lambda x: loss(x[None]).sum())(jnp.float32(at)))
    assert abs(slope(a.minimax_g, -20.0)) < 1e-8 and slope(a.nonsaturating_g, -20.0) == pytest.approx(-1)
    assert slope(a.minimax_g, 0.0) == slope(a.nonsaturating_g, 0.0) == -0.5


@pytest.mark.parametrize("density", [0.1, 0.5, 0.8])
def test_the_best_logit_is_the_one_of_the_papers(density):
    """On one point that holds `density` of the real and 1 - density of the generated mass."""
    grid = jnp.linspace(-6, 6, 12001)
    weigh = lambda d: density * d(grid, grid * 0) + (1 - density) * d(grid * 0, grid)
    best = lambda d: float(grid[jnp.argmin(weigh(d))])
    assert best(a.nonsaturating_d) == pytest.approx(np.log(density / (1 - density)), abs=2e-3)
    assert best(a.least_squares_d) == pytest.approx(density, abs=2e-3)
    if density != 0.5:
        assert best(a.hinge_d) == pytest.approx(np.sign(density - 0.5), abs=2e-3)


def test_least_squares_losses_are_zero_at_their_goals_alone():
    one, zero = jnp.ones((2, 1)), jnp.zeros((2, 1))
    assert np.array_equal(a.least_squares_d(one, zero), [0, 0]) and np.array_equal(a.least_squares_g(one), [0, 0])
    assert np.array_equal(a.least_squares_d(one, -one, 1.0, -1.0), [0, 0])
    assert np.all(a.least_squares_d(REAL, FAKE) > 0)
    np.testing.assert_allclose(a.least_squares_d(REAL, FAKE), a.least_squares_d(1 - FAKE, 1 - REAL), rtol=OP, atol=OP)


def test_the_hinge_is_flat_beyond_its_margin():
    gradient = jax.grad(lambda r, f: a.hinge_d(r, f).sum(), argnums=(0, 1))
    far = jnp.full((2, 1), 1.5)
    assert not np.any(jnp.stack(gradient(far, -far))) and np.array_equal(a.hinge_d(far, -far), [0, 0])
    np.testing.assert_array_equal(jnp.stack(gradient(far - 1, 1 - far))[:, :, 0], [[-1, -1], [1, 1]])


def test_the_wasserstein_game_is_zero_sum_and_blind_to_a_constant():
    np.testing.assert_allclose(a.wasserstein_d(REAL, FAKE) + a.wasserstein_g(FAKE), -REAL[:, 0], rtol=OP, atol=OP)
    np.testing.assert_allclose(a.wasserstein_d(REAL + 3, FAKE + 3), a.wasserstein_d(REAL, FAKE), atol=OP)


def test_the_pairing_game_exchanges_roles_and_is_blind_to_a_constant():
    np.testing.assert_array_equal(a.relativistic_d(REAL, FAKE), a.relativistic_g(FAKE, REAL))
    np.testing.assert_allclose(a.relativistic_d(REAL + 3, FAKE + 3), a.relativistic_d(REAL, FAKE), atol=OP)
    difference = a.relativistic_g(REAL, FAKE) - a.relativistic_d(REAL, FAKE)
    np.testing.assert_allclose(difference, (REAL - FAKE)[:, 0], atol=OP)
    np.testing.assert_allclose(a.relativistic_d(REAL, REAL), np.log(2), rtol=OP)
