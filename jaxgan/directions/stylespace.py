"""StyleSpace: single channels of s that control one attribute, or one region of the picture."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxgan.core.code import Code
from jaxgan.core.directions import Directions
from jaxgan.core.generator import Generator, fingerprint, known
from jaxgan.directions.calibrate import count
from jaxgan.directions.observe import ends, observe
from jaxgan.features.attributes import Labels
from jaxgan.latents import stats
from jaxgan.latents.spaces import rows, unrows

CHUNK = 16
WINS, LEAD = 0.5, 0.25  # a channel belongs to a region that it wins in more than half of the images, by a quarter


def stylespace(
    scorer: Callable[[Any], Any] | Labels | None = None,
    attribute: str | int = 0,
    *,
    examples: Code | None = None,
    samples: int = 2_000,
    extremes: float = 0.02,
    codes: Code | None = None,
    torgb: bool = False,
    measured: int = stats.SAMPLES,
    batch: int = 64,
):
    """Find the channels of s in which codes with an attribute agree with each other and differ from the population.

        delta_n = (s_n - mean) / sigma,   theta = |mean_n delta_n| / std_n delta_n,   channels by descending theta

    Each direction is one channel, pointing to where the attribute's codes lie; its scale is the channel's sigma.

    Args:
        scorer: Images to scores [N, K]; the codes that score highest are the attribute's.
        attribute: Name or number of the score.
        examples: Codes of the attribute (ten to fifty are enough), instead of a scorer.
        samples: Codes that are drawn and scored.
        extremes: Share of them that counts as having the attribute, or from 1 on how many.
        codes: Codes to score instead of drawn ones.
        torgb: Whether channels of toRGB layers count too.
        measured: Codes behind mean and sigma.
        batch: Codes at a time.

    Returns:
        A finder `(g, key, k) -> Directions` in "s", of one channel each, named by layer and number; meta "theta".

    Raises:
        ValueError: When called on a generator without "s".

    Source: Wu, Lischinski and Shechtman, "StyleSpace Analysis: Disentangled Controls for StyleGAN Image Generation"
    (2021), section 5.
    """
    if (scorer is None) == (examples is None):
        raise ValueError("stylespace needs either a scorer or examples=, codes of the attribute.")

    def finder(g: Generator, key, k: int) -> Directions:
        offer(g)
        draws, calibration = jax.random.split(key)
        mean, sigma = (flat(v) for v in stats.channels(g, calibration, "s", measured))
        if examples is not None:
            positive, what = np.asarray(rows(g.to(examples, "s").value)), "examples"
            if len(positive) < 2:
                raise ValueError(f"Got {len(positive)} examples; at least 2 show what they have in common.")
        else:
            assert scorer is not None
            seen = observe(g, draws, scorer, "s", samples, batch=batch, codes=codes)
            if isinstance(attribute, str):
                known(attribute, seen.names, "score")
            column = seen.names.index(attribute) if isinstance(attribute, str) else attribute
            if not 0 <= column < len(seen.names):
                raise ValueError(f"There are the scores {', '.join(seen.names)}, got number {column}.")
            what = seen.names[column]
            positive = seen.rows(ends(seen.scores[:, column], extremes, what)[0])
        delta = (positive - mean) / np.maximum(sigma, 1e-8)
        theta = np.abs(delta.mean(0)) / np.maximum(delta.std(0), 1e-8)
        allowed = eligible(g, torgb) & (sigma > 1e-8)
        order = np.argsort(np.where(allowed, -theta, np.inf), kind="stable")
        count(k, int(allowed.sum()), f"{g.arch.name} in 's'")
        chosen = order[:k]
        side = np.where(delta.mean(0)[chosen] < 0, -1.0, 1.0)
        meta = {"attribute": what, "theta": tuple(float(theta[c]) for c in chosen), "examples": len(positive)}
        return channels(g, chosen, side, sigma, "stylespace", **meta)

    return finder


def local_channels(
    segmenter: Callable[[Any], Any],
    region: str | int,
    *,
    samples: int = 32,
    side: int = 32,
    torgb: bool = False,
    measured: int = stats.SAMPLES,
    batch: int = 8,
):
    """Find the channels of s that change one region of the picture and nothing else.

        map_c = |d image / d s_c| at `side` pixels;  M_c: its strongest pixels, as many as the region r has
        overlap_cr = |M_c and r| / |r|^2;  the region with the largest overlap wins the image

    A channel is the region's if it wins there in more than half of the images that show the region, and leads the
    next region by a quarter of them. Channels come by the share of images won, then by their mean overlap.

    Args:
        segmenter: Images to masks [N, h, w, regions] of bool, or probabilities; its `names` name the regions.
        region: Name or number.
        samples: Images.
        side: Pixels a side of the gradient maps.
        torgb: Whether channels of toRGB layers count too.
        measured: Codes behind sigma.
        batch: Images at a time.

    Returns:
        A finder `(g, key, k) -> Directions` in "s", of one channel each; meta "won" holds the shares. It returns at
        most k, as many as are local.

    Raises:
        ValueError: When called on a generator without "s", or if no channel is the region's.

    Source: Wu et al. (2021), section 4. Different: derivatives in forward mode, one pass a channel.
    """

    def finder(g: Generator, key, k: int) -> Directions:
        offer(g)
        draws, calibration = jax.random.split(key)
        sigma = flat(stats.channels(g, calibration, "s", measured)[1])
        won, shown, overlap = 0, 0, 0.0
        names = tuple(getattr(segmenter, "names", ()))
        if isinstance(region, str):
            known(region, names, "region")
        at = names.index(region) if isinstance(region, str) else region
        pixels = min(side, g.resolution)
        for i in range(-(-samples // batch)):
            code = stats.draw(g, jax.random.fold_in(draws, i), min(batch, samples - i * batch), "s")
            masks = shrunk(jnp.asarray(segmenter(jnp.clip(g(code), -1, 1)), jnp.float32), pixels)
            for n in range(len(code)):
                first, there, share = winners(gradient_maps(g, code[n], pixels), masks[n])
                won, shown, overlap = won + first * there, shown + there, overlap + share
        shown = np.asarray(shown)
        if shown[at] == 0:
            raise ValueError(f"None of {samples} images shows the region {region!r}; take more samples.")
        portion = np.asarray(won) / np.maximum(shown, 1)  # [C, R]
        others = np.delete(portion, at, axis=1).max(1, initial=0.0)
        local = (portion[:, at] > WINS) & (portion[:, at] - others > LEAD) & eligible(g, torgb) & (sigma > 1e-8)
        if not local.any():
            raise ValueError(
                f"No channel is local to the region {region!r}; the nearest wins {portion[:, at].max():.0%}."
            )
        merit = np.where(local, portion[:, at] + 1e-3 * np.tanh(np.asarray(overlap)[:, at] / shown[at]), -np.inf)
        chosen = np.argsort(-merit, kind="stable")[: min(k, int(local.sum()))]
        meta = {"region": str(region), "won": tuple(float(portion[c, at]) for c in chosen), "samples": samples}
        return channels(g, chosen, np.ones(len(chosen)), sigma, "local", **meta)

    return finder


def gradient_maps(g: Generator, code: Code, side: int) -> Float[Array, "c h w"]:
    """Return for one code how much each channel of s changes each pixel: mean over colours of |d image / d s_c|."""
    return _gradient_maps(g, code, side)


@partial(jax.jit, static_argnames="side")
def _gradient_maps(g: Generator, code: Code, side: int):
    shape = g.arch.shape("s")
    here = rows(code.value)
    draw = lambda x: shrunk(g(code.replace(value=unrows(x, shape))), side)[0]
    push = jax.linearize(draw, here)[1]
    one = lambda c: jnp.abs(push(jax.nn.one_hot(c, here.shape[1])[None])).mean(-1)
    return jax.lax.map(one, jnp.arange(here.shape[1]), batch_size=CHUNK)


@jax.jit
def winners(maps: Float[Array, "c h w"], masks: Float[Array, "h w r"]):
    """Return per channel and region whether it wins [C, R], which regions are there [R], and the overlaps [C, R]."""
    ranked = maps.reshape(len(maps), -1)
    regions = masks.reshape(-1, masks.shape[-1]) > 0.5  # [P, R]
    area = regions.sum(0)
    # Stronger than the strongest pixel that does not fit in: a channel that changes everything alike has none.
    descending = -jnp.sort(-ranked, axis=1)
    limit = jnp.where(area < ranked.shape[1], descending[:, jnp.minimum(area, ranked.shape[1] - 1)], -1.0)  # [C, R]
    strong = ranked[:, :, None] > limit[:, None]  # [C, P, R]
    hits = (strong & regions).sum(1)
    overlap = hits / jnp.maximum(area, 1) ** 2 * ranked.shape[1]
    best = overlap.argmax(1)
    return jax.nn.one_hot(best, masks.shape[-1]) * (overlap > 0), (area > 0).astype(jnp.float32), overlap


def shrunk(images: Float[Array, "n h w c"], side: int) -> Float[Array, "n s s c"]:
    """Average pixels down to a side, or leave smaller ones."""
    n, h, w, c = images.shape
    if h <= side or h % side or w % side:
        return images if h <= side else jax.image.resize(images, (n, side, side, c), "linear")
    return images.reshape(n, side, h // side, side, w // side, c).mean((2, 4))


def offer(g: Generator) -> None:
    """Raise ValueError unless the generator has channels of style."""
    if "s" not in g.spaces:
        raise ValueError(f"stylespace looks at channels of 's', {g.arch.name} offers {', '.join(g.spaces)}.")


def eligible(g: Generator, torgb: bool) -> np.ndarray:
    """Tell of each channel of s whether it may be chosen [D]."""
    colours = {i for i, affine in enumerate(g.arch.affines) if affine.rgb}
    return np.concatenate([np.full(s, torgb or i not in colours) for i, s in enumerate(g.arch.shape("s"))])


def flat(value: Any) -> np.ndarray:
    """Return one code of s, a tuple of [C_l], as one vector."""
    return np.concatenate([np.asarray(v).reshape(-1) for v in jax.tree.leaves(value)])


def channels(g: Generator, chosen, side, sigma, method: str, **meta) -> Directions:
    """Make directions of single channels."""
    shape = g.arch.shape("s")
    vectors = np.zeros((len(chosen), len(sigma)), np.float32)
    vectors[np.arange(len(chosen)), chosen] = side
    starts = np.concatenate([[0], np.cumsum([s[0] for s in shape])])
    layer = np.searchsorted(starts, chosen, side="right") - 1
    labels = [g.arch.affines[i].layer if len(g.arch.affines) == len(shape) else f"s{i}" for i in layer]
    meta = {"method": method, "family": g.arch.name, "generator": fingerprint(g), **meta}
    return Directions(
        vectors=unrows(jnp.asarray(vectors), shape),
        scales=jnp.asarray(sigma[chosen], jnp.float32),
        space="s",
        names=tuple(f"{label}:{c - starts[i]}" for label, c, i in zip(labels, chosen, layer)),
        meta=tuple(sorted(meta.items())),
    )
