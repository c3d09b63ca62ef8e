"""Disentanglement: whether coordinates stand for single factors, directions for single attributes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import ArrayLike, Float, Integer

BINS = 20
RIDGE = 1e-3
PRUNED = 0.05  # a coordinate with less than this share of the largest spread stands for nothing

Codes = Float[ArrayLike, "n d"]
Factors = Any  # [N, F], or a list of columns [N] of their own types; integers are classes


def mig(codes: Codes, factors: Factors, bins: int = BINS) -> float:
    """Return the mutual information gap: how much more the best coordinate knows of a factor than the second best.

        MIG = mean_f (I(c_1; f) - I(c_2; f)) / H(f),   c_1, c_2 the coordinates that know most of f

    Args:
        codes: Coordinates [N, D], D at least 2; put into equally wide bins.
        factors: Factors [N, F], or a list of columns [N]; those that are no integers are put into bins too.
        bins: Number of bins.

    Returns:
        A number in [0, 1].

    Raises:
        ValueError: If there is one coordinate only, or a factor never changes.

    Source: Chen et al., "Isolating Sources of Disentanglement in Variational Autoencoders" (2018), eq. 6.
    """
    codes, factors = paired(codes, factors, 2)
    binned = [bins_of(c, bins) for c in codes.T]
    gaps = []
    for f in factors:
        classes = f if np.issubdtype(f.dtype, np.integer) else bins_of(f, bins)
        known = np.sort([mutual_information(c, classes) for c in binned])
        gaps.append((known[-1] - known[-2]) / mutual_information(classes, classes))
    return float(np.mean(gaps))


def sap(codes: Codes, factors: Factors) -> float:
    """Return the separated attribute predictability: the gap between the two coordinates that predict a factor best.

    A coordinate alone predicts a continuous factor by a line (R^2), a class by the nearest class mean, judged on the
    half that it was not fitted on (accuracy).

    Args:
        codes: Coordinates [N, D], D at least 2, in random order of N.
        factors: Factors [N, F], or a list of columns [N]; integers are classes.

    Returns:
        Mean gap over the factors.

    Source: Kumar et al., "Variational Inference of Disentangled Latent Concepts from Unlabeled Observations" (2018),
    section 3. Different: nearest class means instead of a support vector machine.
    """
    codes, factors = paired(codes, factors, 2)
    gaps = []
    for f in factors:
        best = np.sort([predicted_by_one(c, f) for c in codes.T])
        gaps.append(best[-1] - best[-2])
    return float(np.mean(gaps))


def factor_vae_score(
    codes: Codes, factors: Integer[ArrayLike, "n f"], seed: int, *, votes: int = 800, batch: int = 64
) -> float:
    """Return how well the coordinate that varies least tells which factor is held still.

    A vote holds one factor at one value: the coordinate with the smallest variance over a batch of such codes, in
    units of its variance over all, votes for that factor. A majority classifier is made of half the votes and judged
    by the other.

    Args:
        codes: Coordinates [N, D].
        factors: Factors [N, F] as integers, with several codes for every value.
        seed: Of the draws.
        votes: How many votes in each half.
        batch: Codes behind a vote.

    Returns:
        Accuracy in [0, 1]; 1 / F is chance.

    Source: Kim and Mnih, "Disentangling by Factorising" (2018), section 4.
    """
    codes, columns = paired(codes, factors, 1)
    if not all(np.issubdtype(f.dtype, np.integer) for f in columns):
        raise ValueError("The FactorVAE score holds factors at a value: give integers.")
    spread = codes.std(0)
    kept = np.flatnonzero(spread > PRUNED * spread.max())
    scaled = codes[:, kept] / spread[kept]
    rng = np.random.default_rng(seed)
    members = [{value: np.flatnonzero(f == value) for value in np.unique(f)} for f in columns]
    table = np.zeros((2, len(kept), len(columns)), np.int64)
    for half in range(2):
        for _ in range(votes):
            factor = rng.integers(len(columns))
            value = columns[factor][rng.integers(len(codes))]
            rows = rng.choice(members[factor][value], batch)
            table[half, scaled[rows].var(0).argmin(), factor] += 1
    winner = table[0].argmax(1)
    return float(table[1][np.arange(len(kept)), winner].sum() / votes)


class DCI(NamedTuple):
    """Disentanglement, completeness and informativeness, each in [0, 1] and better when larger.

    Args:
        disentanglement: Whether each coordinate is important for one factor only.
        completeness: Whether each factor has one important coordinate only.
        informativeness: Mean score of the predictions: R^2, for classes accuracy, on codes held out.
        importance: [D, F].
    """

    disentanglement: float
    completeness: float
    informativeness: float
    importance: Float[np.ndarray, "d f"]


def dci(codes: Codes, factors: Factors, importance: Callable[..., tuple[Any, float]] | None = None) -> DCI:
    """Predict each factor from all coordinates and look at which were important.

        D = sum_c rho_c (1 - H_F(P_c)),   C = mean_f (1 - H_D(P_f)),   P: importance, normalised by row or column,
        rho_c: share of the coordinate's importance, H_K: entropy to the base K

    Args:
        codes: Coordinates [N, D], in random order of N; the first half is learned from, the second judges.
        factors: Factors [N, F], or a list of columns [N]; integers are classes.
        importance: `(codes, factor, held_out_codes, held_out_factor) -> ([D], score)`; ridge regression (on indicator
            columns for classes) with the size of its standardised coefficients when None. Boosted trees, which see
            more than lines, come by passing them.

    Returns:
        DCI.

    Source: Eastwood and Williams, "A Framework for the Quantitative Evaluation of Disentangled Representations"
    (2018), section 2. Different: ridge regression where the paper has the lasso and random forests.
    """
    codes, columns = paired(codes, factors, 1)
    half = len(codes) // 2
    learn = importance or by_ridge
    parts = [learn(codes[:half], f[:half], codes[half:], f[half:]) for f in columns]
    weight = np.abs(np.stack([np.asarray(w, np.float64) for w, _ in parts], axis=1))  # [D, F]
    if weight.sum() <= 0:
        return DCI(0.0, 0.0, float(np.mean([s for _, s in parts])), weight)
    apart = 1 - entropy(weight, 1)
    whole = 1 - entropy(weight, 0)
    share = weight.sum(1) / weight.sum()
    return DCI(float((share * apart).sum()), float(whole.mean()), float(np.mean([s for _, s in parts])), weight)


def rescoring(
    before: Float[ArrayLike, "*#k n s"],
    after: Float[ArrayLike, "k n s"],
    clamp: bool = False,
    spread: Float[ArrayLike, " s"] | None = None,
) -> Float[np.ndarray, "k s"]:
    """Return the re-scoring matrix: mean change of each score under each direction, in its standard deviations.

    Args:
        before: Scores of the images [N, S]; [K, N, S] where each direction has a beginning of its own.
        after: Scores of the images edited along each direction [K, N, S].
        clamp: Count rises only, as HiGAN does.
        spread: Standard deviation of each score over the population [S]; that of `before` when None.

    Returns:
        [K, S].
    """
    before, after = np.asarray(before, np.float64), np.asarray(after, np.float64)
    if after.ndim != 3 or before.shape not in (after.shape, after.shape[1:]):
        raise ValueError(f"Scores after have shape {after.shape}, those before {before.shape}; need [K, N, S], [N, S].")
    change = after - before
    change = np.maximum(change, 0) if clamp else change
    scale = before.reshape(-1, before.shape[-1]).std(0) if spread is None else np.asarray(spread, np.float64)
    return change.mean(1) / np.maximum(scale, 1e-12)


def attribute_dependency(
    changes: Float[ArrayLike, "v n s"], spread: Float[ArrayLike, " s"], target: int, at: float = 1.0
) -> float:
    """Return how much other attributes change when the target changes by a given amount: less is better.

        AD = mean over s other than t of E|change_s| / spread_s,   at that strength where E|change_t| / spread_t = at

    Args:
        changes: Changes of the scores at V rising strengths [V, N, S].
        spread: Standard deviation of each score over the population [S].
        target: Number of the attribute that is edited.
        at: Change of the target to compare at, in its standard deviations; linear between strengths.

    Returns:
        AD; nan if no strength reaches the change.

    Source: Wu et al., "StyleSpace Analysis" (2021), section 6.
    """
    sizes = np.abs(np.asarray(changes, np.float64)).mean(1) / np.maximum(
        np.asarray(spread, np.float64), 1e-12
    )  # [V, S]
    sizes = np.concatenate([np.zeros((1, sizes.shape[1])), sizes])
    reached = np.flatnonzero(sizes[:, target] >= at)
    if not len(reached):
        return float("nan")
    i = max(int(reached[0]), 1)
    low, high = sizes[i - 1, target], sizes[i, target]
    weight = (at - low) / max(high - low, 1e-12)
    others = np.delete(sizes, target, axis=1).mean(1)
    return float(others[i - 1] + weight * (others[i] - others[i - 1]))


def principal_angles(a: Any, b: Any) -> Float[np.ndarray, " k"]:
    """Return the angles between the subspaces that two sets of directions span, ascending, in degrees.

    Args:
        a, b: Directions of one space, or rows [K, D]; each independent. As many angles as the smaller set has rows.

    Raises:
        ValueError: If the spaces differ.

    Source: Björck and Golub, "Numerical Methods for Computing Angles Between Linear Subspaces" (1973).
    """
    import scipy.linalg

    first, second = one_space(a, b)
    return np.degrees(scipy.linalg.subspace_angles(first.T, second.T))[::-1]


def confidence_angles(
    fit: Callable[[Integer[np.ndarray, " n"]], Any],
    n: int,
    seed: int,
    *,
    replicates: int = 50,
    level: float = 0.95,
    signed: bool = True,
) -> Float[np.ndarray, " k"]:
    """Return for each direction the angle within which it stays when the sample is drawn anew (bootstrap), in degrees.

    Args:
        fit: Numbers of the members to use, [N] with repetitions, to directions [K, D].
        n: Size of the sample.
        seed: Of the draws.
        replicates: How often the sample is drawn.
        level: Share of the replicates that lie within the angle.
        signed: Whether a direction and its opposite are different, as for boundaries; False for axes.

    Returns:
        Angles [K].
    """
    whole, rng, angles = unit_rows(fit(np.arange(n))), np.random.default_rng(seed), []
    for _ in range(replicates):
        cosines = (unit_rows(fit(rng.integers(0, n, n))) * whole).sum(1)
        angles.append(np.degrees(np.arccos(np.clip(cosines if signed else np.abs(cosines), -1, 1))))
    return np.quantile(np.stack(angles), level, axis=0)


def stability(found: Any, again: Any, signed: bool = False) -> Float[np.ndarray, " k"]:
    """Return for each direction the angle to where it is found again with another seed, in degrees.

        angle_k = arccos |d_k . d'_p(k)|,   p: the one-to-one matching with the largest sum of |cosines|

    Args:
        found: Directions, or rows [K, D].
        again: As many or more, found again.
        signed: Whether order and sign mean something, as those of boundaries do: then p(k) = k and the cosine keeps
            its sign.

    Returns:
        Angles [K], within 90 degrees, or 180 if signed.

    Raises:
        ValueError: If spaces or numbers differ.
    """
    from scipy.optimize import linear_sum_assignment

    first, second = (unit_rows(x) for x in one_space(found, again))
    if first.shape[1] != second.shape[1] or len(second) < len(first) or (signed and len(second) > len(first)):
        raise ValueError(f"Found {first.shape} and again {second.shape}, needed is the same number of directions.")
    cosines = first @ second.T
    if signed:
        return np.degrees(np.arccos(np.clip(np.diag(cosines), -1, 1)))
    chosen = linear_sum_assignment(-np.abs(cosines))[1]
    return np.degrees(np.arccos(np.clip(np.abs(cosines[np.arange(len(first)), chosen]), 0, 1)))


def one_space(*sets: Any) -> list[np.ndarray]:
    """Return sets of directions as rows [K, D], or raise ValueError where they are of several spaces."""
    spaces = {getattr(x, "space", None) for x in sets} - {None}
    if len(spaces) > 1:
        raise ValueError(f"Directions live in {' and '.join(sorted(map(repr, spaces)))}; both must be of one space.")
    return [np.asarray(x.flat() if hasattr(x, "vectors") else x, np.float64) for x in sets]


def unit_rows(v: Any) -> Float[np.ndarray, "k d"]:
    """Bring rows to length one."""
    v = np.asarray(v, np.float64)
    return v / np.linalg.norm(v, axis=1, keepdims=True)


def paired(codes: Any, factors: Any, least: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return codes [N, D] and the list of factors, or raise ValueError where they do not serve."""
    codes = np.asarray(codes, np.float64)
    if isinstance(factors, (list, tuple)):
        columns = [np.asarray(f) for f in factors]
    else:
        factors = np.asarray(factors)
        columns = list(factors.T) if factors.ndim > 1 else [factors]
    shapes = {f.shape for f in columns}
    if codes.ndim != 2 or shapes != {codes.shape[:1]} or codes.shape[1] < least:
        got = f"codes {codes.shape} and {len(columns)} factors {' or '.join(map(str, sorted(shapes)))}"
        raise ValueError(f"Got {got}, which do not fit: need [N, D >= {least}], [N, F].")
    if still := [i for i, f in enumerate(columns) if np.all(f == f[0])]:
        raise ValueError(f"Factor {still[0]} never changes: nothing can be known of it.")
    return codes, columns


def bins_of(x: np.ndarray, bins: int) -> np.ndarray:
    """Number equally wide bins of values."""
    width = max(x.max() - x.min(), 1e-12)
    return np.minimum(((x - x.min()) / width * bins).astype(np.int64), bins - 1)


def mutual_information(a: np.ndarray, b: np.ndarray) -> float:
    """Return the mutual information of two columns of integers, in nats; of a column with itself its entropy."""
    _, i = np.unique(a, return_inverse=True)
    _, j = np.unique(b, return_inverse=True)
    joint = np.zeros((i.max() + 1, j.max() + 1))
    np.add.at(joint, (i, j), 1 / len(i))
    outer = joint.sum(1, keepdims=True) * joint.sum(0)
    there = joint > 0
    return float((joint[there] * np.log(joint[there] / outer[there])).sum())


def predicted_by_one(c: np.ndarray, f: np.ndarray) -> float:
    """Return how well one coordinate predicts a factor."""
    if not np.issubdtype(f.dtype, np.integer):
        if c.std() < 1e-12:
            return 0.0
        return float(np.corrcoef(c, f)[0, 1] ** 2)
    half = len(c) // 2
    classes = np.unique(f[:half])
    means = np.array([c[:half][f[:half] == k].mean() for k in classes])
    return float((classes[np.abs(c[half:, None] - means).argmin(1)] == f[half:]).mean())


def by_ridge(x: np.ndarray, y: np.ndarray, held_x: np.ndarray, held_y: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the size of standardised coefficients [D] and the held-out score."""
    centre, spread = x.mean(0), np.maximum(x.std(0), 1e-12)
    rows, held = (x - centre) / spread, (held_x - centre) / spread
    if discrete := np.issubdtype(y.dtype, np.integer):
        classes = np.unique(y)
        targets = (y[:, None] == classes).astype(np.float64)
    else:
        classes, targets = np.array(()), y[:, None]
    mean = targets.mean(0)
    weights = np.linalg.solve(rows.T @ rows / len(x) + RIDGE * np.eye(x.shape[1]), rows.T @ (targets - mean) / len(x))
    answer = held @ weights + mean
    if discrete:
        return np.abs(weights).sum(1), float((classes[answer.argmax(1)] == held_y).mean())
    missed = np.square(held_y - answer[:, 0]).mean() / max(np.var(held_y), 1e-12)
    return np.abs(weights[:, 0]), float(max(1 - missed, 0.0))


def entropy(weight: np.ndarray, axis: int) -> np.ndarray:
    """Return the entropy of weights along an axis, 1 where they are equal; 1 too where they are all zero."""
    total = weight.sum(axis, keepdims=True)
    p = np.where(total > 0, weight / np.maximum(total, 1e-300), 1 / weight.shape[axis])
    base = np.log(weight.shape[axis]) if weight.shape[axis] > 1 else 1.0
    return -(p * np.log(np.maximum(p, 1e-300))).sum(axis) / base
