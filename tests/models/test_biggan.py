"""BigGAN: published sizes, what its layers read of z, truncation and standing statistics."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.core import Code, Generator
from jaxgan.io.names import shapes
from jaxgan.models import biggan
from tests.tolerances import OP

TINY = dict(resolution=8, width=2, classes=3, shared_dim=4, z_dim=6)


@cache
def tiny():
    """A generator of three layers, each of which reads two coordinates of z; nothing is at its initial zero."""
    g = biggan.arch(16, width=2, classes=3, shared_dim=4, z_dim=6, attention=(8,), initial="normal").init(
        jax.random.key(0)
    )
    return jax.tree.map(lambda x: x + 0.1 * jax.random.normal(jax.random.key(x.size), x.shape), g)


def size(tree):
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


@pytest.mark.parametrize(
    ("preset", "generator", "discriminator"),
    (("biggan128", 70_433_988, 87_982_370), ("biggan_deep128", 50_244_484, 34_590_210)),
)
def test_published_sizes_have_the_published_numbers_of_parameters(preset, generator, discriminator):
    p = biggan.PRESETS[preset]
    sizes = dict(width=p.width, deep=p.deep, classes=1000)
    arch = biggan.arch(p.resolution, z_dim=p.z_dim, **sizes)
    assert size(jax.eval_shape(arch.init, jax.random.key(0)).params) == generator
    assert size(shapes(biggan.discriminator(p.resolution, **sizes))["params"]) == discriminator


@pytest.mark.parametrize(("resolution", "millions"), ((128, 50.4), (256, 55.9), (512, 56.2)))
def test_the_published_deep_modules_have_their_numbers_of_parameters(resolution, millions):
    arch = biggan.arch(resolution, width=128, deep=True, classes=1000, rgb_width=128, statistics=51, stored=True)
    assert round(size(jax.eval_shape(arch.init, jax.random.key(0)).params) / 1e6, 1) == millions


@pytest.mark.parametrize("preset", biggan.PRESETS)
def test_every_preset_describes_two_networks(preset):
    p = biggan.PRESETS[preset]
    arch = biggan.arch(p.resolution, width=p.width, deep=p.deep, z_dim=p.z_dim, classes=10)
    images = jax.eval_shape(lambda key: (g := arch.init(key))(g.sample(key, 1)), jax.random.key(0))
    assert images.shape == (1, p.resolution, p.resolution, 3)
    assert shapes(biggan.discriminator(p.resolution, width=p.width, deep=p.deep, classes=10))["params"]


def test_each_layer_reads_its_own_part_of_z():
    g = tiny()
    code = g.sample(jax.random.key(1), 2)
    taps = ("h0", "h1", "h2")
    base = g.read(code, taps)
    for part in range(3):
        moved = g.read(code.replace(value=code.value.at[:, 2 * part : 2 * part + 2].add(1.0)), taps)
        changed = [not np.array_equal(base[t], moved[t]) for t in taps]
        assert changed == [layer >= part for layer in range(3)]


def test_directions_of_a_layer_lie_in_the_part_of_z_that_it_reads():
    found = jg.discover(tiny(), jg.directions.sefa(layers=(1,), samples=100), jax.random.key(2), 2)
    vectors = np.asarray(found.vectors)
    assert np.abs(vectors[:, 2:4]).max() > 0.5 and not vectors[:, [0, 1, 4, 5]].any()


def test_directions_of_z_move_rows_of_z_plus_and_leave_the_class(close):
    g = tiny()
    found = jg.discover(g, jg.directions.sefa(samples=100), jax.random.key(2), 2)
    code = g.sample(jax.random.key(1), 2)
    by_z = jg.edit(g, code, jg.editing.move(found[0]))
    by_row = jg.edit(g, g.to(code, "z+"), jg.editing.move(found[0]))
    close(by_row.value, g.to(by_z, "z+").value, OP)
    one = jg.edit(g, code, jg.editing.move(found[0], layers=(1,)))
    rows = g.to(code, "z+").value
    close(one.value[:, 1], by_row.value[:, 1], OP)
    assert one.space == "z+" and np.array_equal(one.value[:, [0, 2]], rows[:, [0, 2]])
    assert np.array_equal(by_row.value[..., 6:], rows[..., 6:]) and not np.array_equal(by_row.value, rows)


def test_truncation_draws_components_beyond_the_bound_again(close):
    g = biggan.truncated(Generator({}, {}, biggan.arch(**TINY)), 0.5)
    z = g.sample(jax.random.key(3), 4000).value
    assert np.abs(z).max() <= 0.5
    close(z.std(), 0.2838, 0.005)  # of a normal cut at 0.5
    assert biggan.truncated(g, None).arch == biggan.arch(**TINY)


def test_truncation_of_a_table_scales_z_and_chooses_the_statistics():
    arch = biggan.arch(**TINY, statistics=3, stored=True)
    g = biggan.truncated(Generator({}, {}, arch), 0.5)
    z = g.sample(jax.random.key(3), 4000).value
    assert 0.9 < np.abs(z).max() <= 1.0
    norm = g.arch.stages[1].module.norm
    assert (norm.levels.truncation, norm.levels.swapped) == (0.5, False)
    with pytest.raises(ValueError, match="statistics are for 0 to 1"):
        biggan.truncated(g, 1.5)
    with pytest.raises(ValueError, match="psi acts nowhere"):
        g.to(Code(z, "z", jnp.ones((4000, 3))), "z+", psi=0.5)


def test_standing_statistics_are_means_over_passes(close):
    g, key = tiny(), jax.random.key(4)
    passes = [g.read(g.sample(k, 8), ["h0"])["h0"].reshape(-1, 8) for k in jax.random.split(key, 3)]
    bn = biggan.standing(g, key, passes=3, batch=8).buffers["synthesis"]["block0"]["bn1"]
    close(bn["mean"], np.mean([p.mean(0) for p in passes], axis=0), OP)
    close(bn["var"], np.mean([p.var(0, ddof=1) for p in passes], axis=0), OP)
    assert np.array_equal(bn["gain"]["u"], g.buffers["synthesis"]["block0"]["bn1"]["gain"]["u"])


@pytest.mark.parametrize(
    ("wrong", "message"),
    (
        (dict(resolution=48), "48 is not one of 8, 16"),
        (dict(z_dim=7), "7 is not divisible by the 2 layers that read it; 6 is"),
        (dict(attention=(64,)), "there are stages of"),
        (dict(shared_dim=0), "see hierarchical"),
        (dict(classes=0, hierarchical=False), "leave hierarchical on"),
        (dict(truncation=0.0), "greater than 0"),
        (dict(initial="zeros"), "no initialisation 'zeros'"),
        (dict(multiples=(4, 4, 4)), "lead to 16 pixels, not to 8"),
    ),
)
def test_configurations_that_make_no_sense_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        biggan.arch(**{**TINY, **wrong})
