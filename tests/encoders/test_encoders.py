"""Encoders: sizes and laws of each, and that files and inverters take all of them."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan as jg
from jaxgan import encoders
from jaxgan.core.network import Network, initialise
from jaxgan.encoders import ENCODERS
from jaxgan.encoders.styles import corners, enlarged
from jaxgan.io.names import leaves, shapes
from jaxgan.nn.irse import IRSE
from jaxgan.ops.similarity import halve
from tests.planted import style
from tests.tolerances import OP

TINY = dict(widths=(2, 3, 4), units=(1, 1, 1))
CONFIGS: dict[str, dict] = {
    "psp": TINY,
    "e4e": TINY,
    "restyle": TINY,
    "idinvert": dict(width=2, width_max=3),
    "ghfeat": {**TINY, "features": 3, "trunk": "resnet34", "pool": False},
    "guess": dict(widths=(2,), units=(1,), features=2),
}
ALIKE = ("e4e", "restyle")  # pSp's trunk and heads: left to the slow tests
every = pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=[pytest.mark.slow] if k in ALIKE else []) for k in sorted(ENCODERS)]
)


@cache
def generator():
    return style(0, resolution=8, channel_base=64, channel_max=8)


@cache
def network(kind) -> Network:
    """An encoder with nothing at its initial zero."""
    config = encoders.sizes(generator().arch, "s" if kind == "ghfeat" else "w+") | CONFIGS[kind]
    module = ENCODERS[kind].encoder(**config)
    images = [jnp.zeros(shape) for shape in module.inputs()]
    described = tuple(sorted(config.items()))
    draw = lambda key: initialise(module, key, *images, name=f"{kind}.encoder", config=described)
    made = jax.jit(draw)(jax.random.key(0))
    move = lambda x: x + 0.1 * jnp.abs(jax.random.normal(jax.random.key(x.size), x.shape))
    made = jax.jit(lambda tree: jax.tree.map(move, tree))(made)
    return made.replace(buffers={**made.buffers, "stage": jnp.float32(3)}) if kind == "e4e" else made


@cache
def images(n=3):
    g = generator()
    return jnp.clip(g(g.sample(jax.random.key(1), n)), -1, 1)


def inverter(kind):
    return (jg.inversion.restyle if kind == "restyle" else jg.inversion.encode)(network(kind))


def test_every_encoder_is_in_the_suite():
    assert set(CONFIGS) == set(ENCODERS)


@every
def test_an_encoder_names_a_code_that_the_generator_draws_and_files_keep_it(kind, tmp_path):
    g = generator()
    found, _ = jg.invert(g, images(), inverter(kind), jax.random.key(0))
    assert found.code.space == ("s" if kind == "ghfeat" else "w+")
    assert jax.tree.map(lambda v: v.shape[1:], found.code.value) == g.arch.shape(found.code.space)
    assert np.all(np.isfinite(found.images()))
    rows = jax.tree.leaves(found.code.value)
    assert all(np.abs(value[0] - value[1]).max() > 0 for value in rows), "it does not look at the image"
    jg.save(network(kind), tmp_path / "e.safetensors")
    back = jg.load(tmp_path / "e.safetensors", part="E")
    assert back.module == network(kind).module and back.name == f"{kind}.encoder"
    for a, b in zip(jax.tree.leaves(back), jax.tree.leaves(network(kind)), strict=True):
        np.testing.assert_array_equal(a, b)


@every
def test_larger_images_count_as_their_averages_and_others_are_refused(kind):
    module = network(kind).module
    shaped = lambda shape: [jax.ShapeDtypeStruct(shape, jnp.float32)] * len(module.inputs())
    sees = lambda shape: jax.eval_shape(network(kind), *shaped(shape))
    assert jax.tree.leaves(sees((2, 32, 32, 3)))[0].shape == jax.tree.leaves(sees((2, 8, 8, 3)))[0].shape
    with pytest.raises(ValueError, match="squares of 8 pixels"):
        sees((2, 12, 12, 3))


def test_reduction_is_by_averages(close):
    big = jax.random.normal(jax.random.key(2), (2, 16, 16, 3))
    close(network("psp")(big), network("psp")(halve(big)), OP)


def test_the_trunk_of_psp_has_the_published_maps():
    images = jax.ShapeDtypeStruct((1, 256, 256, 3), jnp.float32)
    variables = jax.eval_shape(IRSE().init, jax.random.key(0), images)
    maps = jax.eval_shape(IRSE().apply, variables, images)
    assert [m.shape[1:] for m in maps[1:]] == [(64, 64, 128), (32, 32, 256), (16, 16, 512)]
    assert len([name for name in variables["params"] if name.startswith("unit")]) == 24


def test_the_heads_of_psp_halve_their_maps_to_one_pixel():
    tree = leaves(shapes(encoders.psp.encoder()))
    convolutions = [sum(path.startswith(f"params/style_{row}/conv") for path in tree) // 2 for row in range(18)]
    assert convolutions == [4] * 3 + [5] * 4 + [6] * 11
    assert tree["buffers/w_mean"].shape == (18, 512) and tree["params/style_17/linear/weight"].shape == (512, 512)
    assert tree["params/lateral1/weight"].shape == (1, 1, 256, 512)
    assert tree["params/lateral2/weight"].shape == (1, 1, 128, 512)


def test_enlarging_keeps_the_corners_and_is_linear_between(close):
    ramp = jnp.broadcast_to(jnp.arange(3.0)[None, :, None, None], (1, 3, 3, 1))
    close(enlarged(ramp, jnp.zeros((1, 7, 7, 1)))[0, :, 0, 0], np.linspace(0, 2, 7), OP)
    close(corners(4, 9) @ jnp.arange(4.0) ** 2, np.interp(np.linspace(0, 3, 9), range(4), np.arange(4.0) ** 2), OP)


def test_rows_of_e4e_differ_up_to_the_stage_and_no_further():
    at = lambda stage: network("e4e").replace(buffers={**network("e4e").buffers, "stage": jnp.float32(stage)})
    still = {**network("e4e").buffers, "w_mean": jnp.zeros((4, 16))}
    codes = [at(s).replace(buffers={**still, "stage": jnp.float32(s)})(images()) for s in range(4)]
    assert all(np.array_equal(codes[0][:, 0], codes[0][:, row]) for row in range(4))
    for stage in range(1, 4):
        changed = [not np.array_equal(codes[stage][:, row], codes[stage - 1][:, row]) for row in range(4)]
        assert changed == [row == stage for row in range(4)]


def test_restyle_without_a_change_stays_at_the_mean_and_its_loop_is_its_step(close):
    g, e = generator(), network("restyle")
    still = e.replace(params=jax.tree.map(jnp.zeros_like, e.params))
    found, _ = jg.invert(g, images(), jg.inversion.restyle(still), jax.random.key(0))
    np.testing.assert_array_equal(found.code.value, np.broadcast_to(e.buffers["w_mean"], (3, 4, 16)))
    objective = jg.losses.pixel()
    found, info = jg.invert(g, images(), jg.inversion.restyle(e, 2, objective=objective), jax.random.key(0))
    code = encoders.restyle.start(e, 3)
    for _ in range(2):
        code = encoders.restyle.step(e, g, code, images())
    close(found.code.value, code.value, OP)
    assert info["loss"].shape == (2, 3)
    close(info["loss"][1], objective(g(code), images())[0], OP)
    more, _ = jg.invert(g, images(), jg.inversion.restyle(e, 1), jax.random.key(0), start=found.code)
    close(more.code.value, encoders.restyle.step(e, g, code, images()).value, OP)


def test_what_looks_once_and_what_looks_twice_are_told_apart():
    with pytest.raises(ValueError, match=r"use inversion\.restyle"):
        network("restyle")(images())
    with pytest.raises(ValueError, match="use encode"):
        jg.inversion.restyle(network("psp"))


def test_the_codes_of_idinvert_are_normalised_over_the_batch():
    codes, _ = network("idinvert").in_training(images())
    scale, shift = (network("idinvert").params["out_bn"][name].reshape(4, 16) for name in ("weight", "bias"))
    np.testing.assert_allclose(((codes - shift) / scale).mean(0), 0, atol=1e-4)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: encoders.psp.encoder(100), "does not divide by two"),
        (lambda: encoders.psp.encoder(widths=(4, 4), units=(1, 1)), "fewer than 3"),
        (lambda: encoders.e4e.encoder(trunk="resnet50"), "no trunk 'resnet50'"),
        (lambda: encoders.idinvert.encoder(48), "power of two"),
        (lambda: encoders.ghfeat.encoder(layers=(4, 4)), "fewer than the 3 maps"),
        (lambda: encoders.sizes(jg.models.dcgan.arch(resolution=16)), "no codes in 'w\\+'"),
    ],
)
def test_sizes_that_fit_nothing_are_refused_in_one_line(make, said):
    with pytest.raises(ValueError, match=said) as error:
        make()
    assert "\n" not in str(error.value)
