"""Every activation beside PyTorch, its slope beside autograd, its bound and its gain."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradlab.activations import ACTIVATIONS, activation
from gradlab.theory import gaussian_mean

TORCH = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": torch.nn.functional.leaky_relu,
    "elu": torch.nn.functional.elu,
    "selu": torch.selu,
    "gelu": torch.nn.functional.gelu,
    "silu": torch.nn.functional.silu,
    "softplus": torch.nn.functional.softplus,
    "linear": lambda z: z,
}
Z = np.concatenate([np.linspace(-9, 9, 361), [-40.0, 0.0, 40.0]])
names = pytest.mark.parametrize("name", ACTIVATIONS)


def test_all_are_compared():
    assert ACTIVATIONS.keys() == TORCH.keys()


@names
def test_value_and_slope_agree_with_torch(name):
    z = torch.tensor(Z, requires_grad=True)
    value = TORCH[name](z)
    slope = torch.autograd.grad(value.sum(), z)[0]
    # torch's softplus is z itself beyond 20, and its 1 - tanh^2 cancels: hence absolute tolerances
    np.testing.assert_allclose(
        ACTIVATIONS[name].value(Z), value.detach(), rtol=1e-13, atol=3e-9 * (name == "softplus") + 1e-14
    )
    np.testing.assert_allclose(ACTIVATIONS[name].slope(Z), slope, rtol=1e-12, atol=3e-9 * (name == "softplus") + 1e-14)


@names
@given(z=st.floats(-700, 700))
def test_no_slope_exceeds_the_supremum(name, z):
    phi = ACTIVATIONS[name]
    assert abs(phi.slope(np.array([z]))[0]) <= phi.slope_supremum * (1 + 1e-12)


@names
def test_the_supremum_is_the_least_bound(name):
    phi = ACTIVATIONS[name]
    fine = np.concatenate([np.linspace(-5, 5, 100_001), [40.0]])
    assert np.abs(phi.slope(fine)).max() == pytest.approx(phi.slope_supremum, rel=1e-8)


@names
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shape_and_type_are_kept(name, dtype):
    z = np.array([[-1.5, 0.0, 2.5]], dtype)
    for f in (ACTIVATIONS[name].value, ACTIVATIONS[name].slope):
        assert (f(z).dtype, f(z).shape) == (dtype, (1, 3))


def test_tails_keep_their_digits():
    z = np.array([-300.0, -50.0, 50.0])
    np.testing.assert_allclose(ACTIVATIONS["sigmoid"].slope(z), np.exp(-np.abs(z)), rtol=1e-13)
    np.testing.assert_allclose(ACTIVATIONS["tanh"].slope(z), 4 * np.exp(-2 * np.abs(z)), rtol=1e-13)
    deep = np.array([-1.0, -5.0, -20.0, -35.0])
    gelu = [z * math.erfc(-z / math.sqrt(2)) / 2 for z in deep]
    np.testing.assert_allclose(ACTIVATIONS["gelu"].value(deep), gelu, rtol=2e-13)


@names
def test_gain(name):
    phi = ACTIVATIONS[name]
    if name in ("elu", "gelu", "silu", "softplus"):  # PyTorch names none
        assert phi.gain == pytest.approx(gaussian_mean(lambda z: phi.value(z) ** 2, 1.0) ** -0.5, rel=1e-12)
    else:
        assert phi.gain == pytest.approx(torch.nn.init.calculate_gain(name), rel=1e-14)


@pytest.mark.parametrize(("wrong", "near"), [("sigmod", "'sigmoid'"), ("ReLU", "'relu'"), ("leaky", "'leaky_relu'")])
def test_an_unknown_name_is_met_with_its_neighbours(wrong, near):
    with pytest.raises(ValueError, match=rf"activation = '{wrong}': did you mean {near}.* one of sigmoid, tanh"):
        activation(wrong)
    with pytest.raises(ValueError, match=r"activation = None: it may be one of"):
        activation(None)


def test_an_activation_passes_through():
    assert activation(ACTIVATIONS["elu"]) is ACTIVATIONS["elu"]
