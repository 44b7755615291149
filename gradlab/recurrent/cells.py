"""What a recurrent cell is, and four of them: plain (tanh, ReLU, linear), LSTM and GRU.

From one time step to the next a cell multiplies by one and the same matrix and is elementwise besides:

    u_t     = x_t U^T + b_u                  what comes in
    v_t     = h_{t-1} W^T + b_v              what comes back
    state_t = update(u_t, v_t, state_{t-1})  unit by unit

A plain cell's state is h, with update phi(u + v). That of an LSTM is h and the memory c, side by side. A cell therefore
needs to know three elementwise things: its update, the slopes of that update, and how they pull a gradient back.
Shapes, order of the gates and the two biases are those of torch.nn.RNN, LSTM and GRU.
"""

from dataclasses import dataclass
from numbers import Integral
from typing import ClassVar

import numpy as np

from gradlab.activations import activation
from gradlab.backprop.layers import checked
from gradlab.recurrent.weights import generator, recurrent_draw

_SIGMOID, _TANH = activation("sigmoid"), activation("tanh")


@dataclass(frozen=True, eq=False)
class Cell:
    """A recurrent cell with n units; a subclass says of which kind.

    weights        W, (g n, n), one block of n rows a gate: `weight_hh` in PyTorch
    input_weights  U, (g n, n_in), `weight_ih` in PyTorch; left out it is g identity matrices, and n_in = n
    biases         b_v, (g n,), added to W h; left out it is 0
    input_biases   b_u, (g n,), added to U x; left out it is 0

    Raises ValueError where a shape does not fit or a number is not finite.

    >>> PlainCell([[8, 8], [-8, -8]]).n
    2
    """

    weights: np.ndarray
    input_weights: np.ndarray | None = None
    biases: np.ndarray | None = None
    input_biases: np.ndarray | None = None

    gates: ClassVar[tuple[str, ...]]
    parts: ClassVar[tuple[str, ...]] = ("h",)

    def __post_init__(self):
        g = len(self.gates)
        rows = "n" if g == 1 else f"{g} n"
        weights = np.ascontiguousarray(self.weights, np.float64)
        if weights.ndim != 2 or weights.shape[0] != g * weights.shape[1] or not weights.size:
            raise ValueError(f"weights has shape {weights.shape}; ({rows}, n) is wanted")
        n = weights.shape[1]
        absent = {
            "input_weights": np.tile(np.eye(n), (g, 1)),
            "biases": np.zeros(g * n),
            "input_biases": np.zeros(g * n),
        }
        shapes = {"weights": (g * n, n), "input_weights": (g * n, "n_in"), "biases": (g * n,), "input_biases": (g * n,)}
        for name, shape in shapes.items():
            given = getattr(self, name)
            array = np.ascontiguousarray(absent[name] if given is None else given, np.float64)
            object.__setattr__(self, name, checked(name, array, shape))

    @property
    def n(self) -> int:
        """Number of units."""
        return self.weights.shape[1]

    @property
    def n_in(self) -> int:
        """Numbers that come in at each time step."""
        return self.input_weights.shape[1]

    @property
    def size(self) -> int:
        """m, numbers in the state: n, and 2 n for an LSTM."""
        return len(self.parts) * self.n

    def part(self, name: str) -> slice:
        """Where in the state "h", for an LSTM "c" too, or the whole "state" stands. Raises ValueError for others."""
        if name == "state":
            return slice(0, self.size)
        if name not in self.parts:
            raise ValueError(f"{name!r} is no part of this state; it may be one of {', '.join((*self.parts, 'state'))}")
        start = self.parts.index(name) * self.n
        return slice(start, start + self.n)

    def take_in(self, x):
        """u for inputs (..., n_in): (..., g n)."""
        return x @ self.input_weights.T + self.input_biases

    def take_back(self, state):
        """v for states (..., m): (..., g n)."""
        return state[..., : self.n] @ self.weights.T + self.biases

    def step(self, state, x):
        """The next state, (B, m), from a state (B, m) and inputs (B, n_in)."""
        return self.update(self.take_in(x), self.take_back(state), state)

    def update(self, u, v, state):
        """The next state, (..., m)."""
        raise NotImplementedError

    def slopes(self, u, v, before, after):
        """All that `pull_back` needs of a step from state `before` to `after`: k arrays, stacked as (..., k, B, n)."""
        raise NotImplementedError

    def pull_back(self, slopes, d_after):
        """dL/du, dL/dv and dL/dbefore, given dL/dafter: the step's vector-Jacobian product, linear in d_after.

        slopes   of one step, (k, B, n)
        d_after  (B, m), one gradient an example; or (B, r, m) with slopes (k, B, 1, n), r of them at once
        """
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class PlainCell(Cell):
    """h_t = phi(U x_t + W h_{t-1} + b), with activation phi: "tanh", "relu", "linear" or another one.

    >>> cell = PlainCell([[0.5]], activation="linear")
    >>> cell.step(np.array([[2.0]]), np.array([[1.0]])).tolist()
    [[2.0]]
    """

    activation: str = "tanh"

    gates = ("h",)

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "activation", activation(self.activation))

    def update(self, u, v, state):
        return self.activation.value(u + v)

    def slopes(self, u, v, before, after):
        return self.activation.slope(u + v)[..., None, :, :]

    def pull_back(self, slopes, d_after):
        dz = d_after * slopes[0]
        return dz, dz, dz @ self.weights


@dataclass(frozen=True, eq=False)
class LSTMCell(Cell):
    """c_t = f c_{t-1} + i g and h_t = o tanh(c_t): gates i, f, o are sigmoids of u + v, the candidate g its tanh.

    The state is (h, c), side by side. The direct path from c_{t-1} to c_t multiplies by the forget gate f.
    Source: Hochreiter and Schmidhuber 1997; the forget gate, Gers et al. 2000.
    """

    gates = ("i", "f", "g", "o")
    parts = ("h", "c")

    def _gates(self, z):
        i, f, g, o = np.split(z, 4, axis=-1)
        return _SIGMOID.value(i), _SIGMOID.value(f), np.tanh(g), _SIGMOID.value(o)

    def update(self, u, v, state):
        i, f, g, o = self._gates(u + v)
        c = f * state[..., self.n :] + i * g
        return np.concatenate([o * np.tanh(c), c], axis=-1)

    def slopes(self, u, v, before, after):
        z = u + v
        i, f, g, o = self._gates(z)
        di, df, dg, do = np.split(z, 4, axis=-1)
        c_before, c = before[..., self.n :], after[..., self.n :]
        by_gate = (
            g * _SIGMOID.slope(di),  # of c
            c_before * _SIGMOID.slope(df),
            i * _TANH.slope(dg),
            np.tanh(c) * _SIGMOID.slope(do),  # of h
        )
        return np.stack([f, o * _TANH.slope(c), *by_gate], axis=-3)

    def pull_back(self, slopes, d_after):
        f, h_by_c, c_by_i, c_by_f, c_by_g, h_by_o = slopes
        dh, dc = d_after[..., : self.n], d_after[..., self.n :]
        dc = dc + dh * h_by_c
        dz = _products((dc, c_by_i), (dc, c_by_f), (dc, c_by_g), (dh, h_by_o))
        before = np.empty_like(d_after)
        np.matmul(dz, self.weights, out=before[..., : self.n])
        np.multiply(dc, f, out=before[..., self.n :])
        return dz, dz, before


@dataclass(frozen=True, eq=False)
class GRUCell(Cell):
    """h_t = (1 - z) a + z h_{t-1}, with update gate z, reset gate r and candidate a = tanh(u_a + r v_a).

    The direct path from h_{t-1} to h_t multiplies by the update gate z; where it is 1, nothing is ever forgotten.
    Source: Cho et al. 2014, in PyTorch's form: r acts after W h + b_v.
    """

    gates = ("r", "z", "a")

    def _gates(self, u, v):
        (u_r, u_z, u_a), (v_r, v_z, v_a) = (np.split(side, 3, axis=-1) for side in (u, v))
        r = _SIGMOID.value(u_r + v_r)
        return r, u_r + v_r, u_z + v_z, u_a + r * v_a, v_a

    def update(self, u, v, state):
        _, _, z, a, _ = self._gates(u, v)
        return _SIGMOID.value(-z) * np.tanh(a) + _SIGMOID.value(z) * state

    def slopes(self, u, v, before, after):
        r, reset, z, a, v_a = self._gates(u, v)
        h_by_a = _SIGMOID.value(-z) * _TANH.slope(a)
        h_by_z = (before - np.tanh(a)) * _SIGMOID.slope(z)
        return np.stack([_SIGMOID.value(z), h_by_a * v_a * _SIGMOID.slope(reset), h_by_z, h_by_a, r], axis=-3)

    def pull_back(self, slopes, d_after):
        keep, h_by_r, h_by_z, h_by_a, r = slopes
        du, dv = (_products(*((d_after, s) for s in (h_by_r, h_by_z, by_side))) for by_side in (h_by_a, h_by_a * r))
        return du, dv, dv @ self.weights + d_after * keep


def _products(*pairs):
    """The product of each pair, side by side along the last axis, written there at once: half the time of a copy."""
    out = np.empty((*pairs[0][0].shape[:-1], len(pairs) * pairs[0][0].shape[-1]))
    for block, (a, b) in zip(np.split(out, len(pairs), axis=-1), pairs, strict=True):
        np.multiply(a, b, out=block)
    return out


def tanh_cell(n: int, n_in: int = 1, *, seed: int, start="torch_default", gain: float = 1.0, bias: bool = True):
    """A tanh cell with drawn weights: all of them, and the biases, from U(-1/sqrt(n), 1/sqrt(n)), as torch.nn.RNN does.

    start  what W is instead: a kind that `recurrent_weights` knows, or the matrix (n, n) itself
    gain   factor on W
    bias   False: both biases are 0, and nothing else is drawn differently

    U and the biases do not depend on start and gain. Raises ValueError for a size below 1, an unknown start, a gain
    that is not finite; TypeError where the seed is left out.

    >>> tanh_cell(64, 3, seed=0, start="orthogonal", gain=1.1).input_weights.shape
    (64, 3)
    """
    return PlainCell(*_drawn(PlainCell, n, n_in, seed, start, gain, bias), "tanh")


def relu_cell(n: int, n_in: int = 1, *, seed: int, start="torch_default", gain: float = 1.0, bias: bool = True):
    """A ReLU cell; else as `tanh_cell`. With start="identity" and bias=False it is the IRNN of Le et al. 2015.

    >>> relu_cell(2, seed=0, start="identity", bias=False).weights.tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return PlainCell(*_drawn(PlainCell, n, n_in, seed, start, gain, bias), "relu")


def linear_cell(n: int, n_in: int = 1, *, seed: int, start="torch_default", gain: float = 1.0, bias: bool = True):
    """A cell without nonlinearity, whose Jacobian over t steps is W^t; else as `tanh_cell`.

    >>> linear_cell(3, seed=0).activation.name
    'linear'
    """
    return PlainCell(*_drawn(PlainCell, n, n_in, seed, start, gain, bias), "linear")


def lstm_cell(
    n: int,
    n_in: int = 1,
    *,
    seed: int,
    start="torch_default",
    gain: float = 1.0,
    bias: bool = True,
    forget_bias: float | None = None,
):
    """An LSTM cell, drawn as torch.nn.LSTM does; start, gain and bias as in `tanh_cell`, W gate by gate.

    forget_bias  the bias of every forget gate, in place of the two drawn ones. PyTorch adds two biases: one who sets
                 both to 1 has a forget bias of 2.

    >>> cell = lstm_cell(2, seed=0, forget_bias=1.0)
    >>> (cell.biases + cell.input_biases)[2:4].tolist()
    [1.0, 1.0]
    """
    return LSTMCell(*_drawn(LSTMCell, n, n_in, seed, start, gain, bias, "f", forget_bias))


def gru_cell(
    n: int,
    n_in: int = 1,
    *,
    seed: int,
    start="torch_default",
    gain: float = 1.0,
    bias: bool = True,
    update_bias: float | None = None,
):
    """A GRU cell, drawn as torch.nn.GRU does; else as `lstm_cell`, with the bias of every update gate.

    A large update_bias keeps: h_t is then nearly h_{t-1}. Papers that write z for 1 - z want it negative.

    >>> gru_cell(2, seed=0, update_bias=3.0).input_biases[2:4].tolist()
    [3.0, 3.0]
    """
    return GRUCell(*_drawn(GRUCell, n, n_in, seed, start, gain, bias, "z", update_bias))


def _drawn(kind, n, n_in, seed, start, gain, bias, gate=None, gate_bias=None):
    """W, U and both biases. W is drawn last, so that one seed has the same U and biases whatever W is."""
    for name, count in (("n", n), ("n_in", n_in)):
        if not isinstance(count, Integral) or count < 1:
            raise ValueError(f"{name} = {count!r}: a whole number of at least 1 is wanted")
    rng, g = generator(seed), len(kind.gates)
    end = 1 / np.sqrt(n)
    input_weights = rng.uniform(-end, end, (g * n, n_in))
    both = biases, input_biases = rng.uniform(-end, end, (2, g * n))
    if not bias:
        both[:] = 0.0
    if gate_bias is not None:
        if not np.isfinite(gate_bias):
            raise ValueError(f"the bias of gate {gate} is {gate_bias}; a finite number is wanted")
        first = kind.gates.index(gate) * n
        biases[first : first + n], input_biases[first : first + n] = 0.0, gate_bias
    weights = np.concatenate([recurrent_draw(start, n, rng, gain) for _ in range(g)])
    return weights, input_weights, biases, input_biases
