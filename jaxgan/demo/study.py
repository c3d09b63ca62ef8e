"""Judge sets of directions of one generator: what each changes, how purely, how evenly, and how surely it was found."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Integer

from jaxgan import metrics
from jaxgan.core.code import Code
from jaxgan.core.directions import Directions
from jaxgan.core.generator import Generator, base
from jaxgan.demo import again
from jaxgan.directions.stylespace import shrunk
from jaxgan.editing import move
from jaxgan.editing.morph import wide
from jaxgan.editing.truncate import truncated
from jaxgan.features.attributes import score_names, scores
from jaxgan.latents.spaces import first, rows

BINS = 5  # classes of equal size that a factor is put into
NEAR = 0.01  # standard deviations between codes whose images are compared for the path length
STEP = 2.0  # strength at which changes are told, or the nearest to it
SHOWN = 128  # pixels a side of images on the page

Tick = Callable[[str, int, int], None]
Factor = tuple[str, int, int, str]  # name, first column among the scores, columns, kind: class, turn or number


@dataclass(frozen=True)
class Judges:
    """Who looks at images.

    Args:
        scorer: Images [N, H, W, C] to scores [N, S].
        distance: Pairs of images to distances [N], and what it is called.
        features: Images to vectors [N, E], whose steps tell how straight a path is.
        speed: Distance that grows with the square of a small change, for path lengths, and what it is called.
        embed: Embedding for identity, a Network; or None.
        factors: Factors of the data among the scores, if there are.
    """

    scorer: Callable[[Any], Any]
    distance: tuple[str, Callable[[Any, Any], Any]]
    features: Callable[[Any], Any]
    speed: tuple[str, Callable[[Any, Any], Any]]
    embed: Any = None
    factors: tuple[Factor, ...] = ()


@dataclass(frozen=True)
class Plan:
    """How much of everything.

    Args:
        by: Strengths in standard deviations, rising, as far to both sides, with 0 among them.
        codes: Codes that are moved.
        shown: Codes whose pictures are shown.
        at: Change of its own score at which directions are compared, in standard deviations.
        population: Codes behind the spread of scores, factors and the sample of the bootstrap.
        replicates: Samples of the bootstrap; 0 for none.
        repeats: How often a set is found again with another seed.
        most: Codes at most for principal components that are found again.
        paths: Paths behind the generator's own path length; 0 for none.
        psi: Truncation of the codes that are moved, where the generator has it.
    """

    by: tuple[float, ...] = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
    codes: int = 32
    shown: int = 3
    at: float = 1.0
    population: int = 2000
    replicates: int = 30
    repeats: int = 1
    most: int = 20_000
    paths: int = 128
    psi: float = 0.7

    def __post_init__(self):
        by = np.array(self.by)
        if len(by) < 3 or np.any(np.diff(by) <= 0) or not np.allclose(by, -by[::-1], atol=1e-6) or len(by) % 2 == 0:
            raise ValueError(f"strengths are {list(self.by)}; give rising ones, as far to both sides, such as -3:3:7.")


@dataclass
class Judged:
    """What was found out about one set of K directions.

    Args:
        directions: The set.
        strips: Pictures [K, shown, V, h, w, C].
        rescored: Mean change of each score from -step to +step, in its standard deviations [K, S].
        amounts: Mean size of these changes, in whichever sense each code goes [K, S].
        target: Number of the score that each direction changes most, all codes in one sense [K].
        figures: {figure: [K]}; nan where one is not known.
        disentangled: {figure: value} of all directions together; empty where there are no factors.
        notes: What is to be said of figures.
    """

    directions: Directions
    strips: Any
    rescored: Float[np.ndarray, "k s"]
    amounts: Float[np.ndarray, "k s"]
    target: Integer[np.ndarray, " k"]
    figures: dict[str, Float[np.ndarray, " k"]]
    disentangled: dict[str, float] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


@dataclass
class Study:
    """What was found out about sets of directions, for the page.

    Args:
        sets: By name.
        scores: Names of the scores.
        by, step, at: Strengths shown, the strength of the changes, and the change that is compared at.
        angles: Principal angles in degrees of each pair of sets of one space.
        nearest: {(set, other): ([K] number of the other's nearest direction, [K] angle in degrees)}.
        distance: What drift is measured by.
        smooth: The generator's path length, or nan, and what it is measured by.
        facts: Lines at the foot.
    """

    sets: dict[str, Judged]
    scores: tuple[str, ...]
    by: tuple[float, ...]
    step: float
    at: float
    angles: dict[tuple[str, str], Float[np.ndarray, " k"]]
    nearest: dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]
    distance: str
    smooth: tuple[str, float]
    facts: dict[str, str] = field(default_factory=dict)


def study(
    g: Generator,
    sets: Mapping[str, Directions],
    judges: Judges,
    key,
    plan: Plan | None = None,
    tick: Tick | None = None,
) -> Study:
    """Judge sets of directions of one generator.

    Args:
        g: Generator.
        sets: Directions by name, in any spaces.
        judges: Who looks at the images.
        key: Random key.
        plan: How much of everything.
        tick: Called with what is done, how much of it and of how much.

    Raises:
        ValueError: If there are no directions, or they are not of this generator.
    """
    plan, tick = plan or Plan(), tick or (lambda what, done, total: None)
    if not sets or not all(len(directions) for directions in sets.values()):
        raise ValueError("There are no directions to judge: give at least one set.")
    keys = dict(zip(("population", "codes", "again", "paths"), jax.random.split(key, 4)))
    table, names, latents = population(g, judges, keys["population"], plan, tick)
    spread, found = table.std(0), {}
    step = min((s for s in plan.by if s > 0), key=lambda s: abs(s - STEP))
    start = g.sample(keys["codes"], plan.codes)
    for i, (name, directions) in enumerate(sets.items()):
        own, left = truncated(g, start, directions.space, plan.psi)
        draw = Drawn(g, judges, size_of(g, plan), left)
        judged = walked(draw, directions, own, spread, step, plan, partial(tick, name))
        value = np.concatenate([np.asarray(rows(g.to(part, directions.space).value)) for part in latents])
        here = value[: plan.population]
        if judges.factors and len(directions) > 1:
            judged.disentangled = disentangled(here, directions, table, judges.factors)
        seen = again.Population(here, table, names)
        sure(g, judged, seen, judges, jax.random.fold_in(keys["again"], i), plan, partial(tick, f"{name} again"))
        found[name] = judged
    smooth = float("nan")
    if plan.paths and first(g) == "z":
        space = "w" if "w" in g.spaces else "z"
        count = lambda done: tick("path length", done, plan.paths)
        size = size_of(g, plan)
        lengths = metrics.path_length(
            g, judges.speed[1], keys["paths"], plan.paths, space=space, batch=size, tick=count
        )
        smooth = metrics.trimmed_mean(lengths)
    angles, nearest = compared(sets)
    return Study(
        found, names, plan.by, step, plan.at, angles, nearest, judges.distance[0], (judges.speed[0], smooth), {}
    )


def size_of(g: Generator, plan: Plan) -> int:
    """Images drawn at a time, fewer large ones: one size, so that one program serves all."""
    return min(plan.codes, max(8, min(64, 4096 // g.resolution)))


def population(g: Generator, judges: Judges, key, plan: Plan, tick: Tick):
    """Draw a population; return its scores [P, S], their names, and its codes where they are drawn, in parts."""
    size = size_of(g, plan)
    parts, table, names = [], [], ()
    total = -(-plan.population // size)
    for i in range(total):
        code = g.sample(jax.random.fold_in(key, i), size)
        images = jnp.clip(g(g.to(code, wide(g))), -1, 1)
        names = names or score_names(judges.scorer, images)
        table.append(np.asarray(scores(judges.scorer, images)))
        parts.append(code)
        tick("population", min((i + 1) * size, plan.population), plan.population)
    return np.concatenate(table)[: plan.population].astype(np.float64), names, parts


def walked(draw: Drawn, directions: Directions, start: Code, spread, step: float, plan: Plan, tick) -> Judged:
    """Move codes along each direction and judge the images: everything that takes pictures."""
    n, by, judges = len(start), np.array(plan.by), draw.judges
    middle = len(by) // 2
    origin = draw.images(start)
    zero = draw.judged(origin)
    strips, rescored, amounts, target = [], [], [], []
    names = ("dependency", "drift", *(["identity"] if judges.embed is not None else []), "linearity", "path_length")
    figures = {name: np.full(len(directions), np.nan) for name in names}
    others = np.delete(np.arange(len(by)), middle)
    for k in range(len(directions)):
        one = directions[k]
        path = moved(draw.g, one, start, by[others])
        seen: list[Any] = [None] * len(by)
        images = draw.images(path)
        read = draw.judged(images, np.tile(origin, (len(others), 1, 1, 1)))
        for v, at in enumerate(others):
            seen[at] = {name: x[v * n : (v + 1) * n] for name, x in read.items()}
        seen[middle] = zero
        points = {name: np.stack([s[name] for s in seen if name in s]) for name in read}
        table = points["scores"]  # [V, N, S]
        ends = [int(np.argmin(np.abs(by - s))) for s in (-step, step)]
        rescored.append(metrics.rescoring(table[ends[0]][None], table[ends[1]][None], spread=spread)[0])
        # At each strength both sides together: a direction may change a score at one end only.
        change = np.abs(table - table[middle])
        sizes = np.stack([(change[middle - i] + change[middle + i]) / 2 for i in range(1, middle + 1)])
        amounts.append(np.abs(table[ends[1]] - table[ends[0]]).mean(0) / np.maximum(spread, 1e-12))
        target.append(int(np.abs(rescored[k]).argmax()))
        figures["dependency"][k] = metrics.attribute_dependency(sizes, spread, target[k], plan.at)
        apart = {name: np.stack([seen[e][name] for e in ends]).mean() for name in names if name in read}
        for name, value in apart.items():
            figures[name][k] = value
        straight = metrics.linearity(points["features"])
        figures["linearity"][k] = np.nanmean(straight) if np.isfinite(straight).any() else np.nan
        close = draw.images(moved(draw.g, one, start, [NEAR]))
        figures["path_length"][k] = float(np.mean(np.asarray(draw.pairs(judges.speed[1], origin, close))) / NEAR**2)
        strip = np.stack([*images.reshape(len(others), *origin.shape)[:, : plan.shown]])
        strip = np.insert(strip, middle, origin[: plan.shown], axis=0)  # [V, shown, H, W, C]
        strips.append(small(strip.swapaxes(0, 1)))
        tick(k + 1, len(directions))
    return Judged(directions, np.stack(strips), np.stack(rescored), np.stack(amounts), np.array(target), figures)


@dataclass(frozen=True)
class Drawn:
    """Draw and judge any number of images by programs of one batch size; psi is what truncation is left to do."""

    g: Generator
    judges: Judges
    size: int
    psi: float | None

    def images(self, code: Code) -> np.ndarray:
        """Draw codes; return images in [-1, 1]."""
        g, psi = self.g, self.psi
        if before(g, code.space, wide(g)):  # one program draws codes of all spaces
            code, psi = g.to(code, wide(g), psi=psi), None
        return self.parts(lambda chosen: jnp.clip(g(code[chosen], psi=psi), -1, 1), len(code))

    def judged(self, images: np.ndarray, origin: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Return scores, features and, against the images that they were, distance and identity."""
        judges = self.judges
        found = {
            "scores": self.parts(lambda c: scores(judges.scorer, jnp.asarray(images[np.asarray(c)])), len(images)),
            "features": self.parts(lambda c: judges.features(jnp.asarray(images[np.asarray(c)])), len(images)),
        }
        if origin is not None:
            found["drift"] = self.pairs(judges.distance[1], images, origin)
            if judges.embed is not None:
                found["identity"] = self.pairs(partial(metrics.identity, judges.embed), images, origin)
        return found

    def pairs(self, compare: Callable[[Any, Any], Any], a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Compare images pair by pair."""
        return self.parts(lambda c: compare(jnp.asarray(a[np.asarray(c)]), jnp.asarray(b[np.asarray(c)])), len(a))

    def parts(self, what: Callable[[Any], Any], n: int) -> np.ndarray:
        """Apply a function of numbers of images to parts of one size; the last one is filled up."""
        size = min(self.size, n)
        starts = range(0, n, size)
        return np.concatenate(
            [np.asarray(what(jnp.minimum(jnp.arange(start, start + size), n - 1)))[: n - start] for start in starts]
        )


def before(g: Generator, space: str, other: str) -> bool:
    """Whether a space lies before another one in the chain."""
    order = [stage.source for stage in g.arch.stages]
    return order.index(base(g.arch, space)) < order.index(base(g.arch, other))


def moved(g: Generator, direction: Directions, start: Code, by: Any) -> Code:
    """Move codes [N] by each strength: [V * N], all of the first strength first."""
    n = len(start)
    many = start[jnp.tile(jnp.arange(n), len(by))]
    return move(direction, jnp.repeat(jnp.asarray(by, jnp.float32), n)[:, None])(g, many)


def small(images: Any) -> np.ndarray:
    """Reduce images to what a page shows."""
    flat = jnp.asarray(images.reshape(-1, *images.shape[-3:]))
    seen = np.asarray(shrunk(flat, SHOWN)) if flat.shape[1] > SHOWN else np.asarray(flat)
    return seen.reshape(*images.shape[:-3], *seen.shape[1:])


def disentangled(codes, directions: Directions, table, factors: Sequence[Factor]) -> dict[str, float]:
    """Return how well the coordinates along directions stand for factors: DCI, MIG, SAP, FactorVAE's score.

    The coordinates are those that edits move, c = (w - mean) pinv(vectors). What is no number is in classes; for
    FactorVAE's score, which holds factors at a value, everything is.
    """
    coordinates = (codes - codes.mean(0)) @ np.linalg.pinv(np.asarray(directions.flat(), np.float64))
    whole = classes(table, factors)
    there = [i for i, column in enumerate(whole.T) if len(np.unique(column)) > 1]
    if not there:
        return {}
    truth = [table[:, factors[i][1]] if factors[i][3] == "number" else whole[:, i] for i in there]
    d = metrics.dci(coordinates, truth)
    return {
        "disentanglement": d.disentanglement,
        "completeness": d.completeness,
        "informativeness": d.informativeness,
        "mig": metrics.mig(coordinates, truth),
        "sap": metrics.sap(coordinates, truth),
        "factor_vae": metrics.factor_vae_score(coordinates, whole[:, there], seed=0),
    }


def classes(table: Float[np.ndarray, "n s"], factors: Sequence[Factor]) -> Integer[np.ndarray, "n f"]:
    """Read factors off scores as classes: the largest column, or which of `BINS` equally large parts it is in."""
    columns = []
    for _, start, width, kind in factors:
        block = table[:, start : start + width]
        if kind == "class":
            columns.append(block.argmax(1))
            continue
        value = np.arctan2(block[:, 1], block[:, 0]) if kind == "turn" else block[:, 0]
        columns.append(np.argsort(np.argsort(value, kind="stable"), kind="stable") * BINS // len(value))
    return np.stack(columns, axis=1)


def sure(g, judged: Judged, seen: again.Population, judges: Judges, key, plan: Plan, tick) -> None:
    """Measure how surely directions were found: by another seed, and by the bootstrap."""
    found, other = judged.directions, []
    signed = dict(found.meta).get("method") == "boundary"
    steps = plan.repeats + (plan.replicates > 0)
    for r in range(plan.repeats):
        most = plan.population if signed else plan.most
        one = again.elsewhere(g, found, judges.scorer, seen.names, jax.random.fold_in(key, r), most)
        if one is not None:
            other.append(metrics.stability(found, one[0], signed) if one[0] is not found else np.zeros(len(found)))
            judged.notes["seeds"] = one[1]
        tick(r + 1, steps)
    judged.figures["seeds"] = np.mean(other, axis=0) if other else np.full(len(found), np.nan)
    judged.figures["bootstrap"] = np.full(len(found), np.nan)
    how = again.refitted(g, found, seen, key, plan.most) if plan.replicates else None
    if how is not None:
        fit, n, oriented = how
        judged.figures["bootstrap"] = metrics.confidence_angles(
            fit, n, seed=0, replicates=plan.replicates, signed=oriented
        )
        judged.notes["bootstrap"] = f"{n:,} codes"
    elif dict(found.meta).get("method") in again.CLOSED:
        judged.figures["bootstrap"], judged.notes["bootstrap"] = np.zeros(len(found)), "closed form"
    tick(steps, steps)


def compared(sets: Mapping[str, Directions]):
    """Return principal angles of pairs of sets in one space, and each direction's nearest one in the other set."""
    angles, nearest = {}, {}
    for (a, first_set), (b, second) in itertools.combinations(sets.items(), 2):
        if first_set.space != second.space:
            continue
        angles[a, b] = metrics.principal_angles(first_set, second)
        rows_a, rows_b = (np.asarray(d.flat(), np.float64) for d in (first_set, second))
        cosines = np.abs(rows_a @ rows_b.T)
        for pair, table in (((a, b), cosines), ((b, a), cosines.T)):
            nearest[pair] = (table.argmax(1), np.degrees(np.arccos(np.clip(table.max(1), 0, 1))))
    return angles, nearest
