import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.metrics.activeness import activeness, diagonality

Z = jax.random.normal(jax.random.key(0), (10, 4))
SIZES = jnp.array([3.0, 0.0, 1.0, 2.0])


def test_activeness_of_a_linear_map_is_four_squared_slopes():
    # Var{-2 s, 0, 2 s} = 4 s^2, the mean over two outputs of which one is s z and one is 0 being 2 s^2 each.
    fn = lambda z: jnp.stack([(z * SIZES).sum(1), jnp.zeros(len(z))], 1)
    np.testing.assert_allclose(activeness(fn, Z, batch=4), 2 * SIZES**2, atol=1e-5)
    np.testing.assert_allclose(activeness(fn, Z, 1.0), SIZES**2 / 2, atol=1e-5)


def test_activeness_of_a_coordinate_that_acts_with_another_is_a_mean_over_codes():
    found = activeness(lambda z: z[:, 0] * z[:, 1], Z)
    np.testing.assert_allclose(found[0], 4 * np.mean(np.square(Z[:, 1])), rtol=1e-5)
    np.testing.assert_allclose(found[2:], 0, atol=1e-6)


@pytest.mark.parametrize("mode", ["fd", "exact"])
def test_diagonality_tells_sums_from_products(mode):
    alone = lambda z: z**2 * (1 + SIZES)  # [N, 4]
    together = lambda z: z * jnp.roll(z, 1, 1)
    assert diagonality(alone, Z, mode, batch=4).share == 1
    assert diagonality(together, Z, mode).share == 0
    both = diagonality(lambda z: jnp.concatenate([alone(z), together(z)], 1), Z, mode)
    assert both.share == 0.5


def test_the_ratio_is_that_of_mean_sizes():
    # H = [[6, 1], [1, 0]] in the first two of four coordinates: mean 6 / 4 against 2 / 12.
    found = diagonality(lambda z: 3 * z[:, 0] ** 2 + z[:, 0] * z[:, 1], Z, "exact")
    np.testing.assert_allclose(found.ratio, 9.0, rtol=1e-4)


def test_kinks_are_seen_by_differences_only():
    fn = lambda z: jax.nn.relu(z[:, 0] + z[:, 1])
    assert diagonality(fn, jnp.zeros((2, 2)), "exact").ratio == 0
    assert diagonality(fn, jnp.zeros((2, 2))).ratio > 0.5


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="There is no mode 'jet'"):
        diagonality(lambda z: z, Z, "jet")
    with pytest.raises(ValueError, match="at least 2"):
        diagonality(lambda z: z, Z[:, :1])
