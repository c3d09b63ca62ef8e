import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.core.network import initialise
from jaxgan.editing import follow
from jaxgan.nn.fields import field
from tests import planted

KEY = jax.random.key(4)


def network(kind, g, space="w", **more):
    config = dict(kind=kind, axes=2, width=12, space=space, **more)
    module = field(**config)
    blank = [jnp.zeros(s) for s in module.inputs()]
    made = initialise(module, KEY, *blank, name="fields.field", config=tuple(sorted(config.items())))
    w = g.to(g.sample(KEY, 200), "w").value
    return made.replace(buffers={"centre": w.mean(0), "sigma": w.std()})


@pytest.fixture(scope="module")
def g():
    return planted.layered()


@pytest.fixture(scope="module")
def warped(g):
    return network("warped", g, dipoles=3)


def test_a_field_that_is_constant_moves_straight(g):
    straight = network("constant", g, basis="orthonormal")
    code = g.to(g.sample(KEY, 3), "w")
    moved = follow(straight, 1, by=jnp.array([0.0, 1.0, -2.0]))(g, code)
    way = straight(code.value, 1)[0] * straight.buffers["sigma"]
    np.testing.assert_allclose(moved.value - code.value, jnp.array([[0.0], [1.0], [-2.0]]) * way, atol=1e-5)


def test_nothing_moves_by_nothing_and_the_way_back_leads_back(g, warped):
    code = g.to(g.sample(KEY, 3), "w")
    np.testing.assert_array_equal(follow(warped, 0, 0.0)(g, code).value, code.value)
    far = follow(warped, 0, 0.5, steps=64)(g, code)
    back = follow(warped, 0, -0.5, steps=64)(g, far)
    assert np.abs(far.value - code.value).max() > 0.05
    np.testing.assert_allclose(back.value, code.value, atol=0.02)


def test_every_step_is_of_one_length_and_up_the_landscape(g, warped):
    code = g.to(g.sample(KEY, 2), "w")
    supports, sigma = warped.params["supports"][0], warped.buffers["sigma"]

    def height(x):
        away = (x[:, None] - warped.buffers["centre"]) / sigma - supports
        return (jnp.tile(jnp.array([1.0, -1.0]), 3) * jnp.exp(-jnp.square(away).sum(-1) / 12)).sum(-1)

    slope = jax.grad(lambda x: height(x).sum())(code.value)
    slope /= jnp.linalg.norm(slope, axis=1, keepdims=True)
    np.testing.assert_allclose(warped(code.value, 0), slope, atol=1e-4)
    moved = follow(warped, 0, 0.3, steps=1)(g, code)
    np.testing.assert_allclose(jnp.linalg.norm(moved.value - code.value, axis=1), 0.3 * sigma, rtol=1e-3)


def test_chosen_rows_move_as_their_own_points_do(g, warped):
    code = g.to(g.sample(KEY, 2), "w")
    whole, some = follow(warped, 0, 1.0)(g, code), follow(warped, 0, 1.0, layers=[1])(g, code)
    assert some.space == "w+"
    np.testing.assert_allclose(some.value[:, 1], whole.value, atol=1e-6)
    np.testing.assert_array_equal(some.value[:, [0, 2]], jnp.repeat(code.value[:, None], 2, 1))


def test_a_field_survives_a_file(g, warped, tmp_path):
    jg.save(warped, tmp_path / "field.safetensors")
    back = jg.load(tmp_path / "field.safetensors")
    code = g.to(g.sample(KEY, 2), "w")
    np.testing.assert_array_equal(follow(back, 1, 0.7)(g, code).value, follow(warped, 1, 0.7)(g, code).value)


def test_what_does_not_fit_is_refused(g, warped):
    with pytest.raises(ValueError, match="axes 0 to 1"):
        follow(warped, 2)
    with pytest.raises(ValueError, match="another generator"):
        follow(warped, 0)(planted.layered(width=6), planted.layered(width=6).sample(KEY, 1))
