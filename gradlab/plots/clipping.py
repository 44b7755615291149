"""The loss over two weights as a map with a wall on it, the path of gradient descent over it, and what the path met."""

from itertools import pairwise

import numpy as np
import plotly.graph_objects as go

from gradlab.plots import marks
from gradlab.records import ClippingRecord
from gradlab.style import axis_note, colour, decades_between, figure, note, number, round_up

WHO = "sigmoid"  # the unit of the network
UPPER, LOWER = (0.42, 1.0), (0.0, 0.29)
LEFT, RIGHT = (0.0, 0.44), (0.56, 1.0)
TINT = 0.075  # of each doubling of the loss
LOSSES = (3, 4, 6, 8, 10)  # decades below 1 that the panel of the loss may reach
FLOOR = -3  # decades: where the panel of the norm ends; what vanishes falls through it
HIGHEST = (2, 3, 4, 5, 6, 8, 10)  # and where it ends above
EVERY = 6  # steps between the rows of the table of numbers


def clipping(record: ClippingRecord) -> go.Figure:
    """Above, the loss over w and b, a darker tint for each doubling, the valley a thin line, the wall a thick one; on it
    the path, whose start can be dragged. Below, loss and gradient norm against the steps. A ring marks the same point in
    all three: where the step off the map begins, or the longest gradient. A path that leaves the map ends in a triangle.
    """
    loss, norm = _log10(record.loss), _log10(record.norm)
    loss_low = -round_up(-loss.min(), LOSSES)
    norm_high = round_up(norm.max(), HIGHEST)
    steps = {"range": [-1.5, record.steps + 1.5], "tickvals": [0, 20, 40, 60]}
    loss_axis = decades_between(loss_low, 0, round_up(-loss_low / 3, (1, 2, 3, 5)))
    norm_axis = decades_between(FLOOR, norm_high, 3 if norm_high % 3 == 0 else 2)
    (w_low, w_high), (b_low, b_high) = record.frame.tolist()
    layout = {
        "meta": {"x": "step"},
        "margin": {"l": 50, "r": 21, "t": 30, "b": 28},
        "xaxis": {"range": [w_low, w_high], "tickvals": [4.5, 5, 5.5], "anchor": "y"},
        "yaxis": {"range": [b_low, b_high], "tickvals": [-3, -2.5, -2, -1.5], "ticktext": ["−3", "−2.5", "−2", "−1.5"],
                  "domain": UPPER, "showgrid": False},
        "xaxis2": steps | {"domain": LEFT, "anchor": "y2"},
        "yaxis2": loss_axis | {"domain": LOWER, "anchor": "x2"},
        "xaxis3": steps | {"domain": RIGHT, "anchor": "y3"},
        "yaxis3": norm_axis | {"domain": LOWER, "anchor": "x3"},
        "annotations": _notes(record),
    }  # fmt: skip
    return figure(_traces(record, loss, norm), layout)


def _traces(record: ClippingRecord, loss: np.ndarray, norm: np.ndarray) -> list[dict]:
    (w_low, b_low), scale = record.frame[:, 0], np.ptp(record.frame, axis=1)
    losses, norms = ({"xaxis": f"x{i}", "yaxis": f"y{i}"} for i in (2, 3))
    t = np.arange(record.steps + 1.0)
    x, y = _coarse(_inside(record.path, record.frame), record.frame)
    stops = record.path[((record.frame[:, 0] <= record.path) & (record.path <= record.frame[:, 1])).all(axis=1)]
    at = record.decisive
    ring = record.path[at]
    end, symbol = _exit(record)
    look = {"size": 13, "symbol": "circle-open", "edge": 2, "cliponaxis": False}
    rows = np.arange(0, record.steps + 1, EVERY)
    seen = rows[norm[rows] >= FLOOR]
    return [
        *_relief(record),
        marks.line(*record.lines[_valley(record)], "valley"),
        marks.line(*record.wall, "wall", "ink", 2),
        # The first point stands alone and draws nothing: it is where the name of a pinned curve goes.
        marks.measured(
            np.concatenate([[w_low + 0.02 * scale[0], np.nan], x]), np.concatenate([[b_low, np.nan], y]), WHO,
            markers=False, line={"color": colour(WHO), "width": 1.6},
        ),
        marks.dots(*_coarse(stops, record.frame), "stops", WHO, 4),
        marks.dots(*ring[:, None], "decisive", **look),
        marks.dots(*end, "exit", WHO, 13, symbol, cliponaxis=False),
        marks.dots(np.array([record.w]), np.array([record.b]), "handle", cliponaxis=False,
                   meta={"role": "handle", "handle": {"x": {"control": "w"}, "y": {"control": "b"}, "label": "start"}}),
        marks.line(t, marks.coarse(loss, 64), "loss", WHO, 2, **losses),
        marks.dots(t[rows], loss[rows], "losses", WHO, 4, meta={"role": "losses", "column": "loss"}, **losses),
        marks.dots(t[[at]], loss[[at]], "decisive loss", **look, **losses),
        marks.line(t[[0, -1]], np.log10(np.full(2, record.threshold)), "threshold", "muted", 1.2, dash="dot", **norms),
        marks.line(t, marks.coarse(_above(norm), 64), "norm", WHO, 2, **norms),
        marks.dots(t[norm < FLOOR][:1], np.full(1, FLOOR)[: (norm < FLOOR).sum()], "fallen", WHO, 11, "triangle-down",
                   cliponaxis=False, **norms),
        marks.dots(t[seen], norm[seen], "norms", WHO, 4, meta={"role": "norms", "column": "gradient norm"}, **norms),
        marks.dots(t[[at]], norm[[at]], "decisive norm", **look, **norms),
    ]  # fmt: skip


def _coarse(path: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Points of the map to less than a pixel, (2, K)."""
    size = np.ptp(frame, axis=1)
    return np.clip(marks.coarse(path / size) * size, *frame.T).T


def _log10(values: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):  # far out on the plateau the gradient is exactly 0
        return np.log10(values)


def _above(norm: np.ndarray) -> np.ndarray:
    """The line of the norm: where it falls through the floor of its panel it ends there."""
    below = norm < FLOOR
    beside = np.append(~below[1:], False) | np.insert(~below[:-1], 0, False)
    return np.where(below, np.where(beside, FLOOR, np.nan), norm)


def _relief(record: ClippingRecord) -> list[dict]:
    """A tint over all whose loss is larger than that of each contour: they add up."""
    (b_low, b_high), valley = record.frame[1], _valley(record)
    corners = record.frame[0, ::-1]
    return [
        {
            "type": "scatter", "mode": "lines", "x": np.append(w, corners),
            "y": np.append(b, np.full(2, b_low if i < valley else b_high)),
            "fill": "toself", "fillcolor": colour("theory"), "line": {"width": 0, "color": colour("theory")},
            "opacity": TINT, "meta": {"role": "relief"},
        }
        for i, (w, b) in enumerate(record.lines) if i != valley
    ]  # fmt: skip


def _valley(record: ClippingRecord) -> int:
    """Which contour is the target's."""
    return int(np.abs(record.outputs - record.target).argmin())


def _inside(path: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """The path without what lies off the map: cut at the frame, a gap where it is away, (K, 2)."""
    pieces, last = [path[:1]], path[0]
    for start, end in pairwise(path):
        enter, leave = _crossing(start, end, frame)
        if enter >= leave:
            continue
        first, second = start + enter * (end - start), start + leave * (end - start)
        if not np.array_equal(first, last):
            pieces.append(np.array([[np.nan, np.nan], first]))
        pieces.append(second[None])
        last = second
    return np.concatenate(pieces)


def _crossing(start, end, frame) -> tuple[float, float]:
    """Between which shares of the way from start to end one is on the map; the first is larger where never."""
    enter, leave = 0.0, 1.0
    for a, z, (low, high) in zip(start, end, frame, strict=True):
        if a == z:
            if not low <= a <= high:
                return 1.0, 0.0
            continue
        first, second = sorted([(low - a) / (z - a), (high - a) / (z - a)])
        enter, leave = max(enter, first), min(leave, second)
    return enter, leave


def _exit(record: ClippingRecord) -> tuple[np.ndarray, str]:
    """Where the path first leaves the map, (2, 0 or 1), and the triangle that points there."""
    if record.left is None:
        return np.empty((2, 0)), "triangle-up"
    start, end = record.path[record.left - 1], record.path[record.left]
    place = start + _crossing(start, end, record.frame)[1] * (end - start)
    side = np.abs(place[:, None] - record.frame) / np.ptp(record.frame, axis=1, keepdims=True)
    return place[:, None], ("triangle-left", "triangle-right", "triangle-down", "triangle-up")[int(side.argmin())]


def _notes(record: ClippingRecord) -> list[dict]:
    norm, at = _log10(record.norm), float(record.frame[0] @ [0.2, 0.8])
    fall = int((norm < FLOOR).argmax())
    early = fall < record.steps / 2
    landed = record.path[-1 if record.left is None else record.left]
    above = {"xref": "paper", "yref": "paper", "x": 1, "y": UPPER[1], "xanchor": "right", "yanchor": "bottom"}
    return [
        axis_note("↑ bias <i>b</i>,  → weight <i>w</i>", y=UPPER[1]),
        axis_note("↑ loss, → step", y=LOWER[1]),
        axis_note("↑ gradient norm", y=LOWER[1]) | {"x": RIGHT[0]},
        note("a tint darker: twice the loss", **above, wide=True, visible=record.left is None),
        note(f"to ({number(landed[0])}, {number(landed[1])})", colour_name="ink", **above,
             visible=record.left is not None),
        note("the wall", colour_name="ink", x=at, y=float(np.interp(at, *record.wall)), xref="x", yref="y", xanchor="right",
             yanchor="top", yshift=-2),
        axis_note("(dotted: threshold)", y=LOWER[1]) | {"x": RIGHT[0], "xshift": 124, "name": "wide"},
        note(f"to {number(record.norm.min(), 2)}", x=fall, y=FLOOR, xref="x3", yref="y3", yanchor="bottom",
             xanchor="left" if early else "right", xshift=8 if early else -8, visible=bool(norm.min() < FLOOR)),
    ]  # fmt: skip
