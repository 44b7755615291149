"""Where deep layers settle, the border between the phases, and what lies on it; theory beside measurement."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradlab import theory
from gradlab.activations import ACTIVATIONS
from gradlab.backprop import (
    Stack,
    convolution_stack,
    dense_stack,
    forward,
    layer_jacobians,
    profile,
    residual_stack,
    unit_variance,
)
from gradlab.initializers import initializer
from gradlab.products import singular_values
from gradlab.signals import mean_cosine

SETTLING = [
    ("tanh", 1.5, 0.0), ("tanh", 0.9, 0.3), ("tanh", 20.0, 2.0), ("sigmoid", 1.0, 0.0), ("sigmoid", 10.0, 1.0),
    ("relu", 1.2, 0.5), ("linear", 0.9, 1.0), ("gelu", 1.2, 0.2), ("selu", 1.0, 0.0), ("elu", 1.2, 0.1), ("silu", 1.3, 0.5),
]  # fmt: skip


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), SETTLING)
def test_the_settled_variance_is_where_the_layers_end(name, sigma_w, sigma_b):
    for start in (1.0, 30.0):
        walked = theory.variance_profile(3000, name, sigma_w**2, sigma_b**2, start)[-1]
        assert theory.settled_variance(name, sigma_w**2, sigma_b**2, start) == pytest.approx(walked, rel=1e-9)


def test_the_settled_variance_at_its_ends():
    assert theory.settled_variance("tanh", 0.81) == 0 == theory.settled_variance("tanh", 0.0)
    assert theory.settled_variance("tanh", 0.0, 0.25) == pytest.approx(0.25)
    assert theory.settled_variance("sigmoid", 0.0) == 0
    assert theory.settled_variance("relu", 2.0, 0.0, 3.0) == 6.0  # what the first layer makes of the inputs is kept
    assert theory.settled_variance("relu", 2.0, 0.1) == math.inf == theory.settled_variance("linear", 1.1)
    found = [theory.settled_variance("gelu", 3.9, 0.0, start) for start in (1.0, 0.001)]
    assert found == [math.inf, 0]  # where small signals vanish and large ones grow
    assert theory.settled_chi("relu", 3.0) == pytest.approx(1.5) and theory.settled_chi("relu", 1.0) == pytest.approx(
        0.5
    )
    with pytest.raises(ValueError, match=r"sigma_w2 = -1\.0: a finite number of at least 0"):
        theory.settled_variance("tanh", -1.0)
    with pytest.raises(ValueError, match=r"sigma_b2 = nan"):
        theory.settled_variance("tanh", 1.0, math.nan)


@settings(deadline=None, max_examples=40)
@given(
    name=st.sampled_from(["tanh", "sigmoid", "relu", "leaky_relu"]),
    level=st.floats(0.05, 6),
    sigma_b=st.floats(0.01, 2),
)
def test_a_level_line_holds_its_level(name, level, sigma_b):
    sigma_w = theory.level_sigma_w(name, level, sigma_b**2)
    assert theory.settled_chi(name, sigma_w**2, sigma_b**2) == pytest.approx(level, rel=1e-6)


@pytest.mark.parametrize("sigma_b", [0.0, 0.05, 1.0, 2.0])
@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_chi_grows_with_the_weights_so_that_the_border_is_one_line(name, sigma_b):
    weights = np.geomspace(0.25, 25, 80)
    found = np.array([theory.settled_chi(name, w**2, sigma_b**2) for w in weights])
    assert (np.diff(found) > 0).all()
    border = np.exp(np.interp(0, np.log(found), np.log(weights)))  # a second road, by the map
    assert theory.critical_sigma_w(name, sigma_b**2) == pytest.approx(border, rel=0.02)


def test_published_borders():
    """Poole et al. 2016 and Schoenholz et al. 2017 at sigma_b^2 = 0.05."""
    assert theory.critical_sigma_w("tanh", 0.05) ** 2 == pytest.approx(1.761, abs=5e-4)
    for sigma_w2, expected in ((1.3, 0.880), (2.5, 1.134), (4.0, 1.342)):
        assert theory.settled_chi("tanh", sigma_w2, 0.05) == pytest.approx(expected, abs=5e-4)
    assert theory.critical_sigma_w("sigmoid") ** 2 == pytest.approx(103.0, abs=0.05)
    # of a kink at 0 the settled layer sees both sides
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    assert theory.critical_sigma_w("selu") == pytest.approx(1 / (scale * math.sqrt((1 + alpha**2) / 2)), rel=1e-9)
    with pytest.raises(ValueError, match=r"level = 0: a positive finite number"):
        theory.level_sigma_w("tanh", 0)
    assert theory.is_scale_free("leaky_relu") and not theory.is_scale_free("softplus")


@pytest.mark.parametrize(("sigma_w2", "seeds"), [(1.3, 4), (1.761, 4), (2.5, 4), (4.0, 4)])
def test_measured_factors_meet_the_settled_chi(sigma_w2, seeds):
    """Width 300, 40 layers: the squared factor a layer to 2 %, which is what finite width takes at the far end."""
    n, depth, found = 300, 40, []
    for seed in range(seeds):
        drawn = dense_stack([n] * (depth + 1), "tanh", "lecun_normal", seed=seed, gain=math.sqrt(sigma_w2))
        rng = np.random.default_rng((seed, 1))
        biases = tuple(math.sqrt(0.05) * rng.normal(size=n) for _ in range(depth))
        x, output_gradient = rng.normal(size=(2, 8, n))
        relative = profile(Stack(drawn.weights, biases, drawn.activations), x, output_gradient).relative_dz
        found.append(10 ** (2 * (relative[9] - relative[-1]) / (depth - 10)))
    assert np.mean(found) == pytest.approx(theory.settled_chi("tanh", sigma_w2, 0.05), rel=0.02)


@pytest.mark.parametrize(
    ("name", "sigma_w2", "sigma_b2"),
    [("tanh", 1.3, 0.05), ("tanh", 4.0, 0.05), ("tanh", 2.5, 0.0), ("sigmoid", 200.0, 0.0), ("relu", 1.0, 0.5)],
)
def test_both_depth_scales_are_those_of_the_walk(name, sigma_w2, sigma_b2):
    phase = theory.phase(name, sigma_w2, sigma_b2)
    assert phase.correlation == 1 or (phase.chi > 1 and 0 <= phase.correlation < 1)
    # the slope of the map, by a difference
    c, h = min(phase.correlation, 1 - 2e-4), 1e-4
    ends = [theory.correlation_map(c + side, name, phase.variance, sigma_w2, sigma_b2) for side in (-h, h)]
    assert phase.c_slope == pytest.approx((ends[1] - ends[0]) / (2 * h), rel=0.02)
    # the walk of two inputs towards that correlation, and of a gradient
    c, gaps = 0.3 if phase.correlation < 0.25 else 0.0, []
    for _ in range(25):
        c = theory.correlation_map(c, name, phase.variance, sigma_w2, sigma_b2)
        gaps.append(abs(c - phase.correlation))
    inside = [i for i in range(len(gaps) - 1) if gaps[i + 1] > 1e-6]
    assert gaps[inside[-1] + 1] / gaps[inside[-1]] == pytest.approx(phase.c_slope, rel=0.05)
    assert math.exp(-1 / phase.correlation_scale) == pytest.approx(phase.c_slope, rel=1e-12)
    gradient = theory.gradient_profile(60, name, sigma_w2, sigma_b2)
    assert gradient[39] - gradient[40] == pytest.approx(math.log10(phase.chi) / 2, abs=1e-6)
    assert phase.gradient_scale == pytest.approx(1 / abs(math.log(phase.chi)), rel=1e-12)


def test_phases_at_their_ends():
    assert theory.settled_correlation("tanh", theory.settled_variance("tanh", 4.0), 4.0) == 0
    assert theory.phase("relu", 1.0, 0.5).correlation == 1
    for sigma_w2, sigma_b2 in ((1.0, 0.0), (0.5, 0.0)):
        with pytest.raises(ValueError, match=r"the variance tends to 0"):
            theory.phase("tanh", sigma_w2, sigma_b2)
    with pytest.raises(ValueError, match=r"the variance tends to inf"):
        theory.phase("relu", 3.0)
    for wrong in (0, -1, math.inf, math.nan):
        with pytest.raises(ValueError, match=rf"factor = {wrong}: a positive finite number"):
            theory.depth_scale(wrong)


# Layer-sequential unit variance


def naive_lsuv(stack, x):
    """One layer after another from the start, as exact as one division makes it without biases."""
    weights = list(stack.weights)
    for ell in range(stack.depth):
        h = x
        for w, phi in zip(weights[:ell], stack.activations[:ell], strict=True):
            h = phi.value(h @ w.T)
        weights[ell] = weights[ell] / np.std(h @ weights[ell].T)
    return weights


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "relu", "gelu"])
def test_lsuv_makes_every_layer_one_and_only_scales(name):
    stack = dense_stack([60, 40, 80, 80], name, "orthogonal", seed=0)
    x = 3 * np.random.default_rng(1).normal(size=(50, 60)) + 1
    levelled = unit_variance(stack, x, tolerance=1e-9)
    np.testing.assert_allclose([z.var() for z in forward(levelled, x).pre], 1, atol=1e-9)
    for found, expected, before in zip(levelled.weights, naive_lsuv(stack, x), stack.weights, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
        assert np.ptp(found / before) < 1e-9
    assert unit_variance(levelled, x).weights[0] is levelled.weights[0]  # nothing left to do


def test_lsuv_with_biases_takes_a_few_divisions_or_cannot():
    rng = np.random.default_rng(0)
    stack, x = dense_stack([50] * 4, "tanh", "orthogonal", seed=1), rng.normal(size=(40, 50))
    small = Stack(stack.weights, tuple(0.3 * rng.normal(size=50) for _ in range(3)), stack.activations)
    assert [z.var() for z in forward(unit_variance(small, x), x).pre] == pytest.approx([1] * 3, abs=0.1)
    large = Stack(stack.weights, tuple(3 * b for b in (10 * small.biases[0], *small.biases[1:])), stack.activations)
    with pytest.raises(ValueError, match=r"layer 1 has variance .* after 10 divisions"):
        unit_variance(large, x)


def test_lsuv_of_convolutions():
    stack = convolution_stack([3, 8, 8], 3, "relu", "orthogonal", seed=0)
    x = np.random.default_rng(1).normal(size=(6, 3, 7, 7))
    assert [z.var() for z in forward(unit_variance(stack, x, tolerance=1e-6), x).pre] == pytest.approx([1, 1], abs=1e-6)


@pytest.mark.parametrize(
    ("name", "sigma_w", "factor"), [("tanh", 1.593, 1.085), ("sigmoid", 1.846, 0.391), ("relu", 1.414, 1)]
)
def test_lsuv_levels_the_signal_and_leaves_the_gradient_to_chi(name, sigma_w, factor):
    n, depth = 300, 25
    x, output_gradient = np.random.default_rng(0).normal(size=(2, 64, n))
    stack = unit_variance(dense_stack([n] * (depth + 1), name, "orthogonal", seed=0), x, tolerance=1e-6)
    assert theory.unit_variance_sigma_w(name) == pytest.approx(sigma_w, abs=5e-4)
    found = [np.linalg.norm(w) / math.sqrt(n) for w in stack.weights[1:]]
    assert np.median(found) == pytest.approx(sigma_w, rel=0.05)
    expected = math.sqrt(theory.chi(1.0, name, theory.unit_variance_sigma_w(name) ** 2))
    assert expected == pytest.approx(factor, abs=5e-4)
    assert profile(stack, x, output_gradient).factor_per_layer == pytest.approx(expected, rel=0.02)


def test_lsuv_names_what_is_wrong():
    stack, x = dense_stack([4, 4], "tanh", "orthogonal", seed=0), np.eye(4)
    with pytest.raises(ValueError, match="layer 1 has pre-activations of variance 0"):
        unit_variance(stack, np.zeros((3, 4)))
    with pytest.raises(ValueError, match="tolerance = 0: a positive"):
        unit_variance(stack, x, tolerance=0)
    with pytest.raises(ValueError, match="most = 0: a whole number"):
        unit_variance(stack, x, most=0)
    with pytest.raises(ValueError, match="ResidualStack; dense or convolution layers"):
        unit_variance(residual_stack(4, 2, "relu", "kaiming_normal", seed=0), x)
    with pytest.raises(ValueError, match="that nothing normalizes"):
        unit_variance(dense_stack([4, 4], "tanh", "orthogonal", seed=0, normalization="batch"), x)


# Jacobians of layers, and isometry


def test_layer_jacobians_are_those_of_autograd():
    stack = dense_stack([5, 4, 6], "tanh", "nielsen", seed=0)
    x = np.random.default_rng(1).normal(size=(3, 5))
    found = list(layer_jacobians(stack, forward(stack, x)))
    assert [j.shape for j in found] == [(3, 4, 5), (3, 6, 4)]

    def network(v):
        for w, b in zip(stack.weights, stack.biases, strict=True):
            v = torch.tanh(torch.tensor(w) @ v + torch.tensor(b))
        return v

    for i, row in enumerate(x):
        whole = torch.autograd.functional.jacobian(network, torch.tensor(row)).numpy()
        np.testing.assert_allclose(found[1][i] @ found[0][i], whole, rtol=1e-10, atol=1e-12)


def test_layer_jacobians_name_what_is_wrong():
    stack, x = dense_stack([3, 3], "linear", "orthogonal", seed=0), np.ones((1, 3))
    with pytest.raises(ValueError, match="Stack; dense layers that nothing normalizes"):
        layer_jacobians(dense_stack([3, 3], "tanh", "orthogonal", seed=0, normalization="layer"), forward(stack, x))
    with pytest.raises(ValueError, match="not finite"):
        huge = Stack((1e200 * np.eye(3),) * 2, (np.zeros(3),) * 2, ("linear",) * 2)
        layer_jacobians(huge, forward(huge, x))


def test_mean_singular_value_of_one_layer():
    """Glorot and Bengio 2010, section 4.2.2: about 0.8 and 0.5; 8/(3 pi) and a factor 1/sqrt(3) for wide linear layers."""
    for law, expected in (("xavier_uniform", 8 / (3 * math.pi)), ("torch_default", 8 / (3 * math.pi * math.sqrt(3)))):
        stack = dense_stack([500, 500], "linear", law, seed=0)
        (jacobian,) = layer_jacobians(stack, forward(stack, np.ones((1, 500))))
        assert np.linalg.svd(jacobian[0], compute_uv=False).mean() == pytest.approx(expected, rel=0.005)


@pytest.mark.parametrize("law", ["orthogonal", "lecun_normal"])
@pytest.mark.parametrize(("name", "sigma_w"), [("tanh", 1.0), ("tanh", 1.5), ("relu", math.sqrt(2)), ("linear", 1.0)])
def test_the_spread_of_the_squared_singular_values(name, sigma_w, law):
    n, depth, found = 200, 6, []
    for seed in range(3):
        stack = dense_stack([n] * (depth + 1), name, law, seed=seed, gain=sigma_w)
        x = np.random.default_rng((seed, 1)).normal(size=(1, n))
        x *= math.sqrt(n) / np.linalg.norm(x)
        whole = np.linalg.multi_dot([j[0] for j in layer_jacobians(stack, forward(stack, x))][::-1])
        squares = np.linalg.svd(whole, compute_uv=False) ** 2
        found.append(squares.var() / squares.mean() ** 2)
    q = theory.variance_profile(depth, name, sigma_w**2)
    expected = theory.isometry_defect(q, name, orthogonal=law == "orthogonal").sum()
    assert np.mean(found) == pytest.approx(expected, rel=0.12, abs=1e-9)


def test_relu_reaches_isometry_nowhere_and_orthogonal_tanh_nearly():
    for q in (1e-6, 1.0, 1e6):
        assert theory.isometry_defect(q, "relu", orthogonal=True) == pytest.approx(1, rel=1e-12)
    small = theory.isometry_defect(np.array([1e-3, 1e-4]), "tanh", orthogonal=True)
    assert small == pytest.approx([8 * 1e-6, 8 * 1e-8], rel=0.05)  # 8 q^2: Var(2 z^2) of phi'^2 = 1 - 2 z^2
    assert theory.isometry_defect(0.0, "linear") == 1


def test_singular_values_of_deep_jacobians_by_the_graded_road():
    """Orthogonal tanh keeps its directions together, Gaussian does not: condition numbers after 40 layers."""
    n, depth, spans = 40, 40, {}
    for law in ("orthogonal", "lecun_normal"):
        stack = dense_stack([n] * (depth + 1), "tanh", law, seed=0)
        states = forward(stack, 0.1 * np.random.default_rng(1).normal(size=(1, n)))
        values = singular_values(j[0] for j in layer_jacobians(stack, states))[-1]
        spans[law] = values[0] - values[-1]
    assert spans["orthogonal"] < 0.5 and spans["lecun_normal"] > 20


# What the laws of the course say


def test_xavier_cannot_keep_both_where_the_sides_differ():
    """Claim 4.11: 784 inputs to 30 units."""
    variance = initializer("xavier_normal").weight_variance(784, 30)
    assert 784 * variance == pytest.approx(1.93, abs=0.005) and 30 * variance == pytest.approx(0.0737, abs=5e-5)


def test_gains_of_he_and_lecun():
    """Claim 4.13: He keeps the mean square through ReLU, LeCun through linear layers; SELU's own gain is LeCun's."""
    assert 50 * initializer("kaiming_normal").weight_variance(50, 9) == pytest.approx(
        theory.unit_variance_sigma_w("relu") ** 2
    )
    assert 50 * initializer("lecun_normal").weight_variance(50, 9) == pytest.approx(
        theory.unit_variance_sigma_w("selu") ** 2
    )
    assert theory.unit_variance_sigma_w("linear") == 1 == ACTIVATIONS["linear"].gain


def test_mean_cosine_is_over_pairs():
    h = np.random.default_rng(0).normal(size=(4, 3))
    units = h / np.linalg.norm(h, axis=1, keepdims=True)
    pairs = [units[i] @ units[j] for i in range(4) for j in range(i)]
    assert mean_cosine(h) == pytest.approx(np.mean(pairs)) and np.isnan(mean_cosine(np.zeros((3, 2))))
