import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.core import Arch, Code, Directions, Generator, Stage
from jaxgan.directions.higan import layerwise, rescore, stepped
from jaxgan.directions.stylespace import gradient_maps, winners
from jaxgan.features.attributes import Labels, Scorer, brightness
from jaxgan.latents import stats
from jaxgan.latents.spaces import rows
from tests import planted
from tests.tolerances import OP

KEY = jax.random.key(5)
D, SIDE = 8, 4


@pytest.fixture(scope="module")
def g():
    return planted.style(resolution=8, channel_base=64, channel_max=8)


@pytest.fixture(scope="module")
def linear():
    return planted.linear(planted.orthogonal(jax.random.key(1), SIDE**2)[:D] / 30)


@pytest.fixture(scope="module")
def scorer(linear):
    """Reads coordinate 0; coordinate 1 with much besides; and coordinate 2, of which there is little."""
    back = 30 * linear.params["draw"]["matrix"].T * 30

    def score(images):
        z = images.reshape(len(images), -1) @ back
        return jnp.stack([z[:, 0], z[:, 1] + 2 * z[:, 3] * z[:, 4], z[:, 2] ** 3 + z[:, 2] + z[:, 5] * z[:, 6]], axis=1)

    return Scorer(score, ("a", "b", "c"))


def axes(*which):
    return Directions(jnp.eye(D)[jnp.array(which)], jnp.ones(len(which)), "z", names=tuple(f"axis{i}" for i in which))


def test_scores_rise_along_the_directions_that_cause_them_and_no_others(linear, scorer):
    seen = rescore(linear, axes(0, 1, 7), scorer, KEY, by=2.0, samples=40, batch=20)
    np.testing.assert_allclose(seen.rise, [[2, 0, 0], [0, 2, 0], [0, 0, 0]], atol=1e-3)
    np.testing.assert_allclose(seen.change, seen.rise, atol=1e-3)
    down = rescore(linear, axes(0, 1, 7), scorer, KEY, by=-2.0, samples=40, batch=20)
    np.testing.assert_allclose(down.change, -seen.rise, atol=1e-3)
    np.testing.assert_allclose(down.rise, 0.0, atol=1e-3)
    assert seen.ranking()[0][:2] == ("axis0", "a") and seen.ranking()[-1][0] == "axis7"


def test_higan_orders_boundaries_by_what_they_cause(linear, scorer):
    finder = jg.directions.higan(scorer, samples=2000, extremes=0.1, batch=100, rescored=200)
    found = jg.discover(linear, finder, KEY, k=2)
    rise = dict(found.meta)["rise"]
    assert len(found) == 2 and rise[0] > rise[1] and "b" not in found.names and dict(found.meta)["method"] == "higan"
    assert abs(float(found["a"].vectors[0, 0])) > 0.95


@pytest.mark.parametrize(
    "space,layers", [("w", None), ("w", (1, 2)), ("w+", (0,)), ("w+", None), ("s", (1,)), ("s", None)]
)
def test_steps_are_those_of_the_edit(g, space, layers, close):
    code = stats.draw(g, KEY, 3, space)
    wide = stats.width(g, space)
    vectors = jax.random.normal(KEY, (2, wide))
    shape = g.arch.shape(space)
    value = tuple(jnp.split(vectors, np.cumsum([s[0] for s in shape])[:-1].tolist(), axis=1)) if space == "s" else None
    found = Directions(value or vectors.reshape(2, *shape), jnp.array([0.5, 2.0]), space)
    ours = stepped(g, code, found, jnp.array([1.0, -3.0]), layers)
    theirs = jg.edit(g, code, jg.editing.move(found, by=jnp.array([1.0, -3.0]), layers=layers))
    assert ours.space == theirs.space
    close(rows(ours.value), rows(theirs.value), OP)


def test_layers_are_scored_one_by_one(g):
    found = jg.directions.sefa(samples=50)(g, KEY, 1)
    single = layerwise(g, found, brightness(), KEY, samples=8, batch=8)
    assert single.shape == (g.arch.shape("w+")[0], 1, 1) and np.all(single >= 0) and single.max() > 0
    one = rescore(g, found, brightness(), KEY, layers=[1], samples=8, batch=8)
    np.testing.assert_allclose(single[1], one.rise, atol=1e-6)
    with pytest.raises(ValueError, match="no layers"):
        layerwise(g, found.replace(space="z"), brightness(), KEY)


def channel(g, layer, number):
    """Number of a channel among all of s."""
    return sum(s[0] for s in g.arch.shape("s")[:layer]) + number


def is_one_channel(g, found):
    vectors = np.asarray(rows(found.vectors))
    assert found.space == "s" and np.all((vectors != 0).sum(1) == 1) and np.all(np.abs(vectors).max(1) == 1)
    sigma = np.concatenate(stats.channels(g, jax.random.key(8), "s", 4000)[1])
    np.testing.assert_allclose(found.scales, sigma[np.abs(vectors).argmax(1)], rtol=0.1)
    return np.abs(vectors).argmax(1)


def test_the_channel_that_a_few_examples_share_is_found_with_its_side(g):
    code = stats.draw(g, KEY, 12, "s")
    mean, sigma = stats.channels(g, KEY, "s", 2000)
    shared = tuple(v.at[:, 3].set(mean[i][3] - 4 * sigma[i][3]) if i == 2 else v for i, v in enumerate(code.value))
    found = jg.discover(g, jg.directions.stylespace(examples=Code(shared, "s"), measured=2000), KEY, k=3)
    assert is_one_channel(g, found)[0] == channel(g, 2, 3) and rows(found.vectors)[0].min() == -1
    theta = dict(found.meta)["theta"]
    assert theta[0] > 10 * theta[1] >= 10 * theta[2] and found.names[0] == "b8_conv0:3"


def test_the_channel_that_a_score_follows_is_found_and_colours_are_left_out(g):
    codes = g.sample(KEY, 400)
    s = np.asarray(rows(g.to(codes, "s").value))
    for number, torgb in ((channel(g, 3, 5), False), (channel(g, 1, 2), True)):
        labels = Labels(s[:, [number]], ("it",))
        found = jg.directions.stylespace(labels, "it", codes=codes, extremes=0.05, torgb=torgb, measured=2000)(
            g, KEY, 4
        )
        assert is_one_channel(g, found)[0] == number and rows(found.vectors)[0].max() == 1
    found = jg.directions.stylespace(labels, codes=codes, extremes=0.05, measured=2000)(g, KEY, 4)
    assert not any("torgb" in name for name in found.names)
    with pytest.raises(ValueError, match="Did you mean 'it'"):
        jg.directions.stylespace(labels, "itt", codes=codes, measured=100)(g, KEY, 1)


class Split(nn.Module):
    @nn.compact
    def __call__(self, z, context):
        return z[:, :2], z[:, 2:]


class Quadrants(nn.Module):
    """Channel c of four brightens quadrant c of the picture; channel 3 all of it."""

    @nn.compact
    def __call__(self, s, context):
        s = jnp.concatenate(s, axis=1)
        far = jnp.arange(8) >= 4
        parts = [far[:, None] == down for down in (0, 1)]
        across = [far[None, :] == right for right in (0, 1)]
        maps = [parts[0] & across[0], parts[0] & across[1], parts[1] & across[0], jnp.ones((8, 8), bool)]
        return 0.2 * jnp.einsum("nc,chw->nhw", s, jnp.stack(maps).astype(jnp.float32))[..., None]


@pytest.fixture(scope="module")
def quadrants():
    stages = (Stage("z", "s", Split(name="split")), Stage("s", "x", Quadrants(name="draw")))
    arch = Arch("quadrants", (), stages, (("z", (4,)), ("s", ((2,), (2,)))), 8, channels=1)
    return Generator({}, {}, arch)


def test_channels_are_local_to_the_region_that_they_alone_change(quadrants):
    far = np.arange(8) >= 4
    masks = np.stack([(far[:, None] == d) & (far[None] == r) for d in (0, 1) for r in (0, 1)], axis=-1)
    segmenter = Scorer(lambda images: np.broadcast_to(masks, (len(images), 8, 8, 4)), ("nw", "ne", "sw", "se"))
    for name, number in (("nw", 0), ("ne", 1), ("sw", 2)):
        finder = jg.directions.local_channels(segmenter, name, samples=6, batch=3, side=8)
        found = jg.discover(quadrants, finder, KEY, k=4)
        assert len(found) == 1 and is_one_channel(quadrants, found)[0] == number
        assert dict(found.meta)["won"] == (1.0,)
    with pytest.raises(ValueError, match="No channel is local to the region 'se'"):
        jg.directions.local_channels(segmenter, "se", samples=6, batch=3, side=8)(quadrants, KEY, 1)
    maps = gradient_maps(quadrants, stats.draw(quadrants, KEY, 1, "s"), 8)
    np.testing.assert_allclose(maps[:3] > 0, np.moveaxis(masks, -1, 0)[:3])
    assert winners(maps, jnp.asarray(masks, jnp.float32))[0][:3].argmax(1).tolist() == [0, 1, 2]


def test_what_style_space_cannot_do_is_said_at_the_door(g, linear):
    with pytest.raises(ValueError, match="either a scorer or examples="):
        jg.directions.stylespace()
    with pytest.raises(ValueError, match="planted offers z"):
        jg.directions.stylespace(brightness())(linear, KEY, 1)
    with pytest.raises(ValueError, match="at least 2"):
        jg.directions.stylespace(examples=g.sample(KEY, 1), measured=100)(g, KEY, 1)
