"""Where deep layers settle, on which side of the border they lie, and over how many layers they forget.

Repeated layers of one sigma_w and sigma_b map the variance q, and the correlation c of two inputs, to fixed points. Close
to them every difference shrinks or grows by one factor a layer. `sigma_w2` and `sigma_b2` as in `mean_field`.
"""

import math
from dataclasses import dataclass

import numpy as np

from gradlab.activations import activation
from gradlab.theory.correlation import _product_mean, correlation_map
from gradlab.theory.mean_field import _LARGEST_Q, chi, gaussian_mean, is_scale_free, mean_square


def settled_variance(activation_name, sigma_w2: float, sigma_b2: float = 0.0, input_mean_square: float = 1.0) -> float:
    """The variance q of the pre-activations that the layers tend to: 0, a positive number, or inf.

    `input_mean_square` is the mean of x^2 over the inputs: it decides only where nothing else does, as for He's ReLU,
    which keeps it. Raises ValueError where one of the three is negative or not finite.

    >>> settled_variance("relu", 1.0, 0.5), settled_variance("relu", 2.5), settled_variance("tanh", 1.0)
    (1.0, inf, 0.0)
    """
    phi = activation(activation_name)
    given = {"sigma_w2": sigma_w2, "sigma_b2": sigma_b2, "input_mean_square": input_mean_square}
    for name, value in given.items():
        if not 0 <= value < math.inf:
            raise ValueError(f"{name} = {value}: a finite number of at least 0 is wanted")
    start = sigma_w2 * input_mean_square + sigma_b2
    if start == 0 and mean_square(0.0, phi, sigma_w2) == 0:
        return 0.0
    if is_scale_free(phi):
        factor = float(mean_square(1.0, phi, sigma_w2))
        if abs(factor - 1) < 1e-12:
            return math.inf if sigma_b2 else start
        return sigma_b2 / (1 - factor) if factor < 1 else math.inf

    def growth(q):
        return mean_square(q, phi, sigma_w2, sigma_b2) - q

    # The map grows with q: from where it starts the variance walks to the next fixed point on its way, and stays.
    upwards = growth(start) > 0
    ladder = (
        np.geomspace(start, _LARGEST_Q, 1025) if upwards else np.geomspace(start, max(sigma_b2, 1e-12 * start), 257)
    )
    beyond = np.flatnonzero((growth(ladder[1:]) > 0) != upwards)
    if not beyond.size:
        return math.inf if upwards else float(sigma_b2)
    near, far = ladder[beyond[0]], ladder[beyond[0] + 1]
    for _ in range(100):
        middle = math.sqrt(near * far)
        near, far = (middle, far) if (growth(middle) > 0) == upwards else (near, middle)
    return float(near)


def settled_chi(activation_name, sigma_w2: float, sigma_b2: float = 0.0, input_mean_square: float = 1.0) -> float:
    """Factor on the mean square of the gradient a layer, once the variance has settled.

    Below 1 lies order: gradients vanish and inputs grow alike. Above 1 gradients explode.
    Assumptions and errors as `settled_variance`. Source: Schoenholz et al. 2017, section 3.

    >>> settled_chi("relu", 1.0), settled_chi("tanh", 1.0)
    (0.5, 1.0)
    """
    q = settled_variance(activation_name, sigma_w2, sigma_b2, input_mean_square)
    return float(chi(min(max(q, 1 / _LARGEST_Q), _LARGEST_Q), activation_name, sigma_w2))  # not 0: there ReLU is flat


def depth_scale(factor: float) -> float:
    """Layers over which what changes by `factor` a layer shrinks or grows e-fold: 1 / |ln factor|, inf for 1.

    Of chi it is the depth scale xi of the mean square of the gradient; the norm takes twice as long.
    Raises ValueError for a factor that is not positive and finite.

    >>> round(depth_scale(math.exp(-0.1)), 9), depth_scale(1)
    (10.0, inf)
    """
    if not 0 < factor < math.inf:
        raise ValueError(f"factor = {factor}: a positive finite number is wanted")
    return 1 / abs(math.log(factor)) if factor != 1 else math.inf


@dataclass(frozen=True)
class Phase:
    """Where layers of one sigma_w and sigma_b settle, and how fast.

    variance      q of the pre-activations
    chi           factor on the mean square of the gradient a layer
    correlation   c of two inputs' pre-activations: 1 in the ordered phase, below it in the chaotic one
    c_slope       factor on a small difference from that correlation a layer; chi itself in the ordered phase
    gradient_scale, correlation_scale   the depth scales of both, in layers
    """

    variance: float
    chi: float
    correlation: float
    c_slope: float

    @property
    def gradient_scale(self) -> float:
        return depth_scale(self.chi)

    @property
    def correlation_scale(self) -> float:
        return depth_scale(self.c_slope)


def phase(activation_name, sigma_w2: float, sigma_b2: float = 0.0) -> Phase:
    """Where layers of this sigma_w and sigma_b settle; see `Phase`.

    Raises ValueError as `settled_variance`, and where the variance tends to 0 or inf: the correlation then settles on
    nothing that the other depth scale could belong to. Source: Poole et al. 2016; Schoenholz et al. 2017.

    >>> chaos = phase("tanh", 4.0, 0.05)
    >>> round(chaos.correlation, 3), round(chaos.gradient_scale, 2), round(chaos.correlation_scale, 2)
    (0.165, 3.4, 6.98)
    """
    phi = activation(activation_name)
    q = settled_variance(phi, sigma_w2, sigma_b2)
    if not 0 < q < math.inf:
        raise ValueError(
            f"sigma_w2 = {sigma_w2}, sigma_b2 = {sigma_b2}: the variance tends to {q}, a positive one is wanted"
        )
    factor = float(chi(q, phi, sigma_w2))
    c = settled_correlation(phi, q, sigma_w2, sigma_b2)
    return Phase(q, factor, c, factor if c == 1 else sigma_w2 * float(_product_mean(phi.slope, q, c)))


def settled_correlation(activation_name, q: float, sigma_w2: float, sigma_b2: float = 0.0) -> float:
    """The correlation from 0 to 1 that two different inputs tend to, at the settled variance q.

    1 where `chi` is at most 1, and for ReLU always: different inputs end alike. Else the correlation below 1 that a
    layer maps to itself, to about 1e-9. Source: Poole et al. 2016, section 3.

    >>> settled_correlation("tanh", settled_variance("tanh", 4.0), 4.0)
    0.0
    """
    low, high = 0.0, 1 - 1e-9

    def growth(c):
        return correlation_map(c, activation_name, q, sigma_w2, sigma_b2) - c

    if growth(high) >= 0:
        return 1.0
    if growth(low) <= 1e-12:  # odd activations without biases
        return 0.0
    while high - low > 1e-12:
        middle = (low + high) / 2
        low, high = (middle, high) if growth(middle) > 0 else (low, middle)
    return low


def unit_variance_sigma_w(activation_name) -> float:
    """The sigma_w that keeps pre-activations of variance 1 without biases, 1 / sqrt(E[phi(z)^2]): where LSUV ends.

    He's choice for ReLU. It levels the signal; the gradient then changes by chi(1), which for ReLU alone is 1.
    Source for LSUV: Mishkin and Matas 2016.

    >>> round(unit_variance_sigma_w("relu"), 6), round(unit_variance_sigma_w("tanh"), 6)
    (1.414214, 1.592537)
    """
    return 1 / math.sqrt(mean_square(1.0, activation_name, 1.0))


def isometry_defect(q, activation_name, *, orthogonal: bool = False):
    """What one layer adds to the variance of the squared singular values of the Jacobian, over their mean squared.

    The Jacobian of L layers is a product of L factors D W: D holds the slopes phi'(z), z ~ N(0, q), and W is Gaussian or
    orthogonal. Factors of independent orientation add their defects, E[phi'^4] / E[phi'^2]^2 - 1 for D, and for W 1 or,
    orthogonal, 0. A sum of 0 over the layers is isometry: every direction keeps its length. ReLU adds 1 for D alone.
    q is one number or an array, the result has its shape. Assumes wide layers, much wider than deep.
    Source: Pennington, Schoenholz and Ganguli 2017.

    >>> float(isometry_defect(1.0, "relu").round(12)), float(isometry_defect(0.0, "tanh", orthogonal=True))
    (2.0, 0.0)
    """
    slope = activation(activation_name).slope
    square, fourth = (gaussian_mean(lambda z, p=p: slope(z) ** p, q) for p in (2, 4))
    return fourth / square**2 - 1 + (0.0 if orthogonal else 1.0)
