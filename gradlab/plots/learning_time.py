"""A mode of a deep linear network rises to its strength on Saxe's curve; below, how many steps that takes at any depth."""

import numpy as np
import plotly.graph_objects as go

from gradlab.plots import marks
from gradlab.records import LearningTimeRecord
from gradlab.style import axis_note, figure, note

WHO = "linear"
UPPER, LOWER = (0.52, 1.0), (0.0, 0.34)
DRAWN = 51  # steps at most
TOP = 4.0  # decades of the lower panel
STOPS = (1, 2, 3, 5, 10, 20, 50, 100)  # of the control
DEPTHS = (1, 2, 5, 10, 20, 50, 100)  # with a number
HANDLE = "number of layers"


def learning_time(record: LearningTimeRecord) -> go.Figure:
    """Above, the strength of the mode, 1 when learned, over the steps: Saxe's equation as the rail, gradient descent on it.
    Below, both for the steps it takes, in decades over the depth; the mark can be dragged, thin lines are other scales.
    """
    at = np.unique(np.round(np.linspace(0, record.steps, DRAWN)).astype(int))
    x, depths = at.astype(float), np.log10(record.depths)
    below = {"xaxis": "x2", "yaxis": "y2"}
    end = float(np.log10(record.steps))
    here = np.array([np.log10(record.depth)]), np.array([min(float(np.log10(record.learned)), end)])
    traces = [
        marks.rail(x, marks.coarse(record.theory[at]),
                   meta={"role": "theory", "column": "theory, aligned layers", "format": "number"}),
        marks.band(x, *(marks.coarse(np.clip(side[at], -0.19, 1.1)) for side in (record.low, record.high)), WHO),
        marks.measured(x, marks.coarse(record.mode[at]), WHO, markers=False,
                       meta={"role": "measured", "column": "measured", "format": "number"}),
        marks.rail(*marks.cut(depths, record.rail, 0, TOP), meta={"role": "family"}, **below),
        *(marks.line(*marks.cut(depths, line, 0, TOP), "others", "theory", 1.6, **below) for line in record.family),
        marks.dots(*here, "handle", WHO, 13, "circle" if np.isfinite(record.learned) else "triangle-up", cliponaxis=False,
                   meta={"role": "handle", "handle": {"x": {"control": "depth", "at": np.log10(STOPS).tolist()},
                                                      "label": HANDLE}}, **below),
    ]  # fmt: skip
    layout = {
        "meta": {"x": "step"},
        "margin": {"l": 52, "r": 21, "t": 30, "b": 28},
        "xaxis": {
            "range": [-0.02 * record.steps, 1.02 * record.steps], "anchor": "y",
            "tickvals": list(range(0, record.steps + 1, record.steps // 4)),
        },
        "yaxis": {"range": [-0.2, 1.12], "tickvals": [0, 0.5, 1], "domain": UPPER, "zeroline": True},
        "xaxis2": {
            "range": [-0.05, 2.05], "tickvals": np.log10(DEPTHS).tolist(), "ticktext": [str(d) for d in DEPTHS],
            "anchor": "y2",
        },
        "yaxis2": {
            "range": [-0.15, TOP + 0.15], "domain": LOWER, "tickvals": [0, 1, 2, 3, 4],
            "ticktext": ["1", "10", "100", "1000", "10<sup>4</sup>"],
        },
        "shapes": [marks.level(1.0), marks.level(end, yref="y2")],
        "annotations": [
            axis_note("↑ strength of the mode, 1: learned; step →"),
            axis_note("↑ steps to learn it; layers →", y=LOWER[1]),
            note("grey: theory, thin: other scales", wide=True, x=1, y=1, xref="paper", yref="paper", xanchor="right",
                 yanchor="bottom"),
            note(f"{record.steps} steps", wide=True, x=0, y=end, xref="x2", yref="y2", xanchor="left", yanchor="bottom"),
        ],
    }  # fmt: skip
    return figure(traces, layout)
