"""Mean-field theory: the size of signal and gradient in wide layers with fresh independent weights.

Pre-activations are then Gaussian with variance q, and one layer multiplies the mean square of the gradient by chi.
`sigma_w2` is n_in times the variance of one weight, `sigma_b2` the variance of one bias.
"""

import math
from numbers import Integral

import numpy as np

from gradlab.activations import activation


def _gaussian_rule():
    """Nodes and weights for the mean over N(0, 1): the midpoint rule in u, with z = +-exp(u - exp(-u)).

    The substitution makes the integrand vanish doubly exponentially at both ends, where the midpoint rule is exact to
    rounding. z = 0 is an end: a kink there costs nothing, nor does a step that is narrow beside the variance.
    """
    step = 1 / 32
    u = np.arange(-4.5, 3.0, step) + step / 2
    z = np.exp(u - np.exp(-u))
    weight = np.exp(-z * z / 2) * z * (1 + np.exp(-u))
    z, weight = np.concatenate([-z[::-1], z]), np.concatenate([weight[::-1], weight])
    return z, weight / weight.sum()


_NODES, _WEIGHTS = _gaussian_rule()

_LARGEST_Q = 1e300  # where q would leave float64; every slope has long reached its limit


def gaussian_mean(f, variance):
    """E[f(z)] for z ~ N(0, variance), to about 1e-13 where f is smooth but for a kink or step at 0.

    f maps an array to one of its shape; variance is one number or an array, the result has its shape.
    Raises ValueError for a variance that is negative or nan.

    >>> round(float(gaussian_mean(np.abs, 1.0)), 12) == round(math.sqrt(2 / math.pi), 12)
    True
    """
    variance = np.asarray(variance, dtype=np.float64)
    if not np.all(variance >= 0):
        raise ValueError(f"variance = {variance}: numbers of at least 0 are wanted")
    return f(np.sqrt(variance)[..., None] * _NODES) @ _WEIGHTS


def mean_square(q, activation_name, sigma_w2, sigma_b2=0.0):
    """Variance of the next layer's pre-activation, sigma_w2 * E[phi(z)^2] + sigma_b2 with z ~ N(0, q).

    Assumes wide layers. Source: Poole et al. 2016, equation 3.

    >>> round(float(mean_square(1.0, "relu", 2.0)), 12)  # He's choice keeps it
    1.0
    """
    phi = activation(activation_name).value
    with np.errstate(over="ignore"):
        return sigma_w2 * gaussian_mean(lambda z: phi(z) ** 2, q) + sigma_b2


def chi(q, activation_name, sigma_w2):
    """Factor on the mean square of the gradient a layer: sigma_w2 * E[phi'(z)^2] with z ~ N(0, q).

    Below 1 gradients vanish, above 1 they explode; the norm changes by sqrt(chi) a layer.
    Assumes wide layers of equal width. Source: Schoenholz et al. 2017, equation 5.

    >>> round(float(chi(1.0, "relu", 2.0)), 12)
    1.0
    """
    slope = activation(activation_name).slope
    return sigma_w2 * gaussian_mean(lambda z: slope(z) ** 2, q)


def variance_profile(depth, activation_name, sigma_w2, sigma_b2=0.0, input_mean_square=1.0) -> np.ndarray:
    """Variance q_ell of the pre-activation z_ell, shape (depth,), index 0 is layer 1; inf past 1e300.

    `input_mean_square` is the mean of x^2 over the inputs. tanh at sigma_w = 1 without biases falls as 1/(2 ell).
    Raises ValueError for a depth below 1.

    >>> variance_profile(3, "relu", 1.0).tolist()
    [1.0, 0.5, 0.25]
    """
    if not isinstance(depth, Integral) or depth < 1:
        raise ValueError(f"depth = {depth!r}: a whole number of at least 1 is wanted")
    q = np.full(depth, np.inf)
    q[0] = sigma_w2 * input_mean_square + sigma_b2
    for ell in range(1, depth):
        if q[ell - 1] > _LARGEST_Q:
            break
        q[ell] = mean_square(q[ell - 1], activation_name, sigma_w2, sigma_b2)
    return q


def gradient_profile(depth, activation_name, sigma_w2, sigma_b2=0.0, input_mean_square=1.0):
    """log10 of ||dL/dz_ell|| relative to the last layer, shape (depth,), index 0 is layer 1, the last entry 0.

    `input_mean_square` is the mean of x^2 over the inputs. Follows q from the input up, so the first layers count with
    their own variance rather than with the fixed point. Raises ValueError for a depth below 1.

    >>> gradient_profile(3, "linear", 0.01).round(12).tolist()
    [-2.0, -1.0, 0.0]
    """
    q = np.minimum(variance_profile(depth, activation_name, sigma_w2, sigma_b2, input_mean_square), _LARGEST_Q)
    with np.errstate(divide="ignore"):
        decades = 0.5 * np.log10(chi(q[:-1], activation_name, sigma_w2))
    return np.append(np.cumsum(decades[::-1])[::-1], 0.0)


def critical_sigma_w(activation_name, sigma_b2=0.0):
    """The sigma_w at which chi = 1 at the variance q that the layers settle on: gradients keep their size.

    tanh 1 and ReLU sqrt(2) without biases; sigmoid 10.15: every usual start lies far below it.
    Errors as `level_sigma_w`. Source: Schoenholz et al. 2017, section 3.

    >>> round(critical_sigma_w("relu"), 6), round(critical_sigma_w("tanh"), 6)
    (1.414214, 1.0)
    """
    return level_sigma_w(activation_name, 1.0, sigma_b2)


def level_sigma_w(activation_name, level, sigma_b2=0.0):
    """The sigma_w at which chi = level at the variance q that the layers settle on; `critical_sigma_w` for level 1.

    Where large signals settle elsewhere than small ones, as GELU's and SiLU's do, it is the variance of small ones.
    Raises ValueError for a level that is not positive and finite, or where no variance up to 1e8 fits.

    >>> round(level_sigma_w("linear", 0.25), 6)
    0.5
    """
    phi = activation(activation_name)
    if not 0 < level < math.inf:
        raise ValueError(f"level = {level}: a positive finite number is wanted")

    def sigma_w2(q):
        return level / chi(q, phi, 1.0)

    def drift(q):  # negative where the variance q would grow on the line chi = level
        return q - mean_square(q, phi, sigma_w2(q), sigma_b2)

    if is_scale_free(phi):
        return math.sqrt(sigma_w2(1.0))
    grid = np.geomspace(1e-8, 1e8, 65)
    above = np.flatnonzero(drift(grid) >= -1e-12 * grid)
    if not above.size:
        raise ValueError(f"activation = {phi.name!r}, sigma_b2 = {sigma_b2}: no variance up to 1e8 has chi = {level:g}")
    if above[0] == 0:  # settles at q = 0, where the activation is its tangent, or two where it has a kink
        return math.sqrt(sigma_w2(1 / _LARGEST_Q))
    low, high = grid[above[0] - 1], grid[above[0]]
    for _ in range(60):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if drift(middle) < 0 else (low, middle)
    return math.sqrt(sigma_w2(high))


def is_scale_free(activation_name):
    """Whether chi does not depend on the variance: ReLU, leaky ReLU, linear, where phi(s z) = s phi(z) for s > 0.

    >>> is_scale_free("relu"), is_scale_free("tanh")
    (True, False)
    """
    return bool(np.ptp(chi(np.geomspace(1e-8, 1e8, 9), activation_name, 1.0)) < 1e-9)


def rms_slope(activation_name, variance=1.0):
    """Root mean square of phi'(z) for z ~ N(0, variance): what a layer typically passes on; the supremum is the most.

    >>> round(rms_slope("sigmoid"), 3)
    0.212
    """
    return math.sqrt(chi(variance, activation_name, 1.0))
