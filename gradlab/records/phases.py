"""The phase diagram of deep layers, and networks at one point of it."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from gradlab.records.base import Lines, shaped


class Start(NamedTuple):
    """A usual start as a point of the phase diagram: its name, sigma_w and sigma_b."""

    label: str
    sigma_w: float
    sigma_b: float


@dataclass(frozen=True, eq=False)
class PhaseRecord(Lines):
    """A map of all weight and bias scales, and what networks at one point of it do to gradients and inputs.

    activation, sigma_w, sigma_b, depth   the state
    width, networks   units a layer, and how many networks stand behind every number
    chi            factor on the mean square of the gradient a layer, once the variance has settled
    depth_scale    layers over which that mean square changes e-fold, inf where chi is 1
    sigma_w_values, sigma_b_values   (V,) and (U,) those of the sliders, whose ends are those of the map
    border         sigma_w at which chi is 1, for this sigma_b
    biases         (S,) the sigma_b of the lines
    factors        (K,) factors a layer on the norm of the gradient, sqrt(chi), in increasing order
    lines_at       (K, S) the sigma_w at which layers have that factor
    border_line    (S,) the same for the factor 1
    channel        (2, S) the sigma_w at which `depth` layers shrink the norm tenfold, and at which they grow it tenfold
    starts         usual starts at this width
    gradient       (L,) log10 of ||dL/dz_ell|| over that of layer L
    cosine         (L,) mean cosine between the activations of inputs that are orthogonal

    Gradient and cosine are medians over the networks, `_band` (2, L) the smallest and the largest of them, `_theory`
    (L,) the mean-field prediction for infinite width. Raises ValueError where an array has another shape.
    """

    activation: str
    sigma_w: float
    sigma_b: float
    depth: int
    width: int
    networks: int
    chi: float
    depth_scale: float
    sigma_w_values: np.ndarray = field(repr=False)
    sigma_b_values: np.ndarray = field(repr=False)
    border: float
    biases: np.ndarray = field(repr=False)
    factors: np.ndarray = field(repr=False)
    lines_at: np.ndarray = field(repr=False)
    border_line: np.ndarray = field(repr=False)
    channel: np.ndarray = field(repr=False)
    starts: tuple[Start, ...] = field(repr=False)
    gradient: np.ndarray = field(repr=False)
    gradient_band: np.ndarray = field(repr=False)
    gradient_theory: np.ndarray = field(repr=False)
    cosine: np.ndarray = field(repr=False)
    cosine_band: np.ndarray = field(repr=False)
    cosine_theory: np.ndarray = field(repr=False)

    def __post_init__(self):
        (lines,), (points,) = np.shape(self.factors), np.shape(self.biases)
        shapes = {"factors": (lines,), "biases": (points,), "lines_at": (lines, points), "border_line": (points,)}
        shapes |= {name: (len(getattr(self, name)),) for name in ("sigma_w_values", "sigma_b_values")}
        shapes |= {"channel": (2, points)} | self.lines("gradient", "cosine")
        shaped(self, f"depth {self.depth}, {lines} factors and {points} biases", shapes)

    @property
    def settled_factor(self) -> float:
        """What a layer does to the norm of the gradient once the variance has settled, sqrt(chi)."""
        return float(np.sqrt(self.chi))
