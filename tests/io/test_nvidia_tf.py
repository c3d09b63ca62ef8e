"""NVIDIA's TensorFlow pickles: written here layer by layer as TensorFlow lays them out, read by the table."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.core.network import initialise
from jaxgan.io import UnreadableFile, load
from jaxgan.io.from_nvidia import DISCRIMINATOR_NAMES, GENERATOR_NAMES, to_theirs
from jaxgan.io.names import renamed
from jaxgan.models import stylegan2
from jaxgan.nn.growing import resolutions

SIZE = {"channel_base": 64, "channel_max": 7}


def randomly(template, seed):
    random = np.random.default_rng(seed)  # no zeros that could hide a swap
    return jax.tree.map(lambda x: jnp.asarray(random.standard_normal(x.shape), jnp.float32), template)


def a_generator(**config):
    arch = stylegan2.arch(**{"z_dim": 5, "w_dim": 6, **SIZE, "mapping_layers": 3, **config})
    return randomly(jax.eval_shape(arch.init, jax.random.key(0)), 0)


def a_discriminator(**config):
    module = stylegan2.discriminator(**{**SIZE, **config})
    images = jnp.zeros((1, module.resolution, module.resolution, module.channels))
    cond = jnp.zeros((1, module.classes)) if module.classes else None
    made = lambda key: initialise(module, key, images, cond, name="stylegan2.discriminator")
    return randomly(jax.eval_shape(made, jax.random.key(0)), 1)


def tensorflow_generator(g, network, **arguments):
    """Lay a generator out as TensorFlow does, starting from the arrays of the torch layout."""
    torch = renamed({"params": g.params, "buffers": g.buffers}, GENERATOR_NAMES, to_theirs)
    config, mapping = dict(g.arch.config), {}
    synthesis: dict[str, Any] = {"lod": 0.0}
    for i in range(config["mapping_layers"]):
        mapping[f"Dense{i}/weight"] = torch[f"mapping.fc{i}.weight"].T
        mapping[f"Dense{i}/bias"] = torch[f"mapping.fc{i}.bias"]
    if config["classes"]:
        mapping["LabelEmbed/weight"] = torch["mapping.embed.weight"].T
        mapping["LabelEmbed/bias"] = torch["mapping.embed.bias"]
    synthesis["4x4/Const/const"] = torch["synthesis.b4.const"][None]
    noises = 0
    for r in resolutions(config["resolution"]):
        for ours, theirs in (("conv0", "Conv0_up"), ("conv1", "Conv1"), ("torgb", "ToRGB")):
            own = f"synthesis.b{r}.{ours}"
            if f"{own}.weight" not in torch:
                continue
            name = "4x4/Conv" if (r, ours) == (4, "conv1") else f"{r}x{r}/{theirs}"
            weight = torch[f"{own}.weight"].transpose(2, 3, 1, 0)
            synthesis[f"{name}/weight"] = weight[::-1, ::-1] if ours == "conv0" else weight
            synthesis[f"{name}/bias"] = torch[f"{own}.bias"]
            synthesis[f"{name}/mod_weight"] = torch[f"{own}.affine.weight"].T
            synthesis[f"{name}/mod_bias"] = torch[f"{own}.affine.bias"] - 1
            if f"{own}.noise_const" in torch:
                synthesis[f"{name}/noise_strength"] = torch[f"{own}.noise_strength"]
                synthesis[f"noise{noises}"] = torch[f"{own}.noise_const"][None, None]
                noises += 1
        if f"synthesis.b{r}.skip.weight" in torch:
            weight = torch[f"synthesis.b{r}.skip.weight"].transpose(2, 3, 1, 0)
            synthesis[f"{r}x{r}/Skip/weight"] = weight[::-1, ::-1]
    parts = {"synthesis": network(synthesis), "mapping": network(mapping, mapping_lrmul=config["mapping_lr_mul"])}
    return network({"lod": 0.0, "dlatent_avg": torch["mapping.w_avg"]}, parts, **arguments)


def tensorflow_discriminator(d, network, **arguments):
    torch = renamed({"params": d.params}, DISCRIMINATOR_NAMES, to_theirs)
    arrays: dict[str, Any] = {"lod": 0.0}
    names = {"conv0": "Conv0", "conv1": "Conv1_down", "skip": "Skip", "fromrgb": "FromRGB"}
    for name, array in torch.items():
        module, layer, kind = name.split(".")
        if module == "mapping":
            there = "LabelEmbed" if layer == "embed" else f"Mapping{layer[2:]}"
        elif layer in ("conv", "fc", "out"):
            there = {"conv": "4x4/Conv", "fc": "4x4/Dense0", "out": "Output"}[layer]
        else:
            there = f"{module[1:]}x{module[1:]}/{names[layer]}"
        arrays[f"{there}/{kind}"] = array.transpose(2, 3, 1, 0) if array.ndim == 4 else array.T
    return network(arrays, **arguments)


GENERATORS = {
    "skip": ({"resolution": 16, "channels": 1}, {"fmap_base": 32, "fmap_max": 7}),
    "conditional": ({"resolution": 8, "classes": 2, "mapping_embed": 4, "mapping_hidden": 9}, {"label_size": 2}),
    "resnet": ({"resolution": 16, "architecture": "resnet", "conv_clamp": 256.0}, {"conv_clamp": 256}),
    "orig": ({"resolution": 8, "architecture": "orig", "use_noise": False}, {"use_noise": False}),
    "filter": ({"resolution": 8, "resample_filter": (1.0, 2.0, 3.0)}, {"resample_kernel": [1, 2, 3]}),
    "box": ({"resolution": 8, "resample_filter": (1.0, 1.0)}, {"resample_kernel": None}),
    "relu": ({"resolution": 8, "activation": "relu", "mapping_lr_mul": 0.1}, {"nonlinearity": "relu"}),
}


@pytest.mark.parametrize("name", GENERATORS)
def test_generators_draw_the_same_images(network, written, name):
    config, arguments = GENERATORS[name]
    g = a_generator(**config)
    d = network({})
    back = load(written(network({}), d, tensorflow_generator(g, network, **arguments)))
    assert jax.tree.structure(back.params) == jax.tree.structure(g.params)
    for key in ("resolution", "channels", "architecture", "use_noise", "activation", "resample_filter", "conv_clamp"):
        assert dict(back.arch.config)[key] == dict(g.arch.config)[key], key
    code = g.sample(jax.random.key(1), 2)
    np.testing.assert_allclose(back(code, psi=0.7), g(code, psi=0.7), rtol=0, atol=1e-5 * float(jnp.abs(g(code)).max()))


def test_the_parts_are_g_d_and_the_averaged_g(network, written):
    g, averaged, d = a_generator(resolution=8), a_generator(resolution=8, w_dim=5), a_discriminator(resolution=8)
    path = written(
        tensorflow_generator(g, network),
        tensorflow_discriminator(d, network),
        tensorflow_generator(averaged, network),
    )
    assert load(path).arch.shape("w") == load(path, part="G_ema").arch.shape("w") == (5,)
    assert load(path, part="G").arch.shape("w") == (6,)
    assert load(path, part="D").module.resolution == 8
    with pytest.raises(UnreadableFile, match="has no part 'E'; it has G, D, G_ema"):
        load(path, part="E")
    alone = written(tensorflow_generator(averaged, network))
    assert load(alone).arch.shape("w") == (5,)


@pytest.mark.parametrize("architecture", stylegan2.ARCHITECTURES)
@pytest.mark.parametrize("function, group", [("training.networks_stylegan2.D_stylegan2", 4), ("D_main", None)])
def test_discriminators_score_alike(network, written, architecture, function, group):
    d = a_discriminator(resolution=16, architecture=architecture, mbstd_group=group)
    back = load(written(network({}), tensorflow_discriminator(d, network, function=function), network({})), part="D")
    images = jax.random.normal(jax.random.key(1), (8, 16, 16, 3))
    np.testing.assert_array_equal(back(images), d(images))


def test_a_conditional_discriminator_scores_alike(network, written):
    config = {"resolution": 8, "classes": 3, "cmap_dim": 5, "mapping_layers": 1, "mapping_lr_mul": 0.1}
    d = a_discriminator(**config, mbstd_group=None)
    stored = tensorflow_discriminator(d, network, function="training.networks.D_main", label_size=3)
    back = load(written(network({}), stored, network({})), part="D")
    images, cond = jax.random.normal(jax.random.key(1), (3, 8, 8, 3)), jnp.eye(3)
    np.testing.assert_array_equal(back(images, cond), d(images, cond))


def test_networks_that_grew_are_read_at_their_full_size(network, written):
    g, d = a_generator(resolution=16, architecture="orig"), a_discriminator(resolution=16, architecture="orig")
    grown, judge = tensorflow_generator(g, network), tensorflow_discriminator(d, network)
    grown.components["synthesis"].variables = [
        (name.replace("16x16/ToRGB", "ToRGB_lod0"), a) for name, a in grown.components["synthesis"].variables
    ] + [("ToRGB_lod1/weight", np.ones((1, 1, 7, 3), np.float32)), ("ToRGB_lod1/bias", np.ones(3, np.float32))]
    judge.variables = [(name.replace("16x16/FromRGB", "FromRGB_lod0"), a) for name, a in judge.variables]
    judge.variables += [("FromRGB_lod1/weight", np.ones((1, 1, 3, 7), np.float32))]
    path = written(grown, judge, grown)
    code, images = g.sample(jax.random.key(1), 2), jax.random.normal(jax.random.key(1), (4, 16, 16, 3))
    np.testing.assert_allclose(load(path)(code), g(code), atol=1e-4)
    np.testing.assert_array_equal(load(path, part="D")(images), d(images))


def test_what_is_missing_or_left_over_is_named(network, written):
    stored = tensorflow_generator(a_generator(resolution=8), network)
    own = stored.components["synthesis"].variables
    stored.components["synthesis"].variables = [v for v in own if v[0] != "8x8/Conv0_up/bias"] + [
        ("8x8/Odd", own[0][1])
    ]
    with pytest.raises(UnreadableFile) as caught:
        load(written(stored))
    assert "missing: synthesis/8x8/Conv0_up/bias; unknown: synthesis/8x8/Odd" in str(caught.value)


def test_networks_of_other_kinds_are_refused_in_one_line(network, written):
    for names, words in (
        (["synthesis/8x8/Conv1/weight"], "axes"),
        ([], r"resolutions \[\]"),
        (["mapping/LabelConcat/weight"], "labels are not read"),
    ):
        with pytest.raises(UnreadableFile, match=words):
            load(written(network(dict.fromkeys(names, np.ones(3)))))
    nested = network({})
    nested.components["me"] = nested
    with pytest.raises(UnreadableFile, match="without its variables"):
        load(written(nested))
    wrong = network({})
    wrong.variables = [("a", "b")]
    with pytest.raises(UnreadableFile, match="no array"):
        load(written(wrong))
