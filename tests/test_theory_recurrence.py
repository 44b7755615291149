"""Powers, gates and live units: closed forms at known values, against each other, and beside cells that are run."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradlab import theory
from gradlab.recurrent import (
    PlainCell,
    jacobian_profile,
    power_norms,
    recurrent_weights,
    relu_cell,
    run,
    tanh_cell,
    two_by_two,
    with_eigenvalues,
)


def test_rails():
    assert theory.power_rail(0.5, 3).tolist() == pytest.approx([0, -0.30103, -0.60206, -0.90309], abs=1e-5)
    assert theory.power_rail(0.0, 2, condition=10).tolist() == [1, -np.inf, -np.inf]
    assert 10 ** theory.power_rail(0.99, 1000)[-1] == pytest.approx(4.317e-5, rel=1e-3)
    assert 10 ** theory.power_rail(1.01, 1000)[-1] == pytest.approx(2.096e4, rel=1e-3)
    normal = with_eigenvalues([0.9, -0.8, 0.3 + 0.2j, 0.3 - 0.2j])
    np.testing.assert_allclose(power_norms(normal, 50).log10_norm, theory.power_rail(0.9, 50), atol=1e-12)


@pytest.mark.parametrize("angle", [90, 20, 5, 1])
def test_powers_stay_below_the_bound_and_reach_the_kreiss_bound(angle):
    powers = power_norms(two_by_two([0.95, 0.8], angle), 100)
    assert np.all(powers.log10_norm <= theory.power_rail(0.95, 100, condition=powers.condition) + 1e-12)
    kreiss = theory.kreiss_bound(two_by_two([0.95, 0.8], angle))
    peak = 10 ** powers.log10_norm.max()
    assert kreiss <= peak + 1e-9 and peak <= 2 * math.e * kreiss
    assert kreiss >= 1 and (kreiss > 3) == (angle <= 5)


def test_the_kreiss_bound_of_known_matrices():
    assert theory.kreiss_bound(np.eye(3)) == pytest.approx(1, abs=1e-3)  # approached for |z| to infinity
    assert theory.kreiss_bound(np.zeros((2, 2))) == pytest.approx(1, abs=1e-3)
    # [[0, c], [0, 0]]: s_min(z - W) is known, and for large c the sup is near c / 4, at |z| = 2
    assert theory.kreiss_bound([[0.0, 1e4], [0.0, 0.0]]) == pytest.approx(2500, rel=0.01)
    for seed in range(3):
        weights = recurrent_weights("gaussian", 12, seed=seed, spectral_radius=0.95)
        assert theory.kreiss_bound(weights) <= 10 ** power_norms(weights, 200).log10_norm.max() + 1e-9


@pytest.mark.parametrize(("eigenvalue", "coupling"), [(0.9, 5.0), (-0.5, 3.0), (1.1, 0.01), (0.99, 0.0)])
def test_the_jordan_block(eigenvalue, coupling):
    measured = power_norms([[eigenvalue, coupling], [0.0, eigenvalue]], 300).log10_norm
    np.testing.assert_allclose(theory.jordan_power_norm(eigenvalue, coupling, 300), measured, atol=1e-11)


@given(st.floats(-20, 20))
def test_gates(bias):
    sigma = 1 / (1 + math.exp(-bias))
    assert theory.gate(bias) == pytest.approx(sigma, rel=1e-12)
    half_life = theory.gate_half_life(bias)
    assert sigma**half_life == pytest.approx(0.5, rel=1e-6)
    assert theory.gate_bias(half_life) == pytest.approx(bias, abs=1e-9)
    assert theory.gate_rail(bias, 10)[-1] == pytest.approx(10 * math.log10(sigma), abs=1e-9)


def test_gates_far_out():
    assert theory.gate(-800.0) == 0 and theory.gate_rail(-800.0, 1)[-1] == pytest.approx(-800 / math.log(10))
    assert theory.gate(40.0) == 1 and theory.gate_half_life(40.0) == pytest.approx(math.log(2) * math.exp(40))
    lives = [theory.gate_half_life(b) for b in range(8)]
    assert [round(x, 1) for x in lives] == [1.0, 2.2, 5.5, 14.3, 38.2, 103.2, 280.0, 760.5]
    assert theory.half_life(theory.gate(3.0)) == pytest.approx(theory.gate_half_life(3.0), rel=1e-12)


def test_live_units():
    """C(2t, t) / 4^t, its asymptote, and random walks of two unlike laws."""
    shares = theory.alive_share(400)
    assert shares[[0, 1, 2, 10]].tolist() == pytest.approx([1, 1 / 2, 3 / 8, math.comb(20, 10) / 4**10])
    assert shares[-1] * math.sqrt(math.pi * 400) == pytest.approx(1, rel=1 / 1600)
    rng = np.random.default_rng(0)
    for steps in (rng.normal(size=(40_000, 50)), rng.standard_cauchy(size=(40_000, 50))):
        alive = np.mean(np.minimum.accumulate(np.cumsum(steps, axis=1), axis=1) > 0, axis=0)
        error = np.sqrt(shares[1:51] * (1 - shares[1:51]) / 40_000)
        assert np.all(np.abs(alive - shares[1:51]) < 4 * error)


def test_the_share_of_units_that_stay_on_is_that_of_reflected_walks():
    """Half a million sums of symmetric steps with a floor at 0: on in each of the last k of 12 steps."""
    rng, at, last_off = np.random.default_rng(0), np.zeros(500_000), np.zeros(500_000, int)
    for t in range(1, 13):
        at = np.maximum(at + rng.laplace(size=at.shape), 0)
        last_off[at == 0] = t
    expected = [np.mean(last_off <= 12 - k) for k in range(13)]
    assert 100 ** theory.identity_rail(12) == pytest.approx(expected, abs=2e-3)
    assert 100 ** theory.identity_rail(12)[-1] == pytest.approx(theory.alive_share(12)[-1])


def test_live_units_of_an_identity_initialised_cell():
    inputs = np.random.default_rng(1).normal(size=(50, 40, 100))
    cell = relu_cell(100, 100, seed=0, start="identity", bias=False)
    profile = jacobian_profile(cell, run(cell, inputs), spectral=False)
    measured = np.mean(10 ** (2 * profile.log10_rms[0]))
    assert measured == pytest.approx(theory.alive_share(50)[-1], rel=0.15)


@pytest.mark.parametrize("terms", [1, 2, 3, 7])
def test_additive_recurrences(terms):
    for weight in (0.3 / terms, 1 / terms, 1.3 / terms, -0.4):
        roots = theory.additive_roots(weight, terms)
        assert len(roots) == terms
        for root in roots:
            others = weight * sum(root**k for k in range(terms))
            assert root**terms == pytest.approx(others, abs=1e-9)
        f = [1.0] * terms
        for _ in range(400):
            f.append(weight * sum(f[-terms:]))
        if weight > 0:
            assert f[-1] / f[-2] == pytest.approx(abs(roots[0]), rel=1e-6)
            assert (abs(roots[0]) > 1 + 1e-9, abs(roots[0]) < 1 - 1e-9) == (weight * terms > 1.1, weight * terms < 0.9)
    assert theory.additive_roots(0.0, terms).tolist() == [0.0] * terms


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "gelu"])
def test_what_must_vanish(name):
    weights = recurrent_weights("gaussian", 20, seed=0, gain=0.7)
    cell = PlainCell(weights, activation=name)
    profile = jacobian_profile(cell, run(cell, np.random.default_rng(0).normal(size=(60, 5, 20))))
    bound = theory.vanishing_bound(np.linalg.norm(weights, 2), name, 60)
    assert np.all(profile.log10_spectral[::-1] <= bound[:, None] + 1e-12)


@pytest.mark.parametrize(("gain", "kind"), [(1 / math.sqrt(3), "torch_default"), (1.0, "gaussian"), (1.5, "gaussian")])
def test_the_rail_of_a_driven_tanh_cell(gain, kind):
    """128 units, 128 inputs a step: the factor a step within 2 % of mean-field theory, median over networks."""
    n, steps = 128, 60
    rail = theory.jacobian_rail(steps, "tanh", gain**2, 1 / 3 + 2 / (3 * n))
    assert rail.shape == (steps + 1,) and rail[-1] == 0
    measured = []
    for seed in range(5):
        cell = tanh_cell(n, n, seed=seed, start=kind, gain=1.0 if kind == "torch_default" else gain)
        inputs = np.random.default_rng(seed).normal(size=(steps, 2, n))
        measured.append(jacobian_profile(cell, run(cell, inputs), spectral=False).log10_rms[0])
    assert np.median(measured) / steps == pytest.approx(rail[0] / steps, abs=0.009)


def test_the_rail_of_a_relu_cell():
    assert theory.jacobian_rail(30, "relu", 2.0, 0.5) == pytest.approx(np.zeros(31), abs=1e-12)
    assert theory.jacobian_rail(30, "relu", 0.5, 0.5)[0] == pytest.approx(-30 * math.log10(2), abs=1e-9)


def test_what_is_refused():
    for call, message in (
        (lambda: theory.power_rail(-1, 3), "spectral_radius = -1"),
        (lambda: theory.power_rail(0.9, 0), "steps = 0: a whole number of at least 1"),
        (lambda: theory.power_rail(0.9, 3, condition=0.5), "condition = 0.5: a number of at least 1"),
        (lambda: theory.jordan_power_norm(0.0, 1.0, 3), "eigenvalue, coupling = 0.0, 1.0"),
        (lambda: theory.kreiss_bound([[1.0, 2.0]]), r"weights has shape \(1, 2\)"),
        (lambda: theory.vanishing_bound(np.inf, "tanh", 3), "norm = inf"),
        (lambda: theory.vanishing_bound(1.0, "tan", 3), "activation = 'tan'"),
        (lambda: theory.gate_half_life(np.nan), "bias = nan"),
        (lambda: theory.gate_bias(0), "half_life = 0: a positive finite number"),
        (lambda: theory.alive_share(0), "steps = 0"),
        (lambda: theory.identity_rail(0), "steps = 0"),
        (lambda: theory.additive_roots(np.inf), "weight = inf"),
        (lambda: theory.additive_roots(0.5, 0), "terms = 0"),
        (lambda: theory.jacobian_rail(0, "tanh", 1.0, 1.0), "steps = 0"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
