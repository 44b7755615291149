"""Normalization by hand beside autograd, central differences and torch's own layers; stacks of normalized layers."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_activations import TORCH
from test_convolution import assert_close

from gradlab.backprop import (
    NORMALIZATIONS,
    ConvolutionStack,
    Normalization,
    Stack,
    Statistics,
    at_inference,
    backward,
    bias_nudge,
    convolution_stack,
    dense_stack,
    forward,
    normalization_gradients,
    normalize,
    profile,
    profiles_of_all_depths,
)

SHAPES = ((6, 5), (2, 3), (40, 2), (3, 4, 5, 2), (1, 3, 2, 2))
names = pytest.mark.parametrize("name", NORMALIZATIONS)
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)


def problem(shape, seed=0):
    """z, gain, shift and an output gradient; no entry is 0, since zeros mask a wrong gradient."""
    rng = np.random.default_rng(seed)
    z, gradient = 2 * rng.normal(size=(2, *shape)) + 1
    return z, *rng.normal(size=(2, shape[1])), gradient


def torch_normalize(z, name, gain=None, shift=None, epsilon=1e-5):
    if name == "batch":
        return torch.nn.functional.batch_norm(z, None, None, gain, shift, training=True, eps=epsilon)
    if name == "layer":
        return torch.nn.functional.group_norm(z, 1, gain, shift, eps=epsilon)
    y = torch.nn.functional.rms_norm(z, z.shape[1:], eps=epsilon)
    along = (1, -1, *[1] * (z.ndim - 2))
    return y if gain is None else y * gain.reshape(along) + shift.reshape(along)


# One layer


@names
@shapes
@pytest.mark.parametrize("epsilon", [1e-5, 0.3])
def test_values_and_gradients_agree_with_torch(name, shape, epsilon):
    z, gain, shift, gradient = problem(shape)
    theirs = [torch.tensor(a, requires_grad=True) for a in (z, gain, shift)]
    y = torch_normalize(theirs[0], name, *theirs[1:], epsilon)
    assert_close(normalize(z, name, gain, shift, epsilon=epsilon), y.detach().numpy(), 1e-10)
    exact = torch.autograd.grad(y, theirs, torch.tensor(gradient))
    for ours, theirs in zip(normalization_gradients(z, name, gradient, gain, epsilon=epsilon), exact, strict=True):
        assert ours.shape == theirs.shape
        # of a batch of two almost nothing comes back: the error is beside what is taken out
        assert np.abs(ours - theirs.numpy()).max() <= 1e-10 * max(np.abs(theirs.numpy()).max(), np.abs(gradient).max())


def test_layer_normalization_of_a_row_is_torchs():
    z, gain, shift, _ = problem((6, 5))
    theirs = torch.nn.functional.layer_norm(*map(torch.tensor, (z,)), (5,), torch.tensor(gain), torch.tensor(shift))
    assert_close(normalize(z, "layer", gain, shift), theirs.numpy(), 1e-12)


@given(
    batch=st.integers(2, 6),
    units=st.integers(2, 5),
    name=st.sampled_from(NORMALIZATIONS),
    inference=st.booleans(),
    seed=st.integers(0, 10_000),
)
@settings(max_examples=40, deadline=None)
def test_gradients_agree_with_central_differences(batch, units, name, inference, seed):
    z, gain, shift, gradient = problem((batch, units), seed)
    how = {"epsilon": 0.1}
    if inference and name == "batch":
        how["statistics"] = Statistics.start(units).after(z)
    inputs = [z, gain, shift]
    for i, ours in enumerate(normalization_gradients(z, name, gradient, gain, **how)):
        numeric = np.empty(ours.shape)
        for where in np.ndindex(ours.shape):
            losses = []
            for step in (1e-5, -1e-5):
                moved = [a.copy() for a in inputs]
                moved[i][where] += step
                losses.append((normalize(moved[0], name, *moved[1:], **how) * gradient).sum())
            numeric[where] = (losses[0] - losses[1]) / 2e-5
        np.testing.assert_allclose(ours, numeric, atol=1e-7 * np.abs(gradient).max())


@names
@shapes
def test_every_group_has_mean_0_and_variance_1(name, shape):
    z, _, _, _ = problem(shape)
    axes = tuple(a for a in range(z.ndim) if a != (1 if name == "batch" else 0))
    y = normalize(z, name, epsilon=0)
    np.testing.assert_allclose((y**2).mean(axes), 1, rtol=1e-12)
    if name != "rms":
        np.testing.assert_allclose(y.mean(axes), 0, atol=1e-12)


@names
@shapes
def test_no_gradient_is_left_along_the_group_and_its_shift(name, shape):
    """What the formula takes out: dL/dz is orthogonal to z, and for centred groups to the vector of ones."""
    z, gain, _, gradient = problem(shape)
    axes = tuple(a for a in range(z.ndim) if a != (1 if name == "batch" else 0))
    dz, _, _ = normalization_gradients(z, name, gradient, gain, epsilon=0)
    scale = np.linalg.norm(gradient)
    np.testing.assert_allclose((dz * z).sum(axes), 0, atol=1e-11 * scale * np.linalg.norm(z))
    if name != "rms":
        np.testing.assert_allclose(dz.sum(axes), 0, atol=1e-11 * scale)


@names
def test_the_scale_of_z_is_forgotten_and_returns_inverted_in_the_gradient(name):
    z, gain, shift, gradient = problem((6, 5))
    how = {"epsilon": 0.0}
    assert_close(normalize(1e6 * z, name, gain, shift, **how), normalize(z, name, gain, shift, **how), 1e-10)
    small, large = (normalization_gradients(a, name, gradient, gain, **how)[0] for a in (z, 1e6 * z))
    assert_close(1e6 * large, small, 1e-10)


def test_mean_and_variance_are_fixed_and_the_shape_is_not():
    """Nine equal values and one apart stay so: mean 0 and variance 1, and as far from normal as before."""
    z = np.array([[0.0]] * 9 + [[1.0]])
    np.testing.assert_allclose(normalize(z, "batch", epsilon=0).ravel(), [-1 / 3] * 9 + [3], rtol=1e-12)


def test_the_largest_value_of_a_normalized_batch():
    """sqrt(B - 1) at most; of two examples every value is 1 or -1, and no gradient is left."""
    z = np.zeros((50, 1))
    z[7] = 1e3
    assert normalize(z, "batch", epsilon=0).max() == pytest.approx(7, rel=1e-12)
    z, _, _, gradient = problem((2, 9))
    np.testing.assert_allclose(np.abs(normalize(z, "batch", epsilon=0)), 1, rtol=1e-12)
    assert np.abs(normalization_gradients(z, "batch", gradient, epsilon=0)[0]).max() < 1e-12


def test_float32_stays_float32():
    z = problem((6, 5))[0].astype(np.float32)
    for name in NORMALIZATIONS:
        assert normalize(z, name).dtype == np.float32
        assert normalization_gradients(z, name, z)[0].dtype == np.float32
    assert normalize(z, "batch", statistics=Statistics.start(5)).dtype == np.float32


# Inference


@pytest.mark.parametrize(
    ("shape", "torch_layer"), [((6, 5), torch.nn.BatchNorm1d), ((3, 4, 5, 2), torch.nn.BatchNorm2d)]
)
def test_running_statistics_and_inference_are_torchs(shape, torch_layer):
    layer, statistics = torch_layer(shape[1], dtype=torch.float64), Statistics.start(shape[1])
    for seed in range(4):
        z, gain, shift, gradient = problem(shape, seed)
        layer(torch.tensor(z))
        statistics = statistics.after(z)
    np.testing.assert_allclose(statistics.mean, layer.running_mean.numpy(), rtol=1e-12)
    np.testing.assert_allclose(statistics.variance, layer.running_var.numpy(), rtol=1e-12)
    layer.eval()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(gain))
        layer.bias.copy_(torch.tensor(shift))
    inputs = torch.tensor(z, requires_grad=True)
    y = layer(inputs)
    assert_close(normalize(z, "batch", gain, shift, statistics=statistics), y.detach().numpy(), 1e-12)
    exact = torch.autograd.grad(y, (inputs, layer.weight, layer.bias), torch.tensor(gradient))
    ours = normalization_gradients(z, "batch", gradient, gain, statistics=statistics)
    for mine, theirs in zip(ours, exact, strict=True):
        assert_close(mine, theirs.numpy(), 1e-12)


def test_a_whole_stack_at_inference():
    """One example alone, and what torch's own network gives whose running averages have settled on the batch."""
    stack = dense_stack([4, 6, 5], "tanh", "nielsen", seed=0, normalization="batch")
    x, gradient = np.random.default_rng(1).normal(size=(8, 4)), np.random.default_rng(2).normal(size=(8, 5))
    settled = at_inference(stack, x)
    layers = []
    for w, b in zip(stack.weights, stack.biases, strict=True):
        linear = torch.nn.Linear(w.shape[1], w.shape[0], dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(w))
            linear.bias.copy_(torch.tensor(b))
        layers += [linear, torch.nn.BatchNorm1d(len(b), momentum=1.0, dtype=torch.float64), torch.nn.Tanh()]
    net = torch.nn.Sequential(*layers)
    assert_close(forward(stack, x).post[-1], net(torch.tensor(x)).detach().numpy(), 1e-12)
    net.eval()
    inputs = torch.tensor(x, requires_grad=True)
    out = net(inputs)
    assert_close(forward(settled, x).post[-1], out.detach().numpy(), 1e-12)
    exact = torch.autograd.grad(out, inputs, torch.tensor(gradient))[0].numpy()
    assert_close(backward(settled, forward(settled, x), gradient).inputs, exact, 1e-11)
    np.testing.assert_allclose(forward(settled, x[:1]).post[-1], forward(settled, x).post[-1][:1], rtol=1e-12)
    assert at_inference(dense_stack([4, 5], "tanh", "nielsen", seed=0), x).normalizations == (None,)


# Stacks


def autograd(stack, x, output_gradient):
    """Gradients of sum(h_L * output_gradient) for weights, biases, normalized pre-activations and inputs."""
    weights, biases = ([torch.tensor(a, requires_grad=True) for a in p] for p in (stack.weights, stack.biases))
    h = inputs = torch.tensor(x, requires_grad=True)
    pre = []
    for w, b, phi, how in zip(weights, biases, stack.activations, stack.normalizations, strict=True):
        z = h @ w.T + b if w.ndim == 2 else torch.nn.functional.conv2d(h, w, b, padding=stack.padding)
        pre.append(z if how is None else torch_normalize(z, how.name, epsilon=how.epsilon))
        h = TORCH[phi.name](pre[-1])
    return [g.numpy() for g in torch.autograd.grad(h, (*weights, *biases, *pre, inputs), torch.tensor(output_gradient))]


def assert_like_autograd(stack, x, seed=0):
    gradient = np.random.default_rng((seed, 1)).normal(size=forward(stack, x).post[-1].shape)
    ours, theirs = backward(stack, forward(stack, x), gradient), autograd(stack, x, gradient)
    scale = max(np.abs(exact).max() for exact in theirs)
    for mine, exact in zip((*ours.weights, *ours.biases, *ours.pre, ours.inputs), theirs, strict=True):
        assert mine.shape == exact.shape
        # a bias before a mean over the batch has gradient 0
        assert np.abs(mine - exact).max() <= 1e-10 * max(np.abs(exact).max(), 1e-2 * scale)
    p = profile(stack, x, gradient)
    np.testing.assert_allclose(p.dz_norm, [np.linalg.norm(a) for a in ours.pre], rtol=1e-10)
    np.testing.assert_allclose(p.dW_norm, [np.linalg.norm(a) for a in ours.weights], rtol=1e-9)


@pytest.mark.parametrize("activation_name", ["sigmoid", "tanh", "relu", "gelu", "linear"])
@pytest.mark.parametrize("how", [*NORMALIZATIONS, ("batch", None, "layer", "none")], ids=str)
def test_a_normalized_stack_agrees_with_autograd(activation_name, how):
    stack = dense_stack([3, 5, 4, 6, 2], activation_name, "torch_default", seed=3, gain=3.0, normalization=how)
    assert_like_autograd(stack, np.random.default_rng(4).normal(size=(7, 3)))


@names
def test_a_normalized_convolution_agrees_with_autograd(name):
    stack = convolution_stack([2, 3, 4], 3, "relu", "torch_default", seed=0, gain=2.0, normalization=name)
    assert isinstance(stack, ConvolutionStack)
    assert_like_autograd(stack, np.random.default_rng(4).normal(size=(2, 2, 5, 4)))
    one = replace(stack, normalizations="batch")
    assert np.isfinite(forward(one, np.random.default_rng(4).normal(size=(1, 2, 5, 4))).post[-1]).all()


def test_normalization_by_name_or_whole_or_one_a_layer():
    draw = {"activation_names": "tanh", "initializer_name": "nielsen", "seed": 0}
    plain = dense_stack([3, 4, 5], **draw)
    assert plain.normalizations == (None, None)
    for how in ("batch", Normalization("batch", epsilon=0.1), ["none", "batch"]):
        stack = dense_stack([3, 4, 5], **draw, normalization=how)
        assert isinstance(stack, Stack) and stack.normalizations[1].name == "batch"
        for a, b in zip(stack.weights + stack.biases, plain.weights + plain.biases, strict=True):
            np.testing.assert_array_equal(a, b)
        assert stack.cut(1).normalizations == stack.normalizations[:1]
    assert stack.normalizations[0] is None


def test_one_example_reaches_the_deltas_of_another_through_the_batch_alone():
    x, gradient = np.random.default_rng(0).normal(size=(6, 4)), np.random.default_rng(1).normal(size=(6, 3))
    for name, reached in (("batch", list(range(6))), ("layer", [2]), ("rms", [2])):
        stack = dense_stack([4, 5, 3], "tanh", "nielsen", seed=0, normalization=name)
        moved = x.copy()
        moved[2] += 1
        before, after = (backward(stack, forward(stack, a), gradient).inputs for a in (x, moved))
        assert np.flatnonzero((before != after).any(axis=1)).tolist() == reached


def test_a_bias_before_batch_normalization_does_nothing():
    stack = dense_stack([4, 5, 3], "tanh", "torch_default", seed=0, normalization="batch")
    x = np.random.default_rng(0).normal(size=(6, 4))
    assert np.abs(bias_nudge(stack, x, 1, 0, 0.1)).max() < 1e-14
    assert np.abs(bias_nudge(replace(stack, normalizations="layer"), x, 1, 0, 0.1)).max() > 1e-3


def test_the_start_is_forgotten():
    """The same draw at seven scales: one profile of dL/dy, and dL/dW inversely as the weights."""
    x, gradient = np.random.default_rng(0).normal(size=(2, 16, 8))
    exact = Normalization("batch", epsilon=0.0)
    profiles = [
        profile(dense_stack([8] * 11, "relu", "kaiming_normal", seed=0, gain=10.0**d, normalization=exact), x, gradient)
        for d in range(-3, 4)
    ]
    for d, p in enumerate(profiles, -3):
        np.testing.assert_allclose(p.log10_dz_norm, profiles[3].log10_dz_norm, atol=1e-9)
        np.testing.assert_allclose(p.log10_dW_norm, profiles[3].log10_dW_norm - d, atol=1e-9)


def test_gradients_beyond_the_floats():
    """Five hundred normalized ReLU layers: by theory past float32; in float64 the plain pass agrees."""
    draw = {"activation_names": "relu", "initializer_name": "kaiming_normal", "seed": 0, "normalization": "batch"}
    x, gradient = np.random.default_rng(0).normal(size=(2, 32, 16))
    wide, narrow = (dense_stack([16] * 501, dtype=dtype, **draw) for dtype in (np.float64, np.float32))
    p = profile(wide, x, gradient)
    exact = np.log10([np.linalg.norm(a) for a in backward(wide, forward(wide, x), gradient).pre])
    np.testing.assert_allclose(p.log10_dz_norm, exact, atol=1e-9)
    assert p.relative_dz[0] > 38.6 and np.isfinite(profile(narrow, x, gradient).log10_dz_norm).all()


# Bad input


def test_a_batch_of_one_is_refused():
    stack = dense_stack([4, 5], "tanh", "nielsen", seed=0, normalization="batch")
    for call in (forward, lambda s, x: profile(s, x, np.ones((1, 5)))):
        with pytest.raises(ValueError, match=r"z has shape \(1, 5\): batch normalization.*at least 2 are wanted"):
            call(stack, np.ones((1, 4)))
    for name in ("layer", "rms"):
        assert forward(replace(stack, normalizations=name), np.ones((1, 4))).post[-1].shape == (1, 5)
    with pytest.raises(ValueError, match=r"z has shape \(3, 1\): layer normalization"):
        normalize(np.ones((3, 1)), "layer")
    assert normalize(np.ones((3, 1)), "rms", epsilon=0).tolist() == [[1.0]] * 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "bach"}, "normalization = 'bach': did you mean 'batch'"),
        ({"name": "instance"}, "it may be one of batch, layer, rms"),
        ({"name": "none"}, "normalization = 'none'"),
        ({"epsilon": -1}, "epsilon = -1: a finite number of at least 0"),
        ({"z": np.ones(5)}, r"z has shape \(5,\); \(B, n\) or \(B, c, h, w\)"),
        ({"gain": np.ones(4)}, r"gain has shape \(4,\) beside z of \(6, 5\); \(5,\) is wanted"),
        ({"statistics": Statistics.start(4)}, r"statistics has shape \(4,\) beside z of \(6, 5\)"),
        ({"name": "layer", "statistics": Statistics.start(5)}, "only batch normalization has them"),
    ],
)
def test_bad_arguments(arguments, message):
    good = {"z": problem((6, 5))[0], "name": "batch"} | arguments
    with pytest.raises(ValueError, match=message):
        normalize(**good)
    with pytest.raises(ValueError, match=message):
        normalization_gradients(output_gradient=good["z"], **good)


def test_more_bad_arguments():
    z = problem((6, 5))[0]
    draw = {"activation_names": "tanh", "initializer_name": "nielsen", "seed": 0}
    normalized = dense_stack([5, 5, 5], **draw, normalization="layer")
    for call, message in (
        (lambda: normalization_gradients(z, "batch", z[:3]), r"output_gradient has shape \(3, 5\); \(6, 5\)"),
        (lambda: normalize(z, "batch", shift=[1.0]), r"shift has shape \(1,\)"),
        (lambda: Normalization("btch"), "did you mean 'batch'"),
        (lambda: Normalization("rms", -math.inf), "epsilon = -inf"),
        (lambda: dense_stack([5, 5], **draw, normalization="lyer"), "did you mean 'layer'"),
        (lambda: dense_stack([5, 5], **draw, normalization=["batch"] * 2), "one for all, or one for each of 1 layers"),
        (lambda: dense_stack([5, 5], **draw, normalization=3), "normalizations = 3: one for all"),
        (lambda: profiles_of_all_depths(normalized, z, z), "stack has normalized layers.*`profile` of each cut"),
        (lambda: Statistics([1.0], [1.0, 2.0]), r"mean has shape \(1,\) and variance \(2,\)"),
        (lambda: Statistics([1.0], [-1.0]), "no variance below 0"),
        (lambda: Statistics.start(5).after(z, 1.5), r"momentum = 1\.5: a number from 0 to 1"),
        (lambda: Statistics.start(4).after(z), "z has 5 units; these statistics are of 4"),
        (lambda: Statistics.of(z[:1]), r"z has shape \(1, 5\)"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
