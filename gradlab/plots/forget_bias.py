"""The gate that keeps a memory and its half-life on the left; what is left after every step on the right."""

import numpy as np
import plotly.graph_objects as go

from gradlab.plots import marks
from gradlab.records import ForgetBiasRecord
from gradlab.style import axis_note, decades_between, figure, note, number

LEFT, RIGHT = (0.0, 0.32), (0.53, 1.0)
UPPER, LOWER = (0.57, 1.0), (0.0, 0.43)
WHO = {"lstm": "sigmoid", "gru": "gelu"}  # whose colours they share in the whole book
DRAWN = 36  # steps at most, closer together at the first ones, where a linear axis needs them
#: decades from 1 that the right panel may reach, and the steps of its ticks
REACH = {1: 1, 2: 1, 3: 1, 5: 1, 10: 2, 15: 5, 30: 10, 40: 10, 60: 20, 100: 20, 200: 50, 400: 100, 1000: 200}
GATE = "bias of the gate"
LEGEND = "grey: theory, pale: 10–90 % of {networks} nets"


def forget_bias(record: ForgetBiasRecord) -> go.Figure:
    """Left, one above the other over the bias: the gate, with a mark that can be dragged, and its half-life in decades;
    the dotted line is the length. Right, over the steps and in decades: the power of the gate as the rail, the
    measured product of the gates on it, the gradient along all paths, and, thin, the powers for the biases 0 to 7.
    """
    low, high = _frame(record)
    who, at = WHO[record.cell], _drawn(record.length)
    x = at.astype(float)
    gate, life = ({"xaxis": f"x{i}", "yaxis": f"y{i}"} for i in (2, 3))
    traces = [
        marks.rail(x, record.log10_theory[at], meta={"role": "theory", "column": "gate alone, theory"}),
        *(_other(at, line[at], low) for line in record.family),
        marks.band(x, record.log10_low[at], record.log10_high[at], who),
        marks.line(x, record.log10_direct[at], "direct", "ink", 1.6,
                   meta={"role": "direct", "column": "gate alone, measured"}),
        marks.measured(x, record.log10_total[at], who, markers=False,
                       meta={"role": "measured", "column": "all paths, measured"}),
        _half(record, low),
        marks.line(record.biases, record.gates, "gate", width=1.6, **gate),
        marks.dots(np.array([record.bias], float), np.array([record.gate]), "handle", cliponaxis=False,
                   meta={"role": "handle", "handle": {"x": {"control": "bias"}, "label": GATE}}, **gate),
        marks.rail(record.biases, np.log10(record.half_lives), meta={"role": "family", "sets": "bias"}, **life),
        marks.dots(np.array([record.bias], float), np.log10([record.half_life]), "here", cliponaxis=False, **life),
    ]  # fmt: skip
    biases = {"range": [-2.4, 8.4], "tickvals": [0, 4, 8], "domain": LEFT}
    layout = {
        "meta": {"x": "step"},
        "margin": {"l": 46, "r": 70, "t": 30, "b": 48},
        "xaxis": {
            "range": [-0.02 * record.length, 1.02 * record.length], "tickvals": _ticks(record.length),
            "domain": RIGHT, "anchor": "y",
        },
        "yaxis": decades_between(low, high, _step(low, high)) | {"anchor": "x"},
        "xaxis2": biases | {"anchor": "y2", "ticktext": ["", "", ""]},
        "yaxis2": {"range": [-0.05, 1.05], "tickvals": [0, 0.5, 1], "domain": UPPER, "anchor": "x2"},
        "xaxis3": biases | {"anchor": "y3"},
        "yaxis3": {
            "range": [-1.6, 3.7], "tickvals": [0, 1, 2, 3], "ticktext": ["1", "10", "100", "1000"],
            "domain": LOWER, "anchor": "x3",
        },
        "shapes": [_length(record)],
        "annotations": [
            axis_note("↑ gate σ(<i>b</i>)"),
            axis_note("↑ steps to half", y=LOWER[1]),
            axis_note("↑ gradient left, step →") | {"x": RIGHT[0]},
            note("bias <i>b</i> →", x=8.4, y=-1.6, xref="x3", yref="y3", xanchor="right", yanchor="bottom"),
            note("thin: <i>b</i> = 0 to 7", wide=True, x=1, y=1, xref="paper", yref="paper", xanchor="right",
                 yanchor="bottom", xshift=66),
            note("length", wide=True, x=8.4, y=float(np.log10(record.length)), xref="x3", yref="y3", xanchor="left",
                 yanchor="middle", xshift=4),
            note(LEGEND.format(networks=record.networks), x=0.5, y=0, xref="paper", yref="paper", yanchor="top",
                 yshift=-24),
            _keeps(record),
            _half_life(record),
            _half_name(record, low),
            *_names(record),
        ],
    }  # fmt: skip
    return figure(traces, layout)


def _drawn(length: int) -> np.ndarray:
    """The steps drawn: all, or about ``DRAWN`` of them."""
    if length < DRAWN:
        return np.arange(length + 1)
    return np.unique(np.round(np.linspace(0, 1, DRAWN) ** 2 * length).astype(int))


def _frame(record: ForgetBiasRecord) -> tuple[float, float]:
    """Lowest and highest power of the right panel, in steps; up at least a sixth as far as down, and down one decade."""
    lowest = min(line.min() for line in (record.log10_theory, record.log10_direct, record.log10_low))
    highest = record.log10_high.max()
    down, up = (next(step for step in REACH if amount <= step) for amount in (-lowest, highest))
    return float(-down), float(max(up if highest > 0.05 else 0, down / 6))


def _step(low: float, high: float) -> int:
    return REACH[next(reach for reach in REACH if max(-low, high) <= reach)]


def _ticks(length: int) -> list[int]:
    """Few: the panel is narrow on a phone."""
    return [0, length] if length == 1 else [0, length // 2, length]


def _other(at, line, low: float) -> dict:
    """The power of another gate; where it leaves the frame it ends at the lower edge."""
    inside = line >= low
    x, y = at[inside].astype(float), line[inside]
    if not inside.all():
        x, y = np.append(x, low * at[-1] / line[-1]), np.append(y, low)
    return marks.line(x, y, "others", "theory", opacity=0.5)


def _half(record: ForgetBiasRecord, low: float) -> dict:
    """From the point at one half down to the axis, where the half-life is short enough to be in the frame."""
    seen = record.half_life <= record.length
    x, y = (np.full(2, record.half_life), np.array([np.log10(0.5), low])) if seen else (marks.NOTHING, marks.NOTHING)
    return marks.line(x, y, "half", "ink", dash="dot")


def _half_name(record: ForgetBiasRecord, low: float) -> dict:
    """Beside the foot of that line, on the side where there is room."""
    left = record.half_life < 0.5 * record.length
    return note(
        "half-life", wide=True, x=float(min(record.half_life, record.length)), y=low, xref="x", yref="y",
        xanchor="left" if left else "right", yanchor="bottom", xshift=4 if left else -4,
        visible=bool(record.half_life <= record.length),
    )  # fmt: skip


def _keeps(record: ForgetBiasRecord) -> dict:
    """The gate's value near the mark, under the curve."""
    side = {"x": record.bias, "xanchor": "left", "xshift": 9}
    side |= {"yanchor": "middle", "yshift": -2} if record.bias <= 0 else {"yanchor": "top"}
    if record.bias >= 3:
        side = {"x": 8.4, "xanchor": "right", "yanchor": "top", "yshift": -9}
    text = number(record.gate, 4 if record.gate > 0.99 else 3)
    return note(text, colour_name="ink", y=record.gate, xref="x2", yref="y2", **side)


def _half_life(record: ForgetBiasRecord) -> dict:
    """The half-life beside its mark: under the line on its left part, over it on its right one."""
    side = {"xanchor": "right", "xshift": -9} if record.bias > 3 else {"xanchor": "left", "xshift": 9}
    place = {"x": record.bias, "y": float(np.log10(record.half_life)), "xref": "x3", "yref": "y3"}
    return note(number(record.half_life), colour_name="ink", yanchor="middle", **place, **side)


def _length(record: ForgetBiasRecord) -> dict:
    """The length, in the panel of half-lives."""
    y = float(np.log10(record.length))
    return marks.level(y, yref="y3", xref="x3", x0=-2.4, x1=8.4)


def _names(record: ForgetBiasRecord) -> list[dict]:
    """The names of the two measured lines at their right ends, the upper one a line of text over the lower one."""
    ends = {"all paths": float(record.log10_total[-1]), "the gate": float(record.log10_direct[-1])}
    upper = "all paths" if ends["all paths"] >= ends["the gate"] else "the gate"
    return [
        note(name, colour_name="ink", x=record.length, y=y, xref="x", yref="y", xanchor="left", yanchor="middle",
             xshift=8, yshift=12 if name == upper else -5)
        for name, y in ends.items()
    ]  # fmt: skip
