"""Explorer [k]: the gate that keeps a memory, and what is left after many steps."""

import math
import re
import sys
from functools import partial

import numpy as np
import plotly.graph_objects as go
import pytest
import states
from states import by_role

from gradlab import theory
from gradlab.explorer.core import plain
from gradlab.explorer.table import floats
from gradlab.records import ForgetBiasRecord
from gradlab.recurrent import gru_cell, jacobian_profile, lstm_cell, run
from gradlab.style import power
from gradlab.widgets import forget_bias

widget = sys.modules["gradlab.widgets.forget_bias"]  # the package gives its function that name
CELLS = widget.CELLS
WIDTH, NETWORKS = widget.WIDTH, widget.NETWORKS
record_of = partial(states.record_of, "forget_bias")
said = partial(states.said, "forget_bias")


def network(cell, bias, steps, seed):
    made = (
        lstm_cell(WIDTH, WIDTH, seed=seed, forget_bias=bias)
        if cell == "lstm"
        else gru_cell(WIDTH, WIDTH, seed=seed, update_bias=bias)
    )
    return made, run(made, np.random.default_rng((seed, 1)).normal(size=(steps, 1, WIDTH)))


# -------------------------------------------------------------------------------------------------- the record


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("bias", "length"), [(-2, 50), (1, 7), (5, 100)])
def test_all_paths_against_the_jacobian_from_the_last_step_back(cell, bias, length):
    """The explorer multiplies forward, `jacobian_profile` pulls back: the same product."""
    found = []
    for seed in range(NETWORKS):
        made, states_ = network(cell, bias, length, seed)
        profile = jacobian_profile(made, states_, of="c" if cell == "lstm" else "h", spectral=False)
        found.append(profile.log10_rms[0, 0])
    record = record_of(cell=cell, bias=bias, length=length)
    quantiles = record.log10_low[-1], record.log10_total[-1], record.log10_high[-1]
    assert quantiles == pytest.approx(np.quantile(found, (0.1, 0.5, 0.9)), abs=1e-9)


@pytest.mark.parametrize("cell", CELLS)
def test_the_gate_alone_is_the_product_of_the_gates(cell):
    found = []
    for seed in range(NETWORKS):
        _, run_ = network(cell, 2.0, 5, seed)
        z = (run_.u + run_.v)[:, 0, WIDTH : 2 * WIDTH]  # the second block of either cell
        found.append(np.log10(np.mean(np.prod(1 / (1 + np.exp(-z)), axis=0) ** 2)) / 2)
    record = record_of(cell=cell, bias=2, length=5)
    assert record.log10_direct[-1] == pytest.approx(np.median(found), abs=1e-9)


@pytest.mark.parametrize("cell", CELLS)
def test_a_shorter_run_is_the_beginning_of_a_longer_one(cell):
    short, long = (record_of(cell=cell, bias=3, length=length) for length in (10, 61))
    for line in ("theory", "direct", "total", "low", "high"):
        name = f"log10_{line}"
        assert getattr(long, name)[:11] == pytest.approx(getattr(short, name), abs=1e-9)
        assert getattr(short, name)[0] == 0
    assert long.family[:, :11] == pytest.approx(short.family)
    assert short.steps.tolist() == list(range(11))


def test_a_network_of_another_bias_is_made_of_the_same_draws():
    one, two = (record_of(bias=bias) for bias in (4.97, 5))
    assert one.log10_total == pytest.approx(two.log10_total, abs=0.05)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"cell": "tanh"}, "cell: got 'tanh', expected one of lstm, gru"),
        ({"bias": 9}, "bias: got 9, expected a number from -2 to 8"),
        ({"bias": math.nan}, "bias: got nan"),
        ({"length": 0}, "length: got 0, expected a whole number from 1 to 1000"),
        ({"length": 1001}, "length: got 1001"),
        ({"length": 2.5}, "length: got 2.5"),
        ({"length": True}, "length: got True"),
    ],
)
def test_bad_input_names_the_argument(state, message):
    with pytest.raises(ValueError, match=message):
        record_of(**state)


def test_the_record_checks_its_shapes():
    fields = {name: getattr(record_of(length=3), name) for name in ForgetBiasRecord.__dataclass_fields__}
    with pytest.raises(ValueError, match=r"log10_low has shape \(3,\); with length 3 it must be \(4,\)"):
        ForgetBiasRecord(**(fields | {"log10_low": np.zeros(3)}))
    with pytest.raises(ValueError, match="half_lives has shape"):
        ForgetBiasRecord(**(fields | {"half_lives": np.zeros(3)}))


# ------------------------------------------------------------------------------------- theory and measurement


def test_the_half_lives():
    """The bias times e: from 2 on each unit multiplies the memory by nearly e."""
    lives = [record_of(bias=bias, length=1).half_life for bias in range(8)]
    assert lives == pytest.approx([1.0, 2.21, 5.46, 14.3, 38.2, 103, 280, 760], rel=0.003)
    assert np.diff(np.log(lives))[2:] == pytest.approx(1, abs=0.05)
    for bias, steps in ((widget.HUNDRED, 100), (widget.THOUSAND, 1000)):
        assert record_of(bias=bias, length=1).half_life == pytest.approx(steps, rel=0.005)
        assert theory.gate_bias(steps) == pytest.approx(bias, abs=0.005)


@pytest.mark.parametrize("cell", CELLS)
def test_the_title_is_measured_too(cell):
    """With bias 1 and along all paths the gradient falls below one half between the second step and the fourth."""
    record = record_of(cell=cell)
    assert 2 <= int(np.argmax(record.log10_total < math.log10(0.5))) <= 4


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("bias", [0, 1, 3, 5, 8])
def test_the_gates_follow_theory(cell, bias):
    """The gates of a network tremble about sigma(bias): over many steps by less than four per cent a step."""
    record = record_of(cell=cell, bias=bias, length=1000)
    apart = record.log10_direct - record.log10_theory
    assert np.abs(apart[100:] / record.steps[100:]).max() < math.log10(1.04)
    if bias >= 5:
        assert np.abs(apart).max() < 0.5


@pytest.mark.parametrize("bias", [widget.HUNDRED, 6, 8])
def test_a_gru_that_keeps_stays_on_the_rail_and_an_lstm_does_not(bias):
    """The update gate shuts the other paths as it opens its own; the forget gate leaves the input gate open."""
    for length in (100, 1000):
        gru = record_of(cell="gru", bias=bias, length=length)
        assert gru.log10_total[-1] == pytest.approx(gru.log10_theory[-1], abs=0.1) and gru.log10_total.max() <= 0
        lstm = record_of(bias=bias, length=length)
        assert lstm.log10_total[-1] > 0.9 and lstm.log10_low[-1] > lstm.log10_direct[-1] + 0.9


def test_the_other_paths_of_an_lstm_add_at_the_start():
    """While the memory is small: it then saturates what leaves the cell, and the other paths with it."""
    record = record_of(bias=widget.THOUSAND, length=1000)
    assert record.log10_total[100] > 0.9
    assert abs(record.log10_total[1000] - record.log10_total[500]) < 0.3


# ------------------------------------------------------------------------------------------------ the explorer


def test_every_state_has_a_frame_that_fits():
    found = states.states("forget_bias")
    assert len(found) == forget_bias().state_count == 260
    for state in found:
        spec, record = state.spec, state.record
        layout = spec["layout"]
        low, high = layout["yaxis"]["range"]
        assert low <= -1 and high >= -low / 7 and 0 in layout["yaxis"]["tickvals"]
        assert 2 <= len(layout["yaxis"]["tickvals"]) <= 9
        (half,) = by_role(spec, "half")
        assert floats(half["x"]).tolist() == [record.half_life] * 2 * (record.half_life <= record.length)


def test_a_linear_axis_finds_every_line():
    """No gaps in the lines of the panel that can become linear: its top is their largest value."""
    for state in states.states("forget_bias")[::20]:
        for trace in state.spec["data"]:
            assert np.isfinite(floats(trace["y"])).all(), trace["meta"]


def test_the_figure_draws_the_record():
    record = record_of(bias=4.97)
    spec = forget_bias().figure(record).to_plotly_json()
    go.Figure(spec)
    for role, values in (
        ("theory", record.log10_theory),
        ("direct", record.log10_direct),
        ("measured", record.log10_total),
    ):
        (trace,) = by_role(spec, role)
        at = floats(trace["x"]).astype(int)
        assert at[0] == 0 and at[-1] == 100 and len(at) <= 36
        np.testing.assert_array_equal(floats(trace["y"]), values[at])
    for line, trace in zip(record.family, by_role(spec, "others"), strict=True):
        x, y = floats(trace["x"]), floats(trace["y"])
        assert y == pytest.approx(x * line[1], abs=1e-9)
        assert x[-1] == 100 or abs(y[-1] + 1) < 1e-9
    (handle,) = by_role(spec, "handle")
    assert handle["meta"]["handle"]["x"] == {"control": "bias"}
    assert (floats(handle["x"])[0], floats(handle["y"])[0]) == (4.97, record.gate)
    (here,) = by_role(spec, "here")
    assert 10 ** floats(here["y"])[0] == pytest.approx(100, rel=0.005)
    (lives,) = by_role(spec, "family")
    assert 10 ** floats(lives["y"]) == pytest.approx(record.half_lives) and lives["meta"]["sets"] == "bias"
    (gate,) = by_role(spec, "gate")
    assert floats(gate["y"]) == pytest.approx([theory.gate(b) for b in record.biases])


def test_every_sentence_is_sound():
    for state in states.states("forget_bias"):
        text, record, total = plain(state.said.whole), state.record, state.record.log10_total[-1]
        assert len(text) < 260
        assert not re.search(r"\bnan\b|\binf|none\b|undefined|\de[-+]?\d|\{|\}", text, re.IGNORECASE), text
        verdict = "level" if abs(total) <= math.log10(2) else "vanishing" if total < 0 else "exploding"
        assert state.said.verdict == verdict and state.said.log10_value == total
        bias = f"{state.values['bias']:g}".replace("-", "−")
        assert f"{'Forget' if record.cell == 'lstm' else 'Update'} bias {bias} keeps" in text
        assert f"After {record.length} step{'s' * (record.length > 1)} it leaves" in text
        assert "keeps 1.0" not in text, text  # no gate is 1
        added = total - record.log10_direct[-1]
        assert ("add the rest" in text) == (added > math.log10(2))
        if total < math.log10(0.99):
            assert f"leave <b>{power(total)}</b>" in state.said.whole


@pytest.mark.parametrize(
    ("state", "verdict", "parts"),
    [
        (
            {},
            "vanishing",
            [
                "Forget bias 1 keeps <b>0.731</b> a step, so the gate alone halves the memory in <b>2.21 steps</b>.",
                "After 100 steps it leaves 1.",
                "theory says 2.48 · 10<sup>−14</sup>; all paths together leave <b>",
            ],
        ),
        ({"bias": 0}, "vanishing", ["halves the memory in <b>1 step</b>."]),
        ({"bias": 4.97}, "exploding", ["keeps <b>0.9931</b>", "in <b>100 steps</b>", "add the rest"]),
        ({"bias": 4.97, "cell": "gru"}, "vanishing", ["Update bias 4.97 keeps", "theory says 0.501", "hardly count"]),
        ({"bias": -2, "length": 1000}, "vanishing", ["Forget bias −2", "in <b>0.326 steps</b>", "10<sup>−924</sup>"]),
        ({"bias": 8, "length": 1}, "level", ["After 1 step it leaves 0.9996, theory says 0.9997"]),
    ],
)
def test_the_sentence(state, verdict, parts):
    found = said(**state)
    assert found.verdict == verdict
    assert all(part in found.whole for part in parts), found.whole


def test_the_presets_tell_the_story():
    one = forget_bias()
    found = [one.sentence(one.evaluate(**one.state(**preset.state))).verdict for preset in one.presets]
    assert found == ["vanishing", "vanishing", "exploding", "vanishing", "exploding"]
    assert one.default == {"cell": "lstm", "bias": 1, "length": 100} and one.linear_axis


def test_at_most_a_few_notes_stand_on_a_phone():
    for state in states.states("forget_bias")[::10]:
        notes = [n["text"] for n in state.spec["layout"]["annotations"] if n.get("name") != "wide" and n["text"]]
        assert len(notes) <= 9 and max(len(re.sub(r"<[^>]*>", "", text)) for text in notes) <= 42
