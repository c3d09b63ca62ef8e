"""bryandlee's EigenGAN, through `load`, computes what its code computes; its coordinates are directions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.core import Code
from jaxgan.io import load
from jaxgan.io.pickles import read
from jaxgan.io.records import UnreadableFile
from tests.tolerances import NETWORK, OP


@pytest.fixture(scope="module")
def case(golden):
    with np.load(golden("eigengan_32.npz")) as arrays:
        return load(golden("eigengan_32.pth")), dict(arrays)


def test_images_agree_with_the_reference(case, close):
    g, arrays = case
    n = len(arrays["latent0"])
    z = np.concatenate([arrays["latent0"], arrays["latent1"].reshape(n, -1)], axis=1)
    close(g(Code(z, "z")), arrays["image"].transpose(0, 2, 3, 1), NETWORK, "image")


def test_sizes_are_those_of_the_arrays(case):
    g, _ = case
    config = dict(g.arch.config)
    assert (config["z_dim"], config["basis"], g.resolution) == (24, 4, 32)
    assert [a.name for a in g.arch.axes] == [f"b{r}_{k}" for r in (4, 8, 16) for k in range(4)]


def test_every_subspace_coordinate_is_a_native_direction(case, close):
    g, arrays = case
    found = jg.discover(g, jg.directions.native(), jax.random.key(0), k=12)
    code = Code(jnp.concatenate([arrays["latent0"], arrays["latent1"].reshape(3, -1)], 1), "z")
    moved = jg.edit(g, code, jg.editing.move(found["b8_2"], by=2.0))
    difference = (moved.value - code.value) / found["b8_2"].scales
    assert np.abs(difference - 2.0 * np.eye(36)[24 + 4 + 2]).max() < OP
    close(found.scales, np.ones(12), 0.05)
    assert np.abs(g(moved) - g(code)).max() > 1e-3


def test_a_missing_array_is_named(golden):
    from jaxgan.io import from_eigengan

    value = dict(read(golden("eigengan_32.pth")).value)
    del value["G.blocks.1.projection.mu"]
    with pytest.raises(UnreadableFile, match=r"missing: blocks\.1\.projection\.mu"):
        from_eigengan.read(value, None)


def test_the_discriminator_is_read_in_torchs_layout(close):
    """Beside a forward pass in torch's layout, written with the arrays by their names in the file."""
    from jaxgan.io import from_eigengan

    rng, arrays = np.random.default_rng(0), {}

    def layer(name, *shape):
        arrays[f"{name}.weight"] = rng.normal(0, 1.6 / np.sqrt(np.prod(shape[1:])), shape).astype(np.float32)
        arrays[f"{name}.bias"] = rng.normal(0, 0.1, shape[0]).astype(np.float32)

    chain = [(3, 4, 7, 1), (4, 4, 3, 1), (4, 6, 3, 2), (6, 6, 3, 1), (6, 6, 3, 2), (6, 6, 3, 1)]
    for i, (into, out, kernel, _) in enumerate(chain):
        layer(f"blocks.{i}.0", out, into, kernel, kernel)
    layer("classifier.0", 6, 96)
    layer("classifier.2", 1, 6)
    x = rng.normal(size=(2, 3, 16, 16)).astype(np.float32)
    h, lrelu = jnp.asarray(x), lambda v: jnp.where(v > 0, v, 0.2 * v)
    for i, (_, _, kernel, stride) in enumerate(chain):
        pads = ((kernel // 2, kernel // 2),) * 2
        h = jax.lax.conv_general_dilated(h, arrays[f"blocks.{i}.0.weight"], (stride, stride), pads)
        h = lrelu(h + arrays[f"blocks.{i}.0.bias"][:, None, None])
    h = lrelu(h.reshape(2, -1) @ arrays["classifier.0.weight"].T + arrays["classifier.0.bias"])
    expected = h @ arrays["classifier.2.weight"].T + arrays["classifier.2.bias"]
    assert np.abs(expected[0] - expected[1]).max() > 0.05
    value = {"d": arrays, "g_ema": {"blocks.0.projection.U": np.zeros((2, 4))}, "step": 7}
    assert from_eigengan.recognise(value)
    close(from_eigengan.read(value, "D")(x.transpose(0, 2, 3, 1)), expected, OP)
