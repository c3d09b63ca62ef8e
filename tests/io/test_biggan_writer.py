"""BigGAN's layouts both ways: what is read from a file is written as that file holds it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.io import export, load, pickles, to_biggan
from jaxgan.io.names import below
from jaxgan.models import biggan, stylegan2

PUBLISHED_ONLY = ("num_batches_tracked",)  # names that torch adds and nothing reads


@pytest.mark.parametrize("name", ["biggan_32.pth", "biggan_deep_32.pth"])
@pytest.mark.parametrize("part", ["G", "D"])
def test_what_was_read_is_written_name_for_name_and_bit_for_bit(golden, tmp_path, name, part):
    to_biggan(load(golden(name), part), tmp_path / f"{part}.pth")
    theirs = below(pickles.read(golden(name)).value, part)
    ours = pickles.read(tmp_path / f"{part}.pth").value
    assert set(ours) == {key for key in theirs if not key.endswith(PUBLISHED_ONLY)}
    for key, array in ours.items():
        assert array.shape == theirs[key].shape, key
        np.testing.assert_array_equal(array, theirs[key], err_msg=key)


def test_generators_with_statistics_for_truncations_become_the_other_programs_file(tmp_path):
    sizes = dict(resolution=32, width=2, classes=3, shared_dim=4, attention=(16,), z_dim=6, deep=True, rgb_width=8)
    arch = biggan.arch(**sizes, statistics=3, stored=True, bn_eps=1e-4, sn_eps=1e-4)
    random = np.random.default_rng(0)
    empty = jax.eval_shape(arch.init, jax.random.key(0))
    there = jax.tree.map(lambda x: jnp.asarray(random.standard_normal(x.shape), jnp.float32), empty)
    export(there, tmp_path / "pytorch_model.bin")
    assert pickles.read(tmp_path / "pytorch_model.bin").value["generator.bn.running_means"].shape == (3, 8)
    back = load(tmp_path / "pytorch_model.bin")
    assert back.arch == arch
    jax.tree.map(np.testing.assert_array_equal, (back.params, back.buffers), (there.params, there.buffers))


def test_what_is_no_biggan_is_refused(tmp_path):
    g = stylegan2.arch(resolution=8, channel_max=2, z_dim=2, w_dim=2, mapping_layers=1).init(jax.random.key(0))
    with pytest.raises(ValueError, match="is no BigGAN"):
        export(g, tmp_path / "g.pth")
    with pytest.raises(ValueError, match="holds one network"):
        export(g, tmp_path / "g.pth", trained=g)
    with pytest.raises(ValueError, match=r"are \.pkl, \.pt, \.pth, \.bin"):
        export(g, tmp_path / "g.onnx")
    assert list(tmp_path.iterdir()) == []
