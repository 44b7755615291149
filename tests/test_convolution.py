"""Convolution by hand beside autograd, central differences and its own matrix; stacks of it beside torch."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_activations import TORCH

from gradlab.backprop import (
    ConvolutionStack,
    Stack,
    backward,
    bias_nudge,
    convolution_gradients,
    convolution_matrix,
    convolution_stack,
    convolve,
    dense_stack,
    forward,
    profile,
    profiles_of_all_depths,
)
from gradlab.initializers import INITIALIZERS
from gradlab.records import QUANTITIES

MODES = ("zeros", "circular")
modes = pytest.mark.parametrize("padding_mode", MODES)


def torch_convolve(x, kernel, bias=None, *, stride=1, padding=0, padding_mode="zeros"):
    if padding_mode == "circular":
        x = torch.nn.functional.pad(x, (padding,) * 4, mode="circular")
        padding = 0
    return torch.nn.functional.conv2d(x, kernel, bias, stride=stride, padding=padding)


def problem(batch=2, channels=(3, 4), image=(5, 7), window=(3, 2), seed=0, **how):
    """x, kernel, bias and an output gradient; no entry is 0, since zeros mask a wrong gradient."""
    rng = np.random.default_rng(seed)
    x, kernel = rng.normal(size=(batch, channels[0], *image)), rng.normal(size=(*channels[::-1], *window))
    return x, kernel, rng.normal(size=channels[1]), rng.normal(size=convolve(x, kernel, **how).shape)


def assert_close(ours, exact, tolerance=1e-12):
    assert ours.shape == exact.shape
    assert np.abs(ours - exact).max() <= tolerance * np.abs(exact).max()


def assert_like_torch(x, kernel, bias, output_gradient, **how):
    theirs = [torch.tensor(a, requires_grad=True) for a in (x, kernel, bias)]
    z = torch_convolve(*theirs, **how)
    assert_close(convolve(x, kernel, bias, **how), z.detach().numpy())
    exact = torch.autograd.grad(z, theirs, torch.tensor(output_gradient))
    for ours, gradient in zip(convolution_gradients(x, kernel, output_gradient, **how), exact, strict=True):
        assert_close(ours, gradient.numpy())


# One convolution


@modes
@pytest.mark.parametrize("padding", [0, 1, 2, 4])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("window", [(1, 1), (3, 3), (2, 4), (5, 3)])
@pytest.mark.parametrize("image", [(8, 8), (5, 7), (6, 5)])
def test_values_and_gradients_agree_with_autograd(image, window, stride, padding, padding_mode):
    how = {"stride": stride, "padding": padding, "padding_mode": padding_mode}
    assert_like_torch(*problem(image=image, window=window, **how), **how)


@given(
    batch=st.integers(1, 3),
    channels=st.tuples(*[st.integers(1, 3)] * 2),
    image=st.tuples(*[st.integers(1, 6)] * 2),
    window=st.tuples(*[st.integers(1, 6)] * 2),
    stride=st.integers(1, 4),
    padding=st.integers(0, 3),
    padding_mode=st.sampled_from(MODES),
)
@settings(max_examples=150, deadline=None)
def test_any_shape_agrees_with_autograd(batch, channels, image, window, stride, padding, padding_mode):
    assume(all(n + 2 * padding >= k for n, k in zip(image, window, strict=True)))
    assume(padding_mode == "zeros" or padding <= min(image))
    how = {"stride": stride, "padding": padding, "padding_mode": padding_mode}
    assert_like_torch(*problem(batch, channels, image, window, **how), **how)


@modes
def test_gradients_agree_with_nudges(padding_mode):
    how = {"stride": 2, "padding": 1, "padding_mode": padding_mode}
    *inputs, output_gradient = problem(channels=(2, 3), image=(4, 5), window=(3, 3), **how)
    gradients = convolution_gradients(*inputs[:2], output_gradient, **how)
    for array, gradient in zip(inputs, gradients, strict=True):
        for place in np.ndindex(array.shape):
            losses, value = [], array[place]
            for signed in (0.5, -0.5):  # a convolution is linear in each: the central difference is exact
                array[place] = value + signed
                losses.append((convolve(*inputs, **how) * output_gradient).sum())
            array[place] = value
            assert losses[0] - losses[1] == pytest.approx(gradient[place], rel=1e-9, abs=1e-12)


def test_the_kernel_is_not_flipped_and_types_stay():
    x, kernel = np.arange(12).reshape(1, 1, 3, 4), np.array([[[[1, 0], [0, 10]]]])
    assert convolve(x, kernel)[0, 0].tolist() == [[50, 61, 72], [94, 105, 116]]
    for dtype in (np.float32, np.float64):
        arrays = [a.astype(dtype) for a in problem(padding=1)]
        assert convolve(*arrays[:3], padding=1).dtype == dtype
        assert {g.dtype for g in convolution_gradients(*arrays[:2], arrays[3], padding=1)} == {np.dtype(dtype)}


def test_wrapped_edges_know_no_place():
    x, kernel, bias, _ = problem(image=(6, 8), window=(3, 3))
    how = {"padding": 1, "padding_mode": "circular"}
    rolled = convolve(np.roll(x, (2, 5), axis=(2, 3)), kernel, bias, **how)
    np.testing.assert_allclose(rolled, np.roll(convolve(x, kernel, bias, **how), (2, 5), axis=(2, 3)), rtol=1e-12)


# Its matrix


@modes
@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (1, 1), (2, 1), (3, 2)])
def test_the_matrix_maps_as_the_convolution_and_its_transpose_pulls_back(stride, padding, padding_mode):
    how = {"stride": stride, "padding": padding, "padding_mode": padding_mode}
    x, kernel, _, output_gradient = problem(**how)
    matrix = convolution_matrix(kernel, 5, 7, **how)
    assert_close(x.reshape(2, -1) @ matrix.T, convolve(x, kernel, **how).reshape(2, -1))
    x_gradient, kernel_gradient, _ = convolution_gradients(x, kernel, output_gradient, **how)
    assert_close(output_gradient.reshape(2, -1) @ matrix, x_gradient.reshape(2, -1))
    dense_gradient = output_gradient.reshape(2, -1).T @ x.reshape(2, -1)
    for entry in np.ndindex(kernel.shape):  # the gradient of one entry is the sum over its copies in the matrix
        one = np.zeros(kernel.shape)
        one[entry] = 1
        copies = convolution_matrix(one, 5, 7, **how)
        assert (copies * dense_gradient).sum() == pytest.approx(kernel_gradient[entry], rel=1e-9, abs=1e-12)


def test_the_matrix_is_doubly_blocked_toeplitz():
    kernel = np.arange(1, 10).reshape(1, 1, 3, 3)
    matrix = convolution_matrix(kernel, 4, 5, padding=1).reshape(4, 5, 4, 5)  # (i, j) of z, (i, j) of x
    for i, j, k, l in np.ndindex(matrix.shape):
        u, v = k - i + 1, l - j + 1
        assert matrix[i, j, k, l] == (kernel[0, 0, u, v] if 0 <= u < 3 and 0 <= v < 3 else 0)


def test_every_row_of_a_wrapped_matrix_holds_the_whole_kernel():
    _, kernel, _, _ = problem(window=(3, 3))
    matrix = convolution_matrix(kernel, 5, 7, padding=1, padding_mode="circular")
    assert matrix.shape == (4 * 35, 3 * 35)
    for row, of_channel in zip(matrix, np.repeat(kernel, 35, axis=0), strict=True):
        np.testing.assert_array_equal(np.sort(row[row != 0]), np.sort(of_channel, axis=None))


# Stacks


def stack_problem(channels, name, law="kaiming_normal", *, kernel_size=3, image=(5, 6), batch=2, seed=0, **how):
    stack = convolution_stack(channels, kernel_size, name, law, seed=seed, **how)
    rng = np.random.default_rng(seed + 1)
    x = rng.normal(size=(batch, channels[0], *image))
    return stack, x, rng.normal(size=forward(stack, x).post[-1].shape)


def autograd(stack, x, output_gradient):
    """Gradients of sum(h_L * output_gradient) for kernels, biases, pre-activations and inputs, as one list."""
    kernels, biases = ([torch.tensor(a, requires_grad=True) for a in p] for p in (stack.weights, stack.biases))
    how = {"stride": stack.stride, "padding": stack.padding, "padding_mode": stack.padding_mode}
    h = inputs = torch.tensor(x, requires_grad=True)
    pre = []
    for kernel, bias, phi in zip(kernels, biases, stack.activations, strict=True):
        pre.append(torch_convolve(h, kernel, bias, **how))
        h = TORCH[phi.name](pre[-1])
    return [g.numpy() for g in torch.autograd.grad(h, (*kernels, *biases, *pre, inputs), torch.tensor(output_gradient))]


@modes
@pytest.mark.parametrize("law", INITIALIZERS)
@pytest.mark.parametrize("names", ["relu", "sigmoid", ["gelu", "tanh", "linear"]])
def test_a_stack_agrees_with_autograd(names, law, padding_mode):
    stack, x, gradient = stack_problem([2, 5, 3, 4], names, law, padding_mode=padding_mode)
    ours = backward(stack, forward(stack, x), gradient)
    theirs = autograd(stack, x, gradient)
    for mine, exact in zip((*ours.weights, *ours.biases, *ours.pre, ours.inputs), theirs, strict=True):
        assert_close(mine, exact, 1e-10)


def test_strides_and_kernels_that_are_not_square():
    rng = np.random.default_rng(0)
    kernels = [rng.normal(size=shape) for shape in ((4, 2, 3, 5), (3, 4, 1, 2))]
    stack = ConvolutionStack(kernels, [rng.normal(size=4), rng.normal(size=3)], ["tanh", "relu"], 2, 1, "circular")
    x = rng.normal(size=(2, 2, 9, 10))
    gradient = rng.normal(size=forward(stack, x).post[-1].shape)
    ours = backward(stack, forward(stack, x), gradient)
    for mine, exact in zip((*ours.weights, *ours.biases), autograd(stack, x, gradient), strict=False):
        assert_close(mine, exact, 1e-10)
    assert stack.cut(1).stride == 2


def test_the_profile_is_the_log_of_the_gradients_norms():
    stack, x, gradient = stack_problem([2, 5, 3], "silu", "torch_default")
    states = forward(stack, x)
    gradients = backward(stack, states, gradient)
    p = profile(stack, x, gradient, learning_rate=0.1)
    norms = [[np.linalg.norm(a) for a in arrays] for arrays in (states.post, gradients.pre, gradients.weights)]
    np.testing.assert_allclose([p.activation_norm, p.dz_norm, p.dW_norm], norms, rtol=1e-10)
    np.testing.assert_allclose(p.activation_rms, [np.sqrt(np.mean(h**2)) for h in states.post], rtol=1e-10)
    steps = [0.1 * np.linalg.norm(g) / np.linalg.norm(w) for g, w in zip(gradients.weights, stack.weights, strict=True)]
    np.testing.assert_allclose(p.step_ratio, steps, rtol=1e-10)
    assert (p.depth, p.width, p.activation) == (2, None, "silu")
    assert profile(*stack_problem([2, 4, 4], "relu")).width == 4


def test_one_pixel_is_a_dense_stack():
    dense = dense_stack([3] + [4] * 6, "tanh", "nielsen", seed=2)
    one = ConvolutionStack([w[:, :, None, None] for w in dense.weights], dense.biases, dense.activations)
    rng = np.random.default_rng(0)
    x, gradient = rng.normal(size=(5, 3)), rng.normal(size=(5, 4))
    ours, theirs = profile(one, x[:, :, None, None], gradient[:, :, None, None]), profile(dense, x, gradient)
    for quantity in QUANTITIES:
        np.testing.assert_allclose(getattr(ours, quantity), getattr(theirs, quantity), atol=1e-12)


@modes
def test_a_stack_is_the_dense_stack_of_its_matrices(padding_mode):
    stack, x, gradient = stack_problem([2, 3, 2], "sigmoid", "torch_default", padding_mode=padding_mode)
    how = {"padding": 1, "padding_mode": padding_mode}
    matrices = [convolution_matrix(kernel, 5, 6, **how) for kernel in stack.weights]
    dense = Stack(matrices, [np.repeat(b, 30) for b in stack.biases], stack.activations)
    ours, theirs = profile(stack, x, gradient), profile(dense, x.reshape(2, -1), gradient.reshape(2, -1))
    np.testing.assert_allclose(ours.log10_dz_norm, theirs.log10_dz_norm, atol=1e-12)
    np.testing.assert_allclose(ours.log10_activation_rms, theirs.log10_activation_rms, atol=1e-12)


@pytest.mark.parametrize("decades", [-4, -2, 2])
@pytest.mark.parametrize(("dtype", "reach", "atol"), [(np.float64, 280, 1e-9), (np.float32, 36, 1e-3)])
def test_scaled_kernels_move_every_layer_by_as_much(dtype, reach, atol, decades):
    """Without biases: kernels times 10^d move h_ell by d ell decades and dL/dz_ell by d (L - ell)."""
    depth = reach // abs(decades)
    channels, how = [8] * (depth + 1), {"image": (3, 3), "padding_mode": "circular"}
    plain, x, gradient = stack_problem(channels, "leaky_relu", **how)
    scaled, _, _ = stack_problem(channels, "leaky_relu", gain=10.0**decades, dtype=dtype, **how)
    ours, exact = profile(scaled, x, gradient), profile(plain, x, gradient)
    assert ours.overflow_layer is None and np.isfinite(exact.log10_dW_norm).all()
    ell = np.arange(1, depth + 1)
    np.testing.assert_allclose(ours.log10_activation_rms, exact.log10_activation_rms + decades * ell, atol=atol)
    np.testing.assert_allclose(ours.log10_dz_norm, exact.log10_dz_norm + decades * (depth - ell), atol=atol)
    np.testing.assert_allclose(ours.log10_dW_norm, exact.log10_dW_norm + decades * (depth - 1), atol=atol)


def test_an_overflow_is_a_result():
    p = profile(*stack_problem([3] * 9, "relu", gain=1e60))
    assert p.overflow_layer == 6
    assert np.isnan(p.log10_dz_norm).all()


def test_a_hundredth_at_3_by_3_and_64_channels():
    """Wide and wrapped, a ReLU layer multiplies the gradient norm by sqrt(k^2 c sigma^2 / 2): the mean field."""
    stack, x, gradient = stack_problem([64] * 13, "relu", "fixed_001", image=(8, 8), padding_mode="circular")
    assert profile(stack, x, gradient).factor_per_layer == pytest.approx(math.sqrt(9 * 64 * 1e-4 / 2), rel=0.03)


def test_a_nudge_of_each_bias_moves_the_output_as_the_gradient_says():
    stack, x, gradient = stack_problem([2, 3, 2], "sigmoid")
    by_hand = backward(stack, forward(stack, x), gradient).biases
    for layer, channels in enumerate(stack.widths[1:], 1):
        for channel in range(channels):
            nudged = (bias_nudge(stack, x, layer, channel, 1e-5) * gradient).sum()
            assert nudged == pytest.approx(by_hand[layer - 1][channel], rel=1e-6)


@pytest.mark.parametrize("law", INITIALIZERS)
def test_a_deeper_stack_of_the_same_seed_begins_with_the_shallower(law):
    short, long = (convolution_stack([5] + [4] * depth, 3, "relu", law, seed=11) for depth in (2, 4))
    for a, b in zip(short.weights + short.biases, long.cut(2).weights + long.cut(2).biases, strict=True):
        np.testing.assert_array_equal(a, b)
    assert long.padding == 1


# Bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.ones((3, 5, 7))}, r"x has shape \(3, 5, 7\) and kernel \(4, 3, 3, 2\); \(B, c_in, h, w\) and"),
        ({"x": np.ones((2, 2, 5, 7))}, r"x has shape \(2, 2, 5, 7\) and kernel"),
        ({"x": np.ones((0, 3, 5, 7))}, r"x has shape \(0, 3, 5, 7\)"),
        ({"kernel": np.ones((4, 3, 3))}, r"kernel \(4, 3, 3\)"),
        ({"x": np.ones((1, 3, 2, 9))}, r"kernel of \(3, 2\) on an image of \(2, 9\) with padding = 0: no position"),
        ({"stride": 0}, "stride = 0: a whole number of at least 1"),
        ({"stride": 1.5}, r"stride = 1\.5"),
        ({"padding": -1}, "padding = -1: a whole number of at least 0"),
        ({"padding_mode": "reflect"}, "padding_mode = 'reflect': it may be one of zeros, circular"),
        ({"padding": 6, "padding_mode": "circular"}, "padding = 6: at most 5 is wanted"),
    ],
)
def test_bad_arguments(change, message):
    x, kernel, _, gradient = problem()
    arguments = {"x": x, "kernel": kernel} | change
    with pytest.raises(ValueError, match=message):
        convolve(**arguments)
    with pytest.raises(ValueError, match=message):
        convolution_gradients(output_gradient=gradient, **arguments)


def test_more_bad_arguments():
    x, kernel, _, gradient = problem()
    draw = {"activation_names": "relu", "initializer_name": "orthogonal", "seed": 0}
    for call, message in (
        (lambda: convolve(x, kernel, np.ones(3)), r"bias has shape \(3,\); \(4,\) is wanted"),
        (
            lambda: convolution_gradients(x, kernel, gradient[:1]),
            r"output_gradient has shape \(1, 4, 3, 6\); \(2, 4, 3",
        ),
        (lambda: convolution_matrix(kernel[0], 5, 7), r"kernel has shape \(3, 3, 2\)"),
        (lambda: convolution_matrix(kernel, 0, 7), "height = 0: a whole number of at least 1"),
        (lambda: convolution_matrix(kernel, 2, 7), r"on an image of \(2, 7\)"),
        (lambda: convolution_stack([3], 3, **draw), r"channels = \[3\] gives depth 0"),
        (lambda: convolution_stack([3, 0], 3, **draw), r"channels = \[3, 0\]: 0 is not"),
        (lambda: convolution_stack([3, 4], 4, **draw), "kernel_size = 4: with padding = None an odd number"),
        (lambda: convolution_stack([3, 4], 0, **draw), "kernel_size = 0: a whole number of at least 1"),
        (lambda: convolution_stack([3, 4], 3, padding=-1, **draw), "padding = -1"),
        (lambda: ConvolutionStack([kernel[:, :, 0]], [np.ones(4)], ["relu"]), r"\(c_out, c_in, k_h, k_w\) is wanted"),
        (lambda: ConvolutionStack([kernel] * 2, [np.ones(4)] * 2, ["relu"] * 2), r"weights\[1\].*\(c_out, 4, k_h, k_w"),
        (lambda: forward(ConvolutionStack([kernel], [np.ones(4)], ["relu"]), x[:, :2]), r"\(B, 3, h, w\) is wanted"),
        (
            lambda: profiles_of_all_depths(convolution_stack([3, 4], 3, **draw), x, x),
            "stack is a ConvolutionStack; a Stack",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match="seed"):
        convolution_stack([3, 4], 3, "relu", "orthogonal")
