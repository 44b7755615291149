"""One matrix used at every step: powers, gates, and what they must or need not do. Logarithms are log10 throughout."""

import math
from numbers import Integral

import numpy as np

from gradlab.activations import activation
from gradlab.theory.mean_field import gradient_profile


def power_rail(spectral_radius: float, steps: int, condition: float = 1.0) -> np.ndarray:
    """log10 of condition * |lambda|^t for t = 0..T, (T + 1,).

    With condition 1 the rail that ||W^t|| follows in the long run, exactly so where W is normal. With the condition
    number of the eigenvectors, kappa(V), what ||W^t|| never exceeds. -inf from t = 1 on for a radius of 0.
    Raises ValueError for a radius that is negative or not finite, a condition below 1, steps below 1.

    >>> power_rail(0.1, 2, condition=10).round(12).tolist()
    [1.0, 0.0, -1.0]
    """
    if not 0 <= spectral_radius < math.inf:
        raise ValueError(f"spectral_radius = {spectral_radius}: a finite number of at least 0 is wanted")
    if not condition >= 1:
        raise ValueError(f"condition = {condition}: a number of at least 1 is wanted")
    t = _times(steps)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log10(condition) + np.where(t > 0, t * np.log10(spectral_radius), 0.0)


def jordan_power_norm(eigenvalue: float, coupling: float, steps: int) -> np.ndarray:
    """log10 of the spectral norm of [[lambda, c], [0, lambda]]^t for t = 0..T, (T + 1,): a matrix with one eigenvector.

    W^t = lambda^t [[1, k], [0, 1]] with k = t c / lambda: the power of lambda times, for large k, k itself. It peaks
    near t = 1 / ln(1 / |lambda|). Raises ValueError for an eigenvalue 0 or numbers that are not finite, steps below 1.

    >>> float((10 ** jordan_power_norm(0.9, 5.0, 60)).max().round(2))
    19.38
    """
    if not (math.isfinite(coupling) and 0 < abs(eigenvalue) < math.inf):
        raise ValueError(
            f"eigenvalue, coupling = {eigenvalue}, {coupling}: finite numbers, the first not 0, are wanted"
        )
    t = _times(steps)
    half = t * abs(coupling / eigenvalue) / 2
    return t * math.log10(abs(eigenvalue)) + np.log10(half + np.hypot(1, half))


def kreiss_bound(weights, *, radii: int = 60, angles: int = 120) -> float:
    """What ||W^t|| reaches at some t at least: the sup of (|z| - 1) / s_min(z I - W) over |z| > 1, for radius up to 1.

    At least 1. Far above 1 the powers must swell before they decay, whatever the eigenvalues; and they never exceed
    e n times it. From a grid of |z| and angles, so it may lie a little below the supremum.
    Raises ValueError where W is not a finite square matrix. Source: Trefethen and Embree 2005, section 18.

    >>> 1 < kreiss_bound([[0.9, 5.0], [0.0, 0.9]]) < 19.38
    True
    """
    weights = np.asarray(weights, np.float64)
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1] or not np.isfinite(weights).all():
        raise ValueError(f"weights has shape {weights.shape}; a finite square matrix is wanted")
    excess = np.geomspace(1e-4, 1e3, radii)
    z = (1 + excess)[:, None] * np.exp(1j * np.linspace(0, np.pi, angles))  # the other half is its mirror image
    smallest = np.linalg.svd(z[..., None, None] * np.eye(len(weights)) - weights, compute_uv=False)[..., -1]
    with np.errstate(divide="ignore"):
        return float(max(1.0, (excess[:, None] / smallest).max()))


def vanishing_bound(norm: float, activation_name, steps: int) -> np.ndarray:
    """log10 of (||W|| sup|phi'|)^t for t = 0..T, (T + 1,): dh_T/dh_{T-t} is never larger, whatever the states.

    `norm` is the largest singular value of W. Where ||W|| sup|phi'| < 1 the gradient must vanish; above 1 nothing
    follows. With the spectral radius in place of the norm it would be false.
    Raises ValueError for a norm that is negative or not finite, steps below 1.
    Source: Pascanu et al. 2013, section 2.1.

    >>> float(vanishing_bound(3.6, "sigmoid", 100)[-1].round(3))  # 0.9^100
    -4.576
    """
    if not 0 <= norm < math.inf:
        raise ValueError(f"norm = {norm}: a finite number of at least 0 is wanted")
    return power_rail(norm * activation(activation_name).slope_supremum, steps)


def jacobian_rail(steps: int, activation_name, sigma_w2: float, sigma_u2: float) -> np.ndarray:
    """log10 of ||dh_T/dh_t||_F / sqrt(n) for t = 0..T, (T + 1,), in a wide plain cell that starts at h_0 = 0.

    sigma_w2  n times the variance of an entry of W
    sigma_u2  variance of what reaches a unit from outside at a step, the biases included: n_in / (3 n) + 2 / (3 n) for
              inputs from N(0, 1) with PyTorch's own U and biases

    Mean-field theory, as for a deep net with independent layers: that W is the same at every step is left out. It fits
    where many independent inputs come in at each step, and not where the states hardly change from step to step.
    Raises ValueError for steps below 1.

    >>> jacobian_rail(100, "tanh", 1.0, 1 / 3)[0].round(1)
    np.float64(-13.2)
    """
    _times(steps)
    return gradient_profile(steps + 1, activation_name, sigma_w2, sigma_u2, 0.0)


def gate(bias: float) -> float:
    """sigma(bias): what a forget gate keeps a step when its bias is all it gets.

    >>> gate(1.0).__round__(3)
    0.731
    """
    return math.exp(-_gate_decay(bias))


def gate_half_life(bias: float) -> float:
    """Number of steps after which sigma(bias)^t has fallen to one half: ln 2 / -ln sigma(b), nearly ln 2 * e^b.

    1 step at bias 0; from about 2 on, each unit of bias multiplies the memory by e.
    Raises ValueError for a bias that is not finite.

    >>> [round(gate_half_life(b), 1) for b in (0, 1, 3, 5)]
    [1.0, 2.2, 14.3, 103.2]
    """
    return math.log(2) / _gate_decay(bias)


def gate_bias(half_life: float) -> float:
    """The bias of a gate that forgets half within so many steps. Raises ValueError for a half-life not above 0.

    >>> [round(gate_bias(steps), 2) for steps in (2, 100, 1000)]
    [0.88, 4.97, 7.27]
    """
    if not 0 < half_life < math.inf:
        raise ValueError(f"half_life = {half_life}: a positive finite number is wanted")
    return -math.log(math.expm1(math.log(2) / half_life))


def _gate_decay(bias):
    """-ln sigma(bias), exact where sigma is nearly 1 or nearly 0."""
    if not math.isfinite(bias):
        raise ValueError(f"bias = {bias}: a finite number is wanted")
    return math.log1p(math.exp(-bias)) if bias > 0 else math.log1p(math.exp(bias)) - bias


def gate_rail(bias: float, steps: int) -> np.ndarray:
    """log10 of sigma(bias)^t for t = 0..T, (T + 1,): the direct path through a gate. Others add to it.

    >>> float(gate_rail(0.0, 100)[-1].round(2))
    -30.1
    """
    return -_times(steps) * _gate_decay(bias) / math.log(10)


def alive_share(steps: int) -> np.ndarray:
    """Share of the units of an identity-initialised ReLU cell above 0 at every step 1..t, for t = 0..T, (T + 1,).

    C(2t, t) / 4^t, nearly 1 / sqrt(pi t): the chance that a sum of t numbers never falls to 0. Exact for a start at 0
    and inputs that are independent from step to step, from one symmetric continuous law, whatever it is.
    dh_t/dh_0 is the identity on these units and 0 on all others, so its rms norm is the square root of this.
    Raises ValueError for steps below 1. Source: Sparre Andersen 1954.

    >>> alive_share(3).tolist()
    [1.0, 0.5, 0.375, 0.3125]
    """
    t = _times(steps)[1:]
    return np.append(1.0, np.cumprod((2 * t - 1) / (2 * t)))


def identity_rail(steps: int) -> np.ndarray:
    """log10 of ||dh_T/dh_{T-k}||_F / sqrt(n) for k = 0..T, (T + 1,), in an identity-initialised ReLU cell.

    Half the log10 of the share of units that are above 0 in each of the last k of T steps: 1 at k = 0, the last of
    `alive_share` at k = T. A unit is a sum of independent numbers that is set to 0 where it would fall below. It is on
    from step t + 1 to T where the sum without that floor has its minimum over 0..T at step t or before; and at step j it
    has it with probability u_j u_{T-j}, where u is `alive_share`. Exact for what that is exact for.
    Raises ValueError for steps below 1. Source: Sparre Andersen 1954.

    >>> (100 ** identity_rail(3)).round(4).tolist()
    [1.0, 0.6875, 0.5, 0.3125]
    """
    share = alive_share(steps)
    on = np.cumsum(share * share[::-1])[::-1]
    return np.log10(np.minimum(on, 1.0)) / 2


def additive_roots(weight: float, terms: int = 2) -> np.ndarray:
    """The k roots of lambda^k = w (lambda^(k-1) + ... + 1), largest modulus first: f_t = w (f_{t-1} + ... + f_{t-k}).

    f grows as |lambda|^t with the largest of them: for w > 0 it vanishes below w = 1/k and explodes above.
    Adding does not save a gradient; what does is adding with the coefficient 1.
    Raises ValueError for a weight that is not finite, or fewer than one term.

    >>> [round(float(abs(additive_roots(w)[0])), 3) for w in (0.3, 0.5, 0.6)]
    [0.718, 1.0, 1.131]
    """
    if not math.isfinite(weight):
        raise ValueError(f"weight = {weight}: a finite number is wanted")
    if not isinstance(terms, Integral) or terms < 1:
        raise ValueError(f"terms = {terms!r}: a whole number of at least 1 is wanted")
    roots = np.roots([1.0, *[-weight] * terms]) if weight else np.zeros(terms)
    return roots[np.argsort(-np.abs(roots), kind="stable")]


def _times(steps):
    if not isinstance(steps, Integral) or steps < 1:
        raise ValueError(f"steps = {steps!r}: a whole number of at least 1 is wanted")
    return np.arange(steps + 1.0)
