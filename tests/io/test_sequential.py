"""Small networks that others trained and published: they load without torch, and draw and judge digits."""

import gzip
import json
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import inversion
from jaxgan.core import Code
from jaxgan.inversion.base import Found
from jaxgan.io import load, save
from jaxgan.io.digits import load_lenet
from jaxgan.io.from_sequential import dcgan_generator, perceptron_discriminator, perceptron_generator, recognise
from jaxgan.io.records import UnreadableFile
from jaxgan.metrics.labels import label_figures
from tests.tolerances import OP

CSINVA = "weights/csinva_mnist"


@pytest.fixture(scope="module")
def lenet(shared_data):
    return load_lenet(shared_data(f"{CSINVA}/lenet_classifier.pth"))


@pytest.fixture(scope="module")
def digits(shared_data):
    raw = gzip.decompress(shared_data("digits/mnist-t10k-images-idx3-ubyte.gz").read_bytes())[16:]
    return jnp.asarray(np.frombuffer(raw, np.uint8).reshape(-1, 28, 28, 1)[:500] / 127.5 - 1, jnp.float32)


def test_the_perceptrons_gan_draws_digits_of_all_kinds(shared_data, lenet):
    g = load(shared_data(f"{CSINVA}/mlp_G--300.ckpt"))
    assert (g.arch.shape("z"), g.resolution, dict(g.arch.config)["hidden"]) == ((64,), 28, (256, 256))
    figures = label_figures(lenet(g(g.sample(jax.random.key(0), 500))))
    assert figures["classes"] == 10 and figures["label_entropy"] > 1.8 and figures["confident"] > 0.95


def test_the_perceptrons_judge_tells_digits_from_noise_and_from_its_generators_drawings(shared_data, digits):
    d = load(shared_data(f"{CSINVA}/mlp_D--300.ckpt"), "D")
    g = load(shared_data(f"{CSINVA}/mlp_G--300.ckpt"))
    noise = jax.random.uniform(jax.random.key(0), digits.shape, minval=-1)
    real, drawn, nonsense = (d(x).mean() for x in (digits, g(g.sample(jax.random.key(1), 500)), noise))
    assert real > drawn > -20 and real > nonsense


def test_the_dcgans_judge_tells_digits_from_noise(shared_data, digits):
    d = load(shared_data(f"{CSINVA}/dcgan_netD_epoch_99.pth"), "D")
    assert (d.module.resolution, d.module.widths) == (28, (64, 128, 256))
    noise = jax.random.uniform(jax.random.key(0), digits.shape, minval=-1)
    assert d(digits).shape == (500, 1)
    assert d(digits).mean() > d(noise).mean() + 5 and d(digits).mean() > d(-digits).mean() + 5


def test_the_conditional_generator_draws_the_digit_it_is_asked_for_as_often_as_measured(shared_data, lenet):
    g = load(shared_data("weights/hongo_cwgangp/generator.pth"))
    assert (g.arch.classes, g.arch.shape("z"), g.resolution) == (10, (10,), 28)
    asked = jnp.arange(2000) % 10
    code = Code(jax.random.normal(jax.random.key(0), (2000, 10)), "z", cond=jax.nn.one_hot(asked, 10))
    agreement = (lenet(g(code)).argmax(1) == asked).mean()
    assert 0.57 < agreement < 0.63


def test_the_vaes_encoder_inverts_its_decoder(shared_data, lenet, digits):
    g = load(shared_data(f"{CSINVA}/vae_epoch_25.pth"))
    e = load(shared_data(f"{CSINVA}/vae_epoch_25.pth"), "E")
    found, _ = inversion.encode(e, "z")(Found(g), digits, jax.random.key(0))
    again = g(found.code)
    assert jnp.square(again - digits).mean() < 0.25 * jnp.square(digits - digits.mean(0)).mean()
    assert (lenet(again).argmax(1) == lenet(digits).argmax(1)).mean() > 0.9
    mean, log_variance = e.replace(module=e.module.clone(spread=True))(digits)
    assert jnp.array_equal(mean, found.code.value) and jnp.all(log_variance < 1)


def test_what_was_loaded_is_saved_and_loaded_again(shared_data, tmp_path, digits):
    for name, part in (("vae_epoch_25.pth", "E"), ("dcgan_netD_epoch_99.pth", "D"), ("mlp_G--300.ckpt", None)):
        thing = load(shared_data(f"{CSINVA}/{name}"), part)
        save(thing, tmp_path / "it.safetensors")
        back = load(tmp_path / "it.safetensors")
        inputs = digits[:2] if part else thing.sample(jax.random.key(0), 2)
        assert jnp.array_equal(back(inputs), thing(inputs))


@pytest.mark.parametrize(
    "name, part, said",
    [
        ("mlp_G--300.ckpt", "D", "has no part 'D'; it has G"),
        ("vae_epoch_25.pth", "D", "has no part 'D'; it has G, E"),
        ("dcgan_netD_epoch_99.pth", "G", "has no part 'G'; it has D"),
    ],
)
def test_a_part_that_is_not_there_is_said(shared_data, name, part, said):
    with pytest.raises(UnreadableFile, match=said):
        load(shared_data(f"{CSINVA}/{name}"), part)


# By hand, without a file


def linear(sizes, seed=0):
    rng = np.random.default_rng(seed)
    arrays = {}
    for i, (a, b) in enumerate(pairwise(sizes)):
        arrays[f"net.{2 * i}.weight"] = rng.normal(size=(b, a)).astype(np.float32)
        arrays[f"net.{2 * i}.bias"] = rng.normal(size=b).astype(np.float32)
    return arrays


def test_colour_images_are_flattened_channels_first(close):
    arrays = linear([4, 5, 3 * 6 * 6])
    assert recognise(arrays)
    g, z = perceptron_generator(arrays), np.random.default_rng(1).normal(size=(2, 4)).astype(np.float32)
    h = np.maximum(z @ arrays["net.0.weight"].T + arrays["net.0.bias"], 0)
    expected = np.tanh(h @ arrays["net.2.weight"].T + arrays["net.2.bias"]).reshape(2, 3, 6, 6)
    close(g(Code(z, "z")), expected.transpose(0, 2, 3, 1), OP)
    arrays = linear([3 * 6 * 6, 5, 1])
    d, x = perceptron_discriminator(arrays), expected.reshape(2, -1)
    h = x @ arrays["net.0.weight"].T + arrays["net.0.bias"]
    h = np.where(h > 0, h, 0.2 * h)
    close(d(expected.transpose(0, 2, 3, 1)), h @ arrays["net.2.weight"].T + arrays["net.2.bias"], OP)


def test_transposed_convolutions_are_laid_out_as_torch_has_them(close):
    """One hidden level: z -> 4x4 -> 8x8, painted by loops."""
    rng = np.random.default_rng(0)
    draw = lambda *shape: rng.normal(size=shape).astype(np.float32)
    arrays = {"main.0.weight": draw(3, 2, 4, 4), "main.3.weight": draw(2, 1, 4, 4)}
    arrays |= {"main.1.weight": draw(2), "main.1.bias": draw(2), "main.1.running_mean": draw(2)}
    arrays |= {"main.1.running_var": draw(2) ** 2, "main.1.num_batches_tracked": np.int64(7)}
    g, z = dcgan_generator(arrays), draw(1, 3)
    x = np.einsum("i,ichw->chw", z[0], arrays["main.0.weight"])
    by = lambda name: arrays[f"main.1.{name}"][:, None, None]
    x = (x - by("running_mean")) / np.sqrt(by("running_var") + 1e-5) * by("weight") + by("bias")
    x, y = np.maximum(x, 0), np.zeros((1, 10, 10))
    for i in range(4):
        for j in range(4):
            y[:, 2 * i : 2 * i + 4, 2 * j : 2 * j + 4] += np.einsum("c,cohw->ohw", x[:, i, j], arrays["main.3.weight"])
    close(g(Code(z, "z")), np.tanh(y[None, :, 1:9, 1:9]).transpose(0, 2, 3, 1), OP)


def test_networks_of_other_kinds_are_left_to_other_formats():
    patch = {
        "model.0.weight": np.zeros((8, 3, 4, 4)),
        "model.0.bias": np.zeros(8),
        "model.2.weight": np.zeros((1, 8, 4, 4)),
    }
    assert not recognise(patch)
    assert not recognise({"features.0.weight": np.zeros((8, 3, 3, 3)), "features.2.weight": np.zeros((8, 8, 3, 3))})
    assert not recognise({}) and not recognise(json.loads("[1]"))


def test_the_dcgans_judge_is_read_in_torchs_layout(shared_data, digits, close):
    """Beside a forward pass in torch's layout: four convolutions of stride 2 in a frame of one pixel, 28 to 1."""
    from jaxgan.io.pickles import read

    a = read(shared_data(f"{CSINVA}/dcgan_netD_epoch_99.pth")).value
    x = digits[:8].transpose(0, 3, 1, 2)
    for i in (0, 2, 5, 8):
        x = jax.lax.conv_general_dilated(x, a[f"main.{i}.weight"], (2, 2), ((1, 1), (1, 1)))
        if i in (2, 5):
            by = lambda name, i=i: a[f"main.{i + 1}.{name}"][:, None, None]
            x = (x - by("running_mean")) / np.sqrt(by("running_var") + 1e-5) * by("weight") + by("bias")
        x = x if i == 8 else jnp.where(x > 0, x, 0.2 * x)
    assert x.shape == (8, 1, 1, 1)
    d = load(shared_data(f"{CSINVA}/dcgan_netD_epoch_99.pth"), "D")
    close(d(digits[:8]), x[:, :, 0, 0], OP)
