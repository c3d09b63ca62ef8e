"""Masks: ends stay exact at every size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import editing as e
from jaxgan.editing.masks import fitted, over
from tests.tolerances import OP

KEY = jax.random.key(13)


def test_interpolation_meets_its_ends_and_equal_arguments_to_the_bit(close):
    x, y, t = (jax.random.normal(k, (1000,)) * 10.0 for k in jax.random.split(KEY, 3))
    np.testing.assert_array_equal(over(x, y, 0.0), x)
    np.testing.assert_array_equal(over(x, y, 1.0), y)
    t = jax.nn.sigmoid(t)
    np.testing.assert_array_equal(over(x, x, t), x)
    close(over(x, y, t), (1 - t) * x + t * y, OP)


def test_a_box_is_what_it_says_and_its_soft_edge_keeps_its_weight():
    hard = e.box(16, 0.25, 0.5, 0.75, 1.0)
    assert hard.sum() == 8 * 8 and np.all(hard[4:12, 8:] == 1)
    soft = e.box(64, 0.25, 0.25, 0.75, 0.75, soft=0.1)
    assert abs(float(soft.sum()) - 32 * 32) < 1 and 0 < soft[15, 32] < 0.5 < soft[16, 32] < 1
    np.testing.assert_allclose(soft, soft.T, atol=1e-6)


def test_a_ramp_rises_over_its_middle(close):
    across = e.ramp(4, 16, "horizontal", 0.5)
    assert across.shape == (4, 16) and np.all(across[:, :4] == 0) and np.all(across[:, -4:] == 1)
    assert np.all(np.diff(across[0, 4:12]) > 0)
    close(across + across[:, ::-1], jnp.ones((4, 16)), OP)
    np.testing.assert_array_equal(e.ramp(16, 4, "vertical", 0.5), across.T)
    np.testing.assert_array_equal(e.ramp(2, 4, middle=0.0)[0], [0, 0, 1, 1])


def test_masks_fit_every_activation_and_keep_their_ends():
    mask = jnp.concatenate([jnp.zeros((64, 32)), jnp.ones((64, 32))], 1)
    for side in (4, 16, 64):
        small = fitted(mask, side, side)[..., 0]
        assert small.shape == (side, side) and set(np.unique(small)) == {0.0, 1.0}
    assert fitted(mask[None], 24, 24).shape == (1, 24, 24, 1) and fitted(0.3, 8, 8).ndim == 0


def test_a_composite_has_both_images(close):
    a, b = jax.random.normal(KEY, (2, 2, 8, 8, 3))
    mask = e.box(8, 0.0, 0.0, 0.5, 1.0)
    both = e.composite(a, b, mask)
    np.testing.assert_array_equal(both[:, :4], b[:, :4])
    np.testing.assert_array_equal(both[:, 4:], a[:, 4:])
    with pytest.raises(ValueError, match="both must be of one size"):
        e.composite(a, b[:, :4], mask)


@pytest.mark.parametrize(
    "call", [lambda: e.box(8, 0.5, 0.0, 0.5, 1.0), lambda: e.box(8, 0.0, 0.0, 1.2, 1.0), lambda: e.ramp(4, 4, "up")]
)
def test_impossible_masks_are_refused(call):
    with pytest.raises(ValueError, match=r"needed are|is .horizontal"):
        call()
