"""Panoramas: strips meet without a seam, and distant codes do not touch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import editing as e
from jaxgan.core import Code
from tests import planted
from tests.tolerances import NETWORK, OP

KEY = jax.random.key(7)


@pytest.fixture(scope="module")
def g():
    return planted.style()


@pytest.fixture(scope="module")
def codes(g):
    return g.sample(KEY, 6)


@pytest.fixture(scope="module")
def whole(g, codes):
    return e.panorama()(g, codes)


def test_strips_meet_without_a_seam_when_they_see_far_enough(g, codes, whole, close):
    """Every column, also on both sides of each seam, is that of the canvas drawn at once."""
    assert whole.shape == (1, 16, 6 * 16, 3)
    close(e.panorama(window=4)(g, codes), whole, NETWORK)


def test_the_published_strips_of_two_show_where_they_were_cut(g, codes, whole):
    stitched = np.asarray(e.panorama(window=2)(g, codes))
    assert stitched.shape == whole.shape and np.all(np.isfinite(stitched))
    assert np.abs(stitched - whole).max() > 1e-3


def test_the_beginning_does_not_know_the_end_to_the_bit(g, codes, whole):
    """Away from its ramp a code draws alone: the far half of the codes leaves no bit in the first image."""
    others = codes.replace(value=codes.value.at[4:].multiply(-1.0))
    np.testing.assert_array_equal(e.panorama()(g, others)[:, :, :16], whole[:, :, :16])
    assert np.abs(e.panorama()(g, others)[:, :, -16:] - whole[:, :, -16:]).max() > 1e-2


def test_fresh_noise_is_one_for_the_canvas(g, codes, close):
    key = jax.random.key(1)
    close(e.panorama(window=4)(g, codes, key=key), e.panorama()(g, codes, key=key), NETWORK)


def test_smoothing_keeps_the_prior_s_length_and_turns_with_the_circle(g, close):
    code = g.sample(KEY, 5)
    smooth = e.smooth(0.7)(g, code)
    close(jnp.sqrt(jnp.mean(jnp.square(smooth.value))), jnp.float32(1.0), OP)
    turned = e.smooth(0.7)(g, Code(jnp.roll(code.value, 2, 0), "z"))
    close(turned.value, jnp.roll(smooth.value, 2, 0), OP)
    apart = lambda z: float(jnp.linalg.norm(z - jnp.roll(z, 1, 0)))
    assert apart(smooth.value) < 0.9 * apart(code.value)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda g, c: e.panorama()(g, c[:1]), "at least 2 codes, got 1"),
        (lambda g, c: e.panorama(ramp=2), "ramp lies in"),
        (lambda g, c: e.panorama(window=1), "window is at least 2"),
        (lambda g, c: e.panorama()(g, c.replace(noise={"b8_conv0": jnp.zeros((6, 8, 8, 1))})), "one canvas"),
        (lambda g, c: e.smooth(0.0), "sigma is 0"),
    ],
)
def test_what_is_no_panorama_is_said_in_one_line(g, codes, call, said):
    with pytest.raises(ValueError, match=said) as error:
        call(g, codes)
    assert "\n" not in str(error.value)
