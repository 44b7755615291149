"""Recurrent weight matrices: drawn by name, or made to have given eigenvalues."""

import cmath
import math
from numbers import Integral

import numpy as np

from gradlab.initializers import initializer

KINDS = {"gaussian": "lecun_normal", "orthogonal": "orthogonal", "torch_default": "torch_default", "identity": None}


def recurrent_weights(
    kind: str, n: int, *, seed: int, gain: float = 1.0, spectral_radius: float | None = None
) -> np.ndarray:
    """A drawn matrix W, (n, n).

    kind             "gaussian": entries N(0, gain^2/n); "orthogonal": gain times a uniform rotation or reflection;
                     "torch_default": gain times U(-1/sqrt(n), 1/sqrt(n)), which is Gaussian of gain 0.577 in all but
                     shape; "identity": gain times the identity
    spectral_radius  W is rescaled until its largest |eigenvalue| is this, and `gain` has no say

    Raises ValueError for another kind, n below 1, a gain that is not finite, a radius that is not positive and finite;
    TypeError where the seed is left out.

    >>> spectral_radius(recurrent_weights("gaussian", 50, seed=0, spectral_radius=0.9)).round(12)
    np.float64(0.9)
    """
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"kind = {kind!r}: it may be one of {', '.join(KINDS)}")
    if spectral_radius is None:
        return recurrent_draw(kind, n, generator(seed), gain)
    if not 0 < spectral_radius < math.inf:
        raise ValueError(f"spectral_radius = {spectral_radius}: a positive finite number is wanted")
    weights = recurrent_draw(kind, n, generator(seed), 1.0)
    return weights * (spectral_radius / _radius(weights))


def recurrent_draw(start, n, rng, gain):
    """W from a kind or from the matrix itself, times gain."""
    if not isinstance(n, Integral) or n < 1:
        raise ValueError(f"n = {n!r}: a whole number of at least 1 is wanted")
    if not math.isfinite(gain):
        raise ValueError(f"gain = {gain}: a finite number is wanted")
    if not isinstance(start, str):
        weights = square("start", start)
        if len(weights) != n:
            raise ValueError(f"start has shape {weights.shape}; ({n}, {n}) is wanted")
        return gain * weights
    if start not in KINDS:
        raise ValueError(f"start = {start!r}: it may be one of {', '.join(KINDS)}, or a matrix")
    return gain * np.eye(n) if start == "identity" else initializer(KINDS[start]).draw(n, n, rng, gain)


def spectral_radius(weights) -> np.ndarray:
    """The largest |eigenvalue| of W, (n, n). Raises ValueError for another shape or numbers that are not finite.

    >>> spectral_radius([[0.9, 5.0], [0.0, 0.9]])
    np.float64(0.9)
    """
    return _radius(square("weights", weights))


def _radius(weights):
    return np.abs(np.linalg.eigvals(weights)).max()


def with_eigenvalues(eigenvalues, upper=0.0, *, seed: int | None = None) -> np.ndarray:
    """A real matrix W, (n, n), with given eigenvalues and what is given above them: a real Schur form.

    eigenvalues  n numbers, non-real ones in conjugate pairs. A real one stands on the diagonal; a pair a +- bi is a
                 block [[a, b], [-b, a]] there
    upper        what stands above the diagonal and its blocks: one number, or those entries of a matrix (n, n). With 0
                 W is normal: its eigenvectors are orthogonal and ||W^t|| is |lambda|^t. All else is paid for with a
                 transient
    seed         None, or W is turned by a random rotation: another frame, the same eigenvalues and the same ||W^t||,
                 but for rounding, to which the eigenvalues of a matrix that is far from normal are sensitive

    Equal eigenvalues with anything above them make W defective: it has fewer than n eigenvectors.
    Raises ValueError for eigenvalues that no real matrix has, or numbers that are not finite.

    >>> with_eigenvalues([0.9, 0.9], 5).tolist()
    [[0.9, 5.0], [0.0, 0.9]]
    >>> with_eigenvalues([0.5, 3 + 4j, 3 - 4j])[1:, 1:].tolist()
    [[3.0, 4.0], [-4.0, 3.0]]
    """
    values = np.atleast_1d(np.asarray(eigenvalues, complex))
    if values.ndim != 1 or not values.size or not np.isfinite(values).all():
        raise ValueError(f"eigenvalues = {eigenvalues}: a row of finite numbers is wanted")
    n = len(values)
    above = np.asarray(upper, np.float64)
    if above.shape not in ((), (n, n)) or not np.isfinite(above).all():
        raise ValueError(f"upper has shape {above.shape}; a finite number or ({n}, {n}) finite numbers are wanted")
    weights = np.triu(np.broadcast_to(above, (n, n)), 1)
    at = 0
    for value in _upper_half(values):
        if value.imag:
            weights[at : at + 2, at : at + 2] = [[value.real, value.imag], [-value.imag, value.real]]
        else:
            weights[at, at] = value.real
        at += 2 if value.imag else 1
    if seed is None:
        return weights
    turn = initializer("orthogonal").draw(n, n, generator(seed))
    return turn @ weights @ turn.T


def _upper_half(values):
    """The real numbers, and one of each conjugate pair with a positive imaginary part, in the order they came."""
    left = list(values)
    kept = []
    while left:
        value = left.pop(0)
        if value.imag:
            if value.conjugate() not in left:
                raise ValueError(
                    f"eigenvalues = {values.tolist()}: {value:.6g} comes without {value.conjugate():.6g}; "
                    "a real matrix has its non-real eigenvalues in conjugate pairs"
                )
            left.remove(value.conjugate())
        kept.append(complex(value.real, abs(value.imag)))
    return kept


def two_by_two(eigenvalues, eigenvector_angle: float = 90.0) -> np.ndarray:
    """A real 2 x 2 matrix with given eigenvalues whose eigenvectors enclose a given angle.

    eigenvalues        two real numbers, or a conjugate pair, of modulus r and angle a: see `pair`
    eigenvector_angle  in degrees, above 0 and up to 90, where W is normal. The condition number of the eigenvectors is
                       cot(angle / 2), and ||W^t|| is at most that times |lambda|^t. Of complex eigenvectors, the angle
                       whose cosine is |<v_1, v_2>| / (||v_1|| ||v_2||)

    At 0 both eigenvectors would be one, and W defective: `with_eigenvalues` makes such matrices.
    Raises ValueError for eigenvalues that no real matrix has, or another angle.

    >>> two_by_two([0.95, 0.8], 45).round(2).tolist()
    [[0.95, -0.15], [0.0, 0.8]]
    >>> two_by_two(pair(1.0, 90), 90).round(12).tolist()
    [[0.0, 1.0], [-1.0, 0.0]]
    """
    if not 0 < eigenvector_angle <= 90:
        raise ValueError(f"eigenvector_angle = {eigenvector_angle}: degrees above 0 and up to 90 are wanted")
    weights = with_eigenvalues(eigenvalues)
    if weights.shape != (2, 2):
        raise ValueError(f"eigenvalues = {eigenvalues}: two of them are wanted")
    angle = math.radians(eigenvector_angle)
    if weights[1, 0]:  # squeezed along one axis: the eigenvectors (1, i) become (1, i tan(angle / 2))
        squeeze = math.tan(angle / 2)
        return weights * [[1, 1 / squeeze], [squeeze, 1]]
    weights[0, 1] = (weights[1, 1] - weights[0, 0]) * math.cos(angle) / math.sin(angle)
    return weights


def pair(modulus: float, angle: float) -> tuple[complex, complex]:
    """The eigenvalues modulus * e^(+-i angle), angle in degrees; at 0 and 180 the same real number twice.

    Raises ValueError for a negative modulus or numbers that are not finite.

    >>> pair(2.0, 180)
    ((-2+0j), (-2+0j))
    """
    if not (0 <= modulus < math.inf and math.isfinite(angle)):
        raise ValueError(f"modulus, angle = {modulus}, {angle}: finite numbers, the first at least 0, are wanted")
    if angle % 180 == 0:
        value = complex(modulus * (-1) ** (angle // 180))
    else:
        value = cmath.rect(modulus, math.radians(angle))
    return value, value.conjugate() if value.imag else value


def generator(seed):
    if seed is None:
        raise TypeError("seed = None: a whole number is wanted, so that the draw can be repeated")
    return np.random.default_rng(seed)


def square(name, matrix):
    """The matrix as float64, where it is square, not empty and finite."""
    matrix = np.asarray(matrix, np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise ValueError(f"{name} has shape {matrix.shape}; a square matrix (n, n) is wanted")
    if not np.isfinite(matrix).all():
        raise ValueError(f"{name} holds {matrix[~np.isfinite(matrix)][0]}; finite numbers are wanted")
    return matrix
