"""The verbs: thin calls that check what comes in and hand it to the nouns."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from jaxgan import data as pictures
from jaxgan import dissection, io
from jaxgan import metrics as figures
from jaxgan.core.code import Code
from jaxgan.core.directions import Directions
from jaxgan.core.generator import Generator, check, known
from jaxgan.core.network import Network
from jaxgan.editing import Edit
from jaxgan.features import random_features
from jaxgan.inversion import Found, Inverter
from jaxgan.metrics import Figure, frechet, kernel_distance, observe
from jaxgan.training import Files, Outcome, Recipe, run
from jaxgan.training.cache import user_cache

SLACK = 1.5  # resampling overshoots [-1, 1]; nothing honest goes beyond this


def generate(
    g: Generator,
    code: Code | int,
    *,
    key=None,
    cond=None,
    psi=None,
    cutoff: int | None = None,
    noise: str = "const",
    patches=None,
) -> Float[Array, "n h w c"]:
    """Draw images, clipped to [-1, 1].

    Args:
        g: Generator.
        code: Codes in any of its spaces, or how many to sample (then `key` is needed).
        key: Random key of the samples and of noise "random".
        cond: Condition of the samples, [n, c] or one for all [c]; classes are drawn uniformly when None.
        psi, cutoff: Truncation.
        noise: "const", "random" or "none".
        patches: {tap: array or callable} applied on the way.

    Returns:
        Images [N, H, W, C] float32 in [-1, 1].

    Example:
        >>> import jax, jaxgan as jg
        >>> g = jg.models.stylegan2.arch(resolution=16, channel_base=64, z_dim=8, w_dim=8).init(jax.random.key(0))
        >>> jg.generate(g, 3, key=jax.random.key(1), psi=0.7).shape
        (3, 16, 16, 3)
    """
    if isinstance(code, int):
        if code < 1:
            raise ValueError(f"Asked for {code} images; ask for at least 1.")
        if key is None:
            raise ValueError(f"Sampling {code} codes needs key=jax.random.key(...).")
        key, draw = jax.random.split(key)
        code = g.sample(draw, code, cond)
    elif cond is not None:
        raise ValueError("cond belongs to sampled codes; a given code carries its own: Code(value, space, cond=...).")
    return jnp.clip(g(code, psi=psi, cutoff=cutoff, noise=noise, key=key, patches=patches), -1.0, 1.0)


def invert(g: Generator, images: ArrayLike, how: Inverter, key, *, start: Code | None = None):
    """Find the codes with which the generator draws images.

    Args:
        g: Generator.
        images: Images [N, H, W, C] in [-1, 1] of the generator's size.
        how: Inverter, such as `chain(encode(...), refine(...), tune(...))`.
        key: Random key.
        start: Codes to start from, or None.

    Returns:
        `Found` with `code` and `generator`, and the info with "loss" [steps, N].

    Raises:
        ValueError: If the images do not fit the generator.
    """
    images = jnp.asarray(checked(g, images))
    if start is not None:
        check(g, start)
        if len(start) != len(images):
            raise ValueError(f"start holds {len(start)} codes for {len(images)} images.")
    return how(Found(g, start), images, key)


def discover(g: Generator, finder: Callable[..., Directions], key, k: int = 10) -> Directions:
    """Find k directions of a generator's latent space.

    Args:
        g: Generator.
        finder: Such as `directions.pca(space="w")`.
        key: Random key.
        k: Number of directions.
    """
    if k < 1:
        raise ValueError(f"Asked for {k} directions; ask for at least 1.")
    return finder(g, key, k)


def dissect(
    g: Generator, segmenter: Callable[[Any], Any], key, *, tap: str, samples: int = 1_000, **how: Any
) -> dissection.Report:
    """Find out which units of a generator stand for which concepts.

    Args:
        g: Generator.
        segmenter: Images to masks [N, h, w, concepts], such as `features.segmenter.colours()`.
        key: Random key.
        tap: Activation whose channels are the units; `g.arch.taps` lists them.
        samples: Images.
        **how: Further arguments of `dissection.iou`: q, psi, batch.
    """
    return dissection.iou(g, segmenter, key, tap=tap, samples=samples, **how)


def edit(g: Generator, code: Code, how: Edit, *, bounds: figures.Bounds | None = None) -> Code:
    """Apply an edit to codes.

    Args:
        g: Generator that the codes belong to.
        code: Codes.
        how: Edit, such as `editing.move(directions, by=2.0)`.
        bounds: How far the generator's population reaches, `metrics.bounds(g, key)`: codes that the edit carries beyond
            are told by a `metrics.LeavesPopulation` warning. For codes of inverted photographs, which often lie at the
            border to begin with. Not within a compiled function.
    """
    check(g, code)
    changed = how(g, code)
    if not isinstance(changed, Code):
        raise TypeError(f"An edit maps (generator, code) to a Code, this one gave {type(changed).__name__}.")
    if bounds is not None and not any(isinstance(x, Tracer) for x in jax.tree.leaves((g, code, changed))):
        said = figures.leaving(g, code, changed, bounds)
        if said is not None:
            warnings.warn(said, figures.LeavesPopulation, stacklevel=2)
    return changed


def train(
    recipe: Recipe,
    folder: str | Path,
    *,
    resume: str | Path | None = None,
    devices: Sequence[Any] | None = None,
    figure: Callable[[Generator], float] | None = None,
    samples: int = 64,
) -> Outcome:
    """Train by a recipe in a folder; the same call continues a run that was stopped.

    Args:
        recipe: What to train, such as `training.load_recipe("configs/stylegan2_scenes64.py")`.
        folder: Where checkpoints, models, samples and figures go.
        resume: Another run's folder or a model file to take weights from (transfer learning).
        devices: Devices to divide each batch among; all when None.
        figure: Judges the averaged generator at every checkpoint, lower is better; the best one is kept.
        samples: Images in a grid.

    Returns:
        How it ended; `.generator` is the generator with averaged weights.
    """
    files = Files(io.save, io.load, io.save_grid, io.frozen)
    return run(recipe, folder, files, resume=resume, devices=devices, figure=figure, samples=samples)


def frechet_judge(
    recipe: Recipe, images: int = 2048, batch: int = 64, features: Callable[..., Any] | None = None, by: str = "fid"
) -> Callable[[Generator], float]:
    """Return a judge for `train`: how far a generator's images lie from the data in the space of a feature network.

    The real images are looked at once, when it is first called; the codes are the same at every call, and the
    conditions are the labels of those images.

    Args:
        recipe: What is trained; its data are what generators are compared with.
        images: How many of each, rounded up to whole batches.
        batch: Images at a time.
        features: The feature network; `features.random_features()` if None.
        by: "fid" (Fréchet distance) or "kid" (kernel distance, for few images).

    Returns:
        Generator to figure, lower is better; comparable at equal data, features and number of images only.
    """
    known(by, ("fid", "kid"), "judge")
    count = -(-images // batch)
    network, real, labels = features or random_features(), [], []

    def reals() -> Iterator[np.ndarray]:
        for item in islice(recipe.reals(batch), count):
            labels.append(item.get("label"))
            yield item["image"]

    def judge(g: Generator) -> float:
        if not real:
            real.append(observe(reals(), network, keep=by == "kid"))
        drawn = (generate(g, batch, key=jax.random.key(i), cond=labels[i]) for i in range(count))
        if by == "fid":
            return frechet(real[0].moments, drawn, network)
        return kernel_distance(*(np.asarray(seen.vectors) for seen in (real[0], observe(drawn, network))))

    return judge


def evaluate(
    g: Generator,
    data: str | Path | pictures.Source | None,
    key,
    *,
    metrics: Sequence[str] = ("fid",),
    features: Callable[..., Any] | None = None,
    images: int = 2048,
    reals: int | None = None,
    batch: int = 32,
    psi: float | None = None,
    noise: str = "random",
    distance: Network | None = None,
    crop: bool = False,
    mirror: bool = False,
    bootstrap: int = 20,
    cache: str | Path | bool = True,
    devices: Sequence[Any] | None = None,
    tick: Callable[[str, int, int], None] | None = None,
) -> dict[str, Figure]:
    """Take figures of a generator: how near its images are to the data, how varied, how smooth its latent space.

    Figures are comparable at equal features, resolution, number of images and data only. "fid" is reported as FID only
    if the features are Inception's published ones; else as "frechet_random" and the like.

    Args:
        g: Generator, of any family. Conditions are drawn as often as the data's labels have them; uniformly over the
            classes where the data's labels are others.
        data: Data set, as for `jaxgan.data.source`, or a source; None if no metric compares with data.
        key: Random key of codes, noise and bootstrap.
        metrics: Any of "fid", "kid", "precision_recall", "density_coverage", "inception_score", "ppl" (or "ppl_w_end",
            "ppl_w_full", "ppl_z_end", "ppl_z_full"), "diversity", and of StyleGAN3 "eq_t", "eq_t_frac", "eq_r".
        features: Network from images [N, H, W, C] in [-1, 1] to vectors [N, D]: `io.load_inception(file)`,
            `io.load_squeezenet(file)`, `features.random_features()` (if None), or a classifier of your own: see the
            example. A module with a method `scores(vectors) -> [N, classes]` offers the Inception score too.
        images: How many are drawn; how many pairs and paths.
        reals: How many images of the data; as many as are drawn if None.
        batch: Images at a time.
        psi: Truncation of the images drawn.
        noise: Noise mode: "random" as in published figures, "const" or "none".
        distance: Network by which path lengths and diversity compare, `io.load_lpips(...)`; the features if None.
        crop: Path lengths compare the part of the image where a face is.
        mirror: The data are doubled by their mirror images.
        bootstrap: Sets drawn with replacement for each standard error; 0 for none.
        cache: Folder where what was seen in the data is kept, by content; True for the user's cache, False for none.
        devices: Devices to divide each batch among; all of this process if None.
        tick: Called with what is done, how much of it and of how much, after each batch.

    Returns:
        Figures by name, each with value, standard error, whether lower or higher is better, and number of images.

    Raises:
        ValueError: A metric is unknown, or asks for what the generator, the data or the network does not offer.

    Example:
        >>> import flax.linen as nn, jax.numpy as jnp
        >>> class Classifier(nn.Module):  # a folder's own: features are the last layer but one
        ...     def setup(self):
        ...         self.hidden, self.out = nn.Dense(16), nn.Dense(3)
        ...     def __call__(self, images):
        ...         vectors = nn.relu(self.hidden(images.reshape(len(images), -1)))
        ...         self.out(vectors)
        ...         return vectors
        ...     def scores(self, vectors):
        ...         return self.out(vectors)
        >>> module = Classifier()
        >>> trained = module.init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)))["params"]  # by your training
        >>> mine = jg.Network(trained, {}, module, "features.folder")
        >>> found = jg.evaluate(g, None, jax.random.key(1), metrics=["inception_score"], features=mine, images=20)
        >>> list(found), found["score_folder"].better
        (['score_folder'], 'higher')
    """
    if isinstance(data, (str, Path)):
        labels = "auto" if g.arch.classes else "none"
        data = pictures.source(data, labels=labels, channels=g.arch.channels)
    return figures.evaluate(
        g,
        data,
        key,
        metrics,
        features or random_features(),
        images=images,
        reals=reals,
        batch=batch,
        psi=psi,
        noise=noise,
        distance=distance,
        crop=crop,
        mirror=mirror,
        bootstrap=bootstrap,
        cache=user_cache() / "seen" if cache is True else cache or None,
        devices=jax.local_devices() if devices is None else devices,
        tick=tick,
    )


def checked(g: Generator, images):
    """Return images as float32, or raise a ValueError that says what does not fit the generator."""
    arch = g.arch
    shape = np.shape(images)
    fits = (arch.resolution, arch.resolution, arch.channels)
    if len(shape) == 3 and shape == fits:
        raise ValueError(f"One image of shape {shape}: images come as a batch, give images[None].")
    if len(shape) != 4:
        raise ValueError(f"Images have shape {shape}, {arch.name} draws [N, {', '.join(map(str, fits))}].")
    if shape[0] == 0:
        raise ValueError("There is no image to invert: the batch is empty.")
    if shape[1:] != fits:
        hint = "Resize them first."
        if shape[1] == arch.channels and shape[2:] == fits[:2]:
            hint = "They are channels first: use images.transpose(0, 2, 3, 1)."
        elif shape[1:3] == fits[:2]:
            hint = "Convert them between grey and colour first."
        raise ValueError(
            f"Images are [N, {', '.join(map(str, shape[1:]))}], {arch.name} draws "
            f"[N, {', '.join(map(str, fits))}]. {hint}"
        )
    if jnp.issubdtype(jnp.result_type(images), jnp.integer):
        raise ValueError(f"Images are {jnp.result_type(images)}; give float32 in [-1, 1]: images / 127.5 - 1.")
    if isinstance(images, Tracer):
        return images.astype(jnp.float32)
    images = np.asarray(images, np.float32)
    largest = np.abs(images).max(where=np.isfinite(images), initial=0.0)
    if largest > SLACK:
        hint = "They look like 0 to 255: images / 127.5 - 1." if images.min() >= 0 else "Scale them first."
        raise ValueError(f"Images reach {largest:.4g}, the range is [-1, 1]. {hint}")
    return images
