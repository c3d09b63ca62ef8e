"""NVIDIA's layout both ways: whatever the configuration, and with every name accounted for."""

import pickletools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.core.network import initialise
from jaxgan.io import UnreadableFile, load, pickles
from jaxgan.io.from_nvidia import discriminator, generator
from jaxgan.io.pickle_writer import dumps
from jaxgan.io.to_nvidia import to_nvidia
from jaxgan.models import stylegan2

SIZE = {"channel_base": 64, "channel_max": 7}
MAPPING = {"mapping_layers": 3, "mapping_embed": 4, "mapping_hidden": 9, "mapping_lr_mul": 0.1}
GENERATORS = {
    "skip": {"resolution": 16, "classes": 2, **MAPPING, "mapping_activation": "relu"},
    "resnet": {"resolution": 8, "architecture": "resnet", "conv_clamp": 256.0, "channels": 1},
    "orig": {"resolution": 16, "architecture": "orig", "use_noise": False, "resample_filter": (1, 2, 3)},
    "long filter": {"resolution": 8, "resample_filter": (1, 2, 3, 4, 4, 3, 2, 1), "activation": "swish"},
}
DISCRIMINATORS = {
    "resnet": {"resolution": 16, "classes": 2, **MAPPING, "cmap_dim": 5},
    "skip": {"resolution": 8, "architecture": "skip", "channels": 1, "mbstd_group": None, "mbstd_features": 1},
    "orig": {"resolution": 16, "architecture": "orig", "mbstd_features": 0, "conv_clamp": 0.5, "activation": "relu"},
    "odd filter": {"resolution": 8, "resample_filter": (1, 2, 3), "epilogue_activation": "swish"},
}


def a_generator(name="skip", seed=0):
    arch = stylegan2.arch(z_dim=5, w_dim=6, **SIZE, **{"mapping_layers": 2, **GENERATORS[name]})
    empty = jax.eval_shape(arch.init, jax.random.key(0))
    random = np.random.default_rng(seed)  # no zeros that could hide a swap
    return jax.tree.map(lambda x: jnp.asarray(random.standard_normal(x.shape), jnp.float32), empty)


def a_discriminator(name="resnet", seed=1):
    config = {**SIZE, **DISCRIMINATORS[name]}
    module = stylegan2.discriminator(**config)
    images = jnp.zeros((1, module.resolution, module.resolution, module.channels))
    cond = jnp.zeros((1, module.classes)) if module.classes else None
    draw = lambda key: initialise(module, key, images, cond, name="stylegan2.discriminator")
    network = jax.eval_shape(draw, jax.random.key(0))
    random = np.random.default_rng(seed)
    return jax.tree.map(lambda x: jnp.asarray(random.standard_normal(x.shape), jnp.float32), network)


def same(a, b):
    assert jax.tree.structure(a.params) == jax.tree.structure(b.params)
    assert jax.tree.structure(a.buffers) == jax.tree.structure(b.buffers)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("name", GENERATORS)
def test_generators_go_there_and_back_bit_for_bit(tmp_path, name):
    there = a_generator(name)
    to_nvidia(there, None, tmp_path / "g.pkl")
    back = load(tmp_path / "g.pkl")
    same(back, there)
    assert back.arch == there.arch


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_discriminators_go_there_and_back_bit_for_bit(tmp_path, name):
    there = a_discriminator(name)
    to_nvidia(a_generator("resnet"), there, tmp_path / "d.pkl")
    back = load(tmp_path / "d.pkl", part="D")
    same(back, there)
    assert back.module == there.module


def test_golden_networks_go_there_and_back_bit_for_bit(tmp_path, golden):
    for name in ("stylegan2_cond32.pkl", "stylegan2_uncond64.pkl"):
        parts = {part: load(golden(name), part=part) for part in ("G_ema", "G", "D")}
        to_nvidia(parts["G_ema"], parts["D"], tmp_path / name, trained=parts["G"])
        for part, there in parts.items():
            same(load(tmp_path / name, part=part), there)


@pytest.mark.parametrize("name", ["stylegan2_cond32.pkl", "stylegan3t_32.pkl", "stylegan3r_32.pkl"])
def test_written_objects_hold_what_nvidias_hold(tmp_path, golden, name):
    """Every object of the golden file has its counterpart: class, arrays, and attributes of equal value."""
    path = golden(name)
    theirs = pickles.read(path).value
    critic = load(path, part="D") if theirs["D"] is not None else None
    to_nvidia(load(path), critic, tmp_path / "x.pkl", trained=load(path, part="G"))
    ours = pickles.read(tmp_path / "x.pkl").value

    def compare(a, b, name):
        assert a.class_name == b.class_name, name
        for part in ("parameters", "buffers", "modules"):
            assert set(getattr(a, part)) == set(getattr(b, part)), (name, part)
        for key in (*a.parameters, *a.buffers):
            x, y = ({**o.parameters, **o.buffers}[key] for o in (a, b))
            assert (x is None) == (y is None), (name, key)
            if x is not None and key.endswith("_filter"):  # designed anew, in another order of rounding
                np.testing.assert_allclose(x, y, atol=1e-6, err_msg=f"{name}.{key}")
            elif x is not None:
                np.testing.assert_array_equal(x, y, err_msg=f"{name}.{key}")
        for key, value in a.state.items():
            if not key.startswith("_"):
                if key == "w_avg_beta":
                    assert (b.state[key] is None) == (value is None)
                elif isinstance(value, float):
                    assert b.state[key] == pytest.approx(value, rel=1e-12), (name, key)
                else:
                    assert np.array_equal(b.state[key], value), (name, key)
        for key, module in a.modules.items():
            compare(module, b.modules[key], f"{name}.{key}")

    for part in ("G", "G_ema") if critic is None else ("G", "D", "G_ema"):
        compare(theirs[part], ours[part], part)


@pytest.mark.parametrize("name", ["stylegan3t_32.pkl", "stylegan3r_32.pkl"])
def test_stylegan3_goes_there_and_back_bit_for_bit(tmp_path, golden, name):
    there = load(golden(name))
    to_nvidia(there, None, tmp_path / name)
    back = load(tmp_path / name)
    same(back, there)
    assert back.arch == there.arch


def test_written_files_name_only_what_nvidias_files_name(tmp_path):
    to_nvidia(a_generator(), a_discriminator(), tmp_path / "x.pkl")
    found = {str(arg) for op, arg, _ in pickletools.genops((tmp_path / "x.pkl").read_bytes()) if op.name == "GLOBAL"}
    assert found == {
        "collections OrderedDict",
        "torch._utils _rebuild_parameter",
        "torch._utils _rebuild_tensor_v2",
        "torch.storage _load_from_bytes",
        "torch_utils.persistence _reconstruct_persistent_obj",
    }


def test_a_failed_write_leaves_the_old_file(tmp_path):
    to_nvidia(a_generator(), None, tmp_path / "x.pkl")
    before = (tmp_path / "x.pkl").read_bytes()
    g = a_generator()
    with pytest.raises(ValueError, match="no place in NVIDIA"):
        to_nvidia(g.replace(arch=g.arch._replace(name="dcgan")), None, tmp_path / "x.pkl")
    assert (tmp_path / "x.pkl").read_bytes() == before


def test_the_writer_refuses_what_it_does_not_know():
    with pytest.raises(TypeError, match="a object has no place"):
        dumps({"a": [object()]})


# Records that do not fit


@pytest.fixture
def records(tmp_path):
    to_nvidia(a_generator(), a_discriminator(), tmp_path / "x.pkl")
    value = pickles.read(tmp_path / "x.pkl").value
    return value["G_ema"], value["D"]


def test_every_name_that_does_not_fit_is_reported(records):
    g, _ = records
    block = g.modules["synthesis"].modules["b8"]
    block.modules["conv0"].parameters.pop("bias")
    block.modules["conv1"].parameters["surplus"] = np.zeros(3, np.float32)
    g.modules["mapping"].modules["fc1"].parameters["bias"] = np.zeros(4, np.float32)
    with pytest.raises(UnreadableFile) as caught:
        generator(g)
    message = str(caught.value)
    assert "missing: synthesis.b8.conv0.bias" in message
    assert "unknown: synthesis.b8.conv1.surplus" in message
    assert "of another shape: mapping.fc1.bias (4,) instead of (9,)" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "spoil, word",
    [
        (lambda g: g.modules.pop("mapping"), "no part 'mapping'"),
        (lambda g: g.modules.update(mapping=3), "no part 'mapping'"),
        (lambda g: g.modules["synthesis"].modules.pop("b8"), "odd resolutions"),
        (lambda g: g.modules["synthesis"].modules.pop("b4"), "unknown generator"),
        (lambda g: g.modules["synthesis"].modules["b16"].state.update(architecture="round"), "unknown 'architecture'"),
        (lambda g: g.modules["synthesis"].modules["b16"].state.update(architecture=[]), "unknown 'architecture'"),
        (lambda g: conv(g).state.update(activation="gelu"), "unknown 'activation'"),
        (lambda g: conv(g).state.update(conv_clamp="a"), "no number"),
        (lambda g: conv(g).parameters.update(weight=np.zeros(3)), "no array 'weight'"),
        (lambda g: g.modules["mapping"].state.update(z_dim=None), "no whole number 'z_dim'"),
        (lambda g: g.modules["mapping"].modules["fc0"].state.update(bias_gain=float("nan")), "learning rate"),
        (lambda g: conv(g, "conv0").buffers.update(resample_filter=np.eye(4)), "not separable"),
        (lambda g: conv(g, "conv0").buffers.pop("resample_filter"), "no resample_filter"),
    ],
)
def test_spoilt_generators_are_answered_in_one_line(records, spoil, word):
    spoil(records[0])
    with pytest.raises(UnreadableFile) as caught:
        generator(records[0])
    assert word in str(caught.value) and "\n" not in str(caught.value)


def conv(g, name="conv1"):
    return g.modules["synthesis"].modules["b16"].modules[name]


def test_widths_that_the_arguments_do_not_give_are_found(records):
    g, d = records
    for record in (g, d):
        record.init_kwargs.clear()
    assert dict(generator(g).arch.config)["channel_max"] == 7
    assert discriminator(d).module.channel_max == 7
    same(generator(g), a_generator())
    same(discriminator(d), a_discriminator())


def test_a_generator_that_never_tracked_its_mean_has_a_mean_of_zero(records):
    g, _ = records
    g.modules["mapping"].buffers.pop("w_avg")
    assert not np.asarray(generator(g).buffers["spread"]["w_mean"]).any()


def test_parts_of_the_wrong_class_are_refused(tmp_path, records):
    to_nvidia(a_generator(), None, tmp_path / "x.pkl")
    with pytest.raises(UnreadableFile, match=r"no part 'D'; it has G_ema, G"):
        load(tmp_path / "x.pkl", part="D")
    with pytest.raises(UnreadableFile, match="unknown discriminator"):
        discriminator(records[0])
