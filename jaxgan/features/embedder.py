"""Embedders: what sees images and reads phrases, and says by unit vectors how near they are to each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jax.numpy as jnp
from jax.tree_util import Partial
from jaxtyping import Array, Float

from jaxgan.core.network import Network

# Ways to write of a thing: a phrase's direction is the mean over them, which depends less on the wording of one.
PROMPTS = (
    "{}",
    "a photo of {}",
    "a photograph of {}",
    "a close-up of {}",
    "a clear picture of {}",
    "a blurry picture of {}",
    "a dark picture of {}",
    "a bright picture of {}",
    "a small picture of {}",
    "a cropped picture of {}",
    "a drawing of {}",
    "a rendering of {}",
)
FAINT = 1e-5  # length below which a difference of unit vectors is float32's rounding


class Embedder(Protocol):
    """Two functions into one space; lengths do not matter.

    `image`: images [N, H, W, C] in [-1, 1] to vectors [N, E]; a `Network` or a `Partial` with its arrays as leaves, so
    that nothing is compiled in. `text`: phrases to vectors [K, E].
    """

    def image(self, images: Any, /) -> Any: ...

    def text(self, phrases: Sequence[str], /) -> Any: ...


@dataclass(frozen=True)
class Pair:
    """An embedder of two functions of your own.

    Args:
        image: Images [N, H, W, C] in [-1, 1] to vectors [N, E].
        text: Phrases to vectors [K, E].
    """

    image: Callable[[Any], Any]
    text: Callable[[Sequence[str]], Any]


def seeing(embedder: Embedder) -> Callable[[Any], Any]:
    """Return the embedder's image function as a pytree: arrays of a Network stay arguments of compiled programs."""
    see = embedder.image
    return see if isinstance(see, (Network, Partial)) else Partial(see)


def unit(vectors: Float[Array, "*n e"]) -> Float[Array, "*n e"]:
    """Scale vectors to length one; those fainter than rounding shrink to nothing instead of becoming noise."""
    length = jnp.sqrt(jnp.maximum(jnp.square(vectors).sum(-1, keepdims=True), FAINT**2))
    return vectors / length


def phrases(embedder: Embedder, texts: str | Sequence[str], templates: Sequence[str] = PROMPTS) -> Float[Array, "k e"]:
    """Embed texts as unit vectors, each as the mean over templates.

        t = unit(mean_p unit(text(p with the text in place of {})))

    Args:
        embedder: Reads phrases.
        texts: K of them, or one.
        templates: Phrases with a {} for the text; ("{}",) takes texts as they are.

    Returns:
        [K, E].

    Raises:
        ValueError: A template has no place for the text, or there are no texts or templates.

    Source: Radford et al., "Learning Transferable Visual Models From Natural Language Supervision" (2021), section
    3.1.4. Different: templates of our own.
    """
    texts = (texts,) if isinstance(texts, str) else tuple(texts)
    wrong = [t for t in templates if "{}" not in t]
    if wrong or not texts or not templates:
        raise ValueError(
            f"Template {wrong[0]!r} has no {{}} for the text." if wrong else "Give at least one text and one template."
        )
    written = [template.replace("{}", text) for text in texts for template in templates]
    vectors = unit(jnp.asarray(embedder.text(written), jnp.float32))
    return unit(vectors.reshape(len(texts), len(templates), -1).mean(1))
