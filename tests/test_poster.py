"""Posters are small valid pictures whose marks stand in their panels."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from states import NAMES, explorer, overflown, states

from gradlab.explorer import poster
from gradlab.style import HEIGHT, HEIGHT_PHONE, PALETTE, figure


def drawn(traces, layout=None, **more):
    layout = {"xaxis": {"range": [0, 4]}, "yaxis": {"range": [0, 4]}} | (layout or {})
    return ElementTree.fromstring(poster.svg(figure(traces, layout), alt="A picture", **more))


def points(svg):
    """Every coordinate pair of circles, texts and paths."""
    for element in svg.iter():
        for x, y in (("cx", "cy"), ("x", "y")):
            if x in element.attrib:
                yield float(element.get(x)), float(element.get(y))
        x = y = None
        for command, numbers in re.findall(r"([MLHVZ])([^MLHVZ]*)", element.get("d", "")):
            values = [float(v) for v in numbers.split()]
            if command in "ML":
                x, y = values
            elif command == "H":
                (x,) = values
            elif command == "V":
                (y,) = values
            yield x, y


@pytest.mark.parametrize("name", NAMES)
def test_the_first_state_of_every_explorer(name):
    made = explorer(name).poster()
    text = poster.svg(made.figure, alt=made.alt)
    svg = ElementTree.fromstring(text)
    _, _, width, height = map(float, svg.get("viewBox").split())
    found = list(points(svg))
    assert len(found) > 20 and all(0 <= x <= width and 0 <= y <= height for x, y in found)
    assert len(text.encode()) < 12_000 and "nan" not in text and "inf" not in text
    assert svg.get("role") == "img" and svg.get("aria-label") == made.alt and made.alt.startswith(explorer(name).title)
    assert repr(made) == f"Poster({name!r})"
    narrow = poster.svg(made.figure, alt=made.alt, phone=True)
    assert made._repr_html_().endswith(f'<div class="gl-poster">{text}{narrow}</div>')


@pytest.mark.parametrize("name", NAMES)
def test_a_narrow_page_gets_a_picture_of_its_own(name):
    made = explorer(name).poster()
    svg = ElementTree.fromstring(poster.svg(made.figure, alt=made.alt, phone=True))
    _, _, width, height = map(float, svg.get("viewBox").split())
    named = made.figure.to_plotly_json()["layout"].get("meta", {}).get("phone", 0)
    assert width == 360 and height <= max(HEIGHT_PHONE, named) <= 520
    assert all(0 <= x <= width and 0 <= y <= height for x, y in points(svg))
    wide = [
        note["text"] for note in made.figure.to_plotly_json()["layout"]["annotations"] if note.get("name") == "wide"
    ]
    assert not set(wide) & {element.text for element in svg.iter()}


@pytest.mark.parametrize("name", NAMES)
def test_colours_follow_the_theme(name):
    made = explorer(name).poster()
    hexes = set(re.findall(r"#[0-9A-Fa-f]{6}", poster.svg(made.figure, alt="")))
    assert not hexes & {light for light, _ in PALETTE.values()}


@pytest.mark.parametrize("name", NAMES)
def test_any_state_can_be_drawn(name):
    found = states(name)
    for state in found[:: max(len(found) // 12, 1)]:
        figure = explorer(name).figure(state.record)
        text = poster.svg(figure, alt="x")
        ElementTree.fromstring(text)
        assert "nan" not in text and "inf" not in text, state.values
        for trace in figure.data:  # a symbol that is not known is drawn as a dot
            symbol = getattr(getattr(trace, "marker", None), "symbol", None) or "circle"
            assert symbol.removesuffix("-open") in {"circle", "x", *poster._CORNERS}, state.values


def test_an_overflow_is_crossed():
    record = overflown()
    svg = poster.svg(explorer("gradients").figure(record), alt="x")
    ElementTree.fromstring(svg)
    assert f"overflow at layer {record.overflow_layer}" in svg and "nan" not in svg


def test_size_comes_from_the_layout():
    assert drawn([]).get("viewBox") == f"0 0 720 {HEIGHT}"
    assert drawn([], {"height": 200}).get("viewBox") == "0 0 720 200"
    assert drawn([], {"height": 200}, phone=True).get("viewBox") == "0 0 360 200"


def test_gaps_break_a_line():
    y = np.array([1, np.nan, 2, np.inf, 3])
    (path,) = [
        p
        for p in drawn([{"type": "scatter", "mode": "lines", "x": np.arange(5.0), "y": y}]).iter("path")
        if "stroke-width" in p.attrib
    ]
    assert path.get("d").count("M") == 3 and "L" not in path.get("d")


def test_marks_are_cut_at_the_panel():
    inner = drawn([{"type": "scatter", "x": [0, 4], "y": [0, 40]}]).find("g/svg")
    assert inner is not None and inner.get("viewBox").split()[2:] == [inner.get("width"), inner.get("height")]
    assert drawn([{"type": "scatter", "x": [0, 4], "y": [0, 4]}]).find("g/svg") is None


@pytest.mark.parametrize(
    ("symbol", "corners", "points_to"),
    [
        ("square", 4, None),
        ("diamond", 4, None),
        ("cross", 12, None),
        ("triangle-up", 3, (0, -6)),
        ("triangle-down", 3, (0, 6)),
        ("triangle-left", 3, (-6, 0)),
        ("triangle-right", 3, (6, 0)),
    ],
)
@pytest.mark.parametrize("hollow", ["", "-open"])
def test_a_mark_has_the_shape_of_its_symbol(symbol, corners, points_to, hollow):
    marker = {"symbol": symbol + hollow, "size": 12, "color": "#123456"}
    (group,) = drawn([{"type": "scatter", "mode": "markers", "x": [2], "y": [2], "marker": marker}]).findall("g/g")
    assert group.get("stroke" if hollow else "fill") == "#123456"
    (path,) = group
    found = np.array(list(points(path))[:-1])  # without the way back
    middle = np.array([62 + (720 - 62 - 14) / 2, 30 + (HEIGHT - 76) / 2])
    outline = found - middle
    assert len(found) == corners and path.get("d").endswith("Z")
    assert outline.mean(axis=0) == pytest.approx([0, 0], abs=0.1)
    size = np.hypot(*outline.T)
    assert size.min() > 3 and size.max() < 9
    if points_to:
        (tip,) = outline[size < 6.5]
        assert tip == pytest.approx(points_to, abs=0.1)


def test_words_stand_on_their_points_or_beside_them():
    trace = {"type": "scatter", "mode": "text", "x": [0, 4], "y": [0, 4], "text": ["<b>a</b>", "10<sup>2</sup>"]}
    for place, anchor in (("middle center", "middle"), ("middle left", "end"), ("middle right", "start")):
        font = {"color": "#123456", "size": 12}
        (group,) = drawn([trace | {"textposition": place, "textfont": font}]).findall("g/g")
        assert (group.get("text-anchor"), group.get("fill"), group.get("font-size")) == (anchor, "#123456", "12")
        first, last = group
        assert [(float(text.get("x")), float(text.get("y"))) for text in group] == [(62, HEIGHT - 41), (706, 35)]
        assert "".join(first.itertext()) == "a" and "".join(last.itertext()) == "102"


def test_bars_start_at_their_base_and_empty_ones_are_left_out():
    bar = {
        "type": "bar",
        "x": np.array([1.0, 2.0]),
        "y": np.array([2.0, -np.inf]),
        "width": 1,
        "marker": {"color": "#123456"},
    }
    (path,) = [p for p in drawn([bar]).iter("path") if p.get("stroke") == "#123456"]
    (x0, middle), (x1, _) = points(path)  # a stroke through the middle of the bar
    assert x1 - x0 == pytest.approx((720 - 62 - 14) / 4, abs=0.2)
    assert float(path.get("stroke-width")) == pytest.approx((HEIGHT - 76) / 2, abs=0.2)
    assert middle == pytest.approx(30 + (HEIGHT - 76) * 3 / 4, abs=0.2)


def test_texts_are_escaped_and_superscripts_come_down_again():
    note = {"text": "a < b & 10<sup>−3</sup> & <b>bold</b>", "x": 1, "y": 1, "showarrow": False}
    (text,) = [t for t in drawn([], {"annotations": [note]}).iter("text") if "bold" in "".join(t.itertext())]
    assert "".join(text.itertext()) == "a < b & 10−3 & bold"
    assert [float(t.get("dy", 0)) for t in text.iter("tspan")] == [-5, 5, 0]


def test_what_follows_a_bold_superscript_comes_down_too():
    note = {"text": "<b>10<sup>3</sup></b> left", "x": 1, "y": 1, "showarrow": False}
    svg = drawn([], {"annotations": [note]})
    (lowered,) = (e for e in svg.iter("tspan") if e.get("dy") == "5")
    assert lowered.text == " left"


def test_a_domain_is_that_of_its_own_panel():
    panels = {"xaxis": {"range": [0, 4], "domain": [0, 0.4]}, "xaxis2": {"range": [0, 4], "domain": [0.6, 1]}}
    traces = [{"type": "scatter", "mode": "lines", "x": [0, 4], "y": [0, 4], "xaxis": axis} for axis in ("x", "x2")]
    edge = {"type": "line", "xref": "x2 domain", "x0": 0, "x1": 0, "yref": "paper", "y0": 0, "y1": 1}
    svg = drawn(traces, panels | {"shapes": [edge]})
    starts = [x for x, _ in points(svg)]
    assert max(starts.count(x) for x in starts if 400 < x < 500) >= 2


def test_hidden_and_empty_marks_leave_nothing():
    before = poster.svg(figure([], {}), alt="")
    hidden = {"type": "scatter", "x": [1], "y": [1], "visible": False}
    empty = {"type": "scatter", "x": np.empty(0), "y": np.empty(0)}
    notes = [{"text": "", "x": 0, "y": 0}, {"text": "x", "x": 0, "y": 0, "visible": False}]
    shapes = [{"type": "line", "x0": 0, "x1": 1, "y0": 0, "y1": 1, "visible": False}]
    assert poster.svg(figure([hidden, empty], {"annotations": notes, "shapes": shapes}), alt="") == before


def test_shared_axis_is_written_once():
    x = {"range": [0, 4], "tickvals": [2], "anchor": "y2", "title": {"text": "layer"}}
    panels = {
        "xaxis": x,
        "yaxis": {"range": [0, 4], "domain": [0.5, 1]},
        "yaxis2": {"range": [0, 1], "domain": [0, 0.3]},
    }
    svg = drawn([{"type": "scatter", "x": [1], "y": [0.5], "yaxis": "y2"}], panels)
    (title,) = [t for t in svg.iter("text") if t.text == "layer"]
    assert float(title.get("y")) > HEIGHT - 30
