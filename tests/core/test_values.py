"""Laws of the central values: codes, directions, objectives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.core import Code, Directions, term
from tests.tolerances import OP


def directions(k=3, d=5, seed=0, **fields):
    q = jnp.linalg.qr(jax.random.normal(jax.random.key(seed), (d, d)))[0][:k]
    return Directions(q, jnp.arange(1.0, k + 1), "w", **fields)


def test_a_member_of_a_code_keeps_the_batch_axis_and_shared_noise():
    code = Code(jnp.arange(12.0).reshape(4, 3), "z", cond=jnp.eye(4), noise={"a": jnp.ones((1, 2, 2, 1))})
    assert len(code) == 4 and len(code[1]) == 1 and len(code[1:3]) == 2 and len(code[jnp.array([3, 0])]) == 2
    assert np.array_equal(code[-1].value, code.value[3:]) and np.array_equal(code[2].cond, jnp.eye(4)[2:3])
    assert code[1].noise["a"].shape == (1, 2, 2, 1)
    with pytest.raises(IndexError, match="4 members, got index 4"):
        code[4]


def test_members_of_a_separated_code_share_nothing():
    code = Code(jnp.ones((3, 2)), "w", features={"b": jnp.ones((1, 2, 2, 4)), "c": jnp.ones((3, 2, 2, 4))})
    assert code[1].features["b"].shape == code[1].features["c"].shape == (1, 2, 2, 4)
    apart = code.separate()
    assert apart.features["b"].shape == (3, 2, 2, 4) and apart.noise is None
    assert jax.vmap(lambda c: c)(apart).features["b"].shape == (3, 2, 2, 4)


def test_a_code_is_a_pytree_whose_space_is_static():
    code = Code((jnp.ones((2, 3)), jnp.ones((2, 4))), "s")
    assert len(jax.tree.leaves(code)) == 2
    assert jax.jit(lambda c: c)(code).space == "s"
    assert jax.vmap(lambda c: c, out_axes=0)(code).value[1].shape == (2, 4)


def test_directions_are_taken_by_number_slice_list_and_name():
    d = directions(names=("age", "smile", "pose"))
    for one in (d[1], d[-2], d["smile"], d[[1]], d[1:2]):
        assert np.array_equal(one.vectors, d.vectors[1:2]) and one.names == ("smile",) and float(one.scales[0]) == 2.0
    assert d[["pose", "age"][0]].names == ("pose",)
    with pytest.raises(KeyError, match="No direction is named 'hat'; the names are age, smile, pose"):
        d["hat"]
    with pytest.raises(IndexError, match="3 directions, got index 3"):
        d[3]


def test_projecting_out_leaves_unit_directions_orthogonal_to_all_conditions(close):
    d = Directions(jax.random.normal(jax.random.key(0), (4, 6)), jnp.ones(4), "w")
    d = d.replace(vectors=d.vectors / jnp.linalg.norm(d.vectors, axis=1, keepdims=True))
    rest = d[0].project_out(d[1:])
    close(rest.flat() @ d[1:].flat().T, jnp.zeros((1, 3)), OP)
    close(jnp.linalg.norm(rest.flat(), axis=1), jnp.ones(1), OP)
    # A step of the same strength is the same step less what was removed.
    close(rest.flat() * rest.scales, rest.flat() * (rest.flat() @ d[0].flat().T), OP)


def test_projecting_out_what_is_orthogonal_changes_nothing(close):
    d = directions()
    close(d[0].project_out(d[1:]).vectors, d[0].vectors, OP)


def test_projecting_out_refuses_itself_dependent_conditions_and_other_spaces():
    d = directions()
    with pytest.raises(ValueError, match="nothing of it is left"):
        d[0].project_out(d[0])
    with pytest.raises(ValueError, match="depend on each other"):
        d[0].project_out(Directions.join(d[1], d[1]))
    with pytest.raises(ValueError, match="'w' and 'z'"):
        d[0].project_out(d[1].replace(space="z"))


def test_directions_of_style_space_are_projected_over_all_layers(close):
    s = lambda seed: tuple(jax.random.normal(jax.random.key(seed + i), (1, c)) for i, c in enumerate((3, 4)))
    one, two = (Directions(s(seed), jnp.ones(1), "s") for seed in (0, 10))
    rest = one.project_out(two)
    assert [v.shape for v in rest.vectors] == [(1, 3), (1, 4)]
    close(rest.flat() @ two.flat().T, jnp.zeros((1, 1)), OP)


def test_joining_keeps_order_scales_and_names():
    a, b = directions(2, names=("a", "b")), directions(1, seed=1, meta=(("method", "sefa"),))
    joined = Directions.join(a, b)
    assert len(joined) == 3 and joined.names == ("a", "b", "sefa0")
    assert np.array_equal(joined.vectors[2:], b.vectors)
    with pytest.raises(ValueError, match="Cannot join directions of 'z'"):
        Directions.join(a, b.replace(space="z"))


def pixel(name="pixel"):
    return term(name, lambda x, t, code, g, prepared: jnp.mean((x - t) ** 2, axis=(1, 2, 3)))


def images(seed):
    return jax.random.normal(jax.random.key(seed), (3, 4, 4, 1))


def test_objectives_are_a_linear_space(close):
    a, b, x, t = pixel("a"), pixel("b"), images(0), images(1)
    total, parts = (a + 0.5 * b)(x, t)
    assert total.shape == (3,) and set(parts) == {"a", "b"}
    close(total, parts["a"] + 0.5 * parts["b"], OP)
    close((2 * (a + b))(x, t)[0], 2 * a(x, t)[0] + 2 * b(x, t)[0], OP)
    close((a + 0 * b)(x, t)[0], a(x, t)[0], OP)
    close((a + b)(x, t)[0], (b + a)(x, t)[0], OP)
    assert (a + b).names == ("a", "b")


def test_members_of_a_batch_do_not_couple_in_an_objective():
    x, t = images(0), images(1)
    whole = pixel()(x, t)[0]
    changed = pixel()(x.at[1].set(jnp.nan), t)[0]
    assert np.isnan(changed[1]) and np.array_equal(whole[::2], changed[::2])


def test_what_a_term_prepares_is_computed_once_and_handed_to_it():
    calls = []

    def prepare(scale, target):
        calls.append(1)
        return target * scale

    scaled = term("scaled", lambda s, x, t, c, g, p: jnp.mean((x * s - p) ** 2, (1, 2, 3)), 3.0, prepare=prepare)
    target = scaled.prepare(images(1))
    for seed in (0, 2):
        scaled(images(seed), target)
    assert len(calls) == 1
    assert np.array_equal(scaled(images(1), target)[0], np.zeros(3))


def test_weights_and_leaves_of_an_objective_are_arguments_of_a_compiled_function():
    traces = []

    @jax.jit
    def total(objective, x, t):
        traces.append(1)
        return objective(x, t)[0]

    make = lambda scale: term("s", loss, jnp.float32(scale))
    loss = lambda scale, x, t, c, g, p: scale * jnp.mean(x, (1, 2, 3))
    a, b = total(1.0 * make(2.0), images(0), images(1)), total(2.0 * make(3.0), images(0), images(1))
    assert len(traces) == 1 and np.allclose(3 * a, b)
