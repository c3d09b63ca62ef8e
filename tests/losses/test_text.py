"""What a text asks of images, and how far a code may go for it."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.core import Code, Network
from jaxgan.features.embedder import Pair
from jaxgan.losses.text import cropped
from tests.planted import linear, style
from tests.tolerances import OP

KEY = jax.random.key(0)


class Means(nn.Module):
    """The mean colour, and a coordinate that is always there."""

    @nn.compact
    def __call__(self, images):
        scale = self.param("scale", nn.initializers.ones, (3,))
        return jnp.concatenate([images.mean((1, 2)) * scale, jnp.ones((len(images), 1))], axis=1)


COLOURS = {"red": [1.0, -1, -1, 1], "green": [-1.0, 1, -1, 1]}
EMBEDDER = Pair(Network({"scale": jnp.ones(3)}, {}, Means()), lambda texts: jnp.array([COLOURS[t] for t in texts]))


def plain(colour):
    return jnp.broadcast_to(jnp.array(colour, jnp.float32), (2, 8, 8, 3))


def test_the_loss_is_one_less_the_cosine_and_0_where_the_text_is_obeyed(close):
    loss = jg.losses.text(EMBEDDER, "red")
    close(loss(plain([1, -1, -1]), plain([0, 0, 0]))[0], np.zeros(2), OP)
    close(loss(plain([-1, 1, -1]), plain([0, 0, 0]))[0], np.ones(2), OP)
    assert loss.names == ("text",)


def test_crops_are_squares_of_the_image_and_of_a_plain_one_all_alike(close):
    whole, crops = jg.losses.text(EMBEDDER, "red"), jg.losses.text(EMBEDDER, "red", crops=3, key=KEY)
    images = plain([0.5, -0.2, 0.1])
    close(crops(images, images)[0], whole(images, images)[0], OP)
    ramp = jnp.broadcast_to(jnp.linspace(0.5, 15.5, 16)[None, :, None, None], (1, 16, 16, 1))
    part = cropped(ramp, jnp.array([[0.25, 0.0, 0.5], [0.0, 0.0, 1.0]]))
    close(part[1], ramp, OP)
    close(part[0, 0, 1:-1, 0, 0], 4.25 + 0.5 * np.arange(1, 15), 1e-5)
    with pytest.raises(ValueError, match="crops=2 needs key="):
        jg.losses.text(EMBEDDER, "red", crops=2)


def test_near_is_the_squared_distance_from_where_a_code_began(close):
    g = style(resolution=8, channel_base=64, channel_max=8)
    start = g.sample(KEY, 2)
    code = g.to(start, "w+")
    moved = code.replace(value=code.value + 0.5)
    images = jnp.zeros((2, 8, 8, 3))
    expected = np.full(2, 0.25 * code.value[0].size)
    for begun in (code, start):
        close(jg.losses.near(begun)(images, images, moved, g)[0], expected, 1e-5)
    with pytest.raises(ValueError, match="knows where 2 codes began, got 1"):
        jg.losses.near(code)(images[:1], images[:1], moved[0], g)
    with pytest.raises(ValueError, match="near needs the code"):
        jg.losses.near(code)(images, images)


def test_styleclip_obeys_the_text_and_a_heavier_weight_keeps_it_nearer():
    matrix, n = np.zeros((4, 16)), 6  # more than are taken at a time on CPUs
    matrix[:2, :4] = np.eye(2, 4) * 0.5
    g = linear(matrix)
    see = lambda images: jnp.concatenate([images[:, 0, :2, 0], jnp.full((len(images), 1), 0.3)], axis=1)
    embedder = Pair(see, lambda texts: jnp.array([[1.0, 0.0, 0.0]]))
    start = Code(jnp.tile(jnp.array([[0.2, 0.4, 0.5, 0.0], [0.0, -0.4, 0.0, 1.0]]), (n // 2, 1)), "z")
    far = []
    for stay in (0.001, 0.5):
        how = jg.inversion.papers.styleclip(embedder, "right", 80, stay=stay, space="z")
        found, info = jg.invert(g, g(start), how, KEY, start=start)
        assert np.all(info["final"] < info["loss"][0])
        assert np.all(found.code.value[:, 0] > start.value[:, 0])
        np.testing.assert_allclose(found.code.value[:, 2:], start.value[:, 2:], atol=1e-4)
        far.append(np.square(found.code.value - start.value).sum())
    assert far[1] < 0.5 * far[0]
    with pytest.raises(ValueError, match="styleclip edits a code"):
        jg.invert(g, g(start), how, KEY)
