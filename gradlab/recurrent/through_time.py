"""A recurrent cell run over time, and backpropagation through time by hand.

The loss reaches state t along two ways: by itself, and through state t + 1. Backward from the last step,

    dL/dstate_t = what the loss takes from state t + (dL/dstate_{t+1} pulled back through step t + 1)

W is one matrix used T times. Its gradient is a sum of T terms, one for each use:

    dL/dW = sum over t of dL/dv_t^T h_{t-1}
"""

from dataclasses import dataclass

import numpy as np

from gradlab.backprop.layers import batch
from gradlab.backprop.norms import log10_norms, scaled
from gradlab.records import GradientTerms
from gradlab.recurrent.cells import Cell


@dataclass(frozen=True, eq=False)
class States:
    """What a run leaves behind.

    inputs  (T, B, n_in)
    u, v    (T, B, g n) what came in and what came back at each step
    state   (T + 1, B, m), index t is the state after t steps, 0 the start
    n       number of units
    """

    inputs: np.ndarray
    u: np.ndarray
    v: np.ndarray
    state: np.ndarray
    n: int

    @property
    def steps(self) -> int:
        """T."""
        return len(self.inputs)

    @property
    def h(self) -> np.ndarray:
        """(T + 1, B, n)."""
        return self.state[..., : self.n]

    @property
    def c(self) -> np.ndarray:
        """The memory of an LSTM, (T + 1, B, n); of other cells (T + 1, B, 0)."""
        return self.state[..., self.n :]

    @property
    def overflow_step(self) -> int | None:
        """First t whose state is not finite, else None."""
        if np.isfinite(self.state[-1]).all() and np.isfinite(self.state).all():
            return None
        return int(np.isfinite(self.state).all(axis=(1, 2)).argmin())


@dataclass(frozen=True, eq=False)
class Gradients:
    """The gradients of the loss: of W, U and the two biases, summed over time; and of every step.

    state   (T + 1, B, m) dL/dstate_t along all ways, index 0 the start
    u, v    (T, B, g n) dL/du_t and dL/dv_t
    inputs  (T, B, n_in) dL/dx_t
    """

    weights: np.ndarray
    input_weights: np.ndarray
    biases: np.ndarray
    input_biases: np.ndarray
    state: np.ndarray
    u: np.ndarray
    v: np.ndarray
    inputs: np.ndarray


def run(cell: Cell, inputs, start=None) -> States:
    """All states for inputs x_1, ..., x_T, (T, B, n_in), from a start (B, m); left out, it is 0.

    An overflow is a result: inf or nan from there on. Raises ValueError for T < 1, another shape, or numbers that are
    not finite.

    >>> from gradlab.recurrent import linear_cell
    >>> run(linear_cell(4, 2, seed=0), np.ones((10, 3, 2))).h.shape
    (11, 3, 4)
    """
    inputs = np.asarray(inputs, np.float64)
    if inputs.ndim and not len(inputs):
        raise ValueError("inputs has T = 0 time steps; at least 1 is wanted")
    inputs = batch("inputs", inputs, np.float64, ("T", "B", cell.n_in))
    steps, examples, _ = inputs.shape
    state = np.zeros((steps + 1, examples, cell.size))
    if start is not None:
        state[0] = batch("start", start, np.float64, state.shape[1:])
    with np.errstate(over="ignore", invalid="ignore"):
        u = cell.take_in(inputs)
        v = np.empty_like(u)
        for t in range(steps):
            v[t] = cell.take_back(state[t])
            state[t + 1] = cell.update(u[t], v[t], state[t])
    return States(inputs, u, v, state, cell.n)


def slopes_of(cell: Cell, states: States) -> np.ndarray:
    """The slopes of every step, (T, k, B, n): see `Cell.slopes`."""
    return cell.slopes(states.u, states.v, states.state[:-1], states.state[1:])


def backpropagation_through_time(cell: Cell, states: States, output_gradient) -> Gradients:
    """All gradients of the loss. Plain arrays: they may underflow; `gradient_terms` measures them where they do.

    output_gradient  what the loss takes from the outputs itself: dL/dh_T, (B, n), for a loss of the last output, or
                     one such gradient for each of h_1, ..., h_T, (T, B, n)

    Raises ValueError for another shape or numbers that are not finite. Source: Werbos 1990.

    >>> from gradlab.recurrent import PlainCell
    >>> cell = PlainCell([[0.5]], activation="linear")
    >>> states = run(cell, np.ones((3, 1, 1)))  # h = 1, 1.5, 1.75
    >>> backpropagation_through_time(cell, states, [[1.0]]).weights.tolist()  # 0.25 * 0 + 0.5 * 1 + 1 * 1.5
    [[2.0]]
    """
    outputs = _output_gradients(states, output_gradient)
    d_state, du, dv = np.zeros_like(states.state), np.empty_like(states.u), np.empty_like(states.v)
    d_state[1:, :, : cell.n] = outputs
    with np.errstate(over="ignore", invalid="ignore"):
        slopes = slopes_of(cell, states)
        for t in reversed(range(states.steps)):
            du[t], dv[t], before = cell.pull_back(slopes[t], d_state[t + 1])
            d_state[t] += before
        return Gradients(
            _summed(dv, states.h[:-1]),
            _summed(du, states.inputs),
            dv.sum(axis=(0, 1)),
            du.sum(axis=(0, 1)),
            d_state,
            du,
            dv,
            du @ cell.input_weights,
        )


def gradient_terms(cell: Cell, states: States, output_gradient) -> GradientTerms:
    """How much each time step adds to dL/dW, and how large dL/dstate_t is; see `GradientTerms` for the fields.

    The gradient is scaled back whenever it strays, so nothing under- or overflows on the way back, however long.
    output_gradient as in `backpropagation_through_time`. Raises ValueError as there.

    >>> from gradlab.recurrent import PlainCell
    >>> cell = PlainCell([[0.5]], activation="linear")
    >>> terms = gradient_terms(cell, run(cell, np.ones((3, 1, 1))), [[1.0]])
    >>> (10**terms.log10_term).round(12).tolist(), (10**terms.log10_sum).round(12).tolist()
    ([0.0, 0.5, 1.5], [2.0, 2.0, 1.5])
    """
    outputs, overflow = _output_gradients(states, output_gradient), states.overflow_step
    steps = states.steps
    size, (term, total) = np.full(steps + 1, np.nan), np.full((2, steps), np.nan)
    with np.errstate(all="ignore"):
        slopes = slopes_of(cell, states) if overflow is None else ()
        carried, taken_out = np.zeros_like(states.state[0]), 0.0
        sum_so_far, taken_out_of_sum = np.zeros_like(cell.weights), -np.inf
        for t in reversed(range(len(slopes))):
            fresh = np.zeros_like(carried)
            fresh[:, : cell.n] = outputs[t]
            carried, taken_out = _added(carried, taken_out, fresh, 0.0)
            size[t + 1] = taken_out + log10_norms([carried])[0]
            carried, scale = scaled(carried, size[t + 1] - taken_out)
            taken_out += scale
            _, dv, carried = cell.pull_back(slopes[t], carried)
            added = dv.T @ states.h[t]
            term[t] = taken_out + log10_norms([added])[0]
            sum_so_far, taken_out_of_sum = _added(sum_so_far, taken_out_of_sum, added, taken_out)
            total[t] = taken_out_of_sum + log10_norms([sum_so_far])[0]
        if len(slopes):
            size[0] = taken_out + log10_norms([carried])[0]
    return GradientTerms(steps, size, term, total, overflow)


def _added(a, a_scale, b, b_scale):
    """10^a_scale a + 10^b_scale b as an array and a scale, the larger of the two of those that are not 0."""
    if not b.any():
        return a, a_scale
    if not a.any():
        return b, b_scale
    scale = max(a_scale, b_scale)
    return a * 10.0 ** (a_scale - scale) + b * 10.0 ** (b_scale - scale), scale


def _output_gradients(states, output_gradient):
    """One gradient for each of h_1, ..., h_T, (T, B, n)."""
    given = np.asarray(output_gradient, np.float64)
    wanted = states.h[1:].shape
    if given.shape not in (wanted, wanted[1:]):
        raise ValueError(f"output_gradient has shape {given.shape}; {wanted[1:]} or {wanted} is wanted")
    given = batch("output_gradient", given, np.float64, given.shape)
    if given.ndim == 3:
        return given
    outputs = np.zeros(wanted)
    outputs[-1] = given
    return outputs


def _summed(gradients, others):
    """The sum over time and examples of gradient^T other."""
    return np.tensordot(gradients, others, axes=((0, 1), (0, 1)))
