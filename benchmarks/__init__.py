"""Ratios of this project's speed to what a reader would otherwise write. Run by hand: `make bench`.

Every ratio is paired: both sides run in turn, in one process, on one machine, and the median of the pairs is printed.
Absolute times stand beside them for orientation only; machines are shared and noisy.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the printed table. A row without a target is for orientation."""

    name: str
    value: float
    unit: str
    target: str = ""
    met: bool | None = None

    def __str__(self) -> str:
        verdict = {True: "met", False: "MISSED", None: ""}[self.met]
        return f"{self.name:<78} {self.value:>9.3g} {self.unit:<6} {self.target:<22} {verdict}".rstrip()


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def paired(other: Callable[[], object], ours: Callable[[], object], *, pairs: int = 7) -> tuple[float, float, float]:
    """Median of other / ours over pairs run in turn, and both medians in seconds; one uncounted pair goes before."""
    other(), ours()
    times = [(seconds(other), seconds(ours)) for _ in range(pairs)]
    ratios = [theirs / own for theirs, own in times]
    others, owns = zip(*times, strict=True)
    return statistics.median(ratios), statistics.median(others), statistics.median(owns)
