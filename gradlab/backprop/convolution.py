"""Convolution layers by hand: a convolution is one matrix product over windows, hence a dense layer with tied weights.

Lay every window of the image as a column, (c_in * k_h * k_w, B * h_out * w_out), and write the kernel as a matrix W,
(c_out, c_in * k_h * k_w). With delta = dL/dz, one column a position as well,

    z = W windows + b        dL/dW = delta windows^T        dL/dwindows = W^T delta

These are the formulas of a dense layer, transposed, whose examples are the positions. An entry of x stands in several
windows: its gradient is the sum over them. As in torch, the kernel is not flipped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from numbers import Integral

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gradlab.backprop.layers import Layers, drawn
from gradlab.initializers import initializer

_PADDING = {"zeros": "constant", "circular": "wrap"}  # torch's names, and np.pad's


def convolve(x, kernel, bias=None, *, stride: int = 1, padding: int = 0, padding_mode: str = "zeros") -> np.ndarray:
    """z[b, o, i, j] = bias[o] + sum of kernel[o, c, u, v] * x[b, c, stride * i + u, stride * j + v] over c, u, v.

    x             (B, c_in, h, w); before the sum, `padding` rows and columns are added on each of the four sides
    kernel        (c_out, c_in, k_h, k_w)
    bias          (c_out,), or None for zeros
    padding_mode  "zeros", or "circular": the image goes on at its opposite edge, so that every position counts alike

    Returns (B, c_out, h_out, w_out) with h_out = (h + 2 * padding - k_h) // stride + 1, and w_out alike.
    The same as torch.nn.functional.conv2d. Raises ValueError where shapes do not fit or no position is left.

    >>> convolve([[[[0, 1, 3], [6, 10, 15]]]], [[[[-1, 1]]]]).tolist()  # differences along each row
    [[[[1, 2], [4, 5]]]]
    """
    x, kernel = _fitting(x, kernel, stride, padding, padding_mode)
    windows, (b, h_out, w_out) = _windows(x, kernel, stride, padding, padding_mode)
    z = kernel.reshape(len(kernel), -1) @ windows
    if bias is not None:
        bias = np.asarray(bias)
        if bias.shape != kernel.shape[:1]:
            raise ValueError(f"bias has shape {bias.shape}; {kernel.shape[:1]} is wanted")
        z = z + bias[:, None]
    return np.ascontiguousarray(z.reshape(-1, b, h_out, w_out).swapaxes(0, 1))


def convolution_gradients(
    x, kernel, output_gradient, *, stride: int = 1, padding: int = 0, padding_mode: str = "zeros"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(dL/dx, dL/dkernel, dL/dbias), each in the shape of what it belongs to, given output_gradient = dL/dz.

    A kernel entry is used at every position, so its gradient is a sum over positions and batch.
    output_gradient is (B, c_out, h_out, w_out); the rest, and the errors, as in `convolve`.

    >>> x, kernel, gradient = np.ones((1, 1, 4, 4)), np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2))
    >>> convolution_gradients(x, kernel, gradient)[0][0, 0].tolist()  # in how many windows each pixel stands
    [[1.0, 2.0, 2.0, 1.0], [2.0, 4.0, 4.0, 2.0], [2.0, 4.0, 4.0, 2.0], [1.0, 2.0, 2.0, 1.0]]
    """
    x, kernel = _fitting(x, kernel, stride, padding, padding_mode)
    windows, (b, h_out, w_out) = _windows(x, kernel, stride, padding, padding_mode)
    c_out, c_in, k_h, k_w = kernel.shape
    delta = np.asarray(output_gradient)
    if delta.shape != (b, c_out, h_out, w_out):
        raise ValueError(f"output_gradient has shape {delta.shape}; {(b, c_out, h_out, w_out)} is wanted")
    delta = delta.swapaxes(0, 1).reshape(c_out, -1)
    kernel_gradient = (delta @ windows.T).reshape(kernel.shape)
    parts = (kernel.reshape(c_out, -1).T @ delta).reshape(c_in, k_h, k_w, b, h_out, w_out)
    padded = np.zeros((c_in, b, x.shape[2] + 2 * padding, x.shape[3] + 2 * padding), parts.dtype)
    for u, v in product(range(k_h), range(k_w)):
        padded[:, :, u : u + stride * h_out : stride, v : v + stride * w_out : stride] += parts[:, u, v]
    x_gradient = _unpadded(padded, padding, padding_mode).swapaxes(0, 1)
    return np.ascontiguousarray(x_gradient), kernel_gradient, delta.sum(axis=1)


def convolution_matrix(
    kernel, height: int, width: int, *, stride: int = 1, padding: int = 0, padding_mode: str = "zeros"
) -> np.ndarray:
    """The matrix that a convolution is: times the flattened x, it gives the flattened convolve(x, kernel) of one image.

    (c_out * h_out * w_out, c_in * height * width). For stride 1 the block of one output and one input channel is doubly
    blocked Toeplitz: the same k_h * k_w numbers in every row, shifted along, and zeros. Raises ValueError as `convolve`.

    >>> convolution_matrix([[[[1, 2]]]], height=1, width=4).tolist()
    [[1, 2, 0, 0], [0, 1, 2, 0], [0, 0, 1, 2]]
    """
    kernel = np.asarray(kernel)
    if kernel.ndim != 4:
        raise ValueError(f"kernel has shape {kernel.shape}; (c_out, c_in, k_h, k_w) is wanted")
    for name, size in (("height", height), ("width", width)):
        _whole(name, size, 1)
    c_out, c_in, *window = kernel.shape
    pixels = np.eye(height * width, dtype=kernel.dtype).reshape(-1, 1, height, width)
    answers = convolve(  # of each pair of channels to each pixel
        pixels, kernel.reshape(-1, 1, *window), stride=stride, padding=padding, padding_mode=padding_mode
    )
    answers = answers.reshape(height * width, c_out, c_in, -1)
    return answers.transpose(1, 3, 2, 0).reshape(-1, c_in * height * width)


def _windows(x, kernel, stride, padding, padding_mode):
    """Every window as a column, (c_in * k_h * k_w, B * h_out * w_out), and (B, h_out, w_out)."""
    if padding:
        x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), _PADDING[padding_mode])
    windows = sliding_window_view(x, kernel.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    b, _, h_out, w_out, _, _ = windows.shape
    return windows.transpose(1, 4, 5, 0, 2, 3).reshape(kernel[0].size, -1), (b, h_out, w_out)


def _unpadded(gradient, padding, padding_mode):
    """The gradient for what was padded: margins are dropped or, wrapped round, added to the edges they copied."""
    for _ in range(2 if padding else 0):  # rows, then columns
        inner = gradient[..., padding:-padding, :]
        if padding_mode == "circular":
            inner[..., -padding:, :] += gradient[..., :padding, :]
            inner[..., :padding, :] += gradient[..., -padding:, :]
        gradient = inner.swapaxes(-1, -2)
    return gradient


def _fitting(x, kernel, stride, padding, padding_mode):
    x, kernel = np.asarray(x), np.asarray(kernel)
    if x.ndim != 4 or kernel.ndim != 4 or x.shape[1] != kernel.shape[1] or not (x.size and kernel.size):
        raise ValueError(
            f"x has shape {x.shape} and kernel {kernel.shape}; (B, c_in, h, w) and (c_out, c_in, k_h, k_w) are wanted"
        )
    _steps(stride, padding, padding_mode)
    image, window = x.shape[2:], kernel.shape[2:]
    if any(n + 2 * padding < k for n, k in zip(image, window, strict=True)):
        raise ValueError(f"kernel of {window} on an image of {image} with padding = {padding}: no position is left")
    if padding_mode == "circular" and padding > min(image):
        raise ValueError(f"padding = {padding}: at most {min(image)} is wanted, or {image} would wrap round twice")
    return x, kernel


def _steps(stride, padding, padding_mode):
    _whole("stride", stride, 1)
    _whole("padding", padding, 0)
    if padding_mode not in _PADDING:
        raise ValueError(f"padding_mode = {padding_mode!r}: it may be one of {', '.join(_PADDING)}")


def _whole(name, value, least):
    if not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name} = {value!r}: a whole number of at least {least} is wanted")


@dataclass(frozen=True, eq=False)
class Convolution:
    """One layer: `convolve` with a kernel, `weight`, and a bias."""

    weight: np.ndarray
    bias: np.ndarray
    stride: int
    padding: int
    padding_mode: str

    def apply(self, h):
        return convolve(h, self.weight, self.bias, **self._how), h

    def pull_back(self, h, delta):
        return convolution_gradients(h, self.weight, delta, **self._how)

    @property
    def _how(self):
        return {"stride": self.stride, "padding": self.padding, "padding_mode": self.padding_mode}


@dataclass(frozen=True, eq=False)
class ConvolutionStack(Layers):
    """Convolution layers, one after another, all with one stride and one padding.

    weights      L kernels (c_ell, c_{ell-1}, k_h, k_w)
    biases       L vectors (c_ell,)
    activations  L of them, one a layer
    stride, padding, padding_mode   as in `convolve`

    `forward`, `backward`, `profile` and `bias_nudge` take it as they take a `Stack`; its widths are channels.
    Raises ValueError where shapes do not chain or a number is not finite.

    >>> ConvolutionStack((np.ones((4, 3, 1, 1)),), (np.zeros(4),), ("relu",)).widths
    (3, 4)
    """

    stride: int = 1
    padding: int = 0
    padding_mode: str = "zeros"

    weight_axes = ("c_out", "c_in", "k_h", "k_w")
    input_axes = ("h", "w")

    def __post_init__(self):
        super().__post_init__()
        _steps(self.stride, self.padding, self.padding_mode)

    def layer(self, weight, bias):
        return Convolution(weight, bias, self.stride, self.padding, self.padding_mode)


def convolution_stack(
    channels: Sequence[int],
    kernel_size: int,
    activation_names,
    initializer_name,
    *,
    seed: int,
    gain: float = 1.0,
    padding: int | None = None,
    padding_mode: str = "zeros",
    normalization: str = "none",
    dtype=np.float64,
) -> ConvolutionStack:
    """A stack with drawn kernels and biases, layer by layer: a deeper stack of one seed begins with the shallower.

    channels      [c_0, c_1, ..., c_L]
    kernel_size   k, for kernels of k x k
    padding       None for k // 2, which keeps the image as large as it is; k must then be odd
    padding_mode  as in `convolve`; the rest, and the errors, as in `dense_stack`

    >>> convolution_stack([3, 4, 2], 3, "relu", "kaiming_normal", seed=0).weights[1].shape
    (2, 4, 3, 3)
    """
    _whole("kernel_size", kernel_size, 1)
    if padding is None:
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size = {kernel_size}: with padding = None an odd number is wanted")
        padding = kernel_size // 2
    law = initializer(initializer_name)

    def draw(c_out, c_in, rng):
        kernel = law.draw_kernel(c_out, c_in, kernel_size, rng, gain)
        return kernel, law.draw_bias(c_out, c_in * kernel_size**2, rng)

    layers = drawn("channels", channels, activation_names, seed, dtype, draw)
    return ConvolutionStack(*layers, padding=padding, padding_mode=padding_mode, normalizations=normalization)
