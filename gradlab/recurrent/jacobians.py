"""Jacobians over many time steps: how much of state t is left in state T, however far the two are apart.

dstate_T/dstate_t is a product of T - t step Jacobians. It is built from the last step back, by pulling the rows of the
identity back through the cell, and brought to norm about 1 whenever it strays, with the decades taken out remembered.
"""

from collections.abc import Iterator

import numpy as np

from gradlab.backprop.layers import index
from gradlab.backprop.norms import ROOM, log10_norms
from gradlab.initializers import initializer
from gradlab.records import JacobianProfile
from gradlab.recurrent.cells import Cell
from gradlab.recurrent.through_time import States, slopes_of


def step_jacobians(cell: Cell, states: States) -> Iterator[np.ndarray]:
    """dstate_t/dstate_{t-1} of every example, (B, m, m), for t = 1..T: rows what is moved, columns what moves it.

    For one example, `gradlab.products.singular_values(j[0] for j in step_jacobians(cell, states))` has all singular
    values of their products. Raises ValueError where a state is not finite.

    >>> from gradlab.recurrent import PlainCell, run
    >>> cell = PlainCell([[1.0, 2.0], [3.0, 4.0]], activation="linear")
    >>> next(step_jacobians(cell, run(cell, np.ones((5, 1, 2)))))[0].tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    slopes, rows = _finite_slopes(cell, states), _identity_rows(cell, states, "state")
    return (cell.pull_back(s[:, :, None], rows)[2] for s in slopes)


def jacobian_profile(
    cell: Cell, states: States, *, of: str = "h", by: str | None = None, spectral=True
) -> JacobianProfile:
    """The size of dh_T/dh_t for every t; see `JacobianProfile` for the fields. It never under- or overflows.

    of, by    which part of the state is differentiated by which: "h", for an LSTM "c" too, or the whole "state"; by is
              left out where it is the same. These are total derivatives: of="c" counts what c_t does by way of h too.
    spectral  at which t, 0..T, the largest singular value is wanted too, which takes longer than all else: True for
              all, False for none, or some of them

    Raises ValueError for another part, or a t outside 0..T. Cost: T products of an n x n matrix with W.

    >>> from gradlab.recurrent import PlainCell, run
    >>> cell = PlainCell([[0.9, 5.0], [0.0, 0.9]], activation="linear")
    >>> profile = jacobian_profile(cell, run(cell, np.zeros((10_000, 1, 2))))
    >>> float(profile.log10_spectral[0, 0].round(2)), float(10_000 * np.log10(0.9).round(6))
    (-452.83, -457.57)
    """
    by = of if by is None else by
    columns, rows = cell.part(by), _identity_rows(cell, states, of)
    spectral_at = _times(spectral, states.steps)
    overflow = states.overflow_step
    frobenius, largest = np.full((2, states.steps + 1, len(rows)), np.nan)
    if overflow is not None and not _is_linear(cell):
        unit = np.full_like(rows[..., columns], np.nan)
        return JacobianProfile(states.steps, of, by, frobenius, largest, unit, overflow)
    taken_out = np.zeros(len(rows))
    with np.errstate(all="ignore"):
        slopes = slopes_of(cell, states)[:, :, :, None]
        for t in range(states.steps, -1, -1):
            if t < states.steps:
                rows = cell.pull_back(slopes[t], rows)[2]
            block = np.ascontiguousarray(rows[..., columns])
            size = log10_norms(block)
            frobenius[t] = taken_out + size
            if t in spectral_at:
                largest[t] = frobenius[t] + _log10_largest(block / _power(size))
            rows, scale = _brought_back(rows, size if block.shape == rows.shape else log10_norms(rows))
            taken_out += scale
    count = rows.shape[1]
    unit = block / _power(size) * np.sqrt(count)
    return JacobianProfile(states.steps, of, by, frobenius - np.log10(count) / 2, largest, unit)


def lyapunov_exponents(cell: Cell, states: States, *, count: int | None = None, discard: int = 0) -> np.ndarray:
    """The Lyapunov exponents along a run, (B, count), in nats a step, largest first.

    Exponent k is 1/T of the logarithm of singular value k of dstate_T/dstate_0, for large T: below 0 a gradient in that
    direction vanishes, above 0 it explodes and the states are chaotic. From a QR decomposition a step, on the way back.

    count    how many, 1..m; all m where left out
    discard  steps left out at either end, while the states settle and while the frame does

    A step whose Jacobian has a condition number past 1e16, as saturated units make it, leaves the smallest exponents to
    rounding.
    Raises ValueError for a count outside 1..m, fewer than one step left, or a state that is not finite.
    Source: Benettin et al. 1980, run on the transposed product.

    >>> from gradlab.recurrent import PlainCell, run
    >>> cell = PlainCell([[0.5, 7.0], [0.0, 2.0]], activation="linear")
    >>> run_of_zeros = run(cell, np.zeros((2000, 1, 2)))
    >>> (lyapunov_exponents(cell, run_of_zeros, discard=20) / np.log(2)).round(6).tolist()
    [[1.0, -1.0]]
    """
    m = cell.size
    count = m if count is None else count
    index(count=(count, 1, m), discard=(discard, 0, (states.steps - 1) // 2))
    slopes = _finite_slopes(cell, states)
    # a frame in general position; that of the axes may hold directions that never mix
    frame = initializer("orthogonal").draw(count, m, np.random.default_rng(0))
    frame = np.broadcast_to(frame, (states.state.shape[1], count, m))
    total = np.zeros(frame.shape[:2])
    kept = range(discard, states.steps - discard)
    with np.errstate(divide="ignore"):
        for t in reversed(range(discard, states.steps)):
            q, r = np.linalg.qr(cell.pull_back(slopes[t][:, :, None], frame)[2].mT)
            frame = q.mT
            if t in kept:
                total += np.log(np.abs(np.diagonal(r, axis1=-2, axis2=-1)))
    return -np.sort(-total / len(kept), axis=-1)


def _times(spectral, steps):
    if isinstance(spectral, bool | np.bool):
        return range(steps + 1) if spectral else ()
    times = set(np.asarray(spectral).tolist())
    for t in times:
        index(spectral=(t, 0, steps))
    return times


def _identity_rows(cell, states, of):
    """The rows of the identity of the state that belong to one part, (B, rows, m)."""
    rows = np.eye(cell.size)[cell.part(of)]
    return np.repeat(rows[None], states.state.shape[1], axis=0)


def _is_linear(cell):
    return getattr(getattr(cell, "activation", None), "name", None) == "linear"  # its Jacobian asks for no state


def _finite_slopes(cell, states):
    overflow = states.overflow_step
    if overflow is not None and not _is_linear(cell):
        raise ValueError(f"states leave the range of floats at step {overflow}; finite ones are wanted")
    with np.errstate(over="ignore", invalid="ignore"):
        return slopes_of(cell, states)


def _power(size):
    """10^size an example, 1 where the array is 0, to divide by."""
    return 10 ** np.where(np.isfinite(size), size, 0.0)[:, None, None]


def _log10_largest(unit):
    """log10 of the largest singular value of matrices of norm about 1, from the smaller of their two Gram matrices."""
    gram = unit @ unit.mT if unit.shape[-2] <= unit.shape[-1] else unit.mT @ unit
    return np.log10(np.maximum(np.linalg.eigvalsh(gram)[..., -1], 0)) / 2


def _brought_back(rows, size):
    """Rows of log10 norm `size` an example, brought to norm 1 where any has strayed, and the decades taken out."""
    if np.all(np.abs(size) < ROOM):
        return rows, 0.0
    return rows / _power(size), np.where(np.isfinite(size), size, 0.0)
