"""Powers of one matrix: what a linear recurrent cell does to its state, and to a gradient."""

from numbers import Integral

import numpy as np

from gradlab.backprop.norms import ROOM, log10_norms
from gradlab.records import PowerNorms
from gradlab.recurrent.weights import square

DEFECTIVE = 1e7  # condition of the eigenvectors from which on rounding cannot tell W from a defective matrix


def power_norms(weights, steps: int) -> PowerNorms:
    """log10 of the spectral norm of W^t for t = 0..T; see `PowerNorms` for the fields. It never under- or overflows.

    W need not have n eigenvectors: where it is defective or nilpotent, its powers are what they are, 0 included.
    Raises ValueError where W is not square or not finite, or for steps below 1.

    >>> powers = power_norms([[0.9, 5.0], [0.0, 0.9]], 10_000)
    >>> powers.peak, powers.defective, float(powers.log10_norm[-1].round(2))
    (9, True, -452.83)
    >>> power_norms([[8, 8], [-8, -8]], 3).log10_norm.round(3).tolist()  # W^2 = 0
    [0.0, 1.204, -inf, -inf]
    """
    weights = square("weights", weights)
    if not isinstance(steps, Integral) or steps < 1:
        raise ValueError(f"steps = {steps!r}: a whole number of at least 1 is wanted")
    n = len(weights)
    norms = np.full(steps + 1, -np.inf)
    norms[0] = 0.0
    with np.errstate(all="ignore"):
        one = log10_norms([weights])[0]  # of a W whose own entries are near the end of floats
        unit = weights / 10**one if np.isfinite(one) else weights
        power, taken_out = np.eye(n), 0.0
        for t in range(1, steps + 1):
            power = unit @ power
            size = log10_norms([power])[0]
            if not np.isfinite(size):  # nothing is left
                break
            scaled = power / 10**size
            norms[t] = t * one + taken_out + size + np.log10(_largest(scaled))
            if abs(size) > ROOM:
                power, taken_out = scaled, taken_out + size
    eigenvalues, condition = _eigenvectors(weights)
    return PowerNorms(n, steps, norms, eigenvalues, condition, bool(condition > DEFECTIVE))


def _largest(matrix):
    """The largest singular value; the Gram matrix loses nothing of the largest one."""
    return np.sqrt(np.linalg.eigvalsh(matrix @ matrix.T)[-1])


def _eigenvectors(weights):
    """Eigenvalues, largest modulus first, and the condition number of the eigenvectors of norm 1."""
    size = np.abs(weights).max() or 1.0
    unit = weights / size
    values, vectors = np.linalg.eig(unit)
    values = values[np.argsort(-np.abs(values), kind="stable")] * size
    commutator = unit @ unit.T - unit.T @ unit
    if np.linalg.norm(commutator) <= 1e-13 * np.linalg.norm(unit) ** 2:
        return values, 1.0  # normal: equal eigenvalues would leave the choice of eigenvectors to rounding
    with np.errstate(divide="ignore"):
        return values, float(np.linalg.cond(vectors))
