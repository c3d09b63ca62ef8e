import zlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.features import lpips as judge
from jaxgan.features.trunks import TRUNKS, SqueezeNet, max_pool, trunk_params
from tests import tolerances


def torch_names(module):
    """Shapes of the trunk's parameters by torchvision's names, kernels [out, in, h, w]."""
    shapes = jax.eval_shape(module.init, jax.random.key(0), jnp.zeros((1, 64, 64, 3)))["params"]
    named = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(shapes):
        *names, kind = [p.key for p in path]
        key = ".".join(names).replace("features_", "features.") + (".weight" if kind == "kernel" else ".bias")
        named[key] = leaf.shape if len(leaf.shape) == 1 else tuple(leaf.shape[i] for i in (3, 2, 0, 1))
    return named


def formula(module):
    """The golden case's weights: a normal draw seeded by the crc32 of the name."""
    weights = {}
    for key, shape in torch_names(module).items():
        draw = np.random.default_rng(zlib.crc32(key.encode())).standard_normal(shape).astype(np.float32)
        scale = np.sqrt(2 / np.prod(shape[1:])) if len(shape) == 4 else 0.1
        weights[key] = (draw * scale).astype(np.float32)
    return weights


@pytest.fixture(scope="module", params=["vgg", "alex"])
def golden_case(request, golden):
    arrays = np.load(golden("lpips.npz"))
    name = request.param
    heads = {f"lin{i}": arrays[f"{name}_lin{i}"] for i in range(5)}
    network = judge.lpips(name, formula(TRUNKS[name]()), heads)
    return name, arrays, network


def images(key, n=2, side=64, channels=3):
    return jax.random.uniform(jax.random.key(key), (n, side, side, channels), minval=-1, maxval=1)


@pytest.fixture(scope="module")
def squeeze():
    module = SqueezeNet()
    rng = np.random.default_rng(0)
    heads = {f"lin{i}": rng.uniform(size=c).astype(np.float32) for i, c in enumerate(module.channels)}
    return judge.lpips("squeeze", formula(module), heads)


def test_distance_and_layers_equal_the_reference(golden_case):
    name, arrays, network = golden_case
    a, b = (jnp.asarray(arrays[k].transpose(0, 2, 3, 1)) for k in "ab")
    terms = judge.terms(network, a, b)
    for i in range(5):
        reference = arrays[f"{name}_layer{i}"]
        # The distances are of order 0.01, so the error is taken relative to them, not to 1.
        assert np.abs(terms[f"layer{i}"] - reference).max() <= tolerances.NETWORK * np.abs(reference).max()
    total = judge.distance(network, a, b)
    assert np.abs(total - arrays[name]).max() <= tolerances.NETWORK * np.abs(arrays[name]).max()


def test_squared_difference_of_flat_features_is_the_distance(squeeze):
    a, b = images(1), images(2)
    vectors = judge.flat(squeeze, a) - judge.flat(squeeze, b)
    np.testing.assert_allclose((vectors**2).sum(1), judge.distance(squeeze, a, b), rtol=tolerances.OP)


def test_distance_is_symmetric_and_zero_on_equal_images(squeeze):
    a, b = images(1), images(2)
    np.testing.assert_allclose(judge.distance(squeeze, a, b), judge.distance(squeeze, b, a), rtol=tolerances.OP)
    assert np.array_equal(judge.distance(squeeze, a, a), np.zeros(2))


def test_each_pair_is_judged_alone(squeeze):
    a, b = images(1, 3), images(2, 3)
    replaced = judge.distance(squeeze, a.at[0].set(b[2]), b.at[2].set(0.0))
    np.testing.assert_allclose(judge.distance(squeeze, a, b)[1], replaced[1], rtol=tolerances.OP)


def test_gradient_is_finite_where_the_features_vanish(squeeze):
    silent = squeeze.replace(params=jax.tree.map(lambda p: -jnp.abs(p), squeeze.params))
    silent = silent.replace(params=silent.params | {k: v for k, v in squeeze.params.items() if k != "trunk"})
    bright = jnp.full((1, 64, 64, 3), 1.0)
    assert all(np.all(np.asarray(y) == 0) for y in judge.embed(silent, bright)[1:])
    slope = jax.jit(jax.grad(lambda x, y, network: judge.distance(network, x, y).sum()))
    gradient = slope(bright, images(3, 1), silent)
    assert np.all(np.isfinite(gradient))
    same = images(4, 1)
    gradient = slope(same, same, squeeze)
    assert np.all(np.isfinite(gradient)) and np.abs(gradient).max() < 1e-6


def test_grey_images_count_as_equal_channels(squeeze):
    grey, other = images(1, channels=1), images(2, channels=1)
    colour = judge.distance(squeeze, jnp.repeat(grey, 3, -1), jnp.repeat(other, 3, -1))
    np.testing.assert_allclose(judge.distance(squeeze, grey, other), colour, rtol=tolerances.OP)


@pytest.mark.parametrize("side", [13, 14, 15])
@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize(("window", "stride"), [(2, 2), (3, 2)])
def test_max_pool_matches_a_loop_over_windows(side, ceil, window, stride):
    x = np.random.default_rng(0).standard_normal((2, side, side, 3)).astype(np.float32)
    count = (-(-(side - window) // stride) if ceil else (side - window) // stride) + 1
    expected = np.zeros((2, count, count, 3), np.float32)
    for i in range(count):
        for j in range(count):
            cell = x[:, i * stride : i * stride + window, j * stride : j * stride + window]
            expected[:, i, j] = cell.max((1, 2))
    assert np.array_equal(max_pool(jnp.asarray(x), window, stride, ceil), expected)


@pytest.mark.parametrize("name", sorted(TRUNKS))
def test_smallest_image_still_has_features_in_every_map(name):
    module = TRUNKS[name]()
    network = judge.lpips(name, formula(module), {f"lin{i}": np.ones(c) for i, c in enumerate(module.channels)})
    maps = judge.embed(network, images(0, 1, module.smallest))
    assert all(min(y.shape) > 0 for y in maps)
    assert [y.shape[-1] for y in maps] == list(module.channels)
    with pytest.raises(ValueError, match=f"needs {module.smallest} pixels"):
        judge.embed(network, images(0, 1, module.smallest - 1))


def test_torchvision_names_are_taken_exactly():
    names = torch_names(SqueezeNet())
    assert names["features.0.weight"] == (64, 3, 3, 3)
    assert names["features.12.expand3x3.weight"] == (256, 64, 3, 3)
    assert torch_names(TRUNKS["vgg"]())["features.28.weight"] == (512, 512, 3, 3)
    assert torch_names(TRUNKS["alex"]())["features.10.bias"] == (256,)


def test_wrong_weights_are_named():
    module = SqueezeNet()
    weights = formula(module)
    with pytest.raises(ValueError, match=r"lacks 'features\.3\.squeeze\.weight'"):
        trunk_params(module, {k: v for k, v in weights.items() if k != "features.3.squeeze.weight"})
    with pytest.raises(ValueError, match=r"features\.0\.weight"):
        trunk_params(module, weights | {"features.0.weight": np.zeros((64, 3, 5, 5))})
    heads = {f"lin{i}": np.ones(c) for i, c in enumerate(module.channels)}
    with pytest.raises(ValueError, match="lin6"):
        judge.lpips("squeeze", weights, {k: v for k, v in heads.items() if k != "lin6"})
    with pytest.raises(ValueError, match="negative"):
        judge.lpips("squeeze", weights, heads | {"lin2": -heads["lin2"]})
    with pytest.raises(ValueError, match="no trunk 'resnet'"):
        judge.lpips("resnet", weights, heads)
