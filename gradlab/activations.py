"""Each activation with its slope, the supremum of the slope, and its gain.

Values and slopes keep full relative precision in the tails: a slope of 1e-40 is a number, not zero.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial

import numpy as np

# what counts as a flat slope, as shares of its supremum, in theory and measurement alike
SATURATED = 0.05
DEAD = 0.001  # for every example


@dataclass(frozen=True)
class Activation:
    """An elementwise function and its slope; both map an array of any shape to one of the same shape and float type.

    name            as in `ACTIVATIONS`
    value, slope    phi(z) and phi'(z); at a kink the slope is the left one, as in PyTorch
    slope_supremum  least upper bound of |phi'|: what one layer can at most pass on, the weights apart
    gain            factor on weights of variance 1/n that keeps the signal level, from `torch.nn.init.calculate_gain`;
                    where PyTorch names none, 1/sqrt(E[phi(z)^2]) for z ~ N(0, 1)

    >>> tanh = activation("tanh")
    >>> float(tanh.value(np.array(0.0))), float(tanh.slope(np.array(0.0)))
    (0.0, 1.0)
    """

    name: str
    value: Callable[[np.ndarray], np.ndarray] = field(repr=False)
    slope: Callable[[np.ndarray], np.ndarray] = field(repr=False)
    slope_supremum: float
    gain: float


def _sigmoid(z):
    e = np.exp(-np.abs(z))  # never overflows, and small values stay exact
    return np.where(z >= 0, 1, e) / (1 + e)


def _tanh_slope(z):
    with np.errstate(over="ignore"):  # past the range the slope is 0
        return (1 / np.cosh(z)) ** 2  # 1 - tanh(z)^2 would be 0 from |z| = 19 on


def _sigmoid_slope(z):
    return _tanh_slope(z / 2) / 4


def _silu_slope(z):
    return _sigmoid(z) * (1 + z * _sigmoid(-z))


def _elu(z, alpha=1.0, scale=1.0):
    return np.where(z > 0, scale * z, scale * alpha * np.expm1(np.minimum(z, 0)))


def _elu_slope(z, alpha=1.0, scale=1.0):
    return np.where(z > 0, scale, scale * alpha * np.exp(np.minimum(z, 0))).astype(z.dtype)


# erfc without SciPy. exp(x^2) erfc(x) is smooth in t, which runs over [-1, 1] as x runs over [0, 26]:
# degree 20 through math.erfc at Chebyshev's points gives erfc to 5e-15. Beyond 26, erfc is below 1e-295.
_END = 26.0
_SPAN = _END / (_END + 3)


def _scaled_erfc(t):
    r = (t + 1) * _SPAN / 2
    return np.array([math.erfc(x) * math.exp(x * x) for x in 3 * r / (1 - r)])


_SERIES = np.polynomial.chebyshev.cheb2poly(np.polynomial.chebyshev.chebinterpolate(_scaled_erfc, 20))


def _erfc_of_positive(x):
    t = 2 * x / (x + 3) / _SPAN - 1
    return np.exp(-x * x) * np.polynomial.polynomial.polyval(t, _SERIES)


def _normal_cdf(z):
    x = np.minimum(np.abs(z.astype(np.float64)) / math.sqrt(2), _END)
    tail = _erfc_of_positive(x) / 2
    return np.where(z > 0, 1 - tail, tail).astype(z.dtype)


def _normal_density(z):
    return np.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def _gelu_slope(z):
    return _normal_cdf(z) + z * _normal_density(z)


def _softplus(z):
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


_LEAK = 0.01
_SELU = {"alpha": 1.6732632423543772, "scale": 1.0507009873554805}  # Klambauer et al. 2017, appendix A

ACTIVATIONS = {
    a.name: a
    for a in (
        Activation("sigmoid", _sigmoid, _sigmoid_slope, 0.25, 1.0),
        Activation("tanh", np.tanh, _tanh_slope, 1.0, 5 / 3),
        Activation("relu", lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(z.dtype), 1.0, math.sqrt(2)),
        Activation(
            "leaky_relu",
            lambda z: np.maximum(z, _LEAK * z),
            lambda z: np.where(z > 0, 1, _LEAK).astype(z.dtype),
            1.0,
            math.sqrt(2 / (1 + _LEAK**2)),
        ),
        Activation("elu", _elu, _elu_slope, 1.0, 1.2451983007007066),
        Activation("selu", partial(_elu, **_SELU), partial(_elu_slope, **_SELU), _SELU["alpha"] * _SELU["scale"], 0.75),
        # the slopes of gelu and silu are largest at z = 1.414 and 2.399, and exceed 1
        Activation("gelu", lambda z: z * _normal_cdf(z), _gelu_slope, 1.128904145185155, 1.5335304411955353),
        Activation("silu", lambda z: z * _sigmoid(z), _silu_slope, 1.0998393201288668, 1.6765324703310913),
        Activation("softplus", _softplus, _sigmoid, 1.0, 1.0418668355353016),
        Activation("linear", lambda z: z, np.ones_like, 1.0, 1.0),
    )
}


def activation(name: str) -> Activation:
    """The activation of that name; an `Activation` passes through.

    Raises ValueError for a name that `ACTIVATIONS` does not hold, with the near matches.

    >>> activation("sigmoid").slope_supremum
    0.25
    """
    if isinstance(name, Activation):
        return name
    if name not in ACTIVATIONS:
        near = get_close_matches(str(name).lower(), ACTIVATIONS)
        meant = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
        raise ValueError(f"activation = {name!r}: {meant}it may be one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]
