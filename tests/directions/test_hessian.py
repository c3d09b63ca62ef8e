import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.directions import hessian
from jaxgan.models import gan
from tests import planted

KEY = jax.random.key(3)


def test_axes_use_the_coordinates_that_they_may():
    g = planted.linear(planted.orthogonal(jax.random.key(1), 16)[:6], quadratic=0.5)
    found = hessian(steps=3, batch=4, coordinates=range(2, 5))(g, KEY, 3)
    assert found.vectors.shape == (3, 6)
    np.testing.assert_array_equal(found.vectors[:, [0, 1, 5]], 0)
    np.testing.assert_allclose(found.vectors @ found.vectors.T, jnp.eye(3), atol=1e-5)
    for wrong, said in ((range(4, 7), "0 to 5"), ((), "0 to 5"), (range(2), "3 directions.*2 coordinates")):
        with pytest.raises(ValueError, match=said):
            hessian(steps=1, coordinates=wrong)(g, KEY, 3)


def test_with_a_condition_given_the_other_classes_do_not_matter():
    arch = gan.arch(4, z_dim=3, classes=2, hidden=(8,), activation="tanh")
    g = arch.init(KEY)
    weight = g.params["draw"]["fc0"]["weight"]  # [3 + 2, 8], the last row read by the second class alone
    other = g.replace(params={"draw": {**g.params["draw"], "fc0": {**g.params["draw"]["fc0"]}}})
    other.params["draw"]["fc0"]["weight"] = weight.at[-1].add(1.0)
    of_one = hessian(steps=3, batch=8, cond=jnp.array([1.0, 0.0]))
    np.testing.assert_array_equal(of_one(g, KEY, 2).vectors, of_one(other, KEY, 2).vectors)
    of_all = hessian(steps=3, batch=8)
    assert np.abs(of_all(g, KEY, 2).vectors - of_all(other, KEY, 2).vectors).max() > 1e-4
