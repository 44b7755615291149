"""What is left of a gradient over the steps back, and below it after the same number of steps in every cell."""

import numpy as np
import plotly.graph_objects as go

from gradlab.plots import marks
from gradlab.records import CellsRecord
from gradlab.style import axis_note, colour, decades_between, figure, marker, note, ten_to

UPPER, LOWER = (0.54, 1.0), (0.0, 0.4)
NAMES_END = 0.2  # the rows begin behind their names
#: the name of a pinned curve: the upper left corner, which no curve from 1 reaches
PINNED = {"x": 0, "y": UPPER[1], "xref": "paper", "yref": "paper", "yanchor": "top", "xshift": 2}
#: whose colours and markers the gated cells share in the whole book
WHO = {"lstm": "sigmoid", "gru": "gelu"}
NAMES = {
    "tanh": "tanh",
    "relu": "ReLU",
    "lstm": "LSTM",
    "lstm_1": "LSTM, bias 1",
    "lstm_5": "LSTM, bias 5",
    "gru": "GRU",
    "gru_5": "GRU, bias 5",
}
DRAWN = 60  # steps at most
DOTS = 11
TWO = float(np.log10(2))  # of a frame so small that its ticks are factors of 2
#: decades from 1 that the upper panel may reach, and the steps of its ticks
REACH = {TWO: TWO, 2 * TWO: TWO, 1: 1, 2: 1, 3: 1, 5: 2, 8: 4, 12: 4, 16: 5, 20: 5, 25: 10, 35: 10, 50: 20, 75: 25, 100: 25,
         125: 50, 150: 50, 200: 50, 250: 100, 300: 100, 350: 100, 500: 200}  # fmt: skip


def cells(record: CellsRecord) -> go.Figure:
    """Above, the gradient in decades about its size at the last step, against the steps back: theory as the rail, the
    spread over the networks as a band that reaches the floor where nothing comes back, a dotted line where half is gone.

    Below, after the same number of steps in every state, a row a cell: a grey dot for every start, in ink the chosen one,
    in colour the chosen cell with it.
    """
    who = WHO.get(record.cell.split("_")[0], record.cell)
    low, high = _frame(record)
    at, dots = _spread(record.length, DRAWN), _spread(record.length, DOTS)
    x = at.astype(float)
    missing = record.log10_theory is None
    rows = np.arange(len(record.cells))[::-1].astype(float)
    chosen = record.starts.index(record.start)
    here = record.cells.index(record.cell)
    traces = [
        marks.rail(
            marks.NOTHING if missing else x,
            marks.NOTHING if missing else record.log10_theory[at],
            meta={"role": "theory"} | ({} if missing else {"column": "the gate alone" if record.gated else "theory"}),
        ),
        marks.band(x, *np.maximum([record.log10_low[at], record.log10_high[at]], low), who),
        marks.measured(x, record.log10_measured[at], who, markers=False),
        marks.dots(dots.astype(float), record.log10_measured[dots], "values", who, 6, marker(who),
                   meta={"role": "values", "column": "measured"}),
        _dots(np.delete(record.family, chosen, axis=1).ravel(), np.repeat(rows, len(record.starts) - 1), "theory", 6,
              "others", opacity=0.6),
        _dots(record.family[:, chosen], rows, "ink", 8, "family"),
        _dots(record.family[[here], chosen], rows[[here]], who, 13, "here"),
    ]  # fmt: skip
    layout = {
        "meta": {"x": "steps back", "pinned": PINNED},
        "margin": {"l": 50, "r": 21, "t": 30, "b": 28},
        "xaxis": {
            "range": [-0.015 * record.length, 1.015 * record.length], "tickvals": _ticks(record.length), "anchor": "y",
        },
        "yaxis": _decades(low, high) | {"domain": UPPER},
        "xaxis2": _family_axis(record) | {"domain": [NAMES_END, 1], "anchor": "y2"},
        "yaxis2": {
            "range": [-0.6, len(rows) - 0.4], "tickvals": rows.tolist(), "ticktext": [""] * len(rows), "domain": LOWER,
            "anchor": "x2",
        },
        "shapes": [_half(record)],
        "annotations": [
            axis_note("↑ gradient, 1 at the last step; steps back →"),
            axis_note(f"left after {record.after} steps →  ● with these weights", y=LOWER[1]),
            _legend(record),
            _half_name(record),
            *(_name(record, cell, row) for cell, row in zip(record.cells, rows, strict=True)),
        ],
    }  # fmt: skip
    return figure(traces, layout)


def _spread(length: int, most: int) -> np.ndarray:
    """About ``most`` of the steps 0..length, evenly spread."""
    return np.unique(np.round(np.linspace(0, length, min(length + 1, most))).astype(int))


def _frame(record: CellsRecord) -> tuple[float, float]:
    """Lowest and highest power of the upper panel, in steps: as far down as up or farther, and at most three times as far,
    so that the upper left corner is free for the name of a pinned curve."""
    lines = [record.log10_measured, record.log10_low, record.log10_high]
    values = np.concatenate(lines + ([] if record.log10_theory is None else [record.log10_theory]))
    values = values[np.isfinite(values)]
    down, up = (next(step for step in REACH if reach <= step) for reach in (-values.min(), values.max()))
    return -max(down, up), max(up, down / 3)


def _decades(low: float, high: float) -> dict:
    """The upper panel's axis; where it reaches a factor of 2 or 4, its ticks are factors too."""
    far = -low if -low <= 2 * TWO else 0.75 * (high - low)  # as many ticks for a frame that reaches as far up as down
    step = REACH[next(reach for reach in REACH if far <= reach + 1e-9)]
    return decades_between(low, high, step, word=ten_to if step >= 1 else lambda tick: f"{10**tick:.3g}")


def _ticks(length: int) -> list[int]:
    return [round(length * k / 5) for k in range(6)]


def _family_axis(record: CellsRecord) -> dict:
    """The powers that the rows share, in every state the same."""
    low, high = float(record.family.min()) - 1.5, float(record.family.max()) + 1.5
    ticks = range(int(np.ceil(low / 10)) * 10, int(high) + 1, 10)
    return {
        "range": [low, high], "tickvals": list(ticks), "ticktext": [ten_to(tick) for tick in ticks], "showgrid": True,
    }  # fmt: skip


def _dots(x, y, paint: str, size: int, role: str, **more) -> dict:
    return marks.dots(x, y, role, paint, size, cliponaxis=False, xaxis="x2", yaxis="y2", **more)


def _name(record: CellsRecord, cell: str, row: float) -> dict:
    """A cell before its row, the chosen one in bold; the number is the bias of its gate."""
    text = NAMES[cell]
    return note(
        f"<b>{text}</b>" if cell == record.cell else text, colour_name="ink", x=NAMES_END, y=row, xref="paper",
        yref="y2", xanchor="right", yanchor="middle", xshift=-6,
    )  # fmt: skip


def _legend(record: CellsRecord) -> dict:
    """What is grey and what is pale; left out on phones, where the sentence says it."""
    grey = "" if record.log10_theory is None else "grey: the gate alone, " if record.gated else "grey: theory, "
    return note(
        f"{grey}pale: 10–90 % of {record.networks} nets", wide=True, x=1, y=1, xref="paper", yref="paper",
        xanchor="right", yanchor="bottom",
    )  # fmt: skip


def _half(record: CellsRecord) -> dict:
    """Up to about 1 in the upper panel, where half is gone."""
    k = record.halved
    return {
        "type": "line", "xref": "x", "x0": k or 0, "x1": k or 0, "yref": "paper", "y0": UPPER[0],
        "y1": UPPER[0] + 0.8 * (UPPER[1] - UPPER[0]),
        "line": {"color": colour("ink"), "width": 1.2, "dash": "dot"}, "layer": "below", "visible": k is not None,
    }  # fmt: skip


def _half_name(record: CellsRecord) -> dict:
    """Beside the foot of that line, on the side where there is room."""
    k = record.halved
    left = k is None or k < 0.5 * record.length
    text = "" if k is None else "half is gone after " + ("1 step" if k == 1 else f"{k} steps")
    return note(
        text, colour_name="ink", x=k or 0, y=UPPER[0], xref="x", yref="paper", xanchor="left" if left else "right",
        yanchor="bottom", xshift=4 if left else -4,
    )  # fmt: skip
