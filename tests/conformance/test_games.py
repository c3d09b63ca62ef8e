"""What every training game keeps, whatever it trains."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.core import Generator
from jaxgan.latents.spaces import w_mean
from jaxgan.models import FAMILIES
from jaxgan.training import parallel
from tests.conformance.families import BATCH, CASES, briefly, singly, trainer
from tests.tolerances import DEVICES, OP

GAMES = tuple(c for c in CASES if c.game is not None)
every = pytest.mark.parametrize("case", briefly(GAMES))


def test_every_family_has_a_game():
    assert {c.family for c in GAMES} == set(FAMILIES)


@cache
def made(case):
    t = trainer(case)
    state, draw = jax.jit(t.init)(jax.random.key(0)), np.random.default_rng(0)
    # Away from where training starts: a constant that is flat or nearly so, as StyleGAN's and ALAE's at first, has
    # nothing but rounding to normalise.
    params = jax.tree.map(lambda x: x + 0.1 * draw.standard_normal(x.shape, np.float32), state.params)
    return t, state.replace(params=params), jax.jit(t.step, static_argnames="active")


@cache
def batch(case):
    shape, classes = (BATCH, case.game.resolution, case.game.resolution, case.game.channels), case.classes
    labels = {"label": jax.nn.one_hot(jnp.arange(BATCH) % classes, classes)} if classes else {}
    return {"image": 0.5 * jax.random.normal(jax.random.key(1), shape), **labels}


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


def names(t, n):
    return tuple(m.name for m in t.moves if n % m.every == 0)


@every
def test_moves_have_names_of_their_own_and_owners_of_networks_that_are_there(case):
    t, state, _ = made(case)
    assert len({m.name for m in t.moves}) == len(t.moves)
    assert {m.player for m in t.moves} == set(t.players) == set(state.opt)
    assert {n for p in t.players.values() for n in p.networks} == set(state.params) == set(t.parts)
    assert set(state.ema) <= set(state.params) and "G" in state.ema


@cache
def moved(case):
    """The states that a step's moves go through, made one by one, and their metrics."""
    t, state, step = made(case)
    states, metrics = [state], {}
    for move in t.moves:
        begun = states[-1].replace(step=state.step, images=state.images)
        after, figures = step(begun, batch(case), active=(move.name,))
        states.append(after)
        metrics[move.name] = {name: v for name, v in figures.items() if name.split("/")[0] in names(t, 0)}
    return states, metrics


@every
def test_a_move_changes_its_own_players_parameters_and_no_others(case):
    t, (states, metrics) = made(case)[0], moved(case)
    for move, before, after in zip(t.moves, states[:-1], states[1:], strict=True):
        changed = {name for name in before.params if not same(before.params[name], after.params[name])}
        assert changed == set(t.players[move.player].networks)
        own = {name: opt for name, opt in after.opt.items() if not same(before.opt[name], opt)}
        assert set(own) == {move.player}
        made_here = metrics[move.name]
        assert made_here and all(name.startswith(f"{move.name}/") for name in made_here)
        assert all(np.isfinite(v) for v in made_here.values())


@pytest.mark.slow  # branches are the game's, not a family's: tests/training/test_game.py
@pytest.mark.parametrize("case", GAMES, ids=str)
def test_lazy_moves_are_made_on_their_steps_only(case, close):
    t, state, step = made(case)
    lazy = [n for n in range(1, max(m.every for m in t.moves)) if names(t, n) != names(t, 0)]
    assert [t.active(n) for n in range(13)] == [names(t, n) for n in range(13)]
    for n in (0, *lazy[:1]):
        at = state.replace(step=jnp.int32(n))
        chosen, named = step(at, batch(case))[0], step(at, batch(case), active=t.active(n))[0]
        for a, b in zip(jax.tree.leaves(chosen.params), jax.tree.leaves(named.params), strict=True):
            close(a, b, 10 * OP, f"step {n}")


@every
def test_the_average_follows_the_parameters_and_buffers_are_kept(case):
    t, (state, *_, after) = made(case)[0], moved(case)[0]
    assert int(after.step) == 1 and int(after.images) == BATCH
    for name in state.ema:
        assert same(after.ema[name], after.params[name])  # the ramp starts with a copy
    drawn = t.generator(after)
    assert np.all(np.isfinite(drawn(drawn.sample(jax.random.key(2), 2))))
    for name in t.parts:
        own, new = state.stats["buffers"][name], after.stats["buffers"][name]
        assert jax.tree.structure(own) == jax.tree.structure(new)
        assert not (moves_buffers(case, name) and same(own, new)), name


def moves_buffers(case, name):
    """Whether a network has running statistics: those that it moves itself, or the mean of w, which its game moves."""
    t, state, _ = made(case)
    part = t.network(state, name)
    if not jax.tree.leaves(part.buffers):
        return False
    if isinstance(part, Generator):
        if w_mean(part) is not None:
            return True
        return not same(part.in_training(part.sample(jax.random.key(3), BATCH))[1], part.buffers)
    inputs = (batch(case)["image"], batch(case).get("label")) if case.classes else (batch(case)["image"],)
    return not same(part.in_training(*inputs)[1], part.buffers)


@every
def test_a_move_is_a_function_of_state_and_batch(case):
    t, state, step = made(case)
    one, two = moved(case)[0][1], step(state, batch(case), active=(t.moves[0].name,))[0]
    assert same(jax.random.key_data(one.key), jax.random.key_data(two.key)) and same(one.params, two.params)


# Where members of a batch see each other: batch normalisation, minibatch statistics, means that a move keeps.
@pytest.mark.parametrize("case", singly(GAMES, ("biggan", "dcgan", "stylegan2")))
def test_a_step_on_eight_devices_gives_the_numbers_of_its_moves_on_one(case, close):
    t, (state, *_, one) = made(case)[0], moved(case)[0]
    spread = parallel(t.step, jax.devices()[:8])
    eight, figures = spread(jax.tree.map(jnp.copy, state), batch(case), active=t.active(0))
    for name, a in (figure for made_here in moved(case)[1].values() for figure in made_here.items()):
        close(figures[name], a, 10 * DEVICES, name)
    flat = lambda tree: np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)])
    # A player's moments as a whole: single ones may be differences of large numbers, as in front of a normalisation.
    for player in t.players:
        a, b = flat(one.opt[player]), flat(eight.opt[player])
        close(b / np.abs(a).max(), a / np.abs(a).max(), 10 * DEVICES, f"moments of {player}'s gradients")
    pairs = zip(
        jax.tree_util.tree_leaves_with_path((one.params, one.ema, one.stats)),
        jax.tree.leaves((eight.params, eight.ema, eight.stats)),
        strict=True,
    )
    for (path, a), b in pairs:
        close(b, a, 10 * DEVICES, jax.tree_util.keystr(path))
