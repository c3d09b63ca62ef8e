"""Steps of a game: moves that are named and moves that the step chooses by its number."""

import jax
import jax.numpy as jnp

from tests.tolerances import OP
from tests.training.toy import toy_batch, toy_game


def test_lazy_moves_are_made_on_their_steps_only(close):
    trainer = toy_game()
    state, step = trainer.init(jax.random.key(0)), jax.jit(trainer.step, static_argnames="active")
    expected = {n: ("G", "D", "D_r1") if n % 4 == 0 else ("G", "D") for n in range(9)}
    assert {n: trainer.active(n) for n in range(9)} == expected
    for n in (0, 1, 4):
        at = state.replace(step=jnp.int32(n))
        (chosen, figures), (named, said) = step(at, toy_batch(0)), step(at, toy_batch(0), active=expected[n])
        for a, b in zip(jax.tree.leaves(chosen.params), jax.tree.leaves(named.params), strict=True):
            close(a, b, OP, f"step {n}")
        assert float(figures["D_r1/penalty"]) == 0 if n % 4 else float(figures["D_r1/penalty"]) > 0
        assert all(abs(float(figures[name]) - float(v)) <= OP for name, v in said.items())
