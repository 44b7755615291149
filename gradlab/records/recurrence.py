"""Recurrent networks: Jacobians through time, and the powers of one matrix."""

from dataclasses import dataclass, field

import numpy as np

from gradlab.records.base import power, shaped


@dataclass(frozen=True, eq=False)
class JacobianProfile:
    """How much of the state at step t is left at step T of one run, for t = 0..T: arrays (T + 1, B), the last is t = T.

    steps           T
    of, by          the parts of the state of which dof_T/dby_t is the Jacobian: "h", "c" or "state"
    log10_rms       log10 of the Frobenius norm over the root of the number of rows: 0 for the identity. What a random
                    gradient keeps, in the root mean square; below 0 it vanishes
    log10_spectral  log10 of the largest singular value: what the luckiest gradient keeps; nan where not asked for
    end_to_end      (B, rows, columns) the Jacobian from the first state to the last, divided by 10^log10_rms[0]
    overflow_step   first step whose state is not finite, else None; then all arrays are nan

    -inf is an exact zero. Raises ValueError for other shapes.

    >>> profile = JacobianProfile(2, "h", "h", np.array([[-2.0], [-1.0], [0.0]]), np.zeros((3, 1)), np.eye(2)[None])
    >>> profile.factor_per_step.round(12).tolist(), profile.back.tolist()
    ([0.1], [2, 1, 0])
    """

    steps: int
    of: str
    by: str
    log10_rms: np.ndarray = field(repr=False)
    log10_spectral: np.ndarray = field(repr=False)
    end_to_end: np.ndarray = field(repr=False)
    overflow_step: int | None = None

    def __post_init__(self):
        shape = (self.steps + 1, len(self.end_to_end))
        shaped(self, f"steps {self.steps}", {"log10_rms": shape, "log10_spectral": shape})

    @property
    def back(self) -> np.ndarray:
        """How many steps back each t lies, T - t, (T + 1,)."""
        return np.arange(self.steps, -1, -1)

    @property
    def factor_per_step(self) -> np.ndarray:
        """Geometric mean of the factor on the rms norm on its way back one step, (B,)."""
        return power(self.log10_rms[0] / self.steps)


@dataclass(frozen=True, eq=False)
class GradientTerms:
    """The gradient on its way back through time, and what each step adds to dL/dW, summed over the batch.

    steps          T
    log10_state    (T + 1,) log10 of the norm of dL/dstate_t along all ways, t = 0..T
    log10_term     (T,) log10 of the norm of the term that step t adds to dL/dW, index 0 is step 1
    log10_sum      (T,) log10 of the norm of the sum of the terms of steps t..T; index 0 is the whole gradient
    overflow_step  first step whose state is not finite, else None; then all arrays are nan

    -inf is an exact zero. Raises ValueError for other shapes.

    >>> terms = GradientTerms(2, np.zeros(3), np.array([-3.0, 0.0]), np.zeros(2))
    >>> terms.share.tolist()
    [0.001, 1.0]
    """

    steps: int
    log10_state: np.ndarray = field(repr=False)
    log10_term: np.ndarray = field(repr=False)
    log10_sum: np.ndarray = field(repr=False)
    overflow_step: int | None = None

    def __post_init__(self):
        shapes = {"log10_state": (self.steps + 1,), "log10_term": (self.steps,), "log10_sum": (self.steps,)}
        shaped(self, f"steps {self.steps}", shapes)

    @property
    def share(self) -> np.ndarray:
        """Norm of each term over that of the whole gradient, (T,). Terms may cancel: the shares need not sum to 1."""
        return power(self.log10_term - self.log10_sum[0])


@dataclass(frozen=True, eq=False)
class PowerNorms:
    """The powers of one matrix W, (n, n).

    n, steps     its size, and T
    log10_norm   (T + 1,) log10 of the spectral norm of W^t for t = 0..T; -inf where W^t is 0
    eigenvalues  (n,) complex, largest modulus first
    condition    condition number of the eigenvectors of norm 1, kappa(V), 1 where W is normal: ||W^t|| is never more
                 than kappa(V) |lambda|^t
    defective    W is so near to a matrix with fewer than n eigenvectors that rounding cannot tell them apart; condition
                 is then a large number that means nothing, or inf. The powers are right all the same

    >>> PowerNorms(1, 2, np.array([0.0, 1.0, 0.5]), np.array([0.9 + 0j]), 1.0, False).peak
    1
    """

    n: int
    steps: int
    log10_norm: np.ndarray = field(repr=False)
    eigenvalues: np.ndarray = field(repr=False)
    condition: float
    defective: bool

    def __post_init__(self):
        shapes = {"log10_norm": (self.steps + 1,), "eigenvalues": (self.n,)}
        shaped(self, f"{self.n} rows and {self.steps} steps", shapes)

    @property
    def spectral_radius(self) -> float:
        """The largest |eigenvalue|: what ||W^t|| grows with a step, for large t."""
        return float(np.abs(self.eigenvalues[0]))

    @property
    def peak(self) -> int:
        """The t at which ||W^t|| is largest."""
        return int(np.argmax(self.log10_norm))

    @property
    def last_above_one(self) -> int:
        """The last t up to T at which ||W^t|| is at least 1, as it is at t = 0."""
        return int(np.flatnonzero(self.log10_norm >= 0)[-1])


@dataclass(frozen=True, eq=False)
class PowersRecord:
    """What T steps through one recurrent matrix W do to a gradient: each multiplies it by the transpose of W.

    n, modulus, angle, steps   the state: size of W, largest |eigenvalue|, its angle in degrees, and T
    eigenvalues    (n,) complex
    leading        the one of largest modulus, of a pair the one above the real axis
    at             (P,) the steps t from 0 to T for which the norms are held
    log10_norm     (P,) log10 of ||W^t||, what the luckiest gradient keeps of its length
    log10_rail     (P,) log10 of |lambda|^t, which is the same where W is normal
    peak           the t up to T at which ||W^t|| is largest, and log10_peak, how large
    orbit          (K, 2) the gradient after every `orbit_every`-th step, as long as it can be seen beside the longest
                   one; of length 1 at t = 0. For n above 2 its projection on a plane: that of the leading pair, which
                   W^T maps into itself, or that of the two leading eigenvectors, real parts, where the first is real
    ends           (2, 2) the same after 0 and after T steps
    moduli         (F,) the moduli that the control offers

    Raises ValueError where an array has another shape.
    """

    n: int
    modulus: float
    angle: float
    steps: int
    eigenvalues: np.ndarray = field(repr=False)
    leading: complex
    at: np.ndarray = field(repr=False)
    log10_norm: np.ndarray = field(repr=False)
    log10_rail: np.ndarray = field(repr=False)
    peak: int
    log10_peak: float
    orbit: np.ndarray = field(repr=False)
    orbit_every: int
    ends: np.ndarray = field(repr=False)
    moduli: np.ndarray = field(repr=False)

    def __post_init__(self):
        shapes = {"eigenvalues": (self.n,), "log10_norm": self.at.shape, "log10_rail": self.at.shape}
        shapes |= {"orbit": (len(self.orbit), 2), "ends": (2, 2)}
        shaped(self, f"{self.n} rows and {len(self.at)} steps held", shapes)

    @property
    def half_life(self) -> float:
        """Number of steps in which |lambda|^t halves, or doubles; inf where it does neither."""
        return float("inf") if self.modulus == 1 else float(np.log(2) / abs(np.log(self.modulus)))


@dataclass(frozen=True, eq=False)
class NonnormalityRecord:
    """A matrix W of fixed eigenvalues at some departure from normality, and what T of its steps do to a gradient.

    J is the Jacobian of one step: W itself where the cell is linear, diag(slopes) W at the fixed point of a tanh cell.

    matrix, departure, steps   the state: which eigenvalues; the Frobenius norm of what the Schur form of W has above its
                               diagonal; t, the number of steps that is looked at
    activation                 of the cell
    weights                    W, (n, n)
    eigenvalues                (n,) of W
    slopes                     (n,) of the activation, 1 where it is linear
    powers                     norms of J^t, and the eigenvalues of J with their condition
    rail                       (T + 1,) log10 |lambda|^t, of the largest eigenvalue of W
    bound                      (T + 1,) log10 kappa(V) |lambda|^t, of J, which ||J^t|| never exceeds; None where J has
                               too few eigenvectors
    image                      (2, 2) J^t, or its two largest singular values on the diagonal where n > 2
    eigenvectors               (k, 2) of J, of norm 1: two, one where both are one, none where n > 2 or all are
    drawn_departure            departure of a Gaussian matrix with these eigenvalues, else None

    Raises ValueError where a line is longer or shorter than the powers.
    """

    matrix: str
    departure: float
    steps: int
    activation: str
    weights: np.ndarray = field(repr=False)
    eigenvalues: np.ndarray = field(repr=False)
    slopes: np.ndarray = field(repr=False)
    powers: PowerNorms = field(repr=False)
    rail: np.ndarray = field(repr=False)
    bound: np.ndarray | None = field(repr=False)
    image: np.ndarray = field(repr=False)
    eigenvectors: np.ndarray = field(repr=False)
    drawn_departure: float | None = None

    def __post_init__(self):
        for name, line in (("rail", self.rail), ("bound", self.bound)):
            if line is not None and line.shape != self.powers.log10_norm.shape:
                raise ValueError(f"{name} has shape {line.shape}; the powers have {self.powers.log10_norm.shape}")

    @property
    def n(self) -> int:
        """Number of units."""
        return len(self.weights)

    @property
    def log10_norm(self) -> float:
        """log10 of the spectral norm of J^t at t = `steps`; -inf where J^t is 0."""
        return float(self.powers.log10_norm[self.steps])

    @property
    def angle(self) -> float:
        """Degrees between the two eigenvectors; 0 where they coincide, nan where there are no two to compare."""
        if len(self.eigenvectors) == 0:
            return float("nan")
        first, last = self.eigenvectors[0], self.eigenvectors[-1]
        across = first[0] * last[1] - first[1] * last[0]
        return float(np.degrees(np.arctan2(abs(across), abs(first @ last))))
