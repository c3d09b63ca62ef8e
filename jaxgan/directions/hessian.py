"""A learned orthogonal basis along which a generator's output does not interact."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from jaxgan.core.directions import Directions
from jaxgan.core.generator import Generator, known
from jaxgan.directions.calibrate import calibrated, count, outputs
from jaxgan.directions.descent import descend
from jaxgan.latents import stats
from jaxgan.latents.spaces import rows, styled
from jaxgan.losses.disentangle import MODES, hessian_penalty
from jaxgan.ops.linalg import orthonormal


def hessian(
    steps: int = 1000,
    *,
    space: str | None = None,
    tap: str = "image",
    batch: int = 8,
    probes: int = 2,
    mode: str = "fd",
    eps: float = 0.1,
    reach: float = 2.0,
    lr: float = 0.01,
    cond: Float[Array, " c"] | None = None,
    coordinates: Sequence[int] | None = None,
    progress: Callable[[int, float], None] | None = None,
):
    """Learn K orthonormal axes that minimise the Hessian penalty of the generator along them.

        minimise over A  E penalty of  omega -> G(z + sigma omega Q(A))  at  omega = t e_k,   t ~ U(-reach, reach)

    Q(A) are the orthonormalised rows of A [K, D] (by QR, which is Gram-Schmidt from the first row on), sigma the
    population's spread in one coordinate; the Hessian is that with respect to omega. The axes come ordered by how much
    they change the output, |dG/d omega_k|^2, descending.

    Args:
        steps: Steps of Adam.
        space: Space to search; "w" where there is one, else the first.
        tap: Activation whose interactions count, "image" for the images.
        batch: Codes a step.
        probes, mode, eps: As for `hessian_penalty`; eps counts in units of sigma.
        reach: How far along an axis codes are moved before probing, in units of sigma; as published 5, in z.
        lr: Step size.
        cond: Condition [c] of all codes, the published search being among the images of one class; drawn for each code
            when None.
        coordinates: Coordinates of the flattened codes that axes may use, the others staying 0: of BigGAN's z of 120
            range(0, 40) is the published search for coarse axes, range(40, 80) for middle and range(80, 120) for fine
            ones. All when None.
        progress: Called with (steps done, mean penalty since the last call), ten times.

    Returns:
        A finder `(g, key, k) -> Directions`; meta "penalty" holds the mean penalty of the first and last tenth.

    Source: Peebles et al., "The Hessian Penalty" (2020), section 5.3, and the published code. Different: spaces
    other than z, distances in units of the population, and the order.
    """
    known(mode, MODES, "mode")
    if steps < 1:
        raise ValueError(f"hessian learns its basis, steps must be at least 1, got {steps}.")

    optimizer = optax.adam(lr)

    def finder(g: Generator, key, k: int) -> Directions:
        where = space or styled(g)
        known(where, g.spaces, "space")
        known(tap, (*g.arch.taps, "image"), "tap")
        wide = stats.width(g, where)
        used = tuple(range(wide)) if coordinates is None else tuple(sorted(set(coordinates)))
        if not used or used[0] < 0 or used[-1] >= wide:
            raise ValueError(f"A code of {g.arch.name} in {where!r} has the coordinates 0 to {wide - 1}, got {used}.")
        count(k, len(used), f"{g.arch.name} in {where!r}" + f" with {len(used)} coordinates" * (len(used) < wide))
        keys = jax.random.split(key, 4)
        population = stats.moments(g, keys[0], where, cond=cond)
        sigma = stats.spread(population) / jnp.sqrt(wide)
        raw = jax.random.normal(keys[1], (k, len(used)))
        settings = (where, tap, batch, probes, mode, eps, reach, used)
        raw, told = descend(interaction, settings, optimizer, (g, sigma, cond), raw, keys[2], steps, progress)
        basis, effect = ordered(g, keys[3], raw, sigma, cond, settings)
        ends = told[0]["loss"], told[-1]["loss"]
        meta = {"steps": steps, "tap": tap, "penalty": ends, "effect": tuple(map(float, effect))}
        return calibrated(g, keys[0], basis, where, "hessian", population=population, **meta)

    return finder


def interaction(settings, fixed, raw: Float[Array, "k d"], key):
    """Return the penalty of a batch moved along the axes, and nothing else to tell."""
    space, tap, batch, probes, mode, eps, reach, used = settings
    (g, sigma, cond), keys = fixed, jax.random.split(key, 4)
    code = stats.draw(g, keys[0], batch, space, cond)
    start, draw = rows(code.value), outputs(g, code, tap)
    basis = padded(orthonormal(raw), used, start.shape[1])
    axis = jax.random.randint(keys[1], (batch,), 0, len(basis))
    shift = jax.random.uniform(keys[2], (batch, 1), minval=-reach, maxval=reach)
    omega = shift * jax.nn.one_hot(axis, len(basis))
    return hessian_penalty(lambda o: draw(start + sigma * o @ basis), omega, keys[3], probes, mode, eps).mean(), {}


def padded(basis: Float[Array, "k u"], used: tuple[int, ...], wide: int) -> Float[Array, "k d"]:
    """Put columns where they belong among all coordinates, zeros elsewhere."""
    return jnp.zeros((len(basis), wide)).at[:, jnp.asarray(used)].set(basis)


@partial(jax.jit, static_argnames="settings")
def ordered(g: Generator, key, raw, sigma, cond, settings):
    """Return the basis by descending effect on the output, and the effects [K]."""
    space, tap, batch, *_, used = settings
    code = stats.draw(g, key, batch, space, cond)
    start, draw = rows(code.value), outputs(g, code, tap)
    basis = padded(orthonormal(raw), used, start.shape[1])

    def effect(axis):
        return jnp.square(jax.jvp(draw, (start,), (jnp.broadcast_to(sigma * axis, start.shape),))[1]).mean()

    effects = jax.lax.map(effect, basis)
    order = jnp.argsort(-effects)
    return basis[order], effects[order]
