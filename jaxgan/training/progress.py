"""What a run shows while it trains: a bar on a terminal, one plain line per tick elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TextIO

SHOWN = ("loss", "penalty", "p")


class Progress:
    """Show kimg, images per second, losses, augmentation strength and time left. Use as a context manager.

    Args:
        kimg: Length of the run.
        done: Thousands of images that earlier parts of the run have seen.
        stream: Where to; standard output if None.
        quiet: Show nothing (all processes but the first).
    """

    def __init__(self, kimg: float, done: float = 0.0, stream: TextIO | None = None, quiet: bool = False):
        self.kimg, self.quiet, self.stream = kimg, quiet, stream or sys.stdout
        self.start = self.at = done
        self.began = self.since = time.monotonic()
        self.bar = None
        if not quiet and self.stream.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bar
            from rich.table import Column

            self.bar = Bar(
                TimeElapsedColumn(),
                BarColumn(bar_width=16),
                # What does not fit is cut: the least important figures stand last.
                TextColumn("{task.fields[figures]}", table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
                console=Console(file=self.stream),
                refresh_per_second=4,
                expand=True,
            )
            self.task = self.bar.add_task("", total=kimg, completed=0, figures="compiling the step")
        self.figures: dict[str, float] = {}

    def __enter__(self) -> Progress:
        if self.bar is not None:
            self.bar.start()
        return self

    def __exit__(self, *exception) -> None:
        if self.bar is not None:
            self.bar.stop()

    def begin(self, kimg: float) -> None:
        """Start the clock here: what took long before was compiling."""
        self.start, self.began = kimg, time.monotonic()
        self.go_on(kimg)

    def go_on(self, kimg: float) -> None:
        """Count the speed from here: what came before was drawing grids or writing files."""
        self.since, self.at = time.monotonic(), kimg

    def rate(self, kimg: float) -> float | None:
        """Images per second since `go_on`; None before there was one."""
        made, seconds = kimg - self.at, time.monotonic() - self.since
        return 1000 * made / seconds if made > 0 and seconds > 0 else None

    def advance(self, kimg: float) -> None:
        """Move the bar."""
        if self.bar is not None:
            text = summary(kimg, self.kimg, self.rate(kimg), self._left(kimg), self.figures)
            self.bar.update(self.task, completed=kimg, figures=text)

    def tick(self, kimg: float, figures: Mapping[str, float]) -> None:
        """Show the figures of a tick."""
        self.figures = dict(figures)
        if self.bar is not None:
            self.advance(kimg)
        else:
            self.say(summary(kimg, self.kimg, self.rate(kimg), self._left(kimg), self.figures))

    def say(self, line: str) -> None:
        """Show a line, above the bar if there is one."""
        if self.bar is not None:
            self.bar.console.print(line, highlight=False, markup=False, soft_wrap=True)
        elif not self.quiet:
            print(line, file=self.stream, flush=True)

    def _left(self, kimg: float) -> float | None:
        """Seconds left at the pace since the start, grids and checkpoints included."""
        made = kimg - self.start
        return (time.monotonic() - self.began) / made * (self.kimg - kimg) if made > 0 else None


def summary(kimg: float, total: float, rate: float | None, left: float | None, figures: Mapping[str, Any]) -> str:
    """Put the figures into one line: `kimg 12.0/1000  84 img/s  left 1:02:03  G 0.81  D 1.2  D penalty 0.013  p 0.02`.

    A move's first figure goes by the move's name alone.
    """
    digits = 1 if total >= 10 else 3
    words = [f"kimg {kimg:.{digits}f}/{total:g}"]
    if rate is not None:
        words.append(f"{rate:.0f} img/s" if rate >= 10 else f"{rate:.1f} img/s")
    if left is not None:
        words.append(f"left {timedelta(seconds=round(left))}")
    named = set()
    for name, value in figures.items():
        move, _, metric = name.rpartition("/")
        if metric in SHOWN:
            title = "p" if metric == "p" else f"{move} {metric}" if move in named else move
            words.append(f"{title} {value:#.3g}")
            named.add(move)
    return "  ".join(words)
