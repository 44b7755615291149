"""Dense layers, and all depths of a stack of them in one pass.

Layer ell maps h of layer ell - 1 to z_ell = h W_ell^T + b_ell; each row of h is one example. Backward, delta = dL/dz
gives

    dL/dh = delta W        dL/dW = delta^T h        dL/db = sum of delta over the batch
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradlab.backprop.layers import Layers, batch, drawn
from gradlab.backprop.norms import ROOM, log10_norms, scaled, squares
from gradlab.backprop.passes import forward, forward_sizes, log10_rate, overflow_layer, title
from gradlab.initializers import initializer
from gradlab.records import DepthProfiles


@dataclass(frozen=True, eq=False)
class Dense:
    """z = h W^T + b, with weight W (n_out, n_in) and bias b (n_out,)."""

    weight: np.ndarray
    bias: np.ndarray

    def apply(self, h):
        z = h @ self.weight.T
        z += self.bias
        return z, h

    def pull_back(self, h, delta):
        return delta @ self.weight, delta.T @ h, delta.sum(axis=0)


@dataclass(frozen=True, eq=False)
class Stack(Layers):
    """Dense layers, one after another.

    weights      L matrices (n_ell, n_{ell-1})
    biases       L vectors (n_ell,)
    activations  L of them, one a layer
    normalizations   L of them, None for a layer without; or one for all, by name

    Raises ValueError where shapes do not chain or a number is not finite.

    >>> from gradlab.activations import activation
    >>> Stack((np.eye(2),), (np.zeros(2),), (activation("tanh"),)).widths
    (2, 2)
    """

    layer = Dense
    weight_axes = ("n_out", "n_in")
    input_axes = ()


def dense_stack(
    widths: Sequence[int],
    activation_names,
    initializer_name,
    *,
    seed: int,
    gain: float = 1.0,
    normalization: str = "none",
    dtype=np.float64,
) -> Stack:
    """A stack with drawn weights and biases, layer by layer: a deeper stack of one seed begins with the shallower.

    widths            [n_0, n_1, ..., n_L]
    activation_names  one for all layers, or a sequence of L
    initializer_name  one for all layers
    gain              factor on every weight
    normalization     "none", "batch", "layer" or "rms", of every layer's z before its activation; or one each, as
                      `Stack` takes them. The weights are the same whichever it is

    Raises ValueError for fewer than two widths, a width below 1, unknown names; TypeError where the seed is left out.

    >>> dense_stack([3, 4, 2], "sigmoid", "xavier_normal", seed=0).weights[1].shape
    (2, 4)
    """
    law = initializer(initializer_name)

    def draw(n_out, n_in, rng):
        return law.draw(n_out, n_in, rng, gain), law.draw_bias(n_out, n_in, rng)

    return Stack(*drawn("widths", widths, activation_names, seed, dtype, draw), normalizations=normalization)


def profiles_of_all_depths(stack: Stack, x, output_gradient, *, learning_rate: float = 1.0) -> DepthProfiles:
    """The profiles of the stack cut after layer 1, 2, ..., L, each with the same output_gradient = dL/dh_d, (B, n).

    One pass: the cut stacks share their states, and going down, the deltas of all depths are rows of one matrix, so a
    layer is one product for all of them. Layer 1 may have another number of inputs; all layers must be n wide.
    Raises ValueError as `profile`, where layers differ in width, and where one is normalized.

    >>> from gradlab.backprop import profile
    >>> stack = dense_stack([4] * 6, "tanh", "orthogonal", seed=0)
    >>> x = np.ones((3, 4))
    >>> all_depths = profiles_of_all_depths(stack, x, x)
    >>> bool(np.allclose(all_depths.at(5).log10_dW_norm, profile(stack, x, x).log10_dW_norm))
    True
    """
    if not isinstance(stack, Stack):
        raise ValueError(f"stack is a {type(stack).__name__}; a Stack of dense layers is wanted")
    if any(stack.normalizations):
        raise ValueError("stack has normalized layers, whose gradient is no product with W: take `profile` of each cut")
    n = stack.widths[-1]
    if set(stack.widths[1:]) != {n}:
        raise ValueError(f"stack has layers of widths {stack.widths[1:]}; one width is wanted: all share one gradient")
    rate = log10_rate(stack, learning_rate)
    states = forward(stack, x)
    seed = batch("output_gradient", output_gradient, stack.dtype, (len(states.inputs), n))
    before = (states.inputs, *states.post)
    norms = log10_norms(before)
    overflow = overflow_layer(states, norms)
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
    sizes = [np.where(np.tri(stack.depth), row, np.nan) for row in forward_sizes(states, norms)]
    return DepthProfiles(*title(stack), *sizes, dz, dw, dw + rate, overflow)


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
        sums = squares(live)
        if not (10 ** (-2 * ROOM) < sums.min() and sums.max() < 10 ** (2 * ROOM)):
            sizes = log10_norms(live)
            sizes[np.isinf(sizes)] = 0.0  # exact zeros stay
            live /= (10**sizes).astype(live.dtype)[:, None, None]
            taken_out[top:, : ell + 1] += sizes[:, None]
            sums = squares(live)
        dz[first + top : last, ell] = sums
        dw[first + top : last, ell] = _dW_squares(live, sides[ell], scratch[top:])
        if ell:
            flat = live.reshape(-1, live.shape[-1])
            np.matmul(flat, weights[ell], out=products[top:].reshape(flat.shape))
            deltas, products = products, deltas
    for sums in (dz[rows, :last], dw[rows, :last]):
        sums[:] = taken_out + np.log10(np.maximum(sums, 0)) / 2


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
    h, scale = scaled(h, size)
    if len(h) > h.shape[1]:
        return h.T, scale
    gram = h @ h.T.copy()  # the copy keeps NumPy from its symmetric product, slow at this size
    for row in range(0, len(h) - _BLOCK, _BLOCK):
        gram[row : row + _BLOCK, row + _BLOCK :] *= 2
    return gram, scale


def _dW_squares(deltas, side, scratch):
    """Squared norm of delta^T h for each delta of (m, B, n); see `_dW_side`."""
    if len(side) != side.shape[1]:
        return squares(side @ deltas)
    for row in range(0, len(side), _BLOCK):
        block = slice(row, row + _BLOCK)
        np.matmul(side[block, row:], deltas[:, row:], out=scratch[:, block])
    return np.vecdot(scratch.reshape(len(deltas), -1), deltas.reshape(len(deltas), -1))


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
