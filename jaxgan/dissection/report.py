"""The report of a dissection: which units stand for what."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from jaxgan.core.generator import known


class Report(NamedTuple):
    """Say how the U units of a tap agree with C concepts.

    Args:
        iou: Intersection over union [U, C].
        thresholds: Value above which a unit is active [U].
        presence: Mean of each unit where each concept is seen [C, U]: what to insert for it.
        active: Share of all pixels in which a unit is active [U].
        covered: Share of all pixels that a concept covers [C].
        concepts: C names.
        tap: Activation that the units belong to.
        meta: Provenance as sorted pairs: family, generator, q, samples.
    """

    iou: Float[np.ndarray, "u c"]
    thresholds: Float[np.ndarray, " u"]
    presence: Float[np.ndarray, "c u"]
    active: Float[np.ndarray, " u"]
    covered: Float[np.ndarray, " c"]
    concepts: tuple[str, ...]
    tap: str
    meta: tuple = ()

    def column(self, concept: str | int) -> int:
        """Return the number of a concept, or raise ValueError."""
        if isinstance(concept, str):
            known(concept, self.concepts, "concept")
            return self.concepts.index(concept)
        if not 0 <= concept < len(self.concepts):
            raise ValueError(f"There are {len(self.concepts)} concepts, got number {concept}.")
        return concept

    def units(self, concept: str | int, min_iou: float = 0.04, most: int | None = None) -> list[int]:
        """Return the units that agree with a concept, the best first.

        Args:
            concept: Name or number.
            min_iou: Smallest IoU that counts.
            most: How many at most.
        """
        values = self.iou[:, self.column(concept)]
        order = np.argsort(-values, kind="stable")
        return [int(u) for u in order if values[u] >= min_iou][:most]

    def values(self, concept: str | int, units: list[int]) -> Float[np.ndarray, " k"]:
        """Return the mean of the given units where a concept is seen: what `insert` takes."""
        return self.presence[self.column(concept)][units]

    def labels(self, min_iou: float = 0.04) -> list[tuple[int, str, float]]:
        """Return (unit, the concept it agrees with most, IoU) of the units that agree with any, the best first."""
        best = self.iou.argmax(1)
        found = [(u, self.concepts[c], float(self.iou[u, c])) for u, c in enumerate(best) if self.iou[u, c] >= min_iou]
        return sorted(found, key=lambda row: -row[2])
