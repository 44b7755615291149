"""A table of remedies as tinted cells with their numbers, and under it the layers of one of its cells."""

import math

import numpy as np
import plotly.graph_objects as go

from gradlab.plots import marks
from gradlab.records import RemediesRecord
from gradlab.style import (
    ACTIVATION_LABELS,
    DIVERGING,
    axis_note,
    colour,
    decades_ticked,
    figure,
    frame_between,
    layer_axis,
    note,
    power,
)

UPPER, LOWER = (0.25, 1.0), (0.0, 0.17)
HEIGHT, PHONE = 600, 520
#: those of the seven tints on which letters are read well: in ink on the three pale ones, in the colour of the ground on the dark
TINTS = tuple(DIVERGING[i][0] for i in (0, 2, 3, 4, 6))
DARK = (0, 4)
STEP = 4  # decades from 1 to the dark tints; to the pale ones it is what promises training
QUICK, SLOW = 2, 5  # epochs up to which a network learnt quickly, and from which on slowly
WELL = 0.8  # accuracy from which a cell has the dark tint
HEADS = (
    {"residual": "res", "scaled": "res", "batch_residual": "BN", "layer_residual": "LN"},
    {
        "plain": "plain", "batch": "BN", "layer": "LN", "residual": "", "scaled": "/√L",
        "batch_residual": "+res", "layer_residual": "+res",
    },
)  # fmt: skip
STARTS = {
    "torch_default": "PyTorch",
    "xavier_normal": "Xavier",
    "kaiming_normal": "He",
    "orthogonal": "orthogonal",
    "standard_normal": "N(0,1)",
}
TITLES = {
    "gradient": "gradient, layer 1 ÷ last, powers of ten",
    "accuracy": "% right after {epochs} epochs",
    "clipped": "% right after {epochs} epochs with clipping",
    "epochs": "epochs until {solved} % right",
    "foresight": "% right; ↑ ↓ unlike what step 0 said",
}
EDGES = {
    "gradient": "tints end at ×10 and ×10,000",
    "accuracy": "tints begin at 50 % and 80 %",
    "clipped": "tints begin at 50 % and 80 %",
    "epochs": f"tints end at {QUICK} and {SLOW}",
    "foresight": "step 0 promises training up to ×10",
}
DRAWN = 16  # layers at most
CELL = 0.96  # of its place that a cell fills
WHO = "linear"  # the tints say how much, so that no colour is left to say who


def remedies(record: RemediesRecord) -> go.Figure:
    """Above, a row for every network and a column for every remedy; the frame is the chosen cell, and can be dragged.
    Below, its gradient over the layers before training, in decades about that of the last layer, and without a remedy.
    """
    heights, firsts = _heights(record)
    rows = len(heights) + len(firsts)
    at = _drawn(record.depth)
    low, high = frame_between(record.profile, record.plain)
    layout = {
        "meta": {
            "x": ACTIVATION_LABELS[record.networks[record.cell[0]][0]],
            "rows": [STARTS[record.networks[i][1]] for i in _group(record)],
            "phone": PHONE,
            "pinned": {  # on the side of 1 where no curve runs to the right
                "x": 1, "y": (0.92 if high > -low else 0.1) * LOWER[1], "xref": "paper", "yref": "paper", "xanchor": "right",
                "yanchor": "middle",
            },
        },
        "height": HEIGHT,
        "margin": {"l": 50, "r": 8, "t": 30, "b": 28},
        "barmode": "overlay",
        "xaxis": layer_axis(record.depth) | {"anchor": "y"},
        "yaxis": decades_ticked(low, high, 3) | {"domain": LOWER},
        "xaxis2": {"range": [-1.26, len(record.remedies) - 0.5], "tickvals": [], "anchor": "y2"},
        "yaxis2": {"range": [-rows - 0.1, 2], "tickvals": [], "domain": UPPER, "anchor": "x2", "showgrid": False},
        "annotations": [
            axis_note(TITLES[record.shown].format(solved=f"{100 * record.solved_at:.0f}", epochs=record.epochs), xshift=-42),
            note(EDGES[record.shown], wide=True, x=1, y=1, xref="paper", yref="paper", xanchor="right", yanchor="bottom"),
            axis_note("↑ gradient norm before training; layer →", y=LOWER[1]),
            note("last layer = 1; thin: plain", wide=True, x=1, y=LOWER[1], xref="paper", yref="paper", xanchor="right", yanchor="bottom"),
        ],
    }  # fmt: skip
    x, median = at + 1.0, np.median(record.profile, axis=0)[at]
    plain = np.median(record.plain, axis=0)[at] if record.cell[1] else marks.NOTHING
    traces = [
        *_cells(record, heights),
        *_letters(record, heights, firsts),
        *_chosen(record, heights),
        marks.line(x[: len(plain)], plain, "plain", "theory", 1.6),
        marks.band(x, *marks.coarse(np.stack([record.profile.min(axis=0), record.profile.max(axis=0)])[:, at]), WHO),
        marks.measured(x, median, WHO, markers=False, meta={"role": "measured"}),
        *_numbers(record),
    ]
    return figure(traces, layout)


def _drawn(depth: int) -> np.ndarray:
    """Indices of the layers drawn."""
    return np.unique(np.round(np.linspace(0, depth - 1, min(depth, DRAWN))).astype(int))


def _heights(record: RemediesRecord) -> tuple[np.ndarray, list[int]]:
    """Where the middle of each network's row lies, and the first network of each activation, with its name above."""
    names = [activation for activation, _ in record.networks]
    firsts = [i for i, name in enumerate(names) if name not in names[:i]]
    heights = -(np.arange(len(names)) + np.searchsorted(firsts, np.arange(len(names)), side="right") + 0.5)
    return heights, firsts


def _group(record: RemediesRecord) -> list[int]:
    """The rows with the activation of the chosen cell."""
    activation = record.networks[record.cell[0]][0]
    return [i for i, (name, _) in enumerate(record.networks) if name == activation]


def _tints(record: RemediesRecord) -> np.ndarray:
    """(N, M) which of ``TINTS`` every cell has, -1 for none."""
    if record.shown == "gradient":
        size, up = np.abs(record.relative), record.relative > 0
        return np.select([record.promised, size <= STEP], [2, np.where(up, 3, 1)], np.where(up, 4, 0))
    if record.shown == "epochs":
        return np.select([record.solved <= QUICK, record.solved <= SLOW, np.isfinite(record.solved)], [0, 1, 2], -1)
    if record.shown == "foresight":
        kinds = [record.promised & ~record.trained, ~record.promised & record.trained]
        return np.select([*kinds, np.isnan(record.accuracy)], [4, 0, -1], 2)
    return np.select([np.isnan(record.accuracy), record.accuracy >= WELL, record.accuracy >= 0.5], [-1, 0, 1], 2)


def _words(record: RemediesRecord) -> np.ndarray:
    """(N, M) what stands in every cell."""
    if record.shown == "gradient":
        word, values = _exponent, record.relative
    elif record.shown == "epochs":
        word, values = lambda v: f"{v:.0f}" if math.isfinite(v) else f">{record.epochs}", record.solved
    else:
        word, values = lambda v: f"{100 * v:.0f}" if math.isfinite(v) else "NaN", record.accuracy
    words = np.array([[word(float(v)) for v in row] for row in values], dtype=object)
    if record.shown == "clipped":
        words[~record.measured] = "–"
    if record.shown == "foresight":
        signs = np.select([record.promised & ~record.trained, ~record.promised & record.trained], ["↓", "↑"], "")
        words = signs.astype(object) + words
    return words


def _exponent(value: float) -> str:
    """To a tenth; where that would be wider than a cell on a phone, to a whole."""
    text = f"{value:.1f}" if abs(value) < 9.95 else f"{value:.0f}"
    return "0.0" if text == "-0.0" else text.replace("-", "−")


def _cells(record: RemediesRecord, heights: np.ndarray) -> list[dict]:
    """A bar for every cell, those of a tint together."""
    tints, plane = _tints(record), {"xaxis": "x2", "yaxis": "y2", "meta": {"role": "cell"}, "type": "bar"}
    traces = []
    for i, tint in enumerate(TINTS):
        row, column = np.nonzero(tints == i)
        traces.append(
            plane
            | {"x": column.astype(float), "y": np.full(len(row), CELL), "base": heights[row] - CELL / 2}
            | {"width": CELL, "marker": {"color": tint, "line": {"width": 0}}}
        )
    return traces


def _letters(record: RemediesRecord, heights: np.ndarray, firsts: list[int]) -> list[dict]:
    """The words in the cells, in ink and in the colour of the ground, and the names of rows and columns."""
    words, dark = _words(record), np.isin(_tints(record), DARK)
    lines = [(1.3, HEADS[0]), (0.3, HEADS[1])]
    heads = [(x, y, line.get(name)) for y, line in lines for x, name in enumerate(record.remedies)]
    x, y, text = zip(*((x, y, text) for x, y, text in heads if text), strict=True)
    beside = np.full(len(heights), -0.55)
    return [
        _text(*_places(~dark, heights), words[~dark].tolist(), "words"),
        _text(*_places(dark, heights), words[dark].tolist(), "words", "ground"),
        _text(np.array(x, float), np.array(y), list(text), "heads"),
        _text(beside, heights, [STARTS[start] for _, start in record.networks], "rows", place="middle left"),
        _text(beside[: len(firsts)], heights[firsts] + 1, [f"<b>{ACTIVATION_LABELS[record.networks[i][0]]}</b>" for i in firsts], "rows",
              place="middle left"),
    ]  # fmt: skip


def _places(cells: np.ndarray, heights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    row, column = np.nonzero(cells)
    return column.astype(float), heights[row]


def _text(x, y, text: list[str], role: str, paint: str = "ink", place: str = "middle center") -> dict:
    look = {"textposition": place, "textfont": {"color": colour(paint), "size": 14}, "cliponaxis": False}
    return {
        "type": "scatter", "mode": "text", "x": x, "y": y, "text": text, "meta": {"role": role}, "xaxis": "x2",
        "yaxis": "y2",
    } | look  # fmt: skip


def _chosen(record: RemediesRecord, heights: np.ndarray) -> list[dict]:
    """The frame of the chosen cell on its own ground, and the handle in its middle."""
    row, column = record.cell
    x, y, half = float(column), heights[row], CELL / 2 + 0.02
    across, up = x + half * np.array([-1, 1, 1, -1, -1]), y + half * np.array([-1, -1, 1, 1, -1])
    plane = {"xaxis": "x2", "yaxis": "y2", "cliponaxis": False}
    handle = {
        "x": {"control": "remedy", "at": list(range(len(record.remedies)))},
        "y": {"control": "network", "at": heights.tolist()},
        "label": "cell of the table", "click": True,
    }  # fmt: skip
    return [
        marks.line(across, up, "chosen", "ground", 6, **plane),
        marks.line(across, up, "chosen", "ink", 3, **plane),
        marks.dots(np.array([x]), np.array([y]), "handle", size=1, meta={"role": "handle", "handle": handle}, **plane)
        | {"opacity": 0},
    ]


def _numbers(record: RemediesRecord) -> list[dict]:
    """What "The numbers" shows: the rows of the chosen activation; not drawn."""
    rows = _group(record)
    names = {name: " ".join(filter(None, (head.get(name, "") for head in HEADS))) for name in record.remedies}
    words = _words(record)
    if record.shown == "gradient":
        words = np.array([[power(float(v)) for v in row] for row in record.relative], dtype=object)
    return [
        {
            "type": "scatter", "mode": "markers", "x": np.arange(len(rows)).astype(float), "y": np.zeros(len(rows)),
            "text": [words[i, j] for i in rows], "visible": False, "xaxis": "x2", "yaxis": "y2",
            "meta": {"role": "numbers", "column": names[name], "format": "text"},
        }
        for j, name in enumerate(record.remedies)
    ]  # fmt: skip
