import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.features.inception import CLASSES, InceptionV3, inception, published, random_inception, shapes
from jaxgan.metrics import figure_name
from tests import tolerances


@pytest.fixture(scope="module")
def network():
    return random_inception("pytorch")


@pytest.fixture(scope="module")
def state(network):
    """The random network's arrays as pytorch-fid's file would hold them."""
    found = {"Mixed_5b.branch1x1.bn.num_batches_tracked": np.array(0)}
    for path, leaf in jax.tree_util.tree_leaves_with_path({"params": network.params, "buffers": network.buffers}):
        value = np.asarray(leaf)
        found[published(path)] = value.transpose(3, 2, 0, 1) if value.ndim == 4 else value.T
    return found


def count(tree):
    return sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(tree))


def test_sizes_are_those_of_the_published_networks():
    ours, torchvision = shapes(InceptionV3()), shapes(InceptionV3(tensorflow=False))
    assert count(ours["params"]) == 23_850_960  # pytorch-fid's fid_inception_v3
    assert count(torchvision["params"]) == 23_834_568  # torchvision's inception_v3 without its auxiliary classifier
    assert len(jax.tree.leaves(ours["buffers"])) == 2 * 94  # every convolution has a mean and a variance


def test_features_and_scores_are_those_of_the_published_code(network):
    x = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 3)).astype(np.float32)
    vectors = np.asarray(network(x))
    assert vectors.shape == (2, 2048)
    # What pytorch-fid computes with the same weights and images.
    places = np.array([0, 500, 1000, 2000])
    np.testing.assert_allclose(
        vectors[0, places], [0.01995381, 0.09740172, 0.07781004, 0.04143908], atol=tolerances.NETWORK
    )
    variables = {"params": network.params, "buffers": network.buffers}
    scores = network.module.apply(variables, vectors, method="scores")
    np.testing.assert_allclose(scores, vectors @ np.asarray(network.params["fc"]["kernel"]), atol=tolerances.NETWORK)


def test_published_arrays_go_where_they_came_from(network, state):
    again = inception(state, "pytorch")
    for a, b in zip(jax.tree.leaves(again.params), jax.tree.leaves(network.params), strict=True):
        assert np.array_equal(a, b)
    assert again.module == network.module


def test_figures_are_named_by_network_and_resizing_and_random_weights_are_no_fid(network, state):
    assert figure_name(inception(state)) == "fid"
    assert figure_name(inception(state, "clean")) == "fid_clean"
    assert figure_name(inception(state, "pytorch")) == "fid_pytorch"
    assert figure_name(network) == "frechet_inception_random_pytorch"
    other = {**state, "fc.weight": state["fc.weight"][: CLASSES[False]], "fc.bias": state["fc.bias"][: CLASSES[False]]}
    assert figure_name(inception({**other, "AuxLogits.fc.bias": np.zeros(3)})) == "frechet_inception_torchvision"


@pytest.mark.parametrize("kind", ["tensorflow", "clean"])
def test_every_resizing_takes_grey_and_any_size(kind):
    module = InceptionV3(resize=kind)
    given = jax.eval_shape(
        lambda x: module.init_with_output(jax.random.key(0), x)[0], jax.ShapeDtypeStruct((3, 28, 40, 1), jnp.float32)
    )
    assert given.shape == (3, 2048)


def test_wrong_arrays_are_named(state):
    with pytest.raises(ValueError, match=r"lacks 'Mixed_7c\.branch_pool\.conv\.weight'"):
        inception({name: a for name, a in state.items() if name != "Mixed_7c.branch_pool.conv.weight"})
    with pytest.raises(ValueError, match="no place for 1 arrays, such as 'Mixed_8a"):
        inception({**state, "Mixed_8a.conv.weight": np.zeros(3)})
    with pytest.raises(ValueError, match=r"'fc\.bias' of InceptionV3 has shape"):
        inception({**state, "fc.bias": np.zeros(7)})
    with pytest.raises(ValueError, match="no resizing 'bilinear'"):
        inception(state, "bilinear")
