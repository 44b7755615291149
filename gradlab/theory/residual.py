"""What residual blocks make of signal and gradient at the start, in wide layers with fresh independent weights.

Shortcut and branch are uncorrelated, because the weights of the branch have mean 0: squares add. Biases are 0.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from numbers import Integral

import numpy as np

from gradlab.activations import activation
from gradlab.theory.correlation import _product_mean
from gradlab.theory.mean_field import _LARGEST_Q, chi, gaussian_mean, mean_square


def residual_growth(
    blocks: float, branch_scale: float = 1.0, *, shortcut_scale: float = 1.0, branch_chi: float = 1.0
) -> float:
    """Factor on the norm of the gradient through L blocks, (a^2 + alpha^2 chi)^(L/2); inf past the largest float.

    chi is the branch's own factor on the mean square: 1 for matrices of He's variance and ReLU, without normalization.
    At alpha = 1 the norm grows by sqrt(2) a block; at alpha = 1/sqrt(L) it never passes sqrt(e).
    Raises ValueError for blocks below 0, a branch_chi below 0, or numbers that are not finite.
    Source: Zhang, Dauphin and Ma 2019, for the growth at alpha = 1.

    >>> residual_growth(20), round(residual_growth(10**6, 1e-3), 4) == round(math.exp(0.5), 4)
    (1024.0, True)
    """
    numbers = {"branch_scale": branch_scale, "shortcut_scale": shortcut_scale}
    for name, value in numbers.items():
        if not math.isfinite(value):
            raise ValueError(f"{name} = {value}: a finite number is wanted")
    for name, value in {"blocks": blocks, "branch_chi": branch_chi}.items():
        if not 0 <= value < math.inf:
            raise ValueError(f"{name} = {value}: a finite number of at least 0 is wanted")
    try:
        return (shortcut_scale**2 + branch_scale**2 * branch_chi) ** (blocks / 2)
    except OverflowError:
        return math.inf


@dataclass(frozen=True, eq=False)
class ResidualProfile:
    """Wide residual networks, block by block: arrays (L,), index 0 is block 1, the one that touches the input.

    mean_square     of h_ell, what block ell gives; both are inf past 1e300
    variance        of h_ell over the examples of a large batch: the mean square less the share all of them have in
                    common, for inputs that are independent of each other
    log10_gradient  log10 of ||dL/dh_ell|| relative to the last block, which has 0
    log10_whole     the same for the inputs of block 1: log10 of ||dL/dh_0|| over ||dL/dh_L||
    """

    mean_square: np.ndarray
    variance: np.ndarray
    log10_gradient: np.ndarray
    log10_whole: float


def residual_profile(
    blocks: int,
    activation_name,
    sigma_w2: float,
    *,
    branch_scale: float = 1.0,
    shortcut_scale: float = 1.0,
    branch_layers: int = 1,
    normalization: str = "none",
    position: str = "before",
    input_mean_square: float = 1.0,
) -> ResidualProfile:
    """Signal and gradient through h_ell = a h_{ell-1} + alpha F_ell(h_{ell-1}), F of `branch_layers` pairs (phi, W).

    sigma_w2       n times the variance of one weight
    normalization  "none", "batch", "layer" or "rms": "before" each phi, or "after" the sum

    Without: the square of the gradient grows by a^2 + alpha^2 chi a block, geometrically. With one before the branch
    the branch no longer grows with the stream: block ell adds alpha^2 v to a mean square that is already some
    alpha^2 v ell, and the growth is a power of the depth, such as sqrt(L + 1) for layer normalization, ReLU and He.
    Assumes wide layers, large batches, inputs N(0, input_mean_square) or like it, epsilon = 0. Raises ValueError for
    unknown names, whole numbers below 1, numbers out of range, and where nothing is left to normalize.
    Source: Yang and Schoenholz 2017 without normalization; De and Smith 2020 for batch normalization.

    >>> profile = residual_profile(8, "relu", 2.0, normalization="layer")
    >>> round(10 ** (2 * profile.log10_whole), 12), profile.mean_square[-1].round(12).item()
    (9.0, 9.0)
    """
    for name, value in (("blocks", blocks), ("branch_layers", branch_layers)):
        if not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name} = {value!r}: a whole number of at least 1 is wanted")
    for name, value in (("branch_scale", branch_scale), ("shortcut_scale", shortcut_scale)):
        if not math.isfinite(value):
            raise ValueError(f"{name} = {value}: a finite number is wanted")
    for name, value in (("sigma_w2", sigma_w2), ("input_mean_square", input_mean_square)):
        if not 0 <= value < math.inf:
            raise ValueError(f"{name} = {value}: a finite number of at least 0 is wanted")
    for name, value, known in (
        ("normalization", normalization, ("none", "batch", "layer", "rms")),
        ("position", position, ("before", "after")),
    ):
        if value not in known:
            raise ValueError(f"{name} = {value!r}: it may be one of {', '.join(known)}")
    phi = activation(activation_name)
    inside, outside = (normalization, "none") if position == "before" else ("none", normalization)
    signal, states, decades = _Signal(input_mean_square, 0.0), [], []
    for _ in range(blocks):
        branch, factor = signal, 1.0
        for _ in range(branch_layers):
            branch, passed = branch.normalized(inside)
            factor *= passed * float(chi(min(branch.mean_square, _LARGEST_Q), phi, sigma_w2))
            branch = branch.layer(phi, sigma_w2)
        signal = signal.times(shortcut_scale).plus(branch.times(branch_scale))
        signal, passed = signal.normalized(outside)
        states.append((signal.mean_square, signal.mean_square - signal.common))
        growth = passed * (shortcut_scale**2 + branch_scale**2 * factor)
        decades.append(math.log10(growth) / 2 if growth else -math.inf)
    mean_squares, variances = np.array(states).T
    past = mean_squares > _LARGEST_Q
    mean_squares[past] = variances[past] = np.inf
    below = np.cumsum(decades[::-1])[::-1]
    return ResidualProfile(mean_squares, variances, np.append(below[1:], 0.0), float(below[0]))


@dataclass(frozen=True)
class _Signal:
    """Mean square over the units of one example, and mean product of two examples: what all have in common."""

    mean_square: float
    common: float

    def times(self, scale):
        return _Signal(scale**2 * self.mean_square, scale**2 * self.common)

    def plus(self, other):
        return _Signal(self.mean_square + other.mean_square, self.common + other.common)

    def normalized(self, how):
        """What is left of it, and the factor on the mean square of a gradient that comes back through."""
        if how == "none":
            return self, 1.0
        square = self.mean_square - self.common if how == "batch" else self.mean_square
        if not square > 0:
            raise ValueError(f"normalization = {how!r}: a signal of variance {square} reaches it; it must be positive")
        return _Signal(1.0, 0.0 if how == "batch" else self.common / square), 1 / square

    def layer(self, phi, sigma_w2):
        """After the activation and a matrix."""
        return _Signal(*(sigma_w2 * moment for moment in _moments(phi, min(self.mean_square, _LARGEST_Q), self.common)))


@lru_cache(maxsize=4096)
def _moments(phi, q, common):
    """E[phi(u)^2] and E[phi(u) phi(v)] for u, v ~ N(0, q) of covariance `common`."""
    alone = float(mean_square(q, phi, 1.0))
    if common == 0:
        return alone, float(gaussian_mean(phi.value, q)) ** 2
    return alone, min(float(_product_mean(phi.value, q, min(common / q, 1.0))), alone)
