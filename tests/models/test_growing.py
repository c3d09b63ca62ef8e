"""PGGAN and StyleGAN: published sizes, and how networks behave while they grow."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.core import Code
from jaxgan.core.network import initialise
from jaxgan.io.names import shapes
from jaxgan.models import pggan, stylegan1
from jaxgan.models.stylegan1 import adain
from jaxgan.ops.resample import blur, conv, conv_down2, conv_up2, enlarge
from jaxgan.ops.similarity import halve
from tests.tolerances import OP

SIZES = dict(resolution=16, channel_base=64, channel_max=8)
G_SIZES = {pggan: dict(z_dim=6), stylegan1: dict(z_dim=6, w_dim=6, mapping_layers=2, mapping_hidden=6)}
both = pytest.mark.parametrize("family", (pggan, stylegan1), ids=lambda f: f.NAME)


def generator(family, **how):
    """A generator whose noise strengths, biases and styles are not at their initial zero."""
    g = family.arch(**SIZES, **G_SIZES[family], **how).init(jax.random.key(0))
    move = lambda x: x + 0.1 * jax.random.normal(jax.random.key(x.size), x.shape)
    return g.replace(params=jax.tree.map(move, g.params))


def discriminator(family, **how):
    return initialise(family.discriminator(**SIZES, **how), jax.random.key(1), jnp.zeros((1, 16, 16, 3)))


def fading(network, fade):
    """The network with its buffer `fade` set."""
    return network.replace(
        buffers=jax.tree_util.tree_map_with_path(
            lambda path, x: jnp.float32(fade) if path[-1].key == "fade" else x, network.buffers
        )
    )


@pytest.mark.parametrize(
    ("family", "g", "d"), [(pggan, 23_079_115, 23_087_249), (stylegan1, 26_219_627, 23_087_249)], ids=["pggan", "sg1"]
)
def test_the_published_sizes_have_the_published_numbers_of_parameters(family, g, d):
    count = lambda tree: sum(int(np.prod(x.shape)) for x in jax.tree.leaves(tree))
    assert count(jax.eval_shape(family.arch(1024).init, jax.random.key(0)).params) == g
    assert count(shapes(family.discriminator(1024))["params"]) == d


@both
def test_the_parameters_are_the_same_ones_at_every_level_of_detail(family):
    shape = lambda tree: jax.tree.map(lambda x: x.shape, tree)
    full, small = (jax.eval_shape(family.arch(**SIZES, lod=lod).init, jax.random.key(0)) for lod in (0, 2))
    assert shape(full.params) == shape(small.params) and shape(full.buffers) == shape(small.buffers)
    judges = [shapes(family.discriminator(**SIZES, lod=lod)) for lod in (0, 2)]
    assert shape(judges[0]) == shape(judges[1])


@pytest.mark.slow
@both
def test_a_network_that_begins_to_fade_is_the_one_before_it(family, close):
    g, code = generator(family), generator(family).sample(jax.random.key(2), 4)
    before = g.replace(arch=family.arch(**SIZES, **G_SIZES[family], lod=1))
    close(fading(g, 1.0)(code), before(code), OP, "generator")
    half = (g(code) + before(code)) / 2
    close(fading(g, 0.5)(code), half, OP, "half way")
    assert np.abs(g(code) - before(code)).max() > 0.1
    d, images = discriminator(family), g(code)
    d_before = d.replace(module=family.discriminator(**SIZES, lod=1))
    close(fading(d, 1.0)(images), d_before(images), OP, "discriminator")
    close(d_before(images), d(halve(images)), OP, "smaller images enter at their own resolution")


@both
def test_a_smaller_generator_draws_with_the_weights_of_the_larger_one(family, close):
    g, z = generator(family, lod=1), jax.random.normal(jax.random.key(3), (2, 6))
    small = g.replace(arch=family.arch(**{**SIZES, "resolution": 8}, **G_SIZES[family]))
    close(g(Code(z, "z")), enlarge(small(Code(z, "z"))), OP)


@both
def test_images_of_no_resolution_on_the_way_are_refused(family):
    with pytest.raises(ValueError, match="Images are 12x12; this discriminator takes squares of 4, 8, 16 pixels"):
        discriminator(family)(jnp.zeros((2, 12, 12, 3)))
    with pytest.raises(ValueError, match=r"lod is 3; from 4 to 16 pixels it is 0 to 2\."):
        family.arch(**SIZES, lod=3)


def test_the_auxiliary_classifier_guesses_beside_the_score(close):
    d = discriminator(pggan, classes=3)
    images = generator(pggan)(Code(jax.random.normal(jax.random.key(4), (4, 6)), "z"))
    every = d.module.apply({"params": d.params, "buffers": d.buffers}, images, guess=True)
    assert every.shape == (4, 4)
    close(d(images), every[:, :1], OP)


def test_halving_and_doubling_convolutions_are_means_and_repetitions(close):
    keys = jax.random.split(jax.random.key(5))
    x, w = jax.random.normal(keys[0], (2, 8, 8, 3)), jax.random.normal(keys[1], (3, 3, 3, 4))
    close(conv_up2(x, w[::-1, ::-1], (1, 1)), conv(enlarge(x), w), OP, "up")
    close(conv_down2(x, w, (1, 1)), halve(conv(x, w)), OP, "down")


def test_blur_is_the_convolution_with_its_outer_product(close):
    x = jax.random.normal(jax.random.key(6), (2, 8, 8, 1))
    taps = np.array([1.0, 2.0, 1.0], np.float32) / 4
    close(blur(x), conv(x, jnp.asarray(np.outer(taps, taps))[:, :, None, None]), OP)


def test_adain_gives_each_channel_the_styles_mean_and_deviation(close):
    keys = jax.random.split(jax.random.key(7))
    style = jax.random.normal(keys[1], (2, 6))
    y = adain(3 + 2 * jax.random.normal(keys[0], (2, 8, 8, 3)), style)
    close(y.mean((1, 2)), style[:, 3:], OP, "mean")
    close(y.std((1, 2)), np.abs(style[:, :3] + 1), 10 * OP, "deviation")
