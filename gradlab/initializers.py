"""Named ways to draw the first weights, named as `torch.nn.init` names them.

A weight matrix is (n_out, n_in): n_in is the fan-in, n_out the fan-out. The variance of one weight decides the scale of
signal and gradient; the shape of the distribution hardly matters.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from numbers import Integral

import numpy as np


@dataclass(frozen=True)
class Initializer:
    """A law for weights and biases of one layer, dense or convolution.

    name      as in `INITIALIZERS`
    label     as readers are shown it
    variance  (n_in, n_out) -> variance of one weight at gain 1
    sample    (rng, shape, variance) -> array: how numbers of that variance are drawn
    bias_law  n_in -> variance of one bias, 0.0 for zero biases

    >>> initializer("kaiming_normal").weight_variance(50, 20)
    0.04
    """

    name: str
    label: str
    variance: Callable[[int, int], float] = field(repr=False)
    sample: Callable = field(repr=False)
    bias_law: Callable[[int], float] = field(repr=False, default=lambda n_in: 0.0)

    def weight_variance(self, n_in: int, n_out: int, gain: float = 1.0) -> float:
        """Variance of one weight. Times n_in it is the sigma_w^2 of the mean-field theory."""
        _positive(n_in=n_in, n_out=n_out)
        return gain**2 * self.variance(n_in, n_out)

    def bias_variance(self, n_in: int) -> float:
        """Variance of one bias: the sigma_b^2 of the mean-field theory."""
        _positive(n_in=n_in)
        return self.bias_law(n_in)

    def draw(self, n_out: int, n_in: int, rng: np.random.Generator, gain: float = 1.0) -> np.ndarray:
        """A weight matrix, (n_out, n_in) float64, every weight multiplied by `gain`.

        Raises ValueError for sizes below 1 or a gain that is not finite.
        """
        return self._sample((n_out, n_in), self.weight_variance(n_in, n_out), rng, gain)

    def draw_kernel(self, c_out: int, c_in: int, kernel_size: int, rng, gain: float = 1.0) -> np.ndarray:
        """A square convolution kernel, (c_out, c_in, k, k) float64, drawn as a matrix (c_out, c_in * k * k).

        Fan-in is c_in * k^2 and fan-out c_out * k^2, as torch.nn.init counts them. The variance of a weight is
        weight_variance(fan-in, fan-out), but for "orthogonal": 1 / max(c_out, c_in * k^2), the sides of the matrix.
        Raises ValueError for sizes below 1 or a gain that is not finite.

        >>> initializer("kaiming_normal").draw_kernel(2, 3, 5, np.random.default_rng(0)).shape
        (2, 3, 5, 5)
        """
        _positive(c_out=c_out, c_in=c_in, kernel_size=kernel_size)
        area = kernel_size**2
        variance = self.weight_variance(c_in * area, c_out * area)
        return self._sample((c_out, c_in * area), variance, rng, gain).reshape(c_out, c_in, kernel_size, kernel_size)

    def _sample(self, shape, variance, rng, gain):
        if not math.isfinite(gain):
            raise ValueError(f"gain = {gain}: a finite number is wanted")
        return gain * self.sample(rng, shape, variance)

    def draw_bias(self, n_out: int, n_in: int, rng: np.random.Generator) -> np.ndarray:
        """A bias vector, (n_out,) float64. Raises ValueError for sizes below 1."""
        _positive(n_out=n_out)
        variance = self.bias_variance(n_in)
        return self.sample(rng, (n_out,), variance) if variance else np.zeros(n_out)


def _positive(**sizes):
    for name, size in sizes.items():
        if not isinstance(size, Integral) or size < 1:
            raise ValueError(f"{name} = {size!r}: a whole number of at least 1 is wanted")


def _normal(rng, shape, variance):
    return rng.normal(0, math.sqrt(variance), shape)


def _uniform(rng, shape, variance):
    half_width = math.sqrt(3 * variance)
    return rng.uniform(-half_width, half_width, shape)


def _orthogonal(rng, shape, variance):
    """Orthonormal rows or columns, whichever are fewer; uniform over such matrices (Saxe et al. 2014, section 3)."""
    q, r = np.linalg.qr(rng.normal(size=(max(shape), min(shape))))
    q *= np.where(np.diag(r) < 0, -1, 1)  # without this the draw depends on the signs that LAPACK prefers
    return q if shape[0] >= shape[1] else q.T


def _glorot(n_in, n_out):
    return 2 / (n_in + n_out)  # Glorot and Bengio 2010, equation 16


def _third(n_in):
    return 1 / (3 * n_in)  # of the uniform distribution on +-1/sqrt(n_in)


def _he(n_in, n_out):
    return 2 / n_in  # He et al. 2015, equation 10


INITIALIZERS = {
    i.name: i
    for i in (
        Initializer("xavier_normal", "Xavier", _glorot, _normal),
        Initializer("xavier_uniform", "Xavier, uniform", _glorot, _uniform),
        Initializer("kaiming_normal", "He", _he, _normal),
        Initializer("kaiming_uniform", "He, uniform", _he, _uniform),
        Initializer("lecun_normal", "LeCun", lambda n_in, n_out: 1 / n_in, _normal),
        Initializer("orthogonal", "orthogonal", lambda n_in, n_out: 1 / max(n_in, n_out), _orthogonal),
        # what torch.nn.Linear and Conv2d draw by themselves, weights and biases alike
        Initializer("torch_default", "PyTorch default", lambda n_in, n_out: _third(n_in), _uniform, _third),
        Initializer("standard_normal", "N(0,1)", lambda n_in, n_out: 1.0, _normal),
        Initializer("fixed_001", "fixed 0.01", lambda n_in, n_out: 1e-4, _normal),
        Initializer("nielsen", "Nielsen", lambda n_in, n_out: 1 / n_in, _normal, lambda n_in: 1.0),
    )
}


def initializer(name: str) -> Initializer:
    """The initializer of that name; an `Initializer` passes through.

    Raises ValueError for a name that `INITIALIZERS` does not hold, with the near matches.

    >>> initializer("xavier_normal").draw(2, 3, np.random.default_rng(0)).shape
    (2, 3)
    """
    if isinstance(name, Initializer):
        return name
    if name not in INITIALIZERS:
        near = get_close_matches(str(name).lower(), INITIALIZERS)
        meant = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
        raise ValueError(f"initializer = {name!r}: {meant}it may be one of {', '.join(INITIALIZERS)}")
    return INITIALIZERS[name]
