"""Steps of a game, timed: each takes the state that the one before left, as its buffers are donated."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from _timing import compiled, once


def filled(shapes):
    """Fill a state with noise: numbers do not matter for timing, and drawing the real ones may compile for a minute.

    Floats are positive, as variances and second moments must be.
    """
    draw = np.random.default_rng(0)

    def fill(x):
        if jnp.issubdtype(x.dtype, jax.dtypes.prng_key):
            return jax.random.key(0)
        return jnp.asarray(
            np.abs(draw.normal(0, 0.3, x.shape)) if jnp.issubdtype(x.dtype, jnp.floating) else np.zeros(x.shape),
            x.dtype,
        )

    return jax.tree.map(fill, shapes)


class Run:
    """A game and a batch of noise.

    Args:
        trainer: The game.
        shape: Of the images, [N, H, W, C].
        classes: Width of the labels.
    """

    def __init__(self, trainer, shape: tuple[int, ...], classes: int = 0):
        self.step, self.active = trainer.step, trainer.active
        self.state = filled(jax.eval_shape(trainer.init, jax.random.key(0)))
        self.batch = {"image": jax.random.normal(jax.random.key(1), shape)}
        if classes:
            self.batch["label"] = jax.nn.one_hot(jnp.arange(shape[0]) % classes, classes)

    def program(self, active: tuple[str, ...] | None):
        """Compile the step with these moves; None chooses them by the number of the step."""
        return compiled(partial(self.step, active=active), self.state, self.batch, donate_argnums=0)

    def timer(self, program, at: int = 0):
        """Return a function that times one step, as step number `at`."""

        def run():
            self.state, metrics = program(self.state, self.batch)
            return self.state, metrics

        def timed():
            self.state = self.state.replace(step=jnp.int32(at))
            jax.block_until_ready(self.state)
            return once(run)

        return timed
