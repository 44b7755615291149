"""Two inputs through wide layers: known limits, random sampling, and measured networks. Only a test may import both."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradlab import theory
from gradlab.activations import ACTIVATIONS, DEAD, SATURATED
from gradlab.backprop import dense_stack
from gradlab.initializers import initializer
from gradlab.signals import signal_profile
from gradlab.theory.correlation import _product_mean


def arc_cosine(c):
    """2 E[relu(u) relu(v)] at variance 1 (Cho and Saul 2009, equation 6 at degree 1)."""
    return (math.sqrt(1 - c * c) + c * (math.pi - math.acos(c))) / math.pi


# One layer


@given(c=st.floats(-1, 1), q=st.floats(1e-3, 1e3))
def test_relu_is_the_arc_cosine_kernel(c, q):
    assert theory.correlation_map(c, "relu", q, 2.0) == pytest.approx(arc_cosine(c), abs=1e-12)
    biased = (2 * q * arc_cosine(c) / 2 + 0.3) / (q + 0.3)
    assert theory.correlation_map(c, "relu", q, 2.0, 0.3) == pytest.approx(biased, abs=1e-12)


@given(c=st.floats(-1, 1), name=st.sampled_from(sorted(ACTIVATIONS)), q=st.floats(0.01, 30))
def test_the_map_stays_a_correlation_and_ends_at_one(c, name, q):
    assert -1 <= theory.correlation_map(c, name, q, 1.5, 0.1) <= 1
    assert theory.correlation_map(1.0, name, q, 1.5, 0.1) == pytest.approx(1, abs=1e-9)
    if name != "linear":
        return
    assert theory.correlation_map(c, name, q, 1.5) == pytest.approx(c, abs=1e-12)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
@pytest.mark.parametrize("q", [0.1, 1.0, 10.0])
def test_independent_pre_activations_share_only_the_mean(name, q):
    phi = ACTIVATIONS[name].value
    mean = theory.gaussian_mean(phi, q)
    assert _product_mean(phi, q, 0.0) == pytest.approx(mean**2, abs=1e-10)
    assert _product_mean(phi, q, 1.0) == pytest.approx(theory.mean_square(q, name, 1.0), rel=1e-10)
    assert _product_mean(phi, q, -1.0) == pytest.approx(
        theory.gaussian_mean(lambda z: phi(z) * phi(-z), q), rel=1e-8, abs=1e-15
    )


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "selu", "gelu", "softplus"])
def test_the_map_against_a_hundred_hermite_polynomials(name):
    """E[phi(u) phi(v)] = sum of a_k^2 c^k with a_k = E[phi(z) He_k(z)]/sqrt(k!) (Mehler's formula)."""
    phi, z = ACTIVATIONS[name].value, np.linspace(-12, 12, 48_001)
    density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
    before, now, terms = np.zeros_like(z), np.ones_like(z), []
    for k in range(100):
        terms.append(np.sum(phi(z) * now * density) ** 2)
        before, now = now, (z * now - math.sqrt(k) * before) / math.sqrt(k + 1)
    for c in (-0.7, 0.2, 0.6):
        assert _product_mean(phi, 1.0, c) == pytest.approx(np.polyval(terms[::-1], c), abs=3e-8)


@pytest.mark.parametrize(("name", "q", "c"), [("tanh", 4.0, 0.5), ("silu", 9.0, -0.4), ("elu", 1.0, 0.95)])
def test_the_map_against_random_pairs(name, q, c):
    phi = ACTIVATIONS[name].value
    u, e = np.random.default_rng(0).normal(size=(2, 400_000)) * math.sqrt(q)
    v = c * u + math.sqrt(1 - c * c) * e
    sampled = np.mean(phi(u) * phi(v)) / np.mean(phi(u) ** 2)
    assert theory.correlation_map(c, name, q, 1.0) == pytest.approx(sampled, abs=0.01)


def test_the_slope_at_one_is_chi():
    """Poole et al. 2016: a small difference between inputs grows by the factor that multiplies gradients."""
    for name in ("tanh", "sigmoid", "softplus"):
        q = theory.variance_profile(400, name, 1.9, 0.2)[-1]
        slope = (1 - theory.correlation_map(1 - 1e-5, name, q, 1.9, 0.2)) / 1e-5
        assert slope == pytest.approx(theory.chi(q, name, 1.9), rel=1e-4)


def test_what_the_map_refuses():
    with pytest.raises(ValueError, match=r"c = 1\.1: a correlation from -1 to 1"):
        theory.correlation_map(1.1, "relu", 1.0, 2.0)
    with pytest.raises(ValueError, match=r"q = 0\.0: the activations have mean square 0\.0"):
        theory.correlation_map(0.5, "relu", 0.0, 2.0)
    with pytest.raises(ValueError, match=r"sigma_w2 = 0\.0, sigma_b2 = 0\.0: pre-activations with a variance"):
        theory.correlation_map(0.5, "relu", 1.0, 0.0)
    with pytest.raises(ValueError, match=r"sigma_w2 = 0\.0, sigma_b2 = 0\.0: pre-activations with a variance"):
        theory.correlation_profile(3, "relu", 0.0)
    with pytest.raises(ValueError, match=r"c0 = -2: a cosine from -1 to 1"):
        theory.correlation_profile(3, "relu", 2.0, c0=-2)
    with pytest.raises(ValueError, match=r"depth = 0: a whole number"):
        theory.correlation_profile(0, "relu", 2.0)


# Layer after layer


def test_relu_under_he_forgets_as_nine_pi_squared_over_twice_the_square_of_the_depth():
    cosines = theory.correlation_profile(4000, "relu", 2.0)
    c = 0.0
    for cosine in cosines[:200]:
        c = arc_cosine(c)
        assert cosine == pytest.approx(c, abs=1e-10)
    assert (1 - cosines[-1]) * 2 * 4000**2 / (9 * math.pi**2) == pytest.approx(1, abs=0.01)
    published = {1: 0.318, 20: 0.948, 50: 0.988, 100: 0.996}
    assert {ell: round(cosines[ell - 1], 3) for ell in published} == published


def test_biases_and_the_size_of_the_inputs_count_from_layer_one():
    """Layer 1 of a linear network: (sigma_w2 c0 m + sigma_b2) over (sigma_w2 m + sigma_b2)."""
    cosine = theory.correlation_profile(1, "linear", 0.5, 0.3, 0.2, 4.0)
    assert cosine == pytest.approx((0.5 * 4 * 0.2 + 0.3) / (0.5 * 4 + 0.3), rel=1e-12)


def test_tanh_without_biases_keeps_orthogonal_inputs_orthogonal():
    np.testing.assert_allclose(theory.correlation_profile(50, "tanh", 3.0), 0, atol=1e-12)
    settled = theory.correlation_profile(500, "tanh", 3.0, c0=0.9)
    assert abs(settled[-1]) < 1e-6  # chaos: similar inputs part
    together = theory.correlation_profile(500, "tanh", 0.8, 0.1)
    assert together[-1] == pytest.approx(1, abs=1e-12)  # order: all inputs end as one


def test_the_variance_profile():
    q = theory.variance_profile(4000, "tanh", 1.0)
    assert q[-1] * 2 * 4000 == pytest.approx(1, abs=0.01)
    np.testing.assert_allclose(theory.variance_profile(5, "relu", 2.0, 0.1, 3.0), 6.1 + 0.1 * np.arange(5), rtol=1e-12)
    grown = theory.variance_profile(300, "gelu", 100.0)
    assert np.isinf(grown[-1]) and not np.isnan(grown).any()


# Flat slopes


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
@pytest.mark.parametrize("q", [0.05, 1.0, 25.0])
def test_the_saturated_share_is_what_sampling_counts(name, q):
    phi = ACTIVATIONS[name]
    z = np.random.default_rng(1).normal(0, math.sqrt(q), 200_000)
    counted = np.mean(np.abs(phi.slope(z)) < SATURATED * phi.slope_supremum)
    assert theory.saturated_share(q, name) == pytest.approx(counted, abs=0.005)


def test_the_saturated_share_of_tanh_in_closed_form():
    edge = math.acosh(1 / math.sqrt(SATURATED))
    q = np.array([[0.5, 4.0]])
    expected = [[math.erfc(edge / math.sqrt(2 * v)) for v in q[0]]]
    np.testing.assert_allclose(theory.saturated_share(q, "tanh"), expected, rtol=1e-12)
    with pytest.raises(ValueError, match=r"q = 0\.0: positive finite variances"):
        theory.saturated_share(0.0, "tanh")
    with pytest.raises(ValueError, match=r"share = 2: a number above 0"):
        theory.saturated_share(1.0, "tanh", 2)


def test_dead_relu_units_in_closed_form():
    """Two examples: the quadrant below zero, 1/4 + arcsin(c)/(2 pi). Independent ones: a half to their number."""
    c = theory.correlation_profile(5, "relu", 2.0)  # without biases the cosine is the next layer's correlation
    expected = 0.25 + np.arcsin(np.append(0, c[:-1])) / (2 * math.pi)
    np.testing.assert_allclose(theory.dead_profile(5, "relu", 2.0, examples=2), expected, atol=1e-9)
    assert theory.dead_profile(1, "relu", 2.0, examples=10)[0] == pytest.approx(2**-10, rel=1e-9)
    np.testing.assert_allclose(theory.dead_profile(4, "relu", 0.1, examples=1), 0.5, atol=1e-12)
    np.testing.assert_allclose(theory.dead_profile(4, "tanh", 1.0, examples=3), 0, atol=1e-5)  # at 1/sqrt(3) of z's rms
    assert theory.dead_profile(200, "relu", 0.3, 0.01, examples=1000)[-1] == pytest.approx(0.5, abs=1e-6)


def test_the_dead_share_of_a_squashing_activation_is_what_sampling_counts():
    phi, c, q, examples = ACTIVATIONS["tanh"], 0.9, 100.0, 5
    rng = np.random.default_rng(2)
    z = math.sqrt(q) * (math.sqrt(c) * rng.normal(size=(100_000, 1)) + math.sqrt(1 - c) * rng.normal(size=(100_000, 5)))
    counted = np.mean((phi.slope(z) < DEAD).all(axis=1))
    assert theory.dead_profile(1, "tanh", 100.0, 0.0, 0.9, examples=examples)[0] == pytest.approx(counted, abs=0.01)


def test_what_the_dead_profile_refuses():
    with pytest.raises(ValueError, match=r"examples = 0: a whole number"):
        theory.dead_profile(3, "relu", 2.0, examples=0)
    with pytest.raises(ValueError, match=r"depth = -1: a whole number"):
        theory.dead_profile(-1, "relu", 2.0, examples=3)
    with pytest.raises(ValueError, match=r"c0 = -0\.5 gives layer 1 correlation -0\.5; one of at least 0"):
        theory.dead_profile(3, "relu", 2.0, c0=-0.5, examples=3)


# Measured networks


LAWS = [
    ("relu", "kaiming_normal", 1.0),
    ("relu", "torch_default", 1.0),
    ("tanh", "xavier_normal", 1.0),
    ("tanh", "nielsen", 1.0),
    ("sigmoid", "standard_normal", 0.5),
    ("selu", "lecun_normal", 1.0),
    ("gelu", "xavier_uniform", 1.5),
]


@pytest.mark.parametrize(("name", "law_name", "gain"), LAWS)
def test_theory_meets_measurement(name, law_name, gain):
    """Width 256, depth 12, eight networks: rms, cosine, saturated and dead shares, each the mean over the networks."""
    width, depth, examples = 256, 12, 40
    measured = []
    for seed in range(8):
        x = np.random.default_rng(100 + seed).normal(size=(examples, width))
        stack = dense_stack([width] * (depth + 1), name, law_name, seed=seed, gain=gain)
        measured.append(signal_profile(stack, x))
    law = initializer(law_name)
    start = depth, name, width * law.weight_variance(width, width, gain), law.bias_variance(width)
    q = theory.variance_profile(*start)

    def mean(quantity):
        return np.mean([getattr(p, quantity) for p in measured], axis=0)

    np.testing.assert_allclose(mean("log10_z_rms"), np.log10(q) / 2, atol=0.03)
    np.testing.assert_allclose(mean("orthogonal_cosine"), theory.correlation_profile(*start), atol=0.03)
    np.testing.assert_allclose(mean("cosine"), theory.correlation_profile(*start), atol=0.03)
    np.testing.assert_allclose(mean("saturated"), theory.saturated_share(q, name), atol=0.03)
    np.testing.assert_allclose(mean("dead"), theory.dead_profile(*start, examples=examples), atol=0.04)
    slopes = [theory.rms_slope(name, v) for v in q]
    np.testing.assert_allclose(mean("slope_rms"), slopes, atol=0.02)
