"""The sigmoid neuron by itself: the window of inputs that pass on the whole gradient, and the power of one quarter."""

import math
from dataclasses import dataclass
from numbers import Integral


@dataclass(frozen=True)
class UnstableWindow:
    """Inputs a for which |w sigmoid'(w a + b)| >= 1, measured from the centre a = -b/w: low <= a + b/w <= high."""

    low: float
    high: float
    width: float


def unstable_window(weight: float) -> UnstableWindow:
    """The window in which one sigmoid neuron passes on at least the whole gradient; width 0.0 when |w| < 4.

    With |w| = 4 cosh(u)^2 the width is 4 u / |w|. Raises ValueError for a weight that is not finite.
    Source: Nielsen 2015, chapter 5, problem 1, solved.

    >>> round(unstable_window(100.0).width, 4), unstable_window(3.9).width
    (0.0917, 0.0)
    """
    if not math.isfinite(weight):
        raise ValueError(f"weight = {weight}: a finite number is wanted")
    size = abs(weight)
    half = 2 * math.acosh(math.sqrt(size / 4)) / size if size >= 4 else 0.0
    return UnstableWindow(-half, half, 2 * half)


def widest_window() -> tuple[float, float]:
    """(|w|, width) of the widest window that any weight opens: u tanh(u) = 1/2 in the terms of `unstable_window`.

    >>> [round(v, 4) for v in widest_window()]
    [6.8942, 0.4477]
    """
    u = 0.75
    for _ in range(6):  # Newton
        u -= (u * math.tanh(u) - 0.5) / (math.tanh(u) + u / math.cosh(u) ** 2)
    weight = 4 * math.cosh(u) ** 2
    return weight, 4 * u / weight


def sigmoid_power_bound(depth: int) -> float:
    """0.25**depth: the most that `depth` sigmoid slopes can multiply to. It leaves out the weights.

    >>> sigmoid_power_bound(10)
    9.5367431640625e-07
    """
    if not isinstance(depth, Integral) or depth < 0:
        raise ValueError(f"depth = {depth!r}: a whole number of at least 0 is wanted")
    return 0.25**depth
