"""Learning speed of every hidden layer: over training in powers of ten, and at one epoch on a linear scale."""

import numpy as np
import plotly.graph_objects as go

from gradlab.plots import marks
from gradlab.records import GapRecord, SpeedRecord
from gradlab.style import axis_note, colour, figure, note, number, ten_to

LAYERS = 4
UPPER, LOWER = (0.44, 1.0), (0.0, 0.27)
EPOCH_TICKS = (0, 1, 3, 10, 30, 100, 500)
#: what is drawn -> (lowest power, highest power, what stands over the panel)
FRAMES = {
    "bias": (-5.3, 0.7, "↑ bias gradient norm, → epoch"),
    "weights": (-5.3, 0.7, "↑ weight gradient norm, → epoch"),
    "step": (-5.7, -0.7, "↑ step ÷ weight norm, → epoch"),
    "adam": (-5.7, -0.7, "↑ Adam step ÷ weight norm, → epoch"),
}
LINE, BARS = "layer {layer}", "↑ the same layers at epoch {epoch}, fastest = 1"
THEORY = "theory"


def place(epoch) -> np.ndarray:
    """Where an epoch stands on the axis: log10(epoch + 1), so that epoch 0 has a place too."""
    return np.log10(np.asarray(epoch, dtype=float) + 1)


def learning_speed(record: SpeedRecord) -> go.Figure:
    """Above, one line a hidden layer against the epoch, the first one bold; below, bars at the cursor's epoch."""
    low, high, what = FRAMES[record.view]
    powers = range(int(np.ceil(low)), int(np.floor(high)) + 1)
    bars = np.arange(1, record.hidden_layers + 1)
    traces = [_theory(record), *(_line(record, layer) for layer in range(LAYERS)), _bars(record, bars)]
    layout = {
        "margin": {"l": 62, "r": 62, "t": 30, "b": 28},
        "xaxis": {
            "range": [-0.06, float(place(500)) + 0.05], "anchor": "y",
            "tickvals": place(EPOCH_TICKS).tolist(), "ticktext": [str(e) for e in EPOCH_TICKS],
        },
        "yaxis": {
            "range": [low, high], "domain": list(UPPER),
            "tickvals": list(powers), "ticktext": [ten_to(p) for p in powers],
        },
        "xaxis2": {
            "range": [0.4, LAYERS + 0.6], "anchor": "y2", "showgrid": False, "tickvals": bars.tolist(),
            "ticktext": [LINE.format(layer=layer) for layer in bars],
        },
        "yaxis2": {
            "range": [0, 1.3], "domain": list(LOWER), "tickvals": [0, 1], "ticktext": ["0", "1"], "zeroline": True,
        },
        "shapes": [_cursor(record)],
        "annotations": [
            axis_note(what), axis_note(BARS.format(epoch=record.epoch), y=LOWER[1]),
            *_ends(record, low, high), *_values(record), _theory_name(record, low, high),
        ],
        "meta": {"x": "layer"},
    }  # fmt: skip
    return figure(traces, layout)


def _line(record: SpeedRecord, layer: int) -> dict:
    """The line of one layer; empty for a layer that the network does not have."""
    there = layer < record.hidden_layers
    x = place(record.epochs) if there else marks.NOTHING
    y = record.log10_speed[:, layer] if there else marks.NOTHING
    more = {"xaxis": "x", "yaxis": "y"}
    if layer == 0:
        meta = {"role": "measured", "sets": "epoch", "values": record.epochs.tolist()}
        return marks.measured(x, y, record.activation, meta=meta, **more)
    line = {"color": colour(record.activation), "width": 1.4}
    return marks.measured(x, y, record.activation, markers=False, line=line, meta={"role": "layer"}, **more)


def _theory(record: SpeedRecord) -> dict:
    """A short rail at epoch 0 for every layer, one trace with gaps."""
    known = record.log10_theory[np.isfinite(record.log10_theory)]
    ends = np.array([-0.06, 0.16, np.nan])
    return marks.rail(np.tile(ends, len(known)), np.repeat(known, 3) + 0 * np.tile(ends, len(known)))


def _theory_name(record: SpeedRecord, low: float, high: float) -> dict:
    known = record.log10_theory[np.isfinite(record.log10_theory)]
    y = float(known.max()) if len(known) else low
    return note(THEORY if len(known) else "", colour_name="theory", x=0.18, y=y, xref="x", yref="y", xanchor="left",
                yanchor="bottom")  # fmt: skip


def _bars(record: SpeedRecord, x) -> dict:
    return {
        "type": "bar", "x": x, "y": record.relative, "xaxis": "x2", "yaxis": "y2", "width": 0.62,
        "marker": {"color": colour(record.activation)},
        "meta": {"role": "bars", "column": "share of the fastest", "format": "number"},
    }  # fmt: skip


def _cursor(record: SpeedRecord) -> dict:
    x = float(place(record.epoch))
    line = {"color": colour("ink"), "width": 1.2, "dash": "dot"}
    return {"type": "line", "xref": "x", "x0": x, "x1": x, "yref": "paper", "y0": UPPER[0], "y1": 1, "line": line}


def _ends(record: SpeedRecord, low: float, high: float) -> list[dict]:
    """The names of the lines at their right ends, moved apart where the lines meet; as many in every state."""
    notes = []
    ys = marks.apart(record.log10_speed[-1], 0.1 * (high - low))
    for layer in range(LAYERS):
        there = layer < record.hidden_layers
        text = LINE.format(layer=layer + 1) if there else ""
        place_y = {"y": float(ys[layer]) if there else low, "yref": "y", "yanchor": "middle"}
        text = f"<b>{text}</b>" if there and layer == 0 else text
        notes.append(note(text, colour_name="ink", x=1, xref="paper", xanchor="left", xshift=4, **place_y))
    return notes


def _values(record: SpeedRecord) -> list[dict]:
    """The share of the fastest over every bar."""
    shares = [*record.relative, *[0.0] * (LAYERS - record.hidden_layers)]
    return [
        note(
            number(share) if share else "",
            colour_name="ink",
            x=layer,
            y=float(share),
            xref="x2",
            yref="y2",
            yanchor="bottom",
        )
        for layer, share in enumerate(shares, 1)
    ]


def gap(record: GapRecord, title: str) -> go.Figure:
    """How much slower the first hidden layer is than the last against the epoch, one band and line a measure."""
    x, paints = place(record.epochs), ("ink", record.activation, "weight")
    traces = [marks.rail(x[[0, -1]], np.full(2, record.log10_theory))]
    rows = list(zip(paints, record.names, record.median, record.low, record.high, strict=True))
    for paint, _, _, low, high in rows:
        traces.append(marks.band(x, low, high, record.activation, fillcolor=colour(paint), line={"width": 0}))
    for paint, _, median, _, _ in rows:
        line, dots = {"color": colour(paint), "width": 2.4}, {"color": colour(paint), "size": 6}
        traces.append(marks.measured(x, median, record.activation, line=line, marker=dots))
    ends = marks.apart(record.median[:, -1], 0.16)
    layout = {
        "margin": {"l": 62, "r": 90, "t": 64, "b": 46},
        "xaxis": {
            "range": [-0.06, float(place(500)) + 0.05], "title": {"text": "epoch →"},
            "tickvals": place(EPOCH_TICKS).tolist(), "ticktext": [str(e) for e in EPOCH_TICKS],
        },
        "yaxis": {"range": [-0.1, 2.6], "tickvals": [0, 1, 2], "ticktext": ["1", "10", "100"], "zeroline": True},
        "annotations": [
            axis_note("↑ last hidden layer over first, times"),
            note(THEORY, colour_name="theory", x=0, y=record.log10_theory, xanchor="left", yshift=-14),
            *(note(name, colour_name="ink", x=1, xref="paper", y=float(y), yref="y", xanchor="left", xshift=4)
              for name, y in zip(record.names, ends, strict=True)),
        ],
    }  # fmt: skip
    ends = 10 ** record.median[:, [0, -1]]
    shares = ", ".join(f"{name} {a:.0f} to {b:.0f}" for name, (a, b) in zip(record.names, ends, strict=True))
    alt = (
        "Line chart of how many times slower the first hidden layer is than the last, on powers of ten, against the "
        f"epoch from 0 to {record.epochs[-1]}. From start to end: {shares}. All start on the theory line."
    )
    return figure(traces, layout, title=title, alt=alt)
