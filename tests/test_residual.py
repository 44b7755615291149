"""Residual blocks by hand beside autograd and central differences; what the shortcut keeps; shattered gradients."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_activations import TORCH
from test_convolution import assert_close
from test_normalization import torch_normalize

from gradlab.backprop import (
    NORMALIZATIONS,
    Normalization,
    ResidualStack,
    Statistics,
    autocorrelation,
    backward,
    bias_nudge,
    dense_stack,
    forward,
    input_gradients,
    profile,
    profiles_of_all_depths,
    residual_stack,
)
from gradlab.initializers import INITIALIZERS


def problem(width=5, blocks=4, name="tanh", law="torch_default", batch=6, seed=0, **how):
    """A stack, inputs and an output gradient; no entry is 0, since zeros mask a wrong gradient."""
    stack = residual_stack(width, blocks, name, law, seed=seed, **how)
    x, gradient = np.random.default_rng((seed, 1)).normal(size=(2, batch, width))
    return stack, x, gradient


def torch_forward(stack, weights, biases, h):
    """h_1, ..., h_L by torch."""
    post = []
    for w, b, phi, how in zip(weights, biases, stack.activations, stack.normalizations, strict=True):
        branch = h
        for matrix, bias in zip(w, b, strict=True):
            if how is not None and stack.position == "before":
                branch = torch_normalize(branch, how.name, epsilon=how.epsilon)
            branch = TORCH[phi.name](branch) @ matrix.T + bias
        h = stack.shortcut_scale * h + stack.branch_scale * branch
        if how is not None and stack.position == "after":
            h = torch_normalize(h, how.name, epsilon=how.epsilon)
        post.append(h)
    return post


def assert_like_autograd(stack, x, gradient):
    weights, biases = ([torch.tensor(a, requires_grad=True) for a in p] for p in (stack.weights, stack.biases))
    inputs = torch.tensor(x, requires_grad=True)
    post = torch_forward(stack, weights, biases, inputs)
    assert_close(forward(stack, x).post[-1], post[-1].detach().numpy(), 1e-10)
    ours = backward(stack, forward(stack, x), gradient)
    exact = torch.autograd.grad(post[-1], (*weights, *biases, *post, inputs), torch.tensor(gradient))
    scale = max(g.abs().max().item() for g in exact)
    for mine, theirs in zip((*ours.weights, *ours.biases, *ours.pre, ours.inputs), exact, strict=True):
        assert mine.shape == theirs.shape
        # biases before a mean over the batch have gradient 0
        assert np.abs(mine - theirs.numpy()).max() <= 1e-10 * max(theirs.abs().max().item(), 1e-2 * scale)
    return ours


@pytest.mark.parametrize("position", ["before", "after"])
@pytest.mark.parametrize("normalization", ["none", *NORMALIZATIONS])
@pytest.mark.parametrize("branch_layers", [1, 2, 3])
@pytest.mark.parametrize("name", ["relu", "tanh", "sigmoid", "gelu", "linear"])
def test_gradients_agree_with_autograd(name, branch_layers, normalization, position):
    how = {"normalization": normalization, "position": position, "branch_scale": 0.7, "shortcut_scale": 0.9}
    stack, x, gradient = problem(name=name, branch_layers=branch_layers, gain=1.5, **how)
    ours = assert_like_autograd(stack, x, gradient)
    p = profile(stack, x, gradient, learning_rate=0.1)
    np.testing.assert_allclose(p.dz_norm, [np.linalg.norm(a) for a in ours.pre], rtol=1e-10)
    np.testing.assert_allclose(p.dW_norm, [np.linalg.norm(a) for a in ours.weights], rtol=1e-9)
    np.testing.assert_allclose(p.activation_norm, [np.linalg.norm(h) for h in forward(stack, x).post], rtol=1e-10)
    assert (p.depth, p.width, p.activation, stack.widths) == (4, 5, name, (5,) * 5)


@given(
    blocks=st.integers(1, 3),
    branch_layers=st.integers(1, 3),
    normalization=st.sampled_from(["none", *NORMALIZATIONS]),
    position=st.sampled_from(["before", "after"]),
    seed=st.integers(0, 10_000),
)
@settings(max_examples=25, deadline=None)
def test_gradients_agree_with_central_differences(blocks, branch_layers, normalization, position, seed):
    epsilon = Normalization(normalization, 0.1) if normalization != "none" else None  # far from the poles at 0
    how = {"branch_layers": branch_layers, "normalization": epsilon, "position": position}
    stack, x, gradient = problem(3, blocks, "tanh", "nielsen", batch=4, seed=seed, **how)
    exact = backward(stack, forward(stack, x), gradient)
    rng, size = np.random.default_rng(seed), 1e-5

    def loss(weights=stack.weights, biases=stack.biases, inputs=x):
        moved = replace(stack, weights=tuple(weights), biases=tuple(biases))
        return (forward(moved, inputs).post[-1] * gradient).sum()

    for kind, arrays, gradients in (
        ("weights", stack.weights, exact.weights),
        ("biases", stack.biases, exact.biases),
        ("inputs", x, exact.inputs),
    ):
        if kind == "inputs":
            step = rng.normal(size=x.shape)
            up, down, by_hand = x + size * step, x - size * step, (gradients * step).sum()
        else:
            step = [rng.normal(size=a.shape) for a in arrays]
            up, down = ([a + s * size * d for a, d in zip(arrays, step, strict=True)] for s in (1, -1))
            by_hand = sum((g * d).sum() for g, d in zip(gradients, step, strict=True))
        numeric = (loss(**{kind: up}) - loss(**{kind: down})) / (2 * size)
        assert numeric == pytest.approx(by_hand, rel=1e-6, abs=1e-6)


def test_without_a_shortcut_it_is_the_plain_stack_shifted_by_half_a_layer():
    """h_ell = W phi(h_{ell-1}) is z_ell of a dense stack that is fed h_0 instead of phi(h_0)."""
    stack, x, gradient = problem(shortcut_scale=0.0, law="nielsen")
    dense = dense_stack([5] * 5, ["tanh"] * 3 + ["linear"], "nielsen", seed=0)
    for a, b in zip(stack.weights, dense.weights, strict=True):
        np.testing.assert_array_equal(a[0], b)
    ours, theirs = profile(stack, x, gradient), profile(dense, np.tanh(x), gradient)
    np.testing.assert_allclose(ours.log10_dz_norm, theirs.log10_dz_norm, atol=1e-10)
    np.testing.assert_allclose(ours.log10_dW_norm, theirs.log10_dW_norm, atol=1e-10)


def test_a_last_layer_of_zeros_starts_as_the_identity_and_learns_all_the_same():
    stack, x, gradient = problem(law="kaiming_normal", branch_layers=2, last_gain=0.0)
    np.testing.assert_array_equal(forward(stack, x).post[-1], x)
    gradients = backward(stack, forward(stack, x), gradient)
    np.testing.assert_array_equal(gradients.inputs, gradient)
    for dw in gradients.weights:
        assert not dw[0].any() and dw[1].all()  # the first matrix waits for the last to leave 0
    p = profile(stack, x, gradient)
    np.testing.assert_allclose(p.relative_dz, 0, atol=1e-12)
    assert np.isfinite(p.log10_step_ratio).all()


def test_a_branch_of_scale_0_passes_all_of_the_gradient_and_gets_none():
    p = profile(*problem(branch_scale=0.0))
    np.testing.assert_allclose(p.relative_dz, 0, atol=1e-12)
    assert np.isneginf(p.log10_dW_norm).all()
    both = profile(*problem(branch_scale=0.0, last_gain=0.0, law="kaiming_normal"))  # 0 / 0, without a warning
    assert np.isnan(both.log10_step_ratio).all()


@pytest.mark.parametrize("law", INITIALIZERS)
def test_a_deeper_stack_of_the_same_seed_begins_with_the_shallower(law):
    short, long = (residual_stack(4, blocks, "relu", law, seed=11, branch_layers=2) for blocks in (2, 5))
    for a, b in zip(short.weights + short.biases, long.cut(2).weights + long.cut(2).biases, strict=True):
        np.testing.assert_array_equal(a, b)
    cut = residual_stack(4, 5, "relu", law, seed=11, normalization="rms", position="after", branch_scale=0.3).cut(3)
    assert (cut.position, cut.branch_scale, len(cut.normalizations)) == ("after", 0.3, 3)


@pytest.mark.parametrize("decades", [-300, 300])
def test_hundreds_of_decades_are_no_obstacle(decades):
    """Without a branch the shortcut alone: its scale, block by block."""
    stack, x, gradient = problem(blocks=300, branch_scale=0.0, shortcut_scale=10.0 ** (decades / 300))
    p = profile(stack, 10.0**-decades * x if decades > 0 else x, gradient)
    np.testing.assert_allclose(p.relative_dz, decades / 300 * np.arange(300)[::-1], atol=1e-9)


def test_an_overflow_is_a_result():
    p = profile(*problem(16, 60, name="relu", law="kaiming_normal", branch_scale=1e10))
    assert p.overflow_layer == 31 and np.isnan(p.log10_dz_norm).all()


def test_a_nudge_of_the_last_bias_of_each_block():
    stack, x, gradient = problem(3, 3, branch_layers=2)
    by_hand = backward(stack, forward(stack, x), gradient).biases
    for block in range(1, 4):
        for unit in range(3):
            nudged = (bias_nudge(stack, x, block, unit, 1e-5) * gradient).sum()
            assert nudged == pytest.approx(by_hand[block - 1][1, unit], rel=1e-6)


# Shattered gradients


def test_autocorrelation():
    x = np.random.default_rng(0).normal(size=20_000)
    white = autocorrelation(x, 5)
    assert white[0] == 1 and np.abs(white[1:]).max() < 5 / math.sqrt(len(x))
    walk = np.convolve(x, [1.0, 0.5], "valid")
    np.testing.assert_allclose(autocorrelation(walk, 2), [1, 0.4, 0], atol=0.03)
    np.testing.assert_allclose(autocorrelation(np.stack([x, x], 1), 3), autocorrelation(x, 3), rtol=1e-12)
    values = np.random.default_rng(1).normal(size=9) + 3
    centred = values - values.mean()
    assert autocorrelation(values, 4)[3] == pytest.approx((centred[:-3] @ centred[3:]) / (centred @ centred))


def test_input_gradients_are_those_of_the_sum():
    stack, x, _ = problem()
    inputs = torch.tensor(x, requires_grad=True)
    out = torch_forward(stack, *([torch.tensor(a) for a in p] for p in (stack.weights, stack.biases)), inputs)[-1]
    assert_close(input_gradients(stack, x), torch.autograd.grad(out.sum(), inputs)[0].numpy(), 1e-12)


def test_batch_normalization_shatters_gradients_and_shortcuts_keep_them_together():
    """256 inputs on a line, 24 ReLU layers of width 100: neighbours' gradients, by their correlation at lag 1."""
    line, lag = np.linspace(-2, 2, 256)[:, None], {}
    for seed in range(2):
        rng = np.random.default_rng(seed)
        first, bias = rng.normal(size=(1, 100)), rng.normal(size=100)
        for name, how in (
            ("plain", {"shortcut_scale": 0.0}),
            ("batch", {"shortcut_scale": 0.0, "normalization": "batch"}),
            ("both", {"normalization": "batch"}),
        ):
            stack = residual_stack(100, 24, "relu", "kaiming_normal", seed=seed, **how)
            gradient = input_gradients(stack, line @ first + bias) @ first.T
            lag.setdefault(name, []).append(autocorrelation(gradient, 1)[1])
    assert min(lag["plain"]) > 0.7 and max(np.abs(lag["batch"])) < 0.3 and min(lag["both"]) > 0.4


# Bad input


def test_bad_arguments():
    stack, x, gradient = problem()
    draw = {"activation_names": "relu", "initializer_name": "orthogonal", "seed": 0}
    square, bias = np.ones((1, 3, 3)), np.ones((1, 3))
    for call, message in (
        (lambda: residual_stack(0, 3, **draw), "width = 0: a whole number of at least 1"),
        (lambda: residual_stack(3, 0, **draw), "blocks = 0"),
        (lambda: residual_stack(3, 3, branch_layers=1.5, **draw), r"branch_layers = 1\.5"),
        (lambda: residual_stack(3, 3, branch_scale=math.inf, **draw), "branch_scale = inf: a finite number"),
        (lambda: residual_stack(3, 3, last_gain=math.nan, **draw), "last_gain = nan"),
        (lambda: residual_stack(3, 3, shortcut_scale=math.nan, **draw), "shortcut_scale = nan"),
        (
            lambda: residual_stack(3, 3, position="within", **draw),
            "position = 'within': it may be one of before, after",
        ),
        (lambda: residual_stack(3, 3, normalization="bath", **draw), "normalization = 'bath': did you mean 'batch'"),
        (lambda: ResidualStack([square[0]], [bias[0]], ["relu"]), r"weights\[0\] has shape \(3, 3\); \(m, n, n\)"),
        (lambda: ResidualStack([square[:, :, :2]], [bias], ["relu"]), r"blocks of widths \(2, 3\): a shortcut"),
        (lambda: ResidualStack([square], [bias[0]], ["relu"]), r"biases\[0\] has shape \(3,\); \(1, 3\)"),
        (
            lambda: residual_stack(3, 1, normalization=Normalization("batch", 0.0, Statistics.start(3)), **draw),
            "normalizations with statistics: residual blocks",
        ),
        (lambda: profiles_of_all_depths(stack, x, gradient), "stack is a ResidualStack; a Stack"),
        (lambda: forward(stack, x[:, :2]), r"x has shape \(6, 2\); \(B, 5\) is wanted"),
        (lambda: forward(residual_stack(3, 1, normalization="batch", **draw), np.ones((1, 3))), "batch normalization"),
        (lambda: input_gradients(stack, x * np.inf), "x holds"),
        (lambda: autocorrelation(np.ones(5), 2), "values are constant"),
        (lambda: autocorrelation([1.0, 2.0], 2), "most = 2: a whole number from 0 to 1"),
        (lambda: autocorrelation([np.nan, 2.0], 1), "values holds nan"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match="seed"):
        residual_stack(3, 3, "relu", "orthogonal")
