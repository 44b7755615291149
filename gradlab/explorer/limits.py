"""What the controls of an explorer may be set to, on their grid or between.

Each function takes controls by their names, and raises ValueError that names the control, what came and what may come.
"""

import math
from collections.abc import Collection
from difflib import get_close_matches
from numbers import Integral, Real


def whole(low: int, high: float = math.inf, **values) -> None:
    """Whole numbers from low to high.

    >>> whole(1, 100, steps=0)
    Traceback (most recent call last):
    ValueError: steps: got 0, expected a whole number from 1 to 100
    """
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, Integral) or not low <= value <= high:
            upwards = "" if high == math.inf else f" to {high}"
            raise ValueError(f"{name}: got {value!r}, expected a whole number from {low}{upwards}")


def number(low: float, high: float, **values) -> None:
    """Numbers from low to high; the live form computes the ends of its sliders, so that rounding may pass them."""
    room = 1e-12 * max(abs(low), abs(high))
    for name, value in values.items():
        if not isinstance(value, Real) or not low - room <= value <= high + room:
            raise ValueError(f"{name}: got {value!r}, expected a number from {low} to {high}")


def one_of(known: Collection, **values) -> None:
    """Choices of a menu.

    >>> one_of(("same", "aimed"), aim="aim")
    Traceback (most recent call last):
    ValueError: aim: got 'aim', expected one of same, aimed; did you mean 'aimed'?
    """
    for name, value in values.items():
        if isinstance(value, bool) or value not in known:
            words = [str(word) for word in known]
            near = get_close_matches(str(value), words)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"{name}: got {value!r}, expected one of {', '.join(words)}{hint}")
