"""Gates over a sequence, a row a unit, and below them what is left of the gradient."""

import numpy as np
import plotly.graph_objects as go

from gradlab.plots import marks
from gradlab.records import GatesRecord
from gradlab.style import DIVERGING, axis_note, colour, figure, note, ten_to

#: a gate that keeps less than the number, and not less than the one before, has this shade; an open one is blank
SHADES = {0.25: DIVERGING[0][0], 0.5: DIVERGING[1][0], 0.75: DIVERGING[2][0]}
WHO = ("relu", "sigmoid", "gelu")  # whose colours the lines share
LINES, GAP = 0.38, 0.09  # height of the lowest panel, and what is left free over it and between the others
LEGEND = "a row a gate, the darker the less it keeps"


def gates(record: GatesRecord, *, title: str) -> go.Figure:
    """One panel a cell, a row a unit, those first that keep least at keywords; the less a gate keeps, the darker.

    Below, in decades, the gradient of the last memory by the memory at each step. Dotted lines: the symbols that matter.
    title: what the figure shows, as a sentence. ValueError for more than three cells.
    """
    cells, units, _ = record.gates.shape
    if cells > len(WHO):
        raise ValueError(f"record has {cells} cells; at most {len(WHO)} find room")
    share = (1 - LINES) / cells  # of the height: a panel of gates, and the gap under it
    lowest, highest = int(np.floor(record.log10_left.min())), max(0.4, record.log10_left.max() + 0.3)
    every = next(step for step in (1, 2, 5, 10, 20, 50, 100) if -lowest <= 4 * step)
    ticks = range(-(-lowest // every) * every, 1, every)
    traces, layout, notes, frames = [], {}, [], []
    for p, (name, left) in enumerate(zip(record.names, record.log10_left, strict=True)):
        x, y = f"x{p + 2}", f"y{p + 2}"
        low, high = 1 - (p + 1) * share + GAP, 1 - p * share
        traces += [*_shaded(record, p, xaxis=x, yaxis=y), _line(left, WHO[p])]
        layout[f"xaxis{p + 2}"] = _steps(record) | {"anchor": y, "ticktext": [""] * 3}
        layout[f"yaxis{p + 2}"] = {
            "range": [units + 0.15, -0.15], "domain": [low, high], "tickvals": [], "anchor": x, "showgrid": False,
        }  # fmt: skip
        notes += [axis_note(name, y=high) | {"x": 1, "xanchor": "right"}, _name(name, left, 0.66 - 0.3 * p)]
        frames.append(_frame(low, high))
    layout |= {
        "height": 200 + 130 * (cells + 1),
        "meta": {"x": "step", "phone": 140 + 95 * (cells + 1)},
        "margin": {"l": 62, "r": 14, "t": 64, "b": 78},
        "xaxis": _steps(record) | {"anchor": "y", "title": {"text": "step →"}},
        "yaxis": {
            "range": [lowest, highest], "domain": [0, LINES], "anchor": "x", "zeroline": True,
            "tickvals": list(ticks), "ticktext": [ten_to(tick) for tick in ticks],
        },
        "shapes": [*frames, *(_keyword(int(t)) for t in record.keywords)],
        "annotations": [
            *notes,
            axis_note("↑ gradient left", y=LINES),
            *(_symbol(record, int(t)) for t in record.keywords),
            note(LEGEND, x=0.5, y=0, xref="paper", yref="paper", yanchor="top", yshift=-46),
        ],
    }  # fmt: skip
    return figure(traces, layout, title=title, alt=_alt(record))


def _shaded(record: GatesRecord, p: int, **axes) -> list[dict]:
    """One trace of bars a shade, a bar a cell of the panel."""
    kept = record.gates[p]
    later = record.keywords[record.keywords > 1] - 1
    kept = kept[np.argsort(kept[:, later].mean(axis=1))] if len(later) else kept
    lows = (-np.inf, *SHADES)
    return [
        {
            "type": "bar", "x": t + 1.0, "y": np.full(len(t), 1.0), "base": unit.astype(float), "width": 1.0,
            "offset": -0.5, "marker": {"color": shade, "line": {"width": 0}}, "meta": {"role": "gates"}, **axes,
        }
        for low, (high, shade) in zip(lows, SHADES.items(), strict=False)
        for unit, t in [np.nonzero((kept >= low) & (kept < high))]
    ]  # fmt: skip


def _line(left, who: str) -> dict:
    return marks.measured(np.arange(len(left), dtype=float), left, who, markers=False)


def _name(name: str, left, where: float) -> dict:
    """The cell's name under its line, so far from the beginning."""
    at = int(where * (len(left) - 1))
    place = {"x": at, "y": float(left[at]), "xref": "x", "yref": "y"}
    return note(name, colour_name="ink", xanchor="left", yanchor="top", yshift=-4, **place)


def _frame(low: float, high: float) -> dict:
    """Around a panel of gates, most of which may be open and blank."""
    line = {"color": colour("theory"), "width": 1}
    return {"type": "rect", "xref": "paper", "yref": "paper", "x0": 0, "x1": 1, "y0": low, "y1": high, "line": line}


def _steps(record: GatesRecord) -> dict:
    steps = len(record.symbols)
    return {"range": [-0.5, steps + 0.7], "tickvals": [1, steps // 2, steps]}


def _keyword(t: int) -> dict:
    """A dotted line through all panels."""
    line = {"color": colour("muted"), "width": 1, "dash": "dot"}
    return {"type": "line", "xref": "x", "yref": "paper", "x0": t - 0.5, "x1": t - 0.5, "y0": 0, "y1": 1, "line": line}


def _symbol(record: GatesRecord, t: int) -> dict:
    """The name of a symbol, over its step."""
    at = {"x": float(t), "y": 1, "xref": "x", "yref": "paper", "yanchor": "bottom", "yshift": 2}
    return note(record.symbols[t - 1], colour_name="ink", **at)


def _alt(record: GatesRecord) -> str:
    """The same in words."""
    places = ", ".join(f"{record.symbols[t - 1]} at step {t}" for t in record.keywords)
    closing = record.closing()
    said = [
        f"{name}: {count} of {record.gates.shape[1]} gates keep less than a quarter at a later keyword, and the "
        f"gradient over the whole sequence is ten to the power of {left:.1f}".replace("-", "−")
        for name, count, left in zip(record.names, closing, record.log10_left[:, 0], strict=True)
    ]
    return f"Keywords: {places}. " + ". ".join(said) + "."
