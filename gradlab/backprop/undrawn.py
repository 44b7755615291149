"""Convolution layers whose kernels are normal numbers that are never drawn: only their answers are.

A layer is asked twice: for W H, with the windows H of the image as columns, and for W^T delta. Write H = Q R, with
orthonormal columns in Q. Whatever Q is, the answers Y = W Q of a normal kernel are independent normal numbers, and
beyond Q nothing is known of W afterwards. So

    z = Y R        W^T delta = Q Y^T delta + (1 - Q Q^T) W'^T delta

with a fresh W' has the very law of a network that is drawn: no limit is taken. The work is set by the P positions of
the image and hardly by the channels, since turning the channels leaves the law of a normal kernel as it is: the image
may be laid in P of them. R is the symmetric root of H^T H, which rounding on another machine does not turn.

Source: the conditioning of Bayati and Montanari 2011, The dynamics of message passing on dense graphs.
"""

import numpy as np

from gradlab.activations import activation
from gradlab.backprop.layers import index
from gradlab.backprop.norms import log10_norms

_ROUNDING = 1e-12  # squared singular values below this share of the largest are 0


def undrawn_sizes(
    channels: int,
    kernel_size: int,
    depth: int,
    activation_name,
    weight_variance: float,
    *,
    side: int,
    seed: int,
    bias_half_width: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """log10 rms of h_ell, and log10 of ||dL/dz_ell|| over ||dL/dz_L||, (L,) each, of one network with normal kernels.

    The network has `depth` convolutions of as many `channels` each, and wrapped edges. Its input, one image of side x
    side pixels, and the gradient at its output are N(0, 1), its weights N(0, weight_variance), its biases uniform on
    +-bias_half_width. The numbers have the joint law of those that `profile` finds for a drawn `ConvolutionStack`.
    -inf is an exact 0, and where the last gradient is one, all are nan. Raises ValueError for sizes below 1, an even
    kernel_size, and a variance or half width that is negative or not finite.

    >>> signal, gradient = undrawn_sizes(64, 3, 20, "relu", 1e-4, side=5, seed=0)
    >>> print(f"{10 ** (gradient[0] / 19):.2f} per layer")  # theory says 0.17
    0.17 per layer
    """
    sizes = {"channels": channels, "kernel_size": kernel_size, "depth": depth, "side": side}
    index(**{name: (value, 1, 10**6) for name, value in sizes.items()})
    if kernel_size % 2 == 0:
        raise ValueError(f"kernel_size = {kernel_size}: an odd number is wanted")
    for name, value in (("weight_variance", weight_variance), ("bias_half_width", bias_half_width)):
        if not 0 <= value < np.inf:
            raise ValueError(f"{name} = {value}: a finite number of at least 0 is wanted")
    phi, rng, scale = activation(activation_name), np.random.default_rng(seed), np.sqrt(weight_variance)
    reads = _reads(kernel_size, side)
    h, layers = rng.normal(size=(channels, side**2)), []
    for _ in range(depth):
        root, known = _root(_moved(h.T @ h, reads))
        answers = rng.normal(size=h.shape)
        z = scale * answers @ root + rng.uniform(-bias_half_width, bias_half_width, (channels, 1))
        layers.append((h, known, answers, phi.slope(z)))
        h = phi.value(z)
    signal = log10_norms([*(layer[0] for layer in layers[1:]), h]) - np.log10(h.size) / 2
    gradient, taken_out, carried = np.empty(depth), 0.0, rng.normal(size=h.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        for ell in reversed(range(depth)):
            h, known, answers, slope = layers[ell]
            delta = carried * slope
            norm = np.linalg.norm(delta)
            gradient[ell] = taken_out = taken_out + np.log10(norm)
            carried = scale * _pulled_back(delta / (norm or 1.0), h, known, answers, reads, rng)
        return signal, gradient - gradient[-1]


def _reads(kernel_size: int, side: int) -> np.ndarray:
    """Which pixel each of the k * k numbers of the kernel reads at each position, (k * k, P)."""
    steps = np.arange(kernel_size) - kernel_size // 2
    lines = (np.arange(side) + steps[:, None]) % side
    return (lines[:, None, :, None] * side + lines[None, :, None, :]).reshape(kernel_size**2, -1)


def _moved(products, to) -> np.ndarray:
    """Of products (P, P) between pixels, the sum over all windows, whose pixels are `to`."""
    return sum(products[pixels][:, pixels] for pixels in to)


def _root(gram):
    """The symmetric square root of H^T H, and its inverse where it has one; both (P, P)."""
    squares, vectors = np.linalg.eigh(gram)
    there = squares > _ROUNDING * squares[-1]
    sizes, vectors = np.sqrt(squares[there]), vectors[:, there]
    return vectors * sizes @ vectors.T, vectors / sizes @ vectors.T


def _pulled_back(delta, h, known, answers, reads, rng):
    """The gradient for the image h, (c, P), whose windows times `known` are Q, given the answers Y of the kernel."""
    writes = np.argsort(reads, axis=1)  # wrapped round, every shift can be undone
    image, inverse = _root(h.T @ h)
    frame = h @ inverse  # the image, (P, P), is laid in these channels
    gram = delta.T @ delta
    # W'^T delta there, a row for each weight
    fresh = rng.normal(size=(len(image) * len(reads), len(image))) @ _root(gram)[0]
    known_of_fresh = known @ (image[:, reads].reshape(len(fresh), -1).T @ fresh)
    fresh = fresh.reshape(len(image), *reads.shape)
    folded = sum(fresh[:, tap, pixels] for tap, pixels in enumerate(writes))
    empty = rng.normal(size=h.shape) @ _root(_moved(gram, writes))[0]  # in other channels no weight is known
    free = empty + frame @ (folded - frame.T @ empty)
    return free + h @ _moved(known @ (answers.T @ delta - known_of_fresh), writes)
