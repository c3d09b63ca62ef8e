from importlib import import_module

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.core import fingerprint
from jaxgan.directions import hessian, jacobian, pca, sefa
from jaxgan.io.pickles import read
from jaxgan.latents import stats
from jaxgan.latents.spaces import rows
from tests import planted

KEY = jax.random.key(7)
SIZES = jnp.array([6.0, 5.0, 4.0, 3.0, 2.0, 1.0])


@pytest.fixture(scope="module")
def g():
    return planted.style()


@pytest.fixture(scope="module")
def gains():
    """x = (z R) diag(6 ... 1) O with orthonormal rows in O: the axes are the columns of R, ordered."""
    turn = planted.orthogonal(jax.random.key(1), 6)
    return turn, planted.linear(turn @ (SIZES[:, None] * planted.orthogonal(jax.random.key(2), 16)[:6]))


def cosines(a, b):
    return np.abs(np.sum(np.asarray(a) * np.asarray(b), axis=1))


@pytest.mark.parametrize("finder", [pca(), sefa(), hessian(steps=10, batch=2), jacobian(samples=2)])
def test_directions_are_of_unit_length_with_the_populations_scale(g, finder):
    found = finder(g, KEY, 4)
    assert found.vectors.shape == (4, 16) and found.scales.shape == (4,) and found.space == "w"
    np.testing.assert_allclose(jnp.linalg.norm(found.vectors, axis=1), 1.0, rtol=1e-5)
    w = stats.draw(g, jax.random.key(99), 20_000, "w").value
    np.testing.assert_allclose(found.scales, (w @ found.vectors.T).std(0), rtol=0.05)
    assert dict(found.meta)["generator"] == fingerprint(g) and len(found.names) == 4
    assert np.all(np.take_along_axis(np.asarray(found.vectors), np.abs(found.vectors).argmax(1)[:, None], 1) > 0)
    again = finder(g, KEY, 4)
    np.testing.assert_array_equal(again.vectors, found.vectors)


def test_pca_equals_the_singular_vectors_of_the_same_sample(g):
    found = pca(samples=2500)(g, KEY, 5)
    draws, _ = jax.random.split(KEY)
    parts = [stats.draw(g, jax.random.fold_in(draws, i), 1000, "w").value for i in range(3)]
    x = np.asarray(jnp.concatenate(parts)[:2500], np.float64)
    _, sizes, axes = np.linalg.svd(x - x.mean(0), full_matrices=False)
    assert cosines(found.vectors, axes[:5]).min() > 1 - 1e-5
    share = sizes**2 / (sizes**2).sum()
    np.testing.assert_allclose(dict(found.meta)["explained"], share[:5], rtol=1e-4)


def test_pca_on_eight_devices_is_that_of_one(gains, close):
    for how in ({}, {"tap": "image"}):
        one, eight = (
            pca(samples=999, batch=200, devices=d, **how)(gains[1], KEY, 3) for d in (None, jax.devices()[:8])
        )
        close(eight.vectors, one.vectors, 1e-4)
        close(dict(eight.meta)["explained"], dict(one.meta)["explained"], 1e-5)
    with pytest.raises(ValueError, match="8 devices do not divide a batch of 99 codes"):
        pca(samples=99, devices=jax.devices()[:8])(gains[1], KEY, 3)


def test_pca_of_an_activation_finds_the_planted_latent_axes(gains):
    turn, g = gains
    found = pca(tap="image", samples=20_000)(g, KEY, 6)
    assert found.space == "z" and cosines(found.vectors, turn.T).min() > 0.99
    np.testing.assert_allclose(dict(found.meta)["explained"], SIZES**2 / (SIZES**2).sum(), rtol=0.05)


def test_range_finder_equals_the_whole_covariance(gains, monkeypatch):
    _, g = gains
    whole = pca(tap="image", samples=999)(g, KEY, 3)
    module = import_module("jaxgan.directions.pca")
    monkeypatch.setattr(module, "WIDEST", 8)
    module.components.clear_cache()
    sketch = pca(tap="image", samples=999)(g, KEY, 3)
    module.components.clear_cache()
    assert cosines(whole.vectors, sketch.vectors).min() > 1 - 1e-4
    np.testing.assert_allclose(dict(sketch.meta)["explained"], dict(whole.meta)["explained"], rtol=1e-3)


def test_pca_in_style_space_has_the_form_of_a_code(g):
    found = pca(space="s", samples=500)(g, KEY, 2)
    assert tuple(v.shape[1:] for v in found.vectors) == g.arch.shape("s")
    np.testing.assert_allclose(jnp.linalg.norm(rows(found.vectors), axis=1), 1.0, rtol=1e-5)


def test_sefa_equals_the_right_singular_vectors_of_the_normalised_rows(g):
    found = sefa(include_torgb="none", samples=50)(g, KEY, 10)
    stack = np.concatenate(
        [np.asarray(g.params["style"][a.layer]["weight"], np.float64).T for a in g.arch.affines if not a.rgb]
    )
    stack /= np.linalg.norm(stack, axis=1, keepdims=True)
    _, sizes, axes = np.linalg.svd(stack)
    assert cosines(found.vectors, axes[:10]).min() > 1 - 1e-5
    np.testing.assert_allclose(dict(found.meta)["eigenvalues"], sizes[:10] ** 2, rtol=1e-4)


@pytest.mark.parametrize("name", ["stylegan2_uncond64", "stylegan2_cond32"])
def test_sefa_on_a_published_checkpoint_equals_numpy(golden, name):
    g = jg.load(golden(f"{name}.pkl"))
    layers = g.params["style"]
    last = max(a.row for a in g.arch.affines)
    keep = [a.layer for a in g.arch.affines if not a.rgb or a.row == last]
    stack = np.concatenate([np.asarray(layers[k]["weight"], np.float64).T for k in keep])
    stack /= np.linalg.norm(stack, axis=1, keepdims=True)
    values, columns = np.linalg.eigh(stack.T @ stack)
    found = sefa(samples=50)(g, KEY, 5)
    assert cosines(found.vectors, columns.T[::-1][:5]).min() > 1 - 1e-5
    np.testing.assert_allclose(dict(found.meta)["eigenvalues"], values[::-1][:5], rtol=1e-4)


@pytest.mark.parametrize("name", ["pggan_32", "stylegan_32"])
def test_sefa_on_genforces_checkpoints_equals_numpy_on_the_files_arrays(golden, name):
    path = golden(f"{name}.pth")
    arrays, g = read(path).value, jg.load(path)
    if name.startswith("pggan"):  # the units are the pixels of the first maps: [out, D, 4, 4] to [out 4 4, D]
        units = [np.moveaxis(arrays["G.layer0.weight"], 1, -1).reshape(-1, g.arch.shape("z")[0])]
    else:  # scales and biases
        units = [arrays[f"G.synthesis.layer{i}.style.weight"] for i in range(8)]
    stack = np.concatenate(units).astype(np.float64)
    stack /= np.linalg.norm(stack, axis=1, keepdims=True)
    _, sizes, axes = np.linalg.svd(stack, full_matrices=False)
    found = sefa(samples=50)(g, KEY, 5)
    assert found.space == ("z" if name.startswith("pggan") else "w")
    assert cosines(found.vectors, axes[:5]).min() > 1 - 1e-5
    np.testing.assert_allclose(dict(found.meta)["eigenvalues"], sizes[:5] ** 2, rtol=1e-4)


def test_directions_survive_a_file(g, tmp_path):
    for name, finder in {"w": sefa(layers=[1, 2], samples=50), "s": pca(space="s", samples=100)}.items():
        found = finder(g, KEY, 3)
        jg.save(found, tmp_path / f"{name}.safetensors")
        back = jg.load(tmp_path / f"{name}.safetensors")
        assert (back.space, back.layers, back.names, back.meta) == (found.space, found.layers, found.names, found.meta)
        jax.tree.map(np.testing.assert_array_equal, back.vectors, found.vectors)
        np.testing.assert_array_equal(back.scales, found.scales)


def test_sefa_does_not_see_the_length_of_a_units_weights(g):
    scaled = g.params | {
        "style": {
            k: {**v, "weight": v["weight"] * jnp.linspace(0.5, 3, v["weight"].shape[1])}
            for k, v in g.params["style"].items()
        }
    }
    a, b = (sefa(samples=50)(x, KEY, 6) for x in (g, g.replace(params=scaled)))
    assert cosines(a.vectors, b.vectors).min() > 1 - 1e-5


def test_sefa_reads_the_chosen_rows_and_colours(g):
    stack = import_module("jaxgan.directions.sefa").stack
    units = lambda **chosen: sum(
        g.params["style"][a.layer]["weight"].shape[1] for a in g.arch.affines if chosen["keep"](a)
    )
    assert stack(g, None, "all").shape[1] == units(keep=lambda a: True)
    assert stack(g, None, "none").shape[1] == units(keep=lambda a: not a.rgb)
    assert stack(g, None, "last").shape[1] == units(keep=lambda a: not a.rgb or a.layer == "b16_torgb")
    assert stack(g, (0, 1), "none").shape[1] == units(keep=lambda a: a.row < 2 and not a.rgb)
    found = sefa(layers=range(2, 4), samples=50)(g, KEY, 2)
    assert found.layers == (2, 3)


def test_sefa_recovers_a_planted_map():
    turn = planted.orthogonal(jax.random.key(1), 6)
    counts = [6, 4, 3, 1, 1, 1]  # units that read each axis: the eigenvalues
    columns = jnp.repeat(jnp.arange(6), jnp.array(counts))
    g = planted.linear(turn[:, columns])
    found = sefa(samples=50)(g, KEY, 3)
    assert found.space == "z" and cosines(found.vectors, turn.T[:3]).min() > 1 - 1e-5
    np.testing.assert_allclose(dict(found.meta)["eigenvalues"], counts[:3], rtol=1e-4)


@pytest.mark.parametrize("mode", ["exact", "fd"])
def test_hessian_finds_the_axes_that_do_not_interact(mode):
    turn = planted.orthogonal(jax.random.key(1), 4)
    columns = jnp.arange(16) % 4
    g = planted.linear(turn[:, columns] * jnp.array([2.0, 1.6, 1.3, 1.0])[columns], quadratic=0.5)
    said = []
    finder = hessian(steps=300, mode=mode, lr=0.03, eps=0.1, batch=16, progress=lambda n, loss: said.append((n, loss)))
    found = finder(g, KEY, 4)
    match = np.abs(np.asarray(found.vectors @ turn))
    assert match.max(1).min() > 0.98 and sorted(match.argmax(1)) == [0, 1, 2, 3]
    assert [n for n, _ in said] == list(range(30, 301, 30)) and said[-1][1] < 0.1 * said[0][1]
    effect = dict(found.meta)["effect"]
    assert list(effect) == sorted(effect, reverse=True)
    np.testing.assert_allclose(found.vectors @ found.vectors.T, jnp.eye(4), atol=1e-4)


def test_jacobian_finds_the_singular_vectors_of_a_linear_generator(gains):
    turn, g = gains
    found = jacobian(samples=3)(g, KEY, 6)
    assert cosines(found.vectors, turn.T).min() > 1 - 1e-4
    np.testing.assert_allclose(dict(found.meta)["eigenvalues"], SIZES**2, rtol=1e-3)


@pytest.mark.parametrize(
    "finder,word",
    [
        (sefa(layers=[77], samples=50), "rows 0 to"),
        (pca(space="q"), "space"),
        (pca(tap="b99"), "tap"),
        (jacobian(space="q"), "space"),
    ],
)
def test_what_a_generator_lacks_is_named_in_one_line(g, finder, word):
    with pytest.raises(ValueError, match=word) as error:
        finder(g, KEY, 3)
    assert "\n" not in str(error.value)


def test_too_many_directions_are_refused(g):
    for finder in (pca(samples=100), sefa(samples=50), hessian(steps=1), jacobian(samples=1)):
        with pytest.raises(ValueError, match="17 directions"):
            finder(g, KEY, 17)


def test_generator_without_style_maps_is_told_what_it_offers(gains):
    _, g = gains
    bare = g.replace(arch=g.arch._replace(affines=()))
    with pytest.raises(ValueError, match=r"names none\. Use pca"):
        sefa()(bare, KEY, 2)


@pytest.mark.slow
def test_conditional_generators_are_searched_too():
    g = planted.style(resolution=8, classes=3)
    for finder in (pca(samples=100), hessian(steps=2, space="z"), jacobian(space="z", samples=2)):
        assert finder(g, KEY, 2).vectors.shape == (2, 16)
