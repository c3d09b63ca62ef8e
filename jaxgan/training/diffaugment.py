"""DiffAugment: a few strong differentiable augmentations that always fire, for training sets of a few hundred images.

Beside adaptive augmentation: no strength is adapted, since every real and every generated image is augmented. A recipe
asks for it by `diffaugment="color,translation,cutout"`; to the games it is one more pipe of `augment`.

Source: Zhao et al., "Differentiable Augmentation for Data-Efficient GAN Training" (2020), section 3.2 and the published
code.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxgan.core.generator import known
from jaxgan.training.ada import Ada

BRIGHTNESS, SATURATION, CONTRAST = 0.5, 1.0, 0.5  # half-widths of the uniform draws: about 0, 1 and 1
SHIFT, CUT = 8, 2  # shifts by up to an eighth of the side, boxes of half the side


@dataclass(frozen=True)
class DiffAugment:
    """A policy: which of "color", "translation" and "cutout" are applied, in this order."""

    policy: tuple[str, ...]

    def __call__(
        self, images: Float[Array, "n h w c"], key: Key[Array, ""], p: float | Float[Array, ""] = 1.0
    ) -> Float[Array, "n h w c"]:
        """Augment a batch, every sample with its own draws.

        Pure and differentiable; what leaves the image is 0, grey.

        Args:
            images: [N, H, W, C] in [-1, 1].
            key: Typed key.
            p: Probability of each augmentation, for each sample; the published one is 1.
        """
        for i, name in enumerate(self.policy):
            draw, fire = jax.random.split(jax.random.fold_in(key, i))
            chosen = jax.random.uniform(fire, (len(images), 1, 1, 1)) < p
            images = jnp.where(chosen, AUGMENTATIONS[name](images, draw), images)
        return images


def recolor(images, key):
    """Change brightness, saturation and contrast: x + b, then about the pixel's mean, then about the image's.

    b ~ U(-0.5, 0.5), both factors from U(0, 2) and U(0.5, 1.5).
    """
    keys = jax.random.split(key, 3)
    draw = lambda i, width: width * jax.random.uniform(keys[i], (len(images), 1, 1, 1), minval=-1.0)
    images = images + draw(0, BRIGHTNESS)
    grey = images.mean(3, keepdims=True)
    images = grey + (images - grey) * (1 + draw(1, SATURATION))
    level = images.mean((1, 2, 3), keepdims=True)
    return level + (images - level) * (1 + draw(2, CONTRAST))


def translate(images, key):
    """Shift by whole pixels, up to an eighth of the side in each direction; 0 comes in."""
    n, h, w, c = images.shape
    most = (h // SHIFT, w // SHIFT)
    keys = jax.random.split(key)
    start = [jax.random.randint(k, (n,), 0, 2 * m + 1) for k, m in zip(keys, most, strict=True)]
    padded = jnp.pad(images, ((0, 0), (most[0],) * 2, (most[1],) * 2, (0, 0)))
    return jax.vmap(lambda x, i, j: jax.lax.dynamic_slice(x, (i, j, 0), (h, w, c)))(padded, *start)


def cut_out(images, key):
    """Set a box of half the side to 0, its centre anywhere in the image."""
    n, h, w, _ = images.shape
    inside = jnp.ones((n, 1, 1, 1), bool)
    for side, shape, k in zip((h, w), ((n, h, 1, 1), (n, 1, w, 1)), jax.random.split(key), strict=True):
        box, at = side // CUT, jnp.arange(side)
        first = jax.random.randint(k, (n, 1), 0, side + 1 - box % 2) - box // 2
        inside &= ((at >= first) & (at < first + box)).reshape(shape)
    return jnp.where(inside, 0.0, images)


AUGMENTATIONS = {"color": recolor, "translation": translate, "cutout": cut_out}


def policy(words: str) -> tuple[str, ...]:
    """Read a policy such as "color,translation,cutout", the published one; the order of the words does not count."""
    names = [word.strip() for word in words.split(",")]
    for name in names:
        known(name, tuple(AUGMENTATIONS), "augmentation")
    return tuple(name for name in AUGMENTATIONS if name in names)


def fixed(words: str) -> Ada:
    """Return the settings by which games apply a policy: its pipe, always, with nothing that adapts."""
    return Ada(pipe="diffaugment:" + ",".join(policy(words)), target=None, initial=1.0)


# As pipes of `augment`, by the names that `fixed` gives.
POLICIES = {
    "diffaugment:" + ",".join(names): DiffAugment(names)
    for count in range(1, len(AUGMENTATIONS) + 1)
    for names in combinations(AUGMENTATIONS, count)
}
