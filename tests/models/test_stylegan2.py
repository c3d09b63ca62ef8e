"""StyleGAN2's shapes, presets and laws."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.core import Code
from jaxgan.core.network import initialise
from jaxgan.models import stylegan2
from tests.planted import style
from tests.tolerances import BF16, OP

SMALL = dict(resolution=16, z_dim=12, w_dim=16, mapping_layers=2, channel_base=128, channel_max=16)


@pytest.fixture(scope="module")
def g():
    g = stylegan2.arch(**SMALL).init(jax.random.key(0))
    # Away from the initial values, where noise and truncation would show nothing.
    strengths = lambda path, x: jnp.float32(0.3) if "noise_strength" in jax.tree_util.keystr(path) else x
    buffers = {**g.buffers, "spread": {"w_mean": jnp.linspace(-0.5, 0.5, 16)}}
    return g.replace(params=jax.tree_util.tree_map_with_path(strengths, g.params), buffers=buffers)


@pytest.fixture(scope="module")
def code(g):
    return g.sample(jax.random.key(1), 3)


@pytest.mark.parametrize(
    ("resolution", "base", "generator", "discriminator"),
    [
        (64, 16384, 23_819_544, 23_407_361),
        (256, 16384, 24_767_458, 24_001_089),
        (256, 32768, 30_034_338, 28_864_129),
        (512, 32768, 30_276_583, 28_982_849),
        (1024, 32768, 30_370_060, 29_012_513),
    ],
)
def test_published_sizes_have_the_published_parameter_counts(resolution, base, generator, discriminator):
    count = lambda tree: sum(math.prod(x.shape) for x in jax.tree.leaves(tree))
    g = jax.eval_shape(stylegan2.arch(resolution, channel_base=base).init, jax.random.key(0))
    assert count(g.params) == generator
    module = stylegan2.discriminator(resolution, channel_base=base)
    d = jax.eval_shape(module.init, jax.random.key(0), jnp.zeros((4, resolution, resolution, 3)))
    assert count(d["params"]) == discriminator


def test_style_space_of_the_published_1024_generator_has_9088_channels_of_which_6048_are_no_rgb():
    arch = stylegan2.arch(1024)
    widths = [s[0] for s in arch.shape("s")]
    assert len(widths) == 26 and sum(widths) == 9088
    assert sum(w for w, a in zip(widths, arch.affines, strict=True) if not a.rgb) == 6048
    assert arch.shape("w+") == (18, 512)


def test_presets_are_the_published_table_and_auto_follows_the_size():
    p = stylegan2.PRESETS["paper256"]
    assert (p.kimg, p.batch, p.mbstd, p.channel_base, p.lr, p.gamma, p.ema_kimg) == (
        25_000,
        64,
        8,
        16384,
        0.0025,
        1,
        20,
    )
    assert {"stylegan2", "paper256", "paper512", "paper1024", "cifar"} <= set(stylegan2.PRESETS)
    auto = stylegan2.auto(256, devices=8)
    assert (auto.batch, auto.mbstd, auto.channel_base, auto.lr) == (64, 4, 16384, 0.0025)
    assert auto.gamma == pytest.approx(0.0002 * 256**2 / 64) and auto.ema_kimg == 20


def test_truncation_acts_on_the_first_layers_only(g, code, close):
    whole, cut = g.to(code, "w+").value, g.to(code, "w+", psi=0.5, cutoff=2).value
    mean = g.buffers["spread"]["w_mean"]
    close(cut[:, :2], mean + 0.5 * (whole[:, :2] - mean), OP)
    assert np.array_equal(cut[:, 2:], whole[:, 2:])
    close(g.to(code, "w+", psi=0.0).value, jnp.broadcast_to(mean, whole.shape), OP)
    close(g(code, psi=1.0), g(code), OP)


def test_noise_modes_differ_and_random_noise_is_a_function_of_the_key(g, code):
    const, none = g(code), g(code, noise="none")
    one, two = (g(code, noise="random", key=jax.random.key(k)) for k in (1, 2))
    assert min(np.abs(a - b).max() for a, b in ((const, none), (const, one), (one, two))) > 1e-2
    assert np.array_equal(one, g(code, noise="random", key=jax.random.key(1)))


def test_noise_maps_in_the_code_replace_the_stored_ones(g, code, close):
    stored = {
        f"{block}_{layer}": maps["noise"][None, :, :, None]
        for block, layers in g.buffers["synthesis"].items()
        for layer, maps in layers.items()
    }
    close(g(code.replace(noise=stored), noise="none"), g(code), OP)


def test_a_patch_on_the_way_changes_what_lies_behind_it_only(g, code):
    taps = ["b4", "b8", "b16", "rgb4"]
    before = g.read(code, taps)
    after = g.read(code, taps, patches={"b8": lambda x: x.at[..., 0].set(0.0)})
    assert np.array_equal(before["b4"], after["b4"]) and np.array_equal(before["rgb4"], after["rgb4"])
    assert np.all(after["b8"][..., 0] == 0) and np.array_equal(before["b8"][..., 1:], after["b8"][..., 1:])
    assert np.abs(before["b16"] - after["b16"]).max() > 1e-3


@pytest.mark.parametrize("architecture", stylegan2.ARCHITECTURES)
def test_every_architecture_draws_and_judges(architecture):
    arch = stylegan2.arch(**SMALL, architecture=architecture, classes=3)
    g = arch.init(jax.random.key(0))
    images = g(g.sample(jax.random.key(1), 4))
    assert images.shape == (4, 16, 16, 3) and 0.01 < float(images.std()) < 100
    sizes = {k: SMALL[k] for k in ("resolution", "channel_base", "channel_max")}
    module = stylegan2.discriminator(**sizes, architecture=architecture, classes=3, mapping_layers=2)
    d = initialise(module, jax.random.key(2), images, jnp.eye(3)[jnp.array([0, 1, 2, 0])])
    logits = d(images, jnp.eye(3)[jnp.array([0, 1, 2, 0])])
    assert logits.shape == (4, 1)
    assert np.abs(logits - d(images, jnp.eye(3)[jnp.array([1, 1, 1, 1])])).max() > 1e-4


def test_bfloat16_draws_nearly_the_same_image():
    exact = stylegan2.arch(**SMALL, conv_clamp=256.0).init(jax.random.key(0))
    half = exact.replace(arch=stylegan2.arch(**SMALL, conv_clamp=256.0, bf16_resolutions=2))
    code = exact.sample(jax.random.key(1), 4)
    a, b = exact(code), half(code)
    assert b.dtype == jnp.float32
    assert 0 < np.abs(a - b).max() <= BF16 * np.abs(a).max()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda g: g(Code(jnp.zeros((2, 12)), "q")), "Code is in 'q', stylegan2 offers z, w, w\\+, s"),
        (lambda g: g(Code(jnp.zeros((2, 11)), "z")), r"has shape \[N, \*\(12,\)\], got \[N, \*\(11,\)\]"),
        (lambda g: g(Code(jnp.zeros((2, 6, 16)), "w+"), psi=0.5), "psi acts in 'w'.*truncate"),
        (lambda g: g.to(Code(jnp.zeros((2, 16)), "w"), "z"), "stages are not inverted, jg.invert is"),
        (lambda g: g.to(Code(jnp.zeros((2, 16)), "w"), "w++"), "no space 'w\\+\\+'.*Did you mean 'w\\+'"),
        (lambda g: g.read(Code(jnp.zeros((2, 16)), "w"), ["b161"]), "no tap 'b161'.*Did you mean"),
        (lambda g: g(Code(jnp.zeros((2, 16)), "w"), noise="randm"), "no noise mode 'randm'.*'random'"),
        (lambda g: g(Code(jnp.zeros((2, 16)), "w"), noise="random"), "needs key"),
        (lambda g: g(Code(jnp.zeros((2, 12)), "z", cond=jnp.ones((2, 3)))), r"cond has shape \(2, 3\)"),
    ],
)
def test_misuse_is_answered_in_one_line(g, call, words):
    with pytest.raises(ValueError, match=words) as error:
        call(g)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("resolution", [0, 4, 48])
def test_sizes_that_are_no_power_of_two_are_refused(resolution):
    with pytest.raises(ValueError, match="not a power of two"):
        stylegan2.arch(resolution)


def test_a_code_with_the_true_activation_draws_the_same_bits_and_patches_come_on_top():
    g = style(resolution=8, channel_base=32, channel_max=4, z_dim=4, w_dim=4)
    code = g.to(g.sample(jax.random.key(0), 2), "w+")
    with jax.disable_jit():  # op by op, since two compiled programs round differently
        images, own = g(code), g.read(code, ["b8", "rgb4"])
        for tap, activation in own.items():
            assert np.array_equal(g(code.replace(features={tap: activation})), images), tap
        zero = code.replace(features={"b8": jnp.zeros_like(own["b8"])})
        assert np.array_equal(g(zero, patches={"b8": own["b8"]}), images)
        assert np.array_equal(g(zero, patches={"b8": lambda x: x + own["b8"]}), images)
        # What was summed up before the feature comes from the styles; named as well, it is dropped.
        anew = zero.replace(features={**zero.features, "rgb4": jnp.zeros((1, 4, 4, 3))})
        assert np.abs(g(zero) - images).max() > 1e-3 and np.abs(g(anew) - g(zero)).max() > 1e-3


def test_features_that_do_not_fit_are_refused_in_one_line():
    g = style()
    code = g.sample(jax.random.key(0), 2)
    with pytest.raises(ValueError, match="There is no tap 'b7'"):
        g(code.replace(features={"b7": jnp.zeros((2, 8, 8, 1))}))
    with pytest.raises(ValueError, match=r"'b8' has shape \[3, 8, 8, 1\], needed is \[2 or 1, h, w, c\]"):
        g(code.replace(features={"b8": jnp.zeros((3, 8, 8, 1))}))
