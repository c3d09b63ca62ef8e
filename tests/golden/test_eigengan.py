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
