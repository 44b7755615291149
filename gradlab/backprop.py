"""Forward and backward by hand through a stack of dense layers, for one depth or for all depths in one pass.

Layer ell maps h of layer ell - 1 to z_ell = h W_ell^T + b_ell and h_ell = phi(z_ell); each row is one example. With
delta_ell for dL/dz_ell, shape (B, n_ell), and * for the elementwise product, the backward pass is

    delta_L   = dL/dh_L * phi'(z_L)
    delta_ell = (delta_{ell+1} W_{ell+1}) * phi'(z_ell)
    dL/dW_ell = delta_ell^T h_{ell-1}        dL/db_ell = sum of delta_ell over the batch

It is linear in delta: dividing delta by a number and remembering its logarithm changes nothing else, which is how the
profiles below never underflow.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from numbers import Integral

import numpy as np

from gradlab.activations import Activation, activation
from gradlab.initializers import initializer
from gradlab.records import DepthProfiles, LayerProfile


@dataclass(frozen=True, eq=False)
class Stack:
    """Dense layers, one after another.

    weights      L matrices (n_ell, n_{ell-1})
    biases       L vectors (n_ell,)
    activations  L of them, one a layer

    Raises ValueError where shapes do not chain or a number is not finite.

    >>> Stack((np.eye(2),), (np.zeros(2),), (activation("tanh"),)).widths
    (2, 2)
    """

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    activations: tuple[Activation, ...]

    def __post_init__(self):
        weights = tuple(map(np.asarray, self.weights))
        dtype = np.result_type(np.float32, *weights)
        object.__setattr__(self, "weights", tuple(np.ascontiguousarray(w, dtype) for w in weights))
        object.__setattr__(self, "biases", tuple(np.ascontiguousarray(b, dtype) for b in self.biases))
        object.__setattr__(self, "activations", tuple(map(activation, self.activations)))
        lengths = len(self.weights), len(self.biases), len(self.activations)
        if min(lengths) < 1 or len(set(lengths)) > 1:
            raise ValueError(f"weights, biases, activations: {lengths} of them came; one of each a layer, at least one")
        for i, (w, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            n_in = self.weights[i - 1].shape[0] if i else w.shape[-1]
            if w.ndim != 2 or w.shape[1] != n_in or not w.size:
                raise ValueError(f"weights[{i}] has shape {w.shape}; (n_out, {n_in}) is wanted")
            if b.shape != w.shape[:1]:
                raise ValueError(f"biases[{i}] has shape {b.shape}; {w.shape[:1]} is wanted")
            for name, array in (("weights", w), ("biases", b)):
                if not np.isfinite(array).all():
                    raise ValueError(f"{name}[{i}] holds {array[~np.isfinite(array)][0]}; finite numbers are wanted")

    @property
    def depth(self) -> int:
        return len(self.weights)

    @property
    def widths(self) -> tuple[int, ...]:
        """(n_0, n_1, ..., n_L), n_0 the number of inputs."""
        return (self.weights[0].shape[1], *(len(b) for b in self.biases))

    @property
    def dtype(self) -> np.dtype:
        return self.weights[0].dtype

    def cut(self, depth: int) -> "Stack":
        """The first `depth` layers. Raises ValueError where depth is not one of 1..L."""
        _index(depth=(depth, 1, self.depth))
        return Stack(self.weights[:depth], self.biases[:depth], self.activations[:depth])


def dense_stack(
    widths: Sequence[int], activation_names, initializer_name, *, seed: int, gain: float = 1.0, dtype=np.float64
) -> Stack:
    """A stack with drawn weights and biases, layer by layer: a deeper stack of one seed begins with the shallower.

    widths            [n_0, n_1, ..., n_L]
    activation_names  one for all layers, or a sequence of L
    initializer_name  one for all layers
    gain              factor on every weight

    Raises ValueError for fewer than two widths, a width below 1, unknown names; TypeError where the seed is left out.

    >>> dense_stack([3, 4, 2], "sigmoid", "xavier_normal", seed=0).weights[1].shape
    (2, 4)
    """
    widths = list(widths)
    depth = len(widths) - 1
    if depth < 1:
        raise ValueError(f"widths = {widths} gives depth {depth}; the input's width and at least one more are wanted")
    for n in widths:
        if not isinstance(n, Integral) or n < 1:
            raise ValueError(f"widths = {widths}: {n!r} is not a width; whole numbers of at least 1 are wanted")
    if seed is None:
        raise TypeError("seed = None: a whole number is wanted, so that the draw can be repeated")
    if isinstance(activation_names, str | Activation):
        activation_names = (activation_names,) * depth
    law, rng = initializer(initializer_name), np.random.default_rng(seed)
    weights, biases = [], []
    for n_in, n_out in pairwise(widths):
        weights.append(law.draw(n_out, n_in, rng, gain).astype(dtype))
        biases.append(law.draw_bias(n_out, n_in, rng).astype(dtype))
    return Stack(tuple(weights), tuple(biases), tuple(activation_names))


@dataclass(frozen=True, eq=False)
class States:
    """What the forward pass leaves behind: inputs (B, n_0); pre (z_ell) and post (h_ell), L arrays (B, n_ell) each."""

    inputs: np.ndarray
    pre: tuple[np.ndarray, ...]
    post: tuple[np.ndarray, ...]


@dataclass(frozen=True, eq=False)
class Gradients:
    """dL/dW_ell (n_ell, n_{ell-1}), dL/db_ell (n_ell,), dL/dz_ell (B, n_ell), each a tuple of L, and dL/dx (B, n_0)."""

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    pre: tuple[np.ndarray, ...]
    inputs: np.ndarray


def forward(stack: Stack, x) -> States:
    """All pre-activations and activations for inputs x, (B, n_0). An overflow is a result: inf or nan from there on.

    Raises ValueError where x has another width or is not finite.

    >>> forward(dense_stack([2, 3], "relu", "kaiming_normal", seed=0), np.ones((5, 2))).post[-1].shape
    (5, 3)
    """
    h = inputs = _batch("x", x, stack.widths[0], stack.dtype)
    pre, post = [], []
    with np.errstate(over="ignore", invalid="ignore"):
        for w, b, phi in zip(stack.weights, stack.biases, stack.activations, strict=True):
            z = h @ w.T
            z += b
            h = phi.value(z)
            pre.append(z)
            post.append(h)
    return States(inputs, tuple(pre), tuple(post))


def backward(stack: Stack, states: States, output_gradient) -> Gradients:
    """All gradients of the batch loss, given output_gradient = dL/dh_L, (B, n_L). Plain arrays: they may underflow.

    Raises ValueError where output_gradient has another shape than h_L or is not finite.
    Source: Nielsen 2015, chapter 2, BP1 to BP4, here for a batch.

    >>> stack, x = dense_stack([2, 1], "linear", "kaiming_normal", seed=0), np.array([[1.0, 2.0]])
    >>> backward(stack, forward(stack, x), [[1.0]]).weights[0].tolist()  # dL/dW = delta^T x
    [[1.0, 2.0]]
    """
    carried = _batch("output_gradient", output_gradient, stack.widths[-1], stack.dtype, len(states.inputs))
    before = (states.inputs, *states.post)
    weights, biases, pre = [], [], []
    with np.errstate(over="ignore", invalid="ignore"):
        for ell in reversed(range(stack.depth)):
            delta = carried * stack.activations[ell].slope(states.pre[ell])
            weights.append(delta.T @ before[ell])
            biases.append(delta.sum(axis=0))
            pre.append(delta)
            carried = delta @ stack.weights[ell]
    return Gradients(tuple(weights[::-1]), tuple(biases[::-1]), tuple(pre[::-1]), carried)


def profile(stack: Stack, x, output_gradient, *, learning_rate: float = 1.0) -> LayerProfile:
    """The size of activations and gradients at every layer of one network; see `LayerProfile` for the fields.

    Delta is brought back to norm 1 whenever it strays, so nothing under- or overflows on the way down.
    x is (B, n_0), output_gradient (B, n_L) is dL/dh_L. Raises ValueError as `forward` and `backward`.

    >>> stack = dense_stack([8] * 31, "sigmoid", "xavier_normal", seed=0)
    >>> 0.2 < profile(stack, np.ones((4, 8)), np.ones((4, 8))).factor_per_layer < 0.25
    True
    """
    rate = _log10_rate(stack, learning_rate)
    states = forward(stack, x)
    carried = _batch("output_gradient", output_gradient, stack.widths[-1], stack.dtype, len(states.inputs))
    before = (states.inputs, *states.post)
    norms = _log10_norms(before)
    overflow = _overflow_layer(states, norms)
    dz, dw = np.full((2, stack.depth), np.nan)
    taken_out = 0.0
    with np.errstate(all="ignore"):
        for ell in reversed(range(stack.depth if overflow is None else 0)):
            delta = carried * stack.activations[ell].slope(states.pre[ell])
            size = _log10_norms([delta])[0]
            delta, scale = _near_one(delta, size)
            taken_out += scale
            h, h_scale = _near_one(before[ell], norms[ell])
            dz[ell] = taken_out + size - scale
            dw[ell] = taken_out + h_scale + _log10_norms([delta.T @ h])[0]
            carried = delta @ stack.weights[ell]
    return LayerProfile(*_title(stack), *_forward_sizes(states, norms), dz, dw, dw + rate, overflow)


def profiles_of_all_depths(stack: Stack, x, output_gradient, *, learning_rate: float = 1.0) -> DepthProfiles:
    """The profiles of the stack cut after layer 1, 2, ..., L, each with the same output_gradient = dL/dh_d, (B, n).

    One pass: the cut stacks share their states, and going down, the deltas of all depths are rows of one matrix, so a
    layer is one product for all of them. Layer 1 may have another number of inputs; all layers must be n wide.
    Raises ValueError as `profile`, and where layers differ in width.

    >>> stack = dense_stack([4] * 6, "tanh", "orthogonal", seed=0)
    >>> x = np.ones((3, 4))
    >>> all_depths = profiles_of_all_depths(stack, x, x)
    >>> bool(np.allclose(all_depths.at(5).log10_dW_norm, profile(stack, x, x).log10_dW_norm))
    True
    """
    n = stack.widths[-1]
    if set(stack.widths[1:]) != {n}:
        raise ValueError(f"stack has layers of widths {stack.widths[1:]}; one width is wanted: all share one gradient")
    rate = _log10_rate(stack, learning_rate)
    states = forward(stack, x)
    seed = _batch("output_gradient", output_gradient, n, stack.dtype, len(states.inputs))
    before = (states.inputs, *states.post)
    norms = _log10_norms(before)
    overflow = _overflow_layer(states, norms)
    usable = stack.depth if overflow is None else overflow - 1
    dz, dw = np.full((2, stack.depth, stack.depth), np.nan)
    with np.errstate(all="ignore"):
        slopes = _slopes(stack.activations[:usable], states.pre[:usable])
        sides, h_scales = zip(*map(_dW_side, before[:usable], norms), strict=True) if usable else ((), ())
        together = max(1, _CACHE // seed.nbytes)
        for deepest in range(usable, 0, -together):
            rows = slice(max(0, deepest - together), deepest)
            _walk_down(stack.weights, slopes, sides, seed, rows, dz, dw)
        dw[:, :usable] += h_scales
    forward_sizes = [np.where(np.tri(stack.depth), sizes, np.nan) for sizes in _forward_sizes(states, norms)]
    return DepthProfiles(*_title(stack), *forward_sizes, dz, dw, dw + rate, overflow)


_ROOM = 6.0  # decades from norm 1 at which an array is brought back; its square and one more layer stay within float32
_CACHE = 2**20  # bytes of deltas that walk down together: what a core keeps near
_BLOCK = 32  # rows of a Gram matrix multiplied at once


def _walk_down(weights, slopes, sides, seed, rows, dz, dw):
    """Fill those rows of dz and dw, (L, L), with log10 norms: row d - 1 is depth d, column ell - 1 is layer ell."""
    first, last = rows.start, rows.stop
    deltas, products, scratch = (_empty((last - first, *seed.shape), seed.dtype) for _ in range(3))
    taken_out = np.zeros((last - first, last))
    for ell in reversed(range(last)):
        top = max(ell - first, 0)  # the shallowest of these depths that has this layer
        live = deltas[top:]
        if ell >= first:
            live[0] = seed
        live *= slopes[ell]
        squares = _squares(live)
        if not (10 ** (-2 * _ROOM) < squares.min() and squares.max() < 10 ** (2 * _ROOM)):
            sizes = _log10_norms(live)
            sizes[np.isinf(sizes)] = 0.0  # exact zeros stay
            live /= (10**sizes).astype(live.dtype)[:, None, None]
            taken_out[top:, : ell + 1] += sizes[:, None]
            squares = _squares(live)
        dz[first + top : last, ell] = squares
        dw[first + top : last, ell] = _dW_squares(live, sides[ell], scratch[top:])
        if ell:
            flat = live.reshape(-1, live.shape[-1])
            np.matmul(flat, weights[ell], out=products[top:].reshape(flat.shape))
            deltas, products = products, deltas
    for squares in (dz[rows, :last], dw[rows, :last]):
        squares[:] = taken_out + np.log10(np.maximum(squares, 0)) / 2


def _slopes(activations, pre):
    """phi'(z) of every layer, all of one width; in one call where they share one activation, since calls add up."""
    if len({id(phi) for phi in activations}) == 1:
        return activations[0].slope(np.stack(pre))
    return [phi.slope(z) for phi, z in zip(activations, pre, strict=True)]


def _empty(shape, dtype):
    """np.empty from a cache line on: dot products run half as long again otherwise."""
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size].view(dtype).reshape(shape)


def _dW_side(h, size):
    """What delta is multiplied by to find ||delta^T h||, and the decades taken out of h, whose log10 norm is `size`.

    The Gram matrix G = h h^T, (B, B), where the batch is no larger than the fan-in: ||delta^T h||^2 = <delta, G delta>.
    G is symmetric: its blocks above the diagonal are doubled and those below left out. Otherwise h^T, (n_in, B).
    """
    h, scale = _near_one(h, size)
    if len(h) > h.shape[1]:
        return h.T, scale
    gram = h @ h.T.copy()  # the copy keeps NumPy from its symmetric product, slow at this size
    for row in range(0, len(h) - _BLOCK, _BLOCK):
        gram[row : row + _BLOCK, row + _BLOCK :] *= 2
    return gram, scale


def _dW_squares(deltas, side, scratch):
    """Squared norm of delta^T h for each delta of (m, B, n); see `_dW_side`."""
    if len(side) != side.shape[1]:
        return _squares(side @ deltas)
    for row in range(0, len(side), _BLOCK):
        block = slice(row, row + _BLOCK)
        np.matmul(side[block, row:], deltas[:, row:], out=scratch[:, block])
    return np.vecdot(scratch.reshape(len(deltas), -1), deltas.reshape(len(deltas), -1))


def _squares(arrays):
    """Squared Frobenius norm of each of m arrays, (m,); quickest when they are one array (m, B, n)."""
    if isinstance(arrays, np.ndarray):
        flat = arrays.reshape(len(arrays), -1)
        return np.vecdot(flat, flat)
    return np.array([np.vdot(a, a) for a in arrays])


def _log10_norms(arrays):
    """log10 of the Frobenius norm of each of m arrays, (m,) float64, whatever its size; -inf for zeros."""
    with np.errstate(all="ignore"):
        squares = _squares(arrays)
        if 1e-30 < squares.min() and squares.max() < 1e30:
            return np.log10(squares, dtype=np.float64) / 2
        # squares leave the range of floats long before norms do: take out the largest entry first
        peaks = np.array([np.abs(a).max() for a in arrays], np.float64)
        units = [np.divide(a, peak, dtype=np.float64) for a, peak in zip(arrays, peaks, strict=True)]
        return np.log10(peaks) + np.where((peaks > 0) & (peaks < np.inf), np.log10(_squares(units)) / 2, 0.0)


def _near_one(array, size):
    """The array brought to norm 1 where its log10 norm, `size`, is far from 0, and the decades taken out."""
    if abs(size) < _ROOM or not np.isfinite(size):
        return array, 0.0
    half = float(10 ** (size / 2))  # in two steps, since the norm itself may be past the largest float
    return array / half / half, float(size)


def _title(stack):
    widths, names = set(stack.widths[1:]), dict.fromkeys(a.name for a in stack.activations)
    return stack.depth, widths.pop() if len(widths) == 1 else None, " then ".join(names)


def _forward_sizes(states, norms):
    """log10 rms and log10 norm of each activation; `norms` begins with that of the inputs."""
    return norms[1:] - np.log10([h.size for h in states.post]) / 2, norms[1:]


def _overflow_layer(states, norms):
    if np.isfinite(_squares(states.pre)).all() and (norms < np.inf).all():  # the quick proof that there is none
        return None
    finite = [np.isfinite(z).all() and np.isfinite(h).all() for z, h in zip(states.pre, states.post, strict=True)]
    return None if all(finite) else finite.index(False) + 1


def _log10_rate(stack, learning_rate):
    """log10 of learning_rate / ||W_ell||, (L,)."""
    if not 0 < learning_rate < np.inf:
        raise ValueError(f"learning_rate = {learning_rate}: a positive finite number is wanted")
    return np.log10(learning_rate) - _log10_norms(stack.weights)


def bias_nudge(stack: Stack, x, layer: int, unit: int, size: float) -> np.ndarray:
    """How the output answers a nudge of one bias: (h_L(b + size) - h_L(b - size)) / (2 size), shape (B, n_L).

    The central difference: its error falls with size^2 until rounding, about 1e-16/size, takes over.
    layer is 1..L, unit 0..n-1. Raises ValueError outside them, and where size is not positive and finite.

    >>> line = dense_stack([1, 1, 1], "linear", "standard_normal", seed=0)
    >>> bool(np.isclose(bias_nudge(line, [[0.5]], 1, 0, 1e-3), line.weights[1]).all())
    True
    """
    _index(layer=(layer, 1, stack.depth))
    _index(unit=(unit, 0, stack.widths[layer] - 1))
    if not 0 < size < np.inf:
        raise ValueError(f"size = {size}: a positive finite number is wanted")
    outputs = []
    for signed in (size, -size):
        biases = [b.copy() for b in stack.biases]
        biases[layer - 1][unit] += signed
        outputs.append(forward(replace(stack, biases=tuple(biases)), x).post[-1])
    return (outputs[0] - outputs[1]) / (2 * size)


def sigmoid_cross_entropy_gradient(y_hat, y) -> np.ndarray:
    """dL/dh, shape (B, n), of the cross entropy between outputs y_hat = sigmoid(z) and targets y, both in [0, 1].

    L = -sum over units, mean over batch, of y ln(y_hat) + (1 - y) ln(1 - y_hat); times the slope it is (y_hat - y)/B.
    Raises ValueError for other shapes or values.

    >>> sigmoid_cross_entropy_gradient([[0.5, 0.25]], [[1.0, 0.0]]).round(4).tolist()
    [[-2.0, 1.3333]]
    """
    y_hat, y = np.asarray(y_hat), np.asarray(y)
    if y_hat.ndim != 2 or y.shape != y_hat.shape:
        raise ValueError(f"y has shape {y.shape} and y_hat {y_hat.shape}; both must be the same (B, n)")
    for name, values in (("y_hat", y_hat), ("y", y)):
        if not ((values >= 0) & (values <= 1)).all():
            raise ValueError(f"{name} runs from {values.min()} to {values.max()}; numbers in [0, 1] are wanted")
    zero = np.zeros(y_hat.shape)
    with np.errstate(divide="ignore"):  # a saturated wrong output has an infinite gradient
        missed = np.divide(1 - y, 1 - y_hat, out=zero.copy(), where=y < 1)
        return (missed - np.divide(y, y_hat, out=zero, where=y > 0)) / len(y)


def _batch(name, values, n, dtype, rows=None):
    with np.errstate(over="ignore"):
        array = np.ascontiguousarray(values, dtype)
    if array.ndim != 2 or array.shape[1] != n or not len(array) or (rows and len(array) != rows):
        raise ValueError(f"{name} has shape {np.shape(values)}; ({rows or 'B'}, {n}) is wanted")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds {array[~np.isfinite(array)][0]}; finite numbers are wanted")
    return array


def _index(**bounds):
    for name, (value, low, high) in bounds.items():
        if not isinstance(value, Integral) or not low <= value <= high:
            raise ValueError(f"{name} = {value!r}: a whole number from {low} to {high} is wanted")
