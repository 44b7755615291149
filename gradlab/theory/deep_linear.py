"""How long a deep linear network learns one mode: Saxe's equation of motion, its time and its fastest rate.

L layers that all carry the mode with the same factor a have the strength u = a^L. Gradient descent on (s - u)^2 / 2 by
every layer, in steps so small that they are a flow, moves it by

    du/dt = L u^(2 - 2/L) (s - u),    t = learning rate x steps.

For u = s y and w = ln(y / (1 - y)) that is dw/dt = L s^(2 - 2/L) y^(1 - 2/L): a straight line for two layers, and one
integral of y^(2/L - 1) over w for any number of them.
Source: Saxe, McClelland and Ganguli 2014, equations 15 to 17, who count layers of units: their N_l is L + 1.
"""

import math
from numbers import Integral, Real

import numpy as np

_PANEL = 0.1  # in w
_LAST = 36.0  # 1 - y is below float64's rounding from here on
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(5)


def fastest_rate(depth: int, strength: float) -> float:
    """1 / (L s^(2 - 2/L)): one over the largest curvature of the loss where the mode is learned, u = s.

    Twice as much is where gradient descent stops to settle there. Of the order 1 / (L s^2) for many layers.
    Raises ValueError for a depth below 1 and a strength that is not positive.

    >>> fastest_rate(1, 5.0), fastest_rate(2, 5.0), round(1 / fastest_rate(100, 5.0), 1)
    (1.0, 0.1, 2420.8)
    """
    _checked(depth, strength)
    return 1 / (depth * strength ** (2 - 2 / depth))


def log10_learning_steps(
    depth: int, strength: float, scale: float = 1.0, *, share: float = 0.9, rate: float = 1.0
) -> float:
    """log10 of the steps until the mode has `share` of its strength, from layers that carry it with the factor `scale`.

    rate   as a share of `fastest_rate`; the flow is exact for small ones
    -inf where the mode starts there or above. Beyond float64's range nothing is lost: layers below 1 cost a time that
    is exponential in their number.
    Raises ValueError for a depth below 1, other numbers that are not positive, and a share outside (0, 1).
    Source: Saxe et al. 2014, equations 15 to 17.

    >>> [round(10 ** log10_learning_steps(depth, 2.0), 2) for depth in (1, 2, 10, 1000)]
    [1.61, 2.2, 2.88, 3.08]
    >>> round(log10_learning_steps(100, 2.0, 0.5))
    30
    """
    _checked(depth, strength, scale=scale, rate=rate)
    if not 0 < share < 1:
        raise ValueError(f"share = {share!r}: a number between 0 and 1 is wanted")
    first, last = _start(depth, strength, scale), math.log(share / (1 - share))
    if first is None or first >= last:
        return -math.inf
    edges = np.linspace(first, last, 2 + int((last - first) / _PANEL))
    logs = _log_panels(edges, depth)
    most = logs.max()
    return float(most + math.log(np.exp(logs - most).sum()) - math.log(rate)) / math.log(10)


def mode_strength(depth: int, strength: float, scale: float, steps, *, rate: float = 1.0) -> np.ndarray:
    """u / s after so many steps of `rate` times `fastest_rate`, of any shape: the rail of `log10_learning_steps`.

    From scale^L / s, which may not be above 1, towards 1. Steps need not be whole.
    Raises ValueError as `log10_learning_steps`, for a mode that starts above s, and for steps below 0.

    >>> mode_strength(2, 4.0, 1.0, [0, 1, 2, 4]).round(3).tolist()
    [0.25, 0.475, 0.711, 0.948]
    """
    _checked(depth, strength, scale=scale, rate=rate)
    steps = np.asarray(steps, dtype=float)
    if not (steps >= 0).all():
        raise ValueError(f"steps = {steps.min()} among them: numbers of at least 0 are wanted")
    first = _start(depth, strength, scale)
    if first is None:
        raise ValueError(f"scale = {scale!r} to the power of {depth}: at most the strength {strength!r} is wanted")
    first = min(first, _LAST)
    edges = np.linspace(first, _LAST, 2 + int((_LAST - first) / _PANEL))
    with np.errstate(over="ignore"):
        reached = np.concatenate([[0.0], np.cumsum(np.exp(_log_panels(edges, depth)))])
    w = np.interp(steps * rate, reached[np.isfinite(reached)], edges[np.isfinite(reached)])
    return np.exp(-np.logaddexp(0, -w))


def _log_panels(edges, depth) -> np.ndarray:
    """ln of the integral of y^(2/L - 1) dw over each panel, by Gauss and Legendre."""
    half = np.diff(edges) / 2
    w = (edges[:-1] + half)[:, None] + half[:, None] * _NODES
    logs = (1 - 2 / depth) * np.logaddexp(0, -w)
    most = logs.max(axis=1)
    return most + np.log(np.exp(logs - most[:, None]) @ _WEIGHTS * half)


def _start(depth, strength, scale) -> float | None:
    """w = ln(y / (1 - y)) of y = scale^L / s; None from y = 1 on."""
    log_y = depth * math.log(scale) - math.log(strength)
    return log_y - math.log(-math.expm1(log_y)) if log_y < 0 else None


def _checked(depth, strength, **more) -> None:
    if isinstance(depth, bool) or not isinstance(depth, Integral) or depth < 1:
        raise ValueError(f"depth = {depth!r}: a whole number of at least 1 is wanted")
    for name, value in {"strength": strength, **more}.items():
        if not isinstance(value, Real) or not 0 < value < math.inf:
            raise ValueError(f"{name} = {value!r}: a positive number is wanted")
