"""Penalties have their planted values: linear and quadratic critics, orthogonal filters, known streams of logits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.losses import penalties as p
from tests.tolerances import GRAD_X64, OP

K = jax.random.split(jax.random.key(0), 4)
REALS, FAKES = jax.random.normal(K[0], (4, 3, 3, 2)), jax.random.normal(K[1], (4, 3, 3, 2))
W = jax.random.normal(K[2], (3, 3, 2))
KEY = K[3]
linear = lambda x: (x * W).sum((1, 2, 3))[:, None] + 5
quadratic = lambda x: jnp.square(x).sum((1, 2, 3))[:, None] / 2


def test_gradient_penalties_of_a_linear_critic_are_its_weights():
    norm = float(jnp.linalg.norm(W))
    for values in (p.r1(linear, REALS), p.r2(linear, FAKES), p.zero_gp(linear, REALS, FAKES, KEY)):
        np.testing.assert_allclose(values, norm**2, rtol=OP)
        assert values.shape == (4,)
    np.testing.assert_allclose(p.wgan_gp(linear, REALS, FAKES, KEY), (norm - 1) ** 2, rtol=OP)
    np.testing.assert_allclose(p.wgan_gp(linear, REALS, FAKES, KEY, 750.0), (norm / 750 - 1) ** 2, rtol=OP)
    unit = lambda x: linear(x) / norm
    np.testing.assert_allclose(p.wgan_gp(unit, REALS, FAKES, KEY), 0, atol=OP)


def test_gradient_penalties_are_made_where_they_say():
    square = lambda x: jnp.square(x).sum((1, 2, 3))
    np.testing.assert_allclose(p.r1(quadratic, REALS), square(REALS), rtol=OP)
    np.testing.assert_allclose(p.r2(quadratic, FAKES), square(FAKES), rtol=OP)
    points = p.between(REALS, FAKES, KEY)
    np.testing.assert_allclose(p.zero_gp(quadratic, REALS, FAKES, KEY), square(points), rtol=OP)
    np.testing.assert_allclose(p.wgan_gp(quadratic, REALS, FAKES, KEY), (square(points) ** 0.5 - 1) ** 2, rtol=1e-4)


def test_points_lie_between_each_real_image_and_its_generated_one():
    u = (p.between(REALS, FAKES, KEY) - REALS) / (FAKES - REALS)
    u = u.reshape(4, -1)
    np.testing.assert_allclose(u, jnp.broadcast_to(u[:, :1], u.shape), atol=1e-4)
    assert np.all(u >= -1e-4) and np.all(u <= 1 + 1e-4) and len(np.unique(u[:, 0])) == 4
    assert not np.array_equal(p.between(REALS, FAKES, KEY), p.between(REALS, FAKES, K[0]))


def test_penalties_of_codes_are_those_of_images():
    codes, w = REALS.reshape(4, -1), W.reshape(-1)
    np.testing.assert_allclose(p.r1(lambda x: x @ w, codes), p.r1(linear, REALS), rtol=OP)
    flat = p.wgan_gp(lambda x: jnp.square(x).sum(1) / 2, codes, FAKES.reshape(4, -1), KEY)
    np.testing.assert_allclose(flat, p.wgan_gp(quadratic, REALS, FAKES, KEY), rtol=OP)


def test_a_flat_critic_has_finite_gradients():
    loss = lambda c: p.wgan_gp(lambda x: c * linear(x), REALS, FAKES, KEY).sum()
    assert np.isfinite(jax.grad(loss)(0.0)) and loss(0.0) == pytest.approx(4, rel=1e-4)


def test_generated_images_get_no_gradient_from_penalties():
    for loss in (
        lambda f: p.r2(quadratic, f).sum(),
        lambda f: p.wgan_gp(quadratic, REALS, f, KEY).sum(),
        lambda f: p.zero_gp(quadratic, REALS, f, KEY).sum(),
    ):
        assert not np.any(jax.grad(loss)(FAKES))


@pytest.mark.parametrize("name", ["r1", "zero_gp", "wgan_gp"])
def test_second_derivatives_equal_finite_differences(name):
    with jax.enable_x64(True):
        reals, fakes, w = (jnp.asarray(np.float64(x)) for x in (REALS, FAKES, W))
        made = {
            "r1": lambda s: p.r1(s, reals),
            "zero_gp": lambda s: p.zero_gp(s, reals, fakes, KEY),
            "wgan_gp": lambda s: p.wgan_gp(s, reals, fakes, KEY),
        }[name]
        total = lambda t: made(lambda x: jnp.tanh((x * (w + t)).sum((1, 2, 3)) / 10) + t * x.sum((1, 2, 3)) ** 2).sum()
        expected = (total(0.3 + 1e-6) - total(0.3 - 1e-6)) / 2e-6
        np.testing.assert_allclose(jax.grad(total)(0.3), expected, rtol=GRAD_X64)


def test_drift_is_zero_at_zero_alone():
    np.testing.assert_array_equal(p.drift(jnp.array([[0.0], [2.0], [-3.0]])), [0, 4, 9])


def test_orthogonal_filters_of_any_length_cost_nothing_and_equal_ones_do():
    basis = jnp.linalg.qr(jax.random.normal(KEY, (18, 4)))[0]
    tree = {"conv": {"weight": (basis * jnp.array([1.0, 2, 3, 4])).reshape(3, 3, 2, 4), "bias": jnp.ones(4)}}
    assert p.orthogonal(tree) < 1e-9
    # Two equal filters of squared length 9: two entries of 9 off the diagonal.
    assert p.orthogonal({"weight": jnp.ones((9, 2))}) == 81
    assert p.orthogonal({"weight": jnp.ones((9, 2))}, lambda path: path != "weight") == 0


def test_the_gradient_of_orthogonality_is_the_published_one():
    params = {"block": {"weight": jax.random.normal(KEY, (3, 3, 2, 5))}, "embed": jnp.ones((3, 2))}
    gradient = jax.grad(lambda t: p.orthogonal(t, lambda path: path != "embed"))(params)
    rows = params["block"]["weight"].reshape(-1, 5).T
    expected = (2 * (rows @ rows.T * (1 - jnp.eye(5))) @ rows).T.reshape(3, 3, 2, 5)
    np.testing.assert_allclose(gradient["block"]["weight"], expected, rtol=1e-4, atol=1e-4)
    assert not np.any(gradient["embed"])


def test_lecam_counts_logits_on_the_wrong_side_of_the_means_only():
    means = {"real": jnp.float32(1.0), "fake": jnp.float32(-1.0), "weight": jnp.float32(1.0)}
    real, fake = jnp.array([[2.0], [-3.0]]), jnp.array([[0.0], [4.0]])
    np.testing.assert_array_equal(p.lecam(means, real, fake), [9 + 1, 0])
    by_real, by_fake = jax.grad(lambda r, f: p.lecam(means, r, f).sum(), argnums=(0, 1))(real, fake)
    np.testing.assert_array_equal(by_real[:, 0], [6, 0])  # downwards
    np.testing.assert_array_equal(by_fake[:, 0], [-2, 0])  # upwards
    assert not any(jax.tree.leaves(jax.grad(lambda m: p.lecam(m, real, fake).sum())(means)))


def test_lecam_means_follow_a_stream_without_the_start_at_zero():
    stream = np.random.default_rng(0).normal(3.0, 1.0, (50, 2, 8)).astype(np.float32)
    means, decay = p.lecam_means(), 0.9
    for n, (real, fake) in enumerate(stream):
        means = p.lecam_moved(means, real, fake, decay)
        if n == 0:
            np.testing.assert_allclose(means["real"], real.mean(), rtol=OP)
    weights = decay ** np.arange(49, -1, -1)
    expected = (weights[:, None] * stream.mean(2)).sum(0) / weights.sum()
    np.testing.assert_allclose([means["real"], means["fake"]], expected, rtol=OP)
    moved = lambda x: sum(jax.tree.leaves(p.lecam_moved(p.lecam_means(), x, x)))
    assert not np.any(jax.grad(moved)(stream[0, 0]))


def test_path_lengths_of_a_linear_generator_are_its_singular_lengths():
    matrix = jax.random.normal(KEY, (2 * 3, 4 * 4 * 3))
    draw = lambda ws: (ws.reshape(len(ws), -1) @ matrix).reshape(-1, 4, 4, 3)
    noise = jax.random.normal(K[0], (5, 4, 4, 3))
    got = p.path_lengths(draw, jnp.zeros((5, 2, 3)), noise)
    jacobian = (noise.reshape(5, -1) / 4) @ matrix.T
    np.testing.assert_allclose(got, jnp.sqrt(jnp.square(jacobian).sum(1) / 2), rtol=OP)
