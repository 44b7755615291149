"""Figures are plotly's own, keep to the book's marks, and draw the record and nothing else."""

import numpy as np
import plotly.graph_objects as go
import pytest
from states import NAMES, explorer, overflown, states

from gradlab.explorer.table import floats
from gradlab.plots import marks
from gradlab.style import DIVERGING, PALETTE, STRIP, TEMPLATE, colour, figure


def by_role(spec):
    return {(t.get("meta") or {}).get("role"): t for t in spec["data"]}


@pytest.mark.parametrize("name", NAMES)
def test_plotly_accepts_the_first_and_the_last_state(name):
    """The dictionaries are not validated when a figure is made; here they are."""
    one = explorer(name)
    found = states(name)
    for state in (found[one.index(one.default)], found[0], found[-1]):
        valid = go.Figure(state.spec)
        assert [t.type for t in valid.data] == [t["type"] for t in state.spec["data"]]


@pytest.mark.parametrize("name", NAMES)
def test_only_palette_colours(name):
    light = {pair[0] for pair in (*PALETTE.values(), *DIVERGING)}
    for state in states(name)[:: max(len(states(name)) // 20, 1)]:
        for trace in state.spec["data"]:
            for holder in (trace, trace.get("line", {}), trace.get("marker", {})):
                assert {holder.get(key) for key in ("color", "fillcolor")} - {None} <= light, state.values


@pytest.mark.parametrize("name", NAMES)
def test_axes_are_fixed_linear_and_reserved(name):
    one = explorer(name)
    for state in (states(name)[one.index(one.default)], states(name)[-1]):
        axes = {key: axis for key, axis in state.spec["layout"].items() if key[1:].startswith("axis")}
        for key, axis in axes.items():
            low, high = axis["range"]
            assert np.isfinite([low, high]).all() and high > low, key
            assert axis.get("type", "linear") == "linear" and len(axis.get("tickvals", ())) <= 13, key
            assert len(axis.get("ticktext", ())) in (0, len(axis["tickvals"])), key
    layout = TEMPLATE.layout
    assert layout.dragmode is False and layout.hovermode is False and layout.showlegend is False
    assert layout.xaxis.fixedrange and layout.yaxis.fixedrange and not layout.xaxis.automargin


@pytest.mark.parametrize("name", NAMES)
def test_notes_have_no_arrow_and_at_most_two_more_on_phones(name):
    for state in states(name)[:: max(len(states(name)) // 20, 1)]:
        for note in state.spec["layout"]["annotations"]:
            assert note["showarrow"] is False and note["font"]["size"] >= 14 and "None" not in note["text"]
            assert all(np.isfinite(note[axis]) for axis in "xy"), (state.values, note["text"])


def test_gradients_draws_the_record():
    one = explorer("gradients")
    for values in (one.default, {"depth": 1}, {"depth": 50, "activation": "linear", "initializer": "standard_normal"}):
        record = one.evaluate(**values)
        drawn = by_role(one.figure(record).to_plotly_json())
        for role, y in (
            ("theory", record.theory),
            ("measured", record.measured),
            ("strip", record.measured - record.theory),
        ):
            np.testing.assert_array_equal(floats(drawn[role]["x"]), record.layers)
            np.testing.assert_allclose(floats(drawn[role]["y"]), y, atol=1e-12)
        band = floats(drawn["band"]["y"])
        np.testing.assert_allclose(band[: record.depth], record.high - record.theory, atol=1e-12)
        np.testing.assert_allclose(band[: record.depth - 1 : -1], record.low - record.theory, atol=1e-12)
        assert len(floats(drawn["overflow"]["x"])) == 0
        assert drawn["theory"]["line"]["width"] == 11 and drawn["theory"]["opacity"] == 0.4
        assert drawn["measured"]["line"] == {"color": colour(record.activation), "width": 2.4}


def test_gradients_draws_an_overflow():
    """A cross where the signal ends, the curves up to the layer before, the same traces as everywhere."""
    one = explorer("gradients")
    record = overflown()
    spec = one.figure(record).to_plotly_json()
    usual = states("gradients")[0].spec
    drawn, first = by_role(spec), record.overflow_layer
    assert [(t["type"], t["mode"], t["meta"]["role"]) for t in spec["data"]] == [
        (t["type"], t["mode"], t["meta"]["role"]) for t in usual["data"]
    ]
    assert all(len(spec["layout"][key]) == len(usual["layout"][key]) for key in ("annotations", "shapes"))
    assert floats(drawn["overflow"]["x"]).tolist() == [first] and drawn["overflow"]["marker"]["symbol"] == "x"
    for role in ("theory", "measured", "strip"):
        assert len(floats(drawn[role]["x"])) == first - 1 and np.isfinite(floats(drawn[role]["y"])).all(), role
    low, high = spec["layout"]["yaxis"]["range"]
    assert low < floats(drawn["measured"]["y"]).min() and floats(drawn["measured"]["y"]).max() < high
    texts = [note["text"] for note in spec["layout"]["annotations"]]
    assert f"overflow at layer {first}" in texts and f"↑ gradient norm, layer {first - 1} = 1" in texts
    (ground,) = [shape for shape in spec["layout"]["shapes"] if shape["type"] == "rect"]
    assert (ground["x0"], ground["x1"], ground["visible"]) == (first, record.depth, True)
    go.Figure(spec)


def test_strip_is_one_decade_each_way():
    low, high = STRIP["range"]
    assert -low == high > 1 and STRIP["tickvals"] == [-1, 0, 1]


def test_marks():
    x, low, high = np.arange(3.0), np.zeros(3), np.ones(3)
    band = marks.band(x, low, high, "relu")
    assert band["x"].tolist() == [0, 1, 2, 2, 1, 0] and band["y"].tolist() == [1, 1, 1, 0, 0, 0]
    assert marks.measured(x, low, "tanh")["marker"]["symbol"] == "square"
    assert marks.measured(x, low, "tanh", markers=False)["mode"] == "lines"
    assert marks.level(1.0, yref="y2")["y0"] == marks.level(1.0)["y1"] == 1.0
    assert marks.line(x, low, "other", dash="dot")["line"] == {"color": colour("muted"), "width": 1.2, "dash": "dot"}
    assert marks.dots(x, low, "open", "relu", 8, "circle-open", edge=2, yaxis="y2") == {
        "type": "scatter", "mode": "markers", "x": x, "y": low, "meta": {"role": "open"}, "yaxis": "y2",
        "marker": {"color": colour("relu"), "size": 8, "symbol": "circle-open", "line": {"width": 2}},
    }  # fmt: skip
    assert marks.coarse(np.array([0.0, 0.6, -1.26]), 4).tolist() == [0, 0.5, -1.25]
    assert len(marks.cross(marks.NOTHING, 0)["y"]) == 0 == len(marks.rail(marks.NOTHING, marks.NOTHING)["x"])


@pytest.mark.parametrize("values", [[0.0], [0, 0, 0, 0], [3, 2, 1, 0], [0, 0.1, 5, 5.05]])
def test_labels_are_moved_apart_in_their_order(values):
    moved = marks.apart(values, 1.0)
    assert np.isclose(moved.mean(), np.mean(values))
    order = np.argsort(values, kind="stable")
    assert (np.diff(moved[order]) >= 1 - 1e-12).all()


def test_a_titled_figure_carries_its_text_equivalent():
    drawn = figure([], {"meta": {"x": "layer"}}, title="A claim", alt="It falls.")
    assert drawn.layout.meta == {"x": "layer", "title": "A claim", "alt": "It falls."} and drawn.layout.margin.t == 64
    assert figure([], {}, title="A claim").layout.meta["alt"] == "A claim"
    assert (
        figure([], {}).layout.title.text is None
        and figure([], {}).layout.template.layout.height == TEMPLATE.layout.height
    )
