import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.losses.disentangle import curvature, hessian_penalty, orojar
from tests import tolerances

KEY = jax.random.key(6)
W1, W2 = (jax.random.normal(jax.random.key(i), s) for i, s in enumerate([(5, 12), (12, 7)]))


def smooth(z):
    return jnp.tanh(z @ W1 / 2) @ W2


def kinked(z):
    return jax.nn.leaky_relu(z @ W1, 0.2) @ W2


def off_diagonal(fn, z):
    """2 sum_{i != j} H_ij^2, averaged over outputs, by the whole Hessian."""
    hessian = jax.vmap(jax.hessian(lambda x: fn(x[None])[0]))(z)  # [N, outputs, D, D]
    off = hessian * (1 - jnp.eye(z.shape[1]))
    return 2 * jnp.square(off).sum((2, 3)).mean(1)


@pytest.mark.parametrize("mode,tolerance", [("exact", 0.02), ("fd", 0.04)])
def test_mean_over_probes_is_the_off_diagonal_energy(mode, tolerance):
    z = jax.random.normal(KEY, (3, 5))
    mean = hessian_penalty(smooth, z, KEY, probes=20_000, mode=mode, eps=0.05)
    np.testing.assert_allclose(mean, off_diagonal(smooth, z), rtol=tolerance)


def off_orthogonal(fn, z):
    """2 sum_{i != j} (J^T J)_ij^2, by the whole Jacobian."""
    jacobian = jax.vmap(jax.jacobian(lambda x: fn(x[None])[0]))(z)  # [N, outputs, D]
    gram = jnp.einsum("noi,noj->nij", jacobian, jacobian) * (1 - jnp.eye(z.shape[1]))
    return 2 * jnp.square(gram).sum((1, 2))


@pytest.mark.parametrize("penalty,energy", [(hessian_penalty, off_diagonal), (orojar, off_orthogonal)])
def test_two_probes_are_unbiased(penalty, energy):
    z = jax.random.normal(KEY, (1, 5))
    draws = penalty(smooth, jnp.broadcast_to(z, (100_000, 5)), KEY)  # each code has probes of its own
    np.testing.assert_allclose(draws.mean(), energy(smooth, z)[0], rtol=0.01)


@pytest.mark.parametrize("fn", [smooth, kinked])
def test_orojar_is_the_energy_of_the_jacobians_gram_matrix_beside_its_diagonal(fn):
    z = jax.random.normal(KEY, (3, 5))
    np.testing.assert_allclose(orojar(fn, z, KEY, probes=20_000), off_orthogonal(fn, z), rtol=0.03)


def test_orojar_of_orthogonal_columns_is_zero_and_forward_differences_come_near_it(close):
    z, turn = jax.random.normal(KEY, (3, 5)), jnp.linalg.qr(jax.random.normal(KEY, (9, 5)))[0]
    assert orojar(lambda z: z @ (turn * jnp.arange(1, 6)).T, z, KEY, probes=8).max() < 1e-4
    close(orojar(smooth, z, KEY, mode="fd", eps=1e-3), orojar(smooth, z, KEY), 0.02)


@pytest.mark.parametrize("penalty", [hessian_penalty, orojar])
@pytest.mark.parametrize("mode", ["exact", "fd"])
def test_probes_in_parts_and_outputs_apart_are_the_same_penalty(penalty, mode, close):
    z, pair = jax.random.normal(KEY, (3, 5)), lambda z: {"a": smooth(z), "b": z[:, :2] * z[:, 1:3]}
    whole = penalty(pair, z, KEY, 7, mode)
    close(penalty(pair, z, KEY, 7, mode, chunk=3), whole, 10 * tolerances.OP)
    apart = penalty(pair, z, KEY, 7, mode, separate=True)
    assert set(apart) == {"a", "b"}
    close(apart["a"] + apart["b"], whole, tolerances.OP)
    close(penalty(lambda z: pair(z)["a"], z, KEY, 7, mode), apart["a"], 10 * tolerances.OP)


@pytest.mark.parametrize("mode", ["exact", "fd"])
def test_product_of_two_coordinates_gives_four(mode):
    z = jax.random.normal(KEY, (4, 2))
    penalty = hessian_penalty(lambda z: z[:, 0] * z[:, 1], z, KEY, probes=10_000, mode=mode)
    np.testing.assert_allclose(penalty, 4.0, rtol=0.02)
    alone = hessian_penalty(lambda z: z[0] * z[1], z[0], KEY, probes=10_000, mode=mode)
    assert alone.shape == ()
    np.testing.assert_allclose(alone, 4.0, rtol=0.02)


def test_coordinates_that_do_not_interact_give_zero(close):
    z = jax.random.normal(KEY, (4, 6))
    close(hessian_penalty(lambda z: (z**2 * jnp.arange(6)) + 3 * z, z, KEY), jnp.zeros(4), tolerances.OP)


def test_outputs_reduce_as_asked_and_several_outputs_add():
    z = jnp.array([[0.7, 1.0]])
    pair = lambda z: jnp.stack([z[:, 0] * z[:, 1], z[:, 0] ** 2 * z[:, 1]], 1)
    by = {r: float(hessian_penalty(pair, z, KEY, probes=10_000, reduce=r)[0]) for r in ("mean", "max", "sum")}
    energies = np.array([4.0, 16 * 0.7**2])
    np.testing.assert_allclose(
        [by["mean"], by["max"], by["sum"]], [energies.mean(), energies.max(), energies.sum()], rtol=0.03
    )
    tree = hessian_penalty(lambda z: {"a": pair(z), "b": pair(z)}, z, KEY, probes=10_000)
    np.testing.assert_allclose(tree, 2 * by["mean"], rtol=1e-4)


def test_finite_difference_sees_kinks_that_second_derivatives_do_not():
    z = jax.random.normal(KEY, (8, 5)) / 10
    assert jnp.abs(hessian_penalty(kinked, z, KEY, mode="exact")).max() == 0
    assert hessian_penalty(kinked, z, KEY, mode="fd", probes=64).mean() > 0.1


def test_finite_difference_is_the_curvature_of_the_triangle_smoothed_function():
    z, v, eps = jax.random.normal(KEY, (2, 5)), jnp.ones((2, 5)), 0.5
    t = jnp.linspace(-1, 1, 4001)
    exact = jax.vmap(lambda s: curvature(smooth, z + s * eps * v, v))(t)
    smoothed = jnp.trapezoid((1 - jnp.abs(t))[:, None, None] * exact, t, axis=0)
    np.testing.assert_allclose(curvature(smooth, z, v, "fd", eps), smoothed, atol=1e-3)


def test_members_do_not_couple(close):
    z = jax.random.normal(KEY, (3, 5))
    moved = z.at[0].add(1.0)
    a, b = hessian_penalty(smooth, z, KEY), hessian_penalty(smooth, moved, KEY)
    close(a[1:], b[1:], tolerances.OP)
    assert abs(a[0] - b[0]) > 1e-3


@pytest.mark.parametrize("settings", [{"mode": "jet"}, {"probes": 1}, {"reduce": "median"}])
def test_what_cannot_be_is_refused(settings):
    with pytest.raises(ValueError, match=r"jet|at least 2|median"):
        hessian_penalty(smooth, jnp.zeros((1, 5)), KEY, **settings)
    if "reduce" not in settings:
        with pytest.raises(ValueError, match=r"jet|at least 2"):
            orojar(smooth, jnp.zeros((1, 5)), KEY, **settings)


def test_finite_differences_of_half_precision_codes_are_taken_in_float32(close):
    z = jax.random.normal(KEY, (3, 5)).astype(jnp.bfloat16)
    found = hessian_penalty(smooth, z, KEY, mode="fd")
    assert found.dtype == jnp.float32
    close(found, hessian_penalty(smooth, z.astype(jnp.float32), KEY, mode="fd"), tolerances.EXACT)
