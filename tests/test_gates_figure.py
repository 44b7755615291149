"""The picture of trained gates: every closed gate in its cell, in its shade, the gradient below."""

import numpy as np
import plotly.graph_objects as go
import pytest

from gradlab.explorer import poster
from gradlab.explorer.table import floats
from gradlab.plots.gates import SHADES, WHO, gates
from gradlab.records import GatesRecord
from gradlab.style import DIVERGING, PALETTE, colour

TITLE = "Two cells and a sequence"


def record(cells=2, units=5, steps=12):
    rng = np.random.default_rng(3)
    symbols = tuple({0: "A", 5: "C", 8: "B"}.get(t, "") for t in range(steps))
    left = np.sort(rng.uniform(-6.4, 0, (cells, steps + 1)), axis=1)
    left[:, -1] = 0
    return GatesRecord(
        tuple(f"cell {p}" for p in range(cells)), symbols, rng.uniform(0, 1, (cells, units, steps)), left
    )


def drawn(trace):
    """Row and column, from 0, of the cells that a trace draws."""
    assert np.all(floats(trace["y"]) == 1) and trace["width"] == 1 and trace["offset"] == -0.5
    return np.array([floats(trace["base"]), floats(trace["x"]) - 1]).round(12).astype(int)


def test_every_closed_gate_stands_in_its_cell_and_open_ones_are_blank():
    one = record()
    traces = gates(one, title=TITLE).to_plotly_json()["data"]
    for p, kept in enumerate(one.gates):
        panel = [trace for trace in traces if trace.get("xaxis") == f"x{p + 2}"]
        assert [trace["marker"]["color"] for trace in panel] == list(SHADES.values())
        shown = np.full(kept.shape, len(SHADES))
        for level, trace in enumerate(panel):
            shown[tuple(drawn(trace))] = level
        at_keywords = kept[:, [5, 8]].mean(axis=1)
        wanted = np.digitize(kept, list(SHADES))
        np.testing.assert_array_equal(shown, wanted[np.argsort(at_keywords)])


def test_the_lines_are_the_gradient_and_the_dots_the_keywords():
    one = record()
    spec = gates(one, title=TITLE).to_plotly_json()
    lines = [trace for trace in spec["data"] if trace["type"] == "scatter"]
    for left, who, line in zip(one.log10_left, WHO, lines, strict=False):
        np.testing.assert_array_equal(floats(line["x"]), np.arange(13))
        np.testing.assert_allclose(floats(line["y"]), left)
        assert line["line"]["color"] == colour(who)
    low, high = spec["layout"]["yaxis"]["range"]
    assert low < one.log10_left.min() and one.log10_left.max() < high
    dotted = [shape["x0"] + 0.5 for shape in spec["layout"]["shapes"] if shape["type"] == "line"]
    letters = {note["text"]: note["x"] for note in spec["layout"]["annotations"] if note["text"] in "ABC"}
    assert dotted == one.keywords.tolist() == [1, 6, 9] and letters == {"A": 1, "C": 6, "B": 9}


@pytest.mark.parametrize("cells", [1, 2, 3])
def test_panels_do_not_overlap(cells):
    layout = gates(record(cells), title=TITLE).to_plotly_json()["layout"]
    domains = [layout[f"yaxis{'' if k == 1 else k}"]["domain"] for k in range(1, cells + 2)]
    edges = [edge for low, high in (domains[0], *domains[:0:-1]) for edge in (low, high)]
    assert edges == sorted(edges) and (edges[0], edges[-1]) == (0, 1)
    assert all(5 * gap > 0.4 for gap in np.diff(edges)[1::2])


def test_plotly_and_the_poster_take_it():
    made = gates(record(), title=TITLE)
    go.Figure(made.to_plotly_json())
    light = {pair[0] for pair in (*PALETTE.values(), *DIVERGING)}
    assert {trace.get("marker", {}).get("color") for trace in made.to_plotly_json()["data"]} <= light
    assert made.layout.meta["title"] == TITLE and "C at step 6" in made.layout.meta["alt"]
    assert "nan" not in poster.svg(made, alt="gates")


def test_what_is_refused():
    one = record()
    with pytest.raises(ValueError, match=r"log10_left has shape \(2, 12\); .* \(2, 13\)"):
        GatesRecord(one.names, one.symbols, one.gates, one.log10_left[:, 1:])
    with pytest.raises(ValueError, match="gates has shape"):
        GatesRecord(one.names, one.symbols[:-1], one.gates, one.log10_left)
    with pytest.raises(ValueError, match="gates has shape"):
        GatesRecord(one.names, one.symbols, one.gates[0], one.log10_left)
    with pytest.raises(ValueError, match="record has 4 cells; at most 3"):
        gates(record(4), title=TITLE)


def test_closing_counts_units_at_later_keywords():
    kept = np.full((1, 3, 4), 0.9)
    kept[0, 0, 0], kept[0, 1, 2], kept[0, 2, 1] = 0.1, 0.1, 0.1  # at the first symbol, at a keyword, at a filler
    one = GatesRecord(("one",), ("A", "", "B", ""), kept, np.zeros((1, 5)))
    assert one.closing().tolist() == [1] and one.closing(0.05).tolist() == [0]
