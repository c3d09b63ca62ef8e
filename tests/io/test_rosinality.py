"""rosinality's layout both ways, and torch's zip container that carries it."""

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from jaxgan.core.network import initialise
from jaxgan.io import UnreadableFile, load, pickles, to_rosinality
from jaxgan.io.torch_writer import save_torch
from jaxgan.models import stylegan2

SIZE = {"channel_base": 64, "channel_max": 7}
GENERATORS: dict[str, dict] = {
    "plain": {"resolution": 16},
    "shallow": {"resolution": 8, "mapping_layers": 1},
    "filter": {"resolution": 8, "resample_filter": (1.0, 2.0, 3.0), "conv_clamp": 256.0},
}


def randomly(template, seed):
    random = np.random.default_rng(seed)  # no zeros that could hide a swap
    return jax.tree.map(lambda x: jnp.asarray(random.standard_normal(x.shape), jnp.float32), template)


def a_generator(seed=0, **config):
    arch = stylegan2.arch(**{"z_dim": 6, "w_dim": 6, **SIZE, "mapping_layers": 3, **config})
    return randomly(jax.eval_shape(arch.init, jax.random.key(0)), seed)


def a_discriminator(**config):
    module = stylegan2.discriminator(**{**SIZE, **config})
    images = jnp.zeros((1, module.resolution, module.resolution, module.channels))
    made = lambda key: initialise(module, key, images, name="stylegan2.discriminator")
    return randomly(jax.eval_shape(made, jax.random.key(0)), 1)


def same(a, b):
    assert jax.tree.structure((a.params, a.buffers)) == jax.tree.structure((b.params, b.buffers))
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("name", GENERATORS)
def test_generators_go_there_and_back_bit_for_bit(tmp_path, name):
    there, trained = a_generator(**GENERATORS[name]), a_generator(seed=3, **GENERATORS[name])
    to_rosinality(there, None, tmp_path / "g.pt", trained)
    same(load(tmp_path / "g.pt"), there)
    same(load(tmp_path / "g.pt", part="G").replace(buffers={}), trained.replace(buffers={}))
    taps = np.asarray(dict(load(tmp_path / "g.pt").arch.config)["resample_filter"])
    expected = np.asarray(dict(there.arch.config)["resample_filter"])
    np.testing.assert_allclose(taps / taps.sum(), expected / expected.sum(), atol=1e-7)


@pytest.mark.parametrize("config", [{"resolution": 8}, {"resolution": 32, "resample_filter": (1.0, 2.0, 3.0)}])
def test_discriminators_go_there_and_back_bit_for_bit(tmp_path, config):
    there = a_discriminator(**config)
    to_rosinality(a_generator(resolution=8), there, tmp_path / "d.pt")
    back = load(tmp_path / "d.pt", part="D")
    same(back, there)
    assert back.module.resolution == config["resolution"]


def test_names_and_shapes_are_the_published_ones(tmp_path):
    """The names that the published code lists for a generator of 8x8 with two mapping layers, and its judge's."""
    to_rosinality(a_generator(resolution=8, mapping_layers=2), a_discriminator(resolution=8), tmp_path / "g.pt")
    value = pickles.read(tmp_path / "g.pt").value
    styled = lambda name, o, i, more: {
        f"{name}.conv.weight": (1, o, i, 3, 3),
        f"{name}.conv.modulation.weight": (i, 6),
        f"{name}.conv.modulation.bias": (i,),
        f"{name}.noise.weight": (1,),
        f"{name}.activate.bias": (o,),
        **more,
    }
    rgb = lambda name, i: {
        f"{name}.bias": (1, 3, 1, 1),
        f"{name}.conv.weight": (1, 3, i, 1, 1),
        f"{name}.conv.modulation.weight": (i, 6),
        f"{name}.conv.modulation.bias": (i,),
    }
    assert {name: array.shape for name, array in value["g_ema"].items()} == {
        **{f"style.{i}.weight": (6, 6) for i in (1, 2)},
        **{f"style.{i}.bias": (6,) for i in (1, 2)},
        "input.input": (1, 7, 4, 4),
        **styled("conv1", 7, 7, {}),
        **rgb("to_rgb1", 7),
        **styled("convs.0", 7, 7, {"convs.0.conv.blur.kernel": (4, 4)}),
        **styled("convs.1", 7, 7, {}),
        **rgb("to_rgbs.0", 7),
        "to_rgbs.0.upsample.kernel": (4, 4),
        "noises.noise_0": (1, 1, 4, 4),
        "noises.noise_1": (1, 1, 8, 8),
        "noises.noise_2": (1, 1, 8, 8),
    }
    assert value["g_ema"]["to_rgbs.0.upsample.kernel"].sum() == 4 and value["latent_avg"].shape == (6,)
    assert {name: array.shape for name, array in value["d"].items()} == {
        "convs.0.0.weight": (7, 3, 1, 1),
        "convs.0.1.bias": (7,),
        "convs.1.conv1.0.weight": (7, 7, 3, 3),
        "convs.1.conv1.1.bias": (7,),
        "convs.1.conv2.0.kernel": (4, 4),
        "convs.1.conv2.1.weight": (7, 7, 3, 3),
        "convs.1.conv2.2.bias": (7,),
        "convs.1.skip.0.kernel": (4, 4),
        "convs.1.skip.1.weight": (7, 7, 1, 1),
        "final_conv.0.weight": (7, 8, 3, 3),
        "final_conv.1.bias": (7,),
        "final_linear.0.weight": (7, 7 * 16),
        "final_linear.0.bias": (7,),
        "final_linear.1.weight": (1, 7),
        "final_linear.1.bias": (1,),
    }
    assert value["d"]["convs.1.skip.0.kernel"].sum() == 1


def test_a_file_without_a_mean_of_w_gets_one_and_older_ones_lack_noise(tmp_path):
    g = a_generator(resolution=8)
    to_rosinality(g, None, tmp_path / "g.pt")
    value = pickles.read(tmp_path / "g.pt").value
    old = {"g_ema": {name: a for name, a in value["g_ema"].items() if not name.startswith("noises")}, "g_optim": {1: 2}}
    save_torch(tmp_path / "old.pt", old)
    back = load(tmp_path / "old.pt")
    w = g.to(g.sample(jax.random.key(5), 4096), "w").value
    error = jnp.linalg.norm(back.buffers["spread"]["w_mean"] - w.mean(0))
    assert 0 < error < 0.1 * jnp.linalg.norm(w - w.mean(0), axis=1).mean()
    code = g.sample(jax.random.key(1), 2)
    np.testing.assert_array_equal(back(code, noise="none"), g(code, noise="none"))
    save_torch(tmp_path / "bare.pt", {"module." + name: a for name, a in value["g_ema"].items()})
    same(load(tmp_path / "bare.pt").replace(buffers={}), g.replace(buffers={}))


def test_the_generator_inside_an_encoders_checkpoint_is_read(tmp_path):
    g = a_generator(resolution=8)
    to_rosinality(g, None, tmp_path / "g.pt")
    value = pickles.read(tmp_path / "g.pt").value
    both = {f"decoder.{name}": array for name, array in value["g_ema"].items()} | {"encoder.body.0.weight": np.ones(3)}
    mean = np.repeat(value["latent_avg"][None], 4, axis=0)  # one row for every layer
    save_torch(tmp_path / "psp.pt", {"state_dict": both, "latent_avg": mean, "opts": {"lr": 0.1}})
    same(load(tmp_path / "psp.pt"), g)
    with pytest.raises(UnreadableFile, match="has no part 'E'; it has G_ema"):
        load(tmp_path / "psp.pt", part="E")


def test_what_the_layout_has_no_place_for_is_named(tmp_path):
    cases: tuple[tuple[dict, str], ...] = (
        ({"classes": 2}, "classes = 0; this one has 2"),
        ({"architecture": "orig"}, "architecture = 'skip'"),
        ({"z_dim": 5}, "of one width; these are 5 and 6"),
        ({"mapping_lr_mul": 0.1}, "mapping_lr_mul"),
    )
    for config, words in cases:
        with pytest.raises(ValueError, match=words):
            to_rosinality(a_generator(resolution=8, **config), None, tmp_path / "g.pt")
    with pytest.raises(ValueError, match="mbstd_group = 4"):
        to_rosinality(a_generator(resolution=8), a_discriminator(resolution=8, mbstd_group=2), tmp_path / "g.pt")
    assert not (tmp_path / "g.pt").exists()


def test_what_is_missing_or_left_over_is_named(tmp_path):
    to_rosinality(a_generator(resolution=8), None, tmp_path / "g.pt")
    arrays = dict(pickles.read(tmp_path / "g.pt").value["g_ema"])
    arrays["odd"] = arrays.pop("convs.0.activate.bias")
    save_torch(tmp_path / "g.pt", {"g_ema": arrays})
    with pytest.raises(UnreadableFile, match=r"missing: convs\.0\.activate\.bias; unknown: odd"):
        load(tmp_path / "g.pt")
    with pytest.raises(UnreadableFile, match="has no part 'D'; it has G_ema"):
        load(tmp_path / "g.pt", part="D")


def test_the_container_keeps_every_type_shape_and_bit(tmp_path):
    value = {
        "scalar": np.float32(1.5),
        "whole": np.arange(6, dtype=np.int64).reshape(2, 3).T,
        "empty": np.zeros((0, 3), np.float32),
        "half": np.array([1, -2], np.float16),
        "brain": np.array([1, -2], ml_dtypes.bfloat16),
        "flags": np.array([True, False]),
        "nested": {"list": [1, 2.5, "text", None, True], "tuple": (np.ones(2, np.float32),)},
    }
    save_torch(tmp_path / "x.pt", value)
    contents = pickles.read(tmp_path / "x.pt")
    assert contents.kind == "torch zip"
    for name in ("scalar", "whole", "empty", "half", "brain", "flags"):
        found = contents.value[name]
        assert found.dtype == value[name].dtype and found.shape == value[name].shape
        np.testing.assert_array_equal(found, value[name])
    assert contents.value["nested"]["list"] == value["nested"]["list"]
    with pytest.raises(TypeError, match="<U1"):
        save_torch(tmp_path / "y.pt", {"a": np.array(["a"])})
    assert not (tmp_path / "y.pt").exists()


def test_the_container_starts_every_storage_at_a_multiple_of_64_bytes(tmp_path):
    import zipfile

    save_torch(tmp_path / "x.pt", {f"a{i}": np.arange(i, dtype=np.float32) for i in range(1, 6)})
    data = (tmp_path / "x.pt").read_bytes()
    with zipfile.ZipFile(tmp_path / "x.pt") as archive:
        assert archive.testzip() is None
        for i, info in enumerate(n for n in archive.infolist() if n.filename.startswith("archive/data/")):
            local = info.header_offset
            start = local + 30 + sum(int.from_bytes(data[local + at : local + at + 2], "little") for at in (26, 28))
            assert start % 64 == 0
            np.testing.assert_array_equal(np.frombuffer(data, np.float32, i + 1, start), np.arange(i + 1))
