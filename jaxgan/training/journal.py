"""Figures of a run: means over ticks, as JSON lines and TensorBoard events."""

from __future__ import annotations

import json
import math
import os
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxgan.training.game import Trainer

WAITING = 8  # steps sent ahead of the devices before their figures are looked at


class Diverged(RuntimeError):
    """Tell that a figure is no longer finite: `step`, `metric` and `value` say where."""

    def __init__(self, step: int, metric: str, value: float):
        super().__init__(f"{metric} is {value} at step {step}")
        self.step, self.metric, self.value = step, metric, value


class Figures:
    """Collect the metrics of steps without making each step wait for the devices, and check that they are finite.

    Metrics stay on the devices until `WAITING` later steps have been sent, and are then fetched a few at a time. A
    move's metrics count only on the steps on which it is made.
    """

    def __init__(self, trainer: Trainer):
        self.trainer, self.moves = trainer, {move.name for move in trainer.moves}
        self.pending: deque[tuple[int, Mapping[str, Any]]] = deque()
        self.sums: dict[str, float] = {}
        self.counts: dict[str, int] = {}

    def add(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Take the metrics of step number `step` (the first is 0).

        Raises:
            Diverged: A figure of an earlier step, or of this one, is not finite.
        """
        self.pending.append((step, metrics))
        if len(self.pending) > WAITING:
            self._look([self.pending.popleft() for _ in range(WAITING // 2)])

    def settle(self) -> None:
        """Wait for all steps sent so far and look at their figures.

        Raises:
            Diverged: One of them is not finite.
        """
        self._look(list(self.pending))
        self.pending.clear()

    def means(self) -> dict[str, float]:
        """Give the mean of each metric over the steps since the last call, and start anew."""
        means = {name: self.sums[name] / self.counts[name] for name in self.sums}
        self.sums, self.counts = {}, {}
        return means

    def _look(self, some: list[tuple[int, Mapping[str, Any]]]) -> None:
        for (step, _), values in zip(some, jax.device_get([metrics for _, metrics in some])):
            active = self.trainer.active(step)
            for name, value in values.items():
                move = name.split("/")[0]
                if move in self.moves and move not in active:
                    continue
                number = float(np.asarray(value))
                if not math.isfinite(number):
                    raise Diverged(step, name, number)
                self.sums[name] = self.sums.get(name, 0.0) + number
                self.counts[name] = self.counts.get(name, 0) + 1


class Journal:
    """Write one line of figures per tick to `metrics.jsonl`, and the same scalars as TensorBoard events.

    Lines later than `step`, left by a run that was killed after its last checkpoint, are dropped: they will come again.
    """

    def __init__(self, folder: Path, step: int):
        from tensorboardX import SummaryWriter

        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "metrics.jsonl"
        if self.path.exists():
            kept = [line for line in self.path.read_text(errors="replace").splitlines() if _step_of(line) <= step]
            temporary = self.path.with_name(".metrics.part")
            temporary.write_text("".join(line + "\n" for line in kept))
            os.replace(temporary, self.path)
        self.events = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1 if step else None)

    def write(self, figures: Mapping[str, Any]) -> None:
        """Write figures, among them "step"."""
        with self.path.open("a") as file:
            file.write(json.dumps(dict(figures)) + "\n")
        for name, value in figures.items():
            if isinstance(value, (int, float)) and name not in ("step", "time"):
                self.events.add_scalar(name if "/" in name else f"run/{name}", value, figures["step"])
        self.events.flush()

    def close(self) -> None:
        self.events.close()


def _step_of(line: str) -> float:
    """Step of a line; infinite for one that a kill has cut."""
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError, TypeError):
        return math.inf
