"""After how many factors a power is halved, or leaves a number format."""

import math

import numpy as np


def half_life(factor: float) -> float:
    """Number of layers or steps after which factor**n has fallen to one half; inf at factor 1.

    Raises ValueError outside 0 < factor <= 1.

    >>> round(half_life(0.99), 1)
    69.0
    """
    if not 0 < factor <= 1:
        raise ValueError(f"factor = {factor}: a number above 0 and up to 1 is wanted; above 1 nothing is halved")
    return math.inf if factor == 1 else -1 / math.log2(factor)


# exponents of 2: the first power past the largest number, and the smallest normal number; NumPy has no bfloat16
_FORMATS = {
    **{str(info.dtype): (int(info.maxexp), int(info.minexp)) for info in map(np.finfo, ("f2", "f4", "f8"))},
    "bfloat16": (128, -126),
}


def _format(dtype):
    name = dtype if isinstance(dtype, str) and dtype in _FORMATS else np.dtype(dtype).name
    if name not in _FORMATS:
        raise ValueError(f"dtype = {dtype!r}: it may be one of {', '.join(_FORMATS)}")
    return _FORMATS[name]


def overflow_depth(factor: float, dtype="float32") -> float:
    """First n for which factor**n is past the largest number of `dtype`; inf when factor <= 1.

    Raises ValueError for a factor that is not positive and finite, or another dtype.

    >>> overflow_depth(1.1, "float32")
    931
    """
    past, _ = _format(dtype)
    return math.ceil(past / math.log2(factor)) if _positive(factor) > 1 else math.inf


def underflow_depth(factor: float, dtype="float32") -> float:
    """First n for which factor**n is below the smallest normal number of `dtype`; inf when factor >= 1.

    From there on digits are lost, and some hardware reads 0. Elsewhere 0 comes later, by as many halvings as the
    format has digits: 10 in float16, 7 in bfloat16, 23 in float32, 52 in float64.
    Raises ValueError as `overflow_depth`.

    >>> underflow_depth(0.25, "float32")
    64
    """
    _, smallest = _format(dtype)
    return math.floor(smallest / math.log2(factor)) + 1 if _positive(factor) < 1 else math.inf


def _positive(factor):
    if not 0 < factor < math.inf:
        raise ValueError(f"factor = {factor}: a positive finite number is wanted")
    return factor
