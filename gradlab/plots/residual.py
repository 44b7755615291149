"""The gradient over residual blocks on its rail, the strip of their ratio, and below what all scales of the branch do."""

import numpy as np
import plotly.graph_objects as go

from gradlab.plots import marks
from gradlab.records import ResidualRecord
from gradlab.style import axis_note, decades_ticked, figure, frame_between, note, round_up, strip

WHO = "relu"
UPPER, STRIPE, LOWER = (0.6, 1.0), (0.4, 0.5), (0.0, 0.25)
NAMES_FROM = 0.75  # the curves of the lower panel end here, before their names
NAMES = {"alpha": "α", "root": "α/√L", "depth": "α/L", "alone": "no shortcut"}
DRAWN = 21  # blocks at most
SCALE = "scale of the branch"


def residual(record: ResidualRecord) -> go.Figure:
    """Above, the gradient of the stream before the first block and after every block, in decades about its size after the
    last; then measured over theory. Below, theory for so many blocks against the scale; the mark, which can be dragged, is
    the measurement. In both panels the rail is theory for this kind of block, thin lines are theory for the others.
    """
    silent = not np.isfinite(record.measured[0])
    at = np.unique(np.round(np.linspace(0, record.blocks, min(record.blocks + 1, DRAWN))).astype(int))
    low, high = frame_between(record.low, record.high, record.theory)
    x, y, expected = at.astype(float), record.measured[at], record.theory[at]
    if silent:  # down to the floor within the last block
        x, y, expected = np.array([record.blocks - 1.0, record.blocks]), np.array([low, 0]), np.array([low, 0])
        ratios = np.empty((3, 0))
    else:
        ratios = np.stack([record.low, record.measured, record.high])[:, at] - expected
    reach = round_up(np.abs(ratios).max(initial=0), (1, 2, 3, 5))
    ratio, family = ({"xaxis": f"x{i}", "yaxis": f"y{i}"} for i in (2, 3))
    floor, top = frame_between(np.maximum(record.family, 0), record.measured[0])
    here, total = record.branches.index(record.branch), max(float(record.measured[0]), floor)
    others = [i for i in range(len(record.branches)) if i != here]
    traces = [
        marks.rail(x, expected, meta={"role": "theory", "column": "theory"}),
        *(marks.line(*marks.cut(at, record.profiles[i][at], low, high), "others", "theory", 1.6) for i in others),
        _band(record.low, record.high, at, silent),
        marks.measured(x, y, WHO, markers=False, meta={"role": "measured", "column": "measured"}),
        marks.dots(x[:1] if silent else marks.NOTHING, y[:1] if silent else marks.NOTHING, "overflow", "ink", 13,
                   "triangle-down", cliponaxis=False),
        marks.band(at if ratios.size else marks.NOTHING, *marks.coarse(ratios[[0, 2]]), WHO, **ratio),
        marks.measured(at.astype(float) if ratios.size else marks.NOTHING, marks.coarse(ratios[1]), WHO, markers=False,
                       meta={"role": "strip"}, **ratio),
        marks.rail(*marks.cut(record.scales, record.family[here], floor, top), meta={"role": "family", "sets": "scale"},
                   **family),
        *(marks.line(*marks.cut(record.scales, record.family[i], floor, top), "others", "theory", 1.6, **family)
          for i in others),
        marks.dots(np.array([record.scale], float), np.array([total]), "handle", WHO, 13, "triangle-up", cliponaxis=False,
                   meta={"role": "handle", "handle": {"x": {"control": "scale"}, "label": SCALE}}, **family),
    ]  # fmt: skip
    blocks = {"range": [-0.02 * record.blocks, 1.02 * record.blocks], "tickvals": _ticks(record.blocks)}
    layout = {
        "meta": {"x": "block"},
        "margin": {"l": 50, "r": 21, "t": 30, "b": 28},
        "xaxis": blocks | {"anchor": "y", "ticktext": [""] * len(blocks["tickvals"])},
        "yaxis": decades_ticked(low, high, 4) | {"domain": UPPER},
        "xaxis2": blocks | {"anchor": "y2"},
        "yaxis2": strip(reach) | {"domain": STRIPE},
        "xaxis3": {"range": [-0.04, 2.04], "tickvals": [0, 0.5, 1, 1.5, 2], "domain": [0, NAMES_FROM], "anchor": "y3"},
        "yaxis3": decades_ticked(floor, top, 3) | {"domain": LOWER},
        "annotations": [
            axis_note("↑ gradient norm, last block = 1; block →"),
            note("grey: theory, thin: the other kinds of block", wide=True, x=1, y=1, xref="paper", yref="paper", xanchor="right", yanchor="bottom"),
            axis_note(f"↑ measured ÷ theory, pale: all {record.networks} nets", y=STRIPE[1]),
            axis_note(f"↑ through {_all(record.blocks)}, branch scale α →", y=LOWER[1]),
            *_names(record, floor, top),
        ],
    }  # fmt: skip
    return figure(traces, layout)


def _band(low, high, at, silent: bool) -> dict:
    if silent:
        return marks.band(marks.NOTHING, marks.NOTHING, marks.NOTHING, WHO)
    return marks.band(at.astype(float), *marks.coarse(np.stack([low, high])[:, at]), WHO)


def _all(blocks: int) -> str:
    return "1 block" if blocks == 1 else f"{blocks} blocks"


def _ticks(blocks: int) -> list[int]:
    """0, the last block, and round numbers between them."""
    step = next(s for s in (1, 2, 5, 10, 20, 25) if blocks / s <= 5)
    return list(range(0, blocks + 1, step))


def _names(record: ResidualRecord, floor: float, top: float) -> list[dict]:
    """The kinds of branches beside the ends of their curves, the chosen one in bold; the others not on a phone."""
    ends = marks.apart(np.clip(record.family[:, -1], floor, top), 0.22 * (top - floor))
    ends -= max(ends.max() - top, 0) + min(ends.min() - floor, 0)  # a note outside of the frame is not drawn
    return [
        note(f"<b>{NAMES[branch]}</b>" if branch == record.branch else NAMES[branch], colour_name="ink",
             wide=branch != record.branch, x=2.04, y=float(y), xref="x3", yref="y3", xanchor="left", yanchor="middle",
             xshift=4)
        for branch, y in zip(record.branches, ends, strict=True)
    ]  # fmt: skip
