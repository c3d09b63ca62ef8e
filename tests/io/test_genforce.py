"""genforce's state dicts: every form of file, and what does not fit is named."""

import jax
import numpy as np
import pytest

from jaxgan.core import Code
from jaxgan.io import from_genforce
from jaxgan.io.records import UnreadableFile

RNG = np.random.default_rng(0)
SIDES = (4, 8, 16)


def array(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def width(r, base=64, limit=8):
    return min(base // r, limit)


def drawing(z_dim=6, classes=0, fused=False):
    """A PGGAN generator as genforce names and shapes it."""
    found = {"lod": np.float32(0)}
    for k, r in enumerate(SIDES):
        inputs, size = (z_dim + classes, 4) if r == 4 else (width(r // 2), 3)
        shape = (inputs, width(r)) if fused and r > 4 else (width(r), inputs)
        found |= {f"layer{2 * k}.weight": array(*shape, size, size), f"layer{2 * k}.bias": array(width(r))}
        found |= {
            f"layer{2 * k + 1}.weight": array(width(r), width(r), 3, 3),
            f"layer{2 * k + 1}.bias": array(width(r)),
        }
        found |= {f"output{k}.weight": array(3, width(r), 1, 1), f"output{k}.bias": array(3)}
    return found


def judging(classes=0, statistics=1):
    """A PGGAN discriminator as genforce names and shapes it."""
    found = {"lod": np.float32(0)}
    for k, r in enumerate(reversed(SIDES)):
        found |= {f"input{k}.weight": array(width(r), 3, 1, 1), f"input{k}.bias": array(width(r))}
        inputs = width(r) + (statistics if r == 4 else 0)
        found |= {f"layer{2 * k}.weight": array(width(r), inputs, 3, 3), f"layer{2 * k}.bias": array(width(r))}
        out = width(r // 2)
        shape = (out, 16 * width(4)) if r == 4 else (out, width(r), 3, 3)
        found |= {f"layer{2 * k + 1}.weight": array(*shape), f"layer{2 * k + 1}.bias": array(out)}
    return found | {"layer6.weight": array(1 + classes, width(2)), "layer6.bias": array(1 + classes)}


def prefixed(part, arrays):
    return {f"{part}.{name}": value for name, value in arrays.items()}


def test_every_form_of_file_is_read_by_part():
    g, smooth, d = drawing(), drawing(), judging()
    first = lambda network: np.asarray(jax.tree.leaves(network.params)[0])
    bare = {name: first(from_genforce.read(value, None)) for name, value in (("g", g), ("smooth", smooth), ("d", d))}
    assert not np.array_equal(bare["g"], bare["smooth"])
    whole = {"generator": g, "generator_smooth": smooth, "discriminator": d, "step": 3}
    for value in (whole, {"models": whole, "optimizers": {}}):
        for part, name in ((None, "smooth"), ("G_ema", "smooth"), ("G", "g"), ("D", "d")):
            assert np.array_equal(first(from_genforce.read(value, part)), bare[name])
    pair = prefixed("G", g) | prefixed("D", d)
    assert np.array_equal(first(from_genforce.read(pair, "D")), bare["d"])
    with pytest.raises(UnreadableFile, match="has no part 'G_ema'; it has G, D"):
        from_genforce.read(pair, "G_ema")


def test_other_dicts_are_not_taken_for_genforces():
    for value in ({}, {"model": {"layer0.weight": array(2, 2)}}, [1], {"layer0.weight": array(2, 2)}, None):
        assert not from_genforce.recognise(value)


@pytest.mark.parametrize("fused", [False, True])
def test_a_fused_convolution_is_told_by_its_shape(fused):
    arrays = drawing(fused=fused)
    weight = arrays["layer4.weight"]  # between 8 and 4 channels, ordinary [O, I, k, k] or transposed [I, O, k, k]
    ours = np.asarray(from_genforce.read(arrays, None).params["synthesis"]["b16"]["conv0"]["weight"])
    assert np.array_equal(ours, weight.transpose(2, 3, 0, 1) if fused else weight.transpose(2, 3, 1, 0)[::-1, ::-1])


def test_classes_are_counted_by_the_discriminator():
    pair = prefixed("G", drawing(classes=3)) | prefixed("D", judging(classes=3, statistics=0))
    g, d = from_genforce.read(pair, "G"), from_genforce.read(pair, "D")
    assert g.arch.classes == d.module.classes == 3 and g.arch.shape("z") == (6,)
    assert d.module.mbstd_features == 0
    images = g(Code(array(4, 6), "z", np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]))
    assert d(images).shape == (4, 1)


def test_the_level_of_detail_is_read_with_its_fraction():
    g = from_genforce.read(drawing() | {"lod": np.float32(1.25)}, None)
    assert dict(g.arch.config)["lod"] == 1 and float(g.buffers["synthesis"]["fade"]) == 0.25
    with pytest.raises(UnreadableFile, match="its lod is 5; at 16 pixels it is 0 to 2"):
        from_genforce.read(drawing() | {"lod": np.float32(5)}, None)


def without(arrays, name):
    return {key: value for key, value in arrays.items() if key != name}


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        (without(drawing(), "output1.bias"), "missing: output1.bias"),
        (drawing() | {"extra.weight": array(2)}, "unknown: extra.weight"),
        (drawing() | {"layer2.bias": array(5)}, r"of another shape: layer2.bias \(5,\) instead of \(8,\)"),
        (without(drawing(), "layer3.weight"), "has no matrix 'layer3.weight'"),
        (drawing() | {"layer3.weight": array(7, 8, 3, 3)}, "which no channel_base and channel_max give"),
        (drawing() | {"layer0.weight": array(8, 6)}, "arrays of other shapes than pggan's"),
        (without(judging(), "layer6.weight"), "has no matrix 'layer6.weight'"),
    ],
)
def test_what_does_not_fit_is_named_in_one_line(arrays, said):
    with pytest.raises(UnreadableFile, match=said) as error:
        from_genforce.read(arrays, None)
    assert "\n" not in str(error.value)
