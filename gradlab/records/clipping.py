"""Gradient descent on a cliff, with and without clipping."""

from dataclasses import dataclass, field

import numpy as np

from gradlab.records.base import shaped


@dataclass(frozen=True, eq=False)
class CliffDescent:
    """Gradient descent over two weights (w, b), from N starts at once; the first axis is the step, 0..S.

    kind, threshold, learning_rate   how a gradient was clipped, and the rate
    path       (S + 1, 2, N) w and b before the first step and after every step
    loss       (S + 1, N)
    gradient   (S + 1, 2, N) dE/dw and dE/db there, before clipping

    Raises ValueError where an array has another shape.
    """

    kind: str
    threshold: float
    learning_rate: float
    path: np.ndarray = field(repr=False)
    loss: np.ndarray = field(repr=False)
    gradient: np.ndarray = field(repr=False)

    def __post_init__(self):
        points, _, starts = np.shape(self.path)
        shapes = {"path": (points, 2, starts), "gradient": (points, 2, starts), "loss": (points, starts)}
        shaped(self, f"{points - 1} steps and {starts} starts", shapes)

    @property
    def steps(self) -> int:
        """S."""
        return len(self.loss) - 1

    @property
    def norm(self) -> np.ndarray:
        """Norm of the gradient before clipping, (S + 1, N)."""
        return np.hypot(self.gradient[:, 0], self.gradient[:, 1])

    @property
    def jump(self) -> np.ndarray:
        """How far each step moved the weights, (S, N)."""
        return np.hypot(*np.diff(self.path, axis=0).swapaxes(0, 1))


@dataclass(frozen=True, eq=False)
class ClippingRecord:
    """One descent on the cliff, the map it runs on, and how the same descent ends from starts all around.

    kind, threshold, w, b   the state: how gradients are clipped, at what, and the start
    path         (S + 1, 2) w and b before the first step and after every step
    loss, norm   (S + 1,) the loss, and the norm of the gradient before clipping, at every point of the path
    clipped      how many of the S steps clipping shortened; for "none", how many gradients are longer than the threshold
    turned       by how many degrees clipping turned the gradient at most
    crossings    how often the path changed from one side of the wall to the other
    sensitive    whether the loss at the end changes by a thousandth or more when the start moves by 1e-15
    frame        (2, 2) lowest and highest w, then b, of the map
    outputs      (K,) outputs of the unit, in increasing order, `target` among them
    contours     (2, P) w and b of K lines of equal loss, a nan between two of them: from the left edge of the map to the
                 right one the output of the unit is `outputs`; where one would leave the map it runs along the edge
    wall         (2, P) w and b of the part of the contour of output 1/2 on which the gradient is long
    starts       how many starts around this one stand behind the next two
    share_out    share of them that leave the map
    median_loss  median of their losses after S steps

    Raises ValueError where an array has another shape.
    """

    kind: str
    threshold: float
    w: float
    b: float
    path: np.ndarray = field(repr=False)
    loss: np.ndarray = field(repr=False)
    norm: np.ndarray = field(repr=False)
    clipped: int
    turned: float
    crossings: int
    sensitive: bool
    frame: np.ndarray = field(repr=False)
    outputs: np.ndarray = field(repr=False)
    target: float
    contours: np.ndarray = field(repr=False)
    wall: np.ndarray = field(repr=False)
    starts: int
    share_out: float
    median_loss: float

    def __post_init__(self):
        points = len(self.loss)
        shapes = {"path": (points, 2), "loss": (points,), "norm": (points,), "frame": (2, 2)}
        shapes |= {name: (2, np.shape(getattr(self, name))[-1]) for name in ("contours", "wall")}
        shaped(self, f"{points - 1} steps", shapes)
        if len(self.lines) != len(self.outputs):
            raise ValueError(
                f"contours holds {len(self.lines)} lines; with {len(self.outputs)} outputs as many are needed"
            )

    @property
    def steps(self) -> int:
        """S."""
        return len(self.loss) - 1

    @property
    def lines(self) -> list[np.ndarray]:
        """The contours one by one, K arrays (2, P)."""
        gaps = np.flatnonzero(np.isnan(self.contours[0]))
        return [part[:, np.isfinite(part[0])] for part in np.split(self.contours, gaps, axis=1)]

    @property
    def jump(self) -> np.ndarray:
        """How far each step moved the weights, (S,)."""
        return np.hypot(*np.diff(self.path, axis=0).T)

    @property
    def left(self) -> int | None:
        """The first point of the path that is not on the map, else None."""
        outside = np.flatnonzero(((self.path < self.frame[:, 0]) | (self.path > self.frame[:, 1])).any(axis=1))
        return int(outside[0]) if len(outside) else None

    @property
    def decisive(self) -> int:
        """The point from which the step off the map was taken; where none was, the one with the longest gradient."""
        return int(self.norm[:-1].argmax()) if self.left is None else self.left - 1
