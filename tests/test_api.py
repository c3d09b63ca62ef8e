from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import api, editing
from jaxgan.directions import pca
from jaxgan.inversion import refine
from jaxgan.losses.reconstruct import pixel
from tests import planted, tolerances

KEY = jax.random.key(11)


@pytest.fixture(scope="module")
def g():
    return planted.style()


def test_generate_samples_by_key_and_clips(g, close):
    a, b = (api.generate(g, 3, key=KEY, psi=1.5) for _ in range(2))
    np.testing.assert_array_equal(a, b)
    assert a.shape == (3, 16, 16, 3) and jnp.abs(a).max() <= 1
    code = g.sample(KEY, 3)
    close(api.generate(g, code, psi=0.5), jnp.clip(g(code, psi=0.5), -1, 1), tolerances.OP)


def test_the_verbs_go_from_images_to_an_edited_image(g):
    images = api.generate(g, 2, key=KEY)
    found, info = api.invert(g, np.asarray(images), refine(pixel(), steps=50), KEY)
    assert np.asarray(info["loss"]).shape == (50, 2)
    d = api.discover(g, pca(samples=200), KEY, k=3)
    assert len(d) == 3
    code = api.edit(found.generator, found.code, editing.move(d[0], by=2.0))
    assert found.generator(code).shape == images.shape


def test_inversion_may_start_at_a_code(g, close):
    code = g.to(g.sample(KEY, 2), "w")
    images = jnp.clip(g(code), -1, 1)
    _, info = api.invert(g, images, refine(pixel(), steps=1), KEY, start=code)
    close(info["loss"][0], pixel()(g(code), images)[0], tolerances.NETWORK)


@pytest.mark.parametrize(
    "images,word",
    [
        (np.zeros((2, 32, 32, 3)), "draws"),
        (np.zeros((16, 16, 3)), r"images\[None\]"),
        (np.zeros((2, 3, 16, 16)), "channels first"),
        (np.zeros((2, 16, 16, 1)), "grey"),
        (np.zeros((2, 16, 16, 3), np.uint8), "127.5"),
        (np.full((2, 16, 16, 3), 200.0), "0 to 255"),
        (np.full((2, 16, 16, 3), -9.0), r"range is \[-1, 1\]"),
        (np.zeros((0, 16, 16, 3)), "empty"),
        (np.zeros(5), "shape"),
    ],
)
def test_images_that_do_not_fit_are_refused_with_a_hint(g, images, word):
    with pytest.raises(ValueError, match=word) as error:
        api.invert(g, images, refine(pixel(), steps=1), KEY)
    assert "\n" not in str(error.value)


def test_what_makes_no_sense_is_refused(g):
    with pytest.raises(ValueError, match="key="):
        api.generate(g, 2)
    with pytest.raises(ValueError, match="at least 1"):
        api.generate(g, 0, key=KEY)
    with pytest.raises(ValueError, match="at least 1"):
        api.discover(g, pca(samples=10), KEY, k=0)
    with pytest.raises(ValueError, match="carries its own"):
        api.generate(g, g.sample(KEY, 1), cond=jnp.ones(2))
    with pytest.raises(TypeError, match="gave ndarray"):
        api.edit(g, g.sample(KEY, 1), lambda g, code: np.ones(3))
    with pytest.raises(ValueError, match="2 codes for 3"):
        api.invert(g, np.zeros((3, 16, 16, 3)), refine(pixel(), steps=1), KEY, start=g.sample(KEY, 2))


@pytest.mark.parametrize("by", ["fid", "kid"])
def test_judge_prefers_a_generator_that_knows_the_data(by):
    data = np.asarray(planted.style(3)(planted.style(3).sample(jax.random.key(9), 64)))

    @dataclass(frozen=True)
    class Recipe:
        batch: int

        def reals(self, batch):
            for at in range(1000):
                yield {"image": np.clip(data[np.arange(at * batch, (at + 1) * batch) % 64], -1, 1)}

    judge = api.frechet_judge(Recipe(batch=8), images=64, batch=32, by=by)
    knowing, other = judge(planted.style(3)), judge(planted.style(4))
    assert knowing == judge(planted.style(3))
    assert knowing < 0.5 * other


def test_train_hands_the_run_the_files_it_needs(monkeypatch, tmp_path):
    seen = {}
    monkeypatch.setattr(
        api, "run", lambda recipe, folder, files, **more: seen.update(files=files, folder=folder, **more)
    )
    api.train("recipe", tmp_path, resume="x.pkl", samples=4)
    assert seen["resume"] == "x.pkl" and seen["samples"] == 4 and seen["folder"] == tmp_path
    g = planted.style()
    seen["files"].save(g, tmp_path / "g.safetensors")
    assert seen["files"].load(tmp_path / "g.safetensors", part="G_ema").arch == g.arch
    seen["files"].save_grid(tmp_path / "grid.png", np.zeros((4, 8, 8, 3)), 2)
    assert (tmp_path / "grid.png").exists()
