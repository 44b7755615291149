"""Sizes of arrays as log10, whatever they are: the squares in a norm leave the range of floats long before it does."""

import numpy as np

ROOM = 6.0  # decades from the wanted norm at which an array is brought back; its square and one more layer stay within float32


def squares(arrays):
    """Squared Frobenius norm of each of m arrays, (m,); quickest when they are one array (m, B, n)."""
    if isinstance(arrays, np.ndarray):
        flat = arrays.reshape(len(arrays), -1)
        return np.vecdot(flat, flat)
    return np.array([np.vdot(a, a) for a in arrays])


def log10_norms(arrays):
    """log10 of the Frobenius norm of each of m arrays, (m,) float64, whatever its size; -inf for zeros."""
    with np.errstate(all="ignore"):
        sums = squares(arrays)
        if 1e-30 < sums.min() and sums.max() < 1e30:
            return np.log10(sums, dtype=np.float64) / 2
        # take out the largest entry first
        peaks = np.array([np.abs(a).max() for a in arrays], np.float64)
        units = [np.divide(a, peak, dtype=np.float64) for a, peak in zip(arrays, peaks, strict=True)]
        return np.log10(peaks) + np.where((peaks > 0) & (peaks < np.inf), np.log10(squares(units)) / 2, 0.0)


def scaled(array, size, wanted=0.0):
    """The array brought to log10 norm `wanted` where its own, `size`, is far from it, and the decades taken out."""
    scale = size - wanted
    if abs(scale) < ROOM or not np.isfinite(scale):
        return array, 0.0
    half = float(10 ** (scale / 2))  # in two steps, since the norm itself may be past the largest float
    return array / half / half, float(scale)
