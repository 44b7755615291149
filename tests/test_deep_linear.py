"""Deep linear networks: Saxe's equation against other roads, and gradient descent by hand against all of them."""

import math

import numpy as np
import pytest

from gradlab import theory
from gradlab.backprop import backward, dense_stack, forward
from gradlab.deep_linear import STARTS, linear_descent
from gradlab.records import LinearDescent


def steps_to(depth, strength, scale=1.0, **more):
    return 10 ** theory.log10_learning_steps(depth, strength, scale, **more)


# -------------------------------------------------------------------------------------------------- theory


@pytest.mark.parametrize("strength", [0.5, 2.0, 10.0])
@pytest.mark.parametrize("scale", [0.1, 0.3, 0.6])
def test_closed_forms_of_one_and_two_layers(strength, scale):
    """One layer is an exponential, two are a logistic curve."""
    y = scale / strength
    if y < 0.9:
        assert steps_to(1, strength, scale) == pytest.approx(math.log((1 - y) / 0.1), rel=1e-9)
    y = scale**2 / strength
    assert steps_to(2, strength, scale) == pytest.approx(math.log(9) - math.log(y / (1 - y)), rel=1e-9)


def test_the_limit_of_many_layers():
    """Source: Saxe et al. 2014, equation 16, for the same strength at the start."""
    start, strength = 0.3, 3.0
    y = start / strength
    limit = math.log(9 * (1 - y) / y) + 1 / y - 1 / 0.9
    assert steps_to(10**6, strength, start ** (1 / 10**6)) == pytest.approx(limit, rel=1e-4)


@pytest.mark.parametrize(("depth", "scale"), [(1, 0.2), (2, 0.5), (3, 0.4), (7, 0.8), (40, 1.0)])
def test_the_integral_against_small_steps_of_the_equation(depth, scale):
    """Runge and Kutta on du/dt = L u^(2 - 2/L) (s - u), a second road to time and curve."""
    s, step = 3.0, 2e-4
    rate = theory.fastest_rate(depth, s)

    def flow(u):
        return rate * depth * u ** (2 - 2 / depth) * (s - u)

    u, path = scale**depth, []
    while u < 0.9 * s:
        path.append(u)
        a = flow(u)
        b = flow(u + step / 2 * a)
        c = flow(u + step / 2 * b)
        u += step / 6 * (a + 2 * b + 2 * c + flow(u + step * c))
    assert len(path) * step == pytest.approx(steps_to(depth, s, scale), abs=2 * step)
    at = np.arange(len(path))[::500]
    curve = theory.mode_strength(depth, s, scale, at * step)
    np.testing.assert_allclose(curve, np.array(path)[at] / s, atol=1e-3)


def test_curve_and_time_agree_also_where_the_start_is_below_float64():
    for depth, scale in ((3, 0.5), (100, 0.9), (200, 0.95)):
        time = theory.log10_learning_steps(depth, 2.0, scale)
        assert theory.mode_strength(depth, 2.0, scale, 10**time) == pytest.approx(0.9, abs=0.01)
    assert theory.log10_learning_steps(2000, 2.0, 0.5) == pytest.approx(0.999 * 2001 * math.log10(2), abs=0.01)
    assert float(theory.mode_strength(2000, 2.0, 0.5, 1e9)) == 0


def test_what_depth_costs():
    """Layers that keep the mode: a bounded number of steps. Layers of 0.9: exponentially many, 1/0.9 times each."""
    level = [steps_to(depth, 2.0) for depth in (2, 10, 100, 1000)]
    assert level == sorted(level) and level[-1] < 1.5 * level[0]
    a, b = (theory.log10_learning_steps(depth, 2.0, 0.9) for depth in (200, 300))
    assert (b - a) / 100 == pytest.approx(-math.log10(0.9), rel=0.02)


def test_a_slower_rate_takes_longer_and_nothing_is_left_to_do():
    assert steps_to(5, 2.0, rate=0.1) == pytest.approx(10 * steps_to(5, 2.0))
    assert steps_to(5, 1.0, 1.0) == 0 and steps_to(5, 0.5, 1.0) == 0


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: theory.fastest_rate(0, 1.0), "depth = 0"),
        (lambda: theory.fastest_rate(2.5, 1.0), "depth = 2.5"),
        (lambda: theory.fastest_rate(2, -1.0), "strength = -1.0"),
        (lambda: theory.log10_learning_steps(2, 1.0, 0.0), "scale = 0.0"),
        (lambda: theory.log10_learning_steps(2, 1.0, share=1.0), "share = 1.0"),
        (lambda: theory.log10_learning_steps(2, 1.0, rate=math.nan), "rate = nan"),
        (lambda: theory.mode_strength(2, 1.0, 1.1, [1]), "scale = 1.1 to the power of 2"),
        (lambda: theory.mode_strength(2, 2.0, 1.0, [1, -1]), "steps = -1.0"),
    ],
)
def test_theory_names_bad_input(call, named):
    with pytest.raises(ValueError, match=named):
        call()


# ------------------------------------------------------------------------------------------------- measurement


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("depth", [1, 2, 5])
def test_a_step_is_that_of_the_backward_pass(start, depth):
    """By `backprop`, with the white inputs e_1, ..., e_n: their mean squared error has this loss."""
    n, s, scale = 6, 3.0, 0.9
    run = linear_descent(depth, start, seed=3, strength=s, scale=scale, rate=0.5, steps=2, width=n, networks=1)
    law = {"aligned": None, "orthogonal": "orthogonal", "gaussian": "lecun_normal"}[start]
    stack = dense_stack([n] * depth + [1], "linear", law or "orthogonal", seed=0)
    from gradlab.deep_linear import _drawn

    weights = [scale * _drawn(start, 3, ell, depth, n, 1)[0] for ell in range(depth)]
    target, eta = s * np.eye(n)[:, :1], 0.5 * theory.fastest_rate(depth, s)
    for step in range(3):
        now = type(stack)(weights, stack.biases, stack.activations)
        states = forward(now, np.eye(n))
        error = states.post[-1] - target
        assert run.mode[step, 0, 0] == pytest.approx(states.post[-1][0, 0] / s)
        assert run.error[step, 0, 0] == pytest.approx(np.linalg.norm(error) / s)
        gradients = backward(now, states, error)
        weights = [w - eta * g for w, g in zip(weights, gradients.weights, strict=True)]


@pytest.mark.parametrize("depth", [1, 2, 3, 5, 10, 20, 50, 100])
def test_aligned_layers_follow_the_equation(depth):
    run = linear_descent(depth, "aligned", seed=0, strength=[2, 5, 10], scale=1.0, rate=0.05, steps=400)
    for p, s in enumerate((2.0, 5.0, 10.0)):
        rail = theory.mode_strength(depth, s, 1.0, np.arange(401), rate=0.05)
        np.testing.assert_allclose(run.mode[:, p, 0], rail, atol=0.03)
        expected = steps_to(depth, s, rate=0.05)
        assert run.learned_at()[p, 0] == pytest.approx(expected, rel=0.03, abs=1)


def test_orthogonal_layers_learn_at_any_depth_and_gaussian_ones_do_not():
    """In 300 steps of a fifth of the fastest rate; orthogonal layers need not know the mode."""
    for depth in (5, 20, 100):
        assert linear_descent(depth, "orthogonal", seed=0, steps=300).learned_at().max() < 150
    assert np.isinf(linear_descent(100, "gaussian", seed=0, steps=300).learned_at()).all()
    assert np.isfinite(linear_descent(5, "gaussian", seed=0, steps=300).learned_at()).all()


@pytest.mark.parametrize("depth", [2, 20])
def test_twice_the_fastest_rate_is_the_end(depth):
    """Just below it settles at the mode, just above it does not."""
    near = linear_descent(depth, "aligned", seed=0, strength=1.1, rate=[1.9, 2.1], steps=300)
    assert near.error[-1, 0, 0] < 1e-3 and not near.error[-1, 1, 0] < 1e-2


def test_settings_and_networks_do_not_disturb_each_other():
    many = linear_descent(4, "gaussian", seed=0, strength=[2, 5], scale=[1, 0.8], steps=20, networks=3)
    one = linear_descent(4, "gaussian", seed=0, strength=5, scale=0.8, steps=20, networks=2)
    np.testing.assert_allclose(many.mode[:, 1, :2], one.mode[:, 0], rtol=1e-12)
    assert many.steps == 20 and many.strength.tolist() == [2, 5] and many.learned_at().shape == (2, 3)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"start": "random"}, "start: got 'random', expected one of aligned, orthogonal, gaussian"),
        ({"depth": 0}, "depth: got 0"),
        ({"steps": 0}, "steps: got 0"),
        ({"width": 1}, "width: got 1"),
        ({"networks": True}, "networks: got True"),
        ({"scale": 0}, "scale: got"),
        ({"strength": [1, math.inf]}, "strength: got"),
    ],
)
def test_measurement_names_bad_input(changed, named):
    given = {"depth": 2, "start": "aligned", "seed": 0} | changed
    with pytest.raises(ValueError, match=named):
        linear_descent(given.pop("depth"), given.pop("start"), **given)


def test_the_record_checks_its_shapes():
    with pytest.raises(ValueError, match="mode has shape"):
        LinearDescent(2, "aligned", np.ones(1), np.ones((2, 1)), np.ones((2, 1)))
    with pytest.raises(ValueError, match="error has shape"):
        LinearDescent(2, "aligned", np.ones(1), np.ones((2, 1, 1)), np.ones((3, 1, 1)))
