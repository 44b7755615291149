"""Jacobians over time, against autograd's and against the bare matrix products; one thread, float64."""

import numpy as np
import torch

from benchmarks import Row, paired, seconds
from benchmarks.depths import one_thread
from gradlab.recurrent import (
    backpropagation_through_time,
    gru_cell,
    jacobian_profile,
    lstm_cell,
    run,
    tanh_cell,
)

N, N_IN = 128, 4


def rows():
    with one_thread():
        for steps in (200, 2000):
            yield from _against_autograd(steps)
        for make in (tanh_cell, lstm_cell, gru_cell):
            yield from _against_the_products(make, N, 200)
        for n in (32, 64, 256):
            yield from _against_the_products(tanh_cell, n, 200)
        for steps in (200, 2000, 10_000):
            work = _profile(tanh_cell, N, steps)
            time = min(seconds(work) for _ in range(3))
            yield Row(f"one step of a profile, tanh, n = {N}, T = {steps}", 1e6 * time / steps, "us")
        ratio, _, _ = paired(_profile(tanh_cell, N, 200, spectral=True), _profile(tanh_cell, N, 200))
        yield Row(f"with every largest singular value / without, tanh, n = {N}, T = 200", ratio, "times")
        yield from _training()


def _case(make, n, steps, batch=1):
    """A cell whose gradient stays within floats, or autograd would have nothing to compare."""
    cell = make(n, N_IN, seed=0, start="orthogonal")
    return cell, run(cell, 0.1 * np.random.default_rng(0).normal(size=(steps, batch, N_IN)))


def _profile(make, n, steps, spectral=False):
    cell, states = _case(make, n, steps)
    return lambda: jacobian_profile(cell, states, spectral=spectral)


def _against_autograd(steps):
    cell, states = _case(tanh_cell, N, steps)
    weights, u, rows = torch.from_numpy(cell.weights), torch.from_numpy(states.u[:, 0] + cell.biases), torch.eye(N)

    def states_of():
        h = [torch.zeros(N, dtype=torch.float64, requires_grad=True)]
        for t in range(steps):
            h.append(torch.tanh(u[t] + weights @ h[-1]))
        return h

    def end_to_end():
        h = states_of()
        return torch.autograd.grad(h[-1], h[0], rows.double(), is_grads_batched=True)[0]

    def theirs():
        """dh_T/dh_t for every t, all rows in one call."""
        h = states_of()
        jacobians = torch.autograd.grad(h[-1], h[:-1], rows.double(), is_grads_batched=True)
        return torch.stack([j.norm() for j in jacobians]).log10().numpy() - np.log10(N) / 2

    def ours():
        return jacobian_profile(cell, run(cell, states.inputs), spectral=False).log10_rms[:-1, 0]

    name = f"tanh, n = {N}, T = {steps}"
    apart = np.abs(ours() - theirs()).max()
    yield Row(f"|by hand - autograd|, largest over all t, {name}", apart, "decades", "at most 1e-9", apart <= 1e-9)
    pairs = 7 if steps < 1000 else 3
    ratio, _, own = paired(theirs, ours, pairs=pairs)
    yield Row(f"autograd / by hand, dh_T/dh_t for every t, {name}", ratio, "times", "at least 1", ratio >= 1)
    ratio, _, _ = paired(end_to_end, ours, pairs=pairs)
    yield Row(f"autograd, dh_T/dh_0 alone / by hand, every t, {name}", ratio, "times")
    yield Row(f"by hand, {name}", 1000 * own, "ms")


def _against_the_products(make, n, steps):
    """What the profile costs beside the T products of matrices it cannot do without."""
    weights = _case(make, n, 1)[0].weights
    rows = np.eye(n, len(weights))

    def bare():
        for _ in range(steps):
            rows @ weights

    ratio, _, own = paired(_profile(make, n, steps), bare, pairs=15)
    target = ("at most 2.5", ratio <= 2.5) if n >= N else ()  # below, the steps themselves cost more than the products
    yield Row(f"profile / bare products, {make.__name__}, n = {n}, T = {steps}", ratio, "times", *target)
    yield Row(f"bare products, {make.__name__}, n = {n}, T = {steps}", 1000 * own, "ms")


def _training():
    """A run and backpropagation through time, beside PyTorch's."""
    modules = {tanh_cell: torch.nn.RNN, lstm_cell: torch.nn.LSTM, gru_cell: torch.nn.GRU}
    for make, kind in modules.items():
        cell, states = _case(make, N, 100, batch=16)
        module, gradient = kind(N_IN, N).double(), np.ones((16, N))
        with torch.no_grad():
            for field, theirs in (
                ("weights", module.weight_hh_l0),
                ("input_weights", module.weight_ih_l0),
                ("biases", module.bias_hh_l0),
                ("input_biases", module.bias_ih_l0),
            ):
                theirs.copy_(torch.from_numpy(getattr(cell, field)))
        x, at = torch.from_numpy(states.inputs), torch.from_numpy(gradient)

        def theirs(module=module, x=x, at=at):
            return torch.autograd.grad(module(x)[0][-1], module.weight_hh_l0, at)[0].numpy()

        def ours(cell=cell, inputs=states.inputs, gradient=gradient):
            return backpropagation_through_time(cell, run(cell, inputs), gradient).weights

        name = f"{kind.__name__}, n = {N}, T = 100, batch 16"
        apart = np.abs(ours() - theirs()).max() / np.abs(theirs()).max()
        yield Row(f"|dL/dW by hand - torch| over the largest, {name}", apart, "", "at most 1e-10", apart <= 1e-10)
        ratio, _, _ = paired(ours, theirs)
        yield Row(f"run and gradients by hand / torch, {name}", ratio, "times")
