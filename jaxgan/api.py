"""The verbs: thin calls that check what comes in and hand it to the nouns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from jaxgan import io
from jaxgan.core.code import Code
from jaxgan.core.directions import Directions
from jaxgan.core.generator import Generator, check
from jaxgan.editing import Edit
from jaxgan.features import random_features
from jaxgan.inversion import Found, Inverter
from jaxgan.metrics import collect, frechet
from jaxgan.training import Files, Outcome, Recipe, run

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


def edit(g: Generator, code: Code, how: Edit) -> Code:
    """Apply an edit to codes.

    Args:
        g: Generator that the codes belong to.
        code: Codes.
        how: Edit, such as `editing.move(directions, by=2.0)`.
    """
    check(g, code)
    changed = how(g, code)
    if not isinstance(changed, Code):
        raise TypeError(f"An edit maps (generator, code) to a Code, this one gave {type(changed).__name__}.")
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
    files = Files(io.save, io.load, io.save_grid)
    return run(recipe, folder, files, resume=resume, devices=devices, figure=figure, samples=samples)


def frechet_judge(recipe: Recipe, images: int = 2048, batch: int = 64) -> Callable[[Generator], float]:
    """Return a judge for `train`: the Fréchet distance of random features between the data and a generator's images.

    The real images are looked at once, when it is first called; the codes are the same at every call.

    Args:
        recipe: What is trained; its data are what generators are compared with.
        images: How many of each, rounded up to whole batches.
        batch: Images at a time.

    Returns:
        Generator to figure, lower is better; comparable at equal data and number of images only.
    """
    count = -(-images // batch)
    features, real = random_features(), []

    def judge(g: Generator) -> float:
        if not real:
            some = islice(replace(recipe, batch=batch, workers=0).batches(start=0), count)
            real.append(collect((b["image"] for b in some), features))
        drawn = (generate(g, batch, key=jax.random.key(i)) for i in range(count))
        return frechet(real[0], drawn, features)

    return judge


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
