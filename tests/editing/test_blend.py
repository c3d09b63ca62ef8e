"""Blending inside the generator: its ends are the codes' own drawings, and one joint is what one patch does."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import editing as e
from tests import planted
from tests.tolerances import NETWORK

KEY = jax.random.key(5)


@pytest.fixture(scope="module")
def g():
    return planted.style()


@pytest.fixture(scope="module")
def codes(g):
    both = g.sample(KEY, 4)
    return both[:2], both[2:]


@pytest.fixture(scope="module")
def mask():
    return jax.random.uniform(KEY, (16, 16))


def test_the_ends_are_the_drawings_of_the_codes(g, codes, close):
    a, b = codes
    for t, code in ((0.0, a), (1.0, b)):
        close(e.blend(jnp.full((16, 16), t))(g, a, b), g(code), NETWORK, f"mask {t}")


def test_at_the_ends_the_other_code_leaves_no_bit_behind(g, codes):
    a, b = codes
    zero, one = jnp.zeros((16, 16)), jnp.ones((16, 16))
    np.testing.assert_array_equal(e.blend(zero)(g, a, b), e.blend(zero)(g, a, a))
    np.testing.assert_array_equal(e.blend(one)(g, a, b), e.blend(zero)(g, b, a))


def test_a_code_blended_with_itself_is_its_drawing_to_the_bit(g, codes, mask):
    a, b = codes
    np.testing.assert_array_equal(e.blend(mask)(g, a, a), e.blend(jnp.zeros((16, 16)))(g, a, b))


def test_the_blend_of_exchanged_codes_takes_the_mask_s_complement(g, codes, mask, close):
    a, b = codes
    close(e.blend(mask)(g, a, b), e.blend(1 - mask)(g, b, a), NETWORK)


def test_one_joint_is_one_patch(g, codes, mask, close):
    """Blended at one tap alone: the first code draws behind it what a patch with both activations would make."""
    a, b = codes
    inside = e.blend(mask, taps=["b8"])(g, a, b)
    mine, theirs = (g.read(code, ["b8"])["b8"] for code in (a, b))
    soft = np.asarray(mask).reshape(8, 2, 8, 2).mean((1, 3))[..., None]
    close(inside, g(a, patches={"b8": (1 - soft) * mine + soft * theirs}), NETWORK)
    close(e.blend({"b8": mask})(g, a, b), inside, 0.0, "a mask may name its taps")


def test_what_the_mask_leaves_alone_stays(g, codes):
    """Far from the mask no pixel changes: only the layers' reach separates them."""
    a, b = codes
    corner = e.box(16, 0.0, 0.0, 0.25, 0.25)
    blended, plain = (e.blend(m, taps=["b16", "rgb16"])(g, a, b) for m in (corner, jnp.zeros((16, 16))))
    np.testing.assert_array_equal(blended[:, 5:, 5:], plain[:, 5:, 5:])
    assert np.abs(blended - plain)[:, :4, :4].max() > 1e-3


def test_further_codes_lie_on_top_and_generators_may_differ(g, codes, close):
    a, b = codes
    zero, one = jnp.zeros((16, 16)), jnp.ones((16, 16))
    other = planted.style(seed=1)
    drawing = e.blend(one, zero)
    close(drawing([g, other, g], a, a, b), other(a), NETWORK)
    close(drawing([g, g, other], a, b, a), g(b), NETWORK)


def test_an_attribute_with_all_rows_shared_changes_nothing(g, codes, mask, close):
    a, b = codes
    close(e.attribute(mask, share=range(6))(g, a, b[0]), g(a), NETWORK)
    assert np.abs(e.attribute(mask, share=range(2))(g, a, b) - g(a)).max() > 1e-3


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda g, a: e.blend(0.5)(g, a), "blend with 1 masks takes 2 codes, got 1"),
        (lambda g, a: e.blend(0.5, taps=["b9"])(g, a, a), "There is no tap 'b9'"),
        (lambda g, a: e.blend({"b9": 0.5})(g, a, a), "There is no tap 'b9'"),
        (lambda g, a: e.lockstep([g, g, g], [a, a], {}), "There are 3 generators for 2 codes"),
        (lambda g, a: e.lockstep([g, planted.style(resolution=8)], [a, a], {}), "differ in architecture"),
        (lambda g, a: e.blend(0.5)(g, a, g.sample(KEY, 3)), "The codes are 2 and 3 in number"),
    ],
)
def test_what_cannot_be_blended_is_said_in_one_line(g, codes, call, said):
    with pytest.raises(ValueError, match=said) as error:
        call(g, codes[0])
    assert "\n" not in str(error.value)
