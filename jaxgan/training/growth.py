"""Progressive growing: which resolution, batch and step size a run has at which image, and how its networks fade.

The state of a run that grows has the same arrays from the first step to the last, so that its checkpoints are ordinary
ones; only the resolution of the batches changes, and with it the compiled step. Everything else follows from the
number of images seen, which is in the state.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.nn.growing import fade_images, resolutions
from jaxgan.training.game import Opening
from jaxgan.training.settings import Adam


@dataclass(frozen=True)
class Growth:
    """Schedule of a run that grows.

    Args:
        first: Side of the images at the beginning; the full side means that nothing grows.
        stable_kimg: Thousands of images that each resolution is trained before the next one is faded in.
        fade_kimg: Thousands of images in which it is faded in.
        batches: (resolution, images per step) where it is not the recipe's batch.
        lrs: (resolution, step size) where it is not the recipe's `adam.lr`.
    """

    first: int = 4
    stable_kimg: float = 600.0
    fade_kimg: float = 600.0
    batches: tuple[tuple[int, int], ...] = ()
    lrs: tuple[tuple[int, float], ...] = ()

    def starts(self, resolution: int) -> dict[int, int]:
        """Return the image at which each resolution begins to be faded in; the first one is there from image 0 on."""
        stable, fade = self.stable_kimg * 1000, self.fade_kimg * 1000
        return {r: round(i * stable + max(i - 1, 0) * fade) for i, r in enumerate(resolutions(resolution, self.first))}

    def phases(self, resolution: int, batch: int) -> tuple[Phase, ...]:
        """List the phases of a run up to a full resolution.

        Raises:
            ValueError: A resolution that does not occur, or a batch or length that is not possible.
        """
        there = resolutions(resolution, self.first)
        if self.first < 4 or there[-1] != resolution or self.first & (self.first - 1):
            raise ValueError(
                f"growth.first is {self.first}, needed is a power of two from 4 to the resolution {resolution}."
            )
        if min(self.stable_kimg, self.fade_kimg) < 0 or (len(there) > 1 and not self.stable_kimg + self.fade_kimg):
            raise ValueError(f"Phases of {self.stable_kimg:g} and {self.fade_kimg:g} kimg: both must be 0 or more.")
        for name, pairs in (("batches", self.batches), ("lrs", self.lrs)):
            for r, value in pairs:
                if r not in resolutions(1 << 20) or not value > 0:
                    raise ValueError(f"growth.{name} has ({r}, {value}); needed are powers of two from 4, and above 0.")
        found, step, image = [], 0, 0
        for r, start in self.starts(resolution).items():
            if found:
                steps = max(math.ceil((start - image) / found[-1].batch), 0)
                step, image = step + steps, image + steps * found[-1].batch
            found.append(Phase(r, dict(self.batches).get(r, batch), step, image))
        return tuple(p for p, after in zip(found, [*found[1:], None]) if after is None or after.step > p.step)

    def fade(self, resolution: int, r: int, images: Any) -> Any:
        """Return how much of the previous resolution still shows at resolution r after so many images, 1 to 0."""
        if r == self.first or not self.fade_kimg:
            return jnp.zeros(())
        passed = (images - self.starts(resolution)[r]) / (self.fade_kimg * 1000)
        return jnp.clip(1.0 - passed, 0.0, 1.0).astype(jnp.float32)


# Of smoke runs, 16 pixels that grow from 8.
TINY = Growth(first=8, stable_kimg=0.016, fade_kimg=0.024)


class Phase(NamedTuple):
    """A part of a run with one resolution and one batch.

    Args:
        resolution: Side of the images.
        batch: Images per step.
        step: Its first step.
        image: Images seen before it.
    """

    resolution: int
    batch: int
    step: int = 0
    image: int = 0


def beginning(growth: Growth, resolution: int, adam: Adam) -> Callable:
    """Begin each step of a game that grows: fade the networks and the real images, and renew the optimizers.

    The networks "G" and "D" get their buffer `fade`, wherever it stands. The images' own resolution says how far the
    run has grown. Optimizers start anew when a resolution begins to be faded in and when it is there, since both the
    loss and the parameters in use change.

    Returns:
        `begin(stats, batch, images) -> Opening`, for `training.game.game`; stats["growth"] is from `opening_stats`.

    Source: PGGAN, section 2 and appendix A, and the published training loop of StyleGAN. Different: lod is adjusted at
    every step, not at every fourth, and a new resolution begins with the first step at or after its mark.
    """
    lrs, order = dict(growth.lrs), resolutions(resolution, growth.first)

    def begin(stats, batch, images) -> Opening:
        side = batch["image"].shape[1]
        if side not in order:
            raise ValueError(f"Images have {side} pixels a side; this run grows through {', '.join(map(str, order))}.")
        fade = growth.fade(resolution, side, images)
        # Odd: a resolution that is all there; even: one that is being faded in.
        stage = (2 * order.index(side) + (fade <= 0)).astype(jnp.int32)
        own = {"stage": stage, "lod": jnp.int32(lod_of(resolution, side)), "fade": fade}
        buffers = {name: with_fade(tree, fade) for name, tree in stats["buffers"].items()}
        if side != growth.first:
            batch = {**batch, "image": fade_images(batch["image"], fade)}
        fresh = stage != stats["growth"]["stage"]
        return Opening({**stats, "buffers": buffers, "growth": own}, batch, fresh, lrs.get(side, adam.lr) / adam.lr)

    return begin


def opening_stats(growth: Growth, resolution: int) -> dict[str, Any]:
    """Return what the statistics of a game that grows hold besides those of its family."""
    lod = jnp.int32(lod_of(resolution, growth.first))
    return {"growth": {"stage": jnp.int32(1), "lod": lod, "fade": jnp.zeros(())}}


def lod_of(resolution: int, side: int) -> int:
    """Halvings between two sides."""
    return (resolution // side).bit_length() - 1


def grown(stats: Any) -> int:
    """Return how many of the highest resolutions a run does not use yet; outside of compiled functions only."""
    lod = stats["growth"]["lod"]
    return int(np.asarray(lod.addressable_data(0) if isinstance(lod, jax.Array) else lod))


def as_grown(model: Any, classes: int) -> Callable:
    """Show the networks with the resolutions that a run uses so far: `at` of `training.game.game`.

    Args:
        model: The family's settings, with `arch(classes, lod=)` and `discriminator(key, classes, lod)`.
        classes: Width of the labels.
    """

    def at(name, part, stats):
        lod = grown(stats)
        if name == "G":
            return part.replace(arch=model.arch(classes, lod=lod))
        return jax.eval_shape(lambda key: model.discriminator(key, classes, lod), jax.random.key(0))

    return at


def with_fade(tree: Any, fade: Any) -> Any:
    """Put a value into the buffers named `fade` of a tree of dicts."""
    if not isinstance(tree, Mapping):
        return tree
    return {name: fade if name == "fade" else with_fade(branch, fade) for name, branch in tree.items()}


def check_batches(growth: Growth, resolution: int, batch: int, group: int, parts: int) -> None:
    """Check the schedule, and that the groups of the minibatch standard deviation divide the batch of every phase."""
    for phase in growth.phases(resolution, batch):
        share = phase.batch // parts
        if phase.batch % parts or share % min(group, share):
            raise ValueError(
                f"At {phase.resolution} pixels the batch {phase.batch} is not divisible by the minibatch-stddev group "
                f"{group}{f' in {parts} parts' * (parts > 1)}."
            )
