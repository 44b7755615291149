"""Forward and backward by hand through a stack of dense layers, for one depth or for all depths in one pass.

Layer ell maps h of layer ell - 1 to z_ell = h W_ell^T + b_ell and h_ell = phi(z_ell); row b is example b. With delta_ell
for dL/dz_ell, shape (B, n_ell), and * for the elementwise product, the backward pass is

    delta_L   = dL/dh_L * phi'(z_L)
    delta_ell = (delta_{ell+1} W_{ell+1}) * phi'(z_ell)
    dL/dW_ell = delta_ell^T h_{ell-1}        dL/db_ell = sum of delta_ell over the batch

It is linear in delta: dividing delta by a number and remembering its logarithm changes nothing else, which is how the
profiles below never underflow.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral

import numpy as np

from .activations import Activation, activation
from .initializers import initializer
from .records import DepthProfiles, LayerProfile


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
    """A stack with drawn weights and biases; layer by layer, so that a deeper stack of one seed begins with the shallower.

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
        raise ValueError(f"widths = {widths}: depth {depth} came; the input's width and at least one layer's are wanted")
    for n in widths:
        if not isinstance(n, Integral) or n < 1:
            raise ValueError(f"widths = {widths}: {n!r} is not a width; whole numbers of at least 1 are wanted")
    if seed is None:
        raise TypeError("seed = None: a whole number is wanted, so that the draw can be repeated")
    if isinstance(activation_names, str | Activation):
        activation_names = (activation_names,) * depth
    law, rng = initializer(initializer_name), np.random.default_rng(seed)
    weights, biases = [], []
    for n_in, n_out in zip(widths[:-1], widths[1:], strict=True):
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
            pre.append(h @ w.T + b)
            post.append(h := phi.value(pre[-1]))
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

    Delta is brought back to norm 1 at every layer, so nothing under- or overflows on the way down.
    x is (B, n_0), output_gradient (B, n_L) is dL/dh_L. Raises ValueError as `forward` and `backward`.

    >>> stack = dense_stack([8] * 31, "sigmoid", "xavier_normal", seed=0)
    >>> 0.2 < profile(stack, np.ones((4, 8)), np.ones((4, 8))).factor_per_layer < 0.25
    True
    """
    states = forward(stack, x)
    carried = _batch("output_gradient", output_gradient, stack.widths[-1], stack.dtype, len(states.inputs))
    before = (states.inputs, *states.post)
    overflow = _overflow_layer(states)
    dz, dw = np.full((2, stack.depth), np.nan)
    exponent = 0.0
    with np.errstate(all="ignore"):
        for ell in reversed(range(stack.depth if overflow is None else 0)):
            delta = carried * stack.activations[ell].slope(states.pre[ell])
            size = _log10_norms([delta])[0]
            if size == -np.inf:  # an exact zero, and so is everything below
                dz[: ell + 1] = dw[: ell + 1] = -np.inf
                break
            delta, exponent = delta / 10**size, exponent + size
            dz[ell] = exponent
            dw[ell] = exponent + _log10_norms([delta.T @ before[ell]])[0]
            carried = delta @ stack.weights[ell]
    return LayerProfile(*_title(stack), *_activation_sizes(states), dz, dw, dw + _log10_rate(stack, learning_rate), overflow)


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
        raise ValueError(f"stack has layers of widths {stack.widths[1:]}; one width is wanted, since all share one gradient")
    states = forward(stack, x)
    seed = _batch("output_gradient", output_gradient, n, stack.dtype, len(states.inputs))
    overflow = _overflow_layer(states)
    dz, dw = np.full((2, stack.depth, stack.depth), np.nan)
    with np.errstate(all="ignore"):
        _walk_down(stack, states, seed, dz, dw, stack.depth if overflow is None else overflow - 1)
    activation_sizes = [np.where(np.tri(stack.depth), sizes, np.nan) for sizes in _activation_sizes(states)]
    return DepthProfiles(*_title(stack), *activation_sizes, dz, dw, dw + _log10_rate(stack, learning_rate), overflow)


def _walk_down(stack, states, seed, dz, dw, depths):
    """Fill log10 norms dz and dw, (L, L): row d-1 is depth d, column ell-1 layer ell, for d up to `depths`."""
    before = (states.inputs, *states.post)
    deltas, products, scratch = np.empty((3, depths, *seed.shape), seed.dtype)  # [d - 1] belongs to depth d
    exponents = np.zeros(depths)
    for ell in reversed(range(depths)):
        live = deltas[ell:]
        live[0] = seed  # the network cut here joins in
        live *= stack.activations[ell].slope(states.pre[ell])
        sizes = _log10_norms(live)
        if not (-_ROOM < sizes.min() and sizes.max() < _ROOM):
            scale = np.where(np.isinf(sizes), 0.0, sizes)  # exact zeros stay
            live /= (10**scale).astype(live.dtype)[:, None, None]
            exponents[ell:] += scale
            sizes -= scale
        dz[ell:depths, ell] = exponents[ell:] + sizes
        dw[ell:depths, ell] = exponents[ell:] + np.log10(_dW_squares(live, before[ell], scratch)) / 2
        if ell:
            np.matmul(live.reshape(-1, live.shape[-1]), stack.weights[ell], out=products[ell:].reshape(live.shape[0] * live.shape[1], -1))
            deltas, products = products, deltas


_ROOM = 6  # decades either way from norm 1 at which delta is brought back: one more layer then stays within float32


def _squares(arrays):
    """Squared Frobenius norm of each of m arrays, (m,); quickest when they are one array (m, B, n)."""
    if isinstance(arrays, np.ndarray):
        flat = arrays.reshape(len(arrays), -1)
        return np.vecdot(flat, flat)
    return np.array([np.vdot(a, a) for a in arrays])


def _dW_squares(deltas, h, scratch):  # noqa: N802
    """Squared norm of delta^T h for each delta of (m, B, n), h (B, n_in), without forming it where that is dearer.

    ||delta^T h||^2 = <delta, (h h^T) delta>, cheaper where the batch is smaller than the fan-in.
    """
    batch, n_in = h.shape
    if batch > n_in:
        return _squares(h.T @ deltas)
    gram = h @ h.T.copy()  # the copy keeps NumPy from its slow symmetric product
    flat = np.matmul(gram, deltas, out=scratch[: len(deltas)]).reshape(len(deltas), -1)
    return np.maximum(np.vecdot(flat, deltas.reshape(len(deltas), -1)), 0)


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


def _title(stack):
    widths, names = set(stack.widths[1:]), dict.fromkeys(a.name for a in stack.activations)
    return stack.depth, widths.pop() if len(widths) == 1 else None, " then ".join(names)


def _activation_sizes(states):
    norms = _log10_norms(states.post)
    return norms - np.log10([h.size for h in states.post]) / 2, norms


def _overflow_layer(states):
    for ell, (z, h) in enumerate(zip(states.pre, states.post, strict=True), 1):
        if not (np.isfinite(z).all() and np.isfinite(h).all()):
            return ell
    return None


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
