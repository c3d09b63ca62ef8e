import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import losses
from jaxgan.core.code import Code
from jaxgan.core.network import initialise
from jaxgan.latents import stats
from jaxgan.latents.charts import whitening
from jaxgan.models import stylegan2
from tests import tolerances

N, D = 3, 8
IMAGES = jnp.zeros((N, 8, 8, 3))


@pytest.fixture(scope="module")
def g():
    arch = stylegan2.arch(resolution=8, channel_base=64, channel_max=8, z_dim=D, w_dim=D, mapping_layers=2)
    g = arch.init(jax.random.key(0))
    mean = jax.random.normal(jax.random.key(1), (D,))
    return g.replace(buffers=g.buffers | {"spread": g.buffers["spread"] | {"w_mean": mean}})


def w(key, n=N):
    return Code(2 * jax.random.normal(jax.random.key(key), (n, D)), "w")


def value(objective, code, g):
    return objective(IMAGES[: len(code)], IMAGES[: len(code)], code, g)[0]


def test_near_mean_w_is_zero_at_the_mean_and_one_for_a_typical_code(g):
    mean = g.buffers["spread"]["w_mean"]
    at_mean = Code(jnp.broadcast_to(mean, (N, D)), "w")
    assert np.array_equal(value(losses.near_mean_w(), at_mean, g), np.zeros(N))
    std = jnp.linspace(0.5, 3, D)
    typical = Code(mean + std * jnp.sign(w(0).value), "w")
    np.testing.assert_allclose(value(losses.near_mean_w(std), typical, g), 1, rtol=tolerances.OP)


def test_near_mean_w_is_the_same_from_every_space_that_leads_to_w(g):
    code = w(0)
    expected = value(losses.near_mean_w(), code, g)
    for space in ("w+", "p", "p+"):
        np.testing.assert_allclose(value(losses.near_mean_w(), g.to(code, space), g), expected, rtol=tolerances.OP)
    z = g.sample(jax.random.key(3), N)
    expected = value(losses.near_mean_w(), g.to(z, "w"), g)
    np.testing.assert_allclose(value(losses.near_mean_w(), z, g), expected, rtol=tolerances.OP)


def test_mahalanobis_is_the_quadratic_form_of_the_inverse_covariance(g):
    rng = np.random.default_rng(0)
    root = rng.standard_normal((D, D))
    covariance, mean = root @ root.T + 0.1 * np.eye(D), rng.standard_normal(D)
    chart = whitening(jnp.asarray(mean, jnp.float32), jnp.asarray(covariance, jnp.float32))
    for space in ("w", "p"):
        x = np.asarray(g.to(w(0), space).value, np.float64) - mean
        expected = np.einsum("nd,de,ne->n", x, np.linalg.inv(covariance), x) / D
        found = value(losses.mahalanobis(chart, space), w(0), g)
        np.testing.assert_allclose(found, expected, rtol=tolerances.NETWORK)
        rows = g.to(w(0), "w+")
        np.testing.assert_allclose(value(losses.mahalanobis(chart, space), rows, g), found, rtol=tolerances.OP)


def test_mahalanobis_sums_to_the_width_times_the_mean_of_whitened_squares(g):
    # A direction in which the population does not vary at all is floored, so that nothing explodes.
    covariance = jnp.diag(jnp.array([4.0, 1.0, 0.25, 1.0, 1.0, 1.0, 1.0, 0.0]))
    chart = whitening(jnp.zeros(D), covariance)
    p = g.to(w(0), "p").value
    found = value(losses.mahalanobis(chart), w(0), g)
    np.testing.assert_allclose(D * found, D * chart.mahalanobis(p) ** 2, rtol=tolerances.OP)
    assert np.all(found <= np.square(p / 2e-3).max())


def test_gaussian_is_one_for_a_typical_style_and_takes_codes_from_before(g):
    mean, std = stats.channels(g, jax.random.key(2), "s", 2000)
    term = losses.gaussian(mean, std)
    codes = g.to(g.sample(jax.random.key(3), 500), "s")
    many = jnp.zeros((500, 1, 1, 1))
    np.testing.assert_allclose(jnp.mean(term(many, many, codes, g)[0]), 1, atol=0.1)
    early = w(0)
    np.testing.assert_allclose(value(term, early, g), value(term, g.to(early, "s"), g), rtol=tolerances.OP)
    at_mean = Code(jax.tree.map(lambda m: jnp.broadcast_to(m, (N, *m.shape)), mean), "s")
    assert np.array_equal(value(term, at_mean, g), np.zeros(N))
    still = losses.gaussian(mean, jax.tree.map(lambda s: s.at[0].set(0.0), std))
    assert np.all(np.isfinite(value(still, early, g)))


class Look(nn.Module):
    """Name the same code whatever it sees."""

    @nn.compact
    def __call__(self, images):
        code = self.param("code", nn.initializers.normal(1.0), (D,))
        return jnp.broadcast_to(code, (len(images), D))


def test_domain_is_zero_at_a_fixed_point_of_encoder_and_generator(g):
    network = initialise(Look(), jax.random.key(0), IMAGES)
    fixed = Code(network(IMAGES), "w")
    for code in (fixed, g.to(fixed, "w+")):
        assert np.array_equal(value(losses.domain(network), code, g), np.zeros(N))
    away = fixed.replace(value=fixed.value + jnp.array([1.0, 2.0, 3.0])[:, None])
    np.testing.assert_allclose(value(losses.domain(network), away, g), [1, 4, 9], rtol=tolerances.OP)
    np.testing.assert_allclose(value(losses.domain(network), g.to(away, "w+"), g), [1, 4, 9], rtol=tolerances.OP)


def test_features_are_held_where_the_code_or_an_encoder_has_them(g):
    code = w(0)
    own = g.read(code, ("b4",))["b4"]
    held = lambda scale: code.replace(features={"b4": scale * own})
    np.testing.assert_allclose(value(losses.near_features(("b4",)), held(1.0), g), np.zeros(N), atol=tolerances.OP)
    np.testing.assert_allclose(value(losses.near_features(("b4",)), held(3.0), g), 4 * np.ones(N), rtol=1e-4)
    network = initialise(Base(own.shape[1:]), jax.random.key(0), IMAGES)
    there = code.replace(features={"b4": 2 * network(IMAGES)})
    np.testing.assert_allclose(value(losses.near_features(("b4",), network), there, g), np.ones(N), rtol=1e-4)
    with pytest.raises(ValueError, match="needs the feature 'b4'"):
        value(losses.near_features(("b4",)), code, g)


class Base(nn.Module):
    """Name the same map whatever it sees."""

    shape: tuple[int, ...]

    @nn.compact
    def __call__(self, images):
        held = self.param("map", nn.initializers.normal(1.0), self.shape)
        return jnp.broadcast_to(held, (len(images), *self.shape))


def test_temporal_counts_every_step_between_frames_once(g):
    film = w(0)
    steps = np.square(np.diff(np.asarray(film.value), axis=0)).mean(1)
    found = value(losses.temporal(), film, g)
    np.testing.assert_allclose(found, [steps[0] / 2, steps.sum() / 2, steps[1] / 2], rtol=tolerances.OP)
    still = film.replace(value=jnp.broadcast_to(film.value[:1], film.value.shape))
    assert np.array_equal(value(losses.temporal(), still, g), np.zeros(N))


def test_noise_regularisation_is_two_per_level_for_a_constant_map(g):
    code = w(0).replace(noise={"b8": jnp.ones((N, 32, 32, 1)), "b4": jnp.ones((1, 4, 4, 1))})
    # 32, 16 and 8 pixels are three levels; a map of 4 pixels is one.
    np.testing.assert_allclose(value(losses.noise_regularisation(), code, g), 2 * 3 + 2, rtol=tolerances.OP)


def test_noise_regularisation_matches_the_formula_in_numpy(g):
    maps = np.random.default_rng(0).standard_normal((N, 16, 16, 1)).astype(np.float32)
    expected = np.zeros(N)
    level = maps[..., 0].astype(np.float64)
    for _ in range(2):
        for axis in (1, 2):
            expected += (level * np.roll(level, 1, axis)).mean((1, 2)) ** 2
        n, h, _ = level.shape
        level = level.reshape(n, h // 2, 2, h // 2, 2).mean((2, 4))
    code = w(0).replace(noise={"b": jnp.asarray(maps)})
    np.testing.assert_allclose(value(losses.noise_regularisation(), code, g), expected, rtol=1e-4)


def test_noise_regularisation_is_small_for_white_noise_and_large_for_a_picture(g):
    white = jax.random.normal(jax.random.key(0), (1, 64, 64, 1))
    smooth = jax.image.resize(jax.random.normal(jax.random.key(1), (1, 4, 4, 1)), white.shape, "cubic")
    smooth = (smooth - smooth.mean()) / smooth.std()
    costs = [float(value(losses.noise_regularisation(), w(0).replace(noise={"b": n}), g)[0]) for n in (white, smooth)]
    assert costs[0] < 0.05 * costs[1]


@pytest.mark.parametrize("name", ["near_mean_w", "mahalanobis", "noise"])
def test_gradients_are_finite_and_stay_with_their_member(g, name):
    chart = whitening(jnp.zeros(D), jnp.eye(D))
    objective = {
        "near_mean_w": losses.near_mean_w(),
        "mahalanobis": losses.mahalanobis(chart),
        "noise": losses.noise_regularisation(),
    }[name]
    maps = jax.random.normal(jax.random.key(5), (N, 8, 8, 1))

    def second(x, noise):
        return value(objective, Code(x, "w", noise={"b": noise}), g)[1]

    gradient = jax.tree.leaves(jax.jit(jax.grad(second, argnums=(0, 1)))(w(0).value, maps))
    assert all(np.all(np.isfinite(leaf)) for leaf in gradient)
    assert any(np.any(leaf[1] != 0) for leaf in gradient)
    assert all(np.all(leaf[jnp.array([0, 2])] == 0) for leaf in gradient)


def test_what_is_missing_is_named(g):
    with pytest.raises(ValueError, match="needs the code and the generator"):
        losses.near_mean_w()(IMAGES, IMAGES, w(0))
    with pytest.raises(ValueError, match="noise="):
        value(losses.noise_regularisation(), w(0), g)
    with pytest.raises(ValueError, match="'p' and 'w'"):
        losses.mahalanobis(whitening(jnp.zeros(D), jnp.eye(D)), "s")
    bare = g.replace(buffers={k: v for k, v in g.buffers.items() if k != "spread"})
    with pytest.raises(ValueError, match="no w_mean"):
        value(losses.near_mean_w(), w(0), bare)
    with pytest.raises(ValueError, match="'s'"):
        value(losses.near_mean_w(), g.to(w(0), "s"), g)
