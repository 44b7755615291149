"""Slopes of activations: side by side, on one link, and by the width of a layer."""

from dataclasses import dataclass, field

import numpy as np


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
