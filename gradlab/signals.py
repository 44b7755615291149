"""What the forward pass keeps of its inputs: how large the signal is, which slopes it meets, whether inputs stay apart.

A gradient plot does not show it. A norm can be level to the last layer while every input has become the same input.
"""

import numpy as np

from gradlab.activations import DEAD, SATURATED
from gradlab.backprop import Stack, forward
from gradlab.backprop.passes import title
from gradlab.records import SignalProfile

CONSTANT = 0.1  # deviation over the examples, as a share of the rms, below which a unit says the same to all of them
_PROBES = 8  # orthogonal inputs sent along: 28 pairs


def signal_profile(stack: Stack, x) -> SignalProfile:
    """The size, the slopes and the cosines of the signal at every layer, for inputs x, (B, n_0); see `SignalProfile`.

    The orthogonal inputs are x's first rows made orthogonal, at most 8 of them, with the mean square of all x.
    Raises ValueError for fewer than two examples, fewer than two inputs a row, x all zero, or as `forward`.

    >>> from gradlab.backprop import dense_stack
    >>> stack = dense_stack([400] * 21, "relu", "kaiming_normal", seed=0)
    >>> signals = signal_profile(stack, np.random.default_rng(1).normal(size=(32, 400)))
    >>> bool(0.9 < signals.orthogonal_cosine[-1] < 0.97)
    True
    """
    x = np.asarray(x, stack.dtype)
    if x.ndim != 2 or min(x.shape) < 2:
        raise ValueError(f"x has shape {x.shape}; at least two examples with at least two inputs each are wanted")
    states = forward(stack, x)
    probes = forward(stack, _orthogonal(x))
    finite = [np.isfinite(h).all() and np.isfinite(p).all() for h, p in zip(states.post, probes.post, strict=True)]
    usable = (*finite, False).index(False)
    values = np.full((stack.depth, 12), np.nan)
    for ell in range(usable):
        z, h = states.pre[ell], states.post[ell]
        values[ell, :6] = _sizes(z)
        values[ell, 6:9] = _slopes(stack.activations[ell], z)
        values[ell, 9:] = _constant(h), mean_cosine(h), mean_cosine(probes.post[ell])
    overflow = usable + 1 if usable < stack.depth else None
    return SignalProfile(*title(stack), len(x), values[:, 0], values[:, 1:6], *values[:, 6:].T, overflow)


def _orthogonal(x):
    """Up to 8 orthogonal rows, (k, n_0): the first of x made so by QR, each with the mean square of x."""
    if not x.any():
        raise ValueError("x is 0 throughout; inputs that differ from 0 are wanted")
    q, r = np.linalg.qr(x[: min(_PROBES, *x.shape)].T.astype(np.float64))
    q *= np.where(np.diag(r) < 0, -1, 1)  # so that an orthogonal x stays as it is
    return (q.T * np.sqrt(x.size / len(x)) * _rms(x)).astype(x.dtype)


def _rms(a):
    """Root mean square in float64, however large or small the entries."""
    peak = np.abs(a).max().astype(np.float64)
    return peak * np.sqrt(np.mean((a / peak) ** 2)) if peak else peak


def _sizes(z):
    """log10 rms, and five quantiles."""
    with np.errstate(divide="ignore"):
        return np.log10(_rms(z)), *np.quantile(z, SignalProfile.LEVELS)


def _slopes(phi, z):
    """rms slope, saturated share of slopes, dead share of units."""
    with np.errstate(over="ignore"):
        slope = np.abs(phi.slope(z))
    rms = np.sqrt(np.mean(slope**2, dtype=np.float64))
    flat = np.mean(slope < SATURATED * phi.slope_supremum)
    return rms, flat, np.mean(slope.max(axis=0) < DEAD * phi.slope_supremum)


def _constant(h):
    h = h / max(np.abs(h).max(), np.finfo(h.dtype).tiny)
    rms = np.sqrt(np.mean(h * h, axis=0, dtype=np.float64))
    return np.mean(np.std(h, axis=0, dtype=np.float64) <= CONSTANT * rms)


def mean_cosine(h) -> float:
    """Mean cosine of all pairs of different rows of h, (B, n); rows that are 0 have no direction and are left out.

    nan where fewer than two are left.

    >>> round(float(mean_cosine(np.array([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]]))), 12) == round(1 / 3, 12)
    True
    """
    h = h[np.any(h, axis=1)].astype(np.float64)
    if len(h) < 2:
        return np.nan
    h /= np.abs(h).max(axis=1, keepdims=True)
    total = (h / np.linalg.norm(h, axis=1, keepdims=True)).sum(axis=0)  # its square holds every pair twice, and itself
    return (total @ total - len(h)) / (len(h) * (len(h) - 1))
