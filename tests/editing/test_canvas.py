"""Canvases of other sizes: what is drawn there is what the convolutions make of the enlarged activation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan as jg
from jaxgan import editing as e
from jaxgan.editing.canvas import grown
from tests import planted
from tests.tolerances import NETWORK

KEY = jax.random.key(6)


@pytest.fixture(scope="module")
def g():
    return planted.style()


@pytest.fixture(scope="module")
def code(g):
    return g.sample(KEY, 2)


@pytest.fixture(scope="module")
def quiet():
    return planted.style(use_noise=False)


def test_a_canvas_of_the_usual_size_is_the_usual_image(g, code, close):
    close(e.widen(1, 1)(g, code), g(code), NETWORK)


def test_the_middle_of_a_padded_canvas_is_the_image_beyond_the_reach_of_its_border(quiet, code, close):
    wide = e.widen(2, 2, "reflect")(quiet, code)
    assert wide.shape == (2, 32, 32, 3)
    close(wide[:, 8:-8, 8:-8][:, 5:-5, 5:-5], quiet(code)[:, 5:-5, 5:-5], NETWORK)


def test_a_cyclic_canvas_moves_by_cells_with_its_activation(quiet, code, close):
    """Moved by two cells of 8 and wrapped, the picture moves by four pixels, but for the zeros at the canvas' edge."""
    wrap = grown("wrap", 1.0, 2.0)
    patches = {"b8": lambda x: wrap(jnp.roll(x, 2, 2)), "rgb4": lambda x: wrap(jnp.roll(x, 1, 2))}
    there, here = quiet(code, patches=patches), e.widen(2, 1, "wrap")(quiet, code)
    close(there[:, :, 10:-6], here[:, :, 6:-10], NETWORK)
    assert np.abs(there - here).max() > 1e-2


def test_zoomed_cells_are_wide(quiet, code):
    tall = e.widen(1, 2, "zoom", at=4)(quiet, code)
    assert tall.shape == (2, 32, 16, 3)


def test_fresh_noise_is_the_key_s_and_constant_noise_is_repeated(g, code):
    drawing = e.widen(2)
    fixed = drawing(g, code)
    np.testing.assert_array_equal(fixed, drawing(g, code))
    one, again, other = (drawing(g, code, key=jax.random.key(i)) for i in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 1e-3 and np.abs(one - fixed).max() > 1e-3


def test_a_whole_turn_moves_nothing_and_a_mask_bounds_what_moves(quiet, code, close):
    close(e.shift(1, 0)(quiet, code), quiet(code), NETWORK)
    right = e.shift(0, 0.25, e.box(16, 0.0, 0.5, 1.0, 1.0))(quiet, code)
    np.testing.assert_allclose(right[:, :, :4], quiet(code)[:, :, :4], atol=NETWORK)
    close(right[:, :, 13], e.shift(0, 0.25)(quiet, code)[:, :, 13], NETWORK, "inside, the picture is the moved one")


def test_other_convolutional_families_draw_wide_too():
    g = jg.models.dcgan.arch(resolution=16, z_dim=8, width=4).init(KEY)
    assert e.widen(2)(g, g.sample(KEY, 1)).shape == (1, 16, 32, 3)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda g, c: e.widen(mode="mirror"), "There is no mode 'mirror'"),
        (lambda g, c: e.widen(1.3), "does not grow from 8 x 8 cells"),
        (lambda g, c: e.widen(1.5, mode="zoom"), "does not grow from 8 x 8 cells"),
        (lambda g, c: e.widen(at=12)(g, c), "has no block of 12 x 12; there are 4, 8, 16"),
        (lambda g, c: e.shift(0.1, 0.0), "move by multiples of 0.25"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_one_line(g, code, call, said):
    with pytest.raises(ValueError, match=said) as error:
        call(g, code)
    assert "\n" not in str(error.value)
