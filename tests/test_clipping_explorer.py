"""Explorer [o]: gradient descent on a cliff, with and without clipping."""

import math
import re
import sys
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import plotly.graph_objects as go
import pytest
from states import states

from gradlab.cliff import cliff_contour, cliff_descent, cliff_loss, cliff_output
from gradlab.explorer import poster, table
from gradlab.explorer.core import plain
from gradlab.explorer.table import floats
from gradlab.plots import clipping as draw
from gradlab.style import number
from gradlab.widgets import clipping

widget = sys.modules["gradlab.widgets.clipping"]  # the package gives its function that name
plots = sys.modules["gradlab.plots.clipping"]
DEFAULT = {"kind": "none", "threshold": 1, "w": 5, "b": -2.4}


def record_of(**some):
    return widget.evaluate(**(DEFAULT | some))


def said(**some):
    return widget.sentence(record_of(**some))


def drawn(**some):
    return draw(record_of(**some)).to_plotly_json()


def by_role(spec, role):
    return [trace for trace in spec["data"] if trace["meta"]["role"] == role]


def points(trace):
    return np.stack([floats(trace["x"]), floats(trace["y"])], axis=1)


# -------------------------------------------------------------------------------------------------- the record


@pytest.mark.parametrize("kind", widget.KINDS)
@pytest.mark.parametrize("start", [(5, -2.4), (4.93, -2.41)])  # of the grid, and between its values
def test_the_record_is_one_descent(kind, start):
    record = record_of(kind=kind, w=start[0], b=start[1], threshold=0.3)
    found = cliff_descent(start, kind=kind, threshold=0.3)
    assert record.path == pytest.approx(found.path[:, :, 0], rel=1e-6)
    assert record.loss == pytest.approx(found.loss[:, 0], rel=1e-4)
    assert record.norm == pytest.approx(found.norm[:, 0], rel=1e-4)
    assert record.steps == 60 and record.jump == pytest.approx(found.jump[:, 0], rel=1e-4)
    assert (record.w, record.b) == start == tuple(record.path[0])


def test_clipped_steps_crossings_and_turns():
    plain, clipped = record_of(), record_of(kind="norm")
    assert plain.clipped == np.count_nonzero(plain.norm[:-1] > 1) == 2 and clipped.clipped == 1
    assert clipped.jump.max() == pytest.approx(0.3)
    outputs = cliff_output(*clipped.path.T)
    assert clipped.crossings == sum(a != b for a, b in zip(outputs[:-1] < 0.35, outputs[1:] < 0.35, strict=True)) == 24
    for kind in widget.KINDS:
        turned = record_of(kind=kind).turned
        assert turned == pytest.approx(17.3, abs=0.1) if kind == "value" else turned < 1e-6
    assert record_of(kind="value", threshold=0.01).turned < 45


def test_the_numbers_of_the_page():
    ends = {kind: record_of(kind=kind).loss[-1] for kind in widget.KINDS}
    assert [number(end) for end in ends.values()] == ["0.0900", "5.15 · 10<sup>−6</sup>", "0.0172", "0.0217"]
    hard, helpless = record_of(kind="norm", threshold=0.01), record_of(kind="norm", w=5.2, b=-2.45)
    assert hard.jump.sum() == pytest.approx(0.18) and hard.crossings == 0 and hard.clipped == 60
    assert number(helpless.loss[-1]) == "0.258" and helpless.crossings == 29
    assert not any(one.sensitive for one in (hard, helpless, *(record_of(kind=kind) for kind in widget.KINDS)))


def test_the_starts_around_say_more_than_one_path():
    """Unclipped most are thrown off the map, clipped at 1 none is; between too hard and too late lies a best threshold."""
    assert record_of().starts == 441 and record_of().share_out == pytest.approx(0.72, abs=0.02)
    for kind in ("norm", "value", "largest"):
        found = {at: record_of(kind=kind, threshold=at) for at in widget.THRESHOLDS}
        assert [one.share_out for at, one in found.items() if at <= 1] == [0] * 5
        assert found[10].share_out == pytest.approx(0.72, abs=0.02)
        medians = [one.median_loss for one in found.values()]
        assert medians[-1] == pytest.approx(0.089, abs=0.002) and min(medians) < 0.011 < 0.015 < medians[0]
        assert widget.THRESHOLDS[int(np.argmin(medians))] == 0.3
    by_norm, by_value = (record_of(kind=kind).median_loss for kind in ("norm", "value"))
    assert 2 < by_value / by_norm < 2.8


def test_where_rounding_decides():
    """A path through the steepest part of the wall: a start moved in its last digit ends elsewhere."""
    record = record_of(w=5.2, b=-2.7)
    assert record.sensitive
    ends = [cliff_descent((5.2 + nudge, -2.7)).loss[-1, 0] for nudge in (0, 1e-15, -1e-15, 2e-15)]
    assert np.ptp(ends) > 1e-3 * ends[0]
    share = np.mean([state.record.sensitive for state in states("clipping")])
    assert 0.03 < share < 0.15
    steady = [
        s.record.sensitive for s in states("clipping") if s.values["threshold"] < 0.3 and s.values["kind"] != "none"
    ]
    assert len(steady) == 594 and not any(steady)  # a short step seldom stops on the wall itself


def test_the_map():
    record = record_of()
    for output, (w, b) in zip(record.outputs, record.lines, strict=True):
        assert (w[0], w[-1]) == tuple(record.frame[0]) and len(w) < 30
        inside = (record.frame[1, 0] < b) & (b < record.frame[1, 1]) & (w < 4.4)
        np.testing.assert_allclose(cliff_loss(w[inside], b[inside]), (output - 0.7) ** 2, atol=1e-9)
        between = np.linspace(*record.frame[0], 400)
        true = np.clip(cliff_contour(output, between), *record.frame[1])
        np.testing.assert_allclose(np.interp(between, w, b), true, atol=0.006)
    losses = (record.outputs - record.target) ** 2
    assert losses.argmin() == 8 and losses[8] == 0
    assert losses[:8] == pytest.approx(2 * np.append(losses[1:8], 0.00125))
    assert losses[:8] == pytest.approx([0.32, 0.16, 0.08, 0.04, 0.02, 0.01, 0.005, 0.0025])
    assert losses[9:] == pytest.approx(losses[7:1:-1])
    assert record.wall[0].min() == pytest.approx(4.17, abs=0.05) and record.wall[0].max() == 5.6


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"kind": "global"}, "kind: got 'global', expected one of none, norm, value, largest"),
        ({"threshold": 0}, "threshold: got 0, expected a number from 0.01 to 10"),
        ({"threshold": math.nan}, "threshold: got nan"),
        ({"w": 6}, "w: got 6, expected a number from 4.4 to 5.4"),
        ({"b": -2}, "b: got -2, expected a number from -2.7 to -2.2"),
    ],
)
def test_bad_input_names_the_argument(state, message):
    with pytest.raises(ValueError, match=message):
        record_of(**state)


def test_the_ends_of_the_sliders_are_taken():
    """The live sliders compute their ends."""
    assert record_of(w=5.4 + 1e-15, b=-2.7 - 1e-15, threshold=10 * (1 + 1e-15)).w == pytest.approx(5.4)


def test_the_record_refuses_other_shapes():
    record = record_of()
    with pytest.raises(ValueError, match="norm has shape"):
        replace(record, norm=np.zeros(3))
    with pytest.raises(ValueError, match="wall has shape"):
        replace(record, wall=np.zeros(3))
    with pytest.raises(ValueError, match="contours holds 14 lines; with 15 outputs as many are needed"):
        replace(record, contours=record.contours[:, 4:])


# ------------------------------------------------------------------------------------------------ the explorer


def test_every_state_is_drawn_inside_its_frame():
    found = states("clipping")
    assert len(found) == clipping().state_count < 4000
    shape = [(t["type"], t["mode"], t["meta"]["role"]) for t in found[0].spec["data"]]
    for state in found:
        layout = state.spec["layout"]
        assert [(t["type"], t["mode"], t["meta"]["role"]) for t in state.spec["data"]] == shape
        assert len(layout["annotations"]) == len(found[0].spec["layout"]["annotations"])
        for trace in state.spec["data"]:
            for axis in "xy":
                values = floats(trace[axis])
                low, high = layout[trace.get(f"{axis}axis", axis).replace(axis, f"{axis}axis")]["range"]
                inside = (low <= values) & (values <= high) | np.isnan(values)
                assert inside.all(), (state.values, trace["meta"])
        assert all(len(floats(by_role(state.spec, role)[0]["x"])) for role in ("measured", "loss", "norm", "decisive"))


def test_the_figure_draws_the_record():
    record, spec = record_of(kind="norm"), drawn(kind="norm")
    go.Figure(spec)  # validates
    (path,), (stops,) = by_role(spec, "measured"), by_role(spec, "stops")
    assert points(path)[2:] == pytest.approx(record.path, abs=0.002)
    assert points(stops) == pytest.approx(record.path, abs=0.002)
    for role, values in (("loss", record.loss), ("norm", record.norm)):
        (line,) = by_role(spec, role)
        assert floats(line["x"]).tolist() == list(range(61))
        assert floats(line["y"]) == pytest.approx(np.log10(values), abs=0.01)
        (rows,) = by_role(spec, f"{role}es" if role == "loss" else f"{role}s")
        assert floats(rows["x"]).tolist() == list(range(0, 61, 6))
        assert floats(rows["y"]) == pytest.approx(np.log10(values[::6]), abs=1e-12)
    (handle,) = by_role(spec, "handle")
    assert points(handle).tolist() == [[5, -2.4]]
    assert [handle["meta"]["handle"][axis]["control"] for axis in "xy"] == ["w", "b"]
    assert len(by_role(spec, "relief")) == len(record.outputs) - 1
    (threshold,) = by_role(spec, "threshold")
    assert floats(threshold["y"]).tolist() == [0, 0]


def test_a_ring_marks_the_same_point_in_all_panels():
    for some, at in (({}, 51), ({"kind": "norm"}, 23), ({"kind": "norm", "threshold": 0.1}, 12)):
        record, spec = record_of(**some), drawn(**some)
        rings = [points(by_role(spec, role)[0])[0] for role in ("decisive", "decisive loss", "decisive norm")]
        assert record.decisive == at and rings[0] == pytest.approx(record.path[at])
        assert rings[1] == pytest.approx([at, np.log10(record.loss[at])])
        assert rings[2] == pytest.approx([at, np.log10(record.norm[at])])


def test_a_path_that_leaves_ends_in_a_triangle_that_points_there():
    spec, record = drawn(), record_of()
    assert record.left == 52
    (exit_,) = by_role(spec, "exit")
    (place,) = points(exit_)
    assert place[1] == pytest.approx(record.frame[1, 1]) and exit_["marker"]["symbol"] == "triangle-up"
    (path,) = by_role(spec, "measured")
    assert points(path)[-1] == pytest.approx(place, abs=0.003) and len(points(path)) == 2 + 53
    from_ring = place - record.path[51]
    whole = record.path[52] - record.path[51]
    assert from_ring[0] * whole[1] == pytest.approx(from_ring[1] * whole[0])
    shown = [n["text"] for n in spec["layout"]["annotations"] if n.get("visible", True)]
    assert "to (10.4, 7.75)" in shown and "a tint darker: twice the loss" not in shown
    assert len(points(by_role(drawn(kind="norm"), "exit")[0])) == 0


def test_segments_are_cut_at_the_frame():
    frame = np.array([[0.0, 1.0], [0.0, 1.0]])
    path = np.array([[0.5, 0.5], [1.5, 0.5], [1.5, 2.0], [0.5, 0.5], [0.5, 0.9]])
    cut = plots._inside(path, frame)
    expected = [[0.5, 0.5], [1, 0.5], [np.nan, np.nan], [0.5 + 1 / 3, 1], [0.5, 0.5], [0.5, 0.9]]
    np.testing.assert_allclose(cut, expected)
    assert plots._crossing(np.array([2.0, 0.5]), np.array([2.0, 0.8]), frame) == (1, 0)


def test_a_gradient_that_vanishes_falls_through_the_floor():
    spec, record = drawn(), record_of()
    (line,), (mark,) = by_role(spec, "norm"), by_role(spec, "fallen")
    y = floats(line["y"])
    assert y[52] == plots.FLOOR and np.isnan(y[53:]).all() and np.isfinite(y[:53]).all()
    assert points(mark).tolist() == [[52, plots.FLOOR]]
    shown = [n["text"] for n in spec["layout"]["annotations"] if n.get("visible", True)]
    assert f"to {number(record.norm.min(), 2)}" in shown
    assert len(points(by_role(drawn(kind="norm"), "fallen")[0])) == 0
    back = plots._above(np.array([0.0, -4.0, -5.0, -4.0, -1.0]))
    np.testing.assert_array_equal(back, [0, -3, np.nan, -3, -1])


def test_a_gradient_of_exactly_zero_is_drawn():
    """Past the range of float64, where only the live form could come."""
    record = record_of()
    norm = record.norm.copy()
    norm[-1] = 0
    spec = draw(replace(record, norm=norm)).to_plotly_json()
    assert "to 0" in [n["text"] for n in spec["layout"]["annotations"] if n.get("visible", True)]
    assert widget.sentence(replace(record, loss=np.append(record.loss[:-1], 0.0))).log10_value is None


@pytest.mark.parametrize("phone", [False, True])
def test_the_poster_shows_map_and_path(phone):
    root = ElementTree.fromstring(poster.svg(clipping().poster().figure, alt="x", phone=phone))
    text = " ".join("".join(element.itertext()) for element in root.iter("text"))
    assert "the wall" in text and "to (10.4, 7.75)" in text and ("threshold" in text) != phone
    assert sum(1 for path in root.iter("path") if path.get("fill")) >= len(widget.OUTPUTS) - 1


def test_every_sentence_is_sound():
    lengths = []
    for state in states("clipping"):
        text, record = plain(state.said.whole), state.record
        lengths.append(len(text))
        assert not re.search(r"\bnan\b|\binf|undefined|\de[-+]?\d|\{|\}|\b1 steps|beyond", text, re.IGNORECASE), text
        assert f"<b>{number(record.loss[-1])}</b>" in state.said.text
        assert state.said.log10_value == pytest.approx(math.log10(record.loss[-1]))
        thrown = record.left is not None
        assert state.said.verdict == ("exploding" if thrown else "reading")
        assert ("off the map" in text) == thrown and ("crossed the wall" in text) != thrown and "after 0" not in text
        assert ("Rounding decides" in text) == record.sensitive
        assert ("threshold" in text) == (record.kind == "none" or record.clipped == 0)
    assert max(lengths) < 286


@pytest.mark.parametrize(
    ("state", "parts"),
    [
        (
            {},
            [
                "After 51 steps the gradient is <b>38.9</b>",
                "11.7 away",
                "<b>0.0900</b>",
                "threshold of 1 is passed by 2 of 60",
            ],
        ),
        ({"threshold": 10}, ["A threshold of 10 is passed by 1 of 60 gradients"]),
        (
            {"kind": "norm"},
            ["<b>5.15 · 10<sup>−6</sup></b>", "shortened 1 of 60 steps and turned none", "24 times"],
        ),
        ({"kind": "value"}, ["cut values in 1 of 60 steps", "turning them by up to 17°", "none leave the map"]),
        ({"kind": "norm", "threshold": 0.01}, ["60 of 60 steps", "never crossed the wall"]),
        ({"kind": "norm", "threshold": 10, "w": 4.4, "b": -2.2}, ["No gradient was longer than the threshold"]),
    ],
)
def test_the_sentence(state, parts):
    found = said(**state)
    assert all(part in found.whole for part in parts), found.whole


def test_the_presets_tell_the_story():
    one = clipping()
    found = [one.sentence(one.evaluate(**one.state(**preset.state))) for preset in one.presets]
    assert [f.verdict for f in found] == ["exploding", "reading", "reading", "reading", "reading"]
    assert [round(f.log10_value, 1) for f in found] == [-1.0, -5.3, -1.8, -2.1, -0.6]
    assert one.state(**one.presets[0].state) == one.default == DEFAULT and one.presets[0].pin == {"kind": "norm"}


def test_the_table_fits_beside_the_page():
    found = states("clipping")
    sentences = [[s.said.verdict, s.said.whole, s.said.label, s.said.log10_value] for s in found]
    assert len(table.encode([s.spec for s in found], sentences)) * 4 // 3 < 700_000
