"""TensorFlow pickles of PGGAN and the first StyleGAN, made of the golden files' arrays, draw the golden images."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.io import UnreadableFile, load, pickles
from jaxgan.io.from_growing_tf import to_ours
from jaxgan.io.names import below
from jaxgan.models import pggan, stylegan1
from jaxgan.ops.resample import conv_up2

LAYERS = ("Conv0_up", "Conv1")


def turned(array):
    """torch's layout to TensorFlow's."""
    return array.transpose(2, 3, 1, 0) if array.ndim == 4 else array.T


def generator(arrays, network, **arguments):
    mapping: dict[str, Any] = {
        f"Dense{i}/{k}": turned(arrays[f"mapping.dense{i}.{k}"]) for i in range(8) for k in ("weight", "bias")
    }
    synthesis: dict[str, Any] = {"lod": 0.0}
    outputs = sum(name.endswith(".weight") and ".output" in name for name in arrays)
    for i in range(2 * outputs):
        r, own = 4 << i // 2, f"synthesis.layer{i}."
        name = f"{r}x{r}/{('Const', 'Conv')[i] if r == 4 else LAYERS[i % 2]}"
        if i == 0:
            synthesis[f"{name}/const"] = arrays[own + "const"]
        else:
            synthesis[f"{name}/weight"] = turned(arrays[own + "weight"])
        synthesis[f"{name}/bias"] = arrays[own + "bias"]
        synthesis[f"{name}/Noise/weight"] = arrays[own + "apply_noise.weight"]
        synthesis[f"noise{i}"] = arrays[own + "apply_noise.noise"]
        for k in ("weight", "bias"):
            synthesis[f"{name}/StyleMod/{k}"] = turned(arrays[own + f"style.{k}"])
    for i in range(outputs):
        for k in ("weight", "bias"):
            synthesis[f"ToRGB_lod{outputs - 1 - i}/{k}"] = turned(arrays[f"synthesis.output{i}.{k}"])
    parts = {"synthesis": network(synthesis, version=3), "mapping": network(mapping, version=3)}
    mean = arrays["truncation.w_avg"]
    return network({"lod": 0.0, "dlatent_avg": mean}, parts, "G_style", 3, **arguments)


def discriminator(arrays, network, down="Conv1_down", function="D_basic", version=3, **arguments):
    inputs = sum(name.startswith("input") and name.endswith("weight") for name in arrays)
    there: dict[str, Any] = {"lod": 0.0}
    for i in range(inputs):
        for k in ("weight", "bias"):
            there[f"FromRGB_lod{i}/{k}"] = turned(arrays[f"input{i}.{k}"])
    names = [f"{4 << i}x{4 << i}/{kind}" for i in range(inputs - 1, 0, -1) for kind in ("Conv0", down)]
    for i, name in enumerate([*names, "4x4/Conv", "4x4/Dense0", "4x4/Dense1"]):
        for k in ("weight", "bias"):
            there[f"{name}/{k}"] = turned(arrays[f"layer{i}.{k}"])
    return network(there, (), function, version, **arguments)


@pytest.fixture
def file(golden, network, written):
    arrays = pickles.read(golden("stylegan_32.pth")).value
    g = generator(below(arrays, "G"), network, truncation_psi=0.7, fused_scale="auto", structure="auto")
    return written(g, discriminator(below(arrays, "D"), network, mbstd_group_size=4, label_size=0), g)


def test_golden_images_and_scores_come_from_the_tensorflow_layout_too(file, golden):
    case = np.load(golden("stylegan_32.npz"))
    g, d = load(file), load(file, part="D")
    images = np.asarray(g(g.sample(jax.random.key(0), len(case["z"])).replace(value=jnp.asarray(case["z"]))))
    expected = case["image"].transpose(0, 2, 3, 1)
    assert np.abs(images - expected).max() <= 2e-4 * max(1, np.abs(expected).max())
    scores = np.asarray(d(jnp.asarray(case["image_in"].transpose(0, 2, 3, 1))))
    assert np.abs(scores - case["logits"]).max() <= 2e-4 * max(1, np.abs(case["logits"]).max())


@pytest.mark.parametrize("resolution", [64, 128])
def test_upward_convolutions_are_the_codes_own(resolution):
    """Below 128 pixels: repeat, then correlate. From 128 on: scatter the sum of four shifted kernels by two."""
    random = np.random.default_rng(0)
    weight, x = random.standard_normal((3, 3, 4, 5)).astype(np.float32), random.standard_normal((2, 6, 6, 4))
    expected = np.zeros((2, 12, 12, 5))
    if resolution < 128:
        padded = np.pad(x.repeat(2, 1).repeat(2, 2), ((0, 0), (1, 1), (1, 1), (0, 0)))
        for a in range(3):
            for b in range(3):
                expected += padded[:, a : a + 12, b : b + 12] @ weight[a, b]
    else:
        kernel = np.pad(weight, ((1, 1), (1, 1), (0, 0), (0, 0)))
        kernel = kernel[1:, 1:] + kernel[:-1, 1:] + kernel[1:, :-1] + kernel[:-1, :-1]  # [4, 4, I, O]
        spread = np.zeros((2, 14, 14, 5))
        for a in range(4):
            for b in range(4):
                spread[:, a : a + 12 : 2, b : b + 12 : 2] += x @ kernel[a, b]
        expected = spread[:, 1:13, 1:13]
    ours = to_ours(f"params/synthesis/b{resolution}/conv0/weight", weight)
    result = conv_up2(jnp.asarray(x, jnp.float32), jnp.asarray(ours), (1.0, 1.0))
    np.testing.assert_allclose(result, expected, atol=1e-5 * np.abs(expected).max())


def test_conditions_and_unfinished_growth_are_read(golden, network, written):
    arrays = pickles.read(golden("stylegan_32.pth")).value
    g = generator(below(arrays, "G"), network)
    z_dim = g.components["mapping"].variables[0][1].shape[0] // 2
    own = dict(g.components["mapping"].variables)
    g.components["mapping"].variables = [("LabelConcat/weight", np.ones((3, z_dim), np.float32)), *own.items()]
    g.variables = [("lod", np.float32(1.25)), *g.variables[1:]]
    back = load(written(g))
    assert back.arch.name == stylegan1.NAME and (back.arch.classes, back.arch.shape("z")) == (3, (z_dim,))
    assert dict(back.arch.config)["lod"] == 1 and float(back.buffers["synthesis"]["fade"]) == 0.25
    d = discriminator(below(arrays, "D"), network)
    d.variables = [(n, np.repeat(a, 3, -1) if n.startswith("4x4/Dense1") else a) for n, a in d.variables]
    assert load(written(g, d, g), part="D").module.classes == 3


def test_other_kinds_of_stylegan_are_refused_by_their_argument(golden, network, written):
    arrays = below(pickles.read(golden("stylegan_32.pth")).value, "G")
    for name, value in (("use_pixel_norm", True), ("fused_scale", False), ("blur_filter", None), ("use_noise", [1])):
        with pytest.raises(UnreadableFile, match=f"another {name} than"):
            load(written(generator(arrays, network, **{name: value})))


def pggan_generator(arrays, network, fused, **arguments):
    there: dict[str, Any] = {"lod": 0.0}
    outputs = sum(name.startswith("output") and name.endswith("weight") for name in arrays)
    for i in range(outputs):
        for k in ("weight", "bias"):
            there[f"ToRGB_lod{outputs - 1 - i}/{k}"] = turned(arrays[f"output{i}.{k}"])
    for i in range(2 * outputs):
        r, weight = 4 << i // 2, arrays[f"layer{i}.weight"]
        if i == 0:  # a convolution of one padded pixel there, a matrix here
            name, own = "4x4/Dense", weight.transpose(1, 0, 2, 3)[..., ::-1, ::-1].reshape(weight.shape[1], -1)
        elif i % 2 or not fused:
            name, own = f"{r}x{r}/{'Conv' if r == 4 else f'Conv{i % 2}'}", turned(weight)
        else:
            name, own = f"{r}x{r}/Conv0_up", turned(weight)[::-1, ::-1].transpose(0, 1, 3, 2)
        there |= {f"{name}/weight": own, f"{name}/bias": arrays[f"layer{i}.bias"]}
    return network(there, (), "networks.G_paper", 2, **arguments)


@pytest.mark.parametrize("fused", [False, True])
def test_golden_pggan_images_come_from_the_tensorflow_layout_too(golden, network, written, fused):
    arrays, case = pickles.read(golden("pggan_32.pth")).value, np.load(golden("pggan_32.npz"))
    g = pggan_generator(below(arrays, "G"), network, fused, fused_scale=fused, label_size=0)
    d = discriminator(below(arrays, "D"), network, "Conv1_down" if fused else "Conv1", "networks.D_paper", 2)
    file = written(g, d, g)
    back, judge = load(file), load(file, part="D")
    assert back.arch.name == pggan.NAME and judge.module.fused == fused
    code = back.sample(jax.random.key(0), len(case["z"])).replace(value=jnp.asarray(case["z"]))
    expected = case["image"].transpose(0, 2, 3, 1)
    assert np.abs(np.asarray(back(code)) - expected).max() <= 2e-4 * max(1, np.abs(expected).max())
    if not fused:
        scores = np.asarray(judge(jnp.asarray(case["image_in"].transpose(0, 2, 3, 1))))
        assert np.abs(scores - case["logits"]).max() <= 2e-4 * max(1, np.abs(case["logits"]).max())
    assert load(written(d)).name == "pggan.discriminator"
    with pytest.raises(UnreadableFile, match="conditional PGGAN"):
        load(written(pggan_generator(below(arrays, "G"), network, fused, label_size=3)))
