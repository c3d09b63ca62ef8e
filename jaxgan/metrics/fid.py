"""Fréchet distance between two sets of images, by the Gaussians that fit their features."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager

import numpy as np
from jaxtyping import ArrayLike, Float

from jaxgan.core.moments import Moments
from jaxgan.metrics.bootstrap import draws
from jaxgan.metrics.stream import Features, observe


def frechet_distance(a: Moments, b: Moments) -> float:
    """Return the squared Fréchet (2-Wasserstein) distance between the Gaussians with these moments.

        |mean_a - mean_b|^2 + tr(C_a) + tr(C_b) - 2 tr((C_a C_b)^(1/2))

    The trace of the root is the sum of the singular values of C_a^(1/2) C_b^(1/2), with symmetric roots: real by
    construction and exact also where the covariances are singular (fewer images than features). In float64.

    Args:
        a: Moments of one set's features.
        b: Moments of the other's.

    Raises:
        ValueError: If a set has fewer than two members, a feature is not finite, or the widths differ.

    Source: Heusel et al., "GANs Trained by a Two Time-Scale Update Rule...", 2017, eq. 6.
    """
    for name, m in (("first", a), ("second", b)):
        if int(m.count) < 2:
            raise ValueError(f"The {name} set has {int(m.count)} images; a covariance needs at least 2.")
        if not (np.isfinite(m.mean).all() and np.isfinite(m.m2).all()):
            raise ValueError(f"The {name} set has features that are not finite; look for NaN in its images.")
    if a.mean.shape != b.mean.shape:
        raise ValueError(f"The sets have {a.mean.size} and {b.mean.size} features; use one feature network for both.")
    mean_a, cov_a = as_float64(a)
    mean_b, cov_b = as_float64(b)
    with one_thread():
        overlap = np.linalg.svd(symmetric_root(cov_a) @ symmetric_root(cov_b), compute_uv=False).sum()
    distance = np.square(mean_a - mean_b).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * overlap
    return float(max(distance, 0.0))


def one_thread() -> AbstractContextManager:
    """Hold NumPy's linear algebra to one thread.

    While a training run keeps the cores busy, OpenBLAS's threads wait for each other: an eigendecomposition of 736
    features was measured at 15 s with four threads and 0.08 s with one.
    """
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, "blas")


def as_float64(m: Moments) -> tuple[np.ndarray, np.ndarray]:
    """Return mean [D] and unbiased covariance [D, D] on the host, both halves of each number added."""
    mean = np.asarray(m.mean, np.float64) + np.asarray(m.mean_low, np.float64)
    m2 = np.asarray(m.m2, np.float64) + np.asarray(m.m2_low, np.float64)
    return mean, m2 / (int(m.count) - 1)


def symmetric_root(c: np.ndarray) -> np.ndarray:
    """Return the symmetric positive root of a covariance [D, D]; eigenvalues that rounding made negative count as 0."""
    values, vectors = np.linalg.eigh((c + c.T) / 2)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def frechet_of_vectors(a: Float[np.ndarray, "m d"], b: Float[np.ndarray, "n d"]) -> float:
    """Return the Fréchet distance of two sets of features, in float64 throughout.

        tr((C_a C_b)^(1/2)) = sum of the singular values of A B^T / sqrt((m - 1) (n - 1)),   A, B centred

    Sets with fewer members than features have singular covariances. Of streamed moments these carry float32's rounding,
    whose root is some 1e-5 of the distance; here nothing of the kind is left.

    Args:
        a: Features of one set [M, D].
        b: Features of the other [N, D].

    Raises:
        ValueError: As `frechet_distance`.
    """
    a, b = (np.asarray(x, np.float64) for x in (a, b))
    for name, x in (("first", a), ("second", b)):
        if len(x) < 2:
            raise ValueError(f"The {name} set has {len(x)} images; a covariance needs at least 2.")
        if not np.isfinite(x).all():
            raise ValueError(f"The {name} set has features that are not finite; look for NaN in its images.")
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"The sets have {a.shape[1]} and {b.shape[1]} features; use one feature network for both.")
    apart = np.square(a.mean(0) - b.mean(0)).sum()
    a, b = ((x - x.mean(0)) / np.sqrt(len(x) - 1) for x in (a, b))
    if min(len(a), len(b)) > a.shape[1]:
        cov_a, cov_b = a.T @ a, b.T @ b
        with one_thread():
            overlap = np.linalg.svd(symmetric_root(cov_a) @ symmetric_root(cov_b), compute_uv=False).sum()
    else:
        across = a @ b.T if len(a) <= len(b) else b @ a.T
        square = across @ across.T
        with one_thread():
            overlap = np.sqrt(np.maximum(np.linalg.eigvalsh(square), 0)).sum()
    return float(max(apart + np.square(a).sum() + np.square(b).sum() - 2 * overlap, 0.0))


def frechet_error(real: Moments, vectors: Float[np.ndarray, "n d"], replicates: int, rng: np.random.Generator) -> float:
    """Return the standard error of the Fréchet distance over the draw of generated images; the real set stands.

    The distance is computed again for `replicates` sets drawn with replacement from the generated ones. Such sets
    have fewer distinct members, which shifts their distances all alike; only their spread is used.

        C = Y^T Y / (n - 1),   tr((C_r C)^(1/2)) = sum of the singular values of Y C_r^(1/2) / sqrt(n - 1)

    Args:
        real: Moments of the real features.
        vectors: Features of the generated images [N, D].
        replicates: How many sets.
        rng: Draws them.

    Source: Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979.
    """
    mean, cov = as_float64(real)
    with one_thread():
        root = symmetric_root(cov)
    x = np.asarray(vectors, np.float64) - mean
    seen, n = x @ root, len(x)
    distances = []
    for counts in draws(rng, n, replicates):
        rows = counts > 0
        weight = counts[rows, None]
        centre = (weight * x[rows]).sum(0) / n
        spread = np.square(x[rows] - centre) * weight
        y = np.sqrt(weight) * (seen[rows] - centre @ root)
        square = y @ y.T if len(y) < y.shape[1] else y.T @ y
        with one_thread():
            values = np.linalg.eigvalsh(square)
        overlap = np.sqrt(np.maximum(values, 0)).sum() / np.sqrt(n - 1)
        distances.append(np.square(centre).sum() + np.trace(cov) + spread.sum() / (n - 1) - 2 * overlap)
    return float(np.std(distances, ddof=1))


def collect(images: Iterable[Float[ArrayLike, "n h w c"]], features: Features) -> Moments:
    """Stream batches of images through a feature network and return the moments of its features.

    A smaller last batch is padded to the size of the first, so that one program is compiled.

    Args:
        images: Batches [N, H, W, C] in [-1, 1].
        features: Network (or function) from a batch to vectors [N, D].

    Raises:
        ValueError: If there are no images.
    """
    return observe(images, features, keep=False).moments


def frechet(
    real: Moments | Iterable[Float[ArrayLike, "n h w c"]],
    fake: Moments | Iterable[Float[ArrayLike, "n h w c"]],
    features: Features,
) -> float:
    """Return the Fréchet distance between real and generated images in the space of a feature network.

    A figure is comparable with others of the same features, resolution and number of images only; report it under
    `figure_name(features)`. FID means Inception's features and 50,000 images.

    Args:
        real: Batches of images [N, H, W, C] in [-1, 1], or what `collect` returned for them, to be used again.
        fake: The same of generated images.
        features: Network from images to vectors [N, D]: `jaxgan.features.random.random_features()`,
            `jaxgan.io.load_squeezenet(path)`.

    Example:
        >>> features = jg.features.random_features()
        >>> real = jg.metrics.collect(photos, features)
        >>> figure = jg.metrics.frechet(real, (g(g.sample(k, 64)) for k in jax.random.split(key, 16)), features)
    """
    real, fake = (s if isinstance(s, Moments) else collect(s, features) for s in (real, fake))
    return frechet_distance(real, fake)


def figure_name(features: Features, figure: str = "frechet") -> str:
    """Return the name to report a figure under: "frechet_random", "kernel_squeezenet", "precision_random".

    "fid" and "kid" are figures of Inception's published weights only; with another resizing than the original one they
    say so: "fid_clean", "fid_pytorch".

    Args:
        features: The feature network.
        figure: "frechet", "kernel", or any other word.
    """
    judge = judge_name(features)
    network, _, rest = judge.partition("_")
    if figure in OWN and network == "inception" and rest in ("", "clean", "pytorch"):
        return "_".join([OWN[figure], *filter(None, [rest])])
    return f"{figure}_{judge}"


def judge_name(features: Features) -> str:
    """Return the word for a feature network in the names of figures: "random" of "features.random"."""
    return (getattr(features, "name", "") or getattr(features, "__name__", "features")).rpartition(".")[2]


# What figures of the published Inception are called.
OWN = {"frechet": "fid", "kernel": "kid", "score": "inception_score"}
