"""Forward and backward through any stack of layers, and the profile of one network.

With delta_ell for dL/dz_ell, phi for the activation and * for the elementwise product, the backward pass is

    delta_L   = dL/dh_L * phi'(z_L)
    delta_ell = (delta_{ell+1} pulled back through layer ell + 1) * phi'(z_ell)

It is linear in delta: dividing delta by a number and remembering its logarithm changes nothing else, which is how the
profiles never underflow.
"""

from dataclasses import dataclass, replace

import numpy as np

from gradlab.backprop.layers import Layers, batch, index
from gradlab.backprop.normalization import Statistics
from gradlab.backprop.norms import log10_norms, scaled, squares
from gradlab.records import LayerProfile


@dataclass(frozen=True, eq=False)
class States:
    """What the forward pass leaves behind: inputs (B, n_0); pre (z_ell) and post (h_ell), L arrays (B, n_ell) each.

    `kept` is what each layer wants to see again on the way back.

    For convolutions n_ell stands for (c_ell, h_ell, w_ell). z_ell is what the activation is given: where a layer is
    normalized, the normalized.
    """

    inputs: np.ndarray
    pre: tuple[np.ndarray, ...]
    post: tuple[np.ndarray, ...]
    kept: tuple


@dataclass(frozen=True, eq=False)
class Gradients:
    """dL/dW_ell, dL/db_ell, dL/dz_ell, each a tuple of L, and dL/dx: every one in the shape of what it belongs to."""

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    pre: tuple[np.ndarray, ...]
    inputs: np.ndarray


def forward(stack: Layers, x) -> States:
    """All pre-activations and activations for inputs x, (B, n_0) or, for convolutions, (B, c_0, h, w).

    An overflow is a result: inf or nan from there on. Raises ValueError where x has another shape or is not finite.

    >>> from gradlab.backprop import dense_stack
    >>> forward(dense_stack([2, 3], "relu", "kaiming_normal", seed=0), np.ones((5, 2))).post[-1].shape
    (5, 3)
    """
    h = inputs = batch("x", x, stack.dtype, ("B", stack.widths[0], *stack.input_axes))
    pre, post, kept = [], [], []
    with np.errstate(over="ignore", invalid="ignore"):
        for layer, phi in zip(stack.layers, stack.outer_activations, strict=True):
            z, seen = layer.apply(h)
            h = phi.value(z)
            kept.append(seen)
            pre.append(z)
            post.append(h)
    return States(inputs, tuple(pre), tuple(post), tuple(kept))


def backward(stack: Layers, states: States, output_gradient) -> Gradients:
    """All gradients of the batch loss, given output_gradient = dL/dh_L, (B, n_L). Plain arrays: they may underflow.

    Raises ValueError where output_gradient has another shape than h_L or is not finite.
    Source: Nielsen 2015, chapter 2, BP1 to BP4, here for a batch.

    >>> from gradlab.backprop import dense_stack
    >>> stack, x = dense_stack([2, 1], "linear", "kaiming_normal", seed=0), np.array([[1.0, 2.0]])
    >>> backward(stack, forward(stack, x), [[1.0]]).weights[0].tolist()  # dL/dW = delta^T x
    [[1.0, 2.0]]
    """
    carried = batch("output_gradient", output_gradient, stack.dtype, states.post[-1].shape)
    weights, biases, pre = [], [], []
    with np.errstate(over="ignore", invalid="ignore"):
        for ell in reversed(range(stack.depth)):
            delta = carried * stack.outer_activations[ell].slope(states.pre[ell])
            carried, dw, db = stack.layers[ell].pull_back(states.kept[ell], delta)
            weights.append(dw)
            biases.append(db)
            pre.append(delta)
    return Gradients(tuple(weights[::-1]), tuple(biases[::-1]), tuple(pre[::-1]), carried)


def profile(stack: Layers, x, output_gradient, *, learning_rate: float = 1.0) -> LayerProfile:
    """The size of activations and gradients at every layer of one network; see `LayerProfile` for the fields.

    Delta is scaled back whenever it strays, so nothing under- or overflows on the way down.
    x is (B, n_0), output_gradient (B, n_L) is dL/dh_L; of convolutions, (B, c, h, w) each, and the norms are over all
    positions. Raises ValueError as `forward` and `backward`.

    >>> from gradlab.backprop import dense_stack
    >>> stack = dense_stack([8] * 31, "sigmoid", "xavier_normal", seed=0)
    >>> 0.2 < profile(stack, np.ones((4, 8)), np.ones((4, 8))).factor_per_layer < 0.25
    True
    """
    rate = log10_rate(stack, learning_rate)
    states = forward(stack, x)
    carried = batch("output_gradient", output_gradient, stack.dtype, states.post[-1].shape)
    norms = log10_norms((states.inputs, *states.post))
    overflow = overflow_layer(states, norms)
    dz, dw = np.full((2, stack.depth), np.nan)
    taken_out = 0.0
    with np.errstate(all="ignore"):
        for ell in reversed(range(stack.depth if overflow is None else 0)):
            delta = carried * stack.outer_activations[ell].slope(states.pre[ell])
            size = log10_norms([delta])[0]
            dz[ell] = taken_out + size
            # dL/dW is a product of delta and h: where h is large, delta is kept small, and the other way round
            delta, scale = scaled(delta, size, -norms[ell] / 2 if np.isfinite(norms[ell]) else 0.0)
            taken_out += scale
            carried, gradient, _ = stack.layers[ell].pull_back(states.kept[ell], delta)
            dw[ell] = taken_out + log10_norms([gradient])[0]
        return LayerProfile(*title(stack), *forward_sizes(states, norms), dz, dw, dw + rate, overflow)


def title(stack):
    widths, names = set(stack.widths[1:]), dict.fromkeys(a.name for a in stack.activations)
    return stack.depth, widths.pop() if len(widths) == 1 else None, " then ".join(names)


def forward_sizes(states, norms):
    """log10 rms and log10 norm of each activation; `norms` begins with that of the inputs."""
    return norms[1:] - np.log10([h.size for h in states.post]) / 2, norms[1:]


def overflow_layer(states, norms):
    if np.isfinite(squares(states.pre)).all() and (norms < np.inf).all():  # the quick proof that there is none
        return None
    finite = [np.isfinite(z).all() and np.isfinite(h).all() for z, h in zip(states.pre, states.post, strict=True)]
    return None if all(finite) else finite.index(False) + 1


def log10_rate(stack, learning_rate):
    """log10 of learning_rate / ||W_ell||, (L,)."""
    if not 0 < learning_rate < np.inf:
        raise ValueError(f"learning_rate = {learning_rate}: a positive finite number is wanted")
    return np.log10(learning_rate) - log10_norms(stack.weights)


def at_inference(stack: Layers, x) -> Layers:
    """The stack as it answers when training is over: its batch normalizations use fixed means and variances.

    They are those of the batch x, (B, n_0), as a running average would hold them that has settled. From then on an
    example's answer does not depend on the rest of its batch, which may be one example. Layers without batch
    normalization stay as they are. Raises ValueError as `forward`, and for residual blocks that normalize within.

    >>> from gradlab.backprop import dense_stack
    >>> stack, x = dense_stack([3, 4], "tanh", "nielsen", seed=0, normalization="batch"), np.eye(3)
    >>> settled = at_inference(stack, x)
    >>> bool(np.array_equal(forward(settled, x[:1]).post[-1], forward(settled, x).post[-1][:1]))
    True
    """
    states, normalizations = forward(stack, x), list(stack.normalizations)
    for ell, h in enumerate((states.inputs, *states.post[:-1])):
        if (how := normalizations[ell]) is not None and how.name == "batch":
            statistics = Statistics.of(stack.layers[ell].inner.apply(h)[0])
            normalizations[ell] = replace(how, statistics=statistics)
    return replace(stack, normalizations=tuple(normalizations))


def bias_nudge(stack: Layers, x, layer: int, unit: int, size: float) -> np.ndarray:
    """How the output answers a nudge of one bias: (h_L(b + size) - h_L(b - size)) / (2 size), shape (B, n_L).

    The central difference: its error falls with size^2 until rounding, about 1e-16/size, takes over.
    layer is 1..L, unit 0..n-1; of a residual block it is the last bias. Raises ValueError outside them, and where size is not positive and finite.

    >>> from gradlab.backprop import dense_stack
    >>> line = dense_stack([1, 1, 1], "linear", "standard_normal", seed=0)
    >>> bool(np.isclose(bias_nudge(line, [[0.5]], 1, 0, 1e-3), line.weights[1]).all())
    True
    """
    index(layer=(layer, 1, stack.depth))
    index(unit=(unit, 0, stack.widths[layer] - 1))
    if not 0 < size < np.inf:
        raise ValueError(f"size = {size}: a positive finite number is wanted")
    outputs = []
    for signed in (size, -size):
        biases = [b.copy() for b in stack.biases]
        biases[layer - 1].reshape(-1, stack.widths[layer])[-1, unit] += signed
        outputs.append(forward(replace(stack, biases=tuple(biases)), x).post[-1])
    return (outputs[0] - outputs[1]) / (2 * size)
