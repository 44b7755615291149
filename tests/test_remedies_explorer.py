"""Explorer [p]: every start with every remedy, before and after training."""

import math
import re
import sys
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import plotly.graph_objects as go
import pytest
from states import by_role, encoded, states
from states import record_of as made
from states import said as told

from gradlab.data import digits
from gradlab.explorer import poster, static
from gradlab.explorer.core import plain
from gradlab.explorer.table import floats
from gradlab.plots import remedies as draw
from gradlab.records import Configuration
from gradlab.remedies import start_profile
from gradlab.style import power

widget = sys.modules["gradlab.widgets.remedies"]  # the package gives its function that name
plots = sys.modules["gradlab.plots.remedies"]
DEFAULT = {"depth": 30, "network": "sigmoid_xavier_normal", "remedy": "batch", "shown": "gradient"}


def record_of(**some):
    return made("remedies", **some)


def said(**some):
    return told("remedies", **some)


def drawn(**some):
    return draw(record_of(**some)).to_plotly_json()


def at(activation, start, remedy):
    return widget.NETWORKS.index((activation, start)), tuple(widget.HOW).index(remedy)


# -------------------------------------------------------------------------------------------------- the record


@pytest.mark.parametrize(
    ("activation", "start", "remedy", "normalization", "shortcut"),
    [
        ("sigmoid", "xavier_normal", "plain", "none", "plain"),
        ("relu", "orthogonal", "scaled", "none", "scaled"),
        ("tanh", "standard_normal", "layer_residual", "layer", "residual"),
        ("relu", "kaiming_normal", "batch", "batch", "plain"),
    ],
)
@pytest.mark.parametrize("clip", [math.inf, 1.0])
def test_a_cell_is_the_median_of_the_table(activation, start, remedy, normalization, shortcut, clip):
    record = record_of(
        depth=10, network=f"{activation}_{start}", remedy=remedy, shown="clipped" if clip == 1 else "epochs"
    )
    assert record.cell == at(activation, start, remedy) and record.clip == clip
    held = widget._table()[Configuration(10, activation, start, normalization, shortcut, clip)]
    cell = {name: getattr(record, name)[record.cell] for name in ("relative", "accuracy", "solved", "learnt")}
    known = np.sort(np.nan_to_num(held.accuracy, nan=-1))
    assert cell["relative"] == np.median(held.relative) and cell["learnt"] == (known >= 0.5).sum()
    assert record.learning_rate[record.cell] == held.learning_rate
    assert cell["accuracy"] == known[1] if known[1] >= 0 else math.isnan(cell["accuracy"])
    assert cell["solved"] == np.sort(np.nan_to_num(held.solved, nan=math.inf))[1]
    few = digits(64, seed=0)
    for seed, layers in enumerate(record.profile):
        one = Configuration(10, activation, start, normalization, shortcut)
        by_hand = start_profile(one, few.images, few.labels, seed=seed)
        np.testing.assert_array_equal(layers, by_hand.relative_dz)
        assert held.relative[seed] == pytest.approx(layers[0], abs=0.0051)


def test_most_decide_where_answers_are_no_numbers():
    assert widget._median(np.array([math.nan, 0.9, 0.8]), -math.inf) == 0.8
    assert math.isnan(widget._median(np.array([math.nan, math.nan, 0.8]), -math.inf))
    assert widget._median(np.array([math.nan, 2, math.nan]), math.inf) == math.inf


def test_the_title_holds_at_every_depth():
    """Down a column of normalization the starts of an activation hardly differ; the activations do, and plain starts too."""
    for depth in widget.DEPTHS:
        record = record_of(depth=depth)
        middle = {
            name: [np.median(record.relative[[a == name for a, _ in record.networks]], axis=0)]
            for name in widget.ACTIVATIONS
        }
        for column in (1, 2):
            assert record.spans(column).max() < 0.85
            between = np.ptp([rows[0][column] for rows in middle.values()])
            assert between > 3 * record.spans(column).max() or between > 1.5
        assert record.spans(0).min() > 5
    assert record_of(depth=30).spans(0) == pytest.approx([23.2] * 5 + [16.3] * 5 + [33.2] * 5, abs=0.1)


def test_what_step_0_said_and_what_came():
    for depth in widget.DEPTHS:
        record = record_of(depth=depth)
        assert (record.promised == (np.abs(record.relative.round(1)) <= 1)).all()
        assert (record.trained == (record.learnt >= 2)).all()
        assert not record.trained[np.isnan(record.accuracy)].any()


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"depth": 20}, "depth: got 20, expected one of 10, 30, 60"),
        ({"network": "gelu_orthogonal"}, "network: got 'gelu_orthogonal', expected one of sigmoid_torch_default"),
        ({"remedy": "rms"}, "remedy: got 'rms', expected one of plain, batch"),
        ({"shown": "loss"}, "shown: got 'loss', expected one of gradient"),
    ],
)
def test_bad_input_names_the_argument(state, message):
    with pytest.raises(ValueError, match=message):
        record_of(**state)


def test_the_record_refuses_other_shapes():
    record = record_of()
    for name in ("relative", "accuracy", "solved", "learnt", "learning_rate", "profile", "plain", "measured"):
        with pytest.raises(ValueError, match=f"{name} has shape"):
            replace(record, **{name: np.zeros((3, 3))})


# ------------------------------------------------------------------------------------------------ the explorer


def test_every_state_is_drawn_inside_its_frame():
    found = states("remedies")
    assert len(found) == 3 * 15 * 7 * 5
    shape = [(t["type"], t["meta"]["role"], t.get("visible")) for t in found[0].spec["data"]]
    for state in found[::3]:
        layout = state.spec["layout"]
        assert [(t["type"], t["meta"]["role"], t.get("visible")) for t in state.spec["data"]] == shape
        assert len(layout["annotations"]) == 4
        for trace in state.spec["data"]:
            y = floats(trace["y"]) + floats(trace.get("base", 0))
            for axis, values in (("x", floats(trace["x"])), ("y", y)):
                low, high = layout[trace.get(f"{axis}axis", axis).replace(axis, f"{axis}axis")]["range"]
                assert ((low <= values) & (values <= high)).all(), (state.values, trace["meta"])


@pytest.mark.parametrize("shown", ["gradient", "accuracy", "clipped", "epochs", "foresight"])
def test_every_cell_has_its_number_and_no_tint_stands_alone(shown):
    for depth in widget.DEPTHS:
        record, spec = record_of(depth=depth, shown=shown), drawn(depth=depth, shown=shown)
        go.Figure(spec)  # validates
        places = [set(zip(floats(t["x"]), floats(t["y"]), strict=True)) for t in by_role(spec, "words")]
        assert len(places[0] | places[1]) == sum(map(len, places)) == record.relative.size == 105
        heights, _ = plots._heights(record)
        found = np.empty((15, 7), dtype=object)
        for trace in by_role(spec, "words"):
            for x, y, word in zip(floats(trace["x"]), floats(trace["y"]), trace["text"], strict=True):
                found[heights.tolist().index(y), int(x)] = word
        tints = plots._tints(record)
        for row, column in np.ndindex(15, 7):
            value, word = record.relative[row, column], found[row, column]
            if shown == "gradient":
                exact = f"{value:.1f}" if abs(value) < 9.95 else f"{value:.0f}"
                assert float(word.replace("−", "-")) == float(exact)
                assert np.sign(tints[row, column] - 2) in (0, np.sign(value)) and tints[row, column] >= 0
            elif shown == "epochs":
                assert word == (f"{record.solved[row, column]:.0f}" if record.solved[row, column] <= 10 else ">10")
            else:
                share = record.accuracy[row, column]
                assert word.lstrip("↑↓") == (
                    "–" if not record.measured[row, column] else "NaN" if math.isnan(share) else f"{100 * share:.0f}"
                )
            if shown == "foresight":
                kind = bool(record.promised[row, column]), bool(record.trained[row, column])
                assert word[0] == {(True, False): "↓", (False, True): "↑"}.get(kind, word[0])
                assert (word[0] in "↑↓") == (kind[0] != kind[1]) == (tints[row, column] in plots.DARK)
        assert np.isin(tints, plots.DARK).sum() == len(places[1])
        cells = [len(floats(trace["x"])) for trace in by_role(spec, "cell")]
        assert cells == [(tints == i).sum() for i in range(5)]


def test_the_chosen_cell_is_framed_and_can_be_moved():
    record = record_of(network="relu_orthogonal", remedy="scaled")
    spec = draw(record).to_plotly_json()
    (handle,) = by_role(spec, "handle")
    x, y = floats(handle["x"])[0], floats(handle["y"])[0]
    for frame in by_role(spec, "chosen"):
        assert (floats(frame["x"]).min() + floats(frame["x"]).max()) / 2 == pytest.approx(x)
        assert (floats(frame["y"]).min() + floats(frame["y"]).max()) / 2 == pytest.approx(y)
    held = handle["meta"]["handle"]
    assert held["x"]["control"] == "remedy" and held["x"]["at"][record.cell[1]] == x
    assert held["y"]["control"] == "network" and held["y"]["at"][record.cell[0]] == y
    assert (np.diff(held["y"]["at"]) < 0).all() and held["click"]
    (measured,), (other,) = by_role(spec, "measured"), by_role(spec, "plain")
    layers = floats(measured["x"]).astype(int)
    assert layers[[0, -1]].tolist() == [1, 30]
    assert floats(measured["y"]) == pytest.approx(np.median(record.profile, axis=0)[layers - 1])
    assert floats(other["y"]) == pytest.approx(np.median(record.plain, axis=0)[layers - 1])
    assert len(floats(by_role(drawn(remedy="plain"), "plain")[0]["x"])) == 0


@pytest.mark.parametrize("shown", ["gradient", "accuracy", "clipped", "epochs", "foresight"])
def test_the_numbers_are_the_rows_of_the_activation(shown):
    record = record_of(network="tanh_orthogonal", shown=shown)
    table = static.numbers_table(draw(record))
    heads = re.findall(r"<th[^>]*>([^<]*)</th>", table)
    assert heads[:8] == ["tanh", "plain", "BN", "LN", "res", "res /√L", "BN +res", "LN +res"]
    assert heads[8:] == ["PyTorch", "Xavier", "He", "orthogonal", "N(0,1)"]
    cells = re.findall(r"<td>(.*?)</td>", table)
    words = plots._words(record)[5:10].ravel().tolist()
    assert cells == ([power(v) for v in record.relative[5:10].ravel()] if shown == "gradient" else words)


@pytest.mark.parametrize("phone", [False, True])
def test_the_poster_is_the_table(phone):
    svg = poster.svg(draw(record_of()), alt="x", phone=phone)
    root = ElementTree.fromstring(svg)
    texts = ["".join(element.itertext()) for element in root.iter("text")]
    assert texts.count("orthogonal") == 3 and texts.count("BN") == 2 and "−18" in texts and "sigmoid" in texts
    assert ("tints end at ×10 and ×10,000" in texts) != phone
    assert len(texts) > 105 + 15 + 7


def test_every_sentence_is_sound():
    for state in states("remedies"):
        text, record, cell = plain(state.said.whole), state.record, state.record.cell
        total = float(np.median(record.profile[:, 0]))
        assert f"<b>{power(total)}</b>" in state.said.text and state.said.log10_value == total
        promised, trained = bool(record.promised[cell]), bool(record.trained[cell])
        assert state.said.verdict == ("level" if promised else "vanishing" if total < 0 else "exploding")
        assert (", plain" in text) == (record.remedy != "plain")
        solved, wrong = math.isfinite(record.solved[cell]), (record.promised != record.trained).sum()
        if record.shown == "foresight":
            assert f"Of its 105 forecasts here {wrong} were wrong: " in text
            upwards = record.relative[~record.promised & record.trained] > 0
            assert (" of explosion" in text) == bool(len(upwards) and upwards.all())
            assert ("Step 0 promised" in text, ", and " in text) == (promised, promised == trained)
        elif record.shown == "epochs":
            assert ("is 80 % right after" in text) == solved and ("not 80 % right within" in text) != solved
        elif not record.measured[cell]:
            assert record.shown == "clipped" and "It was not trained with clipping" in text
            assert record.depth > 10 and widget.HOW[record.remedy][0] != "none"
        else:
            kept = {(True, True): "as step 0 promised", (False, False): "as step 0 warned"}
            kept |= {(True, False): "though step 0 promised it", (False, True): "though step 0 warned"}
            assert kept[promised, trained] in text
            assert ("with clipping" in text) == (record.shown == "clipped")
            if record.shown != "gradient":
                assert ("no numbers" in text) == math.isnan(record.accuracy[cell])
                assert (": 80 % right after" in text) == solved


@pytest.mark.parametrize(
    ("state", "parts"),
    [
        ({}, ["30 sigmoid layers, Xavier weights, batch norm: layer 1’s gradient is <b>3.65</b> times the last one’s, "
              "plain 4.97 · 10<sup>−19</sup>.", "The five starts lie 0.2 powers of ten apart, plain 23.2.",
              "Trained, all three nets learn, as step 0 promised."]),
        ({"remedy": "layer"}, ["<b>Vanishing.</b>", "no net learns, as step 0 warned."]),
        ({"network": "relu_standard_normal", "remedy": "residual"}, ["<b>Exploding.</b>", "The five starts lie 20.9"]),
        ({"depth": 10, "network": "relu_standard_normal", "remedy": "plain", "shown": "accuracy"},
         ["no net learns, as step 0 warned: its answers end as no numbers."]),
        ({"depth": 10, "remedy": "plain", "shown": "epochs"},
         ["the median net is not 80 % right within 10 epochs, 11 % in the end."]),
        ({"depth": 10, "network": "relu_kaiming_normal", "remedy": "residual"}, ["<b>Exploding.</b>", "though step 0 warned"]),
        ({"depth": 10, "network": "relu_kaiming_normal", "remedy": "residual", "shown": "foresight"},
         ["Step 0 warned, yet all three nets learn."]),
    ],
)  # fmt: skip
def test_the_sentence(state, parts):
    found = said(**state)
    text = found.whole.replace("\u00a0", " ")
    assert all(part in text for part in parts), text


def test_the_presets_tell_the_story():
    one = widget.remedies()
    records = [one.evaluate(**one.state(**preset.state)) for preset in one.presets]
    found = [one.sentence(record) for record in records]
    assert [f.verdict for f in found] == ["level", "vanishing", "exploding", "level", "level"]
    assert one.state(**one.presets[0].state) == one.default == DEFAULT
    assert not records[1].trained[records[1].cell] and not records[2].trained[records[2].cell]
    assert records[3].trained[:, 1].all()  # batch normalization trains from every start
    assert "Step 0 promised training, yet no net learns." in found[4].text
    assert records[4].trained[at("relu", "kaiming_normal", "batch")]
    assert records[4].relative[at("relu", "kaiming_normal", "batch")] > 2.5  # and nobody would have bet on this one


def test_the_table_fits_beside_the_page():
    assert len(encoded("remedies")) * 4 // 3 < 200_000
