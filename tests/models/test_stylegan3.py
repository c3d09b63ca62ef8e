"""StyleGAN3's schedule, sizes and laws."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.core import Code
from jaxgan.models import stylegan2, stylegan3
from tests.tolerances import BF16, OP

SMALL = dict(resolution=16, layers=3, critical=1, margin=4, channel_base=128, channel_max=8, z_dim=6, w_dim=8)
# Size, channels and rate of every layer, as the published networks have them.
TABLE_T_1024 = [
    *[(36, 512, 16), (36, 512, 16), (52, 512, 32), (52, 512, 32), (84, 512, 64), (148, 512, 128), (148, 512, 128)],
    *[(276, 323, 256), (276, 203, 256), (532, 128, 512), (1044, 81, 1024), (1044, 51, 1024), (1044, 32, 1024)],
    *[(1024, 32, 1024), (1024, 3, 1024)],
]
CUTOFFS_1024 = [2.00, 3.17, 5.04, 8.00, 12.70, 20.16, 32, 50.80, 80.63, 128, 203.2, 322.5, 512, 512, 512]
TABLE_T_256 = [
    *[(36, 512), (36, 512), (36, 512), (52, 512), (52, 512), (84, 512), (84, 512), (148, 362), (148, 256), (148, 181)],
    *[(276, 128), (276, 91), (276, 64), (256, 64), (256, 3)],
]


@pytest.fixture(scope="module")
def g():
    g = stylegan3.arch(**SMALL).init(jax.random.key(0))
    return g.replace(buffers={**g.buffers, "spread": {"w_mean": jnp.linspace(-0.5, 0.5, 8)}})


@pytest.fixture(scope="module")
def code(g):
    return g.sample(jax.random.key(1), 3)


def test_the_schedule_at_1024_is_the_published_table():
    layers = stylegan3.schedule(1024)
    assert [(l.size[1], l.channels[1], l.rate[1]) for l in layers] == TABLE_T_1024
    assert [l.cutoff[1] for l in layers] == pytest.approx(CUTOFFS_1024, rel=2e-3)
    assert [l.name for l in layers][::7] == ["L0_36_512", "L7_276_323", "L14_1024_3"]
    assert [i for i, l in enumerate(layers) if l.critical] == [12, 13, 14] and layers[14].rgb


def test_the_schedule_at_256_is_the_published_table():
    layers = stylegan3.schedule(256, channel_base=16384)
    assert [(l.size[1], l.channels[1]) for l in layers] == TABLE_T_256
    for before, after in itertools.pairwise(layers):
        assert (before.size[1], before.channels[1], before.rate[1], before.cutoff[1]) == (
            after.size[0],
            after.channels[0],
            after.rate[0],
            after.cutoff[0],
        )


def test_filters_and_padding_of_the_1024_layers_are_the_published_ones():
    ways = [layer.resampling() for layer in stylegan3.schedule(1024)]
    length = lambda f: 1 if f is None else len(f)
    shape = lambda w: (w.up, w.down, length(w.up_filter), length(w.down_filter), w.before, w.after)
    assert shape(ways[0]) == shape(ways[1]) == (2, 2, 12, 12, 9, 8)
    assert shape(ways[2]) == (4, 2, 24, 12, -6, -9)
    assert shape(ways[13])[4:] == (-11, -12) and shape(ways[14]) == (1, 1, 1, 1, 0, 0)
    for layer, way in zip(stylegan3.schedule(1024), ways, strict=True):
        assert way.size(layer.size[0] + layer.kernel - 1) == layer.size[1]


def test_r_has_filters_without_direction_but_where_sampling_is_critical():
    layers = stylegan3.schedule(256, kernel=1, radial=True)
    axes = [0 if (f := layer.resampling().down_filter) is None else f.ndim for layer in layers]
    assert axes == [2] * 12 + [1, 1, 0]


@pytest.mark.parametrize(
    ("preset", "parameters"),
    [("t1024", 22_313_167), ("r1024", 15_093_151), ("t256", 23_320_443), ("r256", 15_779_565)],
)
def test_presets_have_the_published_parameter_counts(preset, parameters):
    g = jax.eval_shape(stylegan3.PRESETS[preset].arch().init, jax.random.key(0))
    assert sum(math.prod(x.shape) for x in jax.tree.leaves(g.params)) == parameters
    assert g.arch.shape("w+") == (16, 512) and len(g.arch.affines) == 16


def test_the_presets_discriminator_is_stylegan2s():
    module = stylegan3.discriminator(256, channel_base=16384)
    assert isinstance(module, stylegan2.Discriminator)


def test_frequencies_lie_in_the_band_and_the_input_is_placed_by_its_affine(g):
    first = stylegan3.arch(32, layers=4, channel_base=32768, channel_max=512).init(jax.random.key(3))
    freqs = first.buffers["synthesis"]["input"]["freqs"]
    radii = np.linalg.norm(freqs, axis=1)
    # |f| = exp(-r^2 / 4) ... of a normal r has its median near the disc's edge over sqrt 2.
    assert freqs.shape == (512, 2) and radii.max() <= 2.0 and 1.2 < np.median(radii) < 1.6
    s = g.to(g.sample(jax.random.key(0), 2), "s").value
    assert np.array_equal(s[0], [[1, 0, 0, 0]] * 2)


def test_turning_the_placement_is_turning_the_transform(g, code, close):
    s, a = g.to(code, "s"), 0.4
    cos, sin = math.cos(a), math.sin(a)
    placed = s.replace(value=(jnp.array([[3 * cos, 3 * sin, 0, 0]] * 3), *s.value[1:]))
    matrix = np.linalg.inv([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    close(g(placed), stylegan3.transformed(g, matrix)(s), 10 * OP)


def test_shifting_by_whole_pixels_is_moving_the_pixels():
    g = stylegan3.arch(**{**SMALL, "margin": 10}).init(jax.random.key(0))
    code = g.sample(jax.random.key(1), 2)
    still = np.asarray(g(code))
    moved = np.asarray(stylegan3.transformed(g, np.array([[1, 0, 2 / 16], [0, 1, -1 / 16], [0, 0, 1]]))(code))
    # Content at p goes to p + t: to the right by two, up by one.
    assert np.abs(moved[:, :-1, 2:] - still[:, 1:, :-2]).max() < 1e-3 * np.abs(still).max()
    assert np.abs(moved - still).max() > 0.1 * np.abs(still).max()


def test_waves_beyond_the_band_fade_out(g, code):
    small = np.diag([1 / 40, 1 / 40, 1])  # the image shrinks, its frequencies grow
    assert np.abs(stylegan3.transformed(g, small).read(code, ["input"])["input"]).max() == 0


def test_running_magnitudes_move_in_training_only_and_scale_nothing_twice(g, code):
    images, buffers = g.in_training(code)
    x = g.read(code, ["input"])["input"]
    name = g.arch.taps[1]
    moved = float(buffers["synthesis"][name]["magnitude_ema"])
    beta = 0.5 ** (3 / 20_000)
    assert moved == pytest.approx(float(jnp.mean(x**2)) * (1 - beta) + beta, rel=1e-5)
    later = g.replace(buffers=buffers)
    assert np.abs(later(code) - images).max() < 1e-5 and np.abs(g(code) - images).max() > 0


def test_truncation_acts_on_the_first_layers_only(g, code, close):
    whole, cut = g.to(code, "w+").value, g.to(code, "w+", psi=0.5, cutoff=2).value
    mean = g.buffers["spread"]["w_mean"]
    close(cut[:, :2], mean + 0.5 * (whole[:, :2] - mean), OP)
    assert np.array_equal(cut[:, 2:], whole[:, 2:])


def test_bfloat16_draws_nearly_the_same_image():
    exact = stylegan3.arch(**SMALL, conv_clamp=256.0).init(jax.random.key(0))
    half = exact.replace(arch=stylegan3.arch(**SMALL, conv_clamp=256.0, bf16_resolutions=1))
    code = exact.sample(jax.random.key(1), 2)
    a, b = exact(code), half(code)
    assert b.dtype == jnp.float32
    assert 0 < np.abs(a - b).max() <= 2 * BF16 * np.abs(a).max()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: stylegan3.arch(48), "48 is not a power of two"),
        (lambda: stylegan3.arch(64, layers=2, critical=2), "critical is 2 of 2 layers"),
        (lambda: stylegan3.arch(16, first_cutoff=9.0), "between 0 and 8.0 fit a side of 16"),
        (
            lambda: stylegan3.transformed(
                stylegan2.arch(8, channel_base=8, z_dim=2, w_dim=2).init(jax.random.key(0)), np.eye(3)
            ),
            "family stylegan2",
        ),
    ],
)
def test_misuse_is_answered_in_one_line(call, words):
    with pytest.raises(ValueError, match=words) as error:
        call()
    assert "\n" not in str(error.value)


def test_a_matrix_of_another_shape_is_refused(g):
    with pytest.raises(ValueError, match=r"shape \(2, 2\); needed is \[3, 3\]"):
        stylegan3.transformed(g, np.eye(2))
    assert isinstance(stylegan3.transformed(g, np.eye(3)).to(Code(jnp.zeros((1, 6)), "z"), "w"), Code)
