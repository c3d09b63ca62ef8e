"""Directions by text: what an embedder has planted in it is found, and what it has not is not made up."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.core import Affine, Arch, Generator, Network, Stage
from jaxgan.core.objective import term
from jaxgan.features.embedder import Pair, phrases, unit
from tests.tolerances import OP

WIDTHS, SIDE, E = (5, 6, 5), 4, 200
KEY = jax.random.key(0)
PLANTED = 7  # a channel of the second layer


class Styles(nn.Module):
    """z to channels of different spread, around 0.5."""

    def __call__(self, z, context):
        spread = 0.02 * (1 + jnp.arange(z.shape[1]) % 3)
        return tuple(jnp.split(0.5 + z * spread, np.cumsum(WIDTHS)[:-1], axis=1))


class Paint(nn.Module):
    """Every channel paints a pixel of its own."""

    def __call__(self, styles, context):
        return jnp.concatenate(styles, axis=1).reshape(-1, SIDE, SIDE, 1)


ARCH = Arch(
    name="painted",
    config=(),
    stages=(Stage("z", "s", Styles(name="style")), Stage("s", "x", Paint(name="draw"))),
    shapes=(("z", (SIDE**2,)), ("s", tuple((w,) for w in WIDTHS))),
    resolution=SIDE,
    channels=1,
    affines=tuple(Affine(f"l{i}", 0, ("style",), i == 2) for i in range(3)),
)
G = Generator({"style": {}, "draw": {}}, {"style": {}, "draw": {}}, ARCH)
SIGMA = 0.02 * (1 + np.arange(SIDE**2) % 3)
MATRIX = jax.random.normal(jax.random.key(1), (SIDE**2, E))


class Linear(nn.Module):
    @nn.compact
    def __call__(self, images):
        return images.reshape(len(images), -1) @ self.param("matrix", nn.initializers.zeros, (SIDE**2, E))


def reading(said):
    """An embedder that sees images by a random matrix and reads phrases as images."""
    grey = jnp.full(SIDE**2, 0.5)
    read = lambda texts: jnp.stack([(grey + said.get(text, 0.0)) @ MATRIX for text in texts])
    return Pair(Network({"matrix": MATRIX}, {}, Linear()), read)


EMBEDDER = reading(
    {
        "planted": jnp.zeros(SIDE**2).at[PLANTED].set(0.2),
        "two": jnp.zeros(SIDE**2).at[PLANTED].set(0.2).at[2].set(-0.1),
    }
)
HOW = dict(templates=("{}",), neutral="nothing")


@pytest.fixture(scope="module")
def effects():
    return jg.directions.channel_effects(G, EMBEDDER, KEY, images=6, samples=500, batch=16)


def test_effects_are_those_of_a_loop_over_channels_and_images(effects, close):
    again = jg.directions.channel_effects(G, EMBEDDER, KEY, images=6, samples=500, batch=200)
    close(again.vectors, effects.vectors, 0.05, "other codes, the same effects")
    mean, sigma = jg.latents.stats.channels(G, jax.random.split(KEY)[1], "s", 500)
    mean, sigma = np.concatenate(mean), np.concatenate(sigma)
    codes = np.concatenate(jg.latents.stats.draw(G, jax.random.fold_in(jax.random.split(KEY)[0], 0), 6, "s").value, 1)
    for c in (0, PLANTED):
        ends = []
        for sign in (5.0, -5.0):
            pixels = np.array(codes)
            pixels[:, c] = mean[c] + sign * sigma[c]
            seen = np.clip(pixels, -1, 1) @ np.asarray(MATRIX, np.float64)
            ends.append(seen / np.linalg.norm(seen, axis=1, keepdims=True))
        each = ends[0] - ends[1]
        each /= np.linalg.norm(each, axis=1, keepdims=True)
        expected = each.mean(0) / np.linalg.norm(each.mean(0))
        close(again.vectors[c], expected, 1e-4, f"channel {c}")
    assert not np.any(effects.vectors[WIDTHS[0] + WIDTHS[1] :]), "toRGB is left out"
    np.testing.assert_allclose(np.linalg.norm(effects.vectors[:11], axis=1), 1.0, rtol=OP)


def test_a_planted_channel_is_found_and_moves_by_its_own_sigma(effects):
    found = jg.discover(G, jg.directions.text(EMBEDDER, "planted", effects=effects, beta=0.6, **HOW), KEY)
    assert (found.space, found.names, len(found)) == ("s", ("planted",), 1)
    assert dict(found.meta)["channels"] == (1,)
    np.testing.assert_allclose(found.flat()[0], np.eye(SIDE**2)[PLANTED], atol=OP)
    code = G.to(G.sample(KEY, 2), "s")
    moved = jg.edit(G, code, jg.editing.move(found, by=3.0))
    change = np.concatenate(moved.value, 1) - np.concatenate(code.value, 1)
    np.testing.assert_allclose(change, 3.0 * SIGMA[PLANTED] * np.eye(SIDE**2)[[PLANTED] * 2], rtol=0.1, atol=OP)


def test_fewer_channels_are_relevant_as_beta_rises_and_at_last_none(effects):
    at = lambda beta: jg.directions.text(EMBEDDER, "two", effects=effects, beta=beta, **HOW)(G, KEY, 1)
    counts = [dict(at(beta).meta)["channels"][0] for beta in (0.0, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0)]
    assert counts == sorted(counts, reverse=True) and counts[0] == 11 and counts[-1] == 0 and 2 in counts
    none = at(1.0)
    code = G.to(G.sample(KEY, 2), "s")
    moved = jg.edit(G, code, jg.editing.move(none, by=5.0))
    assert np.array_equal(np.concatenate(moved.value, 1), np.concatenate(code.value, 1))
    strong = at(0.3)
    assert strong.flat()[0, PLANTED] > 0 > strong.flat()[0, 2]


def test_a_text_that_says_nothing_and_a_blind_embedder_give_zero_and_not_nan():
    same = jg.directions.text(EMBEDDER, "nothing", images=2, samples=50, beta=0.0, **HOW)(G, KEY, 1)
    assert not np.any(same.flat()) and not np.any(same.scales)
    blind = Pair(lambda images: jnp.ones((len(images), E)), EMBEDDER.text)
    dark = jg.directions.text(blind, "planted", images=2, samples=50, beta=0.0, **HOW)(G, KEY, 1)
    assert not np.any(dark.flat()) and dict(dark.meta)["channels"] == (0,)


def test_several_texts_are_several_directions_with_their_names(effects, tmp_path):
    finder = jg.directions.text(EMBEDDER, ("planted", "two"), effects=effects, beta=0.2, **HOW)
    found = finder(G, KEY, 10)
    assert found.names == ("planted", "two") and len(found["two"]) == 1 and len(finder(G, KEY, 1)) == 1
    jg.save(found, tmp_path / "found.safetensors")
    again = jg.load(tmp_path / "found.safetensors")
    assert np.array_equal(again.flat(), found.flat()) and again.names == found.names


def test_effects_are_kept_as_files_and_only_serve_their_own_generator(effects, tmp_path):
    jg.io.save_effects(effects, tmp_path / "effects.safetensors")
    again = jg.io.load_effects(tmp_path / "effects.safetensors")
    assert again.meta == effects.meta and np.array_equal(again.vectors, effects.vectors)
    assert np.array_equal(again.sigma, effects.sigma)
    other = Generator({"style": {}, "draw": {"x": jnp.ones(1)}}, G.buffers, ARCH)
    with pytest.raises(ValueError, match="of another generator"):
        jg.directions.text(EMBEDDER, "planted", effects=again)(other, KEY, 1)
    with pytest.raises(ValueError, match="holds a 'directions', no channel effects"):
        path = tmp_path / "d.safetensors"
        jg.save(jg.directions.text(EMBEDDER, "planted", effects=effects)(G, KEY, 1), path)
        jg.io.load_effects(path)


def test_progress_is_told_and_what_does_not_fit_is_named():
    told = []
    how = dict(images=2, samples=50, batch=8, progress=lambda done, of: told.append((done, of)))
    jg.directions.channel_effects(G, EMBEDDER, KEY, layers=[1], **how)
    assert told[-1] == (6, 6) and len(told) == 3
    with pytest.raises(ValueError, match=r"has layers 0 to 2 of s, got \[3\]"):
        jg.directions.channel_effects(G, EMBEDDER, KEY, layers=[3], images=2)
    with pytest.raises(ValueError, match="2 texts, 3 neutral ones"):
        jg.directions.text(EMBEDDER, ("a", "b"), neutral=("x", "y", "z"))
    with pytest.raises(ValueError, match=r"has no \{\} for the text"):
        phrases(EMBEDDER, "a face", ("a photo",))


def test_phrases_are_unit_means_over_templates(close):
    read = {"a x": jnp.array([3.0, 0.0]), "the x": jnp.array([0.0, 0.5])}
    pair = Pair(lambda images: images, lambda texts: jnp.stack([read[text] for text in texts]))
    close(phrases(pair, "x", ("a {}", "the {}")), np.full((1, 2), 0.5**0.5), OP)
    assert not np.any(unit(jnp.zeros((1, 3))))


def darken(images, target, code, generator, prepared):
    flat = images.reshape(len(images), -1)
    return flat[:, PLANTED] - 0.5 * flat[:, 2]


def test_stylemc_moves_the_channels_that_all_images_agree_on():
    random = lambda images, target, code, generator, prepared: (
        darken(images, target, code, generator, prepared)
        + (10 * (target[:, 0, 0, 0] - 0.5)) * images.reshape(len(images), -1)[:, 4]
    )
    finder = jg.directions.stylemc(term("planted", random), "dark", images=64, batch=4, lr=1.0, samples=500)
    found = finder(G, KEY, 1)
    moved = np.asarray(found.flat()[0])
    assert found.names == ("dark",) and dict(found.meta)["channels"] == 2
    np.testing.assert_allclose(moved[2] / moved[PLANTED], -0.5 * (SIGMA[2] / SIGMA[PLANTED]) ** 2, rtol=0.2)
    assert moved[PLANTED] < 0 and moved[4] == 0
    np.testing.assert_allclose(found.scales[0] * np.abs(moved[PLANTED]), SIGMA[PLANTED], rtol=0.1)
    still = jg.directions.stylemc(0.0 * term("planted", random), images=8, samples=50)(G, KEY, 1)
    assert not np.any(still.flat())
