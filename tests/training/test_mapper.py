"""The mapper of a text: it learns the text's change, the generator stays; it is an edit and a file."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.core import Network
from jaxgan.encoders import mapper
from jaxgan.features.embedder import Pair
from jaxgan.training import Adam, Ema, Files, Recipe, TextMapper, run
from tests.planted import style
from tests.tolerances import OP

KEY = jax.random.key(0)
MODEL = TextMapper("planted", "clip:planted:words", "red", resolution=8, levels=(1, 2), same=0.0, stay=0.1)


class Means(nn.Module):
    """The mean colour, and a coordinate that is always there."""

    @nn.compact
    def __call__(self, images):
        scale = self.param("scale", nn.initializers.ones, (3,))
        return jnp.concatenate([images.mean((1, 2)) * scale, 0.2 * jnp.ones((len(images), 1))], axis=1)


EMBEDDER = Pair(Network({"scale": jnp.ones(3)}, {}, Means()), lambda texts: jnp.array([[1.0, -1, -1, 0]] * len(texts)))
FROZEN = {"planted": style(resolution=8, channel_base=64, channel_max=8), "clip:planted:words": EMBEDDER}


@pytest.fixture(scope="module")
def trained():
    model = TextMapper(**{**MODEL.__dict__, "optimizer": "adam"})
    recipe = Recipe("scenes:8", model, batch=8, adam=Adam(3.0, 0.9, 0.99), ema=Ema(kimg=0.01))
    trainer = recipe.trainer(FROZEN.get)
    state, step, losses = trainer.init(KEY), jax.jit(trainer.step), {}
    begun = state
    for _ in range(40):
        state, metrics = step(state, {"image": jnp.zeros((8, 8, 8, 3))})
        losses[len(losses)] = metrics
    return trainer, begun, state, losses


def test_images_come_nearer_to_the_text_and_nothing_but_the_mapper_moves(trained):
    trainer, begun, state, losses = trained
    assert set(losses[0]) == {"M/loss", "M/text", "M/stay"}
    g, code = FROZEN["planted"], FROZEN["planted"].sample(jax.random.key(5), 16)
    asked = lambda code: float(jg.losses.text(EMBEDDER, "red")(g(code), g(code))[0].mean())
    after = lambda state: asked(jg.edit(g, code, jg.editing.mapper(trainer.model(state))))
    assert after(state) < asked(code) - 0.2 and after(state) < after(begun) - 0.2
    for name in ("G", "clip"):
        same = jax.tree.map(np.array_equal, begun.params[name], state.params[name])
        assert all(jax.tree.leaves(same))
    network = trainer.model(state)
    assert network.name == "mapper.mapper" and set(state.ema) == {"M"}
    assert trainer.show({"G": FROZEN["planted"], "M": network}, jnp.zeros((2, 8, 8, 3))).shape == (2, 8, 8, 3)


def test_a_trained_mapper_is_an_edit_and_a_file(trained, tmp_path, close):
    trainer, _, state, _ = trained
    g, network = FROZEN["planted"], trainer.model(state)
    code = g.sample(jax.random.key(5), 3)
    edited = jg.edit(g, code, jg.editing.mapper(network))
    wide = g.to(code, "w+").value
    close(edited.value, wide + 0.1 * network(wide), OP)
    jg.save(network, tmp_path / "mapper.safetensors")
    close(jg.load(tmp_path / "mapper.safetensors")(wide), network(wide), OP)
    with pytest.raises(ValueError, match="trained on another generator"):
        jg.edit(g, code, jg.editing.mapper(lambda codes: codes[:, :1]))


def test_a_level_that_is_left_out_changes_nothing_and_levels_do_not_mix():
    module = mapper.mapper(4, w_dim=6, levels=(1, 3), active=(True, False, True))
    codes = jax.random.normal(KEY, (2, 4, 6))
    params = module.init(KEY, codes)
    change = module.apply(params, codes)
    assert not np.any(change[:, 1:3]) and np.all(np.any(change[:, (0, 3)] != 0, axis=-1))
    other = module.apply(params, codes.at[:, 3].set(0.5))
    assert np.array_equal(other[:, 0], change[:, 0]) and not np.array_equal(other[:, 3], change[:, 3])
    with pytest.raises(ValueError, match="rising rows below 4"):
        mapper.mapper(4, levels=(2, 2))


def test_what_the_game_lacks_is_named():
    recipe = Recipe("scenes:8", MODEL)
    with pytest.raises(ValueError, match="needs G, clip"):
        recipe.trainer()
    with pytest.raises(ValueError, match="draws 3 channels of 8 pixels a side, the recipe says 3 of 64"):
        Recipe("scenes:8", TextMapper(**{**MODEL.__dict__, "resolution": 64})).trainer(FROZEN.get)
    blind = {**FROZEN, "clip:planted:words": Pair(lambda images: images, EMBEDDER.text)}
    with pytest.raises(ValueError, match="a game takes a Network"):
        recipe.trainer(blind.get)
    assert jg.training.from_json(jg.training.to_json(recipe)) == recipe


@pytest.mark.slow
def test_a_run_leaves_the_mapper_and_goes_on_from_it(tmp_path):
    model = TextMapper(**{**MODEL.__dict__, "optimizer": "adam"})
    recipe = Recipe("blank:8", model, batch=8, kimg=0.032, adam=Adam(3.0, 0.9, 0.99), tick_kimg=0.016)
    files = Files(jg.io.save, jg.io.load, jg.io.save_grid, FROZEN.get)
    done = run(recipe, tmp_path / "one", files, samples=4)
    assert done.finished and jg.load(tmp_path / "one" / "mapper.safetensors").name == "mapper.mapper"
    again = run(recipe, tmp_path / "two", files, resume=tmp_path / "one" / "mapper.safetensors", samples=4)
    assert again.finished
