import jax
import numpy as np
import pytest

import jaxgan as jg
from jaxgan.models import eigengan
from tests.planted import style


def test_native_lists_the_axes_that_a_family_declares():
    g = eigengan.arch(8, z_dim=4, basis=3, channel_base=4).init(jax.random.key(0))
    found = jg.discover(g, jg.directions.native(samples=500), jax.random.key(1), k=2)
    assert found.names == ("b4_0", "b4_1") and found.space == "z"
    assert np.array_equal(found.vectors, np.eye(7)[4:6])
    np.testing.assert_allclose(found.scales, 1, atol=0.1)
    with pytest.raises(ValueError, match="Asked for 4 directions, eigengan has between 1 and 3"):
        jg.discover(g, jg.directions.native(), jax.random.key(1), k=4)


def test_native_says_what_other_families_offer():
    g = style(0, resolution=8, channel_base=64, channel_max=8)
    with pytest.raises(ValueError, match=r"stylegan2 declares none. Use pca, hessian or jacobian"):
        jg.discover(g, jg.directions.native(), jax.random.key(1), k=1)
