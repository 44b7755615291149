"""What crosses a border between modules: frozen dataclasses of float64 arrays.

Everything that grows or decays geometrically is held as log10. A float64 ends at 1e-308, a deep net does not.
"""

from dataclasses import dataclass, field, fields
from typing import ClassVar

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
class SignalProfile:
    """What the forward pass of one network keeps, layer by layer: arrays of shape (L,), index 0 is layer 1.

    depth, width, activation  L; units a layer, None where layers differ; name of the activation
    examples           B, how many inputs went through
    log10_z_rms        log10 of the rms of the pre-activation z_ell over batch and units
    z_quantiles        (L, 5) quantiles of z_ell over batch and units, at the `LEVELS`
    slope_rms          rms of phi'(z_ell) over batch and units: what the layer passes back, the weights apart
    saturated          share of slopes, over batch and units, below 1/20 of their supremum in absolute value; for a
                       rectifier that is its whole flat side
    dead               share of units whose slope is below 1/1000 of its supremum for every example: for ReLU exactly 0
    constant           share of units whose activation varies over the examples by less than 1/10 of its rms; the dead
                       ReLU units are among them
    cosine             mean cosine between the activations of two different examples; 1 means that all look alike
    orthogonal_cosine  the same for inputs that are orthogonal to each other, of the same mean square as the examples
    overflow_layer     first layer whose state is not finite, else None; from there on everything is nan

    A cosine is nan where fewer than two examples have an activation other than 0. Raises ValueError for other shapes.

    >>> SignalProfile(1, 2, "relu", 3, np.zeros(1), np.zeros((1, 5)), *np.zeros((6, 1)))
    SignalProfile(depth=1, width=2, activation='relu', examples=3, overflow_layer=None)
    """

    LEVELS: ClassVar[tuple[float, ...]] = (0.05, 0.25, 0.5, 0.75, 0.95)

    depth: int
    width: int | None
    activation: str
    examples: int
    log10_z_rms: np.ndarray = field(repr=False)
    z_quantiles: np.ndarray = field(repr=False)
    slope_rms: np.ndarray = field(repr=False)
    saturated: np.ndarray = field(repr=False)
    dead: np.ndarray = field(repr=False)
    constant: np.ndarray = field(repr=False)
    cosine: np.ndarray = field(repr=False)
    orthogonal_cosine: np.ndarray = field(repr=False)
    overflow_layer: int | None = None

    def __post_init__(self):
        for name in (f.name for f in fields(self) if f.type is np.ndarray):
            array = np.asarray(getattr(self, name), np.float64)
            shape = (self.depth, len(self.LEVELS)) if name == "z_quantiles" else (self.depth,)
            if array.shape != shape:
                raise ValueError(f"{name} has shape {array.shape}; with depth {self.depth} it must be {shape}")
            object.__setattr__(self, name, array)

    @property
    def layers(self) -> np.ndarray:
        """Layer numbers 1..L, shape (L,); layer 1 touches the input."""
        return np.arange(1, self.depth + 1)

    @property
    def z_rms(self) -> np.ndarray:
        """Root mean square of the pre-activation over batch and units."""
        return _power(self.log10_z_rms)


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
class SlopesRecord:
    """Activations side by side: value and slope over a range of z, and how steep the slope gets.

    activations   N names
    z             (P,) pre-activations, increasing
    value, slope  (N, P) phi(z) and phi'(z)
    supremum      (N,) least upper bound of the slope, over all z
    steepest      (N,) the z of smallest size at which the slope comes within 1e-4 of it; nan where none in range does
    rms           (N,) root mean square of the slope for z ~ N(0, 1)

    `of` builds it from `gradlab.activations.Activation`s.
    """

    activations: tuple[str, ...]
    z: np.ndarray = field(repr=False)
    value: np.ndarray = field(repr=False)
    slope: np.ndarray = field(repr=False)
    supremum: np.ndarray = field(repr=False)
    steepest: np.ndarray = field(repr=False)
    rms: np.ndarray = field(repr=False)

    @classmethod
    def of(cls, activations, rms_slope, *, end: float = 3.0) -> "SlopesRecord":
        """From activations and rms_slope, name -> rms slope over N(0, 1), for z from -end to end in steps of end/60.

        Raises ValueError where no activation came, or an end that is not positive and finite.

        >>> from gradlab.activations import activation
        >>> from gradlab.theory import rms_slope
        >>> record = SlopesRecord.of([activation("gelu"), activation("softplus")], rms_slope)
        >>> record.steepest.round(1).tolist()
        [1.4, nan]
        """
        activations = tuple(activations)
        if not activations:
            raise ValueError("activations is empty; at least one is wanted")
        if not 0 < end < np.inf:
            raise ValueError(f"end = {end}: a positive finite number is wanted")
        z = end * np.arange(-60, 61) / 60
        value, slope = (np.stack([getattr(a, kind)(z) for a in activations]) for kind in ("value", "slope"))
        supremum = np.array([a.slope_supremum for a in activations])
        steepest = np.full(len(activations), np.nan)
        for i, near in enumerate(np.abs(slope - supremum[:, None]) < 1e-4):
            if near.any():
                steepest[i] = min(z[near], key=abs)
        names = tuple(a.name for a in activations)
        rms = np.array([rms_slope(name) for name in names], dtype=np.float64)
        return cls(names, z, value, slope, supremum, steepest, rms)


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


@dataclass(frozen=True)
class NumbersEnd:
    """Where a number format ends on the way through a product A_L ... A_1: numbers of factors, or None for never.

    dtype       the number format
    depth       L, number of factors
    first_inf   how many factors make the first product that holds inf
    first_nan   the same for nan
    first_zero  the same for a product whose entries are all 0

    >>> NumbersEnd("float32", 200, 129, 130, None).finite
    128
    """

    dtype: str
    depth: int
    first_inf: int | None = None
    first_nan: int | None = None
    first_zero: int | None = None

    @property
    def finite(self) -> int:
        """Number of factors up to which the product holds neither inf nor nan."""
        return min(ell for ell in (self.first_inf, self.first_nan, self.depth + 1) if ell is not None) - 1


@dataclass(frozen=True, eq=False)
class MatrixRecord:
    """A convolution of one channel as a matrix, and where one number of its kernel stands in it.

    kernel  (k_h, k_w)
    entry   row and column, from 0, of the number of the kernel that is pointed out
    matrix  (h_out * w_out, h * w): row = one output pixel, column = one input pixel, both counted line by line
    copies  (h_out * w_out, h * w) booleans: the cells that hold that number
    block   (w_out, w): size of the block that links one line of outputs with one line of inputs

    Raises ValueError where matrix and copies differ in shape, or do not divide into blocks.

    >>> MatrixRecord(np.ones((1, 1)), (0, 0), np.eye(4), np.eye(4) == 1, (2, 2)).blocks
    (2, 2)
    """

    kernel: np.ndarray = field(repr=False)
    entry: tuple[int, int]
    matrix: np.ndarray = field(repr=False)
    copies: np.ndarray = field(repr=False)
    block: tuple[int, int]

    def __post_init__(self):
        if self.matrix.shape != self.copies.shape or np.remainder(self.matrix.shape, self.block).any():
            raise ValueError(
                f"matrix is {self.matrix.shape}, copies {self.copies.shape} and a block {self.block}; matrix and copies "
                "must have one shape, a whole number of blocks each way"
            )

    @property
    def blocks(self) -> tuple[int, int]:
        """How many blocks stand one above the other, and side by side."""
        rows, columns = np.floor_divide(self.matrix.shape, self.block)
        return int(rows), int(columns)


def _reached_by(layers) -> np.ndarray:
    """(3, F) the layer by which one in ten, half and nine in ten of (F, S) have happened; nan is never."""
    never = np.where(np.isnan(layers), np.inf, layers)
    return np.quantile(never, (0.1, 0.5, 0.9), axis=-1, method="inverted_cdf")


@dataclass(frozen=True, eq=False)
class OverflowRecord:
    """Products A_ell ... A_1 of random (n, n) matrices: their singular values, and where number formats end.

    kind, width, gain       how the matrices are drawn, as `products.random_factors` names it; width is n
    layers                  L, the number of matrices of the longest product that is shown
    dtype                   the number format that is shown
    products                how many independent products were drawn
    at                      (P,) numbers of matrices from 0, the identity, to L
    log10_values            (3, P) log10 of the largest, the median and the smallest singular value, median product
    log10_low, log10_high   (3, P) 10th and 90th percentile of the products
    log10_theory            (3,) theory: decades that each of the three gains with one more matrix, in the long run
    formats                 F names of number formats
    log10_range             (F, 2) log10 of the smallest positive and of the largest number of each
    searched                every product was multiplied in every format up to this many matrices
    first_inf, first_nan    (F, products) length of the first product that holds inf, nan; nan where none up to there
    first_zero              (F, products) the same for a product that holds nothing but 0
    grows                   theory: the entries grow, and a format ends in inf; False: they shrink, and it ends in zeros
    predicted               (F, 3) theory: 10th percentile, median and 90th percentile of the length of the product
                            in which a format ends; inf for never
    """

    kind: str
    width: int
    gain: float
    layers: int
    dtype: str
    products: int
    at: np.ndarray = field(repr=False)
    log10_values: np.ndarray = field(repr=False)
    log10_low: np.ndarray = field(repr=False)
    log10_high: np.ndarray = field(repr=False)
    log10_theory: np.ndarray = field(repr=False)
    formats: tuple[str, ...] = field(repr=False)
    log10_range: np.ndarray = field(repr=False)
    searched: int = field(repr=False)
    first_inf: np.ndarray = field(repr=False)
    first_nan: np.ndarray = field(repr=False)
    first_zero: np.ndarray = field(repr=False)
    grows: bool
    predicted: np.ndarray = field(repr=False)

    @property
    def row(self) -> int:
        """Index of `dtype` among the formats."""
        return self.formats.index(self.dtype)

    @property
    def ends(self) -> np.ndarray:
        """(3, F) where one in ten, half and nine in ten of the products held inf or nothing but 0; inf: not by `searched`.

        From there on no gradient is left.
        """
        return _reached_by(np.fmin(self.first_inf, self.first_zero))

    @property
    def nan(self) -> np.ndarray:
        """(F,) where half of the products held nan; inf: not by `searched`."""
        return _reached_by(self.first_nan)[1]

    @property
    def ends_in_inf(self) -> np.ndarray:
        """(F,) whether more of the products, or as many, ended in inf as in zeros; theory says it where none ended."""
        count = [np.isfinite(first).sum(axis=1) for first in (self.first_inf, self.first_zero)]
        return np.where(count[0] + count[1] > 0, count[0] >= count[1], self.grows)

    @property
    def shown_end(self) -> int | None:
        """Where half of the products ended in `dtype`; None where that is not among the layers shown."""
        end = self.ends[1, self.row]
        return int(end) if end <= self.layers else None


@dataclass(frozen=True, eq=False)
class ZooRecord:
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
        layers = (self.depth,)
        shapes = {"z_quantiles": (self.depth, len(SignalProfile.LEVELS)), "log10_z_rms": layers}
        for line in ("gradient", "cosine"):
            shapes |= {line: layers, f"{line}_band": (2, self.depth), f"{line}_theory": layers}
        for name, shape in shapes.items():
            array = np.asarray(getattr(self, name), dtype=np.float64)
            if array.shape != shape:
                raise ValueError(f"{name} has shape {array.shape}; with depth {self.depth} it must be {shape}")
            object.__setattr__(self, name, array)

    @property
    def layers(self) -> np.ndarray:
        """Layer numbers 1..L, shape (L,)."""
        return np.arange(1, self.depth + 1)

    @property
    def factor_measured(self) -> float:
        """What one layer does to the gradient norm on its way back, geometric mean; nan with a single layer."""
        return _factor(self.gradient)

    @property
    def factor_theory(self) -> float:
        """The same, predicted."""
        return _factor(self.gradient_theory)


@dataclass(frozen=True, eq=False)
class ConvolutionRecord:
    """ReLU networks of L equal convolutions: the signal on its way up, the gradient on its way down, and the theory.

    kernel_size, channels, depth, initializer   the state; initializer as the explorer's menu names it
    networks       independent networks behind every number
    side           the images have side x side pixels and wrapped edges
    signal         (L,) log10 of the rms of h_ell; the rms of the input is 1
    gradient       (L,) log10 of ||dL/dz_ell|| over that of layer L
    factors        (F,) log10 of the factor per layer that theory gives the gradient, for `fan_ins` = k^2 c
    matrix         what links one channel with another

    Lines are medians over the networks, `_band` (2, L) the 10th and the 90th percentile, `_theory` (L,) the prediction
    for many channels. Raises ValueError where an array has another shape.
    """

    kernel_size: int
    channels: int
    depth: int
    initializer: str
    networks: int
    side: int
    signal: np.ndarray = field(repr=False)
    signal_band: np.ndarray = field(repr=False)
    signal_theory: np.ndarray = field(repr=False)
    gradient: np.ndarray = field(repr=False)
    gradient_band: np.ndarray = field(repr=False)
    gradient_theory: np.ndarray = field(repr=False)
    fan_ins: np.ndarray = field(repr=False)
    factors: np.ndarray = field(repr=False)
    matrix: MatrixRecord = field(repr=False)

    def __post_init__(self):
        for line in ("signal", "gradient"):
            shapes = {line: (self.depth,), f"{line}_band": (2, self.depth), f"{line}_theory": (self.depth,)}
            for name, shape in shapes.items():
                if (found := np.shape(getattr(self, name))) != shape:
                    raise ValueError(f"{name} has shape {found}; with depth {self.depth} it must be {shape}")

    @property
    def layers(self) -> np.ndarray:
        """Layer numbers 1..L, shape (L,)."""
        return np.arange(1, self.depth + 1)

    @property
    def fan_in(self) -> int:
        """How many numbers one output reads, k^2 c; with equal channels as many outputs read one number."""
        return self.kernel_size**2 * self.channels

    @property
    def factor_measured(self) -> float:
        """What one layer does to the gradient norm on its way back, geometric mean."""
        return _factor(self.gradient)

    @property
    def factor_theory(self) -> float:
        """The same, predicted."""
        return _factor(self.gradient_theory)


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
        for name in ("log10_rms", "log10_spectral"):
            if getattr(self, name).shape != shape:
                was = getattr(self, name).shape
                raise ValueError(f"{name} has shape {was}; with steps {self.steps} it must be {shape}")

    @property
    def back(self) -> np.ndarray:
        """How many steps back each t lies, T - t, (T + 1,)."""
        return np.arange(self.steps, -1, -1)

    @property
    def factor_per_step(self) -> np.ndarray:
        """Geometric mean of the factor on the rms norm on its way back one step, (B,)."""
        return _power(self.log10_rms[0] / self.steps)


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
        for name, length in (("log10_state", self.steps + 1), ("log10_term", self.steps), ("log10_sum", self.steps)):
            if getattr(self, name).shape != (length,):
                was = getattr(self, name).shape
                raise ValueError(f"{name} has shape {was}; with steps {self.steps} it must be ({length},)")

    @property
    def share(self) -> np.ndarray:
        """Norm of each term over that of the whole gradient, (T,). Terms may cancel: the shares need not sum to 1."""
        return _power(self.log10_term - self.log10_sum[0])


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
        for name, length in (("log10_norm", self.steps + 1), ("eigenvalues", self.n)):
            if getattr(self, name).shape != (length,):
                was = getattr(self, name).shape
                raise ValueError(
                    f"{name} has shape {was}; with {self.n} rows and {self.steps} steps it must be ({length},)"
                )

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
class ForgetBiasRecord:
    """What is left of the memory m_0 that an LSTM (m = c) or a GRU (m = h) begins with, after t = 0..T steps.

    cell, bias, length, networks   the state, length being T, and how many networks stand behind every number
    gate, half_life  sigma(bias), and after how many steps its powers have fallen to one half
    log10_theory     (T + 1,) log10 of gate^t
    log10_direct     (T + 1,) log10 of the rms over the units of the product of the gates that the networks really had:
                     dm_t/dm_0 along the one path that leaves no unit
    log10_total      (T + 1,) log10 of ||dm_t/dm_0||_F / sqrt(n) along all paths
    log10_low, log10_high   (T + 1,) its 10th and 90th percentile over the networks; the lines are medians
    biases, gates, half_lives   (P,) each: the gate and its half-life as curves
    family           (F, T + 1) as log10_theory, for the biases 0, 1, ..., F - 1

    Raises ValueError where an array has another shape.
    """

    cell: str
    bias: float
    length: int
    networks: int
    gate: float
    half_life: float
    log10_theory: np.ndarray = field(repr=False)
    log10_direct: np.ndarray = field(repr=False)
    log10_total: np.ndarray = field(repr=False)
    log10_low: np.ndarray = field(repr=False)
    log10_high: np.ndarray = field(repr=False)
    biases: np.ndarray = field(repr=False)
    gates: np.ndarray = field(repr=False)
    half_lives: np.ndarray = field(repr=False)
    family: np.ndarray = field(repr=False)

    def __post_init__(self):
        lines = ("log10_theory", "log10_direct", "log10_total", "log10_low", "log10_high")
        shapes = dict.fromkeys(lines, (self.length + 1,)) | {"family": (len(self.family), self.length + 1)}
        shapes |= dict.fromkeys(("gates", "half_lives"), np.shape(self.biases))
        for name, shape in shapes.items():
            if (found := np.shape(getattr(self, name))) != shape:
                raise ValueError(f"{name} has shape {found}; with length {self.length} it must be {shape}")

    @property
    def steps(self) -> np.ndarray:
        """t = 0..T, (T + 1,)."""
        return np.arange(self.length + 1)


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
        for name, shape in (shapes | {"orbit": (len(self.orbit), 2), "ends": (2, 2)}).items():
            if (found := np.shape(getattr(self, name))) != shape:
                raise ValueError(f"{name} has shape {found}; it must be {shape}")

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


@dataclass(frozen=True, eq=False)
class CellsRecord:
    """What is left of a gradient k = 0..T steps back in a recurrent cell: the size of dm_T/dm_{T-k}.

    m is the memory of the cell, c of an LSTM and h of all others. The first state is 0.

    cell, start, length, networks   the state, length being T, and how many networks stand behind every number
    log10_measured   (T + 1,) log10 of ||dm_T/dm_{T-k}||_F / sqrt(n), median over the networks; 0 at k = 0
    log10_low, log10_high   (T + 1,) 10th and 90th percentile over the networks; -inf where it is exactly 0
    log10_theory     (T + 1,) the same by theory, for a gated cell its gate's part of it; None where there is no theory
    gated            whether it is the gate's part
    silent           how many of the networks send nothing at all back to the first state
    cells, starts    the cells and the starts that the controls offer
    after            the number of steps that the family below shares
    family           (cells, starts) log10_measured at k = `after` in runs of so many steps

    Raises ValueError where an array has another shape.
    """

    cell: str
    start: str
    length: int
    networks: int
    log10_measured: np.ndarray = field(repr=False)
    log10_low: np.ndarray = field(repr=False)
    log10_high: np.ndarray = field(repr=False)
    log10_theory: np.ndarray | None = field(repr=False)
    gated: bool
    silent: int
    cells: tuple[str, ...] = field(repr=False)
    starts: tuple[str, ...] = field(repr=False)
    after: int
    family: np.ndarray = field(repr=False)

    def __post_init__(self):
        shapes = dict.fromkeys(("log10_measured", "log10_low", "log10_high"), (self.length + 1,))
        shapes |= {"family": (len(self.cells), len(self.starts))}
        if self.log10_theory is not None:
            shapes["log10_theory"] = (self.length + 1,)
        for name, shape in shapes.items():
            if (found := np.shape(getattr(self, name))) != shape:
                raise ValueError(f"{name} has shape {found}; with length {self.length} it must be {shape}")

    @property
    def total(self) -> float:
        """log10 of what is left at the first state."""
        return float(self.log10_measured[-1])

    @property
    def halved(self) -> int | None:
        """From how many steps back on at most half of the gradient is left; None where more is left at the end."""
        more = np.flatnonzero(self.log10_measured > np.log10(0.5))[-1]
        return None if more == self.length else int(more) + 1
