"""Growth, spread and overflow of random products: at known values, and beside products that are drawn and multiplied."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from gradlab import theory
from gradlab.backprop import dense_stack, forward
from gradlab.products import KINDS, random_factors, singular_values, where_numbers_end
from gradlab.theory import products


@pytest.mark.parametrize("m", [1, 2, 3, 4, 31, 200])
def test_digamma_and_trigamma_of_half_integers(m):
    assert products._digamma(m) == pytest.approx(special.digamma(m / 2), rel=1e-13, abs=1e-14)
    assert products._trigamma(m) == pytest.approx(special.polygamma(1, m / 2), rel=1e-12)


def test_exponents_at_known_values():
    """4 x 4 of N(0, 1): 1/2 (ln 2 + psi(2)) = 0.558 nats. One number: E ln |N(0, 1)|. Their sum is E ln |det|."""
    assert theory.gaussian_exponents(4, 1.0)[0] == pytest.approx(0.5 * (math.log(2) + 1 - np.euler_gamma), rel=1e-13)
    assert theory.gaussian_exponents(1, 1.0)[0] == pytest.approx(-0.5 * (np.euler_gamma + math.log(2)), rel=1e-13)
    determinants = [np.linalg.slogdet(a)[1] for a in random_factors("standard_normal", 5, 4000, seed=0)]
    error = np.std(determinants) / math.sqrt(4000)
    assert abs(np.mean(determinants) - theory.gaussian_exponents(5, 1.0).sum()) < 3 * error
    # at variance 1/n the largest is about -1/(2n): a little below 0 however wide
    assert theory.gaussian_exponents(500, 1 / 500)[0] == pytest.approx(-1 / 1000, rel=0.01)


def test_exponents_and_offsets_of_deep_products():
    """Mean of ln sigma_k over many products of 80 factors 4 x 4, every k within three standard errors."""
    logs = [singular_values(random_factors("standard_normal", 4, 80, seed=s), layers=[80])[0] for s in range(120)]
    logs = np.array(logs) * math.log(10)
    error = logs.std(axis=0) / math.sqrt(len(logs))
    predicted = 80 * theory.gaussian_exponents(4, 1.0) + theory.gaussian_offsets(4)
    assert np.all(np.abs(logs.mean(axis=0) - predicted) < 3 * error)
    variances = 80 * np.array([special.polygamma(1, m / 2) for m in (4, 3, 2, 1)]) / 4
    np.testing.assert_allclose(logs.var(axis=0), variances, rtol=0.4)


def test_offsets_are_odd_and_cancel():
    for n in (1, 2, 9, 64):
        offsets = theory.gaussian_offsets(n)
        np.testing.assert_allclose(offsets, -offsets[::-1], atol=1e-12)
        assert np.all(np.diff(offsets) < 0)


@pytest.mark.parametrize(("n", "depths"), [(64, (1, 10, 50, 100)), (16, (1, 20, 100)), (4, (1, 20, 100))])
def test_singular_values_of_gaussian_products(n, depths):
    drawn = [singular_values(random_factors("gaussian", n, 100, seed=s, gain=1.1), layers=depths) for s in range(12)]
    error = np.std(drawn, axis=0) / math.sqrt(12)
    predicted = theory.singular_value_profile("gaussian", n, 100, gain=1.1)[np.array(depths) - 1]
    off = np.abs(np.mean(drawn, axis=0) - predicted)
    assert np.all(off < 0.4 + 4 * error)
    assert np.all(off[:, 0] < 0.25 + 4 * error[:, 0])


def test_singular_value_profiles_of_the_other_kinds():
    one, other = (
        theory.singular_value_profile(k, 9, 30, gain=g) for k, g in (("gaussian", 3.0), ("standard_normal", 1.0))
    )
    np.testing.assert_allclose(one, other)
    turned = theory.singular_value_profile("orthogonal", 9, 30, gain=0.5)
    np.testing.assert_allclose(
        turned, singular_values(random_factors("orthogonal", 9, 30, seed=0, gain=0.5)), atol=1e-11
    )


@pytest.mark.parametrize("depth", [1, 2, 10])
def test_largest_singular_value_of_wide_products(depth):
    """Finite width stays below, by 6 percent at n = 200 and ten factors."""
    measured = 10 ** singular_values(random_factors("gaussian", 200, depth, seed=0))[-1, 0]
    assert 0.9 < measured / theory.largest_singular_value(depth) < 1.01
    assert theory.largest_singular_value(100) == pytest.approx(math.sqrt(math.e * 100.5), rel=1e-3)


@pytest.mark.parametrize(("name", "gain"), [("linear", 1.0), ("relu", math.sqrt(2))])
@pytest.mark.parametrize("n", [5, 20])
def test_norm_growth_of_drawn_networks(name, gain, n):
    """ln ||h_L|| over 400 networks: mean and variance are L times those of a layer; the case of a dead layer left out."""
    depth, logs = 4, []
    for seed in range(400):
        stack = dense_stack([n] * (depth + 1), name, "lecun_normal", seed=seed, gain=gain)
        last = np.linalg.norm(forward(stack, np.ones((1, n))).post[-1])
        logs += [math.log(last / math.sqrt(n))] if last else []
    mean, variance = theory.norm_growth(n, gain**2 / n, name)
    assert abs(np.mean(logs) - depth * mean) < 3.5 * math.sqrt(depth * variance / len(logs))
    assert np.var(logs) == pytest.approx(depth * variance, rel=0.3)


def test_growth_of_a_linear_layer_is_the_first_exponent():
    for n in (1, 4, 50):
        assert theory.norm_growth(n, 0.3)[0] == theory.gaussian_exponents(n, 0.3)[0]


def test_second_moment_ratio():
    """5/n for ReLU, 2/n linear, and E[M^2] / E[M]^2 over 4000 networks of two layers."""
    for name, constant in (("relu", 5), ("linear", 2)):
        assert theory.second_moment_ratio(50, 1, name) == pytest.approx(1 + constant / 50, rel=1e-12)
    assert theory.second_moment_ratio(10, 0) == 1.0
    assert theory.second_moment_ratio(1, 1000) == math.inf
    rng = np.random.default_rng(0)
    h = np.ones((4000, 20))
    for _ in range(2):
        h = np.maximum(np.einsum("sij,sj->si", rng.normal(0, math.sqrt(2 / 20), (4000, 20, 20)), h), 0)
    squares = np.square(h).sum(axis=1)
    assert np.mean(squares**2) / np.mean(squares) ** 2 == pytest.approx(theory.second_moment_ratio(20, 2), rel=0.1)


FORMATS = ("float16", "bfloat16", "float32")


@pytest.mark.parametrize(
    ("kind", "n", "gain", "networks", "slack"),
    [
        ("gaussian", 64, 2.0, 12, 1.0),
        ("gaussian", 200, 2.0, 3, 1.5),
        ("orthogonal", 64, 1.5, 6, 1.0),
        ("standard_normal", 100, 1.0, 8, 1.0),
        ("gaussian", 64, 0.5, 8, 1.5),
        ("orthogonal", 16, 0.5, 8, 1.5),
    ],
)
def test_numbers_end_within_a_layer_or_two(kind, n, gain, networks, slack):
    grows = gain >= 1
    depth = 235 if kind == "orthogonal" else 165
    drawn = [list(random_factors(kind, n, depth, seed=s, gain=gain)) for s in range(networks)]
    for dtype in FORMATS:
        crossing = (theory.overflow_layer if grows else theory.zero_layer)(kind, n, dtype, gain=gain)
        ends = [where_numbers_end(matrices, dtype) for matrices in drawn]
        measured = [end.first_inf if grows else end.first_zero for end in ends]
        assert abs(np.median(measured) - (crossing.middle + 0.5)) <= slack  # the next whole number is half a layer on
        assert crossing.low - slack - 1 < min(measured) and max(measured) < crossing.high + slack + 2


@pytest.mark.parametrize("dtype", FORMATS)
def test_eight_in_ten_small_products_overflow_within_the_band(dtype):
    """4 x 4 of N(0, 1) numbers, 200 products: the band is as wide as it claims."""
    crossing = theory.overflow_layer("standard_normal", 4, dtype)
    layers = [where_numbers_end(random_factors("standard_normal", 4, 230, seed=s), dtype).first_inf for s in range(200)]
    low, middle, high = np.quantile(layers, (0.1, 0.5, 0.9))
    assert abs(middle - crossing.middle - 0.5) < 2
    assert abs(low - crossing.low - 0.5) < 2.5 and abs(high - crossing.high - 0.5) < 2.5


def test_float64_ends_later():
    crossing = theory.overflow_layer("standard_normal", 4, "float64")
    layers = [
        where_numbers_end(random_factors("standard_normal", 4, 1500, seed=s), "float64").first_inf for s in range(40)
    ]
    assert crossing.low < np.median(layers) < crossing.high
    assert crossing.middle == pytest.approx(1024 * math.log(2) / theory.gaussian_exponents(4, 1.0)[0], rel=0.01)


@given(st.sampled_from(sorted(KINDS)), st.integers(2, 200), st.floats(1.05, 3), st.sampled_from(FORMATS))
def test_crossings_are_in_order_and_a_larger_gain_is_sooner(kind, n, gain, dtype):
    crossing = theory.overflow_layer(kind, n, dtype, gain=gain)
    assert 0 <= crossing.low <= crossing.middle <= crossing.high
    assert theory.overflow_layer(kind, n, dtype, gain=gain * 1.1).middle <= crossing.middle
    assert theory.overflow_layer(kind, n, "float64", gain=gain).middle > crossing.middle or crossing.middle == math.inf


def test_what_never_happens():
    never = theory.Crossing(math.inf, math.inf, math.inf)
    assert theory.overflow_layer("gaussian", 64) == never  # the first exponent is below 0 at gain 1
    assert theory.overflow_layer("orthogonal", 64) == theory.zero_layer("orthogonal", 64) == never
    assert theory.zero_layer("gaussian", 64, gain=2.0) == never
    assert theory.zero_layer("gaussian", 64).middle > 10_000


def test_what_is_refused():
    for call, message in (
        (lambda: theory.gaussian_exponents(0, 1.0), r"n = 0: a whole number of at least 1"),
        (lambda: theory.gaussian_exponents(3, 0.0), r"variance = 0\.0: a positive finite number"),
        (lambda: theory.norm_growth(3, 1.0, "tanh"), r"activation_name = 'tanh': it may be 'linear' or 'relu'"),
        (lambda: theory.second_moment_ratio(3, 2, "elu"), r"activation_name = 'elu': it may be 'linear', 'relu' or"),
        (lambda: theory.second_moment_ratio(3, -1), r"depth = -1: a whole number of at least 0"),
        (lambda: theory.largest_singular_value(0), r"depth = 0: a whole number of at least 1"),
        (lambda: theory.overflow_layer("cauchy", 3), r"kind = 'cauchy': it may be one of gaussian, orthogonal"),
        (lambda: theory.singular_value_profile("cauchy", 3, 3), r"kind = 'cauchy'"),
        (lambda: theory.overflow_layer("gaussian", 3, "int8"), r"dtype = 'int8': it may be one of"),
        (lambda: theory.zero_layer("gaussian", 3, "int8"), r"dtype = 'int8': it may be one of"),
        (lambda: theory.zero_layer("gaussian", 3, gain=-1.0), r"gain = -1\.0: a positive finite number"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
