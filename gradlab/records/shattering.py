"""How the output of a network answers its input, point by point along a line."""

from dataclasses import dataclass, field

import numpy as np

from gradlab.records.base import shaped


@dataclass(frozen=True, eq=False)
class LineGradients:
    """Gradients of K networks by their input at N points along a line, each over its root mean square.

    names      what each network is called
    points     (N,) places along the line, rising
    gradients  (K, N) d(output)/d(place); its scale is divided out

    Raises ValueError where a shape does not fit, or a gradient is 0 everywhere.

    >>> LineGradients(("one",), [0, 1, 2, 3], [[5, -5, 5, -5]]).gradients.tolist()
    [[1.0, -1.0, 1.0, -1.0]]
    """

    names: tuple[str, ...]
    points: np.ndarray = field(repr=False)
    gradients: np.ndarray = field(repr=False)

    def __post_init__(self):
        count, places = len(self.names), np.size(self.points)
        shaped(
            self,
            f"{count} networks and {places} points",
            {"points": (places,), "gradients": (count, places)},
        )
        size = np.sqrt(np.mean(self.gradients**2, axis=1, keepdims=True))
        if not (size > 0).all():
            raise ValueError("gradients: a network whose gradient is 0 everywhere has no shape to draw")
        object.__setattr__(self, "gradients", self.gradients / size)

    @property
    def steps(self) -> np.ndarray:
        """Root mean square of the change from each point to the next, (K,); sqrt(2) for white noise."""
        return np.sqrt(np.mean(np.diff(self.gradients, axis=1) ** 2, axis=1))
