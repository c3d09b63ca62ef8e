import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.directions import jacobian, local_basis
from jaxgan.directions.products import gram, parted, sketch
from jaxgan.directions.rpca import rpca
from jaxgan.metrics import principal_angles
from tests import planted, tolerances

KEY = jax.random.key(7)
WIDE, SIDE = 24, 6
SPARSITY = 1.5 / WIDE**0.5  # twenty-four coordinates are few for the published weight
LEFT = jnp.zeros((SIDE, SIDE)).at[:, : SIDE // 2].set(1.0)


@pytest.fixture(scope="module")
def halves():
    """x whose left half reads two directions of z, and whose right half three others."""
    turn = planted.orthogonal(jax.random.key(1), WIDE)
    draw = lambda i, n: turn[:, i : i + n] @ jax.random.normal(jax.random.key(2 + i), (n, SIDE, SIDE)).reshape(n, -1)
    left, right = draw(0, 2), draw(2, 3)
    mask = LEFT.reshape(-1)
    return turn, planted.linear(left * mask + right * (1 - mask))


def changes(g, found):
    """How far images move in the region and outside of it along each direction."""
    code = g.sample(KEY, 2)
    moved = [np.abs(g(jg.edit(g, code, jg.editing.move(found[i], 1.0))) - g(code)) for i in range(len(found))]
    inside = np.asarray(LEFT)[None, :, :, None] > 0
    return np.array(
        [(m[np.broadcast_to(inside, m.shape)].max(), m[~np.broadcast_to(inside, m.shape)].max()) for m in moved]
    )


@pytest.mark.parametrize("method,randomized", [("rayleigh", False), ("lowrank", False), ("rayleigh", True)])
def test_directions_of_a_region_move_it_and_leave_the_rest(halves, method, randomized):
    turn, g = halves
    finder = jacobian(region=LEFT, method=method, sparsity=SPARSITY, samples=2, randomized=randomized, rank=4)
    found = finder(g, KEY, 2)
    assert len(found) == 2 and np.degrees(1e-2) > principal_angles(found.flat(), turn[:, :2].T).max()
    inside, outside = changes(g, found).T
    assert inside.min() > 0.1 and outside.max() < 1e-4
    meta = dict(found.meta)
    assert meta["method"] == {"rayleigh": "resefa", "lowrank": "lowrankgan"}[method]
    assert meta["eigenvalues"][0] >= meta["eigenvalues"][1] > 0 and meta.get("ranks", (2, 3)) == (2, 3)


def test_singular_vectors_of_a_region_are_those_of_its_pixels(halves):
    _, g = halves
    found = jacobian(region=LEFT, samples=1)(g, KEY, 2)
    matrix = np.asarray(g.params["draw"]["matrix"])[:, np.asarray(LEFT).reshape(-1) > 0]
    left, sizes, _ = np.linalg.svd(matrix)
    assert np.abs((np.asarray(found.vectors) * left[:, :2].T).sum(1)).min() > 1 - 1e-4
    np.testing.assert_allclose(dict(found.meta)["eigenvalues"], sizes[:2] ** 2 / matrix.shape[1], rtol=1e-3)


def test_random_probes_find_the_dense_singular_vectors(halves):
    _, g = halves
    code = g.sample(KEY, 2)
    values, vectors = np.linalg.eigh(sketch(g, code, "image", KEY, 5)[0])
    dense = np.linalg.eigh(gram(g, code)[0])
    np.testing.assert_allclose(values[-5:], dense[0][-5:], rtol=1e-4)
    assert np.abs((vectors[:, -5:] * dense[1][:, -5:]).sum(0)).min() > 1 - 1e-3
    assert np.abs(values[:-5]).max() < 1e-4 * values[-1]


def test_products_by_forward_mode_equal_those_by_reverse_mode(close):
    g = planted.linear(jax.random.normal(KEY, (6, 16)), quadratic=0.5)  # another Jacobian at every code
    code = g.sample(KEY, 2)
    mask = jax.random.uniform(KEY, (2, 4, 4))
    one = lambda z: g(code[0].replace(value=z[None]))[0]
    whole = jax.vmap(jax.jacrev(one))(code.value)  # [N, H, W, C, D]
    weights = parted(g, code, "image", mask)
    close(gram(g, code)[0], jnp.einsum("nhwci,nhwcj->ij", whole, whole) / 2, tolerances.NETWORK)
    parts = jnp.einsum("nrhw,nhwci,nhwcj->rij", weights, whole, whole) / 2
    close(gram(g, code, "image", weights), parts, tolerances.NETWORK)
    np.testing.assert_allclose(weights.sum((2, 3)), 1.0, rtol=1e-5)


def test_a_region_may_follow_the_pictures(halves):
    _, g = halves
    by_mask = jacobian(region=LEFT, method="rayleigh", samples=2)(g, KEY, 2)
    by_eye = jacobian(region=lambda images: jnp.broadcast_to(LEFT, images.shape[:3]), method="rayleigh", samples=2)
    np.testing.assert_allclose(by_eye(g, KEY, 2).vectors, by_mask.vectors, atol=1e-5)


def test_robust_components_split_a_planted_sum():
    turn = np.asarray(planted.orthogonal(jax.random.key(3), WIDE), np.float64)
    low = 5 * turn[:, :2] @ turn[:, :2].T
    sparse = np.zeros((WIDE, WIDE))
    sparse[2, 5] = sparse[5, 2] = 3
    found = rpca(low + sparse, SPARSITY)
    np.testing.assert_allclose(found[0], low, atol=1e-5)
    np.testing.assert_allclose(found[1], sparse, atol=1e-5)
    assert np.abs(rpca(np.zeros((3, 3)))).max() == 0


def test_local_basis_is_that_of_the_mapping_at_its_code(close):
    g = planted.layered()
    code = g.sample(KEY, 1)
    found = local_basis(code)(g, KEY, 4)
    matrix = jax.jacrev(lambda z: g.to(code.replace(value=z[None]), "w").value[0])(code.value[0])
    left, gains, _ = np.linalg.svd(matrix)
    assert found.space == "w" and np.abs((np.asarray(found.vectors) * left[:, :4].T).sum(1)).min() > 1 - 1e-4
    np.testing.assert_allclose(dict(found.meta)["gains"], gains[:4], rtol=1e-3)
    with pytest.raises(ValueError, match="that of one code"):
        local_basis(g.sample(KEY, 2))
    with pytest.raises(ValueError, match="maps nothing between"):
        local_basis(g.to(code, "w"))(g, KEY, 1)


@pytest.mark.parametrize(
    "settings,word",
    [
        ({"method": "pca"}, "allowed"),
        ({"method": "rayleigh"}, "give region="),
        ({"region": jnp.ones((SIDE, SIDE))}, "whole picture"),
        ({"region": jnp.ones((5, 3, SIDE, SIDE))}, r"\[H, W\]"),
        ({"tau": 0.0}, "above 0"),
    ],
)
def test_what_cannot_be_is_refused(halves, settings, word):
    with pytest.raises(ValueError, match=word) as error:
        jacobian(samples=2, **settings)(halves[1], KEY, 2)
    assert "\n" not in str(error.value)
