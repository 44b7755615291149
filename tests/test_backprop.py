"""The backward pass by hand beside autograd and finite differences; all depths beside each; what leaves the floats."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_activations import TORCH

from gradlab.activations import ACTIVATIONS, activation
from gradlab.backprop import (
    Stack,
    backward,
    bias_nudge,
    dense_stack,
    forward,
    profile,
    profiles_of_all_depths,
    sigmoid_cross_entropy_gradient,
)
from gradlab.initializers import INITIALIZERS
from gradlab.records import QUANTITIES

SHAPES = ([3, 5], [5, 2, 7, 4], [1, 6, 1, 3, 2], [4, 4, 4])
BATCHES = (1, 6, 3, 40)


def problem(widths, name, law="xavier_normal", batch=6, seed=0, **kwargs):
    """A stack, inputs and an output gradient; no entry is 0, since zeros mask a wrong gradient."""
    stack = dense_stack(widths, name, law, seed=seed, **kwargs)
    rng = np.random.default_rng(seed + 1)
    return stack, rng.normal(size=(batch, widths[0])), rng.normal(size=(batch, widths[-1]))


def autograd(stack, x, output_gradient):
    """Gradients of sum(h_L * output_gradient) for weights, biases, pre-activations and inputs, as flat lists."""
    weights, biases = ([torch.tensor(a, requires_grad=True) for a in p] for p in (stack.weights, stack.biases))
    h = inputs = torch.tensor(x, requires_grad=True)
    pre = []
    for w, b, phi in zip(weights, biases, stack.activations, strict=True):
        pre.append(h @ w.T + b)
        h = TORCH[phi.name](pre[-1])
    wanted = (*weights, *biases, *pre, inputs)
    return [g.numpy() for g in torch.autograd.grad(h, wanted, torch.tensor(output_gradient))]


def assert_like_autograd(stack, x, output_gradient):
    ours = backward(stack, forward(stack, x), output_gradient)
    theirs = autograd(stack, x, output_gradient)
    for mine, exact in zip((*ours.weights, *ours.biases, *ours.pre, ours.inputs), theirs, strict=True):
        assert mine.shape == exact.shape
        assert np.abs(mine - exact).max() <= 1e-10 * np.abs(exact).max()


@pytest.mark.parametrize("law", INITIALIZERS)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gradients_agree_with_autograd(name, law):
    for seed, (widths, batch) in enumerate(zip(SHAPES, BATCHES, strict=True)):
        assert_like_autograd(*problem(widths, name, law, batch, seed))


def test_activations_may_differ_from_layer_to_layer():
    stack, x, gradient = problem([5, 4, 6, 3], ["relu", "gelu", "sigmoid"])
    assert_like_autograd(stack, x, gradient)
    assert profile(stack, x, gradient).activation == "relu then gelu then sigmoid"


@given(
    widths=st.lists(st.integers(1, 6), min_size=2, max_size=5),
    batch=st.integers(1, 7),
    name=st.sampled_from(["sigmoid", "tanh", "silu", "linear"]),
    seed=st.integers(0, 10_000),
)
@settings(max_examples=40, deadline=None)
def test_the_profile_is_the_log_of_the_gradients_norms(widths, batch, name, seed):
    stack, x, gradient = problem(widths, name, batch=batch, seed=seed)
    states = forward(stack, x)
    gradients = backward(stack, states, gradient)
    p = profile(stack, x, gradient, learning_rate=0.1)
    norms = [[np.linalg.norm(a) for a in arrays] for arrays in (states.post, gradients.pre, gradients.weights)]
    np.testing.assert_allclose([p.activation_norm, p.dz_norm, p.dW_norm], norms, rtol=1e-10)
    np.testing.assert_allclose(p.activation_rms, [np.sqrt(np.mean(h**2)) for h in states.post], rtol=1e-10)
    steps = [0.1 * np.linalg.norm(g) / np.linalg.norm(w) for g, w in zip(gradients.weights, stack.weights, strict=True)]
    np.testing.assert_allclose(p.step_ratio, steps, rtol=1e-10)
    assert p.width == (widths[-1] if len(set(widths[1:])) == 1 else None)


def test_one_example_does_not_reach_the_deltas_of_another():
    stack, x, gradient = problem([4, 5, 3], "tanh")
    before = backward(stack, forward(stack, x), gradient).pre
    x[2] += 1
    after = backward(stack, forward(stack, x), gradient).pre
    for a, b in zip(before, after, strict=True):
        assert np.flatnonzero((a != b).any(axis=1)).tolist() == [2]


# All depths in one pass


def assert_every_depth_agrees(stack, x, gradient, atol=1e-10):
    depths = profiles_of_all_depths(stack, x, gradient, learning_rate=0.3)
    for d in range(1, stack.depth + 1):
        alone, row = profile(stack.cut(d), x, gradient, learning_rate=0.3), depths.at(d)
        for quantity in QUANTITIES:
            ours, exact = getattr(row, quantity), getattr(alone, quantity)
            np.testing.assert_allclose(ours, exact, rtol=0, atol=atol, err_msg=f"{quantity} at depth {d}")
        assert (row.overflow_layer, row.width) == (alone.overflow_layer, alone.width)
        assert row.activation.startswith(alone.activation)
    above = ~np.tri(stack.depth, dtype=bool)
    assert all(np.isnan(getattr(depths, quantity)[above]).all() for quantity in QUANTITIES)
    return depths


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize(("n_0", "n", "batch"), [(7, 9, 4), (3, 5, 8), (60, 50, 40), (2, 1, 1)])
def test_all_depths_agree_with_each(name, n_0, n, batch):
    assert_every_depth_agrees(*problem([n_0] + [n] * 14, name, "nielsen", batch))


def test_all_depths_of_layers_that_differ_in_activation():
    assert_every_depth_agrees(*problem([6] * 5, ["relu", "tanh", "sigmoid", "linear"]))


def test_more_depths_than_walk_down_together(monkeypatch):
    monkeypatch.setattr("gradlab.backprop.dense._CACHE", 1000)
    assert_every_depth_agrees(*problem([6] * 12, "tanh", batch=5))


@pytest.mark.parametrize(
    ("name", "gain", "decades"),
    [("sigmoid", 1e-3, -340), ("tanh", 1e-3, -280), ("linear", 1e-3, -280), ("linear", 1e3, 270), ("relu", 300.0, 230)],
)
def test_hundreds_of_decades_are_no_obstacle(name, gain, decades):
    stack, x, gradient = problem([8] * 101, name, "kaiming_normal", batch=5, gain=gain)
    depths = assert_every_depth_agrees(stack, x, gradient)
    row = depths.at(100 if depths.overflow_layer is None else depths.overflow_layer - 1).relative_dz
    assert np.isfinite(row).all()
    assert row[0] / decades > 1


def test_float32_reaches_as_far_as_float64():
    wide, x, gradient = problem([16] * 151, "sigmoid", batch=9)
    narrow = dense_stack([16] * 151, "sigmoid", "xavier_normal", seed=0, dtype=np.float32)
    assert profile(narrow, x, gradient).relative_dz[0] < -90  # where float32 itself ends at 1e-45
    for of in (profile, profiles_of_all_depths):
        for quantity in QUANTITIES:
            np.testing.assert_allclose(
                getattr(of(narrow, x, gradient), quantity), getattr(of(wide, x, gradient), quantity), atol=1e-3
            )


@pytest.mark.parametrize("decades", [-1, 1])
def test_states_and_gradients_at_the_same_end_of_the_floats(decades):
    stack = Stack([np.eye(3, dtype=np.float32)] * 2, [np.zeros(3)] * 2, ["linear"] * 2)
    x, gradient = np.full((1, 3), 10.0 ** (36 * decades)), np.full((1, 3), 10.0 ** (5 * decades))
    for p in (profile(stack, x, gradient), profiles_of_all_depths(stack, x, gradient).at(2)):
        np.testing.assert_allclose(p.log10_dW_norm, 41 * decades + np.log10(3), atol=1e-4)


def test_gradients_vanish_on_though_every_state_is_zero():
    stack = Stack([np.eye(2) / 1000] * 200, [np.zeros(2)] * 200, ["linear"] * 200)
    for p in (profile(stack, [[0, 0]], [[1, 0]]), profiles_of_all_depths(stack, [[0, 0]], [[1, 0]]).at(200)):
        np.testing.assert_allclose(p.log10_dz_norm, -3 * np.arange(200)[::-1], atol=1e-9)
        assert np.isneginf(p.log10_dW_norm).all()


@given(decades=st.integers(-250, 250), seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_scaling_the_output_gradient_moves_every_gradient_by_as_much(decades, seed):
    stack, x, gradient = problem([4] * 6, "tanh", seed=seed)
    plain = profiles_of_all_depths(stack, x, gradient)
    scaled = profiles_of_all_depths(stack, x, gradient * 10.0**decades)
    np.testing.assert_allclose(scaled.log10_dz_norm, plain.log10_dz_norm + decades, atol=1e-9)
    np.testing.assert_allclose(scaled.log10_dW_norm, plain.log10_dW_norm + decades, atol=1e-9)


def test_an_overflow_is_a_result():
    stack, x, gradient = problem([8] * 41, "relu", "kaiming_normal", gain=1e10)
    alone = profile(stack, x, gradient)
    first = alone.overflow_layer
    assert 296 < alone.log10_activation_norm[first - 2] < 308.3  # and the next layer is ten decades more
    assert np.isfinite(alone.log10_activation_norm[: first - 1]).all()
    assert not np.isfinite(alone.log10_activation_norm[first - 1 :]).any()
    assert np.isnan(alone.log10_dz_norm).all()
    depths = assert_every_depth_agrees(stack, x, gradient)
    assert depths.overflow_layer == first
    assert np.isfinite(depths.at(first - 1).log10_dz_norm).all()
    assert np.isnan(depths.at(first).log10_dW_norm).all()


def test_an_overflow_at_the_first_layer():
    weights = np.full((2, 2), 1e308)
    stack = Stack((weights, weights), (np.zeros(2),) * 2, (activation("linear"),) * 2)
    depths = assert_every_depth_agrees(stack, [[1e5, 1.0]], [[1.0, 2.0]])
    assert depths.overflow_layer == 1


def test_a_saturated_state_that_overflowed_is_named():
    weights = np.full((2, 2), 1e308)
    stack = Stack((weights,) * 2, (np.zeros(2),) * 2, (activation("tanh"),) * 2)
    assert profile(stack, [[9.0, 9.0]], [[1.0, 1.0]]).overflow_layer == 1


def test_exact_zeros_are_minus_infinity():
    stack, x, gradient = problem([4] * 5, "relu")
    dead = Stack(stack.weights, (*stack.biases[:2], stack.biases[2] - 1e6, stack.biases[3]), stack.activations)
    depths = assert_every_depth_agrees(dead, x, gradient)
    assert np.isneginf(depths.at(3).log10_dz_norm).all()
    assert np.isfinite(depths.at(2).log10_dz_norm).all()
    assert np.isneginf(profile(stack, x, gradient * 0).log10_dW_norm).all()
    assert np.isneginf(profiles_of_all_depths(stack, x, gradient * 0).at(4).log10_dW_norm).all()


# Draws, nudges, loss


@pytest.mark.parametrize("law", INITIALIZERS)
def test_a_deeper_stack_of_the_same_seed_begins_with_the_shallower(law):
    short, long = (dense_stack([5] + [7] * depth, "tanh", law, seed=11) for depth in (2, 4))
    for a, b in zip(short.weights + short.biases, long.cut(2).weights + long.cut(2).biases, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_nudge_of_each_bias_moves_the_output_as_the_gradient_says():
    stack, x, gradient = problem([3, 4, 2, 3], "sigmoid")
    by_hand = backward(stack, forward(stack, x), gradient).biases
    for layer, width in enumerate(stack.widths[1:], 1):
        for unit in range(width):
            nudged = (bias_nudge(stack, x, layer, unit, 1e-5) * gradient).sum()
            assert nudged == pytest.approx(by_hand[layer - 1][unit], rel=1e-6)


def test_the_error_of_a_nudge_falls_with_its_square():
    stack, x, _ = problem([1, 1, 1, 1, 1], "sigmoid", "standard_normal", batch=1)
    exact = backward(stack, forward(stack, x), [[1.0]]).biases[0][0]
    errors = [abs(bias_nudge(stack, x, 1, 0, size)[0, 0] - exact) for size in (0.2, 0.02)]
    assert errors[0] / errors[1] == pytest.approx(100, rel=0.05)


def test_the_gradient_of_cross_entropy():
    z = torch.tensor(np.random.default_rng(0).normal(size=(5, 3)), requires_grad=True)
    y = (np.arange(15).reshape(5, 3) % 2).astype(float)
    y[0, 0] = 0.3
    h = torch.sigmoid(z)
    loss = torch.nn.functional.binary_cross_entropy(h, torch.tensor(y), reduction="sum") / 5
    exact = torch.autograd.grad(loss, h)[0].numpy()
    ours = sigmoid_cross_entropy_gradient(h.detach().numpy(), y)
    np.testing.assert_allclose(ours, exact, rtol=1e-12)
    np.testing.assert_allclose(sigmoid_cross_entropy_gradient([[1.0, 0.0]], [[1.0, 0.0]]), [[-1.0, 1.0]])
    assert sigmoid_cross_entropy_gradient([[0.0]], [[1.0]])[0, 0] == -np.inf


# Bad input


def test_a_seed_is_never_made_up():
    with pytest.raises(TypeError, match="seed"):
        dense_stack([2, 2], "tanh", "orthogonal")
    with pytest.raises(TypeError, match="seed = None"):
        dense_stack([2, 2], "tanh", "orthogonal", seed=None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([3], "tanh", "orthogonal"), r"widths = \[3\] gives depth 0"),
        (([3, -2], "tanh", "orthogonal"), r"widths = \[3, -2\]: -2 is not a width; whole numbers of at least 1"),
        (([3, 2.5], "tanh", "orthogonal"), r"2\.5 is not a width"),
        (([3, 2], "tnh", "orthogonal"), r"activation = 'tnh': did you mean 'tanh'"),
        (([3, 2], "tanh", "ortogonal"), r"initializer = 'ortogonal': did you mean 'orthogonal'"),
        (([3, 2], ["tanh", "relu"], "orthogonal"), r"weights, biases, activations: \(1, 1, 2\) of them"),
    ],
)
def test_bad_stacks_by_draw(arguments, message):
    with pytest.raises(ValueError, match=message):
        dense_stack(*arguments, seed=0)


@pytest.mark.parametrize(
    ("weights", "biases", "message"),
    [
        ([], [], r"\(0, 0, 0\) of them came"),
        ([np.ones((2, 3)), np.ones((2, 3))], [np.ones(2)] * 2, r"weights\[1\] has shape \(2, 3\); \(n_out, 2\)"),
        ([np.ones(3)], [np.ones(3)], r"weights\[0\] has shape \(3,\)"),
        ([np.ones((2, 3))], [np.ones(3)], r"biases\[0\] has shape \(3,\); \(2,\) is wanted"),
        ([np.full((1, 1), np.nan)], [np.ones(1)], r"weights\[0\] holds nan; finite numbers"),
        ([np.ones((1, 1))], [np.full(1, np.inf)], r"biases\[0\] holds inf; finite numbers"),
    ],
)
def test_bad_stacks_by_hand(weights, biases, message):
    with pytest.raises(ValueError, match=message):
        Stack(weights, biases, [activation("tanh")] * len(weights))


def test_bad_batches():
    stack, x, gradient = problem([3, 4, 2], "tanh")
    with pytest.raises(ValueError, match=r"x has shape \(6, 2\); \(B, 3\) is wanted"):
        forward(stack, x[:, :2])
    with pytest.raises(ValueError, match=r"x holds inf; finite numbers"):
        profile(stack, x * np.inf, gradient)
    for call in (profile, lambda s, x, g: backward(s, forward(s, x), g)):
        with pytest.raises(ValueError, match=r"output_gradient has shape \(5, 2\); \(6, 2\) is wanted"):
            call(stack, x, gradient[:5])
    with pytest.raises(ValueError, match=r"stack has layers of widths \(4, 2\); one width is wanted"):
        profiles_of_all_depths(stack, x, gradient)
    with pytest.raises(ValueError, match=r"learning_rate = 0: a positive finite number"):
        profile(stack, x, gradient, learning_rate=0)


def test_bad_indices():
    stack, x, _ = problem([3, 4, 2], "tanh")
    for call, message in (
        (lambda: stack.cut(0), "depth = 0: a whole number from 1 to 2"),
        (lambda: bias_nudge(stack, x, 3, 0, 0.1), "layer = 3: a whole number from 1 to 2"),
        (lambda: bias_nudge(stack, x, 1, 4, 0.1), "unit = 4: a whole number from 0 to 3"),
        (lambda: bias_nudge(stack, x, 1, 0, 0.0), r"size = 0\.0: a positive finite number"),
        (lambda: sigmoid_cross_entropy_gradient([[1.5]], [[1]]), r"y_hat runs from 1\.5 to 1\.5; numbers in \[0, 1\]"),
        (lambda: sigmoid_cross_entropy_gradient([[0.5]], [1]), r"y has shape \(1,\) and y_hat \(1, 1\)"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
