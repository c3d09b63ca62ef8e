"""What the moves of a generator and a discriminator share: drawing images, judging them, and moving the buffers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxgan.core import Code, Generator, Network
from jaxgan.core.generator import Arch
from jaxgan.core.network import initialise
from jaxgan.training.ada import Ada, adapt, observe, opening
from jaxgan.training.augment import PIPES, augment


class Opponents(NamedTuple):
    """Two networks in training; every function threads the statistics, in which the buffers lie.

    Args:
        labels: `labels(batch, key) -> cond or None`: the batch's labels in random order, for generated images.
        draw: `draw(params, stats, n, cond, key) -> (images, stats)`.
        judge: `judge(params, stats, images, cond, key) -> (logits, stats)`, behind the augmentation.
        score: `score(params, stats, cond, key) -> images -> logits`, for gradient penalties: what it moves is dropped.
        seen: `seen(stats, real logits) -> stats`, what adaptive augmentation goes by.
        finish: For `game`.
        stats: Initial statistics, for `game`.
    """

    labels: Callable
    draw: Callable
    judge: Callable
    score: Callable
    seen: Callable
    finish: Callable
    stats: dict[str, Any]


def opponents(
    arch: Arch, discriminator: Callable[[Any], Network], ada: Ada | None = None, noise: float = 0.0
) -> Opponents:
    """Pit a generator against a discriminator.

    Networks with buffers (batch normalisation, spectral norms) run as in training, and every call moves them.

    Args:
        arch: The generator.
        discriminator: key -> Network.
        ada: Adaptive augmentation in front of the discriminator, or None.
        noise: Standard deviation of normal noise on all images that the discriminator sees.
    """
    pipe = PIPES[ada.pipe] if ada else None
    network = jax.eval_shape(discriminator, jax.random.key(0))
    moving = bool(jax.tree.leaves(network.buffers))

    def labels(batch, key):
        return jax.random.permutation(key, batch["label"]) if arch.classes else None

    def draw(params, stats, n, cond, key):
        of_code, of_noise = jax.random.split(key)
        g, space = Generator(params["G"], stats["buffers"]["G"], arch), arch.stages[0].source
        code = Code(arch.prior(of_code, (n, *arch.shape(space))), space, cond)
        images, buffers = g.in_training(code, noise="random", key=of_noise)
        return images, kept(stats, "G", buffers)

    def judge(params, stats, images, cond, key):
        if pipe is not None:
            images = augment(images, key, stats["ada"]["p"], pipe)
        if noise:
            images = images + noise * jax.random.normal(jax.random.fold_in(key, 1), images.shape)
        d = network.replace(params=params["D"], buffers=stats["buffers"]["D"])
        if not moving:
            return d(images, cond), stats
        logits, buffers = d.in_training(images, cond)
        return logits, kept(stats, "D", buffers)

    def score(params, stats, cond, key):
        return lambda images: judge(params, stats, images, cond, key)[0]

    def seen(stats, real):
        return {**stats, "ada": observe(stats["ada"], real)} if ada else stats

    def finish(stats, step, size):
        if ada is None:
            return stats, {}
        new = adapt(stats["ada"], ada, step, size)
        return {**stats, "ada": new}, {"ada/p": new["p"]}

    return Opponents(labels, draw, judge, score, seen, finish, {"ada": opening(ada)} if ada else {})


def kept(stats: dict, name: str, buffers: Any) -> dict:
    """Put a network's buffers into the statistics."""
    return {**stats, "buffers": {**stats["buffers"], name: buffers}}


def given(batch: dict, classes: int) -> Any:
    """Return the labels of the real images, or None in an unconditional game."""
    return batch["label"] if classes else None


def discriminator_of(family: Any, key, *, rows: int = 1, **config: Any) -> Network:
    """Draw a family's discriminator, and describe it as its file will.

    Args:
        family: Module of `models`.
        key: Random key.
        rows: Images that it is drawn for: as many as the groups of its minibatch statistics need.
        **config: Arguments of the family's `discriminator`.
    """
    side, classes = config["resolution"], config.get("classes", 0)
    images = jnp.zeros((rows, side, side, config["channels"]))
    cond = jnp.zeros((rows, classes)) if classes else None
    described = tuple(sorted(config.items()))
    module = family.discriminator(**config)
    return initialise(module, key, images, cond, name=f"{family.NAME}.discriminator", config=described)
