"""BigGAN's checkpoint layouts, there and back, for configurations that no golden file has."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.core import Generator, Network
from jaxgan.io import from_biggan
from jaxgan.io.names import shapes
from jaxgan.io.records import UnreadableFile
from jaxgan.models import biggan


def drawn(shape_tree):
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda s: jnp.asarray(rng.standard_normal(s.shape), jnp.float32), shape_tree)


def generator(**config):
    arch = biggan.arch(**config)
    g = drawn(jax.eval_shape(arch.init, jax.random.key(0)))
    return Generator(g.params, g.buffers, arch)


def discriminator(**config):
    module = biggan.discriminator(**config)
    tree = drawn(shapes(module))
    return Network(tree["params"], tree["buffers"], module, "biggan.discriminator", tuple(sorted(config.items())))


def same(a, b):
    assert jax.tree.structure((a.params, a.buffers)) == jax.tree.structure((b.params, b.buffers))
    for x, y in zip(jax.tree.leaves((a.params, a.buffers)), jax.tree.leaves((b.params, b.buffers)), strict=True):
        assert np.array_equal(x, y)


SHARED = dict(classes=5, shared_dim=3)
GENERATORS = (
    dict(resolution=64, width=8, z_dim=10, attention=(16, 64), **SHARED),
    dict(resolution=128, width=8, deep=True, z_dim=4, **SHARED),
    dict(resolution=32, width=2, deep=True, depth=1, z_dim=4, attention=(), **SHARED),
    dict(resolution=32, width=2, z_dim=6, hierarchical=False, **SHARED),
    dict(resolution=32, width=2, z_dim=6, hierarchical=False, classes=5, shared_dim=0, spectral=False, channels=1),
    dict(resolution=128, width=8, deep=True, z_dim=4, statistics=6, stored=True, rgb_width=8, **SHARED),
    dict(
        resolution=32, width=4, multiples=(8, 4, 2, 1), deep=True, z_dim=4, statistics=6, stored=True, rgb_width=4,
        attention=(16,), **SHARED,
    ),
)  # fmt: skip
DISCRIMINATORS = (
    dict(resolution=64, width=8, classes=5),
    dict(resolution=128, width=8, classes=5, attention=(4, 32), wide=False, channels=1),
    dict(resolution=256, width=8, classes=5, deep=True),
    dict(resolution=32, width=2, classes=5, deep=True, depth=3, attention=(8, 16)),
)


@pytest.mark.parametrize("config", GENERATORS, ids=str)
def test_generators_come_back_from_their_layout(config):
    g = generator(**config)
    held = from_biggan.written(g)
    assert from_biggan.recognise(held) and from_biggan.recognise({f"G.{k}": v for k, v in held.items()})
    back = from_biggan.read(held, None)
    same(g, back)
    assert back.arch.shapes == g.arch.shapes and back.arch.taps == g.arch.taps
    again = from_biggan.written(back)
    assert again.keys() == held.keys() and all(np.array_equal(again[k], held[k]) for k in held)


@pytest.mark.parametrize("config", DISCRIMINATORS, ids=str)
def test_discriminators_come_back_from_their_layout(config):
    d = discriminator(**config)
    held = from_biggan.written(d)
    back = from_biggan.read({f"D.{k}": v for k, v in held.items()}, "D")
    same(d, back)
    same(d, from_biggan.read(held, None))
    made = {**dict(back.config), "attention": None}
    assert {**made, **config} == {**made, "attention": config.get("attention")}


def test_statistics_under_the_names_of_the_other_batch_norms_are_found():
    g = generator(**GENERATORS[3])
    held = from_biggan.written(g)
    norms = {name.rpartition(".")[0] for name in held if name.endswith("stored_mean")}
    sums, synchronised = {}, {}
    for name, array in held.items():
        stem, _, leaf = name.rpartition(".")
        inner = leaf in ("stored_mean", "stored_var")
        sums[f"{stem}.bn.{leaf}" if inner else name] = 4 * array if inner else array
        synchronised[f"{stem}.bn.{leaf.replace('stored', 'running')}" if inner else name] = array
    same(g, from_biggan.read({**sums, **{f"{n}.bn.accumulation_counter": np.full(1, 4.0) for n in norms}}, None))
    same(g, from_biggan.read({**synchronised, **{f"{n}.bn.num_batches_tracked": np.int64(9) for n in norms}}, None))


def test_other_files_are_not_recognised():
    assert not from_biggan.recognise({"linear.weight": np.zeros((2, 2))})
    assert not from_biggan.recognise([1, 2])


def broken():
    held = from_biggan.written(generator(**GENERATORS[3]))
    conv = np.zeros((4, 8, 3, 3), np.float32)
    yield {k: v for k, v in held.items() if k != "output_layer.2.bias"}, "missing: output_layer.2.bias"
    yield held | {"blocks.0.0.conv9.weight": conv}, "unknown: blocks.0.0.conv9.weight"
    yield held | {"blocks.0.0.conv2.weight": conv}, "channels"
    yield {k: v for k, v in held.items() if "bn1.gain" not in k}, "lacks arrays"


@pytest.mark.parametrize("number", range(4))
def test_what_does_not_fit_is_named_in_one_line(number):
    held, message = list(broken())[number]
    with pytest.raises(UnreadableFile, match=message) as caught:
        from_biggan.read(held, None)
    assert "\n" not in str(caught.value)
    with pytest.raises(UnreadableFile, match="no part 'D'; it has G"):
        from_biggan.read(held, "D")


def test_only_biggans_are_written():
    with pytest.raises(ValueError, match="without classes"):
        from_biggan.written(generator(resolution=8, width=2))
