"""The window of one sigmoid link, and the factor per layer of sigmoid networks by width."""

import numpy as np
import plotly.graph_objects as go

from gradlab.plots import marks
from gradlab.records import WidthRecord, WindowRecord
from gradlab.style import STRIP, axis_note, colour, figure, note, number

#: top of the upper panel -> its ticks. 1 is always among them; 0 gives way where the two would touch.
FRAMES = {
    2.1: (0, 0.5, 1, 1.5, 2),
    5: (0, 1, 2, 3, 4, 5),
    10: (1, 5, 10),
    30: (1, 10, 20, 30),
    60: (1, 20, 40, 60),
}
CENTRE = "centre of the window"
WEIGHT_TICKS = (1, 2, 4, 7, 10, 20, 50, 100, 200)
UPPER, LOWER = (0.47, 1.0), (0.0, 0.32)


def window(record: WindowRecord) -> go.Figure:
    """Above, the factor for every input with the window shaded; below, the share of inputs in it for every weight.

    The x axis of the lower panel holds log10 of the weight.
    """
    # the width is written above the peak, so a part of the panel stays free
    top = next(step for step in FRAMES if record.largest_factor <= 0.85 * step)
    log10_weights = np.log10(record.family_weights)
    traces = [
        marks.line(np.array([0.0, 1.0]), np.array([1.0, 1.0]), "one", dash="dot"),
        marks.measured(
            record.inputs,
            record.factors,
            "sigmoid",
            markers=False,
            meta={"role": "measured", "column": "factor", "format": "number"},
        ),
        marks.rail(log10_weights, record.family_width, xaxis="x2", yaxis="y2"),
        marks.measured(
            log10_weights,
            record.family_counted,
            "sigmoid",
            xaxis="x2",
            yaxis="y2",
            meta={"role": "family", "sets": "weight", "values": record.family_weights.tolist()},
        ),
        marks.dots(np.log10([record.weight]), np.array([record.counted]), "here", xaxis="x2", yaxis="y2"),
        marks.dots(np.array([record.centre]), np.array([1.0]), "handle", cliponaxis=False,
                   meta={"role": "handle", "handle": {"x": {"control": "centre"}, "label": CENTRE}}),
    ]  # fmt: skip
    layout = {
        "meta": {"x": "input"},
        "margin": {"l": 46, "r": 14, "t": 30, "b": 28},
        "xaxis": {"range": [0, 1], "tickvals": [0, 0.2, 0.4, 0.6, 0.8, 1], "anchor": "y"},
        "yaxis": {"range": [0, top], "tickvals": list(FRAMES[top]), "domain": list(UPPER)},
        "xaxis2": {
            "range": [-0.03, np.log10(200) + 0.05],
            "tickvals": [float(np.log10(w)) for w in WEIGHT_TICKS],
            "ticktext": [str(w) for w in WEIGHT_TICKS],
            "anchor": "y2",
        },
        "yaxis2": {"range": [-0.02, 0.52], "tickvals": [0, 0.2, 0.4], "domain": list(LOWER), "zeroline": True},
        "shapes": [_shade(record), marks.level(record.widest[1], yref="y2")],
        "annotations": [
            axis_note("↑ factor |<i>w</i> σ′(<i>wa</i> + <i>b</i>)| for each input <i>a</i> →"),
            axis_note("↑ inputs in the window, by weight |<i>w</i>| →", y=LOWER[1]),
            _width(record),
            _level_name(record),
            _widest(record),
        ],
    }
    return figure(traces, layout)


def _shade(record: WindowRecord) -> dict:
    """The part of the window inside [0, 1], over the whole height of the upper panel."""
    centre = record.centre
    return {
        "type": "rect", "xref": "x", "yref": "y domain", "y0": 0, "y1": 1, "layer": "below", "line": {"width": 0},
        "x0": centre if record.low is None else record.low, "x1": centre if record.high is None else record.high,
        "fillcolor": colour("sigmoid"), "opacity": 0.15,
    }  # fmt: skip


def _width(record: WindowRecord) -> dict:
    """The width, written above the peak; kept far enough from the edges to be whole on a phone."""
    text = "no window" if record.low is None else f"window {number(record.share)} wide"
    place = {"x": min(max(record.centre, 0.24), 0.76), "y": record.largest_factor, "xref": "x", "yref": "y"}
    return note(text, colour_name="ink", **place, xanchor="center", yanchor="bottom")


def _level_name(record: WindowRecord) -> dict:
    """What the line at 1 means, on the side away from the window."""
    left = record.centre > 0.5
    place = {"x": 0 if left else 1, "y": 1, "xref": "x", "yref": "y", "xanchor": "left" if left else "right"}
    return note("1: passed on whole", wide=True, **place, yanchor="bottom")


def _widest(record: WindowRecord) -> dict:
    """The landmark of the lower panel."""
    weight, width = record.widest
    text = f"theory, nothing cut off: at most {number(width)}, at weight {number(weight)}"
    return note(text, wide=True, x=1, y=width, xref="paper", yref="y2", xanchor="right", yanchor="bottom")


def by_width(record: WidthRecord) -> go.Figure:
    """The factor per layer against the width, theory as the rail, and the strip of their ratio; log10 on both axes.

    The frame holds factors from 0.08 to 2.5 and widths up to 1000; the strip is narrower than elsewhere, a factor of
    2.5 each way, since here theory and measurement differ by a factor of two at most.
    """
    x, y, at = np.log10(record.widths), record.log10_factor, record.log10_theory_at_widths
    strip = {"yaxis": "y2"}
    factors = (0.1, 0.2, 0.5, 1, 2)
    ends, said = (tuple(number(10 ** values[i]) for i in (0, -1)) for values in (y, at))
    first, last = record.widths[[0, -1]]
    title = f"From {first} to {last} units a layer, the factor per layer goes from {ends[0]} to {ends[1]}"
    alt = (
        f"Line chart, both axes logarithmic: factor on the gradient norm per layer against the width. Measured it goes "
        f"from {ends[0]} at width {first} to {ends[1]} at width {last}, by theory from {said[0]} to {said[1]}."
    )
    traces = [
        marks.rail(np.log10(record.theory_widths), record.log10_theory),
        marks.band(x, record.log10_low, record.log10_high, record.activation),
        marks.measured(x, y, record.activation, meta={"role": "measured", "column": "measured", "format": "power"}),
        marks.band(x, record.log10_low - at, record.log10_high - at, record.activation, **strip),
        marks.measured(x, y - at, record.activation, markers=False, meta={"role": "strip"}, **strip),
    ]
    layout = {
        "meta": {"x": "log10 of the width"},
        "xaxis": {
            "range": [-0.06, 3.06], "anchor": "y2", "tickvals": x.tolist(), "ticktext": [str(w) for w in record.widths],
            "title": {"text": "width: units a layer, each with N(0,1) weights and biases →"},
        },
        "yaxis": {
            "range": [-1.15, 0.4],
            "tickvals": [float(np.log10(f)) for f in factors], "ticktext": [str(f) for f in factors],
            "zeroline": True, "domain": [0.34, 1],
        },
        "yaxis2": STRIP | {
            "range": [-0.4, 0.4], "tickvals": np.log10([0.5, 1, 2]).tolist(), "ticktext": ["÷2", "=", "×2"],
            "domain": [0, 0.2], "tickfont": {"size": 12},
        },
        "annotations": [
            axis_note("↑ factor on the gradient norm, per layer"),
            axis_note("↑ measured ÷ theory, 10–90 % of the nets", y=0.2),
        ],
    }  # fmt: skip
    return figure(traces, layout, title=title, alt=alt)
