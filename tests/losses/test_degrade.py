import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import losses
from jaxgan.core import term
from jaxgan.losses import degrade
from jaxgan.ops.resample import enlarge
from tests import tolerances

SIDE = 16


def images(key, side=SIDE):
    return jax.random.uniform(jax.random.key(key), (3, side, side, 3), minval=-1, maxval=1)


MASK = degrade.box((SIDE, SIDE), (3, 5, 6, 7))
JUDGE = losses.laplacian(2) + 0.5 * losses.pixel()
cost = jax.jit(lambda objective, x, y: objective(x, y)[0])
slope = jax.jit(jax.grad(lambda x, y, objective: objective(x, y)[0].sum()))


def test_a_mask_of_ones_and_an_empty_chain_change_nothing():
    x, y = images(0), images(1)
    compare = jax.jit(lambda objective: objective(x, y))
    plain = compare(JUDGE)
    for operator in (degrade.hole(np.ones((SIDE, SIDE))), degrade.chain(), degrade.down(1), lambda x: x):
        total, parts = compare(losses.observed(JUDGE, operator))
        np.testing.assert_allclose(total, plain[0], rtol=tolerances.OP)
        assert set(parts) == set(plain[1])


def test_what_lies_in_the_hole_costs_nothing_and_moves_nothing_even_nan():
    x, y = images(0), images(1)
    objective = losses.observed(JUDGE, degrade.hole(MASK))
    lost = jnp.where(MASK == 0, jnp.nan, y)
    np.testing.assert_array_equal(cost(objective, x, y), cost(objective, x, lost))
    moved = slope(x, lost, objective)
    assert np.all(np.where(MASK == 0, moved, 0) == 0) and np.all(np.isfinite(moved))
    assert np.all(np.abs(np.where(MASK == 1, moved, 0)).max((1, 2, 3)) > 0)


def test_masks_weigh_inside_and_outside_and_may_differ_from_image_to_image():
    x, y = images(0), images(1)
    square = np.square(np.asarray(x - y))
    both = 3.0 * losses.observed(losses.pixel(), degrade.hole(MASK))
    both += 0.5 * losses.observed(losses.pixel(), degrade.hole(1 - MASK))
    expected = (3 * MASK * square + 0.5 * (1 - MASK) * square).mean((1, 2, 3))
    np.testing.assert_allclose(both(x, y)[0], expected, rtol=tolerances.OP)
    each = np.stack([MASK, 1 - MASK, np.ones_like(MASK)])
    found = losses.observed(losses.pixel(), degrade.hole(each))(x, y)[0]
    np.testing.assert_allclose(found, (each * square).mean((1, 2, 3)), rtol=tolerances.OP)


def test_an_enlarged_picture_is_seen_as_it_was(close):
    small = images(2, SIDE // 4)
    close(degrade.down(4)(enlarge(small, 4)), small, tolerances.OP)
    np.testing.assert_array_equal(degrade.up(4)(small), enlarge(small, 4))
    grey = jnp.broadcast_to(images(3)[..., :1], (3, SIDE, SIDE, 3))
    close(degrade.luma()(grey), grey, tolerances.OP)
    close(degrade.luma()(images(0))[..., 0], images(0) @ np.array([0.299, 0.587, 0.114], np.float32), tolerances.OP)


def test_operators_are_linear_and_compose_in_order(close):
    x, y = images(0), images(1)
    operators = [degrade.hole(MASK), degrade.luma(), degrade.blur(1.5), degrade.down(2), degrade.crop(1, 2, 5, 4)]
    for operator in operators:
        close(operator(2 * x - y), 2 * operator(x) - operator(y), tolerances.OP)
    together = x
    for operator in operators:
        together = operator(together)
    np.testing.assert_array_equal(degrade.chain(*operators)(x), together)
    assert together.shape == (3, 5, 4, 3)
    close(degrade.blur(2.0)(jnp.ones_like(x)), jnp.ones_like(x), tolerances.OP)


def test_what_a_term_needs_of_the_target_is_prepared_once_from_what_was_seen():
    seen = []

    def prepare(target):
        seen.append(target.shape)
        return target.mean((1, 2, 3))

    mean = lambda x, target, code, g, prepared: jnp.square(x.mean((1, 2, 3)) - prepared)
    objective = losses.observed(term("mean", mean, prepare=prepare), degrade.down(4))
    target = objective.prepare(images(1))
    for key in range(3):
        objective(images(key), target)
    assert seen == [(3, 4, 4, 3)]
    np.testing.assert_allclose(objective(images(1), target)[0], 0, atol=1e-12)


def test_holes_that_differ_from_image_to_image_travel_with_the_images():
    x, y = images(0), images(1)
    each = np.stack([MASK, 1 - MASK, np.ones_like(MASK)])
    expected = cost(losses.observed(JUDGE, degrade.hole(each)), x, y)
    found = losses.where_seen(JUDGE)
    lost = jnp.where(each == 0, jnp.nan, y)
    np.testing.assert_allclose(cost(found, x, lost), expected, rtol=tolerances.OP)
    moved = slope(x, lost, found)
    assert np.all(np.where(each == 0, moved, 0) == 0) and np.all(np.isfinite(moved))


@pytest.mark.parametrize(
    "wrong,said",
    [
        (lambda: degrade.hole(np.ones((4, 4, 3))), r"\[H, W\]"),
        (lambda: degrade.box((8, 8), (4, 4, 5, 2)), "8x8"),
        (lambda: degrade.down(0), "at least 1"),
        (lambda: degrade.up(0), "at least 1"),
        (lambda: degrade.down(5)(images(0)), "5x5"),
        (lambda: degrade.luma()(images(0)[..., :1]), "3 channels"),
        (lambda: degrade.crop(10, 10, 7, 2)(images(0)), "16x16"),
        (lambda: degrade.crop(-1, 0, 2, 2), "rectangle"),
        (lambda: degrade.blur(0.0), "positive"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(wrong, said):
    with pytest.raises(ValueError, match=said) as error:
        wrong()
    assert "\n" not in str(error.value)
