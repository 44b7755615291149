"""A loss with a wall in it: one recurrent sigmoid unit, fifty steps, two weights.

The state runs as x_t = w sigma(x_{t-1}) + b from x_0 = 0.5, and the loss is E(w, b) = (sigma(x_50) - 0.7)^2. Above
w = 4 the unit can hold two states, and where the start changes from one to the other the loss falls off a wall: there
fifty factors w sigma' multiply to an exploding gradient. Beside the wall it vanishes.

Source: Pascanu et al. 2013, equation 8 and figure 6.
"""

import numpy as np

from gradlab.activations import activation
from gradlab.clipping import shrinkage
from gradlab.records import CliffDescent

STEPS = 50
START = 0.5
TARGET = 0.7
SIGMOID = activation("sigmoid")

#: how a gradient (2, N) is clipped at a threshold: the rules of `gradlab.clipping`, for N descents at once
RULES = {
    "none": lambda gradient, threshold: gradient,
    "norm": lambda gradient, threshold: gradient * shrinkage(np.hypot(*gradient), threshold),
    "value": lambda gradient, threshold: np.clip(gradient, -threshold, threshold),
    "largest": lambda gradient, threshold: gradient * shrinkage(np.abs(gradient).max(axis=0), threshold),
}


def cliff_output(w, b) -> np.ndarray:
    """sigma(x_50) for weights of any one shape, or of shapes that broadcast; between 0 and 1, the target is 0.7.

    It rises with b wherever w is positive.
    """
    return SIGMOID.value(_run(w, b)[0])


def cliff_loss(w, b) -> np.ndarray:
    """E(w, b) = (sigma(x_50) - 0.7)^2 for weights of any one shape, or of shapes that broadcast: 0 to 0.49.

    >>> cliff_loss(5.0, [-2.60, -2.65]).round(3).tolist()
    [0.012, 0.35]
    """
    return (cliff_output(w, b) - TARGET) ** 2


def cliff_gradient(w, b) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """E, dE/dw and dE/db, each of the shape of the weights: exact, carried forward along the fifty steps.

    dx_t/dw = sigma(x_{t-1}) + w sigma'(x_{t-1}) dx_{t-1}/dw, and for b with 1 in the place of sigma. Two weights make
    forward the cheaper way; it never stores the states.

    >>> for b in (-2.1, -2.28):
    ...     print(round(float(np.hypot(*cliff_gradient(4.46, b)[1:])), 3))
    0.125
    41.062
    """
    state, dw, db = _run(w, b)
    output = SIGMOID.value(state)
    slope = 2 * (output - TARGET) * SIGMOID.slope(state)
    return (output - TARGET) ** 2, slope * dw, slope * db


def cliff_contour(output: float, w, *, steps: int = 60) -> np.ndarray:
    """The b at which sigma(x_50) has a value between 0 and 1, for positive w of any shape: one line of equal loss.

    Bisection between -w - 40 and 40, where the output is 0 and 1 to rounding; exact to that over 2^60.

    Raises ValueError for an output outside (0, 1) and a w that is not positive.

    >>> cliff_contour(0.7, np.array([4.0, 5.0])).round(4).tolist()
    [-1.9527, -2.6123]
    """
    if not 0 < output < 1:
        raise ValueError(f"output: got {output!r}, expected a number between 0 and 1")
    w = np.asarray(w, dtype=float)
    if not (w > 0).all():
        raise ValueError(
            f"w: got {float(w.min())!r} among them, expected positive numbers: only there the output rises with b"
        )
    low, high = -w - 40, np.full(w.shape, 40.0)
    for _ in range(steps):
        middle = (low + high) / 2
        below = cliff_output(w, middle) < output
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2


def cliff_descent(
    start, *, kind: str = "none", threshold: float = 1.0, learning_rate: float = 0.3, steps: int = 60
) -> CliffDescent:
    """Gradient descent on the cliff from one start (w, b), or from N of them, (2, N); see `CliffDescent`.

    kind        "none", or how the gradient is clipped before every step: "norm", by its norm; "value", each of its two
                entries; "largest", by its largest entry
    threshold   what the norm, or each entry, is at most after clipping

    Raises ValueError for a start of another shape or not finite, an unknown kind, a threshold or learning rate that is
    not positive, and a negative number of steps.

    >>> plain, clipped = (cliff_descent((5.0, -2.4), kind=kind) for kind in ("none", "norm"))
    >>> print(f"{plain.jump.max():.3g} {plain.loss[-1, 0]:.3f}, {clipped.jump.max():.3g} {clipped.loss[-1, 0]:.6f}")
    11.7 0.090, 0.3 0.000005
    """
    start = np.asarray(start, dtype=float)
    if start.shape[:1] != (2,) or start.ndim > 2 or not np.isfinite(start).all():
        raise ValueError(f"start: got {start!r}, expected two finite numbers, or two rows of them")
    if kind not in RULES:
        raise ValueError(f"kind: got {kind!r}, expected one of {', '.join(RULES)}")
    for name, value in (("threshold", threshold), ("learning_rate", learning_rate)):
        if not 0 < value < np.inf:
            raise ValueError(f"{name}: got {value!r}, expected a positive number")
    if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 0:
        raise ValueError(f"steps: got {steps!r}, expected a whole number from 0")
    place = start.reshape(2, -1)
    path, losses, gradients = [], [], []
    for _ in range(steps + 1):
        loss, dw, db = cliff_gradient(*place)
        gradient = np.stack([dw, db])
        path.append(place)
        losses.append(loss)
        gradients.append(gradient)
        place = place - learning_rate * RULES[kind](gradient, threshold)
    return CliffDescent(
        kind, float(threshold), float(learning_rate), np.array(path), np.array(losses), np.array(gradients)
    )


def _run(w, b) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x_50, and its derivatives by w and by b."""
    w, b = np.broadcast_arrays(np.asarray(w, dtype=float), np.asarray(b, dtype=float))
    state, dw, db = np.full(w.shape, START), np.zeros(w.shape), np.zeros(w.shape)
    for _ in range(STEPS):
        output, factor = SIGMOID.value(state), w * SIGMOID.slope(state)
        state, dw, db = w * output + b, output + factor * dw, 1 + factor * db
    return state, dw, db
