"""HiGAN: which directions a score follows from, by scoring again what they change, and in which layers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxgan.core.code import Code
from jaxgan.core.directions import Directions
from jaxgan.core.generator import Generator
from jaxgan.directions.boundary import boundary
from jaxgan.features.attributes import score_names, scores
from jaxgan.latents import stats
from jaxgan.latents.spaces import is_tuple, rows, unrows


class Effects(NamedTuple):
    """What directions change: mean rises of scores.

    Args:
        rise: Mean of what a score gains where it gains, [K, S]: the survey's delta s.
        change: Mean change [K, S], losses included.
        spread: Standard deviation of each score over the population [S].
        directions: K names.
        scores: S names.
    """

    rise: Float[np.ndarray, "k s"]
    change: Float[np.ndarray, "k s"]
    spread: Float[np.ndarray, " s"]
    directions: tuple[str, ...]
    scores: tuple[str, ...]

    def ranking(self) -> tuple[tuple[str, str, float], ...]:
        """Return (direction, the score that it raises most, rise in standard deviations), the largest rise first."""
        relative = self.rise / np.maximum(self.spread, 1e-12)
        best = relative.argmax(1)
        order = np.argsort(-relative.max(1), kind="stable")
        return tuple((self.directions[i], self.scores[best[i]], float(relative[i, best[i]])) for i in order)


def rescore(
    g: Generator,
    directions: Directions,
    scorer: Callable[[Any], Any],
    key,
    *,
    by: float = 2.0,
    layers: Iterable[int] | None = None,
    samples: int = 500,
    batch: int = 50,
) -> Effects:
    """Move sampled codes along each direction and score the images again.

        delta s_ki = mean_n max(F_i(G(y_n + by sigma_k d_k)) - F_i(G(y_n)), 0)

    A score that rises with a direction depends on it; one that merely went along with it in the sample does not.

    Args:
        g: Generator.
        directions: K directions.
        scorer: Images to scores [N, S].
        key: Random key of the codes.
        by: Step in standard deviations along the direction.
        layers: Rows of w+ (layers of s) that move; the directions' own when None.
        samples: Codes.
        batch: Codes at a time.

    Returns:
        Effects [K, S].

    Source: Yang et al., "Semantic Hierarchy Emerges in Deep Generative Representations for Scene Synthesis" (2021),
    eq. 3, with lambda = 2. Different: steps in standard deviations.
    """
    chosen = directions.layers if layers is None else tuple(layers)
    size = min(batch, samples)
    before, after, names = [], [[] for _ in range(len(directions))], ()
    for i in range(-(-samples // size)):
        code = stats.draw(g, jax.random.fold_in(key, i), size, directions.space)
        still = g(stepped(g, code, directions, jnp.zeros(len(directions)), chosen))
        names = names or score_names(scorer, still)
        before.append(np.asarray(scores(scorer, still)))
        for k in range(len(directions)):
            moved = g(stepped(g, code, directions, by * (jnp.arange(len(directions)) == k), chosen))
            after[k].append(np.asarray(scores(scorer, moved)))
    start = np.concatenate(before)[:samples]
    gains = np.stack([np.concatenate(some)[:samples] - start for some in after])  # [K, N, S]
    labels = directions.names or tuple(str(i) for i in range(len(directions)))
    return Effects(np.maximum(gains, 0).mean(1), gains.mean(1), start.std(0), labels, names)


def layerwise(
    g: Generator, directions: Directions, scorer: Callable[[Any], Any], key, **how: Any
) -> Float[np.ndarray, "l k s"]:
    """Return what each direction raises when it moves one layer alone, [L, K, S]: where a score is decided.

    Args:
        g, directions, scorer, key, **how: As for `rescore`.

    Raises:
        ValueError: If codes of the directions' space have no layers.

    Source: Yang et al. (2021), section 3.3.
    """
    many = layered(g, directions.space)[1]
    if many is None:
        raise ValueError(f"Codes of {g.arch.name} in {directions.space!r} have no layers to move one by one.")
    return np.stack([rescore(g, directions, scorer, key, layers=[i], **how).rise for i in range(many)])


def higan(
    scorer: Callable[[Any], Any],
    *,
    space: str | None = None,
    by: float = 2.0,
    rescored: int = 500,
    batch: int = 50,
    top: int | None = None,
    **how: Any,
):
    """Find boundaries and order them by how much of their own score they raise, most first.

    Composition of `boundary` and `rescore`.

    Args:
        scorer: Images to scores [N, S].
        space: Space of the directions.
        by: Step of the scoring, in standard deviations.
        rescored: Codes that are scored again.
        batch: Codes at a time in the scoring.
        top: How many layers, those that raise the score most each on its own, an edit moves by default; all when None.
            Layers are chosen for all directions together.
        **how: As for `boundary`.

    Returns:
        A finder `(g, key, k) -> Directions`: the k directions whose own scores rise most; meta "rise" holds the rises
        in standard deviations of the score.

    Source: Yang et al., "Semantic Hierarchy Emerges in Deep Generative Representations for Scene Synthesis" (2021).
    """

    def finder(g: Generator, key, k: int) -> Directions:
        search, again = jax.random.split(key)
        found = boundary(scorer, space=space, **how)(g, search, sys.maxsize)
        settings = {"by": by, "samples": rescored, "batch": batch}
        seen = rescore(g, found, scorer, again, **settings)
        own = np.array([seen.scores.index(name) for name in found.names])
        at = np.arange(len(found))
        rise = seen.rise[at, own] / np.maximum(seen.spread[own], 1e-12)
        order = np.argsort(-rise, kind="stable")[:k]
        meta = {**dict(found.meta), "method": "higan", "by": by, "rise": tuple(float(rise[i]) for i in order)}
        meta["accuracy"] = tuple(meta["accuracy"][i] for i in order)
        best = found[[int(i) for i in order]].replace(meta=tuple(sorted(meta.items())))
        if top is None:
            return best
        single = layerwise(g, best, scorer, again, **settings)[:, np.arange(len(order)), own[order]]  # [L, K]
        weight = (single / np.maximum(seen.spread[own[order]], 1e-12)).sum(1)
        return best.replace(layers=tuple(sorted(int(i) for i in np.argsort(-weight, kind="stable")[:top])))

    return finder


def stepped(g: Generator, code: Code, directions: Directions, by: Float[Array, " k"], layers: Sequence[int] | None):
    """Move codes by standard deviations [K] along directions, in the given layers only."""
    step = (by * directions.scales) @ rows(directions.vectors)  # [D]
    wide, many = layered(g, code.space)
    if many is None or (layers is None and wide == code.space):
        return code.replace(value=unrows(rows(code.value) + step, g.arch.shape(code.space)))
    chosen = range(many) if layers is None else layers
    if wrong := [i for i in chosen if not 0 <= i < many]:
        raise ValueError(f"Codes in {wide!r} have layers 0 to {many - 1}, got {wrong}.")
    if is_tuple(g.arch.shape(wide)):
        parts = unrows(step[None], g.arch.shape(wide))
        return code.replace(value=tuple(v + p * (i in chosen) for i, (v, p) in enumerate(zip(code.value, parts))))
    if layers is None:
        return code.replace(value=code.value + step)
    spread = g.to(code, wide)
    shape = g.arch.shape(wide)
    step = step.reshape(shape) if step.size == np.prod(shape) else jnp.pad(step, (0, shape[1] - step.size))
    mask = jnp.array([i in chosen for i in range(many)])[:, None]
    return spread.replace(value=spread.value + jnp.where(mask, step, 0.0))


def layered(g: Generator, space: str) -> tuple[str, int | None]:
    """Return the space in which a space's codes have layers and how many, or None where they have none."""
    wide = space if space.endswith("+") or space + "+" not in g.spaces else space + "+"
    shape = g.arch.shape(wide)
    return wide, len(shape) if is_tuple(shape) else shape[0] if len(shape) > 1 else None
