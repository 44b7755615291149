"""Nine activations side by side: the value, the slope, and how steep the slope can get."""

import numpy as np
import plotly.graph_objects as go

from gradlab.plots import marks
from gradlab.records import SlopesRecord
from gradlab.style import ACTIVATION_LABELS, colour, figure, marker, note, number

COLUMNS = 3
GAP, HEAD = 0.045, 0.075  # between columns, and over each panel for its name, as shares of the figure
Y_RANGE = (-1.15, 2.0)
Y_TICKS, X_TICKS = (0, 1), (-2, 0, 2)


def slopes(record: SlopesRecord) -> go.Figure:
    """One small panel an activation: the slope in its colour, the value as a thin line, N(0,1) as a pale hill.

    A dot marks where the slope is steepest, and the number beside the name says how steep; on a wide page a second
    number gives the rms slope over the hill. A value that leaves the frame is cut off.
    """
    traces, notes = [], []
    layout = {"height": 470, "margin": {"l": 26, "r": 8, "t": 30, "b": 46}, "meta": {"x": "z"}}
    rows = -(-len(record.activations) // COLUMNS)
    for i, name in enumerate(record.activations):
        row, column = divmod(i, COLUMNS)
        axes = {"xaxis": _axis("x", i), "yaxis": _axis("y", i)}
        traces += _panel(record, i, axes)
        wide, high = 1 / COLUMNS, 1 / rows
        left = column * (wide + GAP / COLUMNS)
        x_domain = [left, left + wide - GAP * (COLUMNS - 1) / COLUMNS]
        y_domain = [1 - (row + 1) * high, 1 - row * high - HEAD]
        last = i + COLUMNS >= len(record.activations)
        layout[f"xaxis{_index(i)}"] = {
            "range": [float(record.z[0]), float(record.z[-1])], "domain": x_domain, "anchor": axes["yaxis"],
            "tickvals": list(X_TICKS), "ticktext": [str(x).replace("-", "−") if last else "" for x in X_TICKS],
            "title": {"text": "pre-activation <i>z</i> →" if last and column == 1 else ""},
        }  # fmt: skip
        layout[f"yaxis{_index(i)}"] = {
            "range": list(Y_RANGE), "domain": y_domain, "anchor": axes["xaxis"], "zeroline": True,
            "tickvals": list(Y_TICKS), "ticktext": [str(y) if column == 0 else "" for y in Y_TICKS],
        }  # fmt: skip
        at = {"xref": "paper", "yref": "paper", "y": y_domain[1], "yanchor": "bottom"}
        head = f"<b>{ACTIVATION_LABELS[name]}</b> {_short(record.supremum[i])}"
        notes.append(note(head, colour_name="ink", x=x_domain[0], xanchor="left", **at))
        notes.append(note(f"rms {number(record.rms[i])}", wide=True, x=x_domain[1], xanchor="right", **at))
    return figure(traces, layout | {"annotations": notes}, title=_title(record), alt=_alt(record))


def _panel(record: SlopesRecord, i: int, axes: dict) -> list[dict]:
    name, z = record.activations[i], record.z
    hill = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    paint, dot = colour(name), record.steepest[[i]]
    dot = dot[np.isfinite(dot)]
    framed = (record.value[i] > Y_RANGE[0]) & (record.value[i] < Y_RANGE[1] - 0.1)
    panel = [
        {
            "type": "scatter", "mode": "lines", "x": np.concatenate([z, z[::-1]]),
            "y": np.concatenate([hill, np.zeros_like(z)]), "fill": "toself", "fillcolor": colour("theory"),
            "line": {"width": 0, "color": colour("theory")}, "opacity": 0.25, "meta": {"role": "density"},
        },
        {
            "type": "scatter", "mode": "lines", "x": z[framed], "y": record.value[i][framed],
            "line": {"color": colour("muted"), "width": 1, "simplify": False}, "meta": {"role": "value"},
        },
        {
            "type": "scatter", "mode": "lines", "x": z, "y": record.slope[i], "meta": {"role": "slope"},
            "line": {"color": paint, "width": 2.4, "simplify": False},
        },
        marks.dots(dot, np.full(len(dot), record.supremum[i]), "steepest", name, 8, marker(name).removesuffix("-open")),
    ]  # fmt: skip
    return [trace | axes for trace in panel]


def _index(i: int) -> str:
    """How plotly numbers axes: none, 2, 3, ..."""
    return "" if i == 0 else str(i + 1)


def _axis(letter: str, i: int) -> str:
    return letter + _index(i)


def _short(value: float) -> str:
    """Two decimals, so that a name and its number fit a third of a phone's width; whole numbers without."""
    return f"{value:.0f}" if value == round(value) else f"{value:.2f}"


def _title(record: SlopesRecord) -> str:
    """Which slopes exceed 1, the steepest first."""
    beyond = [i for i in np.argsort(-record.supremum) if record.supremum[i] > 1]
    if not beyond:
        return "No slope here passes 1"
    named = [f"{ACTIVATION_LABELS[record.activations[i]]} {number(record.supremum[i])}" for i in beyond]
    return f"{len(beyond)} of {len(record.activations)} slopes pass 1: {', '.join(named)}"


def _alt(record: SlopesRecord) -> str:
    each = ", ".join(
        f"{ACTIVATION_LABELS[name]} {number(supremum)} and {number(rms)}"
        for name, supremum, rms in zip(record.activations, record.supremum, record.rms, strict=True)
    )
    return (
        f"{len(record.activations)} small line charts of an activation and its slope against the pre-activation z, from "
        f"−{record.z[-1]:g} to {record.z[-1]:g}. The largest slope, and its root mean square for z from N(0,1): {each}."
    )
