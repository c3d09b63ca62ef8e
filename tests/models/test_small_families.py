"""What GAN, DCGAN, R3GAN and EigenGAN are, besides what every family keeps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.core import Code
from jaxgan.models import dcgan, eigengan, gan, r3gan
from tests.tolerances import OP


def counted(make, *inputs):
    return sum(x.size for x in jax.tree.leaves(jax.eval_shape(make, *inputs)))


# GAN


def test_a_perceptrons_image_is_its_last_layer_in_rows(close):
    g = gan.arch(4, channels=2, z_dim=3, hidden=(5,), output="linear").init(jax.random.key(0))
    z = jax.random.normal(jax.random.key(1), (2, 3))
    p = g.params["draw"]
    h = jnp.maximum(z @ p["fc0"]["weight"] + p["fc0"]["bias"], 0)
    close(g(Code(z, "z")), (h @ p["out"]["weight"] + p["out"]["bias"]).reshape(2, 4, 4, 2), OP)


def test_a_sigmoid_covers_the_range_of_images():
    g = gan.arch(4, z_dim=3, hidden=(), output="sigmoid").init(jax.random.key(0))
    images = g(Code(1e4 * jax.random.normal(jax.random.key(1), (8, 3)), "z"))
    assert images.min() == -1 and images.max() == 1
    with pytest.raises(ValueError, match="no output 'sigmod'"):
        gan.arch(4, output="sigmod")


# DCGAN


def test_dcgan_has_the_papers_widths_and_initial_weights():
    arch = dcgan.arch(**dcgan.PRESETS["paper64"]["arch"])
    assert arch.stages[0].module.widths == (1024, 512, 256, 128)
    convolutions = 25 * (1024 * 512 + 512 * 256 + 256 * 128 + 128 * 3)
    norms = 2 * (1024 + 512 + 256 + 128)
    assert counted(lambda k: arch.init(k).params, jax.random.key(0)) == 100 * 16 * 1024 + convolutions + norms
    p = dcgan.arch(32, width=32).init(jax.random.key(0)).params["draw"]
    for weight in (p["stem"]["weight"], p["conv8"]["weight"]):
        assert abs(float(weight.mean())) < 1e-3 and float(weight.std()) == pytest.approx(0.02, rel=0.03)
    assert float(p["norm4"]["weight"].mean()) == pytest.approx(1, abs=0.01) and float(p["norm4"]["weight"].std()) > 0.01


@pytest.mark.parametrize("resolution", [32, 64, 128, 256])
def test_dcgan_comes_in_every_power_of_two(resolution):
    arch = dcgan.arch(resolution, width=2, width_max=4, z_dim=3)
    code = Code(jnp.zeros((2, 3)), "z")
    images = jax.eval_shape(lambda k: arch.init(k)(code), jax.random.key(0))
    d = dcgan.discriminator(resolution, width=2, width_max=4)
    assert images.shape == (2, resolution, resolution, 3)
    assert jax.eval_shape(d.init_with_output, jax.random.key(0), images)[0].shape == (2, 1)


@pytest.mark.parametrize("resolution", [4, 20, 48])
def test_dcgan_refuses_other_sizes(resolution):
    with pytest.raises(ValueError, match=str(resolution)):
        dcgan.arch(resolution)
        dcgan.discriminator(resolution)


# R3GAN


@pytest.mark.parametrize(
    "name, g, d",
    [("ffhq256", 23_057_952, 23_009_568), ("ffhq64", 22_429_824, 22_381_440), ("cifar10", 20_781_952, 21_280_512)],
)
def test_r3gan_has_as_many_parameters_as_the_published_networks(name, g, d):
    """Counted by hand from the published layer table: see `by_hand`."""
    row = r3gan.PRESETS[name]
    r = 4 << (len(row.widths) - 1)
    sizes = dict(widths=row.widths, group=row.group, classes=row.classes)
    arch, judge = r3gan.arch(r, **sizes), r3gan.discriminator(r, **sizes)
    inputs = (jnp.zeros((1, r, r, 3)), jnp.zeros((1, row.classes)))
    assert counted(lambda k: arch.init(k).params, jax.random.key(0)) == g == by_hand(row, draws=True)
    assert counted(judge.init, jax.random.key(0), *inputs) == d == by_hand(row, draws=False)


def by_hand(row, draws):
    block = lambda w: w * 2 * w + 9 * row.group * 2 * w + 2 * w * w + 2 * 2 * w
    blocks = sum(2 * block(w) for w in row.widths)
    skips = sum(a * b for a, b in zip(row.widths, row.widths[1:], strict=False) if a != b)
    basis, image = 16 * row.widths[0], 3 * row.widths[-1]
    if draws:
        mixed = (64 + (64 if row.classes else 0)) * row.widths[0] + 64 * row.classes
    else:
        mixed = row.widths[0] * (row.widths[0] if row.classes else 1) + row.widths[0] * row.classes
    return blocks + skips + basis + image + mixed


def test_r3gan_begins_as_a_linear_map_of_z(close):
    """The last layer of every block starts at 0, so that the blocks add nothing."""
    g = r3gan.arch(16, widths=(8, 8, 4), group=4, z_dim=5).init(jax.random.key(0))
    z = jax.random.normal(jax.random.key(1), (3, 5))
    images = g(Code(z, "z"))
    close(g(Code(2 * z, "z")), 2 * images, OP)
    assert float(images.std()) > 0.05


def test_r3gan_says_what_does_not_fit():
    with pytest.raises(ValueError, match="Resolution 32 is not 4 times"):
        r3gan.arch(32, widths=(8, 8))
    with pytest.raises(ValueError, match=r"do not divide 2 times the widths \[9\]"):
        r3gan.arch(8, widths=(8, 9), group=4)


# EigenGAN


@pytest.fixture(scope="module")
def eigen():
    return eigengan.arch(32, z_dim=4, basis=3, channel_base=4, channel_max=8).init(jax.random.key(0))


def test_bases_start_orthonormal_and_the_loss_measures_how_far_they_are_from_it(eigen):
    assert eigengan.orthogonality(eigen.params) < 1e-8
    params = jax.tree.map(lambda x: x, eigen.params)
    params["draw"]["b8_block"]["subspace"]["basis"] *= 2  # U U^T = 4 I
    assert float(eigengan.orthogonality(params)) == pytest.approx(3 * 9 / 2)
    assert float(eigengan.orthogonality(params, mean=True)) == pytest.approx(3 * 9 / 9 / 3)
    lengths = params["draw"]["b8_block"]["subspace"]["length"]
    assert np.array_equal(lengths, [9, 6, 3])


def test_a_subspace_without_a_mean_is_linear_and_permuted_axes_are_permuted_coordinates(close):
    module, keys = eigengan.Subspace((2, 3, 4)), jax.random.split(jax.random.key(2), 3)
    a, b = (jax.random.normal(k, (5, 3)) for k in keys[:2])
    params = module.init(keys[2], a)["params"]
    phi = lambda p, z: module.apply({"params": p}, z)
    close(phi(params, 2 * a - 3 * b), 2 * phi(params, a) - 3 * phi(params, b), OP)
    turned = jnp.array([2, 0, 1])
    swapped = {**params, "basis": params["basis"][turned], "length": params["length"][turned]}
    close(phi(swapped, a[:, turned]), phi(params, a), OP)
    assert jnp.abs(phi(swapped, a) - phi(params, a)).max() > 0.1


def test_bases_become_orthonormal_by_the_penalty(eigen):
    draw = np.random.default_rng(3)
    params = jax.tree.map(lambda x: x + 0.02 * draw.standard_normal(x.shape, np.float32), eigen.params)
    slope, errors = jax.jit(jax.value_and_grad(eigengan.orthogonality)), []
    for _ in range(30):
        error, gradient = slope(params)
        params = jax.tree.map(lambda p, d: p - 0.1 * d, params, gradient)
        errors.append(float(error))
    assert errors == sorted(errors, reverse=True) and errors[-1] < 1e-3 * errors[0]


def test_a_stages_coordinates_change_nothing_before_it(eigen):
    z = jax.random.normal(jax.random.key(1), (2, eigen.arch.shape("z")[0]))
    names = [axis.name for axis in eigen.arch.axes]
    assert names == ["b4_0", "b4_1", "b4_2", "b8_0", "b8_1", "b8_2", "b16_0", "b16_1", "b16_2"]
    moved = z.at[:, eigen.arch.axes[names.index("b8_1")].index].add(1)
    before, after = (eigen.read(Code(x, "z"), ["b4", "b8", "b16", "b32"]) for x in (z, moved))
    same = {name: bool(jnp.array_equal(before[name], after[name])) for name in before}
    assert same == {"b4": True, "b8": True, "b16": False, "b32": False}
