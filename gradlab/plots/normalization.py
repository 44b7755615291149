"""The gradient over normalized layers on its rail, the strip of their ratio, and below the factor a layer by the batch."""

import numpy as np
import plotly.graph_objects as go

from gradlab.plots import marks
from gradlab.records import NormalizationRecord
from gradlab.style import axis_note, decades_ticked, figure, frame_between, layer_axis, marker, note, round_up, strip

UPPER, STRIPE, LOWER = (0.6, 1.0), (0.4, 0.5), (0.0, 0.25)
NAMES_FROM = 0.8  # the curves of the lower panel end here, before their names
NAMES = {"none": "none", "batch": "batch", "layer": "layer", "rms": "RMS"}
DRAWN = 26  # layers at most
TICKS = (4, 8, 16, 32, 64, 128, 256, 512)
FACTORS = (0.0, 1.9)
LOWEST = 0.25  # of a name, so that it stands clear of the ticks
BATCH = "examples in a batch"


def normalization(record: NormalizationRecord) -> go.Figure:
    """Above, gradient norm against layer in decades about 1, the last layer, dotted for the same networks without
    normalization; then measured over theory. Below, the factor a layer against the batch; the mark, which can be dragged,
    is the measurement. In both panels the rail is theory for this normalization, thin lines are theory for the others.
    """
    who, here = record.activation, record.normalizations.index(record.normalization)
    at = np.unique(np.round(np.linspace(0, record.depth - 1, min(record.depth, DRAWN))).astype(int))
    x, (low, high) = record.layers[at].astype(float), np.stack([record.low, record.high])[:, at]
    expected, others = record.theory[at], [i for i in range(len(record.normalizations)) if i != here]
    normalized = [i for i in others if record.normalizations[i] != "none"][:2]  # layer and RMS are one line
    batches, ends = np.log10(record.batches), [np.log10(record.batches[0]), np.log10(record.batches[-1])]
    reach = round_up(max(np.abs(low - expected).max(), np.abs(high - expected).max()), (1, 2, 3, 5, 8))
    ratio, family = ({"xaxis": f"x{i}", "yaxis": f"y{i}"} for i in (2, 3))
    frame = frame_between(record.profiles, low, high, record.plain)
    handle = {"x": {"control": "batch", "at": batches.tolist()}, "label": BATCH}
    traces = [
        marks.rail(x, expected, meta={"role": "theory", "column": "theory"}),
        *(marks.line(x, marks.coarse(record.profiles[i][at]), "others", "theory", 1.6) for i in normalized),
        marks.line(x, marks.coarse(record.plain[at]), "plain", who, 2, dash="dot"),
        marks.band(x, *marks.coarse(np.stack([low, high])), who),
        marks.measured(x, record.measured[at], who, markers=False, meta={"role": "measured", "column": "measured"}),
        marks.band(x, *marks.coarse(np.stack([low, high]) - expected), who, **ratio),
        marks.measured(x, marks.coarse(record.measured[at] - expected), who, markers=False, meta={"role": "strip"}, **ratio),
        marks.rail(batches, record.factors[here], meta={"role": "family", "sets": "batch", "values": record.batches.tolist()},
                   **family),
        *(marks.line(batches, record.factors[i], "others", "theory", 1.6, **family) for i in others),
        marks.dots(np.log10([record.batch]), np.array([record.factor_measured]), "handle", who, 13, marker(who),
                   cliponaxis=False, meta={"role": "handle", "handle": handle}, **family),
    ]  # fmt: skip
    layers = layer_axis(record.depth)
    layout = {
        "meta": {"x": "layer"},
        "margin": {"l": 50, "r": 21, "t": 30, "b": 28},
        "xaxis": layers | {"anchor": "y", "ticktext": [""] * len(layers["tickvals"])},
        "yaxis": decades_ticked(*frame, 5) | {"domain": UPPER},
        "xaxis2": layers | {"anchor": "y2"},
        "yaxis2": strip(reach) | {"domain": STRIPE},
        "xaxis3": {
            "range": [ends[0] - 0.05, ends[1] + 0.05], "tickvals": np.log10(TICKS).tolist(),
            "ticktext": [str(tick) for tick in TICKS], "domain": [0, NAMES_FROM], "anchor": "y3",
        },
        "yaxis3": {"range": list(FACTORS), "tickvals": [0, 1], "domain": LOWER, "zeroline": False},
        "annotations": [
            axis_note("↑ gradient norm, last layer = 1; layer →"),
            note("dotted: the same without, grey: theory", wide=True, x=1, y=1, xref="paper", yref="paper",
                 xanchor="right", yanchor="bottom"),
            axis_note(f"↑ measured ÷ theory, pale: all {record.networks} nets", y=STRIPE[1]),
            axis_note("↑ factor a layer, examples in a batch →", y=LOWER[1]),
            *_names(record),
        ],
    }  # fmt: skip
    return figure(traces, layout)


def _names(record: NormalizationRecord) -> list[dict]:
    """The normalizations beside the ends of their curves, the chosen one in bold; the others not on a phone."""
    ends = marks.apart(record.factors[:, -1], 0.22 * (FACTORS[1] - FACTORS[0]))
    ends -= max(ends.max() - FACTORS[1], 0) + min(ends.min() - LOWEST, 0)  # a note outside is not drawn
    return [
        note(f"<b>{NAMES[each]}</b>" if each == record.normalization else NAMES[each], colour_name="ink",
             wide=each != record.normalization, x=float(np.log10(record.batches[-1])) + 0.05, y=float(y), xref="x3",
             yref="y3", xanchor="left", yanchor="middle", xshift=4)
        for each, y in zip(record.normalizations, ends, strict=True)
    ]  # fmt: skip
