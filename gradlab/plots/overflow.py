"""The fan of singular values of a product of random matrices, and the layers at which number formats end."""

import numpy as np
import plotly.graph_objects as go

from gradlab.plots import marks
from gradlab.records import OverflowRecord
from gradlab.style import axis_note, colour, decades_between, figure, note, round_up, ten_to

WHO = "linear"  # a product of matrices is a deep linear network
UPPER, LOWER = (0.44, 1.0), (0.0, 0.26)
NAMES = {"largest": "triangle-up", "median": "circle", "smallest": "triangle-down"}
#: decades above or below 1 that the upper panel may reach, and steps of its ticks
REACH = (1, 2, 3, 5, 10, 15, 20, 30, 40, 50, 60, 80, 100, 120, 150, 200, 250, 300, 400)
STEPS = (1, 2, 5, 10, 20, 25, 50, 100)
FARTHEST = 5  # decades of layers in the lower panel


def overflow(record: OverflowRecord) -> go.Figure:
    """Above, singular values against the layer in decades about 1, theory as the rail. The ground outside the range of
    the number format is shaded, and so is everything behind the layer at which the format holds no number any more.

    Below, that layer for every format, in decades: theory as the rail, a cross where inf and a ring where nothing but
    zeros was measured, with the spread over the products; the dotted line is the last layer of the upper panel.
    """
    low, high = _frame(record)
    row, rows, border = record.row, np.arange(len(record.formats))[::-1], _border(record)
    x, ends, below = record.at.astype(float), record.at[[0, -1]], {"xaxis": "x2", "yaxis": "y2"}
    traces = [
        marks.rail(*_fan(ends, np.outer(record.log10_theory, ends), high)),
        _bands(record),
        marks.measured(*_fan(record.at, record.log10_values, high), WHO, markers=False),
        *(
            marks.dots(x, values, "values", WHO, 6, symbol, meta={"role": "values", "column": name})
            for values, (name, symbol) in zip(record.log10_values, NAMES.items(), strict=True)
        ),
        *_predicted(record.predicted[[row]], [border], 0.04 * (high - low), record.layers),
        *_measured(record.ends[:, [row]], record.ends_in_inf[[row]], [border], 13, record.layers),
        *_predicted(record.predicted, rows, 0.42, 10**FARTHEST, np.log10, **below),
        *_measured(record.ends, record.ends_in_inf, rows, 10, record.searched, np.log10, **below),
    ]
    layout = {
        "margin": {"l": 62, "r": 68, "t": 30, "b": 28},
        "meta": {"x": "layer"},
        "xaxis": {
            "range": [-0.012 * record.layers, 1.012 * record.layers], "tickvals": _ticks(record.layers), "anchor": "y",
        },
        "yaxis": decades_between(low, high, round_up((high - low) / 6, STEPS)) | {"domain": list(UPPER)},
        "xaxis2": {
            "range": [-0.5, FARTHEST + 0.08], "anchor": "y2", "showgrid": True,
            "tickvals": list(range(FARTHEST + 1)), "ticktext": ["1", "10", "100", "1000", ten_to(4), ten_to(5)],
        },
        "yaxis2": {"range": _rows_range(record), "domain": list(LOWER), "showgrid": False, "tickvals": []},
        "shapes": [*_ground(record, low, high), _here(record)],
        "annotations": [
            axis_note(f"↑ singular value, 10–90 % of {record.products}, → layer"),
            axis_note("→ layer of end: ✕ overflow ○ zeros ▮ theory", y=LOWER[1]),
            *_names(record, low, high),
            _end_name(record, high),
            *_range_names(record, low, high),
            *_format_names(record, rows),
            _never(record),
        ],
    }  # fmt: skip
    return figure(traces, layout)


# ------------------------------------------------------------------------------------------------ the upper panel


def _fan(x, rows, high: float):
    """Three lines as one trace with gaps, so that a pin freezes all of them.

    The first point stands alone and draws nothing: it is where the name of a pinned fan goes, above every line.
    """
    x, rows = np.asarray(x, dtype=float), np.asarray(rows, dtype=float)
    gap = [np.nan]
    return (
        np.concatenate([[0.0], *([*gap, *x] for _ in rows)]),
        np.concatenate([[0.75 * high], *([*gap, *row] for row in rows)]),
    )


def _bands(record: OverflowRecord) -> dict:
    """The spread of the three lines, as one trace with gaps."""
    parts = [
        marks.band(record.at, low, high, WHO) for low, high in zip(record.log10_low, record.log10_high, strict=True)
    ]
    x, y = (np.concatenate([np.append(part[key], np.nan) for part in parts])[:-1] for key in "xy")
    return parts[0] | {"x": x, "y": y}


def _border(record: OverflowRecord) -> float:
    """log10 of the number at which the format ends: its largest, or its smallest where the product shrinks."""
    return float(record.log10_range[record.row, int(record.ends_in_inf[record.row])])


def _frame(record: OverflowRecord) -> tuple[float, float]:
    """Lowest and highest power of the upper panel, in steps, one at most five times as far from 1 as the other."""
    shown = np.concatenate([record.log10_low, record.log10_high, np.outer(record.log10_theory, record.at)], axis=1)
    down, up = max(0.0, -float(shown.min())), max(0.0, float(shown.max()))
    if record.shown_end is not None:
        border = _border(record)
        down = max(down, -border)
        if border > 0:  # and room for a name over it, or over the line that goes on behind it
            name = border if _is_late(record) else max(up, border)
            up = max(up, (name + 0.18 * round_up(max(down, up / 5), REACH)) / 0.82)
    return -round_up(max(down, up / 5), REACH), round_up(max(up, round_up(down, REACH) / 5), REACH)


def _ticks(layers: int) -> list[int]:
    step = next(s for s in (1, 2, 5, 10, 20, 25, 50) if layers / s <= 6)
    return list(range(0, layers + 1, step))


def _ground(record: OverflowRecord, low: float, high: float) -> list[dict]:
    """What lies outside the range of the format, and the layers behind its end."""
    margin = 0.03 * (high - low)
    smallest, largest = np.clip(record.log10_range[record.row], low - margin, high + margin).tolist()
    left, right = -0.012 * record.layers, 1.012 * record.layers
    end = right if record.shown_end is None else record.shown_end
    return [
        _shade(left, end, largest, high + margin),
        _shade(left, end, low - margin, smallest),
        _shade(end, right, low - margin, high + margin),
    ]


def _shade(x0: float, x1: float, y0: float, y1: float) -> dict:
    return {
        "type": "rect", "xref": "x", "yref": "y", "x0": x0, "x1": x1, "y0": y0, "y1": y1, "layer": "below",
        "line": {"width": 0}, "fillcolor": colour("muted"), "opacity": 0.18, "visible": x0 < x1 and y0 < y1,
    }  # fmt: skip


def _names(record: OverflowRecord, low: float, high: float) -> list[dict]:
    """The names of the lines at their right ends, moved apart where the lines meet; one name where all are one."""
    ys, texts = record.log10_values[:, -1], list(NAMES)
    if np.ptp(ys) < 1e-6:
        texts = ["", f"all {record.width}", ""]
    else:
        gap = 0.115 * (high - low)
        ys = np.clip(marks.apart(ys, gap), low, high)
    return [
        note(text, colour_name="ink", x=1, y=float(y), xref="paper", yref="y", xanchor="left", yanchor="middle", xshift=4)
        for text, y in zip(texts, ys, strict=True)
    ]  # fmt: skip


def _is_late(record: OverflowRecord) -> bool:
    """Whether there is more room in front of the end than behind it."""
    return record.shown_end is not None and record.shown_end >= 0.5 * record.layers


def _end_name(record: OverflowRecord, high: float) -> dict:
    """At the top, on the side of the end where there is room; never so near an edge that a phone would cut it."""
    end, late = record.shown_end, _is_late(record)
    text = "" if end is None else f"{'overflow at' if record.ends_in_inf[record.row] else 'zeros from'} layer {end}"
    x = 0.0 if end is None else max(end, 0.6 * record.layers) if late else min(end, 0.4 * record.layers)
    return note(
        text, colour_name="ink", x=float(x), y=high, xref="x", yref="y", xanchor="right" if late else "left",
        yanchor="top",
    )  # fmt: skip


def _range_names(record: OverflowRecord, low: float, high: float) -> list[dict]:
    """What the shaded ground means, where there is room for it."""
    height, end = high - low, record.shown_end
    smallest, largest = record.log10_range[record.row]
    free = end is None or end >= 0.75 * record.layers
    steep = 0.3 * record.log10_values[2, -1] < smallest  # the lowest line would cross the name
    return [
        note(
            f"{record.dtype} overflows above", wide=True, x=0, y=float(largest), xref="x", yref="y", xanchor="left",
            yanchor="bottom", visible=bool(free and largest + 0.09 * height <= high and largest >= 0.09 * height),
        ),
        note(
            f"{record.dtype} reads 0 below", wide=True, x=0, y=float(smallest), xref="x", yref="y", xanchor="left",
            yanchor="top", visible=bool(not steep and smallest - 0.09 * height >= low and -smallest >= 0.09 * height),
        ),
    ]  # fmt: skip


# ------------------------------------------------------------------------------------- where formats end, both panels


def _predicted(layers, ys, half: float, farthest: float, place=np.asarray, **more) -> list[dict]:
    """Theory, layers (F, 3), up to ``farthest``: ground from the 10th to the 90th percentile, an upright piece of rail
    at the median, both ``half`` up and down from ``ys``."""
    ys = np.asarray(ys, dtype=float)
    near, there = layers[:, 0] < farthest, layers[:, 1] <= farthest
    low, high = place(np.minimum(layers[near][:, [0, 2]], farthest)).T
    gap = np.full(len(low), np.nan)
    meta, paint = {"role": "expected"}, colour("theory")
    bottom, top = ys[near] - half, ys[near] + half
    middle, rows = place(layers[there, 1]), ys[there]
    gap_there = np.full(len(rows), np.nan)
    return [
        {
            "type": "scatter", "mode": "lines", "x": np.stack([low, low, high, high, gap], axis=1).ravel(),
            "y": np.stack([bottom, top, top, bottom, gap], axis=1).ravel(), "fill": "toself", "fillcolor": paint,
            "line": {"width": 0, "color": paint}, "opacity": 0.3, "meta": meta,
        } | more,
        marks.rail(
            np.stack([middle, middle, gap_there], axis=1).ravel(),
            np.stack([rows - half, rows + half, gap_there], axis=1).ravel(),
            line={"color": paint, "width": 7}, meta=meta, **more,
        ),
    ]  # fmt: skip


def _measured(layers, in_inf, ys, size: float, farthest: float, place=np.asarray, **more) -> list[dict]:
    """Measurement, layers (3, F): a line from the 10th to the 90th percentile, and a cross for inf or a ring for zeros
    where half of the products have ended; up to ``farthest``."""
    ys = np.asarray(ys, dtype=float)
    near, there = layers[0] <= farthest, layers[1] <= farthest
    pieces = np.full((near.sum(), 3), np.nan)
    pieces[:, :2] = place(np.minimum(layers[[0, 2]].T[near], farthest))
    cross, zero = there & in_inf, there & ~in_inf
    return [
        marks.line(pieces.ravel(), np.repeat(ys[near], 3), "spread", "ink", 2.4, **more),
        marks.dots(place(layers[1, cross]), ys[cross], "overflow", size=size, symbol="x", **more),
        marks.dots(place(layers[1, zero]), ys[zero], "overflow", size=size, symbol="circle-open", edge=2.4, **more),
    ]


def _rows_range(record: OverflowRecord) -> list[float]:
    return [-0.6, len(record.formats) - 0.4]


def _here(record: OverflowRecord) -> dict:
    """The last layer of the upper panel, in the lower one."""
    x, (low, high) = float(np.log10(record.layers)), _rows_range(record)
    line = {"color": colour("ink"), "width": 1.2, "dash": "dot"}
    return {"type": "line", "xref": "x2", "x0": x, "x1": x, "yref": "y2", "y0": low, "y1": high, "line": line}


def _format_names(record: OverflowRecord, rows) -> list[dict]:
    """Left of the first layer; the format of the upper panel is bold."""
    texts = [f"<b>{name}</b>" if name == record.dtype else name for name in record.formats]
    place = {"x": -0.1, "xref": "x2", "yref": "y2", "xanchor": "right", "yanchor": "middle"}
    return [note(text, colour_name="ink", y=int(y), **place) for text, y in zip(texts, rows, strict=True)]


def _never(record: OverflowRecord) -> dict:
    """Said where the product neither grows nor shrinks."""
    text = "" if np.isfinite(record.predicted).any() else "theory: never"
    return note(
        text, x=FARTHEST, y=(len(record.formats) - 1) / 2, xref="x2", yref="y2", xanchor="right", yanchor="middle"
    )
