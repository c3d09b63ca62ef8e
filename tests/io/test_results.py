"""A result file draws the same picture bit for bit, and another generator is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.io.results import load_codes, save_codes
from tests.planted import style

KEY = jax.random.key(3)


@pytest.fixture(scope="module")
def g():
    return style(0, resolution=8, channel_base=64, channel_max=8)


@pytest.mark.parametrize("space", ["w+", "s"])
def test_codes_come_back_with_all_that_it_takes_to_draw_them(g, space, tmp_path):
    code = g.to(g.sample(KEY, 3), space)
    noise = {"b8_conv0": jax.random.normal(KEY, (3, 8, 8, 1))}
    code = code.replace(noise=noise)
    loss = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    images = [{"image": f"{i}.png", "size": [9, 8], "mode": "RGB", "box": [0, 0, 8, 8]} for i in range(3)]
    save_codes(code, tmp_path / "c.safetensors", g, noise="none", images=images, loss=loss, meta={"steps": 5})
    jg.save(g, tmp_path / "g.safetensors")
    again = jg.load(tmp_path / "g.safetensors")
    found = load_codes(tmp_path / "c.safetensors", again)
    np.testing.assert_array_equal(
        jg.generate(again, found.code, **found.render), jg.generate(g, code, psi=None, noise="none")
    )
    jax.tree.map(np.testing.assert_array_equal, jg.load(tmp_path / "c.safetensors"), code)
    np.testing.assert_array_equal(found.loss, loss)
    assert list(found.images) == images and found.meta == {"steps": 5}
    assert found.generator["family"] == "stylegan2" and found.generator["resolution"] == 8


def test_another_generator_is_refused_in_one_line(g, tmp_path):
    save_codes(g.sample(KEY, 1), tmp_path / "c.safetensors", g)
    path = ("synthesis", "b4", "const")
    other = jax.tree_util.tree_map_with_path(
        lambda p, x: x.at[0, 0, 0].add(1e-6) if tuple(k.key for k in p) == path else x, g.params
    )
    with pytest.raises(ValueError, match="found with another generator") as error:
        load_codes(tmp_path / "c.safetensors", g.replace(params=other))
    assert "\n" not in str(error.value)
    assert load_codes(tmp_path / "c.safetensors").code.space == "z"


def test_codes_that_name_no_generator_are_taken(g, tmp_path):
    jg.save(g.sample(KEY, 2), tmp_path / "c.safetensors")
    found = load_codes(tmp_path / "c.safetensors", g)
    assert len(found.code) == 2 and found.loss is None and not found.render and not found.images


def test_a_file_of_something_else_is_refused(g, tmp_path):
    jg.save(g, tmp_path / "g.safetensors")
    with pytest.raises(jg.io.UnreadableFile, match="holds a Generator, needed are codes"):
        load_codes(tmp_path / "g.safetensors", g)


def test_the_default_way_of_drawing_is_that_of_generate(g, tmp_path):
    code = g.to(g.sample(KEY, 2), "w")
    save_codes(code, tmp_path / "c.safetensors", g)
    found = load_codes(tmp_path / "c.safetensors", g)
    drawn = jg.generate(g, found.code, **found.render)
    np.testing.assert_array_equal(drawn, jnp.clip(g(code), -1, 1))
