"""What goes back on the left, slopes and gradient; what goes forward on the right, signal and cosine."""

import numpy as np
import plotly.graph_objects as go

from gradlab.plots import marks
from gradlab.records import ZooRecord
from gradlab.style import axis_note, colour, decades, figure, layer_axis, note, number, power, ten_to

LEFT, RIGHT = (0.0, 0.42), (0.58, 1.0)
UPPER, LOWER = (0.59, 1.0), (0.0, 0.41)
EDGE = 5.0  # z from which the first and the last bar count all
DRAWN = 14  # layers at most, closer together at the first ones, where most changes
#: half-heights of the panel of the gradient, in decades
FRAMES = (1, 3, 6, 10, 20, 40, 100)
#: largest |z| that the panel of the signal holds -> its ticks above 0
Z_FRAMES = {4: (1, 3), 30: (10,), 1e3: (100,), 1e6: (1e4,), 1e12: (1e5, 1e10), 1e24: (1e10, 1e20), 1e60: (1e20, 1e40)}
PARTS = 256  # of a unit: what stands in no table of numbers is rounded to them
LEGEND = "layer →  (grey: theory, pale: all {networks} nets)"


def activation_zoo(record: ZooRecord) -> go.Figure:
    """Four panels. Above: the slope with the pre-activations of the last layer counted under it, and the quantiles of
    the pre-activations over the layers. Below: gradient norm, and cosine between two inputs, over the layers.

    Tinted ground is where slopes are nearly flat. Pre-activations are drawn as asinh(z): even near 0, decades beyond.
    """
    last = record.z_quantiles[-1, -1]  # over it stands a number
    largest = max(np.arcsinh(np.abs(record.z_quantiles).max()), np.arcsinh(last) / 0.65)
    top = next(top for top in Z_FRAMES if largest <= np.arcsinh(top))
    tallest = max(np.abs(y).max() for y in (record.gradient_theory, record.gradient_band))
    height = next(step for step in FRAMES if tallest <= step)
    layers = layer_axis(record.depth) | {"showgrid": False}
    summit = 2.2 if record.slope_supremum > 1.2 else 1.5
    layout = {
        "meta": {"x": "layer"},
        "margin": {"l": 50, "r": 21, "t": 28, "b": 48},
        "xaxis": layers | {"domain": LEFT, "anchor": "y"},
        "yaxis": decades(height, step=height) | {"domain": LOWER},
        "xaxis2": layers | {"domain": RIGHT, "anchor": "y2"},
        "yaxis2": {"range": [-0.2, 1.1], "tickvals": [0, 0.5, 1], "domain": LOWER, "anchor": "x2", "zeroline": True},
        "xaxis3": {
            "range": [-EDGE - 0.5, EDGE + 0.5], "tickvals": [-5.2, -2, 0, 2, 5.2], "ticktext": ["<−5", "−2", "0", "2", ">5"],
            "domain": LEFT, "anchor": "y3", "showgrid": False,
        },
        "yaxis3": {"range": [-0.35, summit], "tickvals": [0, 1], "domain": UPPER, "anchor": "x3", "zeroline": True},
        "xaxis4": layers | {"domain": RIGHT, "anchor": "y4"},
        "yaxis4": _z_axis(top) | {"domain": UPPER, "anchor": "x4"},
        "annotations": _notes(record),
    }  # fmt: skip
    layout["shapes"] = [*_flat(record, layout), _supremum(record, layout)]
    return figure(_traces(record, summit), layout)


def _traces(record: ZooRecord, summit: float) -> list[dict]:
    who, at = record.activation, _drawn(record.depth)
    x, quantiles = record.layers[at].astype(float), marks.coarse(np.arcsinh(record.z_quantiles[at]), PARTS)
    cosine, slope, signal = ({"xaxis": f"x{i}", "yaxis": f"y{i}"} for i in (2, 3, 4))
    # round markers, so that a part of no length is a dot
    thick = {
        "line": {"color": colour(who), "width": 6},
        "marker": {"color": colour(who), "size": 5, "symbol": "circle"},
    }
    heights = marks.coarse(record.shares / record.shares.max() * 0.6 * summit, PARTS)
    return [
        marks.rail(x, record.gradient_theory[at], meta={"role": "theory", "column": "gradient, theory"}),
        marks.band(x, *marks.coarse(record.gradient_band[:, at], PARTS), who),
        marks.measured(x, record.gradient[at], who, markers=False, meta={"role": "measured", "column": "gradient"}),
        marks.rail(x, record.cosine_theory[at], **cosine,
                   meta={"role": "theory", "column": "cosine, theory", "format": "number"}),
        marks.band(x, *marks.coarse(record.cosine_band[:, at], PARTS), who, **cosine),
        marks.measured(x, record.cosine[at], who, markers=False, **cosine,
                       meta={"role": "cosine", "column": "cosine", "format": "number"}),
        {
            "type": "bar", "x": record.bins, "y": heights, "width": 0.5, "marker": {"color": colour(who)},
            "opacity": 0.35, "meta": {"role": "shares"}, **slope,
        },
        marks.line(record.z, record.slope, "slope", width=1.6, **slope),
        marks.measured(record.z[record.used], record.slope[record.used], who, meta={"role": "used"}, **thick, **slope),
        marks.band(x, quantiles[:, 0], quantiles[:, 4], who, **signal),
        marks.band(x, quantiles[:, 1], quantiles[:, 3], who, opacity=0.5, **signal),
    ]  # fmt: skip


def _notes(record: ZooRecord) -> list[dict]:
    right = {"xref": "paper", "yref": "paper", "xanchor": "right", "yanchor": "bottom", "wide": True}
    end, cosine, edge = record.depth, float(record.cosine[-1]), float(np.arcsinh(record.z_quantiles[-1, 4]))
    below = cosine > 0.5  # the number stands on the side of the curve that has room
    side = {"yanchor": "top", "yshift": -6} if below else {"yanchor": "bottom", "yshift": 6}
    flat = min(record.steep[0], EDGE)
    return [
        axis_note("↑ slope φ′(<i>z</i>), <i>z</i> →", y=UPPER[1]),
        axis_note("↑ signal <i>z</i>", y=UPPER[1]) | {"x": RIGHT[0]},
        axis_note("↑ gradient norm", y=LOWER[1]),
        axis_note("↑ cosine", y=LOWER[1]) | {"x": RIGHT[0]},
        note("bars: last layer’s <i>z</i>", x=LEFT[1], y=UPPER[1], **right),
        note("middle 90 % and 50 %", x=RIGHT[1], y=UPPER[1], **right),
        note("last layer = 1", x=LEFT[1], y=LOWER[1], **right),
        note("of two orthogonal inputs", x=RIGHT[1], y=LOWER[1], **right),
        note(LEGEND.format(networks=record.networks), x=0.5, y=0, xref="paper", yref="paper", yanchor="top", yshift=-24),
        note(f"≤ {number(record.slope_supremum)}", x=-EDGE - 0.4, y=record.slope_supremum, xref="x3", yref="y3",
             xanchor="left", yanchor="bottom"),
        note("flat", x=(max(flat, -EDGE) - EDGE) / 2, y=-0.19, xref="x3", yref="y3", yanchor="middle",
             visible=flat > 2.4 - EDGE),
        note(f"rms {power(float(record.log10_z_rms[-1]))}", colour_name="ink", x=end, y=edge, xref="x4", yref="y4",
             xanchor="right", yanchor="bottom"),
        note(f"<b>{_short(cosine)}</b>", colour_name="ink", x=end, y=cosine, xref="x2", yref="y2", xanchor="right", **side),
    ]  # fmt: skip


def _short(cosine: float) -> str:
    return ">0.999" if cosine >= 0.9995 else f"{cosine:.3f}".replace("-", "−")


def _drawn(depth: int) -> np.ndarray:
    """Indices of the layers drawn: all, or about ``DRAWN`` of them."""
    if depth <= DRAWN:
        return np.arange(depth)
    return np.unique(np.round(np.linspace(0, 1, DRAWN) ** 1.5 * (depth - 1)).astype(int))


def _z_axis(top: float) -> dict:
    ticks = [-tick for tick in reversed(Z_FRAMES[top])] + [0, *Z_FRAMES[top]]
    words = [_z_word(tick) for tick in ticks]
    edge = float(np.arcsinh(top)) * 1.06
    return {"range": [-edge, edge], "tickvals": np.arcsinh(ticks).tolist(), "ticktext": words, "zeroline": True}


def _z_word(tick: float) -> str:
    size = f"{abs(tick):g}" if abs(tick) < 1e3 else ten_to(round(np.log10(abs(tick))))
    return f"−{size}" if tick < 0 else size


def _flat(record: ZooRecord, layout: dict) -> list[dict]:
    """Tinted ground where slopes are nearly flat, below and above the steep part, in both upper panels."""
    z, slopes, layers, signal = (layout[axis]["range"] for axis in ("xaxis3", "yaxis3", "xaxis4", "yaxis4"))
    shapes = []
    for ends in ((-np.inf, record.steep[0]), (record.steep[1], np.inf)):
        ground = {"type": "rect", "layer": "below", "line": {"width": 0}, "fillcolor": colour("muted"), "opacity": 0.12}
        across, up = np.clip(ends, *z).tolist(), np.clip(np.arcsinh(ends), *signal).tolist()
        shapes.append(_box("3", across, slopes) | ground | {"visible": across[0] < across[1]})
        shapes.append(_box("4", layers, up) | ground | {"visible": up[0] < up[1]})
    return shapes


def _box(panel: str, x, y) -> dict:
    return {"xref": f"x{panel}", "x0": x[0], "x1": x[1], "yref": f"y{panel}", "y0": y[0], "y1": y[1]}


def _supremum(record: ZooRecord, layout: dict) -> dict:
    line = {"color": colour("muted"), "width": 1, "dash": "dot"}
    ends = _box("3", layout["xaxis3"]["range"], [record.slope_supremum] * 2)
    return ends | {"type": "line", "line": line, "layer": "below"}
