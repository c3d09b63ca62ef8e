import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan as jg
from jaxgan import editing as e
from jaxgan.core import Code, Directions
from jaxgan.directions import pca, sefa
from jaxgan.editing.truncate import truncated
from jaxgan.latents.spaces import rows, w_mean
from tests import planted, tolerances

KEY = jax.random.key(8)


@pytest.fixture(scope="module")
def g():
    return planted.style()


@pytest.fixture(scope="module")
def d(g):
    return pca(samples=500)(g, KEY, 3)


@pytest.fixture(scope="module")
def z(g):
    return g.sample(KEY, 2)


def test_strength_zero_is_the_identity(g, d, z, close):
    w = g.to(z, "w")
    close(e.move(d, by=0.0)(g, w).value, w.value, tolerances.EXACT)
    assert e.identity(g, w) is w and e.chain()(g, w) is w


def test_there_and_back_again(g, d, z, close):
    w = g.to(z, "w+")
    close(e.chain(e.move(d, by=1.7), e.move(d, by=-1.7))(g, w).value, w.value, tolerances.OP)


def test_moves_commute_and_chains_are_associative(g, d, z, close):
    w, (a, b, c) = g.to(z, "w"), (e.move(d[i], by=i + 1.0) for i in range(3))
    close(e.chain(a, b)(g, w).value, e.chain(b, a)(g, w).value, tolerances.OP)
    close(e.chain(e.chain(a, b), c)(g, w).value, e.chain(a, e.chain(b, c))(g, w).value, tolerances.EXACT)


def test_one_unit_is_one_standard_deviation_along_the_axis(g, d, z, close):
    w = g.to(z, "w")
    close(e.move(d[1], by=2.0)(g, w).value - w.value, 2 * jnp.repeat(d.scales[1] * d.vectors[1:2], 2, 0), tolerances.OP)


def test_only_the_listed_rows_move(g, d, z):
    wp = g.to(z, "w+")
    moved = e.move(d[0], by=3.0, layers=range(2, 4))(g, wp)
    changed = np.abs(np.asarray(moved.value - wp.value)).max((0, 2)) > 0
    assert list(changed) == [False, False, True, True, False, False]
    np.testing.assert_array_equal(moved.value[:, [0, 1, 4, 5]], wp.value[:, [0, 1, 4, 5]])


def test_edit_in_w_is_the_edit_of_all_rows_in_w_plus(g, d, z, close):
    a, b = (e.move(d[0], by=2.0)(g, g.to(z, s)) for s in ("w", "w+"))
    assert (a.space, b.space) == ("w", "w+")
    close(g(a), g(b), tolerances.NETWORK)


def test_style_code_moved_by_the_affine_image_is_the_move_in_w(g, d, z, close):
    """ds = n A at every layer: the affine maps carry a direction of w to one of s."""
    by, n = 1.5, d.scales[0] * d.vectors[0]
    scale = 1 / np.sqrt(16)  # equalised learning rate
    delta = [by * n @ (g.params["style"][a.layer]["weight"] * scale) for a in g.arch.affines]
    s = g.to(z, "s")
    by_hand = s.replace(value=tuple(v + dv for v, dv in zip(s.value, delta, strict=True)))
    close(g(by_hand), g(e.move(d[0], by=by)(g, z)), tolerances.NETWORK)


def test_codes_are_carried_to_the_directions(g, d, z):
    assert e.move(d[0])(g, z).space == "w"
    assert e.move(d[0], layers=[1])(g, z).space == "w+"
    p = pca(space="p", samples=200)(g, KEY, 2)
    assert e.move(p)(g, g.to(z, "w")).space == "p" and e.move(p)(g, g.to(z, "w+")).space == "p+"
    s = pca(space="s", samples=200)(g, KEY, 2)
    start = g.to(z, "s")
    moved = e.move(s[0], by=2.0, layers=[3])(g, z)
    changed = [bool(jnp.any(a != b)) for a, b in zip(moved.value, start.value, strict=True)]
    assert moved.space == "s" and changed == [i == 3 for i in range(len(changed))]


def test_directions_with_layers_of_their_own_move_those(g, z):
    found = sefa(layers=[1, 2], samples=50)(g, KEY, 1)
    wp = g.to(z, "w+")
    changed = np.abs(np.asarray(e.move(found, by=1.0)(g, z).value - wp.value)).max((0, 2)) > 0
    assert list(np.flatnonzero(changed)) == [1, 2]


@pytest.mark.parametrize("by", [2.0, [1.0, 2.0, 3.0], [[1.0, 2.0, 3.0], [0.0, -1.0, 0.5]], [[1.0], [2.0]]])
def test_strength_may_be_one_per_direction_or_per_code(g, d, z, by, close):
    w = g.to(z, "w")
    full = np.broadcast_to(np.asarray(by), (2, 3))
    expected = np.asarray(w.value) + full @ np.asarray(d.scales[:, None] * d.vectors)
    close(e.move(d, by=by)(g, w).value, expected, tolerances.OP)


def test_one_direction_takes_one_strength_for_each_code(g, d, z, close):
    w = g.to(z, "w")
    step = d.scales[0] * d.vectors[0]
    close(e.move(d[0], by=[1.0, -2.0])(g, w).value - w.value, jnp.stack([step, -2 * step]), tolerances.OP)


@pytest.mark.parametrize("space", ["w", "w+", "p+"])
def test_absolute_moves_set_the_coordinate_and_nothing_else(g, d, z, space, close):
    w = g.to(z, space)
    once = e.move(d, by=[1.0, 0.0, -2.0], relative=False)(g, w)
    place = (once.value - w_mean(g)) @ d.vectors.T / d.scales
    close(place, jnp.broadcast_to(jnp.array([1.0, 0.0, -2.0]), place.shape), tolerances.NETWORK)
    close(e.move(d, by=[1.0, 0.0, -2.0], relative=False)(g, once).value, once.value, tolerances.OP)
    rest = (once.value - g.to(w, once.space).value) if space != "p+" else once.value - g.to(w, "w+").value
    close(rest - (rest @ d.vectors.T) @ d.vectors, jnp.zeros_like(rest), tolerances.NETWORK)


def test_whole_w_plus_directions_move_whole_codes(g, z, close):
    wide = pca(space="w+", samples=100)(g, KEY, 2)
    wp = g.to(z, "w+")
    assert wide.vectors.shape == (2, 6, 16)
    moved = e.move(wide, by=[1.0, 2.0])(g, wp)
    close(
        moved.value - wp.value,
        jnp.repeat(jnp.einsum("k,kld->ld", wide.scales * jnp.array([1.0, 2.0]), wide.vectors)[None], 2, 0),
        tolerances.OP,
    )
    part = e.move(wide, layers=[0], relative=False)(g, wp)
    np.testing.assert_array_equal(part.value[:, 1:], wp.value[:, 1:])


def test_vmap_over_strengths_equals_the_loop_and_the_sweep(g, d, z, close):
    values = jnp.linspace(-3, 3, 5)
    strip = jax.vmap(lambda by: g(e.move(d[0], by)(g, z)))(values)
    loop = jnp.stack([g(e.move(d[0], float(v))(g, z)) for v in values])
    close(strip, loop, tolerances.NETWORK)
    swept = e.sweep(lambda by: e.move(d[0], by), values)(g, z)
    assert len(swept) == 10
    close(g(swept).reshape(strip.shape), strip, tolerances.NETWORK)


def test_edits_pass_through_jit_and_their_strength_has_a_gradient(g, d, z):
    loss = jax.jit(lambda by: jnp.square(g(e.chain(e.truncate(0.7), e.move(d[0], by))(g, z))).mean())
    slope = jax.grad(loss)(0.5)
    assert jnp.isfinite(slope) and slope != 0


def test_condition_and_noise_stay_with_the_code():
    g = planted.style(classes=2)
    code = g.sample(KEY, 2)
    d = pca(samples=100)(g, KEY, 1)
    swept = e.sweep(lambda by: e.move(d, by), jnp.arange(3.0))(g, code)
    np.testing.assert_array_equal(swept.cond, jnp.tile(code.cond, (3, 1)))


@pytest.mark.parametrize("psi,cutoff", [(0.6, None), (0.3, 4), (0.0, None)])
def test_truncation_as_an_edit_is_truncation_when_rendering(g, z, psi, cutoff, close):
    truth = g(z, psi=psi, cutoff=cutoff)
    for space in ("z", "w", "w+"):
        close(g(e.truncate(psi, cutoff)(g, g.to(z, space))), truth, tolerances.NETWORK)


def test_codes_carried_with_truncation_are_drawn_truncated_wherever_they_are(g, z, close):
    truth = g(z, psi=0.6)
    for space in ("z", "w", "w+", "p"):  # programs of the tests beside this one
        code, left = truncated(g, z, space, 0.6)
        assert code.space == space and (left is None) == (space != "z")
        close(g(g.to(code, "w"), psi=left) if left is not None else g(g.to(code, "w+")), truth, tolerances.NETWORK)
    same, left = truncated(g, z, "w", None)
    assert left is None and np.array_equal(same.value, g.to(z, "w").value)


def test_truncation_by_one_is_the_identity_and_works_in_p(g, z, close):
    for space in ("w", "w+", "p", "p+"):
        code = g.to(z, space)
        same = e.truncate(1.0, 2)(g, code)
        close(g(same), g(code), tolerances.NETWORK)
    assert same.space == "p+"
    assert e.truncate(0.5, 2)(g, g.to(z, "p")).space == "p+"


def test_mixing_takes_rows_from_the_other_code(g, z, close):
    other = g.sample(jax.random.key(1), 1)
    mixed = e.mix(other, range(3, 6))(g, z)
    a, b = g.to(z, "w+").value, g.to(other, "w+").value
    close(mixed.value[:, :3], a[:, :3], tolerances.EXACT)
    close(mixed.value[:, 3:], jnp.repeat(b[:, 3:], 2, 0), tolerances.EXACT)
    close(e.mix(z, range(6))(g, g.sample(KEY, 2)).value, a, tolerances.EXACT)
    s = e.mix(g.to(other, "s"), [0])(g, g.to(z, "s"))
    close(s.value[0], jnp.repeat(g.to(other, "s").value[0], 2, 0), tolerances.EXACT)
    close(s.value[1], g.to(z, "s").value[1], tolerances.EXACT)


def test_wrong_pairs_are_refused_in_one_line(g, d, z):
    other = planted.linear(jnp.ones((6, 16)))
    z_way = pca(space="z", samples=100)(g, KEY, 1)
    wrong = {
        "does not lead": lambda: e.move(z_way)(g, g.to(z, "w")),
        "offers z": lambda: e.move(d)(other, other.sample(KEY, 1)),
        "another generator": lambda: e.move(z_way)(other, other.sample(KEY, 1)),
        "layers 0 to 5": lambda: e.move(d, layers=[9])(g, z),
        "no layers": lambda: e.move(z_way, layers=[0])(g, z),
        "by has shape": lambda: e.move(d, by=[1.0, 2.0])(g, z),
        "carries none": lambda: e.truncate(0.5)(other, other.sample(KEY, 1)),
        "takes from one": lambda: e.mix(g.sample(KEY, 3), [0])(g, z),
        "rows of 'w": lambda: e.mix(other.sample(KEY, 1), [0])(other, other.sample(KEY, 1)),
        "behind w": lambda: e.truncate(0.5)(g, g.to(z, "s")),
    }
    for word, act in wrong.items():
        with pytest.raises(ValueError, match=word) as error:
            act()
        assert "\n" not in str(error.value)


def test_planted_direction_moves_the_planted_factor(close):
    g = planted.linear(jnp.eye(16))
    axis = Directions(jnp.eye(16)[3:4], jnp.array([2.0]), "z")
    code = g.sample(KEY, 1)
    change = g(e.move(axis, by=1.5)(g, code)) - g(code)
    close(rows(change)[0], 3.0 * jnp.eye(16)[3], tolerances.OP)
    assert isinstance(code, Code) and jg.Code is Code
