"""What crosses a border between modules: frozen dataclasses of float64 arrays.

Everything that grows or decays geometrically is held as log10. A float64 ends at 1e-308, a deep net does not.
"""

from dataclasses import dataclass, field

import numpy as np


def _power(log10):
    """10**log10; past the range of float64 it is 0.0 or inf, without a warning."""
    with np.errstate(over="ignore", under="ignore"):
        return np.power(10.0, log10)


@dataclass(frozen=True, eq=False)
class _Measured:
    """The quantities measured at every layer; the subclasses say what the axes are."""

    depth: int
    width: int | None  # None where the layers differ in width
    activation: str
    log10_activation_rms: np.ndarray = field(repr=False)
    log10_activation_norm: np.ndarray = field(repr=False)
    log10_dz_norm: np.ndarray = field(repr=False)
    log10_dW_norm: np.ndarray = field(repr=False)
    log10_step_ratio: np.ndarray = field(repr=False)
    overflow_layer: int | None = None

    _rank = 1

    def __post_init__(self):
        shape = (self.depth,) * self._rank
        for name in QUANTITIES:
            array = np.asarray(getattr(self, name), dtype=np.float64)
            if array.shape != shape:
                raise ValueError(f"{name} has shape {array.shape}; with depth {self.depth} it must be {shape}")
            object.__setattr__(self, name, array)

    @property
    def layers(self) -> np.ndarray:
        """Layer numbers 1..L, shape (L,); layer 1 touches the input."""
        return np.arange(1, self.depth + 1)

    @property
    def activation_rms(self) -> np.ndarray:
        """Root mean square of the activation over batch and units."""
        return _power(self.log10_activation_rms)

    @property
    def activation_norm(self) -> np.ndarray:
        """Frobenius norm of the (B, n) activation."""
        return _power(self.log10_activation_norm)

    @property
    def dz_norm(self) -> np.ndarray:
        """Frobenius norm of the (B, n) gradient of the batch loss with respect to the pre-activation."""
        return _power(self.log10_dz_norm)

    @property
    def dW_norm(self) -> np.ndarray:
        """Frobenius norm of the gradient of the batch loss with respect to the weight matrix."""
        return _power(self.log10_dW_norm)

    @property
    def step_ratio(self) -> np.ndarray:
        """Length of one gradient step over the norm of the weights: learning_rate * ||dL/dW|| / ||W||."""
        return _power(self.log10_step_ratio)


QUANTITIES = tuple(name for name in _Measured.__dataclass_fields__ if name.startswith("log10_"))


class LayerProfile(_Measured):
    """One network, every layer: arrays of shape (L,), index 0 is layer 1, the one that touches the input.

    depth                  L, number of weight matrices
    width                  units a layer, None where layers differ
    activation             name of the activation
    log10_activation_rms   log10 of the rms of h_ell over batch and units
    log10_activation_norm  log10 of the Frobenius norm of h_ell, (B, n)
    log10_dz_norm          log10 of the Frobenius norm of dL/dz_ell, (B, n), L the batch loss
    log10_dW_norm          log10 of the Frobenius norm of dL/dW_ell of the batch loss
    log10_step_ratio       log10 of learning_rate * ||dL/dW_ell|| / ||W_ell||
    overflow_layer         first layer whose state is not finite, else None

    -inf is an exact zero. Past `overflow_layer` the activations are inf or nan, and no layer has a gradient: nan.
    Raises ValueError where an array has another shape than (depth,).

    >>> p = LayerProfile(3, 1, "sigmoid", *np.zeros((2, 3)), np.array([-2.0, -1.0, 0.0]), *np.zeros((2, 3)))
    >>> p
    LayerProfile(depth=3, width=1, activation='sigmoid', overflow_layer=None)
    >>> p.dz_norm.tolist(), round(p.factor_per_layer, 12)
    ([0.01, 0.1, 1.0], 0.1)
    """

    @property
    def relative_dz(self) -> np.ndarray:
        """log10 of ||dL/dz_ell|| over that of the last layer, shape (L,); negative is vanishing."""
        return self.log10_dz_norm - self.log10_dz_norm[-1]

    @property
    def factor_per_layer(self) -> float:
        """Geometric mean of the factor by which ||dL/dz|| changes on its way down one layer; nan at depth 1.

        Below 1 the gradient vanishes, above 1 it explodes.
        """
        if self.depth == 1:
            return float("nan")
        return float(_power(self.relative_dz[0] / (self.depth - 1)))


class DepthProfiles(_Measured):
    """Every depth of one network: arrays of shape (L, L), row d-1 is the network cut after layer d.

    Fields as in `LayerProfile`; entries with layer > d are nan. Raises ValueError for other shapes.

    >>> d = DepthProfiles(2, 1, "tanh", *np.zeros((5, 2, 2)))
    >>> d.at(1).log10_dz_norm.tolist()
    [0.0]
    """

    _rank = 2

    def at(self, depth: int) -> LayerProfile:
        """The profile of the network cut after layer `depth`, arrays (depth,).

        Raises ValueError where depth is not one of 1..L.
        """
        if not 1 <= depth <= self.depth:
            raise ValueError(f"depth = {depth}: these profiles hold depths 1 to {self.depth}")
        rows = (getattr(self, name)[depth - 1, :depth] for name in QUANTITIES)
        overflow = self.overflow_layer
        overflow = overflow if overflow is not None and overflow <= depth else None
        return LayerProfile(depth, self.width, self.activation, *rows, overflow)


@dataclass(frozen=True, eq=False)
class WindowRecord:
    """Where the factor |w sigma'(w a + b)| of one sigmoid link reaches 1, for inputs a in [0, 1] and b = -w * centre.

    weight, bias, centre  w, b, and the input at which w a + b = 0
    inputs, factors       (P,) inputs, closest together where the factor changes, and the factor at each
    width                 width of the whole window by the formula, in units of a; 0 for weights up to 4
    low, high             the part of the window inside [0, 1]; None where no input reaches 1
    counted               share of evenly spaced inputs whose factor is at least 1
    family_weights        (F,) weights from small to large
    family_width          (F,) width of the whole window at each, by the formula
    family_counted        (F,) share counted at each, the centre kept
    widest                (weight, width) of the widest window of all
    """

    weight: float
    bias: float
    centre: float
    inputs: np.ndarray = field(repr=False)
    factors: np.ndarray = field(repr=False)
    width: float
    low: float | None
    high: float | None
    counted: float
    family_weights: np.ndarray = field(repr=False)
    family_width: np.ndarray = field(repr=False)
    family_counted: np.ndarray = field(repr=False)
    widest: tuple[float, float]

    @property
    def largest_factor(self) -> float:
        """A quarter of the weight: the factor at the centre."""
        return self.weight / 4

    @property
    def share(self) -> float:
        """Length of the window inside [0, 1], by the formula: the share of the inputs that keep the gradient."""
        return 0.0 if self.low is None else self.high - self.low


@dataclass(frozen=True, eq=False)
class WidthRecord:
    """The factor per layer of networks of many widths, measured over several networks each, and by theory.

    activation                 name of the activation
    networks                   how many networks of each width were drawn
    widths                     (N,) units a layer
    log10_factor               (N,) log10 of the geometric mean, over networks, of the factor on ||dL/dz|| per layer
    log10_low, log10_high      (N,) 10th and 90th percentile over networks
    theory_widths              (M,) widths at which theory is drawn
    log10_theory               (M,) log10 of the factor per layer by mean-field theory
    log10_theory_at_widths     (N,) the same at the measured widths

    `of` builds it from single networks.
    """

    activation: str
    networks: tuple[int, ...]
    widths: np.ndarray = field(repr=False)
    log10_factor: np.ndarray = field(repr=False)
    log10_low: np.ndarray = field(repr=False)
    log10_high: np.ndarray = field(repr=False)
    theory_widths: np.ndarray = field(repr=False)
    log10_theory: np.ndarray = field(repr=False)
    log10_theory_at_widths: np.ndarray = field(repr=False)

    @classmethod
    def of(cls, activation: str, log10_factors: dict, theory) -> "WidthRecord":
        """From log10_factors, width -> (S,) one value a network, and theory, width -> its log10 factor per layer.

        Theory is drawn at 40 widths, even in the logarithm. Raises ValueError where no width came, or a width has no
        networks or a value that is not finite.

        >>> record = WidthRecord.of("linear", {1: [-1.0, 0.0], 100: [1.0]}, np.log10)
        >>> record.log10_factor.tolist(), record.log10_theory_at_widths.tolist(), record.networks
        ([-0.5, 1.0], [0.0, 2.0], (2, 1))
        """
        if not log10_factors:
            raise ValueError("log10_factors is empty; at least one width is wanted")
        for n, values in log10_factors.items():
            if not np.size(values) or not np.isfinite(values).all():
                raise ValueError(f"log10_factors[{n}] = {values}: at least one number, all finite, is wanted")
        widths = np.array(sorted(log10_factors))
        drawn = [np.asarray(log10_factors[n], dtype=np.float64) for n in widths]
        low, high = np.transpose([np.quantile(values, (0.1, 0.9)) for values in drawn])
        rail = np.geomspace(widths[0], widths[-1], 40)
        middle, at_rail, at_widths = (
            np.array(column, dtype=np.float64)
            for column in ([v.mean() for v in drawn], [theory(n) for n in rail], [theory(n) for n in widths])
        )
        return cls(activation, tuple(map(len, drawn)), widths, middle, low, high, rail, at_rail, at_widths)


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
        for name in ("z", "activation", "log10_slope", "log10_product", "log10_measured", "log10_nudge"):
            array = np.asarray(getattr(self, name), dtype=np.float64)
            if array.shape != (self.length,):
                raise ValueError(
                    f"{name} has shape {array.shape}; with length {self.length} it must be ({self.length},)"
                )
            object.__setattr__(self, name, array)

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


@dataclass(frozen=True, eq=False)
class GradientsRecord:
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
    def layers(self) -> np.ndarray:
        """Layer numbers 1..L, shape (L,)."""
        return np.arange(1, self.depth + 1)

    @property
    def factor_measured(self) -> float:
        """What one layer does to the gradient norm on its way back, geometric mean; nan with a single layer."""
        return _factor(self.measured)

    @property
    def factor_theory(self) -> float:
        """The same, predicted."""
        return _factor(self.theory)


def _factor(log10_relative) -> float:
    finite = log10_relative[np.isfinite(log10_relative)]
    return float(_power(finite[0] / (len(finite) - 1))) if len(finite) > 1 else float("nan")


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
        return _power(self.log10_now - self.log10_now.max())


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
