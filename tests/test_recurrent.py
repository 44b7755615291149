"""Recurrent cells against PyTorch's, Jacobians against autograd and high precision, and what is refused."""

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradlab import products
from gradlab.recurrent import (
    KINDS,
    GRUCell,
    LSTMCell,
    PlainCell,
    backpropagation_through_time,
    gradient_terms,
    gru_cell,
    jacobian_profile,
    linear_cell,
    lstm_cell,
    lyapunov_exponents,
    pair,
    power_norms,
    recurrent_weights,
    relu_cell,
    run,
    spectral_radius,
    step_jacobians,
    tanh_cell,
    two_by_two,
    with_eigenvalues,
)

T, B, N, N_IN = 7, 3, 5, 4
CELLS = {
    "tanh": (tanh_cell, lambda: torch.nn.RNN(N_IN, N, nonlinearity="tanh")),
    "relu": (relu_cell, lambda: torch.nn.RNN(N_IN, N, nonlinearity="relu")),
    "lstm": (lstm_cell, lambda: torch.nn.LSTM(N_IN, N)),
    "gru": (gru_cell, lambda: torch.nn.GRU(N_IN, N)),
}
FIELDS = {
    "weights": "weight_hh_l0",
    "input_weights": "weight_ih_l0",
    "biases": "bias_hh_l0",
    "input_biases": "bias_ih_l0",
}


def numbers(*shape, seed=1):
    """Random numbers none of which is near 0: a zero would hide a wrong gradient."""
    drawn = np.random.default_rng(seed).normal(size=shape)
    return drawn + 0.3 * np.sign(drawn)


def in_torch(cell, module):
    module = module.double()
    with torch.no_grad():
        for ours, theirs in FIELDS.items():
            getattr(module, theirs).copy_(torch.from_numpy(getattr(cell, ours)))
    return module


def torch_run(cell, module, inputs, start):
    """All h, the last state, and the tensors behind them."""
    x, s = (torch.tensor(a, requires_grad=True) for a in (inputs, start))
    parts = [part.contiguous()[None] for part in s.split(cell.n, dim=1)]
    out, last = module(x, tuple(parts) if len(parts) > 1 else parts[0])
    return out, torch.cat(last if isinstance(last, tuple) else (last,), dim=-1)[0], x, s


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("every_step", [False, True])
def test_forward_and_backward_as_in_pytorch(name, every_step):
    make, module = CELLS[name]
    cell = make(N, N_IN, seed=2)
    module = in_torch(cell, module())
    inputs, start = numbers(T, B, N_IN), numbers(B, cell.size, seed=3)
    states = run(cell, inputs, start)
    out, last, x, s = torch_run(cell, module, inputs, start)
    np.testing.assert_allclose(states.h[1:], out.detach(), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(states.state[-1], last.detach(), rtol=1e-12, atol=1e-14)
    assert states.steps == T and states.c.shape == (T + 1, B, N if name == "lstm" else 0)
    output_gradient = numbers(T, B, N, seed=4) if every_step else numbers(B, N, seed=4)
    ours = backpropagation_through_time(cell, states, output_gradient)
    of, at = (out, output_gradient) if every_step else (out[-1], output_gradient)
    wanted = [getattr(module, theirs) for theirs in FIELDS.values()]
    theirs = torch.autograd.grad(of, [*wanted, x, s], torch.from_numpy(at))
    for field, theirs_of_field in zip((*FIELDS, "inputs"), theirs, strict=False):
        np.testing.assert_allclose(getattr(ours, field), theirs_of_field, rtol=1e-10, atol=1e-13, err_msg=field)
    np.testing.assert_allclose(ours.state[0], theirs[-1], rtol=1e-10, atol=1e-13)


def torch_step(cell, x):
    """One step of the cell as a function of the state (m,) of one example, by PyTorch's cells."""
    kinds = {LSTMCell: torch.nn.LSTMCell, GRUCell: torch.nn.GRUCell}
    if type(cell) in kinds:
        module = kinds[type(cell)](cell.n_in, cell.n).double()
    else:
        module = torch.nn.RNNCell(cell.n_in, cell.n, nonlinearity=cell.activation.name).double()
    with torch.no_grad():
        for ours, theirs in FIELDS.items():
            getattr(module, theirs.removesuffix("_l0")).copy_(torch.from_numpy(getattr(cell, ours)))
    x = torch.from_numpy(x)

    def step(s):
        if len(s) == cell.n:
            return module(x, s)
        return torch.cat(module(x, tuple(s.split(cell.n))))

    return step


@pytest.mark.parametrize("name", CELLS)
def test_step_jacobians_as_in_autograd(name):
    cell = CELLS[name][0](N, N_IN, seed=2)
    states = run(cell, numbers(T, B, N_IN), numbers(B, cell.size, seed=3))
    jacobians = list(step_jacobians(cell, states))
    assert len(jacobians) == T
    for t, jacobian in enumerate(jacobians):
        for b in range(B):
            step = torch_step(cell, states.inputs[t, b])
            wanted = torch.autograd.functional.jacobian(step, torch.from_numpy(states.state[t, b]))
            np.testing.assert_allclose(jacobian[b], wanted, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(
    ("name", "of"), [(name, "h") for name in CELLS] + [("gru", "state"), ("lstm", "c"), ("lstm", "state")]
)
@pytest.mark.parametrize("by", [None, "h", "state"])
def test_the_profile_is_the_product_of_the_step_jacobians(name, of, by):
    cell = CELLS[name][0](N, N_IN, seed=2, gain=1.5)
    states = run(cell, numbers(T, B, N_IN), numbers(B, cell.size, seed=3))
    profile = jacobian_profile(cell, states, of=of, by=by)
    jacobians, product = list(step_jacobians(cell, states)), np.eye(cell.size)[None].repeat(B, axis=0)
    for t in range(T, -1, -1):
        block = product[:, cell.part(of), cell.part(by or of)]
        with np.errstate(divide="ignore"):
            rms = np.log10(np.linalg.norm(block, axis=(1, 2)) / np.sqrt(block.shape[1]))
            largest = np.log10(np.linalg.norm(block, 2, axis=(1, 2)))
        np.testing.assert_allclose(profile.log10_rms[t], rms, atol=1e-12)
        np.testing.assert_allclose(profile.log10_spectral[t], largest, atol=1e-12)
        if t:
            product = product @ jacobians[t - 1]
    np.testing.assert_allclose(profile.end_to_end * 10 ** profile.log10_rms[0][:, None, None], block, atol=1e-13)
    assert (profile.of, profile.by, profile.steps, profile.overflow_step) == (of, by or of, T, None)
    some = jacobian_profile(cell, states, of=of, by=by, spectral=[0, 3])
    np.testing.assert_array_equal(some.log10_rms, profile.log10_rms)
    np.testing.assert_array_equal(some.log10_spectral[[0, 3]], profile.log10_spectral[[0, 3]])
    assert np.isnan(some.log10_spectral[[1, 2, 4, T]]).all()


@pytest.mark.parametrize("name", ["sigmoid", "gelu", "selu", "softplus"])
def test_other_activations_by_central_differences(name):
    rng = np.random.default_rng(0)
    parts = {"weights": rng.normal(size=(3, 3)), "input_weights": rng.normal(size=(3, 2)), "biases": rng.normal(size=3)}
    inputs, at = numbers(4, 2, 2), numbers(4, 2, 3, seed=5)

    def loss(parts):
        return np.sum(run(PlainCell(**parts, activation=name), inputs).h[1:] * at)

    cell = PlainCell(**parts, activation=name)
    gradients = backpropagation_through_time(cell, run(cell, inputs), at)
    for field, array in parts.items():
        for place in np.ndindex(array.shape):
            nudged = [parts | {field: array + size * _unit(array.shape, place)} for size in (1e-6, -1e-6)]
            measured = (loss(nudged[0]) - loss(nudged[1])) / 2e-6
            assert getattr(gradients, field)[place] == pytest.approx(measured, rel=1e-6, abs=1e-8)


def _unit(shape, place):
    unit = np.zeros(shape)
    unit[place] = 1.0
    return unit


def test_one_step_is_a_run_of_one_step():
    for name, (make, _) in CELLS.items():
        cell = make(N, N_IN, seed=2)
        x, start = numbers(B, N_IN), numbers(B, cell.size, seed=3)
        np.testing.assert_array_equal(run(cell, x[None], start).state[1], cell.step(start, x), err_msg=name)


def test_many_examples_are_many_runs():
    cell = lstm_cell(N, N_IN, seed=2)
    inputs = numbers(T, B, N_IN)
    together = jacobian_profile(cell, run(cell, inputs), of="c")
    for b in range(B):
        alone = jacobian_profile(cell, run(cell, inputs[:, b : b + 1]), of="c")
        np.testing.assert_allclose(together.log10_rms[:, b], alone.log10_rms[:, 0], atol=1e-13)
        np.testing.assert_allclose(together.end_to_end[b], alone.end_to_end[0], atol=1e-13)
    gradients = backpropagation_through_time(cell, run(cell, inputs), np.ones((B, N)))
    alone = [backpropagation_through_time(cell, run(cell, inputs[:, [b]]), np.ones((1, N))).weights for b in range(B)]
    np.testing.assert_allclose(gradients.weights, sum(alone), atol=1e-13)


# Beyond the range of floats


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_ten_thousand_steps(factor):
    """0.5^10000 is 1e-3010 and 2^10000 its inverse: no float64 holds either."""
    turn = recurrent_weights("orthogonal", 6, seed=0, gain=factor)
    cell = PlainCell(turn, activation="linear")
    states = run(cell, np.zeros((10_000, 2, 6)))
    profile = jacobian_profile(cell, states)
    wanted = np.arange(10_000, -1, -1)[:, None] * np.log10(factor)
    np.testing.assert_allclose(profile.log10_rms, np.repeat(wanted, 2, axis=1), atol=1e-9)
    np.testing.assert_allclose(profile.log10_spectral, profile.log10_rms, atol=1e-9)
    np.testing.assert_allclose(profile.factor_per_step, factor, rtol=1e-12)
    np.testing.assert_allclose(profile.end_to_end[1] @ profile.end_to_end[1].T, np.eye(6), atol=1e-9)
    exponents = lyapunov_exponents(cell, states, count=3)
    np.testing.assert_allclose(exponents, np.log(factor), rtol=1e-12)
    terms = gradient_terms(cell, run(cell, np.zeros((900, 1, 6)), numbers(1, 6)), numbers(1, 6))
    np.testing.assert_allclose(np.diff(terms.log10_state), -np.log10(factor), atol=1e-12)


@pytest.mark.parametrize("name", ["tanh", "relu", "lstm", "gru"])
def test_long_runs_of_every_cell(name):
    cell = CELLS[name][0](8, 2, seed=0, bias=name != "relu")
    states = run(cell, numbers(10_000, 1, 2))
    profile = jacobian_profile(cell, states, spectral=False)
    finite = np.isfinite(profile.log10_rms)
    assert finite.all() or (name == "relu" and not finite[0])  # dead units are an exact zero
    if name != "relu":
        assert profile.log10_rms[0, 0] < -400
        first = np.log(10) * profile.log10_rms[0, 0] / 10_000
        assert lyapunov_exponents(cell, states, count=1)[0, 0] == pytest.approx(first, abs=5e-3)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("gain", [0.02, 1.0, 30.0])
def test_terms_against_plain_gradients(name, gain):
    cell = CELLS[name][0](N, N_IN, seed=2, gain=gain)
    states = run(cell, numbers(T, B, N_IN), numbers(B, cell.size, seed=3))
    for output_gradient in (numbers(B, N), numbers(T, B, N)):
        plain = backpropagation_through_time(cell, states, output_gradient)
        measured = gradient_terms(cell, states, output_gradient)
        each = np.stack([plain.v[t].T @ states.h[t] for t in range(T)])
        np.testing.assert_allclose(each.sum(axis=0), plain.weights, rtol=1e-12, atol=1e-12 * np.abs(each).max())
        with np.errstate(divide="ignore"):
            sums = np.log10(np.linalg.norm(np.cumsum(each[::-1], axis=0)[::-1], axis=(1, 2)))
            np.testing.assert_allclose(measured.log10_term, np.log10(np.linalg.norm(each, axis=(1, 2))), atol=1e-9)
            np.testing.assert_allclose(
                measured.log10_state, np.log10(np.linalg.norm(plain.state, axis=(1, 2))), atol=1e-9
            )
        np.testing.assert_allclose(measured.log10_sum, sums, atol=1e-9)
        np.testing.assert_allclose(measured.share, 10 ** (measured.log10_term - sums[0]), rtol=1e-12)


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_every_term_alike(factor):
    """h grows as the gradient falls: each of 80 terms is factor^(80 - t) h_{t-1} = factor^79."""
    cell, t = PlainCell([[factor]], activation="linear"), np.arange(80, 0, -1)
    terms = gradient_terms(cell, run(cell, np.zeros((80, 1, 1)), [[1.0]]), [[1.0]])
    np.testing.assert_allclose(terms.log10_state, np.append(t, 0) * np.log10(factor), atol=1e-11)
    np.testing.assert_allclose(terms.log10_term, 79 * np.log10(factor), atol=1e-11)
    np.testing.assert_allclose(terms.log10_sum, 79 * np.log10(factor) + np.log10(t), atol=1e-11)


def test_terms_far_below_the_smallest_float():
    """h = 1 at every step, and the gradient is 1e-3 of itself a step back: the first of 500 terms is 1e-1497."""
    cell = PlainCell([[1e-3]], activation="linear")
    states = run(cell, np.full((500, 1, 1), 1 - 1e-3), [[1.0]])
    terms = gradient_terms(cell, states, [[1.0]])
    np.testing.assert_allclose(terms.log10_term, -3.0 * np.arange(499, -1, -1), atol=1e-9)
    both_ends = np.zeros((500, 1, 1))
    both_ends[[0, 499]] = 1.0  # what comes from the end has long vanished when a new gradient comes in
    terms = gradient_terms(cell, states, both_ends)
    np.testing.assert_allclose(terms.log10_state[[0, 1, 2, 500]], [-3, 0, -1494, 0], atol=1e-9)
    np.testing.assert_allclose(terms.log10_term[:2], [0, -1494], atol=1e-9)


def test_an_exact_zero_stays_one():
    cell = PlainCell(np.zeros((3, 3)))
    states = run(cell, numbers(5, 1, 3))
    profile = jacobian_profile(cell, states)
    assert profile.log10_rms.ravel().tolist() == [-np.inf] * 5 + [0.0]
    np.testing.assert_allclose(profile.log10_spectral.ravel(), [-np.inf] * 5 + [0.0], atol=1e-15)
    assert profile.end_to_end.tolist() == np.zeros((1, 3, 3)).tolist()
    terms = gradient_terms(cell, states, np.ones((1, 3)))
    assert np.isneginf(terms.log10_term[:-1]).all() and np.isfinite(terms.log10_sum).all()
    assert np.isneginf(gradient_terms(cell, states, np.zeros((1, 3))).log10_sum).all()
    assert np.isneginf(lyapunov_exponents(cell, states)).all()


def test_states_that_overflow():
    grows = relu_cell(2, 1, seed=0, start=[[2.0, 0.0], [0.0, 2.0]], bias=False)
    states = run(grows, np.zeros((1200, 1, 1)), [[1.0, 1.0]])
    assert states.overflow_step == 1024
    profile, terms = jacobian_profile(grows, states), gradient_terms(grows, states, np.ones((1, 2)))
    assert profile.overflow_step == terms.overflow_step == 1024
    assert np.isnan(profile.log10_rms).all() and np.isnan(terms.log10_sum).all()
    for function in (lyapunov_exponents, step_jacobians):
        with pytest.raises(ValueError, match="range of floats at step 1024"):
            function(grows, states)
    # the Jacobian of a linear cell asks for no state
    linear = PlainCell(2 * np.eye(2), activation="linear")
    profile = jacobian_profile(linear, run(linear, np.zeros((1200, 1, 2)), [[1.0, 1.0]]))
    assert profile.log10_rms[0, 0] == pytest.approx(1200 * np.log10(2)) and profile.overflow_step is None


def test_jacobians_in_high_precision():
    cell = tanh_cell(4, 2, seed=0, start="gaussian", gain=1.2)
    states = run(cell, numbers(300, 1, 2))
    with mpmath.workdps(1200):
        product = mpmath.eye(4)
        for jacobian in step_jacobians(cell, states):
            product = mpmath.matrix(jacobian[0].tolist()) * product
        squares = sorted((x for x in mpmath.eigsy(product.T * product, eigvals_only=True)), reverse=True)
        largest = float(mpmath.log10(squares[0]) / 2)
        rms = float(mpmath.log10(sum(squares) / 4) / 2)
        exponents = [float(mpmath.log(x) / 600) for x in squares]
    profile = jacobian_profile(cell, states)
    assert profile.log10_spectral[0, 0] == pytest.approx(largest, abs=1e-10)
    assert profile.log10_rms[0, 0] == pytest.approx(rms, abs=1e-10)
    np.testing.assert_allclose(lyapunov_exponents(cell, states)[0], exponents, atol=0.02)
    fan = products.singular_values(j[0] for j in step_jacobians(cell, states))
    assert fan[-1, 0] == pytest.approx(largest, abs=1e-10)


@pytest.mark.parametrize("name", CELLS)
def test_exponents_add_up_to_the_determinant(name):
    cell = CELLS[name][0](N, N_IN, seed=2, gain=2.0)
    if name == "relu":  # some of its units have the slope 0
        cell = PlainCell(cell.weights / 4, cell.input_weights, activation="softplus")
    states = run(cell, numbers(40, B, N_IN))
    volume = np.mean([np.linalg.slogdet(j)[1] for j in step_jacobians(cell, states)], axis=0)
    np.testing.assert_allclose(lyapunov_exponents(cell, states).sum(axis=1), volume, rtol=1e-9)
    kept = list(step_jacobians(cell, states))[5:-5]
    volume = np.mean([np.linalg.slogdet(j)[1] for j in kept], axis=0)
    np.testing.assert_allclose(lyapunov_exponents(cell, states, discard=5).sum(axis=1), volume, rtol=1e-9)
    leading = lyapunov_exponents(cell, states, count=1)
    assert leading.shape == (B, 1)


# Known cells


def test_an_eigenvalue_rule_that_fails():
    """tanh, W of spectral radius 0: at its fixed point the gradient doubles every step (content of Pascanu's claim)."""
    weights, h = np.array([[8.0, 8.0], [-8.0, -8.0]]), np.array([0.0, 0.5])
    cell = PlainCell(weights, biases=np.arctanh(h) - weights @ h)
    states = run(cell, np.zeros((20, 1, 2)), h[None])
    np.testing.assert_allclose(states.h, np.broadcast_to(h, states.h.shape), atol=1e-8)
    jacobian = next(step_jacobians(cell, states))[0]
    np.testing.assert_allclose(jacobian @ jacobian, 2 * jacobian, atol=1e-12)
    profile = jacobian_profile(cell, states)
    assert 10 ** profile.log10_spectral[0, 0] == pytest.approx(2**19 * np.linalg.norm(jacobian, 2), rel=1e-6)
    assert 10 ** profile.log10_spectral[0, 0] == pytest.approx(7.4e6, rel=0.01)


def test_the_identity_initialised_cell_keeps_its_live_units():
    cell = relu_cell(40, 3, seed=1, start="identity", bias=False)
    states = run(cell, numbers(30, 4, 3))
    alive = (states.h[1:] > 0).all(axis=0)
    profile = jacobian_profile(cell, states)
    np.testing.assert_allclose(10 ** profile.log10_rms[0], np.sqrt(alive.mean(axis=1)), rtol=1e-12)
    end_to_end = profile.end_to_end * 10 ** profile.log10_rms[0][:, None, None]
    np.testing.assert_allclose(end_to_end, alive[:, :, None] * np.eye(40), atol=1e-12)


def test_gates_without_weights_are_powers():
    """W = 0: the only way from c_0 to c_T, and from h_0 to h_T in a GRU, is through the gate."""
    rng = np.random.default_rng(0)
    kept = 1 / (1 + np.exp(-1.5))
    lstm = LSTMCell(np.zeros((12, 3)), np.zeros((12, 2)), input_biases=np.repeat([0.3, 1.5, 0.2, 0.1], 3))
    states = run(lstm, rng.normal(size=(50, 1, 2)))
    profile = jacobian_profile(lstm, states, of="c")
    np.testing.assert_allclose(profile.log10_rms[:, 0], profile.back * np.log10(kept), atol=1e-12)
    assert np.isneginf(jacobian_profile(lstm, states, of="h").log10_rms[:-1]).all()
    gru = GRUCell(np.zeros((9, 3)), np.zeros((9, 2)), input_biases=np.repeat([0.3, 1.5, 0.2], 3))
    profile = jacobian_profile(gru, run(gru, rng.normal(size=(50, 1, 2))))
    np.testing.assert_allclose(profile.log10_spectral[:, 0], profile.back * np.log10(kept), atol=1e-12)


def test_out_of_the_box():
    """64 units, 64 inputs from N(0, 1), 100 steps, as PyTorch starts them: what is left of a gradient, in decades."""
    inputs = np.random.default_rng(0).normal(size=(100, 4, 64))

    def decades(cell, of="h"):
        return np.median(jacobian_profile(cell, run(cell, inputs), of=of, spectral=False).log10_rms[0])

    assert decades(tanh_cell(64, 64, seed=0)) == pytest.approx(-33.4, abs=1.5)
    assert decades(tanh_cell(64, 64, seed=0, start="orthogonal")) == pytest.approx(-13.5, abs=0.5)
    for forget_bias, wanted in ((None, -21.2), (1.0, -9.0), (3.0, 0.0), (5.0, 1.0)):
        assert decades(lstm_cell(64, 64, seed=0, forget_bias=forget_bias), "c") == pytest.approx(wanted, abs=1)
    for update_bias, wanted in ((None, -21.1), (3.0, -2.1)):
        assert decades(gru_cell(64, 64, seed=0, update_bias=update_bias)) == pytest.approx(wanted, abs=1)


# Matrices and how cells are drawn


@pytest.mark.parametrize("name", CELLS)
def test_drawn_cells(name):
    make, _ = CELLS[name]
    cell, same = make(100, 3, seed=0), make(100, 3, seed=0)
    np.testing.assert_array_equal(cell.weights, same.weights)
    for field in FIELDS:
        array = getattr(cell, field)
        assert np.abs(array).max() <= 0.1 and array.std() == pytest.approx(0.1 / np.sqrt(3), rel=0.1)
    other = make(100, 3, seed=0, start="orthogonal", gain=2.0)
    np.testing.assert_array_equal(other.input_weights, cell.input_weights)
    np.testing.assert_array_equal(other.biases, cell.biases)
    for block in np.split(other.weights, len(cell.gates)):
        np.testing.assert_allclose(block @ block.T, 4 * np.eye(100), atol=1e-12)
    given = np.arange(10_000.0).reshape(100, 100)
    np.testing.assert_array_equal(
        make(100, seed=0, start=given, gain=0.5).weights, np.tile(given / 2, (len(cell.gates), 1))
    )
    none = make(100, 3, seed=0, bias=False)
    assert not none.biases.any() and not none.input_biases.any()
    np.testing.assert_array_equal(none.weights, cell.weights)
    with pytest.raises(TypeError, match="seed"):
        make(3, seed=None)


def test_the_bias_of_one_gate():
    for make, gate, keyword in ((lstm_cell, slice(10, 20), "forget_bias"), (gru_cell, slice(10, 20), "update_bias")):
        plain, biased = make(10, seed=0), make(10, seed=0, **{keyword: 2.5})
        total, drawn = biased.biases + biased.input_biases, plain.biases + plain.input_biases
        assert (total[gate] == 2.5).all()
        total[gate] = drawn[gate]
        np.testing.assert_array_equal(total, drawn)


@pytest.mark.parametrize("kind", KINDS)
def test_recurrent_weights(kind):
    weights = recurrent_weights(kind, 80, seed=0, gain=1.5)
    rms = {"torch_default": 1.5 / np.sqrt(3)}.get(kind, 1.5)
    assert np.linalg.norm(weights) / np.sqrt(80) == pytest.approx(rms, rel=0.03)
    scaled = recurrent_weights(kind, 80, seed=0, spectral_radius=0.7)
    assert spectral_radius(scaled) == pytest.approx(0.7, rel=1e-12)
    np.testing.assert_allclose(scaled / np.linalg.norm(scaled), weights / np.linalg.norm(weights), atol=1e-15)


def test_given_eigenvalues():
    values = [0.9, *pair(0.7, 50), -0.3, *pair(1.1, 160)]
    upper = numbers(6, 6)
    for arguments in ({}, {"upper": 2.0}, {"upper": upper}, {"upper": upper, "seed": 3}):
        found = np.linalg.eigvals(with_eigenvalues(values, **arguments))
        np.testing.assert_allclose(np.sort_complex(found), np.sort_complex(values), atol=1e-9)
    weights = with_eigenvalues(values)
    np.testing.assert_allclose(weights @ weights.T, weights.T @ weights, atol=1e-15)
    np.testing.assert_array_equal(np.triu(with_eigenvalues([1, 2, 3], upper[:3, :3]), 1), np.triu(upper[:3, :3], 1))
    apart = with_eigenvalues([1j, 0.5, -1j])  # the partner may come later
    np.testing.assert_array_equal(apart, [[0, 1, 0], [-1, 0, 0], [0, 0, 0.5]])
    turned = with_eigenvalues(values, upper, seed=3)
    np.testing.assert_allclose(np.linalg.norm(turned), np.linalg.norm(with_eigenvalues(values, upper)), rtol=1e-13)


@given(st.floats(0.01, 3), st.floats(0, 180), st.floats(0.5, 90))
def test_two_by_two(modulus, angle, eigenvector_angle):
    values = pair(modulus, angle)
    weights = two_by_two(values, eigenvector_angle)
    assert np.trace(weights) == pytest.approx(2 * values[0].real, abs=1e-12)
    assert np.linalg.det(weights) == pytest.approx(modulus**2, rel=1e-9)
    real = two_by_two([modulus, -0.5], eigenvector_angle)
    found, vectors = np.linalg.eig(real)
    np.testing.assert_allclose(np.sort(found), [-0.5, modulus], rtol=1e-9)
    assert np.degrees(np.arccos(min(1, abs(vectors[:, 0] @ vectors[:, 1])))) == pytest.approx(
        eigenvector_angle, rel=1e-6
    )


@pytest.mark.parametrize("values", [(0.95, 0.8), pair(0.9, 20), pair(1.0, 120)])
@pytest.mark.parametrize("angle", [90.0, 20.0, 1.0])
def test_the_condition_of_two_eigenvectors(values, angle):
    condition = power_norms(two_by_two(values, angle), 1).condition
    assert condition == pytest.approx(1 / np.tan(np.radians(angle / 2)), rel=1e-9)


def test_the_norm_of_powers():
    weights = recurrent_weights("gaussian", 8, seed=0, gain=0.9)
    powers = power_norms(weights, 60)
    direct = [np.linalg.norm(np.linalg.matrix_power(weights, t), 2) for t in range(61)]
    np.testing.assert_allclose(powers.log10_norm, np.log10(direct), atol=1e-12)
    assert powers.spectral_radius == pytest.approx(spectral_radius(weights), rel=1e-13)
    assert powers.condition == pytest.approx(np.linalg.cond(np.linalg.eig(weights)[1]), rel=1e-9)
    bound = np.log10(powers.condition) + np.arange(61) * np.log10(powers.spectral_radius)
    assert np.all(powers.log10_norm <= bound + 1e-12) and not powers.defective
    with mpmath.workdps(700):
        exact = mpmath.matrix(weights.tolist()) ** 3000
        squares = mpmath.eigsy(exact.T * exact, eigvals_only=True)
        wanted = float(mpmath.log10(max(squares)) / 2)
    assert power_norms(weights, 3000).log10_norm[-1] == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_powers_of_very_small_and_very_large_matrices(scale):
    weights = recurrent_weights("orthogonal", 4, seed=0)
    np.testing.assert_allclose(power_norms(scale * weights, 50).log10_norm, np.arange(51) * np.log10(scale), rtol=1e-12)


def test_the_jordan_block():
    powers = power_norms([[0.9, 5.0], [0.0, 0.9]], 100)
    assert (powers.peak, powers.last_above_one, powers.defective) == (9, 54, True)
    assert 10 ** powers.log10_norm[9] == pytest.approx(19.38, abs=0.005)


@pytest.mark.parametrize("seed", range(5))
def test_what_counts_as_defective(seed):
    for values, upper, defective in (
        ([0.9, 0.9], 5, True),
        ([0.9, 0.89], 5, False),
        ([0.9] * 6, 1, True),
        ([0] * 5, 1, True),
        (pair(0.9, 30) * 2, 1, True),
        ([0.9, 0.9, 0.5], 0, False),  # equal eigenvalues alone are no defect
    ):
        assert power_norms(with_eigenvalues(values, upper, seed=seed), 1).defective == defective
    vectors = np.random.default_rng(seed).normal(size=(3, 3))
    assert not power_norms(vectors @ np.diag([0.9, 0.9, 0.5]) @ np.linalg.inv(vectors), 1).defective
    assert power_norms(recurrent_weights("orthogonal", 9, seed=seed), 1).condition == 1


def test_nilpotent_matrices():
    powers = power_norms(with_eigenvalues([0] * 4, 1), 6)
    assert np.isfinite(powers.log10_norm[:4]).all() and np.isneginf(powers.log10_norm[4:]).all()
    assert (powers.spectral_radius, powers.defective) == (0, True)
    assert power_norms(np.zeros((2, 2)), 3).log10_norm.tolist() == [0, -np.inf, -np.inf, -np.inf]


# What is refused


def test_weights_that_are_refused():
    for weights, message in (
        ([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], r"weights has shape \(2, 3\)"),
        ([1.0, 2.0], r"weights has shape \(2,\)"),
        (np.zeros((0, 0)), r"weights has shape \(0, 0\)"),
        ([[np.nan]], r"weights holds nan; finite"),
        ([[np.inf]], r"weights holds inf; finite"),
    ):
        for function in (PlainCell, spectral_radius, lambda w: power_norms(w, 2)):
            with pytest.raises(ValueError, match=message):
                function(weights)
    with pytest.raises(ValueError, match=r"weights has shape \(2, 2\); \(4 n, n\) is wanted"):
        LSTMCell(np.eye(2))
    with pytest.raises(ValueError, match=r"input_weights has shape \(3, 2\); \(2, n_in\) is wanted"):
        PlainCell(np.eye(2), np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"biases has shape \(3,\); \(2,\) is wanted"):
        PlainCell(np.eye(2), biases=np.ones(3))
    with pytest.raises(ValueError, match=r"activation = 'tan'"):
        PlainCell(np.eye(2), activation="tan")
    with pytest.raises(ValueError, match=r"steps = 0: a whole number of at least 1"):
        power_norms(np.eye(2), 0)


def test_eigenvalues_that_no_real_matrix_has():
    for values in ([1j], [1j, 1j], [0.5, 1 + 1j], [1 + 1j, 1 - 1.1j]):
        with pytest.raises(
            ValueError, match="comes without .*; a real matrix has its non-real eigenvalues in conjugate pairs"
        ):
            with_eigenvalues(values)
    for values in ([], [np.nan], [[1.0]]):
        with pytest.raises(ValueError, match=r"eigenvalues = .*: a row of finite numbers"):
            with_eigenvalues(values)
    with pytest.raises(ValueError, match=r"upper has shape \(2,\); a finite number or \(2, 2\)"):
        with_eigenvalues([1, 2], [1.0, 2.0])
    for angle in (0, 91, np.nan):
        with pytest.raises(ValueError, match=r"eigenvector_angle = .*: degrees above 0 and up to 90"):
            two_by_two([1, 2], angle)
    with pytest.raises(ValueError, match="two of them are wanted"):
        two_by_two([1, 2, 3])
    with pytest.raises(ValueError, match="modulus, angle = -1, 3"):
        pair(-1, 3)


def test_runs_that_are_refused():
    cell = tanh_cell(3, 2, seed=0)
    with pytest.raises(ValueError, match="inputs has T = 0 time steps; at least 1"):
        run(cell, np.zeros((0, 1, 2)))
    for inputs, message in (
        (np.zeros((4, 2)), r"inputs has shape \(4, 2\); \(T, B, 2\) is wanted"),
        (np.zeros((4, 1, 3)), r"inputs has shape \(4, 1, 3\)"),
        (np.full((4, 1, 2), np.inf), r"inputs holds inf"),
    ):
        with pytest.raises(ValueError, match=message):
            run(cell, inputs)
    with pytest.raises(ValueError, match=r"start has shape \(3,\); \(1, 3\)"):
        run(cell, np.zeros((4, 1, 2)), np.zeros(3))
    states = run(cell, np.ones((4, 1, 2)))
    for wrong, message in (
        (np.ones((2, 3)), r"shape \(2, 3\); \(1, 3\) or \(4, 1, 3\) is wanted"),
        ([[np.nan] * 3], "holds nan"),
    ):
        for function in (backpropagation_through_time, gradient_terms):
            with pytest.raises(ValueError, match=f"output_gradient .*{message}"):
                function(cell, states, wrong)
    with pytest.raises(ValueError, match="'c' is no part of this state; it may be one of h, state"):
        jacobian_profile(cell, states, of="c")
    with pytest.raises(ValueError, match="spectral = 5: a whole number from 0 to 4"):
        jacobian_profile(cell, states, spectral=[0, 5])
    with pytest.raises(ValueError, match="count = 4: a whole number from 1 to 3"):
        lyapunov_exponents(cell, states, count=4)
    with pytest.raises(ValueError, match="discard = 2: a whole number from 0 to 1"):
        lyapunov_exponents(cell, states, discard=2)


def test_draws_that_are_refused():
    for arguments, message in (
        ({"n": 0}, r"n = 0: a whole number of at least 1"),
        ({"n": 2, "n_in": 1.5}, r"n_in = 1\.5"),
        ({"n": 2, "start": "xavier"}, r"start = 'xavier': it may be one of .*, or a matrix"),
        ({"n": 2, "start": np.eye(3)}, r"start has shape \(3, 3\); \(2, 2\) is wanted"),
        ({"n": 2, "gain": np.inf}, r"gain = inf: a finite number"),
    ):
        with pytest.raises(ValueError, match=message):
            linear_cell(seed=0, **arguments)
    with pytest.raises(ValueError, match="the bias of gate f is inf"):
        lstm_cell(2, seed=0, forget_bias=np.inf)
    for kind in ("xavier", np.eye(2)):
        with pytest.raises(
            ValueError, match=r"(?s)kind = .*: it may be one of gaussian, orthogonal, torch_default, identity"
        ):
            recurrent_weights(kind, 2, seed=0)
    for radius in (0, -1, np.nan):
        with pytest.raises(ValueError, match=r"spectral_radius = .*: a positive finite number"):
            recurrent_weights("gaussian", 2, seed=0, spectral_radius=radius)
