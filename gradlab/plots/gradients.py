"""The front page: gradient norm at every layer, theory as the rail under it, and the strip of their ratio."""

import plotly.graph_objects as go

from gradlab.plots import marks
from gradlab.records import GradientsRecord
from gradlab.style import STRIP, axis_note, decades, figure, frame, note

#: log10 of the largest float16 and of its smallest positive number
FLOAT16_LARGEST, FLOAT16_SMALLEST = 4.816, -7.225


def gradients(record: GradientsRecord, label: str) -> go.Figure:
    """Gradient norm against layer in decades about 1 (the last layer); ``label`` names the curve."""
    x, y = record.layers, record.measured
    height = frame(y, record.theory)
    strip = {"xaxis": "x", "yaxis": "y2"}
    traces = [
        marks.rail(x, record.theory, meta={"role": "theory", "column": "theory"}),
        marks.measured(x, y, record.activation, meta={"role": "measured", "column": "measured"}),
        marks.band(x, record.low - record.theory, record.high - record.theory, record.activation, **strip),
        marks.measured(x, y - record.theory, record.activation, markers=False, meta={"role": "strip"}, **strip),
    ]
    layout = {
        "xaxis": {"range": _padded(record.depth), "tickvals": _ticks(record.depth), "anchor": "y2",
                  "title": {"text": "layer (1 touches the input) →"}},
        "yaxis": decades(height) | {"domain": [0.32, 1]},
        "yaxis2": STRIP | {"domain": [0, 0.2], "tickfont": {"size": 12}},
        "shapes": [marks.level(level, visible=height >= 10) for level in (FLOAT16_LARGEST, FLOAT16_SMALLEST)],
        "annotations": [
            axis_note("↑ gradient norm, last layer = 1"),
            axis_note("↑ measured ÷ theory, 10–90 % of {} nets".format(record.networks), y=0.2),
            _float16("float16 overflows above", FLOAT16_LARGEST, "bottom", height, y[0]),
            _float16("float16 reads 0 below", FLOAT16_SMALLEST, "top", height, y[0]),
            _curve_label(label, x, y, height),
        ],
        "meta": {"x": "layer"},
    }  # fmt: skip
    return figure(traces, layout)


def _padded(depth: int) -> list[float]:
    """The layers with a little room at both ends, so that no marker is cut."""
    room = max(0.02 * (depth - 1), 0.1)
    return [1 - room, depth + room]


def _ticks(depth: int) -> list[int]:
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, depth) if depth / s <= 6)
    inner = [t for t in range(step, depth, step) if t > 1 and depth - t >= step / 2]
    return sorted({1, *inner, depth})


def _float16(text: str, level: float, anchor: str, height: int, first: float) -> dict:
    # At the end of the panel where the curve is far from the landmarks.
    side = {"x": 0, "xanchor": "left"} if first > 0 else {"x": 1, "xanchor": "right"}
    return note(text, y=level, xref="paper", yref="y", yanchor=anchor, wide=True, visible=height >= 10, **side)


def _curve_label(label: str, x, y, height: int) -> dict:
    # Beside the middle of the curve, on the side that the curve does not cross.
    middle = (len(x) - 1) // 2
    rises = y[0] < -0.15 * height
    return note(
        f"<b>{label}</b>", colour_name="ink", x=int(x[middle]), y=float(y[middle]), xref="x", yref="y",
        xanchor="left", yanchor="top" if rises else "bottom", xshift=10, yshift=-6 if rises else 6,
    )  # fmt: skip
