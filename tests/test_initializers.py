"""Every initializer beside its namesake in torch.nn.init: bounds, variances, biases, kernels."""

import math

import numpy as np
import pytest
import torch

from gradlab.initializers import INITIALIZERS, initializer

N_OUT, N_IN = 60, 90
names = pytest.mark.parametrize("name", INITIALIZERS)


def draws(name, count=40, **kwargs):
    rng = np.random.default_rng(7)
    return np.array([INITIALIZERS[name].draw(N_OUT, N_IN, rng, **kwargs) for _ in range(count)])


@names
def test_the_drawn_variance_is_the_stated_one(name):
    w = draws(name)
    # 216,000 weights: the relative standard error of their mean square is at most sqrt(2 / 216,000) = 0.3 %
    assert np.mean(w**2) == pytest.approx(INITIALIZERS[name].weight_variance(N_IN, N_OUT), rel=0.015)
    assert abs(w.mean()) < 5 * w.std() / math.sqrt(w.size)


@names
def test_biases(name):
    law, rng = INITIALIZERS[name], np.random.default_rng(3)
    b = np.array([law.draw_bias(500, N_IN, rng) for _ in range(20)])
    assert np.mean(b**2) == pytest.approx(law.bias_variance(N_IN), rel=0.06, abs=0)
    assert b.any() == (name in ("torch_default", "nielsen"))


@pytest.mark.parametrize("name", ["xavier_normal", "xavier_uniform", "kaiming_normal", "kaiming_uniform", "orthogonal"])
def test_the_namesake_in_torch_has_that_variance(name):
    torch.manual_seed(0)
    w = torch.empty(40, N_OUT, N_IN)
    for matrix in w:
        getattr(torch.nn.init, f"{name}_")(matrix, **({"nonlinearity": "relu"} if "kaiming" in name else {}))
    assert float((w**2).mean()) == pytest.approx(INITIALIZERS[name].weight_variance(N_IN, N_OUT), rel=0.015)


def test_the_default_of_torch_has_its_bounds():
    layer, ours = torch.nn.Linear(N_IN, 4000), draws("torch_default")
    bound = 1 / math.sqrt(N_IN)
    for values in (layer.weight.detach().numpy(), layer.bias.detach().numpy(), ours):
        assert 0.99 * bound < np.abs(values).max() <= bound * (1 + 1e-6)


@pytest.mark.parametrize(("n_out", "n_in"), [(4, 7), (7, 4), (5, 5), (1, 3)])
def test_orthogonal_rows_or_columns(n_out, n_in):
    w = INITIALIZERS["orthogonal"].draw(n_out, n_in, np.random.default_rng(0), gain=3.0)
    assert w.shape == (n_out, n_in)
    product = w @ w.T if n_out < n_in else w.T @ w
    np.testing.assert_allclose(product, 9 * np.eye(min(n_out, n_in)), atol=1e-13)


def kernels(name, c_out=30, c_in=20, size=3, count=12, **kwargs):
    rng = np.random.default_rng(7)
    return np.array([INITIALIZERS[name].draw_kernel(c_out, c_in, size, rng, **kwargs) for _ in range(count)])


@pytest.mark.parametrize("name", [name for name in INITIALIZERS if name != "orthogonal"])
def test_a_kernel_counts_every_weight_that_an_output_sees(name):
    w = kernels(name)
    assert w.shape == (12, 30, 20, 3, 3)
    assert np.mean(w**2) == pytest.approx(
        INITIALIZERS[name].weight_variance(20 * 9, 30 * 9), rel=0.025
    )  # 64,800 weights


@pytest.mark.parametrize("name", ["xavier_normal", "xavier_uniform", "kaiming_normal", "kaiming_uniform", "orthogonal"])
def test_the_namesake_in_torch_draws_such_kernels(name):
    torch.manual_seed(0)
    w, ours = torch.empty(12, 30, 20, 3, 3), kernels(name)
    for kernel in w:
        getattr(torch.nn.init, f"{name}_")(kernel, **({"nonlinearity": "relu"} if "kaiming" in name else {}))
    assert float((w**2).mean()) == pytest.approx(np.mean(ours**2), rel=0.035)
    if "uniform" in name:
        assert float(w.abs().max()) == pytest.approx(np.abs(ours).max(), rel=1e-3)


def test_the_default_of_a_convolution_in_torch_has_its_bounds():
    layer, bound = torch.nn.Conv2d(20, 300, 3), 1 / math.sqrt(20 * 9)
    bias = INITIALIZERS["torch_default"].draw_bias(3000, 20 * 9, np.random.default_rng(0))
    for values in (layer.weight.detach().numpy(), layer.bias.detach().numpy(), kernels("torch_default"), bias):
        assert 0.97 * bound < np.abs(values).max() <= bound * (1 + 1e-6)


@pytest.mark.parametrize(("c_out", "c_in", "size"), [(5, 2, 3), (20, 2, 3)])
def test_an_orthogonal_kernel_is_so_as_a_matrix(c_out, c_in, size):
    w = kernels("orthogonal", c_out, c_in, size, count=1, gain=2.0)[0].reshape(c_out, -1)
    product = w @ w.T if c_out < w.shape[1] else w.T @ w
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-13)


@names
def test_a_kernel_of_one_weight_is_a_matrix(name):
    np.testing.assert_array_equal(kernels(name, N_OUT, N_IN, 1, 2)[..., 0, 0], draws(name, 2))


@names
def test_gain_multiplies_the_weights(name):
    np.testing.assert_allclose(kernels(name, count=1, gain=2.5), 2.5 * kernels(name, count=1), rtol=1e-14)
    np.testing.assert_allclose(draws(name, 1, gain=2.5), 2.5 * draws(name, 1), rtol=1e-14)
    law = INITIALIZERS[name]
    assert law.weight_variance(9, 4, gain=3.0) == pytest.approx(9 * law.weight_variance(9, 4))


def test_unknown_names_and_sizes():
    with pytest.raises(ValueError, match=r"initializer = 'xavier': did you mean .*'xavier_normal'.* one of"):
        initializer("xavier")
    with pytest.raises(ValueError, match=r"n_in = 0: a whole number of at least 1"):
        INITIALIZERS["nielsen"].weight_variance(0, 3)
    with pytest.raises(ValueError, match=r"n_out = -3: a whole number of at least 1"):
        INITIALIZERS["orthogonal"].draw(-3, 2, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"kernel_size = 0: a whole number of at least 1"):
        INITIALIZERS["orthogonal"].draw_kernel(3, 2, 0, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"gain = nan: a finite number"):
        INITIALIZERS["orthogonal"].draw(3, 2, np.random.default_rng(0), gain=math.nan)
