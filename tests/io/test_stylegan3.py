"""NVIDIA's StyleGAN3 layout, whatever the configuration."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.io import UnreadableFile, load, pickles, to_nvidia
from jaxgan.io.from_stylegan3 import generator
from jaxgan.models import stylegan3

SIZE = {"z_dim": 5, "w_dim": 6, "resolution": 16, "channel_base": 77, "channel_max": 9}
CONFIGURATIONS = {
    "r, conditional": {"layers": 4, "kernel": 1, "radial": True, "classes": 2, "conv_clamp": 256.0},
    "another schedule": {"layers": 3, "critical": 1, "margin": 7, "first_cutoff": 1.5, "last_stopband": 1.3},
    "other filters": {"layers": 2, "critical": 0, "filter_size": 4, "supersampling": 4, "output_scale": 1.0},
    "grey, one map of w": {"layers": 3, "channels": 1, "mapping_layers": 1, "mapping_lr_mul": 0.1, "channel_max": 512},
}


def a_generator(name):
    arch = stylegan3.arch(**{**SIZE, **CONFIGURATIONS[name]})
    empty = jax.eval_shape(arch.init, jax.random.key(0))
    random = np.random.default_rng(0)  # no zeros that could hide a swap
    return jax.tree.map(lambda x: jnp.asarray(random.standard_normal(x.shape), jnp.float32), empty)


@pytest.fixture
def record(tmp_path):
    to_nvidia(a_generator("r, conditional"), None, tmp_path / "g.pkl")
    return pickles.read(tmp_path / "g.pkl").value["G_ema"]


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_generators_go_there_and_back_bit_for_bit(tmp_path, name):
    there = a_generator(name)
    to_nvidia(there, None, tmp_path / "g.pkl")
    back = load(tmp_path / "g.pkl")
    assert back.arch == there.arch
    for a, b in zip(jax.tree.leaves(there), jax.tree.leaves(back), strict=True):
        np.testing.assert_array_equal(a, b)


def test_widths_are_found_where_the_file_does_not_say_what_made_them(record):
    said = record.init_kwargs | {"channel_base": 1, "channel_max": 1}
    record.init_kwargs = said
    found = generator(record)
    assert found.arch.shape("s") == a_generator("r, conditional").arch.shape("s")


def test_what_is_missing_or_unknown_is_named(record):
    layer = next(m for name, m in record.modules["synthesis"].modules.items() if name.startswith("L1_"))
    layer.parameters["surplus"] = layer.parameters.pop("bias")
    with pytest.raises(UnreadableFile, match=r"missing: synthesis\.L1_\S+\.bias; unknown: synthesis\.L1_\S+\.surplus"):
        generator(record)


def test_filters_that_the_configuration_does_not_give_are_refused(record):
    name, layer = next((n, m) for n, m in record.modules["synthesis"].modules.items() if n.startswith("L1_"))
    layer.buffers["down_filter"] = layer.buffers["down_filter"] * 1.01
    with pytest.raises(UnreadableFile, match=f"layer {name} has a down_filter other than"):
        generator(record)


def test_a_layer_that_is_missing_is_noticed(record):
    modules = record.modules["synthesis"].modules
    del modules[next(name for name in modules if name.startswith("L1_"))]
    with pytest.raises(UnreadableFile, match="synthesis network has the layers"):
        generator(record)
