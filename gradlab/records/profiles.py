"""What is measured at every layer of one network."""

from dataclasses import dataclass, field, fields
from typing import ClassVar

import numpy as np

from gradlab.records.base import Layered, power, shaped


@dataclass(frozen=True, eq=False)
class _Measured(Layered):
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
        shaped(self, f"depth {self.depth}", dict.fromkeys(QUANTITIES, (self.depth,) * self._rank))

    @property
    def activation_rms(self) -> np.ndarray:
        """Root mean square of the activation over batch and units."""
        return power(self.log10_activation_rms)

    @property
    def activation_norm(self) -> np.ndarray:
        """Frobenius norm of the (B, n) activation."""
        return power(self.log10_activation_norm)

    @property
    def dz_norm(self) -> np.ndarray:
        """Frobenius norm of the (B, n) gradient of the batch loss with respect to the pre-activation."""
        return power(self.log10_dz_norm)

    @property
    def dW_norm(self) -> np.ndarray:
        """Frobenius norm of the gradient of the batch loss with respect to the weight matrix."""
        return power(self.log10_dW_norm)

    @property
    def step_ratio(self) -> np.ndarray:
        """Length of one gradient step over the norm of the weights: learning_rate * ||dL/dW|| / ||W||."""
        return power(self.log10_step_ratio)


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
        return float(power(self.relative_dz[0] / (self.depth - 1)))


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
class SignalProfile(Layered):
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
        shapes = {f.name: (self.depth,) for f in fields(self) if f.type is np.ndarray}
        shaped(self, f"depth {self.depth}", shapes | {"z_quantiles": (self.depth, len(self.LEVELS))})

    @property
    def z_rms(self) -> np.ndarray:
        """Root mean square of the pre-activation over batch and units."""
        return power(self.log10_z_rms)
