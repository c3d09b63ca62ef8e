"""Objectives of edits by text: an image shall be what a text says, and its code stay near where it began."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxgan.core.code import Code
from jaxgan.core.objective import Objective, term
from jaxgan.features.embedder import Embedder, phrases, seeing, unit
from jaxgan.latents.spaces import rows
from jaxgan.losses.degrade import hole, observed
from jaxgan.losses.reconstruct import pixel

LEAST, MOST = 0.7, 0.98  # sides of crops


def text(embedder: Embedder, words: str, *, templates: Sequence[str] = ("{}",), crops: int = 0, key=None) -> Objective:
    """Ask images for what a text says: 1 - cos(e(x), t), in [0, 2]; named "text".

    Args:
        embedder: Sees images and reads phrases: `io.load_clip(...)`, or any `features.embedder.Pair`.
        words: The text.
        templates: Phrases with {} for the text, over which its embedding is averaged.
        crops: So many square crops of 0.7 to 0.98 of the side are looked at instead of the whole image, and averaged;
            the same ones every time. What pleases one crop only is no answer.
        key: Random key of the crops.

    Source: Patashnik et al., "StyleCLIP" (2021), eq. 1, where the published code divides a logit by 100, which is the
    same; crops: Bau et al., "Paint by Word" (2021), as published. Different: there crops are drawn anew at each step.
    """
    if crops and key is None:
        raise ValueError(f"crops={crops} needs key=.")
    boxes = jnp.zeros((0, 3)) if key is None else squares(key, crops)
    return term("text", _text(crops), seeing(embedder), phrases(embedder, words, templates)[0], boxes)


@cache  # one function for each number of crops: a new one would compile anew
def _text(crops: int):
    def distance(see, asked, boxes, images, target, code, generator, prepared) -> Float[Array, " n"]:
        n = len(images)
        looked = cropped(images, boxes).reshape(-1, *images.shape[1:]) if crops else images
        cosine = unit(jnp.asarray(see(looked), jnp.float32)) @ asked
        return 1 - cosine.reshape(-1, n).mean(0)

    return distance


def squares(key, count: int) -> Float[Array, "v 3"]:
    """Draw squares (top, left, side), in sides of an image."""
    of_size, of_place = jax.random.split(key)
    side = jax.random.uniform(of_size, (count, 1), minval=LEAST, maxval=MOST)
    return jnp.concatenate([jax.random.uniform(of_place, (count, 2)) * (1 - side), side], axis=1)


def cropped(images: Float[Array, "n h w c"], boxes: Float[Array, "v 3"]) -> Float[Array, "v n h w c"]:
    """Cut squares (top, left, side, in sides of the image) out of all images and enlarge them to the image's size."""
    size = jnp.array(images.shape[1:3], jnp.float32)

    def one(box):
        scale = jnp.full(2, 1 / box[2])
        return jax.image.scale_and_translate(
            images, images.shape, (1, 2), scale, -box[:2] * size * scale, "linear", antialias=False
        )

    return jax.vmap(one)(boxes)


def painted(
    embedder: Embedder,
    words: str,
    mask: Float[ArrayLike, "h w"],
    key,
    *,
    outside: Objective | None = None,
    inside: float = 100.0,
    keep: float = 5.0,
    crops: int = 32,
) -> Objective:
    """Ask for a text inside a mask and for the image as it was outside, for `editing.paint`.

        inside (1 - cos(e(crops of m x), t)) + keep outside((1 - m) x, (1 - m) x_0)

    Args:
        embedder: As for `text`.
        words: The text.
        mask: 1 where the text is asked [H, W], of the images' size.
        key: Random key of the crops.
        outside: What compares outside the mask; `pixel()` when None. The paper's is mean absolute differences and 10
            times LPIPS, to which `laplacian() + 10 * lpips(network)` comes nearest.
        inside, keep: Weights.
        crops: As for `text`.

    Source: Bau et al., "Paint by Word" (2021), equation 5 and its code.
    """
    area = jnp.asarray(mask, jnp.float32)
    asked = observed(text(embedder, words, crops=crops, key=key), hole(area))
    return inside * asked + keep * observed(outside if outside is not None else pixel(), hole(1 - area))


def near(code: Code) -> Objective:
    """Stay near given codes: the squared distance |c - c_0|^2, summed over all coordinates; named "near".

    Args:
        code: Where the search began: as many codes as images, which are then taken all at once; or one for all. A
            code of a space before the search's is carried there.

    Source: Patashnik et al. (2021), eq. 1; its weight is 0.008 in w+.
    """
    return term("near", _near, code, couples=len(code) > 1)  # a part of the batch would not know whose start is whose


def _near(start, images, target, code, generator, prepared) -> Float[Array, " n"]:
    if code is None or (start.space != code.space and generator is None):
        raise ValueError("near needs the code, and the generator where it began in another space.")
    start = start if start.space == code.space else generator.to(start, code.space)
    if len(start) not in (1, len(code)):
        raise ValueError(f"near knows where {len(start)} codes began, got {len(code)}.")
    return jnp.square(rows(code.value) - rows(start.value)).sum(1)
