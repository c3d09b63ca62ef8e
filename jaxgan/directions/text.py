"""StyleCLIP's global directions: what single channels of s do to an image's embedding, and which of it a text asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Float

from jaxgan.core.code import Code
from jaxgan.core.directions import Directions
from jaxgan.core.generator import Generator, fingerprint
from jaxgan.directions.stylespace import eligible, flat
from jaxgan.features.embedder import PROMPTS, Embedder, phrases, seeing, unit
from jaxgan.latents import stats
from jaxgan.latents.spaces import rows, unrows

PUSH = 5.0  # sigmas


@struct.dataclass
class ChannelEffects:
    """What each channel of s does to the embedding of an image: the part of a global direction that needs no text.

    Args:
        vectors: [C, E], of length at most 1: how alike the effect is from image to image; 0 for a channel that does
            nothing, or was not looked at.
        sigma: Standard deviation of each channel over the population [C].
        meta: Provenance as sorted pairs: generator fingerprint, images, push, layers (static).
    """

    vectors: Any
    sigma: Any
    meta: tuple = struct.field(pytree_node=False, default=())

    if TYPE_CHECKING:  # struct.dataclass adds it

        def replace(self, **changes: Any) -> ChannelEffects: ...


def channel_effects(
    g: Generator,
    embedder: Embedder,
    key,
    *,
    layers: Iterable[int] | None = None,
    images: int = 100,
    push: float = PUSH,
    samples: int = stats.SAMPLES,
    batch: int = 64,
    progress: Callable[[int, int], None] | None = None,
) -> ChannelEffects:
    """Measure the effect of every channel of s on the embedding: once for a generator, for any number of texts.

        e_c = unit(mean_n unit(e(G(s_n: s_c = mean_c + push sigma_c)) - e(G(s_n: s_c = mean_c - push sigma_c))))

    It draws 2 * images pictures for each channel: hours for 6,000 channels at 1024 pixels, minutes for hundreds at 64.

    Args:
        g: Generator with "s".
        embedder: Sees images; vectors are brought to unit length.
        key: Random key.
        layers: Layers of s whose channels are looked at; all but those of toRGB when None. The paper leaves out the
            finest too, beyond 128 pixels.
        images: Pictures that each channel is pushed in.
        push: How far, in standard deviations from the mean.
        samples: Codes behind mean and deviation.
        batch: Pictures drawn at a time.
        progress: Called with the channels done and their number.

    Raises:
        ValueError: The generator has no "s", or not these layers.

    Source: Patashnik et al., "StyleCLIP: Text-Driven Manipulation of StyleGAN Imagery" (2021), section 6, and its code.
    Different: images come to the embedder as it asks for; what is fainter than rounding counts as no effect.
    """
    check(g)
    if images < 1 or batch < 2 or not push > 0:
        raise ValueError(f"images is at least 1, batch at least 2, push above 0; got {images}, {batch} and {push}.")
    draws, calibration = jax.random.split(key)
    mean, sigma = (jnp.asarray(flat(v), jnp.float32) for v in stats.channels(g, calibration, "s", samples))
    allowed = eligible(g, torgb=False) if layers is None else within(g, tuple(layers))
    chosen = np.flatnonzero(allowed & (np.asarray(sigma) > 0))
    see, low, high = seeing(embedder), mean - push * sigma, mean + push * sigma
    base = min(images, batch // 2)
    many = max(1, batch // (2 * base))
    parts = -(-images // base)
    starts = [rows(stats.draw(g, jax.random.fold_in(draws, i), base, "s").value) for i in range(parts)]
    weights = [(i * base + jnp.arange(base) < images).astype(jnp.float32) for i in range(parts)]
    found = []
    for first in range(0, len(chosen), many):
        channels = jnp.asarray(np.resize(chosen[first : first + many], many))
        found.append(sum(pushed(g, see, x, w, channels, low, high) for x, w in zip(starts, weights, strict=True)))
        if progress is not None:
            progress(min(first + many, len(chosen)), len(chosen))
    total = jnp.concatenate(found)[: len(chosen)] / images
    vectors = jnp.zeros((len(allowed), total.shape[1])).at[chosen].set(unit(total))
    meta = {"generator": fingerprint(g), "family": g.arch.name, "images": images, "push": push}
    return ChannelEffects(vectors, sigma, tuple(sorted(meta.items())))


@jax.jit
def pushed(g, see, x, weight, channels, low, high) -> Float[Array, "m e"]:
    """Return the sum over codes of the unit difference that each of m channels makes, low to high."""
    ends = jax.vmap(lambda c: jnp.stack([x.at[:, c].set(high[c]), x.at[:, c].set(low[c])]))(channels)  # [m, 2, N, C]
    drawn = g(Code(unrows(ends.reshape(-1, x.shape[1]), g.arch.shape("s")), "s"))
    seen = unit(jnp.asarray(see(jnp.clip(drawn, -1, 1)), jnp.float32)).reshape(*ends.shape[:3], -1)
    return jnp.einsum("mne,n->me", unit(seen[:, 0] - seen[:, 1]), weight)


def text(
    embedder: Embedder,
    target: str | Sequence[str],
    *,
    neutral: str | Sequence[str] = "a picture",
    beta: float = 0.12,
    templates: Sequence[str] = PROMPTS,
    effects: ChannelEffects | None = None,
    **measure,
):
    """Find for each text the channels of s whose effect on the embedding is what the text asks for.

        t = unit(text(target) - text(neutral)),   r_c = e_c t,   r_c = 0 where |r_c| < beta
        edit: s_c + by * sigma_c r_c / max |r|

    A step of 1 moves the most relevant channel by one of its standard deviations: `by` is the paper's alpha. Where no
    channel reaches beta the direction is 0, and an edit along it changes nothing; meta "channels" tells how many do.

    Args:
        embedder: Sees images and reads phrases: `io.load_clip(...)`, or any `features.embedder.Pair`.
        target: The text, such as "a smiling face"; or several, each of which becomes a direction.
        neutral: What the picture is without it, such as "a face"; one for all, or one each.
        beta: Least relevance of a channel, in [0, 1]: less of it changes more things along.
        templates: Phrases with {} for the text, over which embeddings are averaged.
        effects: What `channel_effects` measured on this generator; measured anew when None.
        **measure: Arguments of `channel_effects`: layers, images, push, samples, batch, progress.

    Returns:
        A finder `(g, key, k) -> Directions` in "s", the first k of the texts, with the texts as names.

    Raises:
        ValueError: When called on another generator than the effects are of.

    Source: Patashnik et al. (2021), section 6. Different: no division by 0 where nothing is relevant.
    """
    targets = (target,) if isinstance(target, str) else tuple(target)
    neutrals = (neutral,) * len(targets) if isinstance(neutral, str) else tuple(neutral)
    if len(neutrals) != len(targets) or not 0 <= beta <= 1:
        raise ValueError(f"Got {len(targets)} texts, {len(neutrals)} neutral ones and beta {beta}, which is in [0, 1].")
    if effects is not None and measure:
        raise ValueError(f"The effects are measured already: leave {', '.join(measure)} out, or effects.")

    def finder(g: Generator, key, k: int) -> Directions:
        check(g)
        held = channel_effects(g, embedder, key, **measure) if effects is None else effects
        if dict(held.meta).get("generator") != fingerprint(g):
            raise ValueError("The channel effects are of another generator: measure them on this one.")
        asked = unit(phrases(embedder, targets[:k], templates) - phrases(embedder, neutrals[:k], templates))  # [K, E]
        relevance = jnp.einsum("ke,ce->kc", asked, held.vectors, precision=jax.lax.Precision.HIGHEST)
        kept = jnp.where(jnp.abs(relevance) >= beta, relevance, 0.0)
        most = jnp.abs(kept).max(1, keepdims=True)
        step = jnp.where(most > 0, kept / jnp.where(most > 0, most, 1.0), 0.0) * held.sigma  # [K, C]
        counts = tuple(int(n) for n in (step != 0).sum(1))
        return directed(g, step, targets[:k], "text", beta=beta, neutral=neutrals[:k], channels=counts)

    return finder


def directed(g: Generator, steps: Float[Array, "k c"], names: Sequence[str], method: str, **meta) -> Directions:
    """Make directions in s of steps [K, C]: an edit of strength 1 is such a step; none of length 0 becomes NaN."""
    length = jnp.linalg.norm(steps, axis=1)
    vectors = steps / jnp.where(length > 0, length, 1.0)[:, None]
    meta = {"method": method, "family": g.arch.name, "generator": fingerprint(g), **meta}
    return Directions(unrows(vectors, g.arch.shape("s")), length, "s", None, tuple(names), tuple(sorted(meta.items())))


def check(g: Generator) -> None:
    """Raise ValueError unless the generator has channels of style."""
    if "s" not in g.spaces:
        raise ValueError(f"Texts choose channels of 's', {g.arch.name} offers {', '.join(g.spaces)}.")


def within(g: Generator, layers: tuple[int, ...]) -> np.ndarray:
    """Tell of each channel of s whether it is of one of the layers [C]."""
    shape = g.arch.shape("s")
    wrong = [i for i in layers if not 0 <= i < len(shape)]
    if wrong or not layers:
        raise ValueError(f"{g.arch.name} has layers 0 to {len(shape) - 1} of s, got {list(layers)}.")
    return np.concatenate([np.full(s, i in layers) for i, s in enumerate(shape)])
