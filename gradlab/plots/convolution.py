"""A convolution: on the left its matrix and its factor by fan-in, on the right signal and gradient over the layers."""

import numpy as np
import plotly.graph_objects as go

from gradlab.plots import marks
from gradlab.records import ConvolutionRecord
from gradlab.style import STRIP, axis_note, colour, decades_between, figure, frame, layer_axis, note

WHO = "relu"
LEFT, RIGHT = (0.0, 0.36), (0.5, 1.0)
PICTURE, FACTOR = (0.42, 1.0), (0.0, 0.24)
SIZES, RATIO = (0.36, 1.0), (0.0, 0.18)
DRAWN = 11  # layers at most, evenly spaced
REACH = (1, 2, 3, 5, 10, 15, 20, 25, 30, 40, 50, 70, 100)  # decades
LEGEND = "grey: theory, pale: 10–90 % of {networks} nets"
#: opacity of a cell by the rank of its number, lowest to highest
TINTS = (0.2, 0.4, 0.65)
FACTORS = (0.03, 0.1, 0.3, 1)
FAN_INS = (100, 10_000)
MOST_LINES = 7  # of an image


def convolution(record: ConvolutionRecord) -> go.Figure:
    """Four panels. Left: the matrix between two channels, tinted by its numbers, the copies of one of them in ink; and
    the factor per layer against the fan-in k^2 c, both in decades, with a dot where this state stands.

    Right: rms of the signal, input = 1, and norm of the gradient, last layer = 1, over the layers, theory as the rail;
    and the strip of measured over theory.
    """
    at = _drawn(record.depth)
    x = record.layers[at].astype(float)
    gradient, gradient_theory, gradient_strip = _curve(
        record.gradient, record.gradient_band, record.gradient_theory, at
    )
    signal, signal_theory, signal_strip = _curve(record.signal, record.signal_band, record.signal_theory, at)
    low, high = _frame(gradient, gradient_theory, signal, signal_theory)
    strip, factor = {"xaxis": "x", "yaxis": "y2"}, {"xaxis": "x4", "yaxis": "y4"}
    hollow = {"color": colour(WHO), "size": 6, "symbol": "circle-open"}
    traces = [
        marks.rail(x, gradient_theory, meta={"role": "theory", "column": "gradient, theory"}),
        marks.rail(x, signal_theory, meta={"role": "theory", "column": "signal, theory"}),
        marks.measured(x, gradient, WHO, meta={"role": "measured", "column": "gradient"}),
        marks.measured(x, signal, WHO, meta={"role": "signal", "column": "signal"}, marker=hollow),
        marks.band(x, *gradient_strip[1:], WHO, **strip),
        marks.band(x, *signal_strip[1:], WHO, **strip),
        marks.measured(x, gradient_strip[0], WHO, markers=False, meta={"role": "strip"}, **strip),
        marks.measured(x, signal_strip[0], WHO, markers=False, meta={"role": "strip"}, **strip),
        *_cells(record),
        marks.rail(np.log10(record.fan_ins), record.factors, **factor),
        marks.dots(np.log10([record.fan_in]), np.log10([record.factor_measured]), "here", cliponaxis=False, **factor),
    ]
    pixels = record.matrix.matrix.shape[0]
    step = next(step for step in (1, 2, 5, 10, 25) if high - low <= 6 * step)
    layout = {
        "meta": {"x": "layer"},
        "margin": {"l": 50, "r": 14, "t": 30, "b": 48},
        "xaxis": layer_axis(record.depth, room=0.03) | {"domain": RIGHT, "anchor": "y2"},
        "yaxis": decades_between(low, high, step, room=0.04) | {"domain": SIZES},
        "yaxis2": _strip(frame(gradient_strip, signal_strip)) | {"domain": RATIO, "tickfont": {"size": 12}},
        "xaxis3": {"range": [0, pixels], "tickvals": [], "domain": LEFT, "anchor": "y3"},
        "yaxis3": {
            "range": [-pixels, 0], "tickvals": [], "domain": PICTURE, "anchor": "x3", "showgrid": False,
        },
        "xaxis4": {
            "range": [1.1, 4.6], "tickvals": np.log10(FAN_INS).tolist(), "ticktext": [f"{n:,}" for n in FAN_INS],
            "domain": LEFT, "anchor": "y4", "tickangle": 0,
        },
        "yaxis4": {
            "range": [-1.7, 0.3], "tickvals": np.log10(FACTORS).tolist(), "ticktext": [f"{f:g}" for f in FACTORS],
            "domain": FACTOR, "anchor": "x4", "zeroline": True,
        },
        "shapes": _grid(record),
        "annotations": _notes(record, high - low),
    }  # fmt: skip
    return figure(traces, layout)


def _curve(measured, band, expected, at):
    """Measured and expected at some layers, and measured over expected: the line, and the ends of its band."""
    return measured[at], expected[at], (np.vstack([measured, band]) - expected)[:, at]


def _cells(record: ConvolutionRecord) -> list[dict]:
    """One trace a tint, and one in ink for the copies; a bar a cell."""
    numbers, copies = record.matrix.matrix, record.matrix.copies
    filled = (numbers != 0) & ~copies
    ends = np.quantile(record.matrix.kernel, np.arange(1, len(TINTS)) / len(TINTS))
    step = np.searchsorted(ends, numbers)
    looks = [(filled & (step == i), "theory", tint) for i, tint in enumerate(TINTS)] + [(copies, "ink", 1.0)]
    return [_squares(there, paint, opacity) for there, paint, opacity in looks]


def _squares(there, paint: str, opacity: float) -> dict:
    rows, columns = np.nonzero(there)
    return {
        "type": "bar", "x": columns + 0.5, "y": -np.ones(len(rows)), "base": -1.0 * rows, "width": 1.0, "offset": -0.5,
        "marker": {"color": colour(paint), "line": {"width": 0}}, "opacity": opacity, "xaxis": "x3", "yaxis": "y3",
        "meta": {"role": "copies" if paint == "ink" else "cells"},
    }  # fmt: skip


def _grid(record: ConvolutionRecord) -> list[dict]:
    """The frame of the matrix and of its blocks, one for each pair of lines of the image."""
    size, pen = len(record.matrix.matrix), {"color": colour("theory"), "width": 1}
    ends = np.minimum(np.arange(MOST_LINES + 1), record.side).tolist()  # the same number of lines in every state
    ends = [end * record.side for end in ends]
    across = [{"xref": "x3", "x0": 0, "x1": size, "yref": "y3", "y0": -end, "y1": -end} for end in ends]
    down = [{"xref": "x3", "x0": end, "x1": end, "yref": "y3", "y0": -size, "y1": 0} for end in ends]
    return [{"type": "line", "line": pen} | line for line in across + down]


def _drawn(depth: int) -> np.ndarray:
    """Indices of the layers drawn: all, or ``DRAWN`` of them."""
    return np.unique(np.round(np.linspace(0, depth - 1, min(depth, DRAWN))).astype(int))


def _frame(*log10_values) -> tuple[float, float]:
    """Lowest and highest power of the panel, in steps; neither is nearer to 1 than a quarter of the other."""
    values = np.concatenate(log10_values)
    down, up = (next(step for step in REACH if amount <= 0.9 * step) for amount in (-values.min(), values.max()))
    return -max(down, up / 4), max(up, down / 4)


def _strip(half_height: int) -> dict:
    if half_height == 1:
        return STRIP
    edge = half_height * 1.15
    words = [f"÷10<sup>{half_height}</sup>", "=", f"×10<sup>{half_height}</sup>"]
    return STRIP | {"range": [-edge, edge], "tickvals": [-half_height, 0, half_height], "ticktext": words}


def _notes(record: ConvolutionRecord, span: float) -> list[dict]:
    copies = np.count_nonzero(record.matrix.copies)
    corner = {"xref": "paper", "yref": "paper", "xanchor": "right", "yanchor": "bottom", "wide": True}
    return [
        axis_note(f"■ one number, {copies} copies", y=PICTURE[1], xshift=-40, colour_name="ink"),
        axis_note("↑ factor per layer by k²c →", y=FACTOR[1], xshift=-40),
        axis_note("↑ size by layer →", y=SIZES[1]) | {"x": RIGHT[0]},
        axis_note("↑ measured ÷ theory", y=RATIO[1]) | {"x": RIGHT[0]},
        note("in the matrix", x=LEFT[1], y=PICTURE[1], **corner),
        note("input = 1, last gradient = 1", x=RIGHT[1], y=SIZES[1], **corner),
        note(LEGEND.format(networks=record.networks), x=0.5, y=0, xref="paper", yref="paper", yanchor="top", yshift=-24),
        *_names(record, span),
    ]  # fmt: skip


def _names(record: ConvolutionRecord, span: float) -> list[dict]:
    """Beside the last layer, each on the side that no curve crosses; the signal's below its start where it stays level.

    span: decades that the panel holds.
    """
    signal, gradient = record.signal, record.gradient
    end, lowest = float(signal[-1]), float(signal.min())
    over, under = {"yanchor": "bottom", "yshift": 6}, {"yanchor": "top", "yshift": -6}
    grows = end > 0.3
    place = {"x": record.depth, "xanchor": "right", "y": end} | (over if grows else under)
    if not grows and min(lowest, gradient.min()) > -0.5:
        place |= {"x": 1, "xanchor": "left", "y": min(lowest, float(gradient.min()))}
    elif lowest - gradient[int(0.38 * record.depth)] > 0.17 * span:  # room for a name above the gradient
        place |= {"x": 1, "xanchor": "left", "y": lowest}
    top = max(float(signal[record.depth // 2 :].max()), 0.0)
    last = {"x": record.depth, "xanchor": "right"} | ({"y": 0.0} | under if grows else {"y": top} | over)
    shared = {"xref": "x", "yref": "y", "colour_name": "ink"}
    return [note("gradient ▲", **last, **shared), note("signal ○", **place, **shared)]
