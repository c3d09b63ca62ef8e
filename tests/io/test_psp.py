"""The files of pSp, e4e and ReStyle: their names, both ways, and what is said of what is not read."""

import re
from functools import cache

import jax
import numpy as np
import pytest

from jaxgan.core.network import Network
from jaxgan.encoders import ENCODERS
from jaxgan.io import UnreadableFile, from_psp, load, to_rosinality
from jaxgan.io.embedders import ARCFACE_NAMES, arcface, load_arcface, load_moco
from jaxgan.io.names import renamed, shapes
from jaxgan.io.torch_writer import save_torch
from tests.io.test_rosinality import a_generator, same

# Each class of theirs, small: what makes it, and a name that only it has.
CASES = {
    "GradualStyleEncoder": ("psp", {}),
    "Encoder4Editing": ("e4e", {}),
    "BackboneEncoder": ("restyle", {}),
    "ProgressiveBackboneEncoder": ("restyle", {"deltas": True}),
    "ResNetGradualStyleEncoder": ("restyle", {"trunk": "resnet34", "pyramid": True}),
    "ResNetBackboneEncoder": ("restyle", {"trunk": "resnet34"}),
    "ResNetProgressiveBackboneEncoder": ("restyle", {"trunk": "resnet34", "deltas": True}),
}
SMALL = dict(rows=4, w_dim=6, widths=(2, 3, 4, 5), units=(1, 2, 1, 1))
every = pytest.mark.parametrize("said", CASES)


def randomly(tree, seed=0):
    random = np.random.default_rng(seed)
    return jax.tree.map(lambda x: random.standard_normal(x.shape).astype(np.float32), tree)


@cache
def an_encoder(said) -> Network:
    paper, more = CASES[said]
    module = ENCODERS[paper].encoder(**SMALL, **more)
    tree = randomly(shapes(module))
    tree["buffers"]["w_mean"][:] = tree["buffers"]["w_mean"][0]  # the mean of w, once for every row
    if "stage" in tree["buffers"]:
        tree["buffers"]["stage"] = np.float32(SMALL["rows"] - 1)
    config = {name: getattr(module, name) for name in ("resolution", "channels", "trunk", "pyramid")} | SMALL
    config |= {"deltas": module.deltas} if paper == "restyle" else {}
    return Network(tree["params"], tree["buffers"], module, f"{paper}.encoder", tuple(sorted(config.items())))


def a_file(said, path, counted=True, **changes):
    """Write what training leaves: encoder and decoder, counters that norms keep, the mean, the options."""
    arrays = from_psp.state_dict(an_encoder(said))
    if counted:
        norms = [name.removesuffix("running_mean") for name in arrays if name.endswith("running_mean")]
        arrays |= {f"{name}num_batches_tracked": np.array(7) for name in norms}
    decoder = path.with_suffix(".g.pt")
    to_rosinality(a_generator(resolution=8), None, decoder)
    from jaxgan.io import pickles

    state = {f"encoder.{name}": array for name, array in arrays.items()}
    state |= {f"decoder.{name}": array for name, array in pickles.read(decoder).value["g_ema"].items()}
    state = {name: array for name, array in (state | changes).items() if array is not None}
    opts = {"encoder_type": said, "start_from_latent_avg": True, "input_nc": 3}
    opts |= {"n_iters_per_batch": 5} if an_encoder(said).module.guesses == 2 else {}
    mean = np.asarray(an_encoder(said).buffers["w_mean"])
    save_torch(path, {"state_dict": state, "latent_avg": mean, "opts": opts})
    return path


@every
def test_encoders_come_back_bit_for_bit(said, tmp_path):
    path = a_file(said, tmp_path / "e.pt")
    back = load(path, part="E")
    assert (back.name, back.config, back.module) == (
        an_encoder(said).name,
        an_encoder(said).config,
        an_encoder(said).module,
    )
    same(back, an_encoder(said))
    assert from_psp.encoder_type(back) == said


def test_the_decoder_is_the_generator_and_codes_start_from_its_mean(tmp_path):
    path = a_file("GradualStyleEncoder", tmp_path / "e.pt")
    for part in ("G", "G_ema", None):
        g = load(path, part=part)
        same(g.replace(buffers={}), a_generator(resolution=8).replace(buffers={}))
        np.testing.assert_array_equal(
            g.buffers["spread"]["w_mean"], an_encoder("GradualStyleEncoder").buffers["w_mean"][0]
        )


def test_names_are_those_of_the_published_classes():
    names = set(from_psp.state_dict(an_encoder("GradualStyleEncoder")))
    expected = {
        *("input_layer.0.weight", "input_layer.1.running_var", "input_layer.2.weight"),
        *("body.1.shortcut_layer.0.weight", "body.1.shortcut_layer.1.running_mean"),
        *("body.0.res_layer.0.weight", "body.0.res_layer.1.weight", "body.0.res_layer.2.weight"),
        *("body.4.res_layer.3.weight", "body.4.res_layer.4.bias"),
        *("body.2.res_layer.5.fc1.weight", "body.2.res_layer.5.fc2.weight"),
        *("styles.0.convs.0.weight", "styles.0.convs.6.bias", "styles.3.linear.weight"),
        *("latlayer1.weight", "latlayer2.bias"),
    }
    assert expected <= names and "body.0.shortcut_layer.0.weight" not in names
    resnet = set(from_psp.state_dict(an_encoder("ResNetBackboneEncoder")))
    assert {"conv1.weight", "bn1.weight", "relu.weight", "body.1.downsample.0.weight"} <= resnet
    assert {"body.4.conv2.weight", "body.2.bn2.running_var"} <= resnet and "body.0.downsample.0.weight" not in resnet


def test_every_name_that_has_no_place_is_reported(tmp_path):
    changes = {
        "encoder.latlayer1.weight": None,
        "encoder.latlayer3.weight": np.zeros((2, 2, 1, 1), np.float32),
        "encoder.styles.0.linear.bias": np.zeros(9, np.float32),
    }
    with pytest.raises(UnreadableFile) as error:
        load(a_file("Encoder4Editing", tmp_path / "e.pt", **changes), part="E")
    said = str(error.value)
    assert re.search(r"missing: latlayer1\.weight; unknown: latlayer3\.weight; of another shape: styles\.0", said)
    assert "\n" not in said


def test_a_type_that_is_not_read_and_a_part_that_is_not_there_are_said(tmp_path):
    path = a_file("GradualStyleEncoder", tmp_path / "e.pt")
    with pytest.raises(UnreadableFile, match="no part 'D'; it has E, G"):
        load(path, part="D")
    state = {"encoder.styles.0.linear.weight": np.zeros((6, 6), np.float32)}
    save_torch(tmp_path / "w.pt", {"state_dict": state, "opts": {"encoder_type": "Single"}})
    with pytest.raises(UnreadableFile, match="of the type 'Single' in its options; read are GradualStyle"):
        load(tmp_path / "w.pt", part="E")


def test_arcface_reads_what_torch_flattens_channels_first(tmp_path):
    from jaxgan.features.embed import ArcFace

    tree = shapes(ArcFace())
    arrays = renamed(
        {n: jax.tree.map(lambda x: np.zeros(x.shape, np.float32), t) for n, t in tree.items()}, ARCFACE_NAMES
    )
    width = 512 * 49
    weight = np.broadcast_to(np.arange(width, dtype=np.float32), (512, width))
    assert arrays["output_layer.3.weight"].shape == (512, width)
    save_torch(tmp_path / "a.pth", arrays | {"output_layer.3.weight": weight})
    read = np.asarray(load_arcface(tmp_path / "a.pth").params["out"]["weight"])[:, 0].reshape(7, 7, 512)
    assert read[2, 3, 5] == 5 * 49 + 2 * 7 + 3
    with pytest.raises(UnreadableFile, match=r"missing: body\.0\.res_layer\.0\.weight"):
        arcface({n: a for n, a in arrays.items() if n != "body.0.res_layer.0.weight"})


def test_moco_takes_the_query_encoder_and_leaves_the_rest(tmp_path):
    from jaxgan.features.embed import MoCo
    from jaxgan.io.embedders import RESNET_NAMES

    tree = shapes(MoCo())
    arrays = renamed(
        {n: jax.tree.map(lambda x: np.ones(x.shape, np.float32), t) for n, t in tree.items()}, RESNET_NAMES
    )
    assert {"layer1.0.downsample.1.running_var", "layer4.2.conv3.weight"} <= set(arrays)
    state = {f"module.encoder_q.{name}": array for name, array in arrays.items()}
    state |= {f"module.encoder_k.{name}": 2 * array for name, array in list(arrays.items())[:3]}
    state |= {"module.encoder_q.fc.0.weight": np.ones((3, 3), np.float32), "module.queue": np.ones((3, 3), np.float32)}
    save_torch(tmp_path / "m.pt", {"epoch": 3, "state_dict": state})
    read = load_moco(tmp_path / "m.pt")
    assert all(np.all(leaf == 1) for leaf in jax.tree.leaves((read.params, read.buffers)))
