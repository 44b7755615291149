"""What the records share: powers of ten past the range of floats, arrays of the right shape, layers."""

import numpy as np


def power(log10):
    """10**log10; past the range of float64 it is 0.0 or inf, without a warning."""
    with np.errstate(over="ignore", under="ignore"):
        return np.power(10.0, log10)


def factor(log10_relative) -> float:
    """Geometric mean of the factor from one layer to the one below, of log10 values (L,); nan with a single layer.

    Values that are not finite are left out: layers past an overflow.

    >>> factor(np.array([-2.0, -1.0, 0.0]))
    0.1
    """
    finite = log10_relative[np.isfinite(log10_relative)]
    return float(power(finite[0] / (len(finite) - 1))) if len(finite) > 1 else float("nan")


def shaped(record, size: str, shapes: dict[str, tuple[int, ...]]) -> None:
    """Turn the fields that `shapes` names into float64 arrays, complex ones into complex128.

    Raises ValueError where one has another shape; `size` names in the message what the shapes follow from.
    """
    for name, shape in shapes.items():
        array = np.asarray(getattr(record, name))
        if array.shape != shape:
            raise ValueError(f"{name} has shape {array.shape}; with {size} it must be {shape}")
        object.__setattr__(record, name, array.astype(np.result_type(array, np.float64), copy=False))


class Layered:
    """A record of `depth` layers."""

    @property
    def layers(self) -> np.ndarray:
        """Layer numbers 1..L, shape (L,); layer 1 touches the input."""
        return np.arange(1, self.depth + 1)


class Lines(Layered):
    """A record with lines over its layers: for each name the median, the band around it and the theory.

    `gradient` is one of them: log10 of ||dL/dz_ell|| over that of layer L.
    """

    def lines(self, *names: str) -> dict[str, tuple[int, ...]]:
        """The shapes of the lines: (L,) for median and `_theory`, (2, L) for `_band`."""
        ends = {"": (self.depth,), "_band": (2, self.depth), "_theory": (self.depth,)}
        return {name + end: shape for name in names for end, shape in ends.items()}

    @property
    def factor_measured(self) -> float:
        """What one layer does to the gradient norm on its way back, geometric mean; nan with a single layer."""
        return factor(self.gradient)

    @property
    def factor_theory(self) -> float:
        """The same, predicted."""
        return factor(self.gradient_theory)
