"""What is saved comes back bit for bit, by what the file holds; what does not fit is answered in one line."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.core import Code, Directions, fingerprint
from jaxgan.core.network import initialise
from jaxgan.io import UnreadableFile, describe, files, load, save, weights
from jaxgan.io.names import shapes
from jaxgan.models import gan, stylegan2

SMALL = {"resolution": 8, "z_dim": 6, "w_dim": 5, "channel_base": 32, "channel_max": 4, "mapping_layers": 2}


@pytest.fixture(scope="module")
def generator():
    arch = stylegan2.arch(**SMALL, classes=3, conv_clamp=256.0, resample_filter=(1, 2, 1, 0))
    template = jax.eval_shape(arch.init, jax.random.key(0))
    random = np.random.default_rng(0)
    return jax.tree.map(lambda x: jnp.asarray(random.standard_normal(x.shape), jnp.float32), template)


@pytest.fixture(scope="module")
def discriminator():
    config = {"resolution": 8, "channel_base": 32, "channel_max": 4, "classes": 3, "mapping_layers": 1}
    module = stylegan2.discriminator(**config)
    name, config = "stylegan2.discriminator", tuple(sorted(config.items()))
    return initialise(module, jax.random.key(1), jnp.zeros((2, 8, 8, 3)), jnp.zeros((2, 3)), name=name, config=config)


def same(a, b):
    """Assert that two trees are equal in structure, type and every bit."""
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        assert x.dtype == y.dtype
        assert np.asarray(x).tobytes() == np.asarray(y).tobytes()


def test_a_generator_comes_back_bit_for_bit(tmp_path, generator):
    save(generator, tmp_path / "g.safetensors", {"trained": "by a test"})
    back = load(tmp_path / "g.safetensors")
    same(back, generator)
    assert back.arch == generator.arch and hash(back.arch) == hash(generator.arch)
    assert fingerprint(back) == fingerprint(generator)
    header = describe(tmp_path / "g.safetensors")
    assert header["meta"] == {"trained": "by a test"} and header["fingerprint"] == fingerprint(generator)
    assert load(tmp_path / "g.safetensors", part="G_ema").arch == generator.arch


def test_bfloat16_parameters_stay_bfloat16(tmp_path, generator):
    half = jax.tree.map(lambda x: x.astype(jnp.bfloat16), generator)
    save(half, tmp_path / "g.safetensors")
    same(load(tmp_path / "g.safetensors"), half)


def test_a_discriminator_comes_back_and_scores_alike(tmp_path, discriminator):
    save(discriminator, tmp_path / "d.safetensors")
    back = load(tmp_path / "d.safetensors", part="D")
    same(back, discriminator)
    images, cond = jax.random.normal(jax.random.key(2), (4, 8, 8, 3)), jnp.eye(3)[jnp.array([0, 1, 2, 0])]
    np.testing.assert_array_equal(back(images, cond), discriminator(images, cond))


def test_networks_in_other_roles_come_back_by_their_part(tmp_path):
    config = {"resolution": 4, "z_dim": 3, "hidden": (5,), "spread": True}
    made = gan.encoder(**config)
    images = jax.random.normal(jax.random.key(1), (2, 4, 4, 1))
    encoder = initialise(made, jax.random.key(0), images, name="gan.encoder", config=tuple(sorted(config.items())))
    save(encoder, tmp_path / "e.safetensors")
    back = load(tmp_path / "e.safetensors", part="E")
    same(back, encoder)
    jax.tree.map(np.testing.assert_array_equal, back(images), encoder(images))
    with pytest.raises(ValueError, match="no part 'D'; the file is of kind encoder"):
        load(tmp_path / "e.safetensors", part="D")
    with pytest.raises(ValueError, match=r"'stylegan2\.encoder' cannot be saved"):
        save(encoder.replace(name="stylegan2.encoder"), tmp_path / "x.safetensors")
    with pytest.raises(UnreadableFile, match="in the role of a 'spy'; known are discriminator, encoder"):
        load(edited(tmp_path / "e.safetensors", role="spy"))


def test_modules_that_take_something_else_than_images_say_what(tmp_path):
    class OfCodes(nn.Module):
        @nn.compact
        def __call__(self, w):
            return nn.Dense(2)(w)

        def inputs(self):
            return ((1, 7),)

    assert shapes(OfCodes())["params"]["Dense_0"]["kernel"].shape == (7, 2)


@pytest.mark.parametrize("layers", [None, (0, 2)])
def test_directions_come_back_with_their_names_and_origin(tmp_path, layers):
    vectors = jax.random.normal(jax.random.key(0), (2, 5))
    meta = (("method", "pca"), ("seed", 0))
    directions = Directions(vectors, jnp.array([1.0, 0.5]), "w", layers, ("age", "größe"), meta)
    save(directions, tmp_path / "d.safetensors")
    back = load(tmp_path / "d.safetensors")
    same(back, directions)
    assert back == directions.replace(vectors=back.vectors, scales=back.scales)


def test_directions_of_style_space_keep_their_layers_apart(tmp_path):
    vectors = tuple(jnp.full((3, n), n, jnp.float32) for n in range(1, 13))
    save(Directions(vectors, jnp.ones(3), "s"), tmp_path / "d.safetensors")
    same(load(tmp_path / "d.safetensors"), Directions(vectors, jnp.ones(3), "s"))


def test_codes_come_back_with_condition_noise_and_features(tmp_path, generator):
    code = generator.sample(jax.random.key(0), 3)
    for each in (
        code,
        generator.to(code, "s"),
        generator.to(code, "w+").replace(noise={"b8_conv0": jnp.ones((1, 8, 8, 1))}),
        code.replace(features={"b4": jnp.ones((3, 4, 4, 2)), "b8": jnp.zeros((1, 8, 8, 2))}),
        Code(jnp.ones((2, 5)), "w"),
    ):
        save(each, tmp_path / "c.safetensors")
        same(load(tmp_path / "c.safetensors"), each)


def test_a_saved_code_draws_the_same_image(tmp_path, generator):
    code = generator.sample(jax.random.key(0), 2)
    save(code, tmp_path / "c.safetensors")
    save(generator, tmp_path / "g.safetensors")
    images = load(tmp_path / "g.safetensors")(load(tmp_path / "c.safetensors"))
    np.testing.assert_array_equal(images, generator(code))


def edited(path, **changes):
    """Rewrite a file with another header."""
    weights.save_arrays(path, weights.load_arrays(path), {**weights.read_header(path), **changes})
    return path


def test_headers_that_do_not_fit_are_answered_in_one_line(tmp_path, generator):
    path = tmp_path / "g.safetensors"
    for changes, words in (
        ({"kind": "spaceship"}, "holds a 'spaceship'"),
        ({"kind": ["generator"]}, "holds a"),
        ({"family": "gan9"}, "known are"),
        ({"family": {}}, "known are"),
        ({"config": {**SMALL, "chanel_base": 3}}, "did you mean 'channel_base'"),
        ({"config": {**SMALL, "zzz": 3}}, "allowed are resolution"),
        ({"config": {**SMALL, "resolution": 7}}, "not valid"),
        ({"config": {**SMALL, "resolution": "big"}}, "not valid"),
        ({"config": {**SMALL, "mapping_layers": 10**9}}, "mapping_layers = 1000000000"),
        ({"config": {**SMALL, "mapping_layers": [1, [10**9]]}}, "mapping_layers = 1000000000"),
        ({"config": [1]}, "no configuration"),
        ({"config": {**SMALL, "mapping_layers": 3, "classes": 3}}, "misses params/mapping/fc2"),
        ({"config": {**SMALL, "mapping_layers": 1, "classes": 3}}, "has the unknown params/mapping/fc1"),
        ({"config": {**SMALL, "classes": 3, "channel_max": 3}}, "instead of"),
    ):
        save(generator, path)
        with pytest.raises(UnreadableFile, match="g.safetensors") as caught:  # noqa: RUF043
            load(edited(path, **changes))
        assert words in str(caught.value) and "\n" not in str(caught.value)
    save(Code(jnp.ones((1, 5)), "w"), path)
    with pytest.raises(UnreadableFile, match="without a value or a space"):
        load(edited(path, space=None))
    save(Directions(jnp.ones((1, 5)), jnp.ones(1), "w"), path)
    with pytest.raises(UnreadableFile, match="malformed"):
        load(edited(path, layers=[None]))


def test_a_header_nested_without_end_is_refused(tmp_path, generator):
    nested = []
    for _ in range(600):
        nested = [nested]
    save(generator, tmp_path / "g.safetensors")
    with pytest.raises(UnreadableFile, match="malformed"):
        load(edited(tmp_path / "g.safetensors", config={**SMALL, "channels": nested}))


def test_parts_that_are_not_there_are_named(tmp_path, generator, golden):
    save(generator, tmp_path / "g.safetensors")
    with pytest.raises(ValueError, match="no part 'D'; the file is of kind generator"):
        load(tmp_path / "g.safetensors", part="D")
    with pytest.raises(ValueError, match="no part 'E'; the file is of kind generator"):
        load(tmp_path / "g.safetensors", part="E")
    with pytest.raises(UnreadableFile, match="has no part 'E'; it has G_ema, G, D"):
        load(golden("stylegan2_uncond64.pkl"), part="E")


def test_state_dicts_that_are_not_read_yet_are_described(golden):
    with pytest.raises(
        UnreadableFile, match=r"state dict of positional_emb.* more: which is not read yet; read are NVIDIA"
    ):
        load(golden("clip_tiny.pth"))


def test_what_cannot_be_saved_is_named(tmp_path, discriminator):
    with pytest.raises(TypeError, match="a dict cannot be saved"):
        save({}, tmp_path / "x.safetensors")
    with pytest.raises(ValueError, match="'lpips' cannot be saved"):
        save(discriminator.replace(name="lpips"), tmp_path / "x.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_bundled_generators_are_found_by_name(tmp_path, monkeypatch, generator):
    (tmp_path / "bundled").mkdir()
    save(generator, tmp_path / "bundled" / "scenes64.safetensors")
    monkeypatch.setattr(files.resources, "files", lambda package: tmp_path)
    assert files.bundled() == ("scenes64",)
    same(load("scenes64"), generator)
    with pytest.raises(FileNotFoundError, match="did you mean scenes64"):
        load("scene64")
    with pytest.raises(FileNotFoundError, match="bundled are scenes64"):
        load("xyz")


def test_missing_files_and_folders_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        load(tmp_path / "none.pkl")
    with pytest.raises(UnreadableFile, match="folder"):
        load(tmp_path)
