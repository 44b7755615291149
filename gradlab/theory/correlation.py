"""What becomes of the difference between two inputs, in wide layers with fresh independent weights.

Two inputs of equal mean square give every unit a pair of pre-activations (u, v), jointly Gaussian with variance q each
and correlation c. A layer maps c to a new c; where it settles at 1, all inputs look alike. `sigma_w2` and `sigma_b2` as
in `mean_field`.
"""

import math
from functools import lru_cache
from numbers import Integral

import numpy as np

from gradlab.activations import DEAD, SATURATED, activation
from gradlab.theory.mean_field import _LARGEST_Q, gaussian_mean, mean_square, variance_profile


def _polar_rule():
    """Radii with weights for r exp(-r^2/2) on (0, inf), and parts with weights for the mean over (0, 1).

    Both substitutions make the integrand vanish doubly exponentially at the ends; see `mean_field` for the first.
    """
    step = 1 / 16
    u = np.arange(-4.0, 2.4, step) + step / 2
    radii = np.exp(u - np.exp(-u))
    radial = np.exp(-radii * radii / 2) * radii * radii * (1 + np.exp(-u))
    step = 1 / 8
    s = np.arange(-3.2, 3.2, step) + step / 2
    parts = 1 / (1 + np.exp(-math.pi * np.sinh(s)))
    angular = np.cosh(s) / np.cosh(math.pi / 2 * np.sinh(s)) ** 2
    return radii, radial / radial.sum(), parts, angular / angular.sum()


_RADII, _RADIAL, _PARTS, _ANGULAR = _polar_rule()


def _product_mean(phi, q, c):
    """E[phi(u) phi(v)] for u, v ~ N(0, q) of correlation c = cos(2 half): u, v = r sqrt(q) cos(angle -+ half).

    Summed sector by sector, between the angles where u or v is 0: a kink or a narrow step at 0 costs nothing there.
    """
    half = math.acos(c) / 2
    starts = np.array([0.0, math.pi / 2 - half, math.pi / 2 + half])  # both above 0; on two sides; both below
    lengths = np.array([math.pi / 2 - half, 2 * half, math.pi / 2 - half])
    angles = (starts[:, None] + lengths[:, None] * _PARTS).ravel()
    weights = (lengths[:, None] * _ANGULAR).ravel() / math.pi
    r = math.sqrt(q) * _RADII[:, None]
    with np.errstate(over="ignore"):
        return _RADIAL @ (phi(r * np.cos(angles - half)) * phi(r * np.cos(angles + half))) @ weights


def correlation_map(c: float, activation_name, q: float, sigma_w2: float, sigma_b2: float = 0.0) -> float:
    """Correlation of the next layer's pre-activations for two inputs that have correlation c in this one.

    (sigma_w2 E[phi(u) phi(v)] + sigma_b2) / (sigma_w2 E[phi(u)^2] + sigma_b2), with u, v ~ N(0, q): to about 1e-12, or
    1e-8 where sqrt(q) is many times as wide as the activation's step. With sigma_b2 = 0 it is also the cosine
    between the two activations. Its slope at c = 1 is `chi` where q has settled: above 1 a small difference grows.
    Assumes wide layers and inputs of equal mean square. Raises ValueError for c outside [-1, 1], or where q leaves
    activations that are 0 or not finite. Source: Poole et al. 2016, equations 4 and 5.

    >>> round(correlation_map(0.0, "relu", 1.0, 2.0), 12) == round(1 / math.pi, 12)
    True
    """
    if not -1 <= c <= 1:
        raise ValueError(f"c = {c}: a correlation from -1 to 1 is wanted")
    return _weighted(*_cosine(activation(activation_name), q, c), sigma_w2, sigma_b2)


def _cosine(phi, q, c):
    """E[phi(u)^2], and E[phi(u) phi(v)] over it."""
    alone = float(mean_square(q, phi, 1.0))
    if not 0 < alone < math.inf:
        raise ValueError(f"q = {q}: the activations have mean square {alone}; it must be positive and finite")
    return alone, min(max(float(_product_mean(phi.value, q, c)) / alone, -1.0), 1.0)


def _weighted(alone, cosine, sigma_w2, sigma_b2):
    """Correlation of pre-activations, from the mean square and the cosine of what the weights multiply."""
    if not sigma_w2 * alone + sigma_b2 > 0:
        raise ValueError(f"sigma_w2 = {sigma_w2}, sigma_b2 = {sigma_b2}: pre-activations with a variance are wanted")
    return (sigma_w2 * alone * cosine + sigma_b2) / (sigma_w2 * alone + sigma_b2)


def _layers(depth, activation_name, sigma_w2, sigma_b2, c0, input_mean_square):
    """(q, c, cosine) of layers 1..depth: variance and correlation of z_ell, cosine of h_ell; `c0` that of the inputs."""
    if not -1 <= c0 <= 1:
        raise ValueError(f"c0 = {c0}: a cosine from -1 to 1 is wanted")
    phi, alone, cosine = activation(activation_name), input_mean_square, c0
    for q in np.minimum(variance_profile(depth, phi, sigma_w2, sigma_b2, input_mean_square), _LARGEST_Q):
        c = _weighted(alone, cosine, sigma_w2, sigma_b2)
        alone, cosine = _cosine(phi, q, c)
        yield q, c, cosine


def correlation_profile(depth, activation_name, sigma_w2, sigma_b2=0.0, c0=0.0, input_mean_square=1.0) -> np.ndarray:
    """Cosine between the activations h_ell of two inputs, shape (depth,), index 0 is layer 1.

    c0 is the cosine between the inputs themselves, 0 for orthogonal ones, `input_mean_square` the mean of x^2 over
    either. 1 means that the two look alike, whatever their norm. For He's ReLU, 1 - cosine falls as 9 pi^2 / (2 ell^2).
    Assumptions and errors as `correlation_map`.

    >>> correlation_profile(3, "relu", 2.0).round(3).tolist()
    [0.318, 0.494, 0.605]
    """
    layers = _layers(depth, activation_name, sigma_w2, sigma_b2, c0, input_mean_square)
    return np.array([cosine for _, _, cosine in layers])


@lru_cache(maxsize=64)
def _steep(phi, share):
    """Intervals [(low, high), ...] of z on which |phi'(z)| is at least `share` of its supremum; ends may be infinite."""
    level = share * phi.slope_supremum

    def steep(z):
        return np.abs(phi.slope(np.atleast_1d(z))) >= level

    z = np.linspace(-40, 40, 8001)
    inside = steep(z)
    ends = [-math.inf] if inside[0] else []
    for i in np.flatnonzero(inside[1:] != inside[:-1]):
        low, high = z[i], z[i + 1]
        for _ in range(60):  # halving also finds a jump
            middle = (low + high) / 2
            low, high = (middle, high) if steep(middle)[0] == inside[i] else (low, middle)
        ends.append(high)
    ends += [math.inf] if inside[-1] else []
    return tuple(zip(ends[::2], ends[1::2], strict=True))


_normal_cdf = np.vectorize(lambda x: math.erfc(-x / math.sqrt(2)) / 2, otypes=[float])


def _flat_probability(phi, share, mean, deviation):
    """P(|phi'(z)| < share of its supremum) for z ~ N(mean, deviation^2); mean and deviation broadcast."""
    with np.errstate(divide="ignore", invalid="ignore"):
        edges = [(np.subtract(end, mean) / deviation for end in interval) for interval in _steep(phi, share)]
        return 1 - sum(_normal_cdf(high) - _normal_cdf(low) for low, high in edges)


def saturated_share(q, activation_name, share: float = SATURATED):
    """Share of units whose slope is below `share` of its supremum, in absolute value, where z ~ N(0, q).

    The whole negative half for ReLU. q is one number or an array, the result has its shape.
    Raises ValueError for a q that is not positive and finite, or a share outside (0, 1].

    >>> round(float(saturated_share(1.0, "relu")), 3), round(float(saturated_share(4.0, "tanh")), 3)
    (0.5, 0.276)
    """
    q = np.asarray(q, np.float64)
    if not np.all((q > 0) & (q < np.inf)):
        raise ValueError(f"q = {q}: positive finite variances are wanted")
    if not 0 < share <= 1:
        raise ValueError(f"share = {share}: a number above 0 and up to 1 is wanted")
    return _flat_probability(activation(activation_name), share, 0.0, np.sqrt(q))


def dead_profile(
    depth, activation_name, sigma_w2, sigma_b2=0.0, c0=0.0, input_mean_square=1.0, *, examples: int
) -> np.ndarray:
    """Share of units at each layer, (depth,), whose slope is below 1/1000 of its supremum for every one of `examples`.

    The examples are taken to have one cosine c0 with each other, as noise has (0). Then z = sqrt(q) (sqrt(c) g +
    sqrt(1 - c) e) with g the unit's own and e the example's, and the share is the mean over g of P(flat | g)^examples.
    As c nears 1 every unit becomes a constant, and half of all ReLU units are dead. Good to about 0.01 for steep
    conditions off 0 (the squashing activations), to 1e-6 for ReLU. Raises ValueError for examples below 1 or
    a negative correlation of the pre-activations, else as `correlation_profile`.

    >>> dead_profile(2, "relu", 2.0, examples=2).round(3).tolist()  # a quarter of independent pairs is negative twice
    [0.25, 0.302]
    """
    if not isinstance(examples, Integral) or examples < 1:
        raise ValueError(f"examples = {examples!r}: a whole number of at least 1 is wanted")
    phi, shares = activation(activation_name), []
    for q, c, _ in _layers(depth, activation_name, sigma_w2, sigma_b2, c0, input_mean_square):
        if c < -1e-9:  # rounding apart
            raise ValueError(f"c0 = {c0} gives layer {len(shares) + 1} correlation {c}; one of at least 0 is wanted")
        own, shared = math.sqrt(q * (1 - max(c, 0.0))), q * max(c, 0.0)
        shares.append(gaussian_mean(lambda z: _flat_probability(phi, DEAD, z, own) ** examples, shared))  # noqa: B023
    return np.array(shares)
