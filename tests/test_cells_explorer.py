"""Explorer [j]: its numbers are autograd's, theory is near where there is one, and every state is sound."""

import math
import re

import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from states import by_role, states

from gradlab import theory
from gradlab.explorer.core import plain
from gradlab.explorer.table import floats
from gradlab.plots.cells import cells as draw
from gradlab.records import CellsRecord
from gradlab.style import power
from gradlab.widgets.cells import (
    CELLS,
    CHANGES,
    GATED_NETWORKS,
    LENGTHS,
    MADE,
    PLAIN_NETWORKS,
    STARTS,
    WIDTH,
    _measured,
    cells,
    evaluate,
    sentence,
)

DELIVERED = ("tanh", "relu", "lstm", "gru")
PLAIN = ("tanh", "relu")


def said(**state):
    return sentence(evaluate(**state))


# -------------------------------------------------------------------------------------------------- the record


TORCH = {
    "tanh": lambda: torch.nn.RNNCell(WIDTH, WIDTH, nonlinearity="tanh"),
    "relu": lambda: torch.nn.RNNCell(WIDTH, WIDTH, nonlinearity="relu"),
    "lstm": lambda: torch.nn.LSTMCell(WIDTH, WIDTH),
    "gru": lambda: torch.nn.GRUCell(WIDTH, WIDTH),
}


@pytest.mark.parametrize(
    ("cell", "start"),
    [("tanh", "identity"), ("relu", "gaussian_large"), ("lstm_1", "orthogonal"), ("gru_5", "gaussian")],
)
def test_the_numbers_are_autograds(cell, start):
    """All four kinds, and every start but PyTorch's own, of which only W differs."""
    make, changes, memory, _ = MADE[cell]
    kind = cell.split("_")[0]
    seed, length = 1, 10
    ours = make(WIDTH, WIDTH, seed=seed, **CHANGES[start], **changes)
    theirs = TORCH[kind]().double()
    with torch.no_grad():
        for name, value in (
            ("weight_ih", ours.input_weights),
            ("weight_hh", ours.weights),
            ("bias_ih", ours.input_biases),
            ("bias_hh", ours.biases),
        ):
            getattr(theirs, name).copy_(torch.tensor(value))
    inputs = torch.tensor(np.random.default_rng((seed, 1)).normal(size=(length, 1, WIDTH)))

    def step(x, h, c):
        return theirs(x, (h, c)) if kind == "lstm" else (theirs(x, h), c)

    h = c = torch.zeros(1, WIDTH, dtype=torch.float64)
    for k in range(length, 0, -1):  # at the state k steps before the last

        def last(m, h=h, c=c, k=k):
            h, c = (h, m) if memory == "c" else (m, c)
            for x in inputs[length - k :]:
                h, c = step(x, h, c)
            return c if memory == "c" else h

        jacobian = torch.autograd.functional.jacobian(last, c if memory == "c" else h).detach()
        size = torch.linalg.norm(jacobian) / math.sqrt(WIDTH)
        assert _measured(cell, start, length)[seed, k] == pytest.approx(math.log10(size), abs=1e-9)
        with torch.no_grad():
            h, c = step(inputs[length - k], h, c)


def test_medians_and_percentiles_over_the_networks():
    for cell, networks in (("tanh", PLAIN_NETWORKS), ("gru", GATED_NETWORKS)):
        record, found = evaluate(cell, "orthogonal", 20), _measured(cell, "orthogonal", 20)
        assert record.networks == networks == len(found) and not found[:, 0].any()
        ordered, beyond = np.sort(found, axis=0), math.ceil(networks / 10)
        assert record.log10_low == pytest.approx(ordered[beyond - 1])
        assert record.log10_high == pytest.approx(ordered[-beyond])
        assert record.log10_measured == pytest.approx(np.median(found, axis=0))


def test_the_family_is_every_cell_and_start_after_a_hundred_steps():
    record = evaluate("gru", "gaussian", 10)
    for cell, start in (("tanh", "identity"), ("lstm_5", "torch_default")):
        expected = evaluate(cell, start, 100).total
        assert record.family[record.cells.index(cell), record.starts.index(start)] == expected


def test_when_half_is_gone():
    for state in states("cells"):
        record, half = state.record, math.log10(0.5)
        if record.halved is None:
            assert record.total > half
        else:
            assert record.log10_measured[record.halved - 1] > half
            assert (record.log10_measured[record.halved :] <= half).all()


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"cell": "rnn"}, "cell: got 'rnn', expected one of tanh, relu, lstm"),
        ({"start": "zeros"}, "start: got 'zeros', expected one of torch_default, gaussian"),
        ({"length": 9}, "length: got 9, expected a whole number from 10 to 1000"),
        ({"length": 1001}, "length: got 1001"),
        ({"length": 20.0}, "length: got 20.0"),
        ({"length": True}, "length: got True"),
    ],
)
def test_bad_input_names_the_argument(state, message):
    with pytest.raises(ValueError, match=message):
        evaluate(**state)


def test_a_record_of_another_length_is_refused():
    fields = dict(vars(evaluate("tanh", "orthogonal", 10)))
    for name in ("log10_measured", "log10_theory", "family"):
        with pytest.raises(ValueError, match=rf"{name} has shape .*; with length 10 it must be"):
            CellsRecord(**fields | {name: fields[name][:-1]})
    assert CellsRecord(**fields | {"log10_theory": None}).log10_theory is None


def test_a_length_off_the_grid_is_a_run_of_its_own():
    record = evaluate("tanh", "orthogonal", 70)
    ends = [evaluate("tanh", "orthogonal", length).total for length in (50, 100)]
    assert len(record.log10_measured) == 71 and ends[1] < record.total < ends[0]


# ------------------------------------------------------------------------------------- theory and measurement


def test_the_title_holds():
    """Nothing of four delivered cells reaches over a hundred steps; of others that differ in one line, a good part."""
    assert max(evaluate(cell).total for cell in DELIVERED) < -19
    for cell, start in (("lstm_5", "torch_default"), ("gru_5", "torch_default"), ("relu", "identity")):
        assert evaluate(cell, start).total > -1


def test_who_forgets_faster():
    """The LSTM as delivered than a plain cell with orthogonal W; but the plain cell as delivered than both."""
    lstm, orthogonal, plain_cell = evaluate("lstm"), evaluate("tanh", "orthogonal"), evaluate("tanh")
    assert plain_cell.log10_high[-1] < lstm.log10_low[-1] < lstm.log10_high[-1] < orthogonal.log10_low[-1]
    assert orthogonal.total - lstm.total > 7
    assert evaluate("lstm_1").total - lstm.total > 12


@pytest.mark.parametrize("cell", PLAIN)
@pytest.mark.parametrize(("start", "share"), [("torch_default", 0.03), ("gaussian", 0.05), ("orthogonal", 0.04)])
def test_mean_field_theory_is_near(cell, start, share):
    """In decades, as a share of those that theory says; it leaves out that W is the same at every step."""
    record = evaluate(cell, start)
    assert record.log10_theory[0] == 0
    assert np.all(np.abs(record.log10_measured - record.log10_theory)[20:] < share * np.abs(record.log10_theory[-1]))


def test_a_gate_that_is_open_explains_the_gru_and_not_the_lstm():
    gru, lstm = evaluate("gru_5"), evaluate("lstm_5")
    assert gru.gated and gru.log10_theory == pytest.approx(theory.gate_rail(5.0, 100))
    assert np.all(np.abs(gru.log10_measured - gru.log10_theory) < 0.06)
    assert lstm.total - lstm.log10_theory[-1] > 1


def test_the_identity_keeps_the_share_of_units_that_stay_on():
    """In the mean over the networks; their squared norms are the shares."""
    for length in (50, 300):
        shares = 100 ** _measured("relu", "identity", length)
        assert shares * WIDTH == pytest.approx(np.round(shares * WIDTH), abs=1e-6)
        assert shares.mean(axis=0) == pytest.approx(100 ** evaluate("relu", "identity", length).log10_theory, abs=0.05)


def test_networks_of_which_nothing_is_left():
    record = evaluate("relu", "identity", 1000)
    assert record.silent == np.isneginf(_measured("relu", "identity", 1000)[:, -1]).sum() > 1
    assert np.isneginf(record.log10_low[-1]) and np.isfinite(record.log10_measured).all()
    assert f"In {record.silent} of 16 networks exactly 0 comes back." in sentence(record).text


# ------------------------------------------------------------------------------------------------ the explorer


def test_every_state_has_a_frame_that_fits():
    found = states("cells")
    assert len(found) == cells().state_count == len(CELLS) * len(STARTS) * len(LENGTHS)
    for state in found:
        spec, record = state.spec, state.record
        layout = spec["layout"]
        assert len(floats(by_role(spec, "theory")[0]["x"])) > 0 or (record.cell, record.start) == ("tanh", "identity")
        low, high = layout["yaxis"]["range"]
        assert high <= -low <= 3 * high + 1e-9 and layout["meta"]["pinned"] == found[0].spec["layout"]["meta"]["pinned"]
        assert low < 0 < high and 0 in layout["yaxis"]["tickvals"] and 2 <= len(layout["yaxis"]["tickvals"]) <= 7
        assert layout["xaxis2"] == found[0].spec["layout"]["xaxis2"]
        assert layout["shapes"][0]["visible"] == (state.said.verdict == "vanishing")


def test_the_figure_draws_the_record():
    record = evaluate("gru", "gaussian", 50)
    spec = draw(record).to_plotly_json()
    go.Figure(spec)
    ((measured,), (rail,), (values,)) = (by_role(spec, role) for role in ("measured", "theory", "values"))
    assert floats(measured["y"]) == pytest.approx(record.log10_measured)
    assert floats(rail["y"]) == pytest.approx(record.log10_theory)
    assert floats(values["x"])[[0, -1]].tolist() == [0, 50] and floats(values["y"])[-1] == record.total
    ((others,), (family,), (here,)) = (by_role(spec, role) for role in ("others", "family", "here"))
    assert len(floats(others["x"])) == 4 * len(CELLS) and floats(family["x"]) == pytest.approx(record.family[:, 1])
    assert (floats(here["x"])[0], floats(here["y"])[0]) == (record.family[5, 1], floats(family["y"])[5])


def test_the_band_ends_on_the_floor_where_nothing_comes_back():
    spec = draw(evaluate("relu", "identity", 1000)).to_plotly_json()
    (band,) = by_role(spec, "band")
    assert np.isfinite(floats(band["y"])).all()
    assert floats(band["y"]).min() == pytest.approx(-1) and spec["layout"]["yaxis"]["range"][0] < -1


def test_every_sentence_is_sound():
    for state in states("cells"):
        text, record = plain(state.said.whole), state.record
        assert not re.search(r"\bnan\b|\binf|none\b|undefined|\de[-+]?\d|\{|\}", text, re.IGNORECASE), text
        assert power(record.total) in state.said.text and f" {state.values['length']} steps back" in text
        assert state.said.label.startswith(CELLS[state.values["cell"]].split(",")[0]) and len(state.said.label) <= 36
        assert state.said.label.endswith(f", {state.values['length']} steps")  # what the clause compares with
        half = math.log10(2)
        verdict = "vanishing" if record.total < -half else "exploding" if record.total > half else "level"
        assert state.said.verdict == verdict and len(text) < 260
        if record.log10_theory is not None:
            assert power(float(record.log10_theory[-1])) in state.said.text


@pytest.mark.parametrize(
    ("state", "verdict", "parts"),
    [
        (
            {},
            "vanishing",
            ["With PyTorch’s own weights an LSTM sends <b>1.47 · 10<sup>−22</sup></b>", "alone would leave"],
        ),
        ({"length": 1000, "cell": "tanh"}, "vanishing", ["half is gone after 1 step. Theory says 2.26"]),
        ({"cell": "gru_5", "length": 10}, "level", ["the same size within a factor of 2", "other paths hardly count"]),
        ({"cell": "lstm_5"}, "exploding", ["times its gradient 100 steps back", "other paths add the rest"]),
        ({"cell": "relu", "start": "identity"}, "vanishing", ["share of units that never switch off, says 0.237"]),
        ({"cell": "tanh", "start": "identity"}, "vanishing", ["Theory speaks of random weights"]),
        ({"cell": "relu", "start": "gaussian_large"}, "exploding", ["Gaussian weights 1.5 times as large"]),
    ],
)
def test_the_sentence(state, verdict, parts):
    found = said(**state)
    assert found.verdict == verdict and all(part in found.whole for part in parts), found.whole


def test_the_presets_tell_the_story():
    one = cells()
    found = [one.sentence(one.evaluate(**one.state(**preset.state))).verdict for preset in one.presets]
    assert found == ["vanishing", "vanishing", "exploding", "vanishing", "exploding"]
    assert one.state(**one.presets[0].state) == one.default and one.presets[0].pin is not None
