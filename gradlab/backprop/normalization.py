"""Normalization layers by hand: batch, layer and RMS normalization are one formula over different groups of values.

Over the values of one group, with mean mu (of which RMS normalization takes 0 for granted),

    y = (z - mu) / s        s^2 = mean of (z - mu)^2 + epsilon

mu and s depend on every z of the group. A gradient delta = dL/dy therefore comes back without two of its parts:

    dL/dz = (delta - mean(delta) - y * mean(delta * y)) / s

To add one number to the whole group, or to stretch it, changes no y: along 1 and along y there is no gradient. RMS
normalization lets a shift through, and keeps the first part.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

import numpy as np

NORMALIZATIONS = ("batch", "layer", "rms")
EPSILON = 1e-5  # torch's, for batch and layer


@dataclass(frozen=True, eq=False)
class Statistics:
    """Mean and variance of each unit, (n,) each: what batch normalization divides by when it may not ask the batch.

    Training keeps running averages, step by step `after` each batch; inference uses them, so that the answer to one
    example does not depend on the others. Raises ValueError for other shapes, or a variance below 0.

    >>> statistics = Statistics.start(2)
    >>> for _ in range(50):
    ...     statistics = statistics.after([[1.0, 5.0], [3.0, 5.0]])
    >>> statistics.mean.round(1).tolist(), statistics.variance.round(1).tolist()
    ([2.0, 5.0], [2.0, 0.0])
    """

    mean: np.ndarray
    variance: np.ndarray

    def __post_init__(self):
        for name in ("mean", "variance"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), np.float64))
        if self.mean.ndim != 1 or self.mean.shape != self.variance.shape:
            raise ValueError(
                f"mean has shape {self.mean.shape} and variance {self.variance.shape}; both must be the same (n,)"
            )
        if not (np.isfinite(self.mean) & np.isfinite(self.variance) & (self.variance >= 0)).all():
            raise ValueError("mean and variance: finite numbers are wanted, and no variance below 0")

    @classmethod
    def start(cls, n: int) -> "Statistics":
        """Mean 0 and variance 1 for n units, before any batch was seen."""
        return cls(np.zeros(n), np.ones(n))

    @classmethod
    def of(cls, z) -> "Statistics":
        """Those of one batch z, (B, n) or (B, c, h, w), with the unbiased variance: over N - 1, not N.

        Raises ValueError where a unit has fewer than two values.
        """
        z = np.asarray(z)
        axes = _axes("batch", z)
        return cls(z.mean(axes), z.var(axes, ddof=1))

    def after(self, z, momentum: float = 0.1) -> "Statistics":
        """The averages moved by a share `momentum` towards those of the batch z, as torch moves them.

        Raises ValueError for a momentum outside [0, 1], or another number of units.
        """
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum = {momentum}: a number from 0 to 1 is wanted")
        new = Statistics.of(z)
        if new.mean.shape != self.mean.shape:
            raise ValueError(f"z has {len(new.mean)} units; these statistics are of {len(self.mean)}")
        return Statistics(
            (1 - momentum) * self.mean + momentum * new.mean,
            (1 - momentum) * self.variance + momentum * new.variance,
        )


def normalize(
    z, name: str, gain=None, shift=None, *, epsilon: float = EPSILON, statistics: Statistics | None = None
) -> np.ndarray:
    """gain * (z - mean) / sqrt(variance + epsilon) + shift, in the shape of z, (B, n) or (B, c, h, w).

    name         whose mean and variance: "batch", each unit's over the batch (of an image, each channel's over batch
                 and positions); "layer", each example's over its units (channels and positions); "rms", each
                 example's with mean 0, so that the variance is the mean square
    gain, shift  what training learns, (n,) or (c,) each; None for ones and zeros, where it starts
    epsilon      keeps a group of equal values from 0/0
    statistics   for "batch" at inference: the mean and variance to use instead

    The variance of a batch is the biased one: over N, not N - 1. Raises ValueError for an unknown name, shapes that do
    not fit, and groups of one value, which would all be 0: batch normalization of one example.
    Source: Ioffe and Szegedy 2015, algorithm 1; Ba, Kiros and Hinton 2016; Zhang and Sennrich 2019.

    >>> normalize([[1.0, 10.0], [3.0, 50.0]], "batch").round(3).tolist()
    [[-1.0, -1.0], [1.0, 1.0]]
    """
    z = np.asarray(z)
    y, _, _ = _normalized(z, name, epsilon, statistics)
    if gain is not None:
        y = y * _of_units("gain", gain, z)
    if shift is not None:
        y = y + _of_units("shift", shift, z)
    return y


def normalization_gradients(
    z, name: str, output_gradient, gain=None, *, epsilon: float = EPSILON, statistics: Statistics | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(dL/dz, dL/dgain, dL/dshift), (B, n), (n,) and (n,), given output_gradient = dL/dnormalize(z), (B, n).

    With `statistics` the layer is linear: mean and variance are numbers that no z moves, and nothing is taken out.
    The rest, and the errors, as in `normalize`. Source: Ioffe and Szegedy 2015, section 3.

    >>> z, gradient = np.array([[1.0], [2.0], [4.0]]), np.array([[1.0], [0.0], [0.0]])
    >>> dz, _, _ = normalization_gradients(z, "batch", gradient, epsilon=0)
    >>> bool(abs(dz.sum()) < 1e-15), bool(abs((dz * z).sum()) < 1e-15)  # along 1 and along z nothing is left
    (True, True)
    """
    z, delta = np.asarray(z), np.asarray(output_gradient)
    if delta.shape != z.shape:
        raise ValueError(f"output_gradient has shape {delta.shape}; {z.shape} is wanted")
    y, s, axes = _normalized(z, name, epsilon, statistics)
    over = _axes_but(1, z)
    gain_gradient, shift_gradient = (delta * y).sum(over), delta.sum(over)
    if gain is not None:
        delta = delta * _of_units("gain", gain, z)
    return _back(delta, y, s, name, axes), gain_gradient, shift_gradient


def _back(delta, y, s, name, axes):
    """dL/dz for delta = dL/dy; `axes` None where mean and deviation are given."""
    if axes is None:
        return delta / s
    back = delta - y * (delta * y).mean(axes, keepdims=True)
    if name != "rms":
        back -= delta.mean(axes, keepdims=True)
    back /= s
    return back


def _normalized(z, name, epsilon, statistics):
    """y, the deviation s it was divided by, and the axes of a group, None where the statistics are given."""
    if statistics is not None:
        _checked(name, epsilon, statistics)
        mean, variance = (_of_units("statistics", a, z) for a in (statistics.mean, statistics.variance))
        s = np.sqrt(variance + epsilon).astype(z.dtype if z.dtype.kind == "f" else np.float64)
        return (z - mean.astype(s.dtype)) / s, s, None
    _checked(name, epsilon)
    axes = _axes(name, z)
    if name != "rms":
        z = z - z.mean(axes, keepdims=True)
    s = np.sqrt((z * z).mean(axes, keepdims=True) + epsilon)
    with np.errstate(invalid="ignore"):  # equal values with epsilon = 0
        return z / s, s, axes


def _axes(name, z):
    """The axes of one group; every group must have values enough."""
    axes = _axes_but(1 if name == "batch" else 0, z)
    least = 1 if name == "rms" else 2
    if min(z.shape) < 1 or np.prod([z.shape[a] for a in axes]) < least:
        of = "each unit over the batch" if name == "batch" else "each example over its units"
        raise ValueError(
            f"z has shape {z.shape}: {name} normalization, of {of}, would leave nothing of one value; "
            f"at least {least} are wanted"
        )
    return axes


def _axes_but(axis, z):
    if z.ndim < 2:
        raise ValueError(f"z has shape {z.shape}; (B, n) or (B, c, h, w) is wanted")
    return tuple(a for a in range(z.ndim) if a != axis)


def _of_units(name, values, z):
    """One number a unit, laid along the units of z."""
    values = np.asarray(values)
    if z.ndim < 2 or values.shape != z.shape[1:2]:
        raise ValueError(f"{name} has shape {values.shape} beside z of {z.shape}; {z.shape[1:2]} is wanted")
    return values.reshape(-1, *[1] * (z.ndim - 2))


def _checked(name, epsilon, statistics=None):
    if name not in NORMALIZATIONS:
        near = get_close_matches(str(name), (*NORMALIZATIONS, "none"), 1)
        hint = f"did you mean {near[0]!r}? It" if near else "it"
        raise ValueError(f"normalization = {name!r}: {hint} may be one of {', '.join(NORMALIZATIONS)}")
    if not 0 <= epsilon < np.inf:
        raise ValueError(f"epsilon = {epsilon}: a finite number of at least 0 is wanted")
    if statistics is not None and name != "batch":
        raise ValueError(f"statistics for {name} normalization: only batch normalization has them")


@dataclass(frozen=True, eq=False)
class Normalization:
    """`normalize` as a layer of a network at its start: gain 1, shift 0.

    name, epsilon, statistics   as in `normalize`

    >>> y, kept = Normalization("layer").apply(np.array([[1.0, 2.0, 3.0]]))
    >>> y.round(2).tolist()
    [[-1.22, 0.0, 1.22]]
    """

    name: str
    epsilon: float = EPSILON
    statistics: Statistics | None = field(default=None, repr=False)

    def __post_init__(self):
        _checked(self.name, self.epsilon, self.statistics)

    def apply(self, z):
        """The normalized z, and what `pull_back` wants of it."""
        kept = _normalized(z, self.name, self.epsilon, self.statistics)
        return kept[0], kept

    def pull_back(self, kept, delta):
        """dL/dz for delta = dL/dy."""
        y, s, axes = kept
        return _back(delta, y, s, self.name, axes)


@dataclass(frozen=True, eq=False)
class Normalized:
    """A layer, and a normalization of what it gives."""

    inner: object
    normalization: Normalization

    def apply(self, h):
        z, kept = self.inner.apply(h)
        y, kept_of_z = self.normalization.apply(z)
        return y, (kept, kept_of_z)

    def pull_back(self, kept, delta):
        kept, kept_of_z = kept
        return self.inner.pull_back(kept, self.normalization.pull_back(kept_of_z, delta))


def per_layer(normalizations, depth: int) -> tuple[Normalization | None, ...]:
    """One a layer, None for none, from one for all or a sequence of them, each by name or whole.

    Raises ValueError for an unknown name or another number of them.
    """
    if normalizations is None or isinstance(normalizations, str | Normalization):
        return (_named(normalizations),) * depth
    if not isinstance(normalizations, Sequence) or len(normalizations) != depth:
        raise ValueError(f"normalizations = {normalizations!r}: one for all, or one for each of {depth} layers")
    return tuple(map(_named, normalizations))


def _named(normalization):
    if normalization is None or isinstance(normalization, Normalization):
        return normalization
    return None if normalization == "none" else Normalization(normalization)
