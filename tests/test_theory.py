"""Theory at its known limits, and beside measurement: only a test may import both."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradlab import theory
from gradlab.activations import ACTIVATIONS
from gradlab.backprop import dense_stack, profile
from gradlab.initializers import initializer


@pytest.mark.parametrize("variance", [1e-8, 0.3, 1.0, 50.0, 1e8])
def test_gaussian_means_with_a_kink_or_a_step_at_zero(variance):
    sigma = math.sqrt(variance)
    for f, exact in (
        (np.square, variance),
        (np.abs, sigma * math.sqrt(2 / math.pi)),
        (lambda z: z > 0, 0.5),
        (lambda z: np.maximum(z, 0) ** 2, variance / 2),
        (lambda z: z**4, 3 * variance**2),
    ):
        assert theory.gaussian_mean(f, variance) == pytest.approx(exact, rel=1e-13)


def test_gaussian_means_of_smooth_and_of_narrow_functions():
    assert theory.gaussian_mean(np.cos, 2.0) == pytest.approx(math.exp(-1), rel=1e-13)
    assert theory.gaussian_mean(np.exp, 3.0) == pytest.approx(math.exp(1.5), rel=1e-12)
    # E[sigmoid'(z)^2] for a variance so large that only the density at 0 counts: its integral is 1/6
    density = 1 / math.sqrt(2 * math.pi * 1e12)
    assert theory.chi(1e12, "sigmoid", 1.0) == pytest.approx(density / 6, rel=1e-9)
    np.testing.assert_allclose(theory.gaussian_mean(np.square, [0.0, 2.0]), [0.0, 2.0], rtol=1e-13)
    with pytest.raises(ValueError, match=r"variance = -1\.0: numbers of at least 0"):
        theory.gaussian_mean(np.square, -1.0)


def test_relu_halves_whatever_the_variance():
    for q in (1e-3, 1.0, 1e6):
        assert theory.mean_square(q, "relu", 2.0, 0.25) == pytest.approx(q + 0.25, rel=1e-13)
        assert theory.chi(q, "relu", 2.0) == pytest.approx(1.0, rel=1e-13)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS.keys() - {"relu", "leaky_relu", "selu"}))  # kinks have no tangent
def test_a_narrow_gaussian_sees_the_tangent(name):
    slope = ACTIVATIONS[name].slope(np.zeros(1))[0]
    assert theory.chi(1e-12, name, 1.7) == pytest.approx(1.7 * slope**2, rel=1e-5)


def test_tanh_at_the_critical_point_loses_variance_as_one_over_twice_the_depth():
    """At sigma_w = 1, without biases, q follows q - 2 q^2: q ~ 1/(2 depth), polynomial (Schoenholz et al. 2017)."""
    q = 1.0
    for _ in range(4000):
        q = theory.mean_square(q, "tanh", 1.0)
    assert q == pytest.approx(1 / (2 * 4000), rel=0.01)


def test_critical_sigma_w():
    assert theory.critical_sigma_w("tanh") == pytest.approx(1.0, rel=1e-12)
    assert theory.critical_sigma_w("linear") == pytest.approx(1.0, rel=1e-12)
    assert theory.chi(1e-12, "selu", theory.critical_sigma_w("selu") ** 2) == pytest.approx(
        1.0, rel=1e-5
    )  # a kink at 0
    assert theory.critical_sigma_w("relu", 0.3) == pytest.approx(math.sqrt(2), rel=1e-12)
    # by adaptive quadrature and root finding with SciPy: 10.149263710020 and 10.264992936053
    assert theory.critical_sigma_w("sigmoid") == pytest.approx(10.149263710020, rel=1e-11)
    assert theory.critical_sigma_w("sigmoid", 1.0) == pytest.approx(10.264992936053, rel=1e-11)
    with pytest.raises(ValueError, match=r"activation = 'softplus', sigma_b2 = 0\.0: no variance"):
        theory.critical_sigma_w("softplus")


@pytest.mark.parametrize(("name", "sigma_b2"), [("tanh", 0.05), ("tanh", 1.0), ("sigmoid", 0.0), ("sigmoid", 1.0)])
def test_at_the_critical_point_the_settled_layer_has_chi_one(name, sigma_b2):
    sigma_w2, q = theory.critical_sigma_w(name, sigma_b2) ** 2, 1.0
    for _ in range(3000):
        q = theory.mean_square(q, name, sigma_w2, sigma_b2)
    assert theory.chi(q, name, sigma_w2) == pytest.approx(1.0, abs=1e-6)


def test_the_gradient_profile_ends_at_zero_and_survives_an_overflow_of_the_variance():
    profile = theory.gradient_profile(200, "relu", 1e6)
    assert profile[-1] == 0
    assert profile[0] == pytest.approx(199 * math.log10(5e5) / 2, rel=1e-12)  # q would reach 1e1139
    assert theory.gradient_profile(1, "tanh", 1.0).tolist() == [0.0]
    assert theory.gradient_profile(3, "linear", 0.0).tolist() == [-np.inf, -np.inf, 0.0]
    with pytest.raises(ValueError, match=r"depth = 0: a whole number of at least 1"):
        theory.gradient_profile(0, "tanh", 1.0)
    with pytest.raises(ValueError, match=r"did you mean 'tanh'"):
        theory.gradient_profile(3, "tahn", 1.0)


@pytest.mark.parametrize(
    ("name", "law", "gain"),
    [
        ("sigmoid", "xavier_normal", 1.0),
        ("sigmoid", "standard_normal", 1.0),
        ("tanh", "xavier_uniform", 1.0),
        ("tanh", "nielsen", 1.5),
        ("relu", "kaiming_normal", 1.0),
        ("gelu", "torch_default", 1.0),
        ("selu", "lecun_normal", 1.0),
    ],
)
def test_theory_meets_measurement(name, law, gain):
    """Width 200, depth 12, ten seeds: the mean measured profile within 0.08 decades of theory at every layer."""
    width, depth, batch = 200, 12, 4
    measured = []
    for seed in range(10):
        rng = np.random.default_rng(100 + seed)
        x, output_gradient = rng.normal(size=(2, batch, width))
        stack = dense_stack([width] * (depth + 1), name, law, seed=seed, gain=gain)
        measured.append(profile(stack, x, output_gradient).relative_dz)
    law = initializer(law)
    sigma_w2 = width * law.weight_variance(width, width, gain)
    predicted = theory.gradient_profile(depth, name, sigma_w2, law.bias_variance(width))
    np.testing.assert_allclose(np.mean(measured, axis=0), predicted, atol=0.08)


# Nielsen's window


def factor(weight, a):
    """|w sigmoid'(w a)|, the window's centre at a = 0."""
    return abs(weight) * ACTIVATIONS["sigmoid"].slope(np.asarray(weight * a))


@given(weight=st.floats(4.0001, 1e4), sign=st.sampled_from([-1, 1]))
def test_the_factor_is_one_at_both_edges_and_larger_between(weight, sign):
    window = theory.unstable_window(sign * weight)
    assert factor(sign * weight, window.high) == pytest.approx(1, rel=1e-6)
    assert factor(sign * weight, window.low * 0.99) > 1 > factor(sign * weight, window.low * 1.01)
    assert window.width == window.high - window.low <= theory.widest_window()[1] * (1 + 1e-12)


@given(weight=st.floats(-4, 4, exclude_min=True, exclude_max=True))
def test_below_four_nothing_opens_the_window(weight):
    assert theory.unstable_window(weight) == theory.UnstableWindow(0.0, 0.0, 0.0)
    assert factor(weight, np.linspace(-1, 1, 11)).max() <= 1


def test_published_windows():
    assert theory.unstable_window(4.0).width == 0.0
    assert theory.unstable_window(4.5).width == pytest.approx(0.308, abs=5e-4)
    assert theory.unstable_window(100).width == pytest.approx(0.0917, abs=5e-5)
    weight, width = theory.widest_window()
    assert (weight, width) == (pytest.approx(6.894, abs=5e-4), pytest.approx(0.4477, abs=5e-5))
    assert theory.unstable_window(weight).width == pytest.approx(width, rel=1e-14)
    assert factor(100, 0.0) == 25.0
    with pytest.raises(ValueError, match=r"weight = inf: a finite number"):
        theory.unstable_window(math.inf)


# Slopes, half-lives, ends of number formats


def test_slope_bounds():
    assert theory.sigmoid_power_bound(10) == 2.0**-20
    assert theory.rms_slope("sigmoid") == pytest.approx(0.2117, abs=5e-5)
    assert theory.rms_slope("sigmoid", 0.0) == pytest.approx(0.25, rel=1e-14)
    with pytest.raises(ValueError, match=r"depth = -1: a whole number of at least 0"):
        theory.sigmoid_power_bound(-1)


@given(factor=st.floats(1e-6, 1, exclude_max=True))
def test_after_a_half_life_half_is_left(factor):
    assert factor ** theory.half_life(factor) == pytest.approx(0.5, rel=1e-9)


def test_half_life_ends():
    assert theory.half_life(1) == math.inf
    for wrong in (0, 1.01, math.nan):
        with pytest.raises(ValueError, match=rf"factor = {wrong}: a number above 0 and up to 1"):
            theory.half_life(wrong)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("factor", [1.1, 2.0, 17.3, 0.25, 0.5, 0.9])
def test_the_ends_of_formats_are_where_powers_leave_them(dtype, factor):
    info = np.finfo(dtype)

    def first(beyond):  # by counting, in wider arithmetic where there is one
        return next(n for n in range(1, 20_000) if beyond(np.longdouble(factor) ** n))

    if factor > 1:
        assert theory.overflow_depth(factor, dtype) == first(lambda p: p > info.max)
        assert theory.underflow_depth(factor, dtype) == math.inf
    else:
        assert theory.underflow_depth(factor, dtype) == first(lambda p: p < info.tiny)
        assert theory.overflow_depth(factor, dtype) == math.inf


def test_formats_by_name_by_type_and_not_at_all():
    assert theory.overflow_depth(2, np.float32) == theory.overflow_depth(2, "bfloat16") == 128
    assert theory.underflow_depth(0.25) == 64  # 0.25^63 is the smallest normal float32 itself
    with pytest.raises(ValueError, match=r"dtype = 'int8': it may be one of float16, float32, float64, bfloat16"):
        theory.overflow_depth(2, "int8")
    for wrong in (0, -1, math.inf):
        with pytest.raises(ValueError, match=rf"factor = {wrong}: a positive finite number"):
            theory.underflow_depth(wrong)
