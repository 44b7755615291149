"""The front page: gradient norm at every layer, theory as the rail under it, and the strip of their ratio."""

import plotly.graph_objects as go

from gradlab.plots import marks
from gradlab.records import GradientsRecord
from gradlab.style import STRIP, axis_note, colour, decades, figure, frame, layer_axis, note

#: log10 of the largest float16 and of its smallest positive number
FLOAT16_LARGEST, FLOAT16_SMALLEST = 4.816, -7.225


def gradients(record: GradientsRecord, label: str) -> go.Figure:
    """Gradient norm against layer in decades about 1 (the last layer); ``label`` names the curve.

    Where the signal overflows, a cross stands at the layer where it does, the layers behind it are shaded, and the
    curves end at the last layer that carries a gradient.
    """
    whole = record.depth if record.overflow_layer is None else record.overflow_layer - 1
    x, y, expected = record.layers[:whole], record.measured[:whole], record.theory[:whole]
    low, high = record.low[:whole] - expected, record.high[:whole] - expected
    height = frame(y, expected)
    strip = {"xaxis": "x", "yaxis": "y2"}
    traces = [
        marks.rail(x, expected, meta={"role": "theory", "column": "theory"}),
        marks.measured(x, y, record.activation, meta={"role": "measured", "column": "measured"}),
        marks.band(x, low, high, record.activation, **strip),
        marks.measured(x, y - expected, record.activation, markers=False, meta={"role": "strip"}, **strip),
        marks.cross(marks.NOTHING if record.overflow_layer is None else [record.overflow_layer], 0.0),
    ]
    layout = {
        "height": 390,  # the front page shows its question and the whole figure on one laptop screen
        "xaxis": layer_axis(record.depth) | {"tickvals": _ticks(record.depth), "anchor": "y2",
                                             "title": {"text": "layer (1 touches the input) →"}},
        "yaxis": decades(height) | {"domain": [0.32, 1]},
        "yaxis2": STRIP | {"domain": [0, 0.2], "tickfont": {"size": 12}},
        "shapes": [marks.level(level, visible=height >= 10) for level in (FLOAT16_LARGEST, FLOAT16_SMALLEST)]
        + [_no_gradient(record)],
        "annotations": [
            axis_note(f"↑ gradient norm, {'last layer' if whole == record.depth else f'layer {whole}'} = 1"),
            axis_note(f"↑ measured ÷ theory, 10–90 % of {record.networks} nets", y=0.2),
            _float16("float16 overflows above", FLOAT16_LARGEST, "bottom", height, y[0]),
            _float16("float16 reads 0 below", FLOAT16_SMALLEST, "top", height, y[0]),
            _curve_label(label, x, y, height),
            _cross_label(record),
        ],
        "meta": {"x": "layer"},
    }  # fmt: skip
    return figure(traces, layout)


def _no_gradient(record: GradientsRecord) -> dict:
    """The ground behind the layer where the signal overflows."""
    first = record.overflow_layer
    return {
        "type": "rect", "xref": "x", "x0": record.depth if first is None else first, "x1": record.depth,
        "yref": "paper", "y0": 0.32, "y1": 1, "layer": "below", "line": {"width": 0},
        "fillcolor": colour("muted"), "opacity": 0.15, "visible": first is not None,
    }  # fmt: skip


def _cross_label(record: GradientsRecord) -> dict:
    """Beside the cross, on the side of the curve's end."""
    first = record.overflow_layer
    text = "" if first is None else f"overflow at layer {first}"
    return note(
        text,
        colour_name="ink",
        x=first or record.depth,
        y=0,
        xref="x",
        yref="y",
        xanchor="right",
        yanchor="top",
        yshift=-8,
    )


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
