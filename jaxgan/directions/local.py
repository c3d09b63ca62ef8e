"""Local basis: the directions of w that the mapping opens up at one code."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.core.code import Code
from jaxgan.core.directions import Directions
from jaxgan.core.generator import Generator, base, known
from jaxgan.directions.calibrate import calibrated, count
from jaxgan.latents import stats
from jaxgan.latents.spaces import first, rows, styled, unrows


def local_basis(at: Code | None = None, *, space: str | None = None):
    """Find the axes along which a code's neighbourhood is stretched most on its way to a later space.

        d w / d z at z = U S V^T;    directions = columns of U by descending S

    Near its code the population lies along these directions, so that an edit along them stays among likely codes. How
    far one direction is good for all codes shows in the angles between bases of several codes,
    `metrics.principal_angles`. For the images' own derivative use `jacobian(at=code)`.

    Args:
        at: One code in a space before that of the directions; a code drawn from the key when None.
        space: Space of the directions; "w" where there is one.

    Returns:
        A finder `(g, key, k) -> Directions`; meta "gains" holds the singular values.

    Raises:
        ValueError: When the generator has no stage between the two spaces, or several codes are given.

    Source: Choi et al., "Do Not Escape From the Manifold: Discovering the Local Coordinates on the Latent Space of
    GANs" (2022), section 3. Different: forward mode.
    """
    if at is not None and len(at) != 1:
        raise ValueError(f"A local basis is that of one code, got {len(at)}. Take one: code[0].")

    def finder(g: Generator, key, k: int) -> Directions:
        where = space or styled(g)
        known(where, g.spaces, "space")
        draw, calibration = jax.random.split(key)
        code = stats.draw(g, draw, 1, first(g)) if at is None else at
        if base(g.arch, code.space) == base(g.arch, where):
            raise ValueError(
                f"The code is in {code.space!r} and the directions in {where!r}: {g.arch.name} maps nothing between "
                "them. Use jacobian(at=code)."
            )
        columns, gains = stretched(g, code, where)
        count(k, len(columns), f"the map of {g.arch.name} from {code.space!r} to {where!r}")
        return calibrated(g, calibration, columns[:k], where, "local", gains=tuple(map(float, gains[:k])))

    return finder


@partial(jax.jit, static_argnames="space")
def stretched(g: Generator, code: Code, space: str) -> tuple[Float[Array, "k d"], Float[Array, " k"]]:
    """Return the left singular vectors of the map between two spaces at one code, as rows, and the singular values."""
    shape = g.arch.shape(code.space)
    reached = lambda x: rows(g.to(code.replace(value=unrows(x[None], shape)), space).value)[0]
    left, gains, _ = jnp.linalg.svd(jax.jacfwd(reached)(rows(code.value)[0]), full_matrices=False)
    return left.T, gains
