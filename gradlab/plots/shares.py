"""Which time steps the gradient of the recurrent weights comes from: a line a cell."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from gradlab.plots import marks
from gradlab.records import GradientTerms
from gradlab.style import axis_note, decades_between, figure, note, power, round_up

STEPS = (1, 2, 5, 10, 20, 50, 100)  # decades from tick to tick
NAMED = 0.08  # of the way from the first step to the last, where a line has its name


def shares(terms: Mapping[str, GradientTerms], activation: str = "tanh") -> go.Figure:
    """The norm of each step's term of dL/dW over that of the whole, in decades, against the step; terms that are 0 are
    left out. `terms` holds a record for each cell, by its name; all have the same number of steps.
    """
    last = max(record.steps for record in terms.values())
    traces, names, lowest = [], [], 0.0
    for name, record in terms.items():
        share = record.log10_term - record.log10_sum[0]
        step = np.arange(1.0, record.steps + 1)
        kept = np.isfinite(share)
        traces.append(marks.measured(step[kept], share[kept], activation, markers=False))
        at = int(NAMED * last)
        names.append(note(name, x=at + 1, y=float(share[at]), xref="x", yref="y", xanchor="left", yanchor="top",
                          yshift=-6, colour_name="ink"))  # fmt: skip
        lowest = min(lowest, share[kept].min())
    step = round_up(-lowest / 6, STEPS)
    layout = {
        "height": 400,
        "meta": {"x": "step"},
        "xaxis": {
            "range": [1 - 0.02 * last, 1.02 * last], "tickvals": np.linspace(0, last, 5).tolist(),
            "title": {"text": "time step →"},
        },
        "yaxis": decades_between(step * np.floor(lowest / step), 0, step),
        "annotations": [axis_note("↑ a step’s share of the gradient"), *names],
    }  # fmt: skip
    return figure(traces, layout, title=_title(terms), alt=_alt(terms))


def _last(record: GradientTerms) -> float:
    """log10 of the share of the last step."""
    return float(record.log10_term[-1] - record.log10_sum[0])


def _title(terms: Mapping[str, GradientTerms]) -> str:
    """The cells in which the last step counts most and least."""
    most, least = (pick(terms, key=lambda name: _last(terms[name])) for pick in (max, min))
    if most == least:
        return f"The last step’s share: {power(_last(terms[most]))}"
    return f"The last step’s share: {power(_last(terms[most]))} with {most}, {power(_last(terms[least]))} with {least}"


def _alt(terms: Mapping[str, GradientTerms]) -> str:
    each = []
    for name, record in terms.items():
        share = record.log10_term - record.log10_sum[0]
        first = int(np.argmax(np.isfinite(share)))
        each.append(f"{name}: {power(float(share[first]))} at step {first + 1}, {power(_last(record))} at the last")
    return f"A line a cell: the share of the gradient that comes from each time step. {'; '.join(each)}."
