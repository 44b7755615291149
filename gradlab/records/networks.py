"""Many networks of one kind: medians, bands and theory, layer by layer."""

from dataclasses import dataclass, field

import numpy as np

from gradlab.records.base import Layered, Lines, factor, power, shaped
from gradlab.records.profiles import SignalProfile


@dataclass(frozen=True, eq=False)
class GradientsRecord(Layered):
    """Gradient norm at every layer, measured on many networks and predicted, relative to the last layer.

    All arrays have shape (L,), index 0 is layer 1, and hold log10 of ||dL/dz_ell|| / ||dL/dz_L||; the last entry is 0.
    Where overflow_layer is given the networks are cut before it: values are relative to layer overflow_layer - 1, and
    nan from overflow_layer on.

    networks   how many independent networks were measured
    measured   the median network
    low, high  the 10th and the 90th percentile of the networks
    theory     the mean-field prediction for infinite width
    """

    depth: int
    width: int
    activation: str
    initializer: str
    networks: int
    measured: np.ndarray = field(repr=False)
    low: np.ndarray = field(repr=False)
    high: np.ndarray = field(repr=False)
    theory: np.ndarray = field(repr=False)
    overflow_layer: int | None = None

    @property
    def factor_measured(self) -> float:
        """What one layer does to the gradient norm on its way back, geometric mean; nan with a single layer."""
        return factor(self.measured)

    @property
    def factor_theory(self) -> float:
        """The same, predicted."""
        return factor(self.theory)


@dataclass(frozen=True, eq=False)
class ZooRecord(Lines):
    """One activation in deep networks: the slopes in use, what goes forward through L layers, and what comes back.

    activation, gain, biases, depth, networks   the state, and how many networks stand behind every number
    slope_supremum      least upper bound of |phi'|
    z, slope            (P,) the slope phi'(z) as a curve
    used                the part of it between the 5th and the 95th percentile of the last layer's z, to the next point
    steep               from which z to which |phi'| is at least 1/20 of its supremum; infinite where it has no end
    bins, shares        (K,) centres of the bins, and the share of the last layer's z in each; the first and the last
                        bin hold all that lies beyond
    log10_z_rms         (L,) log10 of the rms of the pre-activation z_ell
    z_quantiles         (L, 5) quantiles of z_ell over units and examples, at `SignalProfile.LEVELS`
    gradient            (L,) log10 of ||dL/dz_ell|| over that of layer L
    cosine              (L,) cosine between the activations of two inputs that are orthogonal
    saturated, dead     at layer L: share of slopes below 1/20 of the supremum; share of units flat for every example

    Lines are medians over the networks, `_band` (2, L) the smallest and the largest of them, `_theory` (L,) the
    mean-field prediction for infinite width. Raises ValueError where an array has another shape.
    """

    activation: str
    gain: float
    biases: str
    depth: int
    networks: int
    slope_supremum: float
    z: np.ndarray = field(repr=False)
    slope: np.ndarray = field(repr=False)
    used: slice
    steep: tuple[float, float]
    bins: np.ndarray = field(repr=False)
    shares: np.ndarray = field(repr=False)
    log10_z_rms: np.ndarray = field(repr=False)
    z_quantiles: np.ndarray = field(repr=False)
    gradient: np.ndarray = field(repr=False)
    gradient_band: np.ndarray = field(repr=False)
    gradient_theory: np.ndarray = field(repr=False)
    cosine: np.ndarray = field(repr=False)
    cosine_band: np.ndarray = field(repr=False)
    cosine_theory: np.ndarray = field(repr=False)
    saturated: float
    dead: float

    def __post_init__(self):
        shapes = {"z_quantiles": (self.depth, len(SignalProfile.LEVELS)), "log10_z_rms": (self.depth,)}
        shaped(self, f"depth {self.depth}", shapes | self.lines("gradient", "cosine"))


@dataclass(frozen=True, eq=False)
class SpeedRecord:
    """How fast each hidden layer learns over the training of some networks, and at one epoch of it.

    hidden_layers, network, view, epoch   the state: 1 to 4, a key of NETWORKS, a key of VIEWS, 0 to 500
    activation          of the hidden layers
    networks            number of networks behind every number, which is their geometric mean
    epochs              (E,) epochs at which the lines are drawn
    log10_speed         (E, k) log10 of the quantity `view` names, index 0 of the last axis is the first hidden layer
    log10_now           (k,) the same at `epoch`
    log10_theory        (k,) mean-field prediction for epoch 0; nan where there is none
    accuracy            share of the training images named correctly at `epoch`, median over the networks
    """

    hidden_layers: int
    network: str
    view: str
    epoch: int
    activation: str
    networks: int
    epochs: np.ndarray = field(repr=False)
    log10_speed: np.ndarray = field(repr=False)
    log10_now: np.ndarray = field(repr=False)
    log10_theory: np.ndarray = field(repr=False)
    accuracy: float

    @property
    def log10_gap(self) -> float:
        """log10 of last over first hidden layer: above 0 the first one is slower."""
        return float(self.log10_now[-1] - self.log10_now[0])

    @property
    def relative(self) -> np.ndarray:
        """(k,) each layer's speed over that of the fastest, in (0, 1]."""
        return power(self.log10_now - self.log10_now.max())


@dataclass(frozen=True, eq=False)
class GapRecord:
    """How much slower the first hidden layer is than the last, over training, by several measures.

    activation          of the hidden layers
    epochs              (E,) epochs at which it was measured
    names               M words, one a measure, as the figure shows them
    median, low, high   (M, E) log10 of last over first hidden layer: median and 10-90 % band over the networks
    log10_theory        the mean-field prediction for fresh weights
    """

    activation: str
    epochs: np.ndarray = field(repr=False)
    names: tuple[str, ...]
    median: np.ndarray = field(repr=False)
    low: np.ndarray = field(repr=False)
    high: np.ndarray = field(repr=False)
    log10_theory: float
