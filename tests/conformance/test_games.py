"""What every training game keeps, whatever it trains."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.models import FAMILIES
from jaxgan.training import parallel
from tests.conformance.families import CASES, trainer
from tests.tolerances import DEVICES, OP

GAMES = tuple(c for c in CASES if c.game is not None)
every = pytest.mark.parametrize("case", GAMES, ids=str)


def test_every_family_has_a_game():
    assert {c.family for c in GAMES} == set(FAMILIES)


@cache
def made(case):
    t = trainer(case)
    return t, jax.jit(t.init)(jax.random.key(0)), jax.jit(t.step, static_argnames="active")


@cache
def batch(case):
    shape = (8, case.game.resolution, case.game.resolution, case.game.channels)
    return {"image": 0.5 * jax.random.normal(jax.random.key(1), shape)}


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


@every
def test_a_move_changes_its_own_players_parameters_and_no_others(case):
    t, state, step = made(case)
    for move in t.moves:
        after, metrics = step(state, batch(case), active=(move.name,))
        changed = {name for name in state.params if not same(state.params[name], after.params[name])}
        assert changed == {move.player}
        assert all(name.startswith(f"{move.name}/") for name in metrics)
        assert all(np.isfinite(v) for v in metrics.values())


@every
def test_lazy_moves_are_made_on_their_steps_only(case, close):
    t, state, step = made(case)
    every, some = tuple(m.name for m in t.moves), tuple(m.name for m in t.moves if m.every == 1)
    assert {m.every for m in t.moves} <= {1, 2} and [t.active(n) for n in (0, 1, 2)] == [every, some, every]
    for n in (0, 1):
        at = state.replace(step=jnp.int32(n))
        chosen, named = step(at, batch(case))[0], step(at, batch(case), active=t.active(n))[0]
        for a, b in zip(jax.tree.leaves(chosen.params), jax.tree.leaves(named.params), strict=True):
            close(a, b, 10 * OP, f"step {n}")


@every
def test_the_average_follows_the_parameters_and_buffers_are_kept(case):
    t, state, step = made(case)
    after, _ = step(state, batch(case), active=t.active(0))
    assert int(after.step) == 1 and int(after.images) == 8
    assert same(after.ema["G"], after.params["G"])  # the ramp starts with a copy
    drawn = t.generator(after)
    assert np.all(np.isfinite(drawn(drawn.sample(jax.random.key(2), 2))))
    for name, buffers in state.stats["buffers"].items():
        if jax.tree.leaves(buffers):  # w_mean, running statistics, spectral vectors
            assert not same(buffers, after.stats["buffers"][name])


@every
def test_a_step_is_a_function_of_state_and_batch(case):
    t, state, step = made(case)
    one, two = (step(state, batch(case), active=t.active(0))[0] for _ in range(2))
    assert same(jax.random.key_data(one.key), jax.random.key_data(two.key)) and same(one.params, two.params)


@every
def test_eight_devices_give_the_numbers_of_one(case, close):
    t, state, _ = made(case)
    results = []
    for devices in (1, 8):
        # Compared are the moments: Adam with b1 = 0 divides by the gradient, and blows rounding up to its sign.
        step = parallel(t.step, jax.devices()[:devices])
        after, metrics = step(jax.tree.map(jnp.copy, state), batch(case), active=t.active(1))
        results.append((jax.device_get(metrics), jax.device_get(after.opt)))
    for (name, a), b in zip(results[0][0].items(), results[1][0].values(), strict=True):
        close(b, a, 10 * DEVICES, name)
    moments = [jax.tree.leaves(r[1]) for r in results]
    for a, b in zip(*moments, strict=True):
        close(b, a, 10 * DEVICES, "second moments of the gradients")
