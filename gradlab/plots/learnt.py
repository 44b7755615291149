"""Who has learnt what: a dot a network, in rows by kind, a group of rows for every length."""

import numpy as np
import plotly.graph_objects as go

from gradlab.plots import marks
from gradlab.records import LearntRecord
from gradlab.style import colour, figure, marker, note, power, ten_to

NAMES_END = 0.46  # the dots begin behind the names of the rows
ROW = 21  # px


def learnt(record: LearntRecord) -> go.Figure:
    """The loss at the end of training in decades; left of the dotted line, what an answer that looks at nothing gets,
    something has been learnt."""
    groups, kinds = len(record.lengths), len(record.kinds)
    rows = groups * (kinds + 1)
    traces, notes = [], []
    for g, length in enumerate(record.lengths):
        top = rows - g * (kinds + 1) - 1.0
        notes.append(_name(f"<b>{length} steps</b>", top))
        for k, (kind, who) in enumerate(zip(record.kinds, record.activations, strict=True)):
            x = record.log10_loss[g, k]
            y = np.full(len(x), top - 1 - k)
            traces.append(marks.dots(x, y, "measured", who, 10, marker(who), opacity=0.75))
            notes.append(_name(kind, top - 1 - k))
    low, high = np.floor(record.log10_loss.min()), np.ceil(max(record.log10_loss.max(), record.log10_baseline))
    ticks = np.arange(low, high + 1)
    at = record.log10_baseline
    layout = {
        "height": rows * ROW + 76,
        "margin": {"l": 8, "r": 14, "t": 30, "b": 46},
        "meta": {"x": "loss", "phone": rows * ROW + 76},
        "xaxis": {
            "range": [low - 0.1, high + 0.1], "tickvals": ticks.tolist(), "domain": [NAMES_END, 1],
            "ticktext": [ten_to(int(tick)) for tick in ticks], "showgrid": True,
            "title": {"text": "final loss →"},
        },
        "yaxis": {"range": [-0.7, rows - 0.4], "tickvals": [], "showgrid": False},
        "shapes": [
            {
                "type": "line", "x0": at, "x1": at, "yref": "paper", "y0": 0, "y1": 1, "layer": "below",
                "line": {"color": colour("ink"), "width": 1.2, "dash": "dot"},
            }
        ],
        "annotations": [
            *notes,
            note(f"always the mean: {power(at)}", x=1, y=1, xref="paper", yref="paper", xanchor="right", yanchor="bottom",
                 colour_name="ink"),
        ],
    }  # fmt: skip
    return figure(traces, layout, title=_title(record), alt=_alt(record))


def _name(text: str, row: float) -> dict:
    return note(text, x=0, y=row, xref="paper", yref="y", xanchor="left", yanchor="middle", colour_name="ink")


def _title(record: LearntRecord) -> str:
    """Who learns the longest sequences."""
    last, networks = record.learnt[-1], record.log10_loss.shape[-1]
    whole = [kind for kind, count in zip(record.kinds, last, strict=True) if count == networks]
    length = record.lengths[-1]
    if len(whole) == 1:
        return f"At {length} steps one start lets every network learn: {whole[0]}"
    if not whole:
        return f"At {length} steps no start lets every network learn"
    return f"At {length} steps {len(whole)} of {len(record.kinds)} starts let every network learn"


def _alt(record: LearntRecord) -> str:
    networks = record.log10_loss.shape[-1]
    each = "; ".join(
        f"{length} steps: " + ", ".join(f"{kind} {count}" for kind, count in zip(record.kinds, counts, strict=True))
        for length, counts in zip(record.lengths, record.learnt, strict=True)
    )
    return (
        f"A dot for each of {networks} networks a row, at its loss after training, with a dotted line at "
        f"{power(record.log10_baseline)}, the loss of an answer that is always the mean. Networks with less than 60 % "
        f"of that loss, by length and start. {each}."
    )
