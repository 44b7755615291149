"""What the forward pass keeps, against direct counting and exact symmetries."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradlab.activations import ACTIVATIONS, DEAD, SATURATED
from gradlab.backprop import Stack, dense_stack, forward
from gradlab.records import SignalProfile
from gradlab.signals import signal_profile


def noise(examples, width, seed=0):
    return np.random.default_rng(1000 + seed).normal(size=(examples, width))


def pairs(h):
    """Mean cosine, pair by pair."""
    found = [a @ b / math.sqrt((a @ a) * (b @ b)) for i, a in enumerate(h) for b in h[:i]]
    return np.mean(found)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_every_quantity_by_counting(name):
    stack, x = dense_stack([9, 12, 7, 12], name, "torch_default", seed=3, gain=4.0), noise(6, 9) + 0.3
    found, states, phi = signal_profile(stack, x), forward(stack, x), ACTIVATIONS[name]
    assert (found.depth, found.width, found.activation, found.examples) == (3, None, name, 6)
    for ell, (z, h) in enumerate(zip(states.pre, states.post, strict=True)):
        slope = np.abs(phi.slope(z)) / phi.slope_supremum
        counted_dead = [all(s < DEAD for s in unit) for unit in slope.T]
        still = [np.std(unit) <= 0.1 * math.sqrt(np.mean(unit**2)) for unit in h.T]
        assert found.z_rms[ell] == pytest.approx(math.sqrt(np.mean(z**2)), rel=1e-12)
        np.testing.assert_allclose(found.z_quantiles[ell], np.quantile(z, [0.05, 0.25, 0.5, 0.75, 0.95]), rtol=1e-12)
        assert found.slope_rms[ell] == pytest.approx(math.sqrt(np.mean(phi.slope(z) ** 2)), rel=1e-12)
        assert found.saturated[ell] == np.mean(slope < SATURATED)
        assert found.dead[ell] == np.mean(counted_dead)
        assert found.constant[ell] == np.mean(still)
        rows = h[np.any(h, axis=1)]
        assert found.cosine[ell] == pytest.approx(pairs(rows), rel=1e-9)


def test_the_orthogonal_inputs_are_orthogonal_and_as_large_as_the_examples():
    """A linear layer of orthogonal weights keeps every angle and norm: what comes out is what went in."""
    stack = dense_stack([16] * 4, "linear", "orthogonal", seed=0)
    found = signal_profile(stack, 3 + noise(40, 16))
    np.testing.assert_allclose(found.orthogonal_cosine, 0, atol=1e-12)
    assert found.cosine.min() > 0.5
    x = 5 * np.eye(16)[:6]  # already orthogonal: the examples themselves are sent
    found = signal_profile(dense_stack([16, 200, 200], "relu", "torch_default", seed=1), x)
    np.testing.assert_allclose(found.orthogonal_cosine, found.cosine, rtol=1e-12)


@settings(max_examples=30, deadline=None)
@given(gain=st.floats(1e-3, 1e3), seed=st.integers(0, 100))
def test_without_biases_a_relu_network_keeps_its_shares_and_cosines_at_every_gain(gain, seed):
    x = noise(8, 10, seed)
    one = signal_profile(dense_stack([10] * 9, "relu", "kaiming_normal", seed=seed), x)
    scaled = signal_profile(dense_stack([10] * 9, "relu", "kaiming_normal", seed=seed, gain=gain), x)
    for name in ("saturated", "dead", "slope_rms"):
        np.testing.assert_allclose(getattr(scaled, name), getattr(one, name), atol=1e-12)
    for name in ("cosine", "orthogonal_cosine"):
        np.testing.assert_allclose(getattr(scaled, name), getattr(one, name), atol=1e-9)
    np.testing.assert_allclose(scaled.log10_z_rms - one.log10_z_rms, np.arange(1, 9) * math.log10(gain), atol=1e-9)


def test_a_layer_of_biases_alone_is_dead_or_constant():
    weights = np.zeros((4, 3))
    stack = Stack((weights,), (np.array([-1.0, -0.5, 2.0, 3.0]),), ("relu",))
    found = signal_profile(stack, noise(5, 3))
    assert (found.dead[0], found.constant[0], found.saturated[0]) == (0.5, 1.0, 0.5)
    assert found.cosine[0] == found.orthogonal_cosine[0] == pytest.approx(1, rel=1e-12)


def test_where_nothing_is_left_there_is_no_direction():
    stack = Stack((np.zeros((4, 3)),), (-np.ones(4),), ("relu",))
    found = signal_profile(stack, noise(5, 3))
    assert found.dead[0] == found.constant[0] == 1
    assert np.isnan(found.cosine[0]) and np.isnan(found.orthogonal_cosine[0])
    silent = signal_profile(Stack((np.zeros((4, 3)),), (np.zeros(4),), ("tanh",)), noise(5, 3))
    assert silent.log10_z_rms[0] == -np.inf and silent.z_rms[0] == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("decades", [-25, 0, 25])
def test_sizes_whose_squares_leave_float32(dtype, decades):
    stack = Stack((10.0**decades * np.eye(4, dtype=dtype),), (np.zeros(4, dtype),), ("linear",))
    x = noise(5, 4)
    found = signal_profile(stack, x)
    assert found.log10_z_rms[0] == pytest.approx(decades + np.log10(np.sqrt(np.mean(x**2))), abs=1e-6)
    assert found.cosine[0] == pytest.approx(pairs(x), rel=1e-5)
    assert found.orthogonal_cosine[0] == pytest.approx(0, abs=1e-6)


def test_an_overflow_is_a_result():
    stack = dense_stack([20] * 41, "relu", "standard_normal", seed=0, dtype=np.float32, gain=10)
    found = signal_profile(stack, noise(4, 20))
    first = found.overflow_layer
    assert 20 < first < 30
    assert np.isfinite(found.log10_z_rms[: first - 1]).all() and np.isnan(found.log10_z_rms[first - 1 :]).all()
    assert np.isfinite(found.z_quantiles[: first - 1]).all() and np.isnan(found.z_quantiles[first - 1 :]).all()


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.ones((1, 3)), r"x has shape \(1, 3\); at least two examples"),
        (np.ones((4, 1)), r"x has shape \(4, 1\); at least two examples"),
        (np.ones(3), r"x has shape \(3,\); at least two examples"),
        (np.zeros((4, 3)), r"x is 0 throughout"),
        (np.full((4, 3), np.nan), r"x holds nan; finite numbers are wanted"),
        (np.ones((4, 2)), r"x has shape \(4, 2\); \(B, 3\) is wanted"),
    ],
)
def test_what_is_refused(x, message):
    with pytest.raises(ValueError, match=message):
        signal_profile(dense_stack([3, 4], "relu", "kaiming_normal", seed=0), x)


def test_the_record_refuses_other_shapes():
    with pytest.raises(ValueError, match=r"z_quantiles has shape \(2, 4\); with depth 2 it must be \(2, 5\)"):
        SignalProfile(2, 3, "relu", 4, np.zeros(2), np.zeros((2, 4)), *np.zeros((6, 2)))
    assert SignalProfile(2, 3, "relu", 4, np.zeros(2), np.zeros((2, 5)), *np.zeros((6, 2))).layers.tolist() == [1, 2]
