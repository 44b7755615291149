"""A chain of single neurons, and the nudges that measure it."""

from dataclasses import dataclass, field

import numpy as np

from gradlab.records.base import shaped


@dataclass(frozen=True, eq=False)
class ChainRecord:
    """A chain of neurons, a_ell = phi(z_ell) with z_ell = w a_{ell-1} + b_ell, and one nudge of its first bias.

    length            L, number of neurons; index 0 of every array is neuron 1, the one with the nudged bias
    weight            w, the same on every link
    bias              b: the bias of every neuron, or with aim "aimed" the z at which every neuron sits
    aim               "same" or "aimed"
    z, activation     (L,) where each neuron sits and what it passes on
    log10_weight      log10 |w|, -inf for w = 0
    log10_slope       (L,) log10 phi'(z_ell)
    log10_product     (L,) log10 |d a_ell / d b_1|: the product of every factor up to neuron ell
    log10_measured    (L,) the same from a real nudge, by central difference; nan where no nudge can be trusted
    log10_nudge       (L,) log10 of that nudge, nan where there is none

    Above 0 a nudge arrives larger than it started (exploding), below 0 smaller (vanishing).
    Raises ValueError where an array has another shape than (length,).

    >>> zero, quarter = np.zeros(2), np.log10([0.25, 0.25])
    >>> record = ChainRecord(2, 4.0, 0.0, "aimed", zero, zero + 0.5, np.log10(4), quarter, quarter, quarter, zero)
    >>> record.log10_link.round(12).tolist()
    [0.0]
    """

    length: int
    weight: float
    bias: float
    aim: str
    z: np.ndarray = field(repr=False)
    activation: np.ndarray = field(repr=False)
    log10_weight: float = field(repr=False)
    log10_slope: np.ndarray = field(repr=False)
    log10_product: np.ndarray = field(repr=False)
    log10_measured: np.ndarray = field(repr=False)
    log10_nudge: np.ndarray = field(repr=False)

    def __post_init__(self):
        names = ("z", "activation", "log10_slope", "log10_product", "log10_measured", "log10_nudge")
        shaped(self, f"length {self.length}", dict.fromkeys(names, (self.length,)))

    @property
    def neurons(self) -> np.ndarray:
        """Neuron numbers 1..L, shape (L,)."""
        return np.arange(1, self.length + 1)

    @property
    def log10_link(self) -> np.ndarray:
        """log10 |w phi'(z_ell)| of the links into neurons 2..L, shape (L-1,); 0 passes a nudge on unchanged."""
        return self.log10_weight + self.log10_slope[1:]


@dataclass(frozen=True, eq=False)
class NudgeSizes:
    """How far a measured slope is off, for nudges of many sizes.

    log10_size       (N,) log10 of the nudge
    log10_error      (N,) log10 of |measured / exact - 1|; -inf where the two are equal to the last digit
    log10_curvature  (N,) what the curve's own bending costs: the nudge squared times a constant
    log10_rounding   (N,) what rounding costs: one rounding step of the output over what the nudge moves it

    >>> NudgeSizes(np.zeros(2), np.array([-3.0, -9.0]), np.zeros(2), np.zeros(2)).best
    1
    """

    log10_size: np.ndarray = field(repr=False)
    log10_error: np.ndarray = field(repr=False)
    log10_curvature: np.ndarray = field(repr=False)
    log10_rounding: np.ndarray = field(repr=False)

    @property
    def best(self) -> int:
        """Index of the nudge with the smallest error."""
        return int(np.argmin(self.log10_error))
