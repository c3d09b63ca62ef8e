"""Perceptual path length and diversity: how far apart images lie for codes that are near, and for any two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxgan.core.code import Code
from jaxgan.core.generator import Generator, known
from jaxgan.core.network import Network
from jaxgan.features import lpips

SPACES = ("z", "w")
WHERE = ("full", "end")
LARGEST = 256  # pixels a side at which distances are taken
Distance = Callable[[Any, Any], Any]  # two batches of images [N, H, W, C] to distances [N]


def perceptual(network: Callable[..., Any]) -> Distance:
    """Return the distance between images that a network stands for, [N] for each pair.

    That of an LPIPS network is LPIPS; that of features [N, D] the mean squared difference.
    """
    if isinstance(network, Network) and isinstance(network.module, lpips.LPIPS):
        return partial(lpips.distance, network)
    return lambda a, b: jnp.square(network(a) - network(b)).mean(1)


def path_length(
    g: Generator,
    distance: Distance,
    key,
    n: int,
    *,
    space: str = "w",
    where: str = "end",
    epsilon: float = 1e-4,
    crop: bool = False,
    batch: int = 32,
    cond: Callable[[Any, int], Any] | None = None,
    tick: Callable[[int], None] | None = None,
) -> Float[np.ndarray, " n"]:
    """Return how fast images change along paths between random codes, one number a path.

        d(G(path(t)), G(path(t + epsilon))) / epsilon^2

    In "z" the path is an arc, along which the length of the code changes evenly; in "w" it is straight. Noise maps are
    drawn for each path, the same for both its images. `trimmed_mean` of the result is the perceptual path length.

    Args:
        g: Generator; of conditional ones both ends of a path have one condition.
        distance: Such as `perceptual(network)`.
        key: Random key.
        n: How many paths.
        space: "z" (the first space) or "w".
        where: "full": t uniform in [0, 1]; "end": t = 0.
        epsilon: The step.
        crop: Compare the part of the image where a face is: the middle half of the columns, rows 3/8 to 7/8.
        batch: Paths at a time.
        cond: `cond(key, n)` draws conditions [n, c]; uniform over the classes if None.
        tick: Called with the number of paths after each batch.

    Raises:
        ValueError: If the generator lacks the space or a word is not among those allowed.

    Source: Karras et al., "A Style-Based Generator Architecture for GANs", 2019, section 4.1, with the trimming and the
    reduction to 256 pixels of the published code. Different: that code brings codes in z to length one, which only
    generators that normalise z allow; here directions are interpolated as there, lengths evenly.
    """
    known(space, SPACES, "space")
    known(where, WHERE, "place on the path")
    first = g.arch.stages[0].source
    if space == "w" and "w" not in g.spaces:
        raise ValueError(f"{g.arch.name} has the spaces {', '.join(g.spaces)} and no w; take space 'z'.")
    if first != "z":
        raise ValueError(f"{g.arch.name} starts from {first!r}; a path length needs random codes in z.")

    def pair(i: int) -> Any:
        codes, noise, labels = jax.random.split(jax.random.fold_in(key, i), 3)
        chosen = None if cond is None else cond(labels, batch)
        near, far = steps(g, codes, chosen, epsilon, space, where, batch)
        x, y = (seen(g(code, noise="random", key=noise), crop) for code in (near, far))
        return distance(x, y) / epsilon**2

    return gathered(pair, n, batch, tick)


@partial(jax.jit, static_argnames=("space", "where", "batch"))
def steps(g: Generator, key, cond, epsilon, space: str, where: str, batch: int) -> tuple[Code, Code]:
    """Return codes on random paths and the codes a step further."""
    start, end, draw = jax.random.split(key, 3)
    a = g.sample(start, batch, cond)
    b = g.sample(end, batch, a.cond)
    t = jax.random.uniform(draw, (batch,)) * (where == "full")
    if space == "w":
        a, b = g.to(a, "w"), g.to(b, "w")
    way = straight if space == "w" else arc
    near, far = (a.replace(value=way(a.value, b.value, at)) for at in (t, t + epsilon))
    return near, far


def diversity(
    g: Generator,
    distance: Distance,
    key,
    n: int,
    *,
    psi: float | None = None,
    noise: str = "random",
    batch: int = 32,
    cond: Callable[[Any, int], Any] | None = None,
    tick: Callable[[int], None] | None = None,
) -> Float[np.ndarray, " n"]:
    """Return the distances between the images of n pairs of random codes; their mean is the diversity.

    Args:
        g: Generator; of conditional ones both images of a pair have one condition.
        distance: Such as `perceptual(network)`.
        key: Random key.
        n: How many pairs.
        psi: Truncation.
        noise: Noise mode.
        batch: Pairs at a time.
        cond, tick: As for `path_length`.

    Source: Zhu et al., "Toward Multimodal Image-to-Image Translation", 2017, section 5.2: the mean LPIPS distance of
    random pairs of outputs.
    """

    def pair(i: int) -> Any:
        draw, noise_key, labels = jax.random.split(jax.random.fold_in(key, i), 3)
        a = g.sample(draw, batch, None if cond is None else cond(labels, batch))
        b = g.sample(jax.random.fold_in(draw, 1), batch, a.cond)
        keys = jax.random.split(noise_key)
        x, y = (seen(g(c, psi=psi, noise=noise, key=k), False) for c, k in zip((a, b), keys, strict=True))
        return distance(x, y)

    return gathered(pair, n, batch, tick)


def trimmed_mean(values: Float[np.ndarray, " n"]) -> float:
    """Return the mean of the values between the 1st and the 99th percentile, as path lengths are averaged."""
    return float(trimmed(values).mean())


def trimmed(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " m"]:
    """Return the values between the 1st percentile, rounded down to a value, and the 99th, rounded up."""
    values = np.asarray(values, np.float64)
    low = np.percentile(values, 1, method="lower")
    high = np.percentile(values, 99, method="higher")
    return values[(values >= low) & (values <= high)]


def straight(a: Float[Array, "n d"], b: Float[Array, "n d"], t: Float[Array, " n"]) -> Float[Array, "n d"]:
    return a + (b - a) * t.reshape(-1, *[1] * (a.ndim - 1))


def arc(a: Float[Array, "n d"], b: Float[Array, "n d"], t: Float[Array, " n"]) -> Float[Array, "n d"]:
    """Return the code at t: its direction is on the arc from a's to b's, its length on the line from a's to b's.

    Written by the direction at a right angle to a, so that a step of 1e-4 keeps its digits.
    """
    shape, a, b, t = a.shape, a.reshape(len(a), -1), b.reshape(len(b), -1), t[:, None]
    length_a, length_b = (jnp.linalg.norm(x, axis=1, keepdims=True) for x in (a, b))
    a, b = a / length_a, b / length_b
    cosine = jnp.sum(a * b, 1, keepdims=True)
    across = b - cosine * a
    sine = jnp.linalg.norm(across, axis=1, keepdims=True)
    angle = t * jnp.arctan2(sine, cosine)
    direction = a * jnp.cos(angle) + across / jnp.maximum(sine, 1e-12) * jnp.sin(angle)
    return (direction * (length_a + (length_b - length_a) * t)).reshape(shape)


@partial(jax.jit, static_argnames="crop")
def seen(images: Float[Array, "n h w c"], crop: bool) -> Float[Array, "n h2 w2 c"]:
    """Crop, and average down to at most 256 pixels a side."""
    n, side, _, channels = images.shape
    if crop:
        eighth = side // 8
        images = images[:, 3 * eighth : 7 * eighth, 2 * eighth : 6 * eighth]
    factor = max(side // LARGEST, 1)
    height, width = (s // factor for s in images.shape[1:3])
    images = images[:, : height * factor, : width * factor]
    return images.reshape(n, height, factor, width, factor, channels).mean((2, 4))


def gathered(pair: Callable[[int], Any], n: int, batch: int, tick: Callable[[int], None] | None) -> np.ndarray:
    """Compute batches of distances until there are n."""

    def values() -> Iterator[np.ndarray]:
        for i in range(-(-n // batch)):
            found = np.asarray(pair(i), np.float64)[: n - i * batch]
            if tick:
                tick(len(found))
            yield found

    return np.concatenate(list(values()))
