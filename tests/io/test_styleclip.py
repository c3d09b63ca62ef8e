import pickle

import jax
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.core import fingerprint
from jaxgan.directions.stylespace import eligible, flat
from jaxgan.io import UnreadableFile, load_styleclip
from jaxgan.latents import stats
from tests import planted

KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def g():
    return planted.style(resolution=8, channel_base=64, channel_max=8)


def files(tmp_path, g, rows=None, widths=None, value=None):
    """The files of effects that are random where a channel is no toRGB's."""
    mean, sigma = stats.channels(g, KEY, "s", 200)
    rng = np.random.default_rng(0)
    layers = lambda v: [np.asarray(x, np.float32)[:w] for x, w in zip(v, widths or [len(x) for x in v])]
    held = rng.normal(size=(int(eligible(g, False).sum()), 5)).astype(np.float32)
    np.save(tmp_path / "fs3.npy", held[:rows])
    (tmp_path / "S_mean_std").write_bytes(pickle.dumps(value or [layers(mean), layers(sigma)]))
    return held, np.asarray(flat(sigma)), (tmp_path / "fs3.npy", tmp_path / "S_mean_std")


def test_effects_find_their_channels_and_colours_have_none(g, tmp_path):
    held, sigma, paths = files(tmp_path, g)
    found = load_styleclip(*paths, g)
    allowed = eligible(g, False)
    np.testing.assert_array_equal(np.asarray(found.vectors)[allowed], held)
    assert np.all(np.asarray(found.vectors)[~allowed] == 0) and dict(found.meta)["generator"] == fingerprint(g)
    np.testing.assert_allclose(found.sigma, sigma, rtol=1e-6)
    layers = [s[0] for s in g.arch.shape("s")]
    part = load_styleclip(*files(tmp_path, g, rows=layers[0])[2], g)
    np.testing.assert_array_equal(np.asarray(part.vectors)[: layers[0]], held[: layers[0]])
    assert np.all(np.asarray(part.vectors)[layers[0] :] == 0)


def test_files_of_another_generator_and_files_that_are_none_are_refused(g, tmp_path):
    with pytest.raises(ValueError, match="no first layers"):
        load_styleclip(*files(tmp_path, g, rows=3)[2], g)
    with pytest.raises(ValueError, match=r"layers of 8, 7, .* this one has 8, 8"):
        load_styleclip(*files(tmp_path, g, widths=[8, 7, 8, 8, 8])[2], g)
    with pytest.raises(UnreadableFile, match="no pair of lists"):
        load_styleclip(*files(tmp_path, g, value={"a": 1})[2], g)
    held, _, (path, statistics) = files(tmp_path, g)
    np.save(path, held[0])
    with pytest.raises(UnreadableFile, match="no array"):
        load_styleclip(path, statistics, g)
    with pytest.raises(ValueError, match="planted offers z"):
        load_styleclip(path, statistics, planted.linear(np.ones((4, 4))))
    assert jg.io.load_styleclip is load_styleclip
