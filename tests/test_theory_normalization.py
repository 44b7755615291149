"""Normalized layers and residual blocks: closed forms, a second road to each, and theory beside measurement over seeds."""

import math

import numpy as np
import pytest

from gradlab import theory
from gradlab.activations import ACTIVATIONS, activation
from gradlab.backprop import backward, dense_stack, forward, normalization_gradients, normalize, profile, residual_stack

# Normalized layers


@pytest.mark.parametrize("batch", [4, 5, 6, 8, 16, 512])
def test_a_linear_network(batch):
    assert theory.normalized_chi("linear", batch=batch) == pytest.approx((batch - 2) / (batch - 3), rel=1e-10)


def test_relu_in_large_batches():
    limit = math.pi / (math.pi - 1)
    assert theory.normalized_chi("relu") == pytest.approx(limit, rel=1e-12)
    assert math.sqrt(limit) == pytest.approx(1.211, abs=5e-4)
    assert theory.normalized_chi("relu", batch=10**6) == pytest.approx(limit, rel=1e-5)
    assert theory.normalized_chi("leaky_relu") == pytest.approx(  # (1 + a^2) / 2 over the variance of max(z, a z)
        (1 + 1e-4) / 2 / ((1 + 1e-4) / 2 - 0.99**2 / (2 * math.pi)), rel=1e-12
    )


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_large_batch_is_the_limit_and_never_below_1(name):
    """The Gaussian Poincare inequality: no variance is above the mean square of the slope."""
    chi = theory.normalized_chi(name)
    assert chi >= 1 - 1e-12 and (chi > 1 + 1e-3) == (name != "linear")
    assert theory.normalized_chi(name, batch=10**5) == pytest.approx(chi, rel=1e-3)
    chis = [theory.normalized_chi(name, batch=b) for b in (4, 5, 6, 8, 16, 64, 512)]
    assert sorted(chis, reverse=True) == chis and chis[-1] > chi - 1e-9


def test_layer_normalization_leaves_relu_level_and_the_sigmoid_vanishing():
    for how in ("layer", "rms"):
        assert theory.normalized_chi("relu", how) == pytest.approx(1, rel=1e-12)
        assert math.sqrt(theory.normalized_chi("sigmoid", how)) == pytest.approx(0.391, abs=5e-4)
        assert theory.normalized_chi("tanh", how) == pytest.approx(theory.normalized_chi("tanh"), rel=1e-12)  # odd
    assert math.sqrt(theory.normalized_chi("sigmoid")) == pytest.approx(1.0167, abs=5e-5)


def test_the_smallest_batches():
    assert theory.normalized_chi("relu", batch=3) == math.inf
    assert theory.normalized_chi("relu", batch=2) == 0
    assert theory.normalized_gradient_profile(3, "relu", batch=2).tolist() == [-math.inf, -math.inf, 0]
    assert theory.normalized_gradient_profile(3, "relu", batch=3).tolist() == [math.inf, math.inf, 0]
    assert theory.normalized_gradient_profile(1, "relu", batch=3).tolist() == [0]


@pytest.mark.parametrize("name", ["linear", "relu", "sigmoid", "tanh", "gelu", "softplus"])
@pytest.mark.parametrize("batch", [6, 9, 20])
def test_a_layers_factor_by_drawing_it(name, batch):
    """One layer at the fixed point, drawn 40000 times with its own backward pass: a second road to every integral."""
    phi, rng = activation(name), np.random.default_rng(batch)
    draws = 40_000
    y = normalize(rng.normal(size=(batch, draws)), "batch", epsilon=0)
    h = phi.value(y)
    centred = h - h.mean(axis=0)
    variance = (centred**2).sum(axis=0).mean() / (batch - 1)  # of a weighted sum of many units, between examples
    z = rng.normal(size=(batch, draws)) * math.sqrt(variance)
    y = normalize(z, "batch", epsilon=0)
    for start, factor in (("centred", theory.normalized_chi(name, batch=batch)), ("any", None)):
        gradient = rng.normal(size=(batch, draws))
        if start == "centred":
            gradient -= gradient.mean(axis=0)
        delta = gradient * phi.slope(y)
        back, _, _ = normalization_gradients(z, "batch", delta, epsilon=0)
        measured = (back**2).mean() / (gradient**2).mean()
        if factor is None:  # down to the layer before, where slope and gradient are independent again
            factor = 10 ** (2 * theory.normalized_gradient_profile(2, name, batch=batch)[0])
            measured *= (1 - 1 / batch) * (phi.slope(y) ** 2).mean() / ((delta**2).mean() / (gradient**2).mean())
            measured *= batch / (batch - 1)  # the mean square of what is centred, and its coefficient
        assert measured == pytest.approx(factor, rel=0.05)


def relative(name, batch, depth, normalization, seeds=6, width=128, gain=1.0):
    """Mean over seeds of log10 ||dL/dz_ell|| over that of the last layer."""
    profiles = []
    for seed in range(seeds):
        stack = dense_stack(
            [width] * (depth + 1), name, "kaiming_normal", seed=seed, gain=gain, normalization=normalization
        )
        x, gradient = np.random.default_rng((seed, 1)).normal(size=(2, batch, width))
        profiles.append(profile(stack, x, gradient).relative_dz)
    return np.mean(profiles, axis=0)


@pytest.mark.parametrize("name", ["linear", "relu", "sigmoid", "tanh", "gelu"])
@pytest.mark.parametrize(("batch", "atol"), [(6, 0.15), (8, 0.06), (32, 0.03)])
def test_batch_normalization_beside_measurement(name, batch, atol):
    """Width 256, ten layers, the mean of five seeds: decades at every layer. 1 / s^2 has heavy tails in small batches."""
    measured = relative(name, batch, 10, "batch", seeds=5, width=256)
    np.testing.assert_allclose(measured, theory.normalized_gradient_profile(10, name, batch=batch), atol=atol)


@pytest.mark.parametrize("normalization", ["layer", "rms"])
@pytest.mark.parametrize("name", ["relu", "sigmoid", "tanh", "gelu"])
def test_layer_normalization_beside_measurement(name, normalization):
    exact = theory.normalized_gradient_profile(10, name, normalization)
    np.testing.assert_allclose(relative(name, 16, 10, normalization), exact, atol=0.05)


def test_any_scale_of_weights_explodes_alike():
    """ReLU, 30 layers, batch 128: two decades and more, whatever the weights."""
    for gain in (0.1, 1.0, 10.0):
        measured = relative("relu", 128, 30, "batch", seeds=2, gain=gain)
        assert measured[0] == pytest.approx(theory.normalized_gradient_profile(30, "relu", batch=128)[0], abs=0.2)
    assert measured[0] > 2.2


# Residual blocks


def test_growth():
    assert theory.residual_growth(100) == pytest.approx(2.0**50)
    assert theory.residual_growth(20, 1 / math.sqrt(20)) == pytest.approx(1.05**10)
    assert theory.residual_growth(7, 0.0) == 1
    assert theory.residual_growth(50, 0.6, shortcut_scale=0.8) == pytest.approx(1)
    assert theory.residual_growth(10**5) == math.inf
    for blocks in (10, 100, 1000):
        growth = [theory.residual_growth(blocks, scale) for scale in (1 / blocks, 1 / math.sqrt(blocks))]
        assert 1 < growth[0] < math.exp(0.5 / blocks)
        assert math.sqrt(math.e) - 0.1 < growth[1] < math.sqrt(math.e)


@pytest.mark.parametrize("branch_layers", [1, 3])
@pytest.mark.parametrize("blocks", [1, 20, 100])
def test_relu_without_normalization_is_the_growth_and_the_signal_grows_alike(blocks, branch_layers):
    for scale in (0.0, 0.1, 1.0, 2.0):
        ours = theory.residual_profile(blocks, "relu", 2.0, branch_scale=scale, branch_layers=branch_layers)
        assert 10**ours.log10_whole == pytest.approx(theory.residual_growth(blocks, scale), rel=1e-10)
        np.testing.assert_allclose(ours.mean_square, (1 + scale**2) ** np.arange(1, blocks + 1), rtol=1e-9)
        assert ours.log10_gradient[-1] == 0 and len(ours.variance) == blocks


def test_normalization_before_the_branch_makes_the_growth_a_power_of_the_depth():
    for blocks in (1, 10, 300):
        for how in ("layer", "rms"):
            ours = theory.residual_profile(blocks, "relu", 2.0, normalization=how)
            assert 10 ** (2 * ours.log10_whole) == pytest.approx(blocks + 1, rel=1e-10)
            np.testing.assert_allclose(ours.mean_square, np.arange(2, blocks + 2), rtol=1e-12)
        ours = theory.residual_profile(blocks, "relu", 2.0, normalization="batch")
        # E[phi'^2] = 1/2 over a variance that grows by 1 - 1/pi a block
        variance = 1 + (1 - 1 / math.pi) * np.arange(blocks + 1)
        np.testing.assert_allclose(ours.variance, variance[1:], rtol=1e-12)
        assert 10 ** (2 * ours.log10_whole) == pytest.approx(np.prod(1 + 1 / variance[:-1]), rel=1e-10)


def test_normalization_after_the_sum():
    assert theory.residual_profile(40, "relu", 2.0, normalization="layer", position="after").log10_whole == (
        pytest.approx(0, abs=1e-12)
    )
    per_block = 2 / (2 - 1 / math.pi)  # from block 2 on, whose inputs have mean square 1
    ours = theory.residual_profile(40, "relu", 2.0, normalization="batch", position="after")
    assert 10 ** (2 * ours.log10_gradient[0]) == pytest.approx(per_block**39, rel=1e-10)
    np.testing.assert_allclose(ours.mean_square, 1)


def test_no_shortcut_is_the_plain_network():
    plain = theory.gradient_profile(10, "tanh", 1.3)
    ours = theory.residual_profile(
        9, "tanh", 1.3, shortcut_scale=0.0, input_mean_square=theory.variance_profile(1, "tanh", 1.3)[0]
    )
    np.testing.assert_allclose(np.append(ours.log10_whole, ours.log10_gradient), plain, atol=1e-12)
    normalized = theory.residual_profile(9, "tanh", 1.3, shortcut_scale=0.0, normalization="batch")
    np.testing.assert_allclose(  # its first block is given inputs of variance 1, not those of a layer
        normalized.log10_gradient, theory.normalized_gradient_profile(9, "tanh"), atol=1e-12
    )


def test_tanh_without_normalization_grows_by_less_and_less():
    """The stream grows by a bounded amount a block, the slopes shrink: the factor falls towards 1."""
    steps = -np.diff(theory.residual_profile(400, "tanh", 1.0).log10_gradient)
    assert ((np.diff(steps) > 0).all() and steps[-1] < 0.01 < steps[0]) or (np.diff(steps) < 0).all()


def test_the_signal_past_the_floats():
    ours = theory.residual_profile(1200, "relu", 2.0)
    first = np.flatnonzero(np.isinf(ours.mean_square))[0]
    assert first == np.flatnonzero(np.isinf(ours.variance))[0] == 996  # 2^997 passes 1e300
    assert ours.log10_whole == pytest.approx(600 * math.log10(2), rel=1e-10)


@pytest.mark.parametrize("branch_layers", [1, 2])
@pytest.mark.parametrize("position", ["before", "after"])
@pytest.mark.parametrize("normalization", ["none", "batch", "layer", "rms"])
@pytest.mark.parametrize(("name", "sigma_w2"), [("relu", 2.0), ("tanh", 1.0)])
def test_residual_blocks_beside_measurement(name, sigma_w2, normalization, position, branch_layers):
    """Width 128, 12 blocks, batch 64, the mean over four seeds of what is measured, in decades.

    Where nothing is normalized the signal of ReLU is all but normal in its logarithm: its mean lies below theory's.
    """
    how = {"normalization": normalization, "position": position, "branch_layers": branch_layers}
    exact = theory.residual_profile(12, name, sigma_w2, **how)
    measured = []
    for seed in range(4):
        gain = math.sqrt(sigma_w2 / 2)
        stack = residual_stack(128, 12, name, "kaiming_normal", seed=seed, gain=gain, **how)
        x, gradient = np.random.default_rng((seed, 1)).normal(size=(2, 64, 128))
        post = forward(stack, x).post
        squares, variances = [np.mean(h**2) for h in post], [h.var(axis=0, ddof=1).mean() for h in post]
        measured.append([2 * profile(stack, x, gradient).relative_dz, np.log10(squares), np.log10(variances)])
    theirs = 2 * exact.log10_gradient, np.log10(exact.mean_square), np.log10(exact.variance)
    within = normalization != "none" and position == "before"
    np.testing.assert_allclose(np.mean(measured, axis=0), theirs, atol=0.06 if within else 0.25)


@pytest.mark.parametrize("scale", [0.1, 0.5, 1.0])
def test_the_whole_growth_beside_measurement(scale):
    """Eight seeds of 20 He blocks, width 128: ||dL/dh_0|| over ||dL/dh_L||."""
    growth = []
    for seed in range(8):
        stack = residual_stack(128, 20, "relu", "kaiming_normal", seed=seed, branch_scale=scale)
        x, gradient = np.random.default_rng((seed, 1)).normal(size=(2, 16, 128))
        growth.append(np.linalg.norm(backward(stack, forward(stack, x), gradient).inputs) / np.linalg.norm(gradient))
    assert np.log10(growth).mean() == pytest.approx(math.log10(theory.residual_growth(20, scale)), abs=0.06)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.normalized_chi("relu", "bach"), "normalization = 'bach': it may be one of batch, layer, rms"),
        (lambda: theory.normalized_chi("relu", batch=1), "batch = 1: a whole number of at least 2"),
        (lambda: theory.normalized_chi("relu", batch=4.5), r"batch = 4\.5"),
        (lambda: theory.normalized_gradient_profile(0, "relu"), "depth = 0"),
        (lambda: theory.normalized_gradient_profile(3, "rleu"), "did you mean 'relu'"),
        (lambda: theory.residual_growth(-1), "blocks = -1"),
        (lambda: theory.residual_growth(1, math.inf), "branch_scale = inf"),
        (lambda: theory.residual_growth(1, branch_chi=-1), "branch_chi = -1"),
        (lambda: theory.residual_profile(0, "relu", 2.0), "blocks = 0"),
        (lambda: theory.residual_profile(2, "relu", 2.0, branch_layers=0), "branch_layers = 0"),
        (lambda: theory.residual_profile(2, "relu", -2.0), r"sigma_w2 = -2\.0"),
        (lambda: theory.residual_profile(2, "relu", 2.0, shortcut_scale=math.nan), "shortcut_scale = nan"),
        (lambda: theory.residual_profile(2, "relu", 2.0, normalization="group"), "normalization = 'group'"),
        (lambda: theory.residual_profile(2, "relu", 2.0, position="in"), "position = 'in'"),
        (lambda: theory.residual_profile(2, "relu", 2.0, normalization="layer", input_mean_square=0.0), "variance 0.0"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
