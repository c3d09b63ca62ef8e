"""A flow is inverted by itself, knows densities, and its edits move what is asked for and nothing else."""

import builtins

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.core import Arch, Generator, Stage
from jaxgan.encoders import flow
from jaxgan.features.attributes import Scorer
from jaxgan.nn.mapping import Spread
from jaxgan.training import Adam, Ema, Files, Recipe, StyleFlow, run
from tests.tolerances import OP

KEY = jax.random.key(0)
INVERSE = 1e-3  # there and back through a solver of tolerance 1e-5
D, ROWS = 4, 3
MIX = jnp.array([[1.0, 0.8, 0, 0], [0, 0.6, 0.3, 0], [0, 0, 1, 0.5], [0, 0, 0, 1]])  # the first two go together


class Turn(nn.Module):
    """w = z MIX."""

    @nn.compact
    def __call__(self, z, context):
        return z @ self.param("mix", lambda key: MIX)


class Show(nn.Module):
    """Show the mean of the rows as four pixels, within [-1, 1]."""

    @nn.compact
    def __call__(self, wp, context):
        return wp.mean(1).reshape(-1, 2, 2, 1) / 8


ARCH = Arch(
    name="planted",
    config=(),
    stages=(
        Stage("z", "w", Turn(name="turn")),
        Stage("w", "w+", Spread(ROWS, D, name="spread")),
        Stage("w+", "x", Show(name="show")),
    ),
    shapes=(("z", (D,)), ("w", (D,)), ("w+", (ROWS, D))),
    resolution=2,
    channels=1,
)
G: Generator = ARCH.init(KEY)
PIXELS = Scorer(lambda images: 24 * images.reshape(len(images), -1)[:, :2] + 1, ("left", "right"))
FROZEN = {"planted": G, "pixels": Scorer(lambda x: PIXELS.score(x), PIXELS.names)}
MODEL = StyleFlow("planted", "pixels", 2, 1, samples=2048, hidden=(16,), tolerance=1e-3, blur=0.2)
STEPS, N = 120, 48  # one number of codes: one program


@pytest.fixture(scope="module")
def trained():
    pytest.importorskip("diffrax", reason="flows need the extra 'flow'")
    recipe = Recipe("blank:2", MODEL, batch=256, adam=Adam(0.02, 0.9, 0.99), ema=Ema(kimg=2))
    trainer = recipe.trainer(FROZEN.get)
    state, step, losses = jax.jit(trainer.init)(KEY), jax.jit(trainer.step), []
    for _ in range(STEPS):
        state, metrics = step(state, {"image": jnp.zeros((256, 2, 2, 1))})
        losses.append(float(metrics["F/loss"]))
    return trainer.model(state), trainer, losses


@pytest.fixture(scope="module")
def some(trained):
    """A flow that is far from the identity, codes and attributes."""
    draw = np.random.default_rng(0)
    network = trained[0]
    far = jax.tree.map(lambda x: x + 0.4 * draw.standard_normal(x.shape, np.float32), network.params)
    w, a = jax.random.normal(KEY, (N, D)), 3 * jax.random.normal(jax.random.key(1), (N, 2))
    return network.replace(params=far), w, a


def test_what_is_encoded_is_decoded_again_code_by_code(some, close):
    network, w, a = some
    z = flow.encode(network, w, a)
    assert np.abs(z - w).max() > 0.5
    close(flow.decode(network, z, a), w, INVERSE)
    others = flow.encode(network, w.at[1:].multiply(2), a)
    close(others[0], z[0], OP, "the batch does not matter")
    few = a[::ROWS]
    rows = flow.encode(network, w.reshape(-1, ROWS, D), few)
    close(rows.reshape(N, D), flow.encode(network, w, jnp.repeat(few, ROWS, axis=0)), OP, "row by row")


@pytest.mark.slow
def test_the_density_is_that_of_the_change_of_variables(some, close):
    network, w, a = some
    exact, divergence = flow.run(network, "log_density", w, a)
    eps = 0.02
    sides = [[flow.encode(network, w + sign * eps * e, a) for sign in (1, -1)] for e in jnp.eye(D)]
    jacobian = jnp.stack([(up - down) / (2 * eps) for up, down in sides], axis=-1)
    normal = jax.scipy.stats.norm.logpdf(flow.encode(network, w, a)).sum(1)
    close(exact, normal + jnp.linalg.slogdet(jacobian)[1], 5 * INVERSE)
    assert np.abs(divergence).max() > 0.1


def test_the_estimate_of_the_trace_is_right_on_average_and_for_a_basis(some, close):
    params, x, a = some[0].params, jnp.ones(D), jnp.array([0.5, -1.0])
    fn = lambda x: flow.velocity([params["layer0"], params["layer1"]], x, jnp.float32(0.3), a)
    value, exact = flow.divergence(fn, x, None)
    close(value, fn(x), OP)
    close(exact, jnp.trace(jax.jacrev(fn)(x)), OP)
    probes = jax.random.normal(KEY, (20_000, D)).at[:D].set(jnp.eye(D))
    guesses = jax.vmap(lambda e: flow.divergence(fn, x, e)[1])(probes)
    close(guesses[:D].sum(), exact, OP)
    assert abs(guesses[D:].mean() - exact) < 4 * guesses.std() / len(probes) ** 0.5


def test_training_finds_the_density_of_a_planted_gaussian(trained):
    # Of (w, scores with noise), in closed form: log p(w | a) = log N(w, a) - log N(a).
    losses = trained[2]
    covariance, read = np.asarray(MIX.T @ MIX), np.eye(D)[:, :2]
    noisy = read.T @ covariance @ read + np.diag(0.2**2 * np.diag(covariance)[:2])
    given = covariance - covariance @ read @ np.linalg.solve(noisy, read.T @ covariance)
    entropy = 0.5 * np.linalg.slogdet(2 * np.pi * np.e * given)[1] / D
    assert losses[0] > entropy + 0.15
    assert abs(np.mean(losses[-20:]) - entropy) < 0.05


def test_an_edit_moves_the_attribute_asked_for_and_not_the_other(trained):
    network = trained[0]
    code = G.sample(jax.random.key(5), N)
    unit = np.asarray(PIXELS(G(G.sample(KEY, 4096)))).std(0)
    for i, (name, by) in enumerate((("left", 1.0), ("right", -1.5))):
        edited = jg.edit(G, code, jg.editing.flow(network, {name: by}, PIXELS))
        moved = (np.asarray(PIXELS(G(edited)) - PIXELS(G(code))) / unit).mean(0)
        # By the noise a score is believed to C (C + 0.04)^-1: by 0.91, and 0.07 go over to the other one.
        assert edited.space == "w" and 0.75 < moved[i] / by < 1.05 and abs(moved[1 - i]) < 0.25
    aim = jg.edit(G, code, jg.editing.flow(network, {"left": 4.0}, PIXELS, relative=False))
    assert PIXELS(G(aim))[:, 0].std() < 0.5 * unit[0]


def test_the_same_attributes_give_the_same_code_and_other_rows_stay(trained, close):
    network, code = trained[0], G.to(G.sample(jax.random.key(6), N // ROWS), "w+")
    before = code.value
    still = jg.edit(G, code, jg.editing.flow(network, {"left": 0.0}, PIXELS))
    close(still.value, before, INVERSE)
    part = jg.edit(G, code, jg.editing.flow(network, {"left": 1.0}, PIXELS, layers=(1,)))
    assert part.space == "w+" and np.array_equal(part.value[:, (0, 2)], before[:, (0, 2)])
    assert np.abs(part.value[:, 1] - before[:, 1]).max() > 0.1
    whole = jg.edit(G, code, jg.editing.flow(network, {"left": 1.0}, PIXELS(G(code))))
    close(part.value[:, 1], whole.value[:, 1], OP, "given scores or a scorer")


def test_codes_are_drawn_that_have_the_attributes(trained):
    network, trainer, _ = trained
    asked = jnp.tile(jnp.array([[4.0, 2.5]]), (N, 1))
    code = jg.editing.conditioned(network, KEY, asked)
    found = np.asarray(PIXELS(G(code)))
    assert code.space == "w" and np.all(np.abs(found.mean(0) - asked[0]) < 0.8)
    assert np.asarray(code.value)[:, 2:].std(0).min() > 0.5
    assert trainer.show({"F": network}, jnp.zeros((N, 2, 2, 1))).shape == (N, 2, 2, 1)


def test_a_flow_is_a_file_and_knows_its_generator(trained, tmp_path, close):
    network, code = trained[0], G.sample(KEY, N)
    jg.save(network, tmp_path / "flow.safetensors")
    loaded = jg.load(tmp_path / "flow.safetensors")
    assert loaded.module == network.module and loaded.name == "flow.flow"
    edit = jg.editing.flow(loaded, {"left": 1.0}, PIXELS)
    close(jg.edit(G, code, edit).value, jg.edit(G, code, jg.editing.flow(network, {"left": 1.0}, PIXELS)).value, OP)
    other = G.replace(params=jax.tree.map(lambda x: 2 * x, G.params))
    with pytest.warns(UserWarning, match="trained on another generator"):
        jg.edit(other, code, edit)


def test_what_does_not_fit_is_said_in_one_line(some, monkeypatch):
    network, *_ = some
    with pytest.raises(ValueError, match="no attribute 'up'; allowed: 'left', 'right'"):
        jg.editing.flow(network, {"up": 1.0}, PIXELS)
    with pytest.raises(ValueError, match=r"scores are \[2, 1\], the flow knows 2 attributes of 2 codes: left, right"):
        jg.edit(G, G.sample(KEY, 2), jg.editing.flow(network, {"left": 1.0}, jnp.zeros((2, 1))))
    with pytest.raises(ValueError, match=r"'w' of \(5,\), planted has 'w' of \(4,\)"):
        wide = network.replace(module=network.module.clone(w_dim=5))
        jg.edit(G, G.sample(KEY, 2), jg.editing.flow(wide, {"left": 1.0}, PIXELS))
    with pytest.raises(ValueError, match="is no flow"):
        jg.editing.flow(network.replace(module=Turn()), {"left": 1.0}, PIXELS)
    with pytest.raises(ValueError, match="needs G, scorer"):
        Recipe("blank:2", MODEL).trainer()
    with pytest.raises(ValueError, match="different names"):
        flow.flow(4, names=("a", "a"))
    assert jg.training.from_json(jg.training.to_json(Recipe("blank:2", MODEL))) == Recipe("blank:2", MODEL)
    usual = builtins.__import__
    absent = lambda name, *rest: (_ for _ in ()).throw(ImportError(name)) if name == "diffrax" else usual(name, *rest)
    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(ImportError, match=r"pip install 'jaxgan\[flow\]'"):
        flow.diffrax()


@pytest.mark.slow
def test_a_run_leaves_the_flow(trained, tmp_path):
    recipe = Recipe("blank:2", MODEL, batch=256, kimg=0.512, adam=Adam(0.02, 0.9, 0.99), ema=Ema(kimg=2))
    done = run(recipe, tmp_path / "run", Files(jg.io.save, jg.io.load, jg.io.save_grid, FROZEN.get), samples=4)
    assert done.finished and (tmp_path / "run" / "samples").is_dir()
    assert jg.load(tmp_path / "run" / "flow.safetensors").module == done.model.module
