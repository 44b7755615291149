"""The map of weight and bias scales with its border, and gradient and cosine over the layers at one point of it."""

import numpy as np
import plotly.graph_objects as go

from gradlab.plots import marks
from gradlab.records import PhaseRecord
from gradlab.style import DIVERGING, axis_note, decades, figure, layer_axis, note, round_up

UPPER, LOWER = (0.42, 1.0), (0.0, 0.28)
LEFT, RIGHT = (0.0, 0.43), (0.57, 1.0)
WHO = "linear"  # the tints say how much, so that no colour is left to say who
TINTS = tuple(light for light, _ in DIVERGING)
ROOM = 0.05  # of the map beyond the sliders, in decades
SHORE = 0.28  # free ground under bias scale 0, on which the usual starts have their names
BETWEEN = 0.6  # on that ground, the middle of what the names leave free
TICKS = (0.3, 1, 3, 10, 20)
BIAS_TICKS = (0, 0.1, 0.5, 1, 2)
#: half-heights of the panel of the gradient, in decades
FRAMES = (1, 3, 6, 10, 20, 30, 50, 100, 200)
DRAWN = 12  # layers at most, closer together at the first ones, where most changes
PARTS = 256
TAG = 1.2  # how high on the map the dotted lines have their names, as a square root


def phase_map(record: PhaseRecord) -> go.Figure:
    """Above, the map: weight scale in decades across, bias scale as its square root up. Tints say what a settled layer
    does to the gradient; the thick line is the border, and between the dotted ones `depth` layers change it less than
    tenfold. Below, gradient norm and cosine over the layers at the point, which can be dragged.
    """
    height = round_up(max(np.abs(line).max() for line in (record.gradient_theory, record.gradient_band)), FRAMES)
    layers = layer_axis(record.depth)
    x, y = _frame(record)
    layout = {
        "meta": {"x": "layer", "pinned": _pinned(record)},
        "margin": {"l": 50, "r": 21, "t": 30, "b": 28},
        "xaxis": layers | {"domain": LEFT, "anchor": "y"},
        "yaxis": decades(height, step=height) | {"domain": LOWER},
        "xaxis2": layers | {"domain": RIGHT, "anchor": "y2"},
        "yaxis2": {"range": [-0.25, 1.1], "tickvals": [0, 0.5, 1], "domain": LOWER, "anchor": "x2", "zeroline": True},
        "xaxis3": {"range": x, "tickvals": np.log10(TICKS).tolist(), "ticktext": [f"{t:g}" for t in TICKS], "anchor": "y3"},
        "yaxis3": {
            "range": y, "tickvals": np.sqrt(BIAS_TICKS).tolist(), "ticktext": [f"{t:g}" for t in BIAS_TICKS],
            "domain": UPPER, "anchor": "x3", "showgrid": False,
        },
        "annotations": _notes(record),
    }  # fmt: skip
    return figure(_traces(record), layout)


def _frame(record: PhaseRecord) -> tuple[list[float], list[float]]:
    low, high = np.log10(record.sigma_w_values[[0, -1]])
    return [float(low) - ROOM, float(high) + ROOM], [-SHORE, float(np.sqrt(record.sigma_b_values[-1])) + ROOM]


def _traces(record: PhaseRecord) -> list[dict]:
    at = _drawn(record.depth)
    x = record.layers[at].astype(float)
    cosine, plane = {"xaxis": "x2", "yaxis": "y2"}, {"xaxis": "x3", "yaxis": "y3"}
    place = np.array([np.log10(record.sigma_w)]), np.array([np.sqrt(record.sigma_b)])
    starts = np.array([(np.log10(start.sigma_w), np.sqrt(start.sigma_b)) for start in record.starts])
    return [
        *_ground(record),
        *(marks.line(*_on_map(record, line), "channel", "ink", 1.4, dash="dot", **plane) for line in record.channel),
        marks.line(*_on_map(record, record.border_line), "border", "ink", 3, **plane),
        # on their own ground, so that they are seen on every tint
        marks.dots(*starts.T, "halo", "ground", 11, **plane),
        marks.dots(*starts.T, "starts", "ink", 9, "circle-open", edge=2, **plane),
        marks.dots(*place, "halo", "ground", 19, **plane),
        marks.dots(*place, "handle", size=13, cliponaxis=False, meta={"role": "handle", "handle": _handle(record)}, **plane),
        marks.rail(x, record.gradient_theory[at], meta={"role": "theory", "column": "gradient, theory"}),
        marks.band(x, *marks.coarse(record.gradient_band[:, at], PARTS), WHO),
        marks.measured(x, record.gradient[at], WHO, markers=False, meta={"role": "measured", "column": "gradient"}),
        marks.rail(x, record.cosine_theory[at], **cosine,
                   meta={"role": "theory", "column": "cosine, theory", "format": "number"}),
        marks.band(x, *marks.coarse(record.cosine_band[:, at], PARTS), WHO, **cosine),
        marks.measured(x, record.cosine[at], WHO, markers=False, **cosine,
                       meta={"role": "cosine", "column": "cosine", "format": "number"}),
    ]  # fmt: skip


def _on_map(record: PhaseRecord, sigma_w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A line over all bias scales as x and y of the map; where it would leave the map it runs along the edge."""
    x, y = marks.coarse(np.array([np.log10(sigma_w), np.sqrt(record.biases)]), 1024)
    return np.clip(x, *_frame(record)[0]), y


def _ground(record: PhaseRecord) -> list[dict]:
    """The tints, one over the other: each covers all of the map to the right of its line."""
    (left, right), top = _frame(record)[0], float(np.sqrt(record.biases[-1]))
    edges = [(np.array([left, left]), np.array([0, top])), *(_on_map(record, line) for line in record.lines_at)]
    look = {"xaxis": "x3", "yaxis": "y3", "meta": {"role": "ground"}, "type": "scatter", "mode": "lines"}
    return [
        look
        | {"x": np.append(x, [right, right]), "y": np.append(y, [top, 0]), "fill": "toself", "fillcolor": tint}
        | {"line": {"width": 0, "color": tint}}
        for (x, y), tint in zip(edges, TINTS, strict=True)
    ]


def _handle(record: PhaseRecord) -> dict:
    """Where on the map each value of the two sliders lies."""
    across, up = np.log10(record.sigma_w_values).round(6).tolist(), np.sqrt(record.sigma_b_values).round(6).tolist()
    axes = {"x": {"control": "sigma_w", "at": across}, "y": {"control": "sigma_b", "at": up}}
    return axes | {"label": "weight and bias scale"}


def _pinned(record: PhaseRecord) -> dict:
    """The name of a pinned curve stands on the side of 1 where this one does not run."""
    up = 0.8 if record.gradient[0] <= 0 else 0.2
    place = {"x": LEFT[1], "y": up * LOWER[1], "xref": "paper", "yref": "paper"}
    return place | {"xanchor": "right", "yanchor": "middle"}


def _drawn(depth: int) -> np.ndarray:
    """Indices of the layers drawn: all, or about ``DRAWN`` of them."""
    if depth <= DRAWN:
        return np.arange(depth)
    return np.unique(np.round(np.linspace(0, 1, DRAWN) ** 1.5 * (depth - 1)).astype(int))


def _notes(record: PhaseRecord) -> list[dict]:
    edges = " ".join(f"×{f:g}" if f > 1 else f"÷{1 / f:g}" for f in record.factors)
    under = {"xref": "x3", "yref": "y3", "y": -SHORE / 2, "yanchor": "middle"}
    cosine = float(record.cosine[-1])
    below = cosine > 0.5  # the number stands on the side of the curve that has room
    side = {"yanchor": "top", "yshift": -6} if below else {"yanchor": "bottom", "yshift": 6}
    tags = [np.interp(TAG, np.sqrt(record.biases), _on_map(record, line)[0]) for line in record.channel]
    tag = {"colour_name": "ink", "y": TAG, "xref": "x3", "yref": "y3", "yanchor": "middle"}
    return [
        axis_note("↑ bias scale, → weight scale", y=UPPER[1]),
        axis_note("↑ gradient norm", y=LOWER[1]),
        axis_note("↑ cosine", y=LOWER[1]) | {"x": RIGHT[0]},
        note(f"tints end at {edges} a layer", x=1, y=UPPER[1], xref="paper", yref="paper", xanchor="right", yanchor="bottom",
             wide=True),
        note("last layer = 1", x=LEFT[1], y=LOWER[1], xref="paper", yref="paper", xanchor="right", yanchor="bottom", wide=True),
        note("of orthogonal inputs, → layer", x=1, y=LOWER[1], xref="paper", yref="paper", xanchor="right", yanchor="bottom",
             wide=True),
        note("÷10", x=float(tags[0]), xanchor="right", xshift=-3, **tag),
        note("×10", x=float(tags[1]), xanchor="left", xshift=3, **tag),
        note(f"÷10, ×10: {record.depth} layers", x=BETWEEN, **under),
        *(note(start.label, x=float(np.log10(start.sigma_w)), wide=True, **under) for start in record.starts),
        note(f"<b>{_short(cosine)}</b>", colour_name="ink", x=record.depth, y=cosine, xref="x2", yref="y2", xanchor="right",
             **side),
    ]  # fmt: skip


def _short(cosine: float) -> str:
    return ">0.999" if cosine >= 0.9995 else f"{cosine:.3f}".replace("-", "−")
