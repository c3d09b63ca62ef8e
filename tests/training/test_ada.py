"""Adaptive augmentation: p follows the mean sign of D(real), notch by notch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.training.ada import Ada, adapt, observe, opening
from tests import tolerances

BATCH = 8
NOTCH = BATCH * 4 / 500_000


def play(settings, confidence, steps, batch=BATCH):
    """Run steps in which the given share of the real logits is positive; return p after each."""
    real = jnp.where(jnp.arange(batch) < confidence * batch, 2.0, -0.5)

    @jax.jit
    def advance(stats, step):
        stats = adapt(observe(stats, real), settings, step, batch)
        return stats, stats["p"]

    return np.asarray(jax.lax.scan(advance, opening(settings), jnp.arange(1, steps + 1))[1])


def test_p_climbs_one_notch_every_fourth_step_while_d_is_sure(close):
    p = play(Ada(), confidence=1.0, steps=12)
    close(p, NOTCH * np.repeat([0, 1, 2, 3], [3, 4, 4, 1]), tolerances.OP * NOTCH)


def test_p_falls_but_not_below_zero():
    p = play(Ada(initial=2.5 * NOTCH), confidence=0.5, steps=20)
    assert np.all(np.diff(p) <= 0) and p[-1] == 0 and p[0] > 0


def test_the_mean_sign_counts_and_not_the_size_of_the_logits():
    # 7 of 8 positive: mean sign 0.75 > 0.6. 6 of 8: 0.5 < 0.6, although the mean logit is well above zero.
    assert play(Ada(initial=0.1), 7 / 8, 4)[-1] > 0.1
    assert play(Ada(initial=0.1), 6 / 8, 4)[-1] < 0.1


def test_signs_of_all_steps_since_the_last_adjustment_count():
    settings = Ada(initial=0.5)
    stats = opening(settings)
    for logits in ([1.0] * 8, [1.0] * 8, [1.0] * 8, [-1.0] * 8):  # mean sign 0.5
        stats = observe(stats, jnp.array(logits))
    down = adapt(stats, settings, 4, BATCH)
    assert down["p"] < 0.5 and down["signs"] == 0 and down["count"] == 0
    kept = adapt(stats, settings, 3, BATCH)
    assert kept["p"] == 0.5 and kept["count"] == 32


def test_p_may_pass_one_unless_limited():
    assert play(Ada(initial=1.0), 1.0, 8)[-1] > 1
    assert play(Ada(initial=1.0, limit=0.8), 1.0, 8)[-1] == np.float32(0.8)


def test_speed_is_the_kimg_from_zero_to_one(close):
    steps = 40
    p = play(Ada(kimg=steps * BATCH / 1000), 1.0, steps)
    close(p[-1], 1.0, tolerances.OP)


@pytest.mark.parametrize("initial", [0.0, 0.3])
def test_without_target_p_stays(initial):
    assert np.all(play(Ada(target=None, initial=initial), 1.0, 8) == np.float32(initial))


def test_no_signs_no_change():
    settings = Ada(initial=0.2)
    assert adapt(opening(settings), settings, 4, BATCH)["p"] == np.float32(0.2)
