"""ALAE: the encoder reads what the generator's styles set, and goes where codes go."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.core import Code
from jaxgan.core.network import initialise
from jaxgan.models import alae, stylegan1
from jaxgan.models.stylegan1 import adain
from jaxgan.training.alae import ALAE, reciprocity
from jaxgan.training.ema import Ema
from jaxgan.training.growth import Growth
from jaxgan.training.settings import Adam
from tests.tolerances import OP

SMALL = dict(resolution=16, w_dim=8, channel_base=64, channel_max=8)
ARCH = alae.arch(**SMALL, z_dim=6, mapping_layers=2, mapping_hidden=8)
GAME = ALAE(**SMALL, z_dim=6, mapping_layers=2, mapping_hidden=8, mixing=0.0, growth=Growth(first=16))
KEY = jax.random.key(0)
IMAGES = jax.random.uniform(KEY, (3, 16, 16, 3), minval=-1.0)


@pytest.fixture(scope="module")
def parts():
    d = initialise(alae.discriminator(**SMALL), KEY, IMAGES, name="alae.discriminator", config=tuple(SMALL.items()))
    return ARCH.init(KEY), d


def test_statistics_are_the_styles_that_the_generator_set():
    style = jax.random.normal(KEY, (3, 10))
    x = jax.random.normal(jax.random.key(1), (3, 8, 8, 5))
    rest, found = alae.statistics(adain(x, style))
    expected = jnp.concatenate([style[:, 5:], jnp.abs(style[:, :5] + 1)], 1)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    np.testing.assert_allclose(rest.mean((1, 2)), 0, atol=OP)
    np.testing.assert_allclose(rest.std((1, 2)), 1, atol=1e-3)


def test_the_generator_is_stylegans(parts):
    g = parts[0]
    like = stylegan1.arch(**dict(ARCH.config))
    code = g.sample(KEY, 2)
    np.testing.assert_array_equal(g(code), g.replace(arch=like)(code))
    assert g.arch.name == "alae" and alae.arch(**dict(ARCH.config)) == ARCH


def test_the_encoder_is_a_part_of_the_discriminator_and_stands_alone(parts, tmp_path):
    g, d = parts
    e = alae.encoder_of(d)
    w = e(IMAGES)
    assert w.shape == (3, 8) and e.name == "alae.encoder"
    critic = alae.Critic(3, 512, 1)
    np.testing.assert_allclose(critic.apply({"params": d.params["critic"]}, w), d(IMAGES), atol=OP)
    jg.save(e, tmp_path / "e.safetensors")
    np.testing.assert_array_equal(jg.load(tmp_path / "e.safetensors", part="E")(IMAGES), w)
    found, _ = jg.invert(g, IMAGES, jg.inversion.encode(e), KEY)
    assert found.code.space == "w"
    np.testing.assert_allclose(found.code.value, w, atol=OP)
    with pytest.raises(ValueError, match=r"holds no encoder; needed is an alae\.discriminator"):
        alae.encoder_of(e)


def test_images_enter_at_their_own_resolution(parts):
    e = alae.encoder_of(parts[1])
    for side in (4, 8, 16):
        assert e(IMAGES[:, :side, :side]).shape == (3, 8)
    with pytest.raises(ValueError, match="this encoder takes squares of 4, 8, 16 pixels"):
        e(IMAGES[:, :12, :12])


def test_a_new_resolution_fades_in(parts):
    e = alae.encoder_of(parts[1])
    halved = IMAGES.reshape(3, 8, 2, 8, 2, 3).mean((2, 4))
    before = e.replace(buffers={"fade": jnp.float32(1.0)})(IMAGES)
    np.testing.assert_allclose(before, e(halved), atol=1e-4)
    half = e.replace(buffers={"fade": jnp.float32(0.5)})(IMAGES)
    assert np.abs(half - before).max() > 1e-3 and np.abs(half - e(IMAGES)).max() > 1e-3


def test_members_of_a_batch_do_not_couple(parts):
    e = alae.encoder_of(parts[1])
    np.testing.assert_allclose(e(IMAGES[1:2]), e(IMAGES)[1:2], atol=OP)


def test_reciprocity_is_zero_for_a_planted_inverse_alone():
    matrix = jax.random.normal(KEY, (8, 12))
    ws = jnp.broadcast_to(jax.random.normal(KEY, (5, 1, 8)), (5, 3, 8))
    render = lambda ws: (ws[:, 0] @ matrix).reshape(-1, 2, 2, 3)
    inverse = lambda images: images.reshape(-1, 12) @ jnp.linalg.pinv(matrix)
    np.testing.assert_allclose(reciprocity(render, inverse, ws), 0, atol=1e-9)
    shifted = lambda images: inverse(images) + 0.5
    np.testing.assert_allclose(reciprocity(render, shifted, ws), 0.25, rtol=1e-4)
    assert not np.any(jax.grad(lambda w: reciprocity(render, shifted, w).sum())(ws))


@pytest.mark.slow
def test_the_third_move_teaches_the_encoder_and_the_synthesis_alone():
    trainer = GAME.trainer(batch=4, adam=Adam(lr=0.01), ema=Ema(kimg=1))
    state, batch = trainer.init(KEY), {"image": jnp.concatenate([IMAGES, IMAGES[:1]])}
    step = jax.jit(trainer.step, static_argnames="active")
    after, metrics = step(state, batch, active=("EG",))
    changed = lambda name, part: any(
        not np.array_equal(a, b)
        for a, b in zip(jax.tree.leaves(state.params[name][part]), jax.tree.leaves(after.params[name][part]))
    )
    assert changed("D", "encoder") and changed("G", "synthesis") and changed("G", "style")
    assert not changed("D", "critic") and not changed("G", "mapping")
    first = float(metrics["EG/distance"])
    for _ in range(30):
        after, metrics = step(after, batch, active=("EG",))
    assert float(metrics["EG/distance"]) < 0.7 * first


def test_real_images_are_reconstructed_and_mixed_through_the_encoder(parts):
    g, d = parts
    found, _ = jg.invert(g, IMAGES, jg.inversion.encode(alae.encoder_of(d)), KEY)
    again = g(found.code)
    assert again.shape == IMAGES.shape and np.all(np.isfinite(again))
    wp = g.to(found.code, "w+").value
    mix = jg.editing.mix(Code(jnp.roll(wp, 1, 0), "w+"), layers=range(4))
    mixed = jg.edit(g, found.code, mix)
    assert mixed.space == "w+"
    np.testing.assert_allclose(mixed.value[:, :4], jnp.roll(wp, 1, 0)[:, :4], atol=OP)
    np.testing.assert_allclose(mixed.value[:, 4:], wp[:, 4:], atol=OP)
    assert np.abs(g(mixed) - again).max() > 1e-4
