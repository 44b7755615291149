"""Training on sequences takes the steps that PyTorch takes, for many networks at once as for each alone."""

import numpy as np
import pytest
import torch

from gradlab.data import adding_problem
from gradlab.explorer.table import floats
from gradlab.plots.learnt import learnt
from gradlab.records import LearntRecord
from gradlab.recurrent import relu_cell, run, tanh_cell
from gradlab.training import LastStep, PlainNetworks, SequenceTraining, seeded, squared_error, train_sequences


def batch(generator):
    return adding_problem(6, 5, seed=generator)


def tanh_cells(count=3, n=4):
    return [tanh_cell(n, 2, seed=seed, start="orthogonal") for seed in range(count)]


def networks(cells=None, dtype=torch.float64):
    return PlainNetworks(cells or tanh_cells(), seed=9, dtype=dtype)


def lstm(seed=0, outputs=None):
    return seeded(lambda: LastStep(torch.nn.LSTM(2, 4), outputs), seed=seed).double()


# the adding problem


@pytest.mark.parametrize("length", [2, 3, 10, 11])
def test_two_numbers_are_marked_one_in_each_half_and_their_sum_is_wanted(length):
    inputs, targets = adding_problem(length, 200, seed=3)
    assert inputs.shape == (length, 200, 2) and targets.shape == (200,)
    numbers, marks = inputs[..., 0], inputs[..., 1]
    assert set(np.unique(marks)) <= {0, 1} and (numbers >= 0).all() and (numbers < 1).all()
    assert (marks[: length // 2].sum(0) == 1).all() and (marks[length // 2 :].sum(0) == 1).all()
    for column in range(200):
        first, second = np.flatnonzero(marks[:, column])
        assert targets[column] == numbers[first, column] + numbers[second, column]
    if length > 2:
        assert (marks.sum(1) > 0).all()  # every step may be marked


def test_the_mean_answer_has_an_error_of_a_sixth():
    targets = adding_problem(4, 200_000, seed=0)[1]
    assert targets.mean() == pytest.approx(1, abs=0.005) and targets.var() == pytest.approx(1 / 6, rel=0.01)


def test_a_generator_goes_on_and_a_seed_begins_again():
    generator = np.random.default_rng(5)
    first, second = (adding_problem(4, 3, seed=generator)[0] for _ in range(2))
    assert not np.array_equal(first, second) and np.array_equal(first, adding_problem(4, 3, seed=5)[0])


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"length": 1}, "length is 1; it may be an integer from 2"),
        ({"examples": 0}, "examples is 0"),
        ({"length": 2.0}, "length is 2.0"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": None}, "seed is None"),
    ],
)
def test_a_bad_problem_is_named(changed, named):
    with pytest.raises(ValueError, match=named):
        adding_problem(**{"length": 5, "examples": 2, "seed": 0} | changed)


# the networks


@pytest.mark.parametrize("make", [tanh_cell, relu_cell])
def test_the_networks_are_the_cells(make):
    """Second road: the recurrence in NumPy, cell by cell."""
    cells = [make(4, 2, seed=seed) for seed in range(3)]
    inputs = adding_problem(7, 5, seed=1)[0]
    together = networks(cells)
    states = together.states(torch.tensor(inputs)).detach().numpy()
    answers = together(torch.tensor(inputs)).detach().numpy()
    for s, cell in enumerate(cells):
        h = run(cell, inputs).h[-1]
        np.testing.assert_allclose(states[s], h, atol=1e-14)
        w, b = together.readout[s].detach().numpy(), together.offset[s].item()
        np.testing.assert_allclose(answers[s], (h @ w)[:, 0] + b, atol=1e-14)
        assert np.abs(w).max() <= 0.5


def test_the_last_step_is_read_out():
    model = lstm(outputs=3)
    inputs = torch.tensor(adding_problem(6, 5, seed=1)[0])
    expected = model.cell(inputs)[1][0][0] @ model.readout.weight.T + model.readout.bias
    np.testing.assert_allclose(model(inputs).detach().numpy(), expected.detach().numpy(), atol=1e-14)
    assert lstm()(inputs).shape == (5,)


def test_a_seeded_draw_leaves_the_global_generator():
    before = torch.random.get_rng_state()
    first, other = lstm(0), lstm(1)
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(first.readout.weight, lstm(0).readout.weight)
    assert not torch.equal(first.readout.weight, other.readout.weight)


@pytest.mark.parametrize(
    ("cells", "named"),
    [
        ([], "cells is empty"),
        ([tanh_cell(4, seed=0), relu_cell(4, seed=0)], "cells differ"),
        ([tanh_cell(4, seed=0), tanh_cell(5, seed=0)], "cells differ"),
    ],
)
def test_cells_that_do_not_fit_are_named(cells, named):
    with pytest.raises(ValueError, match=named):
        PlainNetworks(cells, seed=0)


# the training


@pytest.mark.parametrize("clip", [None, 0.05])
@pytest.mark.parametrize("optimizer", ["Adam", "gradient descent"])
def test_networks_together_learn_as_each_alone(optimizer, clip):
    how = {"steps": 12, "learning_rate": 0.01, "seed": 4, "optimizer": optimizer, "clip": clip}
    together = train_sequences([networks()], batch, **how)
    assert together.loss.shape == together.gradient_norm.shape == (12, 3) and together.complete
    assert together.networks == 3
    one = PlainNetworks(tanh_cells(1), seed=9, dtype=torch.float64)
    with_others = train_sequences([one, lstm()], batch, **how)
    np.testing.assert_allclose(with_others.loss[:, 0], together.loss[:, 0], rtol=1e-9)
    np.testing.assert_allclose(with_others.gradient_norm[:, 0], together.gradient_norm[:, 0], rtol=1e-9)


@pytest.mark.parametrize("clip", [None, 0.05])
def test_the_steps_are_those_of_a_loop_written_out(clip):
    """torch.nn.utils.clip_grad_norm_ and torch.optim.Adam, on the same batches."""
    trained, model = lstm(), lstm()
    found = train_sequences([trained], batch, steps=8, learning_rate=0.01, seed=4, clip=clip)
    adam, generator = torch.optim.Adam(model.parameters(), lr=0.01), np.random.default_rng(4)
    for step in range(8):
        inputs, targets = map(torch.tensor, batch(generator))
        loss = ((model(inputs) - targets) ** 2).mean()
        adam.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), np.inf if clip is None else clip)
        adam.step()
        assert found.loss[step, 0] == pytest.approx(loss.item(), rel=1e-6)
        assert found.gradient_norm[step, 0] == pytest.approx(norm.item(), rel=1e-6)
    np.testing.assert_allclose(
        trained.cell.weight_hh_l0.detach().numpy(), model.cell.weight_hh_l0.detach().numpy(), rtol=1e-5
    )


@pytest.mark.parametrize("clip", [None, 0.05])
def test_a_plain_network_is_the_rnn_of_pytorch(clip):
    cell = tanh_cell(4, 2, seed=0, start="orthogonal", bias=False)
    here = PlainNetworks([cell], seed=9, dtype=torch.float64)
    there = LastStep(torch.nn.RNN(2, 4, bias=False)).double()
    for parameter, array in (
        (there.cell.weight_hh_l0, cell.weights),
        (there.cell.weight_ih_l0, cell.input_weights),
        (there.readout.weight, here.readout[0, :, 0].detach().numpy()[None]),
        (there.readout.bias, here.offset[0, 0].detach().numpy()),
    ):
        parameter.data = torch.tensor(array)
    here.biases.requires_grad_(False)
    both = train_sequences([here, there], batch, steps=8, learning_rate=0.01, seed=4, clip=clip)
    np.testing.assert_allclose(both.loss[:, 0], both.loss[:, 1], rtol=1e-6)
    np.testing.assert_allclose(both.gradient_norm[:, 0], both.gradient_norm[:, 1], rtol=1e-6)


def test_it_learns_to_add():
    cells = [relu_cell(32, 2, seed=seed, start="identity", bias=False) for seed in range(2)]
    model = PlainNetworks(cells, seed=0)
    done = train_sequences(
        [model], lambda rng: adding_problem(6, 32, seed=rng), steps=600, learning_rate=3e-3, clip=1.0, seed=0
    )
    assert (done.mean_loss(50)[0] > 0.08).all() and (done.mean_loss(50)[-1] < 0.02).all()
    solved = done.solved_at(0.05, 50)
    assert (50 < solved).all() and (solved < 600).all()
    assert np.isnan(done.solved_at(0.0)).all()


def test_another_loss_and_whole_numbers():
    def symbols(generator):
        names = generator.integers(0, 3, size=7)
        return np.repeat(np.eye(3)[names][None], 4, axis=0), names

    model = seeded(lambda: LastStep(torch.nn.GRU(3, 8), 3), seed=0)
    done = train_sequences(
        [model], symbols, steps=60, learning_rate=0.03, seed=0, loss=torch.nn.functional.cross_entropy
    )
    assert done.loss[0, 0] > 0.9 and done.loss[-1, 0] < 0.2


def test_one_network_at_nan_does_not_stop_the_others():
    cells = [relu_cell(4, 2, seed=seed, start="gaussian", gain=gain) for seed, gain in ((0, 1.0), (1, 1e30))]
    done = train_sequences([PlainNetworks(cells, seed=9)], batch, steps=5, learning_rate=0.01, seed=0)
    assert np.isfinite(done.loss[:, 0]).all() and not np.isfinite(done.loss[:, 1]).any()


def test_a_gradient_too_small_for_float32_is_still_measured():
    cells = [tanh_cell(4, 2, seed=0, gain=1e-3)]
    model = PlainNetworks(cells, seed=0)
    torch.nn.init.constant_(model.readout, 1e-30)
    done = train_sequences(
        [model], batch, steps=1, learning_rate=0.01, seed=0, loss=lambda o, t: 1e-30 * squared_error(o, t)
    )
    assert 0 < done.gradient_norm[0, 0] < 1e-28


def test_an_interrupt_keeps_the_steps_taken():
    calls = []

    def interrupted(generator):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return batch(generator)

    done = train_sequences([networks()], interrupted, steps=50, learning_rate=0.01, seed=0)
    assert not done.complete and done.loss.shape == (3, 3)
    calls[:] = [1] * 3
    nothing = train_sequences([networks()], interrupted, steps=50, learning_rate=0.01, seed=0)
    assert not nothing.complete and nothing.loss.shape == (0, 3)


def test_the_bar_is_only_for_those_who_watch(capsys):
    how = {"steps": 2, "learning_rate": 0.01, "seed": 0}
    train_sequences([networks()], batch, **how)
    assert capsys.readouterr().err == ""
    train_sequences([networks()], batch, progress=True, name="adding", **how)
    assert "adding" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"models": []}, "models is empty"),
        ({"steps": 0}, "steps is 0"),
        ({"learning_rate": 0}, "learning_rate is 0"),
        ({"clip": -1}, "clip is -1"),
        ({"optimizer": "adam"}, "optimizer is 'adam'; it may be one of"),
    ],
)
def test_training_names_bad_input(changed, named):
    given = {"models": [networks()], "draw": batch, "steps": 1, "learning_rate": 0.01, "seed": 0} | changed
    with pytest.raises(ValueError, match=named):
        train_sequences(given.pop("models"), given.pop("draw"), **given)


def test_a_window_longer_than_the_run_is_named():
    with pytest.raises(ValueError, match="window is 4; the run holds 3 steps"):
        SequenceTraining(np.ones((3, 1)), np.ones((3, 1)), True).mean_loss(4)


# the figure


def learnt_record():
    log10_loss = np.log10([[[0.01, 0.002], [0.16, 0.05]], [[0.02, 0.01], [0.17, 0.16]]])
    return LearntRecord((10, 50), ("identity", "orthogonal"), ("relu", "tanh"), log10_loss, np.log10(1 / 6))


def test_the_figure_draws_every_network():
    record = learnt_record()
    assert record.learnt.tolist() == [[2, 1], [2, 0]]
    spec = learnt(record).to_plotly_json()
    assert len(spec["data"]) == 4 and all(trace["meta"]["role"] == "measured" for trace in spec["data"])
    for trace, losses in zip(spec["data"], record.log10_loss.reshape(4, 2), strict=True):
        np.testing.assert_array_equal(floats(trace["x"]), losses)
    rows = [floats(trace["y"])[0] for trace in spec["data"]]
    names = {n["y"]: n["text"] for n in spec["layout"]["annotations"] if n["yref"] == "y"}
    assert [names[row] for row in rows] == ["identity", "orthogonal"] * 2 and rows == sorted(rows, reverse=True)
    low, high = spec["layout"]["xaxis"]["range"]
    assert low < record.log10_loss.min() and record.log10_loss.max() < high
    meta = spec["layout"]["meta"]
    assert meta["title"] == "At 50 steps one start lets every network learn: identity"
    assert "0.167" in meta["alt"] and "10 steps: identity 2, orthogonal 1" in meta["alt"]


@pytest.mark.parametrize(
    ("losses", "title"),
    [
        ([[0.1], [0.1]], "At 9 steps no start lets every network learn"),
        ([[0.01], [0.01]], "At 9 steps 2 of 2 starts let every network learn"),
    ],
)
def test_the_title_says_who_learns(losses, title):
    record = LearntRecord((9,), ("a", "b"), ("relu", "tanh"), np.log10([losses]), np.log10(1 / 6))
    assert learnt(record).layout.meta["title"] == title


def test_a_record_of_another_shape_is_named():
    with pytest.raises(ValueError, match="log10_loss has shape"):
        LearntRecord((9, 10), ("a",), ("relu",), np.zeros((1, 1, 2)), -1.0)
    with pytest.raises(ValueError, match="activations has 2 names"):
        LearntRecord((9,), ("a",), ("relu", "tanh"), np.zeros((1, 1, 2)), -1.0)
