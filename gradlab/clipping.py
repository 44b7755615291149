"""Gradient clipping by hand, as lists of arrays: one array a parameter, lists in, lists out.

clip_by_global_norm  the whole gradient shrinks by one factor: its length is bounded, its direction kept
rescale_by_largest   the same, measured by the largest entry
clip_by_value        every entry is cut on its own: the direction turns
clip_each_layer      every array by its own norm: the direction of the whole turns
adaptive_clipping    every unit by the norm of its own weights: so does this
"""

import math

import numpy as np


def shrinkage(size, threshold: float) -> np.ndarray:
    """The factor that brings a size down to a threshold: threshold / size where it is larger, else exactly 1.

    size: any shape, not negative.

    >>> shrinkage([0.0, 2.0, 8.0], 2.0).tolist()
    [1.0, 1.0, 0.25]
    """
    return threshold / np.maximum(size, threshold)


def global_norm(gradients) -> float:
    """Euclidean norm of all entries of all arrays, as if they were one vector; it neither over- nor underflows.

    Raises ValueError for an empty list and for an array that holds nan or inf.

    >>> round(global_norm([np.array([3e200]), np.array([[4e200]])]) / 1e200, 12)
    5.0
    """
    arrays = _checked(gradients)
    largest = _largest(arrays)
    squares = (np.sum((g.astype(np.float64) / largest) ** 2) for g in arrays if largest)
    return largest * math.sqrt(sum(map(float, squares)))


def clip_by_global_norm(gradients, threshold: float) -> tuple[list[np.ndarray], float]:
    """Gradients scaled by one factor so that their global norm is at most `threshold`, and the norm before.

    A gradient within the threshold comes back as it is. Scaling keeps its direction: `cosine` before and after is 1.
    Every array keeps its type of floats; the norm is taken in float64.

    Raises ValueError for a threshold that is not positive, an empty list, and an array that holds nan or inf: no factor
    cures those. torch.nn.utils.clip_grad_norm_ lets them pass unless error_if_nonfinite=True: a single inf turns all
    other entries into 0 and itself into nan, a single nan turns every entry of every parameter into nan. It also adds
    1e-6 to the norm that it divides by, so that it ends that much below the threshold.

    Source: Pascanu et al. 2013, algorithm 1.

    >>> clipped, norm = clip_by_global_norm([np.array([3.0, 0.0]), np.array([4.0])], 1.0)
    >>> norm, [g.round(12).tolist() for g in clipped]
    (5.0, [[0.6, 0.0], [0.8]])
    """
    _positive("threshold", threshold)
    norm = global_norm(gradients)
    return _scaled(_checked(gradients), float(shrinkage(norm, threshold))), norm


def rescale_by_largest(gradients, threshold: float) -> tuple[list[np.ndarray], float]:
    """Gradients scaled by one factor so that no |entry| is above `threshold`, and the largest |entry| before.

    Clipping by the maximum norm: torch.nn.utils.clip_grad_norm_ with norm_type=inf. It keeps the direction, which
    `clip_by_value` does not, though the largest entry ends at the same value. Errors as in `clip_by_global_norm`.

    >>> clipped, largest = rescale_by_largest([np.array([3.0, -0.2, 0.5])], 0.5)
    >>> largest, clipped[0].round(4).tolist()
    (3.0, [0.5, -0.0333, 0.0833])
    """
    _positive("threshold", threshold)
    arrays = _checked(gradients)
    largest = _largest(arrays)
    return _scaled(arrays, float(shrinkage(largest, threshold))), largest


def clip_by_value(gradients, threshold: float) -> list[np.ndarray]:
    """Gradients with every entry cut to the interval from -threshold to threshold.

    Large entries shrink and small ones stay, so the gradient turns towards a corner of the cube, by up to
    arccos(1/sqrt(n)) for n entries: 45 degrees in the plane. Its norm is at most threshold sqrt(n). Errors as in
    `clip_by_global_norm`.

    >>> gradient = [np.array([3.0, -0.2, 0.01, 0.5])]
    >>> clipped = clip_by_value(gradient, 0.5)
    >>> clipped[0].tolist(), round(angle(gradient, clipped))
    ([0.5, -0.2, 0.01, 0.5], 37)
    """
    _positive("threshold", threshold)
    return [np.clip(g, -threshold, threshold).astype(g.dtype, copy=False) for g in _checked(gradients)]


def clip_each_layer(gradients, threshold: float) -> tuple[list[np.ndarray], np.ndarray]:
    """Every array scaled by its own factor so that its own norm is at most `threshold`, and the norms before, (L,).

    Each array keeps its direction; the whole gradient does not, since layers with large gradients shrink and the others
    stay. Its global norm is at most threshold sqrt(L). Errors as in `clip_by_global_norm`.

    >>> clipped, norms = clip_each_layer([np.array([3.0, 4.0]), np.array([0.6, 0.8])], 1.0)
    >>> norms.tolist(), [g.round(12).tolist() for g in clipped]
    ([5.0, 1.0], [[0.6, 0.8], [0.6, 0.8]])
    """
    _positive("threshold", threshold)
    arrays = _checked(gradients)
    norms = np.array([global_norm([g]) for g in arrays])
    return [_scaled([g], float(shrinkage(norm, threshold)))[0] for g, norm in zip(arrays, norms, strict=True)], norms


def adaptive_clipping(
    gradients, weights, ratio: float = 0.01, *, smallest_norm: float = 1e-3
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Every unit's gradient scaled so that its norm is at most `ratio` times that of the unit's own weights.

    gradients, weights   one array a parameter, of equal shapes. The first axis counts the units: a row of a dense
                         layer, a kernel of a convolution. An array of one dimension, a bias, is a single unit
    smallest_norm        what a norm of weights counts for at least, so that weights that begin at 0 can leave it

    Returns the gradients, and for every array the ratios before, one a unit. A ratio is, times the learning rate, by
    what share a step changes a unit's weights. Which parameters to leave out is the caller's choice; the paper leaves
    out the last layer. Raises ValueError also where shapes differ or `ratio` or `smallest_norm` is not positive.

    Source: Brock et al. 2021, section 4.

    >>> clipped, ratios = adaptive_clipping([np.array([[3.0, 4.0], [0.03, 0.04]])], [np.array([[1.0, 0], [0, 10]])], 0.1)
    >>> ratios[0].round(6).tolist(), clipped[0].round(6).tolist()
    ([5.0, 0.005], [[0.06, 0.08], [0.03, 0.04]])
    """
    _positive("ratio", ratio)
    _positive("smallest_norm", smallest_norm)
    arrays, weights = _checked(gradients), _checked(weights, "weights")
    shapes = [[a.shape for a in side] for side in (arrays, weights)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"weights: got the shapes {shapes[1]}, expected those of the gradients, {shapes[0]}")
    clipped, ratios = [], []
    for g, w in zip(arrays, weights, strict=True):
        ratios.append(_unit_norms(g) / np.maximum(_unit_norms(w), smallest_norm))
        factor = shrinkage(ratios[-1], ratio).reshape(-1, *[1] * max(g.ndim - 1, 0))
        clipped.append((g * factor).reshape(g.shape).astype(g.dtype, copy=False))
    return clipped, ratios


def cosine(before, after) -> float:
    """Cosine of the angle between two gradients, each a list of arrays taken as one vector.

    1: the same direction; 0: at right angles. Raises ValueError where one of them is 0 or their shapes differ.

    >>> cosine([np.array([1.0]), np.array([0.0])], [np.array([1.0]), np.array([1.0])]).__round__(6)
    0.707107
    """
    first, second = _directions(before, after)
    return float(np.clip(first @ second, -1, 1))


def angle(before, after) -> float:
    """The same in degrees, exact for small angles too: from the chords between the directions, not from the cosine."""
    first, second = _directions(before, after)
    return math.degrees(2 * math.atan2(np.linalg.norm(first - second), np.linalg.norm(first + second)))


# ------------------------------------------------------------------------------------------------------------- parts


def _directions(before, after) -> tuple[np.ndarray, np.ndarray]:
    flat = []
    for name, gradients in (("before", before), ("after", after)):
        norm = global_norm(gradients)
        if norm == 0:
            raise ValueError(f"{name}: got a gradient that is 0, which has no direction")
        flat.append(np.concatenate([np.ravel(g) / norm for g in _checked(gradients)]))
    if flat[0].shape != flat[1].shape:
        raise ValueError(f"after: got {flat[1].size} entries, expected {flat[0].size} as before")
    return flat[0], flat[1]


def _positive(name: str, value: float) -> None:
    if not value > 0 or math.isinf(value):
        raise ValueError(f"{name}: got {value!r}, expected a positive number")


def _checked(gradients, name: str = "gradients") -> list[np.ndarray]:
    """The arrays, whole numbers as float64; ValueError for none, and for one that is not finite."""
    arrays = [np.asarray(g) for g in gradients]
    if not arrays:
        raise ValueError(f"{name}: got an empty list, expected at least one array")
    for i, g in enumerate(arrays):
        if not np.isfinite(g).all():
            kind = "nan" if np.isnan(g).any() else "inf"
            raise ValueError(
                f"{name}: array {i} of {len(arrays)}, of shape {g.shape}, holds {kind}; no factor cures it"
            )
    return [g if g.dtype.kind == "f" else g.astype(np.float64) for g in arrays]


def _largest(arrays) -> float:
    return max(float(np.abs(g).max(initial=0.0)) for g in arrays)


def _scaled(arrays, factor: float) -> list[np.ndarray]:
    return [(g * factor).astype(g.dtype, copy=False) for g in arrays]


def _unit_norms(array: np.ndarray) -> np.ndarray:
    """Norm of every unit, (units,): along all axes but the first, or of the whole where there is but one."""
    rows = array.reshape(len(array), -1) if array.ndim > 1 else array.reshape(1, -1)
    return np.linalg.norm(rows.astype(np.float64), axis=1)
