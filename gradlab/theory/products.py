"""Products of random matrices: how fast they grow, how far one product strays, and where it leaves a number format.

The matrices are independent of each other, n by n, their entries too unless they are orthogonal. `variance` is that of
one entry. Rates are in nats a factor: the natural logarithm of what one factor multiplies by.
"""

import math
from dataclasses import dataclass
from numbers import Integral
from statistics import NormalDist

import numpy as np

from gradlab.activations import activation
from gradlab.theory.formats import _format
from gradlab.theory.mean_field import gaussian_mean


def gaussian_exponents(n: int, variance: float) -> np.ndarray:
    """Lyapunov exponents of a product of Gaussian matrices, (n,), in nats a factor, largest first.

    lambda_k = 1/2 [ln(2 variance) + psi((n - k + 1) / 2)] with psi the digamma function: what 1/L of the logarithm of
    singular value k tends to after many factors L. The first one is also the mean of the logarithm of what a factor
    multiplies the norm of a vector by, exactly and from the first factor on.
    Raises ValueError for n below 1 or a variance not above 0. Source: Newman 1986.

    >>> gaussian_exponents(4, 1.0).round(3).tolist()  # what 4 x 4 matrices of N(0, 1) numbers do
    [0.558, 0.365, 0.058, -0.635]
    """
    _checked(n, variance=variance)
    return np.array([0.5 * (math.log(2 * variance) + _digamma(m)) for m in range(n, 0, -1)])


def gaussian_offsets(n: int) -> np.ndarray:
    """What is added to L lambda_k in E[ln sigma_k] of a product of L Gaussian matrices once L is large beside n, (n,).

    Products of the first k are e^(L (lambda_1 + ... + lambda_k)) over the volume that k columns of a uniform rotation
    leave in k dimensions. The offsets sum to 0. Raises ValueError for n below 1.

    >>> gaussian_offsets(64)[[0, -1]].round(2).tolist()
    [2.71, -2.71]
    """
    _checked(n)
    psi = np.array([_digamma(m) for m in range(1, n + 1)])
    volumes = np.append([0.0], 0.5 * (np.cumsum(psi[::-1]) - np.cumsum(psi)))
    return np.diff(volumes)


def singular_value_profile(kind: str, n: int, depth: int, *, gain: float = 1.0) -> np.ndarray:
    """log10 of the typical singular values of the product of the first 1, 2, ..., L factors, (L, n), largest first.

    kind as in `gradlab.products.random_factors`. Orthogonal: gain^ell. Gaussian: E[ln sigma_k] = ell lambda_k + offset,
    where the offset is that of `gaussian_offsets` and, while ell is small beside n, no more than `largest_singular_value`
    leaves; between the two the inverse squares are added. Within 0.4 decades of the mean over many products. One product
    strays further, most of all in its smallest value, whose ln has a standard deviation of sqrt(1.23 ell).
    Raises ValueError for another kind, n or depth below 1, a gain that is not above 0.

    >>> singular_value_profile("gaussian", 64, 100)[-1, [0, 31, 63]].round(1).tolist()
    [0.7, -15.0, -119.1]
    """
    _checked(n, gain=gain, depth=depth, least=1)
    ell = np.arange(1, depth + 1)[:, None]
    if kind == "orthogonal":
        return np.repeat(ell * math.log10(gain), n, axis=1)
    edges = [[largest_singular_value(d)] for d in range(1, depth + 1)]
    offsets = -0.5 * np.log(np.power(edges, -2.0) + np.exp(-2 * gaussian_offsets(n)))
    return (ell * gaussian_exponents(n, _variance(kind, n, gain)) + offsets) / math.log(10)


def norm_growth(n: int, variance: float, activation_name="linear") -> tuple[float, float]:
    """Mean and variance of ln(||h_ell|| / ||h_{ell-1}||) in a Gaussian layer n wide without biases, in nats.

    Layers are independent, so after L of them the logarithm has L times both, and is nearly normal. `variance` is that
    of one weight. Exact for "linear", where ||h||^2 is multiplied by variance * chi2_n, and for "relu", where it is
    chi2_K with K of n units alive; the case K = 0, of probability 2^-n, is left out.
    Raises ValueError for another activation, n below 1, a variance not above 0.

    >>> [round(v, 4) for v in norm_growth(50, 2 / 50, "relu")]  # He's choice: the mean square stays, the median does not
    [-0.0259, 0.027]
    """
    _checked(n, variance=variance)
    name = activation(activation_name).name
    if name not in ("linear", "relu"):
        raise ValueError(f"activation_name = {activation_name!r}: it may be 'linear' or 'relu'")
    alive = np.arange(1, n + 1) if name == "relu" else np.array([n])
    share = np.array([math.comb(n, int(k)) / 2**n for k in alive])
    share /= share.sum()
    psi, psi_slope = np.array([(_digamma(k), _trigamma(k)) for k in alive]).T
    mean = float(share @ psi)
    return 0.5 * (math.log(2 * variance) + mean), 0.25 * float(share @ (psi_slope + (psi - mean) ** 2))


def second_moment_ratio(n: int, depth: int, activation_name="relu") -> float:
    """E[M^2] / E[M]^2 for M = ||h_L||^2 over random Gaussian networks of one width n without biases, one input.

    (1 + c/n)^L with c = Var[phi(z)^2] / E[phi(z)^2]^2 for z ~ N(0, 1): 5 for ReLU, 2 for a linear net. 1 means that
    every network has the same M. Exact for linear, ReLU and leaky ReLU, at any scale of the weights.
    Raises ValueError for another activation, n below 1, a negative depth. The logarithm is nearly c beta,
    with the sum beta of 1/n over the layers that Hanin and Rolnick 2018 name as what decides the spread.

    >>> round(second_moment_ratio(50, 10), 4)
    2.5937
    """
    _checked(n, depth=depth)
    phi = activation(activation_name)
    if phi.name not in ("linear", "relu", "leaky_relu"):
        raise ValueError(f"activation_name = {activation_name!r}: it may be 'linear', 'relu' or 'leaky_relu'")
    square, fourth = (gaussian_mean(lambda z, p=p: phi.value(z) ** p, 1.0) for p in (2, 4))
    with np.errstate(over="ignore"):
        return float(np.power(1 + (fourth / square**2 - 1) / n, depth))


def largest_singular_value(depth: int) -> float:
    """Largest singular value of a product of `depth` Gaussian matrices of variance 1/n, for n to infinity.

    sqrt((L+1)^(L+1) / L^L), about sqrt(e (L + 1/2)): 2 for one matrix, 16.5 for a hundred. It grows although the mean
    square is kept. Finite n stays below it once L is no longer small beside n. Raises ValueError for a depth below 1.
    Source: Penson and Zyczkowski 2011, the end of the Fuss-Catalan law.

    >>> round(largest_singular_value(1), 9), round(largest_singular_value(100), 1)
    (2.0, 16.5)
    """
    _checked(1, depth=depth, least=1)
    return math.exp(0.5 * ((depth + 1) * math.log(depth + 1) - depth * math.log(depth)))


@dataclass(frozen=True)
class Crossing:
    """The number of factors at which a product crosses a border: one in ten by `low`, half by `middle`, nine by `high`.

    Real numbers; inf for never. A measured first layer is the next whole number.
    """

    low: float
    middle: float
    high: float


def overflow_layer(kind: str, n: int, dtype="float32", *, gain: float = 1.0) -> Crossing:
    """Number of factors after which the largest entry of a product is past the largest number of `dtype`.

    kind as in `gradlab.products.random_factors`: "gaussian", "orthogonal", "standard_normal". The logarithm of the
    largest entry grows by lambda_1 a factor, from an offset, and strays as `norm_growth` says. All inf where the product
    does not grow: then few products overflow, if any. Raises ValueError for another kind or dtype, n below 1, a gain that is not above 0.

    >>> crossing = overflow_layer("standard_normal", 4)
    >>> [round(v) for v in (crossing.low, crossing.middle, crossing.high)]
    [147, 158, 169]
    """
    return _crossing(kind, n, gain, _format(dtype)[0] * math.log(2), up=True)


def zero_layer(kind: str, n: int, dtype="float32", *, gain: float = 1.0) -> Crossing:
    """Number of factors after which every entry of a product is rounded to 0 in `dtype`; else as `overflow_layer`.

    A format that adds up in itself gets there sooner: each term of a sum is rounded to 0 before the sum would be.

    >>> round(zero_layer("gaussian", 64, gain=0.5).middle)
    147
    """
    _format(dtype)  # refuses what is none
    exponent, adds_up_in_itself = _SMALLEST[dtype if dtype == "bfloat16" else np.dtype(dtype).name]
    _checked(n, gain=gain)
    lost = max(0.0, 0.5 * math.log(n) - _largest_of(n)) if adds_up_in_itself else 0.0
    return _crossing(kind, n, gain, (exponent - 1) * math.log(2) + lost, up=False)


# exponent of 2 of the smallest number, and whether sums of such numbers are rounded to the format at every step
_SMALLEST = {"float16": (-24, False), "bfloat16": (-133, False), "float32": (-149, True), "float64": (-1074, True)}
_DECILE = NormalDist().inv_cdf(0.9)


def _crossing(kind, n, gain, border, up):
    """Where the logarithm of the largest entry, at its deciles 0.1, 0.5 and 0.9 over products, meets the border."""
    _checked(n, gain=gain)
    sign = 1 if up else -1
    if kind == "orthogonal":
        rate = math.log(gain)
        offsets = {d: _largest_of(n * n, 0.5 + 0.4 * d) - 0.5 * math.log(n) for d in (-1, 0, 1)}

        def entry(l, d):
            return rate * l + offsets[d]
    else:
        rate, spread = norm_growth(n, _variance(kind, n, gain))
        offset, deficit = _largest_entry(n)

        def entry(l, d):
            return rate * l + offset(l) + d * _DECILE * math.sqrt(max(spread * l - deficit(l), 0.0))

    if sign * rate <= 0:
        return Crossing(math.inf, math.inf, math.inf)
    return Crossing(*(_root(lambda l, d=d: sign * (entry(l, d) - border)) for d in (sign, 0, -sign)))


def _variance(kind, n, gain):
    if kind not in ("gaussian", "standard_normal"):
        raise ValueError(f"kind = {kind!r}: it may be one of gaussian, orthogonal, standard_normal")
    return gain**2 / n if kind == "gaussian" else gain**2


def _largest_entry(n):
    """Two functions of l: the offset of ln(largest entry) from l lambda_1, and what its variance lacks of l spreads.

    While l is small beside n, the n^2 entries are Gaussian and independent. Once it is large, the product has rank one,
    sigma_1 u v^T with u and v uniform on the sphere, and ln sigma_1 has the first of `gaussian_offsets`. The way from one
    to the other follows simulations, to about 0.3 nats.
    """
    norm = 0.5 * (math.log(2) + _digamma(n))
    independent = _largest_of(n * n) - norm
    rank_one = 0.5 * (_digamma(n) - _digamma(1)) + 2 * (_largest_of(n) - norm)
    lack = 0.25 * (_trigamma(1) - _trigamma(n))
    return (
        lambda l: rank_one - (rank_one - independent) * math.exp(-1.5 * l / n),
        lambda l: -lack * math.expm1(-0.25 * l / n),
    )


def _largest_of(count, quantile=0.5):
    """ln of a quantile of the largest of `count` absolute values of N(0, 1) numbers."""
    return math.log(NormalDist().inv_cdf(0.5 + 0.5 * quantile ** (1 / count)))


def _root(rising):
    """The l from 0 on where a function that ends up rising crosses 0 for good."""
    high = 1.0
    while rising(high) < 0:
        high *= 2
    low = high / 2 if high > 1 else 0.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return high


def _digamma(m):
    """psi(m / 2): half-integers are all that a chi-square distribution needs."""
    x = m / 2
    start = -np.euler_gamma - (2 * math.log(2) if m % 2 else 0)
    return start + float(np.sum(1 / np.arange(0.5 if m % 2 else 1.0, x)))


def _trigamma(m):
    """psi'(m / 2)."""
    start = math.pi**2 / (2 if m % 2 else 6)
    return start - float(np.sum(1 / np.arange(0.5 if m % 2 else 1.0, m / 2) ** 2))


def _checked(n, *, depth=0, least=0, **positive):
    if not isinstance(n, Integral) or n < 1:
        raise ValueError(f"n = {n!r}: a whole number of at least 1 is wanted")
    for name, value in positive.items():
        if not 0 < value < math.inf:
            raise ValueError(f"{name} = {value}: a positive finite number is wanted")
    if not isinstance(depth, Integral) or depth < least:
        raise ValueError(f"depth = {depth!r}: a whole number of at least {least} is wanted")
