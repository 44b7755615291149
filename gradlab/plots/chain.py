"""Figures of the chain of neurons: factors as bars from the line at 1, their running product as ink dots."""

import numpy as np
import plotly.graph_objects as go

from gradlab.plots.marks import NOTHING, rail
from gradlab.records import ChainRecord, NudgeSizes
from gradlab.style import axis_note, colour, decades, figure, frame, note, ten_to

INK = colour("ink")
PRODUCT, CIRCLES, BARS = (0.50, 1.0), (0.335, 0.405), (0.0, 0.28)
LETTERED = 6  # chains up to this length carry a letter over every bar


def chain(record: ChainRecord) -> go.Figure:
    """Above, the running product |d a_ell / d b_1|, dots, and what real nudges measure, rings around them.

    Below, the two factors of every neuron on their own scale of decades: weight ochre, slope magenta. Neuron 1 has no
    weight bar: the nudge enters behind its weight. A click on a dot cuts the chain there.
    """
    x = record.neurons.astype(float)
    alive, seen = np.isfinite(record.log10_product), np.isfinite(record.log10_measured)
    weights = np.full(record.length - 1, record.log10_weight) if np.isfinite(record.log10_weight) else NOTHING
    traces = [
        _line(x[alive], record.log10_product[alive], {"role": "measured", "sets": "length", "column": "product"}),
        _rings(x[seen], record.log10_measured[seen], {"column": "measured"}),
        _circles(x),
        _bars(x[1:] if len(weights) else NOTHING, weights, -0.38, "weight"),
        _bars(x, record.log10_slope, 0.04, "slope"),
    ]
    low = frame(1, weights, record.log10_slope)  # of a low panel, with three ticks
    step = 1 if record.length <= 10 else 5
    ticks = [1, *range(step, record.length + 1, step)] if step > 1 else list(range(1, record.length + 1))
    layout = {
        "meta": {"x": "neuron"},
        "xaxis": {
            "range": [0.5, record.length + 0.5], "tickvals": ticks, "ticktext": [str(tick) for tick in ticks],
            "title": {"text": "neuron (1 holds the nudged bias) →"}, "showgrid": False, "anchor": "y2",
        },
        "yaxis": decades(frame(3, record.log10_product)) | {"domain": PRODUCT},
        "yaxis2": decades(low, step=low) | {"domain": BARS, "anchor": "x"},
        "yaxis3": {"range": [-1, 1], "domain": CIRCLES, "anchor": "x", "visible": False, "tickvals": []},
        "annotations": [
            axis_note("↑ change ÷ nudge, ○ measured"),
            axis_note("weight w", y=CIRCLES[1], colour_name="weight"),
            axis_note("slope φ′", y=CIRCLES[1], colour_name="slope", xshift=78),
            *_letters(record.length),
        ],
    }  # fmt: skip
    return figure(traces, layout)


def nudge_sizes(record: NudgeSizes) -> go.Figure:
    """Error of a central difference against the size of the nudge, on its two rails: a U."""
    x, best, low = record.log10_size, record.best, -14
    ticks, powers = list(range(low, 1, 2)), list(range(int(np.ceil(x.min())), int(np.floor(x.max())) + 1, 2))
    shown, drawn = (record.log10_curvature > low, record.log10_rounding > low), record.log10_error > low
    traces = [
        rail(x[shown[0]], record.log10_curvature[shown[0]]),
        rail(x[shown[1]], record.log10_rounding[shown[1]]),
        _line(x[drawn], record.log10_error[drawn], {"role": "measured", "column": "error"}),
    ]
    title = "The best nudge is neither large nor small"
    layout = {
        "xaxis": {
            "range": [x.min() - 0.3, x.max() + 0.3], "tickvals": powers, "ticktext": [ten_to(p) for p in powers],
            "title": {"text": "size of the nudge →"},
        },
        "yaxis": {"range": [low, 1], "tickvals": ticks, "ticktext": [ten_to(p) for p in ticks]},
        "annotations": [
            axis_note("↑ relative error of the measured slope"),
            note("rounding", x=x.min() + 2, y=record.log10_rounding[x.argmin()] - 1.2, xanchor="left"),
            note("curvature", x=x.max() - 2, y=record.log10_curvature[x.argmax()] - 2, xanchor="right"),
        ],
    }  # fmt: skip
    alt = (
        f"Line chart with powers of ten on both axes. From a nudge of {_power(x.min())} to one of {_power(x.max())} "
        f"the error first falls, as rounding matters less, to {_power(record.log10_error[best])} at a nudge of "
        f"{_power(x[best])}, then rises with the square of the nudge. It follows the two theory lines."
    )
    return figure(traces, layout, title=title, alt=alt)


def _power(log10_value: float) -> str:
    return f"10^{round(2 * float(log10_value)) / 2:g}".replace("-", "−")


def _line(x, y, meta: dict) -> dict:
    return {
        "type": "scatter", "mode": "lines+markers", "x": x, "y": y, "line": {"color": INK, "width": 2.4},
        "marker": {"color": INK, "size": 8, "symbol": "circle"}, "meta": meta,
    }  # fmt: skip


def _rings(x, y, meta: dict) -> dict:
    return {
        "type": "scatter", "mode": "markers", "x": x, "y": y, "meta": meta,
        "marker": {"color": INK, "size": 13.5, "symbol": "circle-open", "line": {"width": 1.6}},
    }  # fmt: skip


def _circles(x) -> dict:
    return {
        "type": "scatter", "mode": "lines+markers", "x": x, "y": np.zeros_like(x), "yaxis": "y3",
        "line": {"color": INK, "width": 1.6}, "meta": {"role": "chain"},
        "marker": {"color": INK, "size": 12, "symbol": "circle"},
    }  # fmt: skip


def _bars(x, y, offset: float, who: str) -> dict:
    return {
        "type": "bar", "x": x, "y": y, "yaxis": "y2", "width": 0.34, "offset": offset,
        "marker": {"color": colour(who)}, "meta": {"role": who, "column": who},
    }  # fmt: skip


def _letters(length: int) -> list[dict]:
    """w and φ′ over the bars of a short chain; on a longer one the notes are empty, so that every state has as many."""
    notes = []
    for neuron in range(1, LETTERED + 1):
        for letter, offset, who in (("w", -0.21, "weight"), ("φ′", 0.21, "slope")):
            shown = length <= LETTERED and neuron <= length and not (letter == "w" and neuron == 1)
            place = {"x": neuron + offset if shown else 1, "y": BARS[1], "yref": "paper", "yanchor": "bottom"}
            notes.append(note(letter if shown else "", colour_name=who, wide=True, xref="x", **place))
    return notes
