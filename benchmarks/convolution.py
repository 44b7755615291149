"""Convolution by hand, forward and backward, against torch's own at the same shapes; one thread."""

import numpy as np
import torch

from benchmarks import Row, paired
from benchmarks.depths import one_thread
from gradlab.backprop import convolution_gradients, convolution_stack, convolve, profile

SHAPES = ((4, 64, 8, 1), (4, 64, 8, 3), (4, 64, 8, 7), (2, 512, 8, 3), (8, 16, 32, 3))  # batch, channels, image, kernel


def rows():
    with one_thread():
        for dtype in (np.float64, np.float32):
            for shape in SHAPES:
                yield from _layer(*shape, dtype)
        yield from _network()


def _layer(batch, channels, image, size, dtype):
    rng = np.random.default_rng(0)
    x, gradient = rng.normal(size=(2, batch, channels, image, image)).astype(dtype)
    kernel, bias = rng.normal(size=(channels, channels, size, size)).astype(dtype), np.ones(channels, dtype)
    inputs = [torch.tensor(a, requires_grad=True) for a in (x, kernel, bias)]
    output_gradient, padding = torch.from_numpy(gradient), size // 2

    def ours():
        z = convolve(x, kernel, bias, padding=padding)
        return z, *convolution_gradients(x, kernel, gradient, padding=padding)

    def theirs():
        z = torch.nn.functional.conv2d(*inputs, padding=padding)
        return z.detach(), *torch.autograd.grad(z, inputs, output_gradient)

    apart = max(np.abs(a - b.numpy()).max() / np.abs(a).max() for a, b in zip(ours(), theirs(), strict=True))
    limit = 1e3 * np.finfo(dtype).eps
    name = f"{size}x{size}, {channels} channels, {image}x{image}, batch {batch}, {np.dtype(dtype)}"
    yield Row(f"|by hand - torch| over the largest, {name}", apart, "", f"at most {limit:.1g}", apart <= limit)
    ratio, seconds, _ = paired(ours, theirs, pairs=15)
    target = ("at most 4", ratio <= 4) if dtype is np.float64 else ()  # what the book computes in
    yield Row(f"by hand / torch, {name}", ratio, "times", *target)
    yield Row(f"by hand, {name}", 1000 * seconds, "ms")


def _network():
    """What one network of an explorer costs beside the same network in autograd, norms included."""
    depth, channels = 20, 64
    stack = convolution_stack([channels] * (depth + 1), 3, "relu", "kaiming_normal", seed=0, padding_mode="circular")
    x, gradient = np.random.default_rng(0).normal(size=(2, 4, channels, 8, 8))
    kernels = [torch.tensor(kernel, requires_grad=True) for kernel in stack.weights]

    def theirs():
        h, pre, post = torch.from_numpy(x), [], []
        for kernel in kernels:
            padded = torch.nn.functional.pad(h, (1, 1, 1, 1), mode="circular")
            pre.append(torch.nn.functional.conv2d(padded, kernel))
            post.append(h := torch.relu(pre[-1]))
        gradients = torch.autograd.grad(h, pre + kernels, torch.from_numpy(gradient))
        with torch.no_grad():
            return torch.stack([a.norm() for a in (*post, *gradients, *kernels)]).reshape(4, -1).log10().numpy()

    def ours():
        p = profile(stack, x, gradient)
        steps = p.log10_dW_norm - p.log10_step_ratio
        return np.stack([p.log10_activation_norm, p.log10_dz_norm, p.log10_dW_norm, steps])

    apart, name = np.abs(ours() - theirs()).max(), f"{depth} layers, 3x3, {channels} channels, 8x8, batch 4"
    yield Row(f"|profile - autograd|, largest over all, {name}", apart, "decades", "at most 1e-10", apart <= 1e-10)
    ratio, seconds, _ = paired(ours, theirs)
    yield Row(f"profile / autograd, {name}", ratio, "times")
    yield Row(f"profile, {name}", 1000 * seconds, "ms")
