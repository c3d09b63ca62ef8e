"""GANSpace: principal components of a latent space, or of an activation regressed back to the latent."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxgan.core import moments as streaming
from jaxgan.core.devices import Devices, divided, mesh_of, replicated
from jaxgan.core.directions import Directions
from jaxgan.core.generator import Generator, known
from jaxgan.directions.calibrate import calibrated, count, descending
from jaxgan.latents import stats
from jaxgan.latents.spaces import first, rows, styled

WIDEST = 8192
OVERSAMPLE, POWER = 16, 2


def pca(
    space: str | None = None,
    samples: int = 100_000,
    *,
    tap: str | None = None,
    batch: int | None = None,
    devices: Devices = None,
):
    """Find the axes along which the population varies most.

    Without `tap`: eigenvectors of the covariance of codes in the space. With `tap`: principal components of that
    activation, and for each the latent direction that predicts its coordinate best,

        B = argmin |Z - A B|^2,   A = (activation - mean) components / std  [samples, K],   directions = rows of B

    Samples are regenerated from the key and never stored, the covariance is exact; beyond 8192 dimensions a
    randomised range finder with power iterations, again over regenerated samples, replaces it.

    Args:
        space: Space of the directions; "w" where there is one, with `tap` the first space.
        samples: How many codes.
        tap: Activation to analyse.
        batch: Codes at a time; 1000, with `tap` 50.
        devices: Devices to divide each batch among, which must divide it; the one that holds the generator when None.

    Returns:
        A finder `(g, key, k) -> Directions`; meta "explained" holds each component's share of the variance.

    Raises:
        ValueError: When called on a generator without the space or tap, or with a batch that the devices do not divide.

    Source: Härkönen et al., "GANSpace: Discovering Interpretable GAN Controls" (2020), section 2. Different: exact
    covariance instead of incremental PCA, scales measured rather than set to 1 in z.
    """
    mesh = None if devices is None else mesh_of(devices)

    def finder(g: Generator, key, k: int) -> Directions:
        where = space or (styled(g) if tap is None else first(g))
        known(where, g.spaces, "space")
        draws, calibration = jax.random.split(key)
        source = "latent" if tap is None else tap
        known(source, ("latent", *g.arch.taps, "image"), "tap")
        size = batch or min(samples, 1000 if tap is None else 50)
        if mesh is not None and size % mesh.size:
            raise ValueError(f"{mesh.size} devices do not divide a batch of {size} codes: set batch=.")
        wide = breadth(g, where, source)
        count(k, min(wide, samples - 1), f"{g.arch.name} in {where!r}" if tap is None else f"tap {tap!r}")
        spread, drawn = (g, draws) if mesh is None else jax.device_put((g, draws), replicated(mesh))
        values, vectors, total, mean = components(spread, drawn, where, source, samples, size, mesh, k)
        meta = {"samples": samples, "explained": tuple(float(v) for v in values / total)}
        if tap is not None:
            vectors = regress(spread, drawn, where, source, samples, size, mesh, mean, vectors, jnp.sqrt(values))
            meta["tap"] = tap
        vectors = vectors if mesh is None else jax.device_put(vectors, jax.local_devices()[0])
        return calibrated(g, calibration, vectors, where, "pca", **meta)

    return finder


def see(g: Generator, key, n: int, space: str, source: str) -> tuple[Float[Array, "n d"], Float[Array, "n e"]]:
    """Draw codes; return their rows and those of what is analysed, the same or an activation."""
    code = stats.draw(g, key, n, space)
    z = rows(code.value)
    return z, z if source == "latent" else g.read(code, [source])[source].astype(jnp.float32).reshape(n, -1)


def breadth(g: Generator, space: str, source: str) -> int:
    """Dimensions of what is analysed."""
    return jax.eval_shape(lambda k: see(g, k, 1, space, source)[1], jax.random.key(0)).shape[1]


def fold(g, key, space, source, samples, batch, mesh, start, update):
    """Fold `update(state, latents, seen, mask)` over the sample, regenerated from the key; each device a share."""

    def step(state, i):
        z, x = see(g, jax.random.fold_in(key, i), batch, space, source)
        if mesh is not None:
            z, x = jax.lax.with_sharding_constraint((z, x), divided(mesh))
        return update(state, z, x, (i * batch + jnp.arange(batch) < samples).astype(jnp.float32)), None

    return jax.lax.scan(step, start, jnp.arange(-(-samples // batch)))[0]


@partial(jax.jit, static_argnames=("space", "source", "samples", "batch", "mesh", "k"))
def components(g, key, space, source, samples, batch, mesh, k):
    """Return variances [K], components [K, D], the total variance and the mean [D]."""
    wide = breadth(g, space, source)
    over = partial(fold, g, key, space, source, samples, batch, mesh)
    if wide <= WIDEST:
        m = over(streaming.empty(wide), lambda m, z, x, mask: streaming.update(m, x, mask))
        matrix = streaming.covariance(m)
        values, vectors = descending(matrix, k)
        return jnp.maximum(values, 0.0), vectors, jnp.trace(matrix), m.mean
    single = jax.vmap(lambda m, x, mask: streaming.update(m, x[:, None], mask), in_axes=(0, 1, None))
    each = over(jax.vmap(lambda _: streaming.empty(1))(jnp.arange(wide)), lambda m, z, x, w: single(m, x, w))
    mean, total = each.mean[:, 0], jax.vmap(streaming.covariance)(each).sum()
    width = min(k + OVERSAMPLE, wide)
    basis = jax.random.normal(jax.random.fold_in(key, 2**31 - 1), (wide, width))
    for _ in range(POWER + 1):
        image = over(
            jnp.zeros((wide, width)), lambda s, z, x, w, b=basis: s + (x - mean).T @ ((x - mean) @ b * w[:, None])
        )
        basis = jnp.linalg.qr(image)[0]
    inside = over(streaming.empty(width), lambda m, z, x, w: streaming.update(m, (x - mean) @ basis, w))
    values, coordinates = descending(streaming.covariance(inside), k)
    return jnp.maximum(values, 0.0), coordinates @ basis.T, total, mean


@partial(jax.jit, static_argnames=("space", "source", "samples", "batch", "mesh"))
def regress(g, key, space, source, samples, batch, mesh, mean, vectors, std) -> Float[Array, "k d"]:
    """Return the latent directions that predict the components' coordinates: least squares, by the joint covariance."""
    k = vectors.shape[0]

    def update(m, z, x, mask):
        coordinates = (x - mean) @ vectors.T / jnp.maximum(std, 1e-12)
        return streaming.update(m, jnp.concatenate([coordinates, z], 1), mask)

    wide = k + breadth(g, space, "latent")
    joint = streaming.covariance(fold(g, key, space, source, samples, batch, mesh, streaming.empty(wide), update))
    return jnp.linalg.lstsq(joint[:k, :k], joint[:k, k:])[0]
