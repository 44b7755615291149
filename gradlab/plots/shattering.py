"""The gradient by the input along a line, a panel a network."""

import plotly.graph_objects as go

from gradlab.plots import marks
from gradlab.records import LineGradients
from gradlab.style import axis_note, figure, number

GAP = 0.16  # between panels, for their names
MOST = 4  # panels


def shattering(record: LineGradients, activation: str = "relu", *, title: str) -> go.Figure:
    """One panel a network, from top to bottom: its gradient over its root mean square, at every point of the line.

    title: what the figure shows, as a sentence. ValueError for more than four networks.
    """
    count = len(record.names)
    if count > MOST:
        raise ValueError(f"record has {count} networks; at most {MOST} find room")
    share = (1 + GAP) / count
    low, high = float(record.points[0]), float(record.points[-1])
    traces, layout, notes = [], {}, []
    for k, (name, gradient) in enumerate(zip(record.names, record.gradients, strict=True)):
        axis, top = str(k + 1) if k else "", 1 - k * share
        traces.append(
            marks.measured(record.points, gradient, activation, markers=False, xaxis=f"x{axis}", yaxis=f"y{axis}")
        )
        last, reach = k == count - 1, 1.1 * float(abs(gradient).max())
        layout[f"xaxis{axis}"] = {
            "range": [low, high], "tickvals": [low, (low + high) / 2, high], "anchor": f"y{axis}",
            "title": {"text": "place along the line →" if last else ""},
        } | ({} if last else {"ticktext": ["", "", ""]})  # fmt: skip
        layout[f"yaxis{axis}"] = {
            "range": [-reach, reach], "domain": [max(top - share + GAP, 0.0), top], "anchor": f"x{axis}",
            "tickvals": [0], "zeroline": True,
        }  # fmt: skip
        notes.append(axis_note(name if k else f"↑ gradient; {name}", y=top, colour_name="ink"))
    layout |= {
        "height": 150 * count + 90,
        "meta": {"x": "place", "phone": 120 * count + 90},
        "margin": {"l": 30, "r": 14, "t": 64, "b": 52},
        "annotations": notes,
    }
    return figure(traces, layout, title=title, alt=_alt(record))


def _alt(record: LineGradients) -> str:
    """The same in words."""
    said = [f"{name}: {number(step)}" for name, step in zip(record.names, record.steps, strict=True)]
    return (
        f"A line a network, the gradient at {len(record.points)} points. Its change from point to point, "
        f"over its own size: {'; '.join(said)}. White noise would have 1.41."
    )
