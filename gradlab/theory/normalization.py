"""What normalizing every layer makes of the gradient at the start, in wide layers with fresh independent weights.

A normalization forgets the scale of the weights, so that a layer's factor on the gradient no longer depends on it.
What is left depends on the activation and, for batch normalization, on the batch: unit by unit, the B normalized
values y are a point that is uniform on a sphere, of radius sqrt(B) in the B - 1 dimensions of mean 0. Biases are 0.
"""

import math
from numbers import Integral

import numpy as np

from gradlab.activations import activation
from gradlab.theory.correlation import _ANGULAR, _PARTS
from gradlab.theory.mean_field import gaussian_mean

NORMALIZATIONS = ("batch", "layer", "rms")


def normalized_chi(activation_name, normalization: str = "batch", batch: float = math.inf) -> float:
    """Factor on the mean square of the gradient a layer, each layer's pre-activations being normalized.

    The norm changes by its square root a layer. With y ~ N(0, 1) it is

        "layer", "rms"          E[phi'(y)^2] / E[phi(y)^2]
        "batch", large batches  E[phi'(y)^2] / Var[phi(y)]

    The second is never below 1, and is 1 for straight lines alone (the Gaussian Poincare inequality): batch
    normalization makes gradients explode at the start, pi / (pi - 1) for ReLU. For a batch of B examples it is larger,
    (B - 2) / (B - 3) for the linear network: inf at 3, and 0 at 2, where every y is 1 or -1 whatever z is.
    Assumes wide layers and independent inputs, epsilon = 0. Raises ValueError for a batch below 2 or not whole, an
    unknown normalization, an activation that is constant. Source: Yang et al. 2019, for batch normalization.

    >>> round(normalized_chi("relu"), 12) == round(math.pi / (math.pi - 1), 12)
    True
    >>> round(normalized_chi("linear", batch=8), 6)
    1.2
    """
    if _known(normalization) == "batch":
        return _batch_factors(activation(activation_name), _whole(batch))[0]
    phi = activation(activation_name)
    return float(gaussian_mean(lambda z: phi.slope(z) ** 2, 1.0) / gaussian_mean(lambda z: phi.value(z) ** 2, 1.0))


def normalized_gradient_profile(
    depth: int, activation_name, normalization: str = "batch", batch: float = math.inf
) -> np.ndarray:
    """log10 of ||dL/dy_ell|| relative to the last layer, y the normalized pre-activation; shape (depth,).

    Index 0 is layer 1, the last entry 0; L any loss whose gradient at the output is independent from example to
    example. A straight line of slope -log10(`normalized_chi`) / 2, but for the last layer, where batch normalization
    has not yet taken the mean of the gradient out. Errors as there, and for a depth below 1.

    >>> (10 ** (2 * normalized_gradient_profile(4, "linear", batch=4))).round(9).tolist()  # mean squares
    [6.0, 3.0, 1.5, 1.0]
    """
    if not isinstance(depth, Integral) or depth < 1:
        raise ValueError(f"depth = {depth!r}: a whole number of at least 1 is wanted")
    if _known(normalization) == "batch":
        chi, first = _batch_factors(activation(activation_name), _whole(batch))
    else:
        chi = first = normalized_chi(activation_name, normalization)
    below = np.arange(depth - 1)[::-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.append((np.log10(first) + np.where(below > 0, below * np.log10(chi), 0.0)) / 2, 0.0)


def _batch_factors(phi, batch):
    """chi, and the factor from the last layer to the one before, on the mean square of dL/dy.

    With D = diag phi'(y), G = 1 - 11^T/B and P = G - yy^T/B, the covariance of dL/dh over the units, c G, becomes
    c' G with c'/c = B / ((B - 3)(B - 1)) * E tr(P D G D) / (E phi(y_1)^2 - E phi(y_1) phi(y_2)): 1 / s^2 is the
    inverse of a chi-squared number, and independent of y. At the last layer the identity stands in place of G.
    """
    if batch <= 3:
        return (0.0, 0.0) if batch == 2 else (math.inf, math.inf)
    if math.isinf(batch):
        signal = gaussian_mean(lambda z: phi.value(z) ** 2, 1.0) - gaussian_mean(phi.value, 1.0) ** 2
        chi = gaussian_mean(lambda z: phi.slope(z) ** 2, 1.0) / _positive(phi, signal)
        return float(chi), float(chi)
    y, weights = _pairs(batch)
    h, slope = phi.value(y), phi.slope(y)
    pulled = y * slope

    def alone(a):  # both of the pair have one law
        return float(a.mean(axis=0) @ weights)

    def both(a):
        return float(a[0] * a[1] @ weights)

    signal = _positive(phi, alone(h**2) - both(h))
    identity = (batch - 1) * alone(slope**2) - alone(pulled**2)  # E tr(P D D)
    common = identity - (batch - 1) * (both(slope) + both(pulled))  # E 1^T D P D 1
    scale = batch / ((batch - 3) * (batch - 1)) / signal
    # dL/dy itself: phi' * dL/dh, whose mean square is 1 - 1/B times c below the last layer
    return scale * (identity - common / batch), scale * identity * (1 - 1 / batch)


def _pairs(batch):
    """Two of the B normalized values of a unit, (2, N), and the weights of their mean.

    In their plane the point has a direction that is uniform and a squared length that is beta distributed. The mean is
    taken from angle to angle where one of them is 0, since activations have their kinks there.
    """
    squared = -np.expm1(np.log(_PARTS) * 2 / (batch - 3))
    half = math.acos(-1 / (batch - 1)) / 2
    starts = np.array([0.0, math.pi / 2 - half, math.pi / 2 + half])
    lengths = np.array([math.pi / 2 - half, 2 * half, math.pi / 2 - half])
    angles = (starts[:, None] + lengths[:, None] * _PARTS).ravel()
    directions = np.stack([np.cos(angles - half), np.cos(angles + half)])
    y = math.sqrt(batch - 1) * np.sqrt(squared)[:, None] * directions[:, None]
    weights = _ANGULAR[:, None] * (lengths[:, None] * _ANGULAR).ravel() / math.pi
    return y.reshape(2, -1), weights.ravel()


def _positive(phi, variance):
    if not 0 < variance < math.inf:
        raise ValueError(f"activation = {phi.name!r}: its values have variance {variance}; it must be positive")
    return variance


def _known(normalization):
    if normalization not in NORMALIZATIONS:
        raise ValueError(f"normalization = {normalization!r}: it may be one of {', '.join(NORMALIZATIONS)}")
    return normalization


def _whole(batch):
    if batch != math.inf and (not isinstance(batch, Integral) or batch < 2):
        raise ValueError(f"batch = {batch!r}: a whole number of at least 2 is wanted, or inf")
    return batch
